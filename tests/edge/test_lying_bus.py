"""A bus that lies in every way it can: no value may ever stand under another point's or device's name.

Every register of every unit holds a number that no other register holds, so a value tells where it came from (the
oracle). The long runs are on a wire in memory and in virtual time; shorter ones on a pseudo-terminal and on TCP.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from edge.bus import Bus, Line
from edge.drivers.modbus import device_reader, open_bus
from edge.late_answers import LateAnswers
from edge.modbus_frames import RtuFraming
from edge.poller import Polled, Poller
from edge.settings import BusSettings, DeviceSettings
from protocols.clock import Clock, SystemClock
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.reading import Quality
from protocols.settings import Document
from tests.edge.collecting_sink import CollectingSink
from tests.edge.memory_link import MemoryLink
from tests.edge.modbus_line import Asked, ModbusLine
from tests.virtual_time import VirtualClock, run
from tests.waiting import until

TIMEOUT_S = 0.2
CHAR_S = 10 / 9600
TURNAROUND_S = 0.005
UNITS = (1, 2, 3, 4, 5, 6)
EXCHANGES = 10_000
SHARES = {
    "late": 0.05,
    "noise": 0.01,
    "checksum": 0.01,
    "unit": 0.01,
    "chopped": 0.01,
    "stale": 0.01,
    "silent": 0.005,
    "half": 0.005,
    "exception 6": 0.005,
}
VANISHES_EVERY_S, AWAY_S = 60.0, 4.0
BREAKER_S = 20.0
"""The longest time between two tries of a device that failed; shorter than on site, to see more of the bus."""

# Requests of unlike lengths, as the planner makes them where it can.
PLACES = {
    "active_power_l1": 0,
    "active_power_l2": 2,
    "active_power_l3": 4,
    "active_power_total": 20,
    "reactive_power_total": 22,
    "apparent_power_total": 40,
    "active_energy_import_total": 60,
    "active_energy_export_total": 62,
    "reactive_power_l1": 64,
    "reactive_power_l2": 66,
}


SCATTERED = {name: 50 * place for place, name in enumerate(PLACES)}
"""Each point in a request of its own, all of one length: answers differ in nothing but their content."""


def places_of(unit: int) -> dict[str, int]:
    return SCATTERED if unit % 2 else PLACES


def profile(places: dict[str, int]) -> ModbusProfile:
    head = '[profile]\nid = "t/t"\nvendor = "T"\nmodel = "T"\nkind = "meter"\nprotocol = "modbus"\n'
    points = "\n".join(f'{name} = {{ at = {at}, type = "uint32" }}' for name, at in places.items())
    return decode_modbus(Document("t.toml", f"{head}[points]\n{points}\n"))


def number_of(unit: int, point: str) -> int:
    """What only this register holds."""
    return 1000 * unit + places_of(unit)[point]


def units() -> dict[int, dict[int, int]]:
    return {
        unit: {at + half: half * (1000 * unit + at) for at in places_of(unit).values() for half in (0, 1)}
        for unit in UNITS
    }


class Liar:
    """Chooses what goes wrong with each answer, and counts.

    Answers that come twice are told only by units with requests of unlike lengths: no master can tell the second copy
    from the answer to the next request when both have one length.
    """

    def __init__(self, seed: int, timeout_s: float, shares: dict[str, float]) -> None:
        self._rng, self._timeout_s, self._shares = random.Random(seed), timeout_s, shares
        self.told: Counter[str] = Counter()
        self.on = True

    def __call__(self, asked: Asked) -> str:
        chance = self._rng.random()
        for lie, share in self._shares.items():
            chance -= share
            if chance < 0 and self.on and not (lie == "stale" and asked.unit % 2):
                self.told[lie] += 1
                return lie + self._argument(lie)
        return ""

    def _argument(self, lie: str) -> str:
        low, high = {"late": (0.9, 4.5), "chopped": (0.01, 0.6), "stale": (0.0, 3.0)}.get(lie, (0, 0))
        return f" {self._rng.uniform(low, high) * self._timeout_s:.4f}" if high else ""


def polled(bus: Bus, clock: Clock, every_s: float) -> list[Polled]:
    made = []
    for unit in UNITS:
        settings = DeviceSettings(
            id=f"m{unit}", name="", profile="t/t", kind="meter", bus="b", every_s=every_s, max_silence_s=60, unit=unit
        )
        made.append(Polled(device_reader(settings, profile(places_of(unit)), bus, clock), every_s, clock.monotonic()))
    return made


def wrong(sink: CollectingSink) -> list[Any]:
    """Readings with a value that is not that of their point of their device."""
    return [
        reading
        for reading in sink.taken
        if reading.value is not None and reading.value != number_of(int(reading.device[1:]), reading.point)
    ]


class Played(CollectingSink):
    """What came of a run."""

    liar: Liar
    vanished: int
    asked: int
    recovered: bool


async def play(clock: VirtualClock, seed: int, exchanges: int, *, recover: bool = True) -> Played:
    line = ModbusLine(units(), framing="rtu", char_s=CHAR_S, turnaround_s=TURNAROUND_S)
    played = Played()
    line.fault = played.liar = Liar(seed, TIMEOUT_S, SHARES)
    link = line.in_memory(clock)
    rng = random.Random(seed)
    shape = Line(char_s=CHAR_S, close_on_fault=False)
    bus = Bus("b", "modbus-rtu", link, RtuFraming(), shape, timeout_s=TIMEOUT_S, clock=clock, rng=rng)
    devices = polled(bus, clock, 1.0)
    poller = Poller(bus, devices, played, clock, rng)
    poller._backoff_max_s = BREAKER_S / 1.1
    polling = asyncio.create_task(poller.run(), name="poller")
    played.vanished = await vanishing(clock, link, lambda: len(line.asked) >= exchanges)
    played.liar.on = False
    played.asked = len(line.asked)
    if recover:
        await clock.sleep(BREAKER_S)
        before = len(played.taken)
        await clock.sleep(10)
        good = {(each.device, each.point) for each in played.taken[before:] if each.quality is Quality.GOOD}
        states = {report.state for report in poller.reports()}
        played.recovered = len(good) == len(UNITS) * len(PLACES) and states == {"ok"}
    polling.cancel()
    return played


async def vanishing(clock: VirtualClock, link: MemoryLink, done: Callable[[], bool]) -> int:
    """Take the port away now and then until ``done``; how often."""
    times = 0
    while not done():
        await clock.sleep(VANISHES_EVERY_S)
        link.present = False
        link.drop()
        await clock.sleep(AWAY_S)
        link.present = True
        times += 1
    return times


@pytest.fixture(autouse=True)
def _no_log_of_every_lie(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="edge.poller")


@pytest.mark.parametrize("seed", [20261121])
def test_no_value_of_ten_thousand_exchanges_stands_under_another_name(seed: int) -> None:
    played = run(lambda clock: play(clock, seed, EXCHANGES))
    good = sum(1 for each in played.taken if each.value is not None)
    print(
        f"seed {seed}: {played.asked} exchanges, {good} values, port gone {played.vanished} times, {played.liar.told}"
    )
    assert wrong(played) == []
    assert played.asked >= EXCHANGES
    assert good > EXCHANGES
    assert played.vanished > 3
    assert all(played.liar.told[lie] > 0.3 * share * EXCHANGES for lie, share in SHARES.items()), played.liar.told
    assert played.recovered


def test_the_oracle_sees_a_bus_that_does_not_wait_for_late_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: nothing is kept free after a timeout, and nothing remembered as owed."""
    monkeypatch.setattr(Bus, "_keep_free", lambda *_: None)
    monkeypatch.setattr(LateAnswers, "owe", lambda *_: None)
    played = run(lambda clock: play(clock, 1, 3000, recover=False))
    assert len(wrong(played)) > 3


