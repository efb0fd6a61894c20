"""Points that are dangerous: how often, by how many people, and that nothing else ever reaches the bus."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge.command_desk import CommandDesk
from edge.commands import DeviceWriter
from edge.drivers.modbus import open_bus
from edge.remote_commands import RemoteCommands
from edge.seen_commands import SeenCommands
from edge.settings import BusSettings, Rate, RemoteRule
from protocols.clock import ManualClock, SystemClock
from protocols.commands import Action, Order, seal_order
from protocols.signing import public_of, sign
from tests.edge.collecting_sink import CollectingSink
from tests.edge.modbus_line import ModbusLine
from tests.edge.test_commands import relays
from tests.edge.test_remote_commands import SEED, Site, message, sealed
from tests.waiting import until

TWICE = {("gate", "relay_1"): RemoteRule(("pulse",), 1.0, 5.0, Rate(2, 600.0))}
BY_TWO = {("gate", "relay_1"): RemoteRule(("pulse",), 1.0, 5.0, None, True)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_a_rate_holds_over_a_restart_and_ends_with_its_time(site: Site) -> None:
    for life in range(2):
        async with site.life(rules=TWICE) as desk:
            for each in range(2):
                await desk.hear(message(sealed(site.order())))
                await site.answered(2 * life + each + 1)
            await until(lambda: desk._seen.untold() == [], 10, "it is on record that the answers were told")
    assert await site.answered(4) == ["done", "done", "refused", "refused"]
    assert "allows 2 in 600 s" in str(site.sink.events[-1].data["detail"])
    await site.clock.advance(600)
    async with site.life(rules=TWICE) as desk:
        await desk.hear(message(sealed(site.order())))
        assert (await site.answered(5))[-1] == "done"
    assert len(site.done) == 3


async def test_what_is_refused_is_not_counted(site: Site) -> None:
    async with site.life(rules=TWICE) as desk:
        for value in (9.0, 9.0, 3.0, 3.0, 3.0):
            await desk.hear(message(sealed(site.order(value=value))))
        assert await site.answered(5) == ["refused", "refused", "done", "done", "refused"]


async def test_a_clock_set_back_frees_nothing_and_locks_nothing_for_ever(site: Site) -> None:
    seen = SeenCommands(site.path)
    a_year_on = 365 * 86_400_000

    def spend(now_ms: int) -> bool:
        return seen.spend("gate", "relay_1", most=1, within_ms=60_000, now_ms=now_ms)

    assert [spend(a_year_on), spend(1_000), spend(60_000), spend(61_000)] == [True, False, False, True]
    seen.close()


async def test_a_rate_that_cannot_be_counted_on_disk_lets_nothing_through(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from protocols.errors import StoreUnavailable

    def full(*_: object, **__: object) -> bool:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(SeenCommands, "spend", full)
    async with site.life(rules=TWICE) as desk:
        await desk.hear(message(sealed(site.order())))
        assert await site.answered() == ["refused"]
    assert site.done == []


@pytest.mark.parametrize(
    ("issuers", "result"), [((), "refused"), ((7,), "refused"), ((7, 7), "refused"), ((7, 8), "done")]
)
async def test_two_different_people_must_stand_for_a_dangerous_point(
    site: Site, issuers: tuple[int, ...], result: str
) -> None:
    order = msgspec.structs.replace(site.order(), issuers=issuers)
    async with site.life(rules=BY_TWO) as desk:
        await desk.hear(message(sealed(order)))
        assert await site.answered() == [result]
    assert bool(site.done) == (result == "done")
    if result == "refused":
        assert "two people" in str(site.sink.events[0].data["detail"])


async def test_issuers_nobody_signed_for_are_nothing(site: Site) -> None:
    payload = sealed(site.order())
    document = msgspec.json.decode(payload)
    document["order"] = document["order"][:-1] + ',"issuers":[7,8]}'
    async with site.life(rules=BY_TWO) as desk:
        await desk.hear(message(msgspec.json.encode(document)))
        assert desk.ignored["signature"] == 1
    assert site.done == []


# --- nothing outside the list, the range, the rate and the number of people reaches the bus -------------------------

IN_MEMORY = Path("/dev/shm")
"""Where there is one: each order is three commits, and a disk is not what this is about."""
ON_THE_BUS = {
    ("gate", "relay_1"): RemoteRule(("pulse",), 1.0, 5.0, Rate(2, 60.0)),
    ("gate", "relay_2"): RemoteRule(("on", "off"), None, None, None, True),
}


class Try(NamedTuple):
    """An order, and how long after the one before, in which life."""

    device: str
    point: str
    action: Action
    value: float | None
    issuers: tuple[int, ...]
    after_s: int
    restart: bool


PULSE = Try("gate", "relay_1", "pulse", 3.0, (), 0, False)
SWITCH = Try("gate", "relay_2", "on", None, (1,), 0, False)
TRIES = st.lists(
    st.builds(
        Try,
        st.sampled_from(["gate", "gate", "gate", "heater"]),
        st.sampled_from(["relay_1", "relay_1", "relay_2", "relay_9"]),
        st.sampled_from(["pulse", "pulse", "on", "off", "set"]),
        st.none() | st.sampled_from([0.0, 0.9, 1.0, 3.0, 5.0, 5.1, -1.0, 1e300]),
        st.lists(st.integers(1, 3), max_size=3).map(tuple),
        st.integers(0, 40),
        st.booleans(),
    ),
    min_size=4,
    max_size=14,
)


def may_pass(tried: Try, passed_at: list[int], now_ms: int) -> bool:
    """The rules once more, written by hand."""
    if tried.device != "gate":
        return False
    if tried.point == "relay_1":
        in_range = tried.action == "pulse" and tried.value is not None and 1.0 <= tried.value <= 5.0
        return in_range and len([at for at in passed_at if at > now_ms - 60_000]) < 2
    return tried.point == "relay_2" and tried.action in ("on", "off") and len(set(tried.issuers)) > 1


@asynccontextmanager
async def gate() -> AsyncIterator[tuple[ModbusLine, CommandDesk]]:
    line, clock = ModbusLine({1: {0: 0, 1: 0}}), SystemClock()
    async with line.on_tcp() as port:
        where = BusSettings(name="b", kind="modbus-tcp", timeout_s=5.0, host="127.0.0.1", tcp_port=port)
        bus = open_bus(where, clock, random.Random(1))
        try:
            yield line, CommandDesk({"gate": DeviceWriter("gate", 1, relays(), bus, clock)}, CollectingSink(), clock)
        finally:
            bus.close()


async def play(tries: list[Try], path: Path) -> None:
    clock, sink = ManualClock(), CollectingSink()
    passed_at: list[int] = []
    seen: SeenCommands | None = None
    running: asyncio.Task[None] | None = None

    async with gate() as (line, commands):
        for number, tried in enumerate(tries):
            if seen is None or running is None or tried.restart:
                if running is not None and seen is not None:
                    running.cancel()
                    await asyncio.wait([running])
                    seen.close()
                seen = SeenCommands(path)
                desk = RemoteCommands(
                    site="east",
                    gateway="b3",
                    rules=ON_THE_BUS,
                    seen=seen,
                    key=lambda: public_of(SEED),
                    clock_known=lambda: True,
                    obey=commands.carry_out,
                    sink=sink,
                    clock=clock,
                )
                running = asyncio.create_task(desk.run(), name="orders")
            await clock.advance(tried.after_s)
            now, before = clock.now_ms(), len(line.written)
            order = Order(
                id=f"{number:032x}",
                nonce=f"{number:032x}",
                site="east",
                gateway="b3",
                device=tried.device,
                point=tried.point,
                action=tried.action,
                value=tried.value,
                issued_at=now,
                expires_at=now + 30_000,
                issuers=tried.issuers,
            )
            await desk.hear(message(seal_order(order, lambda text: sign(SEED, text))))
            # A restart may tell an outcome again, which a buffer takes once: by the order, not by the telling.
            await until(lambda last=order.id: last in {told.data["id"] for told in sink.events}, within_s=20)  # type: ignore[misc]
            reached = len(line.written) > before
            allowed = may_pass(tried, passed_at, now)
            assert reached <= allowed, f"{tried} reached the bus: {line.written[before:]!r}"
            if allowed and tried.point == "relay_1":
                passed_at.append(now)
                assert reached, f"{tried} is allowed and was kept from the bus"
        assert running is not None
        assert seen is not None
        running.cancel()
        await asyncio.wait([running])
        seen.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TRIES)
@example([PULSE, PULSE, PULSE, PULSE._replace(restart=True), PULSE._replace(after_s=40), PULSE._replace(after_s=40)])
@example([SWITCH, SWITCH._replace(issuers=(1, 1)), SWITCH._replace(issuers=(1, 2)), SWITCH])
def test_nothing_outside_list_range_rate_and_people_ever_reaches_the_bus(tries: list[Try]) -> None:
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        asyncio.run(play(tries, Path(folder) / "buffer.db.orders"))
