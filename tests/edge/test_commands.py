"""Commands: done is what the device says of itself; a pulse is sent once, whatever happens to its answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge.bus import Bus, WriteUnknown
from edge.commands import Command, DeviceWriter, run_command
from edge.drivers.modbus import open_bus
from edge.modbus_frames import ReadRequest, WriteRequest
from edge.settings import BusSettings
from protocols.clock import SystemClock
from protocols.errors import BadCommand
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.settings import Document
from tests.edge.modbus_line import Asked, ModbusLine
from tests.peers import libmodbus
from tests.waiting import until

KINDS = ["modbus-tcp", "modbus-rtu-tcp", "modbus-rtu"]
TIMEOUT_S = 0.08

RELAYS = """
[profile]
id = "t/relays"
vendor = "T"
model = "R"
kind = "door"
protocol = "modbus"
[modbus]
area = "coil"
[points]
relay_1 = { at = 0, type = "bit" }
relay_2 = { at = 1, type = "bit" }
[writes.relay_1]
kind = "switch"
[writes.relay_1.pulse]
function = 5
at = 0x0200
word = "time"
unit = "100 ms"
min = "100 ms"
max = "60 s"
[writes.relay_2]
kind = "switch"
"""
PULSE = bytes((5, 2, 0, 0, 30))


def relays() -> ModbusProfile:
    return decode_modbus(Document("t.toml", RELAYS))


@asynccontextmanager
async def module(kind: str) -> AsyncIterator[tuple[ModbusLine, Bus, DeviceWriter]]:
    """Relays in unit 1 of a line of ``kind``."""
    line = ModbusLine({1: {0: 0, 1: 0}}, framing="tcp" if kind == "modbus-tcp" else "rtu")
    async with line.on_pty() if kind == "modbus-rtu" else line.on_tcp() as where:
        place: dict[str, Any] = (
            {"serial_port": where, "baud": 115200} if kind == "modbus-rtu" else {"host": "127.0.0.1", "tcp_port": where}
        )
        clock = SystemClock()
        settings = BusSettings(name="b", kind=kind, timeout_s=TIMEOUT_S, **place)  # type: ignore[arg-type]
        bus = open_bus(settings, clock, random.Random(1))
        try:
            yield line, bus, DeviceWriter("door", 1, relays(), bus, clock)
        finally:
            bus.close()


def is_pulse(asked: Asked) -> bool:
    return asked.function == 5 and asked.start == 0x200


def pulses(line: ModbusLine) -> int:
    """How many pulse requests went over the line."""
    return sum(map(is_pulse, line.asked))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_switch_is_written_and_read_back(kind: str) -> None:
    async with module(kind) as (line, _, writer):
        outcome = await writer.switch("relay_1", True)
        assert (outcome.ok, outcome.value, line.units[1][0]) == (True, 1, 1)
        assert outcome.detail == "relay_1 on: confirmed by the device, and reads back as 1"
        outcome = await writer.switch("relay_1", False)
        assert (outcome.ok, outcome.value, line.units[1][0]) == (True, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_switch_whose_answer_is_lost_is_sent_again_and_what_it_reads_back_as_decides(kind: str) -> None:
    async with module(kind) as (line, _, writer):
        line.fault = lambda asked: "unanswered" if asked.function == 5 else ""
        outcome = await writer.switch("relay_1", True)
        assert (outcome.ok, outcome.value) == (True, 1)
        assert "not confirmed (unit 1, write 05 00 00 ff 00 (relay_1 on): no answer" in outcome.detail
        assert len(line.written) == 2
        line.fault = lambda asked: "silent" if asked.function == 5 else ""
        outcome = await writer.switch("relay_1", False)
        assert (outcome.ok, outcome.value) == (False, 1)
        line.fault = lambda asked: "silent"
        outcome = await writer.switch("relay_1", False)
        assert (outcome.ok, outcome.value) == (None, None)


async def test_a_relay_that_confirms_and_does_not_move_is_told() -> None:
    async with module("modbus-tcp") as (line, _, writer):
        line._write = lambda *_: None  # type: ignore[method-assign]
        outcome = await writer.switch("relay_2", True)
        assert outcome.ok is False
        assert outcome.detail == "relay_2 on: confirmed by the device, but reads back as 0"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_pulse_is_one_request_and_no_second_write_ends_it(kind: str) -> None:
    async with module(kind) as (line, _, writer):
        outcome = await writer.pulse("relay_1", 3.0)
        assert outcome.ok is True
        assert line.written == [PULSE]


LOST_ANSWERS = [(kind, fault) for kind in KINDS for fault in ("unanswered", "silent", "unit", "half", "exception 5")]
LOST_ANSWERS += [(kind, "unanswered close") for kind in KINDS if kind != "modbus-rtu"]
LOST_ANSWERS += [(kind, "checksum") for kind in KINDS if kind != "modbus-tcp"]


@pytest.mark.parametrize(("kind", "fault"), LOST_ANSWERS)
async def test_a_pulse_whose_answer_is_lost_is_sent_exactly_once_and_its_outcome_is_unknown(
    kind: str, fault: str
) -> None:
    async with module(kind) as (line, _, writer):
        line.fault = lambda asked: fault if is_pulse(asked) else ""
        outcome = await writer.pulse("relay_1", 3.0)
        assert outcome.ok is None, outcome
        assert outcome.detail.startswith("sent once and not again")
        # Polls go on, and nothing repeats the pulse.
        line.fault = lambda asked: ""
        assert (await writer._bus.ask(ReadRequest(1, 1, 0, 2))).payload == b"\0"
        assert pulses(line) == 1


@pytest.mark.parametrize(("fault", "text"), [("exception 3", "illegal value"), ("exception 6", "device busy")])
async def test_a_pulse_that_the_device_refuses_was_not_done(fault: str, text: str) -> None:
    async with module("modbus-rtu") as (line, _, writer):
        line.fault = lambda asked: fault if is_pulse(asked) else ""
        outcome = await writer.pulse("relay_1", 3.0)
        assert outcome.ok is False
        assert text in outcome.detail
        assert pulses(line) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_sent_to_a_module_that_does_not_answer(kind: str) -> None:
    async with module(kind) as (line, _, writer):
        line.fault = lambda asked: "silent"
        outcome = await writer.pulse("relay_1", 3.0)
        assert (outcome.ok, outcome.sent) == (False, False)
        assert outcome.detail.startswith("nothing was sent: ")
        assert pulses(line) == 0


async def test_a_pulse_over_a_connection_closed_while_idle_is_still_sent() -> None:
    async with module("modbus-tcp") as (line, bus, writer):
        await bus.ask(ReadRequest(1, 1, 0, 2))
        line.drop_connections()
        assert (await writer.pulse("relay_1", 3.0)).ok is True
        assert pulses(line) == 1


async def test_a_confirmation_that_may_be_the_late_one_of_an_earlier_pulse_counts_for_nothing() -> None:
    async with module("modbus-rtu") as (line, _, writer):
        late = f"late {TIMEOUT_S * 2.5}"
        line.fault = lambda asked: (
            late if is_pulse(asked) and pulses(line) == 1 else "silent" if is_pulse(asked) else ""
        )
        assert (await writer.pulse("relay_1", 3.0)).ok is None
        assert (await writer.pulse("relay_1", 3.0)).ok is None


async def test_a_write_goes_before_waiting_polls_and_after_the_one_on_the_line() -> None:
    async with module("modbus-tcp") as (line, bus, _):
        line.fault = lambda asked: "late 0.02"
        polls = [asyncio.create_task(bus.ask(ReadRequest(1, 1, 0, 1 + number % 2))) for number in range(8)]
        await until(lambda: len(line.asked) == 1)
        pdu = bytes((5, 0, 0, 255, 0))
        await asyncio.gather(*(bus.write(WriteRequest(1, pdu, pdu), repeatable=True) for _ in range(2)))
        assert [asked.function for asked in line.asked[:3]] == [1, 5, 5]
        await asyncio.gather(*polls)
        assert [asked.function for asked in line.asked] == [1, 5, 5] + 7 * [1]


async def test_a_cancelled_write_gives_the_line_back() -> None:
    async with module("modbus-tcp") as (line, bus, _):
        line.fault = lambda asked: "silent" if asked.number == 0 else ""
        first = asyncio.create_task(bus.ask(ReadRequest(1, 1, 0, 1)))
        pdu = bytes((5, 0, 0, 255, 0))
        waiting = [asyncio.create_task(bus.write(WriteRequest(1, pdu, pdu), repeatable=True)) for _ in range(3)]
        await until(lambda: len(line.asked) == 1)
        first.cancel()
        waiting[0].cancel()
        await asyncio.gather(first, *waiting, return_exceptions=True)
        assert (await bus.ask(ReadRequest(1, 1, 0, 1))).payload == b"\1"
        assert len(line.written) == 2


async def test_a_confirmation_of_something_else_is_no_confirmation() -> None:
    async with module("modbus-tcp") as (_, bus, _writer):
        pdu = bytes((5, 0, 0, 255, 0))
        with pytest.raises(WriteUnknown, match="the answer confirms something else: 05 00 00 ff 00"):
            await bus.write(WriteRequest(1, pdu, bytes((5, 0, 1, 255, 0))), repeatable=False)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (Command("door", "relay_9", "on"), "'relay_9' of door cannot be written; what can: relay_1, relay_2"),
        (Command("door", "relay_2", "pulse", 1.0), "cannot make a pulse on relay_2 by itself"),
        (Command("door", "relay_1", "pulse", 900.0), "0.1 s to 60 s"),
        (Command("door", "relay_1", "set", 3.0), "relay_1 is a switch"),
        (Command("door", "relay_1", "set"), "to what relay_1 is to be set was not said"),
        (Command("door", "relay_1", "on", 3.0), "on takes no value"),
    ],
)
async def test_what_a_device_cannot_do_is_told_and_nothing_sent(command: Command, text: str) -> None:
    async with module("modbus-tcp") as (line, _, writer):
        outcome = await run_command(writer, command)
        assert (outcome.ok, outcome.sent) == (False, False)
        assert text in outcome.detail
        assert line.asked == []


def test_a_coil_and_a_setpoint_in_libmodbus_are_written_and_read_back() -> None:
    """libmodbus decides what a write is; it also refuses the value of a pulse, which is no standard coil write."""
    setpoint = RELAYS.replace(
        "[writes.relay_1]",
        '[writes.frequency]\nkind = "number"\nmin = 40\nmax = 60\n[writes.relay_1]',
    ).replace("[writes.frequency]", "[writes.frequency]", 1)
    setpoint = setpoint.replace(
        "[points]\n", '[points]\nfrequency = { at = 10, type = "uint16", area = "holding", scale = 0.01 }\n'
    )
    profile = decode_modbus(Document("t.toml", setpoint))

    async def go(port: int) -> None:
        clock = SystemClock()
        settings = BusSettings(name="b", kind="modbus-tcp", timeout_s=1, host="127.0.0.1", tcp_port=port)
        bus = open_bus(settings, clock, random.Random(1))
        writer = DeviceWriter("door", 1, profile, bus, clock)
        outcome = await writer.switch("relay_1", True)
        assert (outcome.ok, outcome.value) == (True, 1), outcome
        outcome = await writer.number("frequency", 50.25)
        assert (outcome.ok, outcome.value) == (True, 50.25), outcome
        outcome = await writer.pulse("relay_1", 1.0)
        assert outcome.ok is False
        assert "exception" in outcome.detail
        bus.close()

    with libmodbus.serving_tcp(holding={10: 5000}) as port:
        asyncio.run(go(port))


async def test_a_point_known_from_one_source_is_written_only_when_the_device_says_extended() -> None:
    async with module("modbus-tcp") as (line, bus, _):
        writer = DeviceWriter("door", 1, relays(), bus, SystemClock(), frozenset({"relay_2"}))
        with pytest.raises(BadCommand, match="extended = true"):
            await writer.switch("relay_1", True)
        with pytest.raises(BadCommand, match="one source"):
            await writer.pulse("relay_1", 3.0)
        assert line.asked == []
        assert (await writer.switch("relay_2", True)).ok
