"""The meters that share one Modbus address space (a TCP gateway or a line), and what each request is answered with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from protocols.clock import Clock
from simulators.devices.meter import Meter
from simulators.devices.registers import DEVICE_BUSY, GATEWAY_TARGET_SILENT, Refusal
from simulators.faults import REFUSING, SILENT, SLOW, WRONG
from simulators.ledger import Ledger
from simulators.wires.modbus_frames import exception_pdu, parse_pdu, registers_pdu


class Reply(NamedTuple):
    """What to put on the wire: None means silence. ``answer_id`` is the ledger's row of the values inside, if any."""

    pdu: bytes | None
    delay_s: float = 0.0
    garbled: bool = False
    answer_id: int | None = None


SILENCE = Reply(None)
POLL_GAP_S = 0.5
"""Requests of one poll follow each other faster than this."""

Mode = Literal["answering", "closing", "busy"]
"""closing: polls that were begun are answered to their end, new ones are not. busy: every request gets exception 6, so
that a gateway keeps what it has of a poll and does not wait for a time-out."""


class UnitRack:
    """Routes requests by unit id. ``knows_absent``: a TCP gateway says that a unit is silent, a line says nothing."""

    def __init__(self, meters: Iterable[Meter], ledger: Ledger, clock: Clock, *, knows_absent: bool) -> None:
        self._meters = {meter.unit: meter for meter in meters}
        self._ledger, self._clock, self._knows_absent = ledger, clock, knows_absent
        self.mode: Mode = "answering"
        self.served = 0
        self._asked_at: dict[int, float] = {}

    def _in_a_poll(self, unit: int) -> bool:
        return self._clock.monotonic() - self._asked_at.get(unit, float("-inf")) < POLL_GAP_S

    def answer(self, unit: int, pdu: bytes) -> Reply:
        """The reply to one request; values in it are in the ledger before this returns."""
        meter = self._meters.get(unit)
        if self.mode == "busy":
            return Reply(exception_pdu(pdu[0], DEVICE_BUSY)) if meter and pdu else SILENCE
        if self.mode == "closing" and not self._in_a_poll(unit):
            return SILENCE
        self._asked_at[unit] = self._clock.monotonic()
        if meter is None:
            return Reply(exception_pdu(pdu[0], GATEWAY_TARGET_SILENT)) if self._knows_absent and pdu else SILENCE
        if meter.fault.kind == SILENT:
            return SILENCE
        request = parse_pdu(unit, pdu)
        if isinstance(request, int):
            return Reply(exception_pdu(pdu[0] if pdu else 0, request))
        if meter.fault.kind == REFUSING:
            return Reply(exception_pdu(request.function, meter.fault.code))
        now_ms = self._clock.now_ms()
        answer = meter.read(request.function, request.first, request.words, now_ms)
        if isinstance(answer, Refusal):
            return Reply(exception_pdu(request.function, answer.code))
        reply = registers_pdu(request.function, answer.words)
        if meter.fault.kind == WRONG:
            return Reply(reply, garbled=True)
        delay_s = meter.fault.delay_s if meter.fault.kind == SLOW else 0.0
        self.served += 1
        row = self._ledger.answered(meter.device, now_ms, answer.points, answer.values, delay_s=delay_s)
        return Reply(reply, delay_s=delay_s, answer_id=row)
