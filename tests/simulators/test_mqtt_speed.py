"""A world that runs faster than time: never in the future, and the same one again from the same seed."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocols.clock import ManualClock, SystemClock
from simulators.cli import main
from simulators.devices_only import run_devices
from simulators.ledger import Ledger
from simulators.plans_mqtt import BrokerPlan
from simulators.scenario import Scenario, load_scenario
from simulators.world_clock import WorldClock, world_of
from tests.edge.mosquitto import mosquitto

HOUR = """
seed = 11
speed = 2400
duration = "1 h"
[[device]]
id = "gate"
dialect = "esp-rfid/reader"
topic = "gate"
[[device]]
id = "plug"
dialect = "zigbee2mqtt/plug"
topic = "zigbee2mqtt/plug"
every = "60 s"
phases = 1
[[device]]
id = "clamp"
dialect = "shelly/pro-3em"
topic = "clamp"
every = "60 s"
[[device]]
id = "van"
dialect = "teltonika/codec-json"
topic = "352093081452251"
every = "30 s"
[[device]]
id = "lock"
dialect = "nuki/smart-lock"
topic = "nuki/1A2B3C4D"
[[fault]]
device = "van"
kind = "lost_fix"
after = "10 min"
lasting = "5 min"
[[fault]]
device = "plug"
kind = "counter_reset"
after = "30 min"
[[fault]]
device = "clamp"
kind = "clock_wrong"
after = "20 min"
lasting = "1 min"
[[fault]]
device = "lock"
kind = "stuck"
after = "20 min"
"""


async def test_a_world_runs_faster_until_it_has_caught_up_with_the_present() -> None:
    machine = ManualClock()
    now = machine.now_ms()
    world = WorldClock(machine, speed=60, starts_at_ms=now - 59 * 60_000)
    assert world.now_ms() == now - 59 * 60_000
    await machine.advance(30)
    assert world.now_ms() == now - 59 * 60_000 + 30 * 60_000
    assert world.monotonic() == pytest.approx(1800)
    await machine.advance(30)
    assert world.now_ms() == machine.now_ms()
    await machine.advance(10)
    assert world.now_ms() == machine.now_ms()
    assert world.monotonic() == pytest.approx(3610)


async def test_sleeping_takes_the_world_s_time() -> None:
    machine = ManualClock()
    world = WorldClock(machine, speed=100, starts_at_ms=machine.now_ms() - 99_000)
    short, beyond = (asyncio.ensure_future(world.sleep(seconds)) for seconds in (50, 105))
    await machine.advance(0.49)
    assert not short.done()
    await machine.advance(0.02)
    assert short.done()
    await machine.advance(5.4)
    assert not beyond.done()
    await machine.advance(0.2)
    assert beyond.done()


def test_a_world_at_the_pace_of_time_is_the_machine_s() -> None:
    machine = ManualClock()
    assert world_of(machine, speed=1, lasting_s=None) is machine
    with pytest.raises(ValueError, match="needs an end"):
        world_of(machine, speed=2, lasting_s=None)


def told(folder: Path) -> list[tuple[Any, ...]]:
    """Everything that is in a run's ledger, each device's in its order, times from the first one on."""
    book = Ledger(folder / "ledger.db")
    by_device: dict[str, list[Any]] = {}
    messages = list(book.published())
    origin = min(message.sent_at for message in messages)
    for message in messages:
        readings = [(r.point, repr(r.value), r.at - origin, r.quality) for r in message.expected.readings]
        events = [(e.kind, e.at - origin, sorted(e.data.items())) for e in message.expected.events]
        by_device.setdefault(message.device, []).append((message.sent_at - origin, readings, events, message.retain))
    book.close()
    return sorted(by_device.items())


async def play(scenario: Scenario, folder: Path) -> list[tuple[Any, ...]]:
    assert await run_devices(scenario, folder, SystemClock(), for_s=None, out=lambda line: None) == 0
    return told(folder)


async def test_an_hour_in_seconds_is_the_same_hour_again_from_the_same_seed(tmp_path: Path) -> None:
    path = tmp_path / "hour.toml"
    path.write_text(HOUR)
    clock = SystemClock()
    with mosquitto(tmp_path) as broker:
        where = BrokerPlan(host="127.0.0.1", port=broker.port)
        scenario = msgspec.structs.replace(load_scenario(path), broker=where)
        one = await play(scenario, tmp_path / "one")
        same = await play(scenario, tmp_path / "same")
        other = await play(msgspec.structs.replace(scenario, seed=12), tmp_path / "other")
    assert one == same
    assert one != other
    lives = dict(one)
    assert set(lives) == {"gate", "plug", "clamp", "van", "lock"}
    assert 55 <= len(lives["plug"]) <= 70
    assert max(sent for sent, *_ in lives["van"]) > 3_500_000
    rows = sqlite3.connect(tmp_path / "one" / "ledger.db").execute("SELECT MAX(sent_at), MIN(sent_at) FROM message")
    last, first = rows.fetchone()
    assert last <= clock.now_ms()
    assert last - first > 3_400_000


def test_a_speed_without_an_end_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.toml"
    path.write_text('speed = 60\n[[door]]\nid = "d"\ntopic = "d"\n')
    assert main(["run", str(path), "--data", str(tmp_path / "data")]) == 2
    assert "needs an end" in capsys.readouterr().err
    path.write_text('[[door]]\nid = "d"\ntopic = "d"\n')
    assert main(["run", str(path), "--speed", "60", "--data", str(tmp_path / "data")]) == 2
    assert "--for" in capsys.readouterr().err
