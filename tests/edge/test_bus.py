"""A line never gives an answer to the wrong question, and gets over whatever happens on it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge.bus import Bus, Line
from edge.drivers.modbus import open_bus
from edge.modbus_frames import Garbled, GatewaySilent, ReadRequest, Refused, RtuFraming
from edge.settings import BusSettings
from protocols.clock import SystemClock
from protocols.errors import DeviceBusy, DeviceSilent, WireLost
from tests.edge.modbus_line import Asked, ModbusLine, telling
from tests.virtual_time import VirtualClock, run
from tests.waiting import until

TIMEOUT_S = 0.1
KINDS = ["modbus-tcp", "modbus-rtu-tcp", "modbus-rtu"]


@asynccontextmanager
async def line_and_bus(kind: str) -> AsyncIterator[tuple[ModbusLine, Bus]]:
    """Unit 1 and 2 with registers 0-199, on a line of ``kind``."""
    line = ModbusLine(
        {unit: telling(unit, range(200)) for unit in (1, 2)}, framing="tcp" if kind == "modbus-tcp" else "rtu"
    )
    async with line.on_pty() if kind == "modbus-rtu" else line.on_tcp() as where:
        place: dict[str, Any] = (
            {"serial_port": where, "baud": 115200} if kind == "modbus-rtu" else {"host": "127.0.0.1", "tcp_port": where}
        )
        settings = BusSettings(name="b", kind=kind, timeout_s=TIMEOUT_S, **place)  # type: ignore[arg-type]
        bus = open_bus(settings, SystemClock(), random.Random(1))
        try:
            yield line, bus
        finally:
            bus.close()


def words_of(line: ModbusLine, request: ReadRequest) -> bytes:
    held = line.units[request.unit]
    return b"".join(held[address].to_bytes(2, "big") for address in range(request.start, request.start + request.count))


def once(fault: str, number: int = 0) -> Any:
    return lambda asked: fault if asked.number == number else ""


FIRST = ReadRequest(1, 4, 10, 20)
SECOND = ReadRequest(1, 4, 50, 20)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_read_gives_the_registers_and_when_they_came(kind: str) -> None:
    async with line_and_bus(kind) as (line, bus):
        before = SystemClock().now_ms()
        answer = await bus.ask(FIRST)
        assert answer.payload == words_of(line, FIRST)
        assert before <= answer.observed_at <= SystemClock().now_ms()
        assert bus.report().state == "up"


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(kind, fault) for kind in KINDS for fault in ("unit", "function", "short", "half", "long")]
    + [("modbus-tcp", "id"), ("modbus-rtu-tcp", "checksum"), ("modbus-rtu", "checksum")],
)
async def test_an_answer_that_is_not_the_answer_is_refused_and_the_next_one_is_right(kind: str, fault: str) -> None:
    async with line_and_bus(kind) as (line, bus):
        line.fault = once(fault)
        with pytest.raises((Garbled, DeviceSilent)):
            await bus.ask(FIRST)
        other = ReadRequest(1, 4, 90, 8)
        assert (await bus.ask(other)).payload == words_of(line, other)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_late_answer_is_not_taken_for_the_next_one(kind: str) -> None:
    async with line_and_bus(kind) as (line, bus):
        line.fault = once(f"late {TIMEOUT_S * 1.5}")
        with pytest.raises(DeviceSilent, match=r"no answer within 0\.1 s"):
            await bus.ask(FIRST)
        assert (await bus.ask(SECOND)).payload == words_of(line, SECOND)


def test_a_late_answer_that_comes_before_that_of_a_slow_device_is_not_taken_for_it() -> None:
    async def ask_twice(clock: VirtualClock) -> None:
        line = ModbusLine({1: telling(1, range(200))}, framing="rtu", char_s=0.001)
        line.fault = lambda asked: ("late 0.3", "late 0.15")[asked.number]
        shape = Line(char_s=0.001, close_on_fault=False)
        link = line.in_memory(clock)
        bus = Bus("b", "modbus-rtu", link, RtuFraming(), shape, timeout_s=0.2, clock=clock, rng=random.Random(1))
        with pytest.raises(DeviceSilent):
            await bus.ask(FIRST)
        assert (await bus.ask(SECOND)).payload == words_of(line, SECOND)

    run(ask_twice)


@pytest.mark.parametrize("kind", ["modbus-rtu-tcp", "modbus-rtu"])
async def test_a_request_that_a_late_answer_would_fit_is_known_until_another_was_answered(kind: str) -> None:
    async with line_and_bus(kind) as (line, bus):
        line.fault = once("silent")
        with pytest.raises(DeviceSilent):
            await bus.ask(FIRST)
        assert bus.late.unsafe_until(SECOND)
        assert not bus.late.unsafe_until(FIRST)
        assert not bus.late.unsafe_until(ReadRequest(1, 4, 50, 18))
        assert not bus.late.unsafe_until(ReadRequest(2, 4, 50, 20))
        assert bus.late.unresolved(1)
        await bus.ask(ReadRequest(1, 4, 50, 18))
        assert not bus.late.unresolved(1)
        await until(lambda: not bus.late.unsafe_until(SECOND))


async def test_a_refusal_is_not_believed_while_the_unit_owes_an_answer() -> None:
    async with line_and_bus("modbus-rtu") as (line, bus):
        line.fault = lambda asked: ["silent", "exception 2", ""][min(asked.number, 2)]
        with pytest.raises(DeviceSilent):
            await bus.ask(FIRST)
        with pytest.raises(Garbled, match="perhaps of an earlier request"):
            await bus.ask(ReadRequest(1, 4, 90, 8))


@pytest.mark.parametrize("kind", ["modbus-rtu-tcp", "modbus-rtu"])
@pytest.mark.parametrize("fault", ["noise", "echo"])
async def test_noise_and_an_echo_before_the_answer_are_skipped(kind: str, fault: str) -> None:
    async with line_and_bus(kind) as (line, bus):
        line.fault = lambda asked: fault
        for request in (FIRST, ReadRequest(1, 3, 0, 1)):
            assert (await bus.ask(request)).payload == words_of(line, request)


async def test_an_answer_sent_twice_is_no_answer_to_the_next_request() -> None:
    async with line_and_bus("modbus-rtu") as (line, bus):
        line.fault = once("twice")
        await bus.ask(FIRST)
        await asyncio.sleep(0.02)
        assert (await bus.ask(SECOND)).payload == words_of(line, SECOND)


@pytest.mark.parametrize(
    ("code", "error"),
    [(2, Refused), (4, Refused), (5, DeviceBusy), (6, DeviceBusy), (10, GatewaySilent), (11, GatewaySilent)],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_exceptions_say_what_they_mean(kind: str, code: int, error: type[Exception]) -> None:
    async with line_and_bus(kind) as (line, bus):
        line.fault = once(f"exception {code}")
        with pytest.raises(error, match=f"unit 1, function 4, registers 10-29: exception {code}"):
            await bus.ask(FIRST)
        assert (await bus.ask(SECOND)).payload == words_of(line, SECOND)


async def test_a_gateway_that_answers_0b_for_ever_gets_a_new_connection() -> None:
    async with line_and_bus("modbus-tcp") as (line, bus):
        line.fault = lambda asked: "exception 11" if line.connections == 1 else ""
        for _ in range(3):
            with pytest.raises(GatewaySilent):
                await bus.ask(FIRST)
        assert (await bus.ask(FIRST)).payload == words_of(line, FIRST)
        assert line.connections == 2


@pytest.mark.parametrize("kind", ["modbus-tcp", "modbus-rtu-tcp"])
async def test_a_connection_closed_while_idle_costs_nothing(kind: str) -> None:
    async with line_and_bus(kind) as (line, bus):
        await bus.ask(FIRST)
        line.drop_connections()
        assert (await bus.ask(SECOND)).payload == words_of(line, SECOND)
        # Closed as the request arrives: the client could not know.
        line.fault = once("close", number=len(line.asked))
        assert (await bus.ask(FIRST)).payload == words_of(line, FIRST)
        assert bus.report().errors == bus.report().timeouts == 0


async def test_a_device_that_closes_every_connection_is_silent_and_the_line_is_not_down() -> None:
    async with line_and_bus("modbus-tcp") as (line, bus):
        line.fault = lambda asked: "close"
        with pytest.raises(DeviceSilent, match="connection closed before the answer"):
            await bus.ask(FIRST)
        line.fault = lambda asked: ""
        await bus.ask(FIRST)


async def test_a_line_that_cannot_be_opened_fails_at_once_until_it_may_be_tried_again() -> None:
    settings = BusSettings(name="b", kind="modbus-rtu", timeout_s=1, serial_port="/dev/ttyNOTHERE", baud=9600)
    clock = SystemClock()
    bus = open_bus(settings, clock, random.Random(1))
    for _ in range(3):
        with pytest.raises(WireLost, match="/dev/ttyNOTHERE: No such file or directory"):
            await bus.ask(FIRST)
    assert bus.retry_at > clock.monotonic()
    assert bus.report().state == "down"


async def test_a_serial_adapter_that_is_pulled_out_and_comes_back_is_found_again() -> None:
    import os

    line = ModbusLine({1: telling(1, range(200))}, framing="rtu")
    link = "/tmp/dayuan-test-tty-" + str(os.getpid())
    try:
        async with line.on_pty() as path:
            os.symlink(path, link)
            settings = BusSettings(name="b", kind="modbus-rtu", timeout_s=TIMEOUT_S, serial_port=link, baud=115200)
            bus = open_bus(settings, SystemClock(), random.Random(1))
            await bus.ask(FIRST)
        os.unlink(link)
        with pytest.raises((WireLost, DeviceSilent)):
            await bus.ask(FIRST)
        async with line.on_pty() as path:
            os.symlink(path, link)
            async with asyncio.timeout(5):
                while True:
                    try:
                        assert (await bus.ask(FIRST)).payload == words_of(line, FIRST)
                        break
                    except (WireLost, DeviceSilent):
                        await asyncio.sleep(0.05)
            bus.close()
    finally:
        if os.path.lexists(link):
            os.unlink(link)


async def test_callers_are_served_one_after_the_other_in_their_order() -> None:
    async with line_and_bus("modbus-tcp") as (line, bus):
        requests = [ReadRequest(1 + number % 2, 4, number, 3) for number in range(12)]
        answers = await asyncio.gather(*(bus.ask(request) for request in requests))
        assert [answer.payload for answer in answers] == [words_of(line, request) for request in requests]
        assert [asked.start for asked in line.asked] == list(range(12))
        assert line.connections == 1


async def test_a_cancelled_read_leaves_nothing_for_the_next_one() -> None:
    for kind in KINDS:
        async with line_and_bus(kind) as (line, bus):
            line.fault = once("late 0.05")
            task = asyncio.create_task(bus.ask(FIRST))
            await asyncio.sleep(0.03)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await bus.ask(SECOND)).payload == words_of(line, SECOND)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_line_that_lies_all_the_time_never_gives_a_register_of_another_place(kind: str) -> None:
    """The oracle is the content: every register says which unit and address it is of."""
    rng = random.Random(f"lies {kind}")
    lies = [
        "unit",
        "function",
        "short",
        "long",
        "twice",
        "half",
        "close",
        "id",
        "noise",
        "echo",
        "checksum",
        "exception 4",
    ]
    if kind == "modbus-tcp":
        lies = [lie for lie in lies if lie not in ("checksum", "noise", "echo", "twice")]
    else:
        lies = [lie for lie in lies if lie != "id"]
    async with line_and_bus(kind) as (line, bus):
        bus._timeout_s = 0.02
        bus.late._horizon_s = 0.1

        def fault(asked: Asked) -> str:
            chance = rng.random()
            if chance < 0.05:
                return f"late {rng.uniform(0.02, 0.07):.3f}"
            if chance < 0.08:
                return rng.choice(lies)
            return ""

        line.fault = fault
        right = 0
        for _ in range(400):
            request = ReadRequest(rng.choice((1, 2)), rng.choice((3, 4)), rng.randrange(150), rng.choice((2, 4, 20)))
            if bus.late.unsafe_until(request):
                continue
            try:
                answer = await bus.ask(request)
            except (Garbled, DeviceSilent, Refused):
                continue
            assert answer.payload == words_of(line, request), request
            right += 1
        assert right > 200
