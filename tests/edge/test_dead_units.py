"""A dead unit costs its neighbours less than a tenth of their period. In virtual time: the figures are exact."""

from __future__ import annotations

import asyncio
import random
import statistics
from itertools import pairwise

import pytest

from edge.bus import Bus, Line
from edge.drivers.modbus import device_reader
from edge.modbus_frames import RtuFraming, TcpFraming
from edge.poller import BACKOFF_MAX_S, Polled, Poller
from edge.settings import DeviceSettings
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.settings import Document
from tests.edge.collecting_sink import CollectingSink
from tests.edge.modbus_line import ModbusLine
from tests.virtual_time import VirtualClock, run

UNITS = range(1, 11)
EVERY_S = 1.0
SERIAL_CHAR_S = 10 / 9600
ALIVE_S, DEAD_S = 10.0, 120.0


def profile() -> ModbusProfile:
    """Ten registers in one request: ten meters take about half of a 9600 baud line."""
    head = '[profile]\nid = "t/t"\nvendor = "T"\nmodel = "T"\nkind = "meter"\nprotocol = "modbus"\n'
    names = ("active_power_total", "active_power_l1", "active_power_l2", "active_power_l3", "reactive_power_total")
    points = "\n".join(f'{name} = {{ at = {2 * place}, type = "uint32" }}' for place, name in enumerate(names))
    return decode_modbus(Document("t.toml", f"{head}[points]\n{points}\n"))


class Ran:
    """What ten meters at 1 s did, some of them dead after the first ten seconds."""

    def __init__(self) -> None:
        self.sink = CollectingSink()
        self.asked_dead: list[float] = []
        self.began = 0.0

    def gaps(self, unit: int) -> list[float]:
        """Between the answers of ``unit``, from the first death on."""
        times = [each.observed_at / 1000 for each in self.sink.of(f"m{unit}", "active_power_total")]
        return [later - earlier for earlier, later in pairwise(times[int(ALIVE_S) - 1 :])]


def ran(kind: str, dead: set[int], timeout_s: float, seconds: float = DEAD_S, every_s: float = EVERY_S) -> Ran:
    async def go(clock: VirtualClock) -> Ran:
        done = Ran()
        serial = kind == "modbus-rtu"
        held = dict.fromkeys(range(10), 1)
        line = ModbusLine(
            dict.fromkeys(UNITS, held),
            framing="rtu" if serial else "tcp",
            char_s=SERIAL_CHAR_S if serial else 0.0,
            turnaround_s=0.005 if serial else 0.03,
        )
        shape = Line(char_s=SERIAL_CHAR_S, close_on_fault=False) if serial else Line()
        framing = RtuFraming() if serial else TcpFraming()
        rng = random.Random(7)
        bus = Bus("b", kind, line.in_memory(clock), framing, shape, timeout_s=timeout_s, clock=clock, rng=rng)
        made = []
        for unit in UNITS:
            settings = DeviceSettings(
                id=f"m{unit}",
                name="",
                profile="t/t",
                kind="meter",
                bus="b",
                every_s=every_s,
                max_silence_s=9,
                unit=unit,
            )
            made.append(Polled(device_reader(settings, profile(), bus, clock), every_s, clock.monotonic()))
        poller = Poller(bus, made, done.sink, clock, rng)
        polling = asyncio.create_task(poller.run(), name="poller")
        done.began = clock.monotonic()
        await clock.sleep(ALIVE_S)
        for unit in dead:
            del line.units[unit]

        def note(asked: object) -> str:
            if asked.unit in dead:  # type: ignore[attr-defined]
                done.asked_dead.append(clock.monotonic() - done.began - ALIVE_S)
            return ""

        line.fault = note
        await clock.sleep(seconds)
        polling.cancel()
        return done

    return run(go)


@pytest.mark.parametrize(("kind", "timeout_s"), [("modbus-rtu", 0.3), ("modbus-rtu", 1.0), ("modbus-tcp", 1.0)])
@pytest.mark.parametrize(("dead", "seconds"), [({4}, DEAD_S), ({2, 5, 9}, 3 * DEAD_S)], ids=["one dead", "three dead"])
def test_neighbours_keep_nine_tenths_of_their_pace_from_the_death_on(
    kind: str, timeout_s: float, dead: set[int], seconds: float
) -> None:
    done = ran(kind, dead, timeout_s, seconds)
    means = {}
    for unit in set(UNITS) - dead:
        gaps = done.gaps(unit)
        means[unit] = seconds / len(gaps)
        assert statistics.median(gaps) == pytest.approx(EVERY_S, abs=0.01)
        # Each death costs one miss and the silence after it; those that wait are served before it is tried again.
        assert max(gaps) < EVERY_S + len(dead) * 2 * timeout_s + 0.6
    print(f"{kind}, timeout {timeout_s} s, dead {sorted(dead)}: worst mean {max(means.values()):.3f} s")
    assert max(means.values()) < 1.1 * EVERY_S


def test_a_dead_unit_is_tried_after_two_seconds_doubling_to_five_minutes() -> None:
    done = ran("modbus-tcp", {4}, 0.3, 1500.0, every_s=30.0)
    pauses = [later - earlier - 0.3 for earlier, later in pairwise(done.asked_dead[1:])]
    wanted = [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0] + 3 * [BACKOFF_MAX_S]
    assert len(pauses) >= 8
    assert pauses == [pytest.approx(each, rel=0.11, abs=0.7) for each in wanted[: len(pauses)]]
