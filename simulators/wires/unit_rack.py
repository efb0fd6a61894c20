"""The units that share one Modbus address space (a TCP gateway or a line), and what each request is answered with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from protocols.clock import Clock
from simulators import faults
from simulators.devices.unit import DEVICE_BUSY, GATEWAY_TARGET_SILENT, WRITES, Refusal, Unit
from simulators.faults import NO_FAULT, Fault
from simulators.ledger import Ledger
from simulators.wires.damage import NOISE, READABLE, Damage
from simulators.wires.modbus_frames import Request, answer_pdu, exception_pdu, parse_pdu, written_pdu


class Reply(NamedTuple):
    """What to put on the wire: None means silence. ``answer_id`` is the ledger's row of the values inside, if any.

    late: hold it until the next request, and send it in front of that one's answer. close: end the connection.
    """

    pdu: bytes | None
    delay_s: float = 0.0
    damage: Damage = ""
    answer_id: int | None = None
    late: bool = False
    close: bool = False

    @property
    def garbled(self) -> bool:
        return self.damage != ""


class Heard(NamedTuple):
    """One request and what became of it, for people: ``outcome`` is "ok", "exception 2", "silent" and the like."""

    at_ms: int
    device: str
    unit: int
    request: Request | None
    outcome: str


SILENCE = Reply(None)
POLL_GAP_S = 0.5
"""Requests of one poll follow each other faster than this."""
BROADCAST = 0

Mode = Literal["answering", "closing", "busy"]
"""closing: polls that were begun are answered to their end, new ones are not. busy: every request gets exception 6, so
that a gateway keeps what it has of a poll and does not wait for a time-out."""


class UnitRack:
    """Routes requests by unit id. ``knows_absent``: a TCP gateway says that a unit is silent, a line says nothing.

    always: faults of the line itself, from the beginning. serial: units that want silence between requests get it.
    """

    def __init__(
        self,
        units: Iterable[Unit],
        ledger: Ledger,
        clock: Clock,
        *,
        knows_absent: bool,
        serial: bool = False,
        always: Sequence[Fault] = (),
        rng: random.Random | None = None,
    ) -> None:
        self._units = {unit.unit: unit for unit in units}
        self._ledger, self._clock, self._knows_absent, self._serial = ledger, clock, knows_absent, serial
        self._always = tuple(always)
        self.rng = rng or random.Random(0)
        self.fault: Fault = NO_FAULT
        self.mode: Mode = "answering"
        self.served = 0
        self.on_heard: Callable[[Heard], None] | None = None
        self._asked_at: dict[int, float] = {}
        self._spoke_at: dict[int, float] = {}
        self._out_of_step = False

    def _in_a_poll(self, unit: int) -> bool:
        return self._clock.monotonic() - self._asked_at.get(unit, float("-inf")) < POLL_GAP_S

    def answer(self, unit: int, pdu: bytes) -> Reply:
        """The reply to one request; values in it are in the ledger before this returns."""
        target = self._units.get(unit)
        request = parse_pdu(unit, pdu)
        reply = self._answer(unit, pdu, target, request)
        if self.on_heard is not None:
            name = target.device if target else ""
            known = request if isinstance(request, Request) else None
            self.on_heard(Heard(self._clock.now_ms(), name, unit, known, _outcome(reply)))
        return reply

    def speaks(self, unit: int) -> None:
        """A serial line begins to send the answer of ``unit``."""
        self._spoke_at[unit] = self._clock.monotonic()

    def _answer(self, unit: int, pdu: bytes, target: Unit | None, request: Request | int) -> Reply:
        if self.mode == "busy":
            return Reply(exception_pdu(pdu[0], DEVICE_BUSY)) if target and pdu else SILENCE
        if self.mode == "closing" and not self._in_a_poll(unit):
            return SILENCE
        self._asked_at[unit] = self._clock.monotonic()
        if unit == BROADCAST and isinstance(request, Request) and request.function in WRITES:
            for each in self._units.values():
                self._write(each, request)
            return SILENCE
        fault = self._hit(target.fault if target else NO_FAULT)
        if target is None:
            known = self._knows_absent and pdu and fault.kind not in (faults.SILENT, faults.CLOSING)
            return Reply(exception_pdu(pdu[0], GATEWAY_TARGET_SILENT)) if known else SILENCE
        if fault.kind == faults.SILENT or self._too_soon(target):
            return SILENCE
        if fault.kind == faults.CLOSING:
            return Reply(None, close=True)
        if isinstance(request, int):
            return Reply(exception_pdu(pdu[0] if pdu else 0, request))
        if fault.kind in (faults.REFUSING, faults.GATEWAY_SILENT):
            code = fault.code if fault.kind == faults.REFUSING else GATEWAY_TARGET_SILENT
            return Reply(exception_pdu(request.function, code))
        if request.function in WRITES:
            refused = self._write(target, request)
            done = written_pdu(pdu) if refused is None else exception_pdu(request.function, refused.code)
            return self._sent(target, fault, done, (), ())
        answer = target.read(request.function, request.first, request.quantity, self._clock.now_ms())
        if isinstance(answer, Refusal):
            return Reply(exception_pdu(request.function, answer.code))
        return self._sent(target, fault, answer_pdu(request, answer.words), answer.points, answer.values)

    def _sent(self, target: Unit, fault: Fault, pdu: bytes, points: Sequence[str], values: Sequence[float]) -> Reply:
        """Write an answer into the ledger, and let ``fault`` do with it what it does."""
        damage: Damage = ""
        if fault.kind == faults.NOISE:
            damage = self.rng.choice(NOISE)
        elif fault.kind == faults.WRONG:
            damage = "checksum"
        elif fault.kind == faults.WRONG_UNIT:
            damage = "unit"
        delay_s = fault.delay_s if fault.kind == faults.SLOW else 0.0
        late = fault.kind == faults.LATE
        row = self._ledger.answered(target.device, self._clock.now_ms(), points, values, delay_s=delay_s)
        if late or damage not in READABLE:
            self._ledger.undelivered(row)
        elif damage or self._out_of_step:
            self._ledger.doubtful(row)
        self._out_of_step = late
        self.served += 1
        return Reply(pdu, delay_s, damage, row, late)

    def _write(self, target: Unit, request: Request) -> Refusal | None:
        now_ms = self._clock.now_ms()
        refused = target.write(request.function, request.first, request.values, now_ms)
        code = refused.code if refused else 0
        self._ledger.written(target.device, now_ms, request.function, request.first, request.values, code)
        return refused

    def _hit(self, own: Fault) -> Fault:
        """The fault that this answer falls victim to: the device's, else the line's."""
        for fault in (own, self.fault, *self._always):
            if fault.kind and (fault.share >= 1.0 or self.rng.random() < fault.share):
                return fault
        return NO_FAULT

    def _too_soon(self, target: Unit) -> bool:
        spoke_at = self._spoke_at.get(target.unit, float("-inf"))
        return self._serial and self._clock.monotonic() - spoke_at < target.silence_s


def _outcome(reply: Reply) -> str:
    if reply.pdu is None:
        return "closed" if reply.close else "silent"
    if reply.pdu[0] & 0x80:
        return f"exception {reply.pdu[1]}"
    extra = reply.damage or ("late" if reply.late else "slow" if reply.delay_s else "")
    return f"ok, {extra}" if extra else "ok"