REAL_TIMEOUT_S = 0.04
REAL_EXCHANGES = 500


@pytest.mark.parametrize("kind", ["modbus-tcp", "modbus-rtu-tcp", "modbus-rtu"])
async def test_nor_on_a_real_wire(kind: str) -> None:
    line = ModbusLine(units(), framing="tcp" if kind == "modbus-tcp" else "rtu")
    shares = {lie: share for lie, share in SHARES.items() if kind != "modbus-tcp" or lie not in ("noise", "checksum")}
    liar = Liar(3, REAL_TIMEOUT_S, shares | {"id" if kind == "modbus-tcp" else "echo": 0.01, "close": 0.01})
    line.fault = liar
    clock, sink, rng = SystemClock(), CollectingSink(), random.Random(3)
    async with line.on_pty() if kind == "modbus-rtu" else line.on_tcp() as where:
        place: dict[str, Any] = (
            {"serial_port": where, "baud": 115200} if kind == "modbus-rtu" else {"host": "127.0.0.1", "tcp_port": where}
        )
        bus = open_bus(BusSettings(name="b", kind=kind, timeout_s=REAL_TIMEOUT_S, **place), clock, rng)  # type: ignore[arg-type]
        poller = Poller(bus, polled(bus, clock, 0.02), sink, clock, rng)
        poller._backoff_min_s, poller._backoff_max_s, poller._lost_after_s = 0.02, 0.1, 0.0
        polling = asyncio.create_task(poller.run(), name="poller")
        await until(lambda: len(line.asked) >= REAL_EXCHANGES, within_s=30)
        polling.cancel()
        bus.close()
    print(f"{kind}: {len(line.asked)} exchanges, {len(sink.taken)} readings, {liar.told}")
    assert wrong(sink) == []
    assert liar.told["late"] > 5
    assert sum(1 for each in sink.taken if each.value is not None) > REAL_EXCHANGES
