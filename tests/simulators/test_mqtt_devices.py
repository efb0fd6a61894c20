"""What devices that publish say by themselves: their words, their timetable, and what the ledger keeps of it."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import pairwise

import pytest

from protocols.clock import ManualClock
from simulators.devices.mqtt.device import MqttDevice
from simulators.devices.mqtt.dialect import Place
from simulators.devices.mqtt.esp_rfid import EspRfid
from simulators.devices.mqtt.owntracks import OwnTracksPhone
from simulators.ledger import CARD, Ledger
from simulators.world.people import Person
from simulators.world.routes import make_timetable

LI_WEI = Person("Li Wei", "04A1B2C3", "Always")


class Wire:
    """Stands for the broker: confirms at once, or breaks first."""

    connected = True

    def __init__(self, *, breaks: int = 0) -> None:
        self.sent: list[tuple[str, dict]] = []
        self._breaks = breaks

    async def wait_connected(self):
        return

    async def publish(self, topic, payload, *, qos=1, retain=False, on_attempt=None):
        for _ in range(self._breaks + 1):
            on_attempt()
        self.sent.append((topic, json.loads(payload)))


@pytest.fixture
def ledger():
    book = Ledger(None)
    yield book
    book.close()


def make(kind, ledger, wire, clock, *, drives=False, **more):
    route = make_timetable(random.Random(3), bay=0, drives=drives)
    place = Place(device="car-1", topic="a/car-1", rng=random.Random(1), fix=route.fix_at)
    return MqttDevice(
        "car-1", kind(place), lambda will, greets: wire, ledger, clock, clock, rng=random.Random(1), **more
    )


async def test_a_location_leaves_out_what_is_zero_and_the_ledger_knows(ledger):
    clock, wire = ManualClock(), Wire()
    await make(OwnTracksPhone, ledger, wire, clock).report()
    [(topic, body)] = wire.sent
    assert topic == "a/car-1"
    assert body["_type"] == "location"
    assert "vel" not in body
    assert "cog" not in body
    [message] = ledger.published()
    expected = {reading.point: reading for reading in message.expected.readings}
    assert expected["latitude"].value == body["lat"]
    assert expected["speed_kmh"].optional
    assert expected["latitude"].at == body["tst"] * 1000


async def test_a_second_is_reported_once(ledger):
    clock, wire = ManualClock(), Wire()
    car = make(OwnTracksPhone, ledger, wire, clock, drives=True)
    await car.report()
    await car.report()
    assert len(wire.sent) == 1


async def test_a_swipe_is_told_as_the_controller_tells_it(ledger):
    clock, wire = ManualClock(), Wire()
    door = make(EspRfid, ledger, wire, clock)
    swiping = asyncio.create_task(door.swipe(asyncio.Event(), LI_WEI))
    await clock.advance(10)
    await swiping
    said = [body for _, body in wire.sent]
    assert said[0] == {
        "type": "access",
        "time": said[0]["time"],
        "isKnown": "true",
        "access": "Always",
        "username": "Li Wei",
        "uid": "04a1b2c3",
        "hostname": "car-1",
        "doorName": "car-1",
    }
    assert [body["desc"] for body in said[1:]] == ["Door Open", "Door Closed"]
    events = [event for message in ledger.published() for event in message.expected.events]
    assert [event.kind for event in events] == ["access_granted", "door_opened", "door_closed"]
    assert events[0].data[CARD] == "04A1B2C3"


async def test_an_expired_card_opens_nothing(ledger):
    clock, wire = ManualClock(), Wire()
    door = make(EspRfid, ledger, wire, clock)
    await door.swipe(asyncio.Event(), LI_WEI._replace(access="Expired"))
    assert len(wire.sent) == 1
    [message] = ledger.published()
    assert message.expected.events[0].kind == "access_denied"


async def test_every_attempt_is_in_the_ledger(ledger):
    clock, wire = ManualClock(), Wire(breaks=2)
    await make(EspRfid, ledger, wire, clock).report()
    [message] = ledger.published()
    assert message.attempts == 3
    assert message.confirmed_at is not None


async def test_what_is_planned_happens_at_its_own_instant_however_late_it_is(ledger):
    """The machine may be slow: the world is not. The second half of the hour comes in one leap of the clock."""
    clock, wire = ManualClock(), Wire()
    begins = clock.now_ms()
    door = make(
        EspRfid, ledger, wire, clock, people=[LI_WEI], tap_every_s=60.0, begins_ms=begins, ends_ms=begins + 3_600_000
    )
    living = asyncio.create_task(door.run(asyncio.Event()))
    await clock.advance(1_800)
    clock.step(1_800_000)
    clock._monotonic += 1_800
    await clock.advance(1)
    await asyncio.wait_for(living, 5)
    times = [body["time"] * 1000 for _, body in wire.sent]
    assert times == sorted(times)
    assert times[-1] > begins + 3_500_000
    beats = [body["time"] for _, body in wire.sent if body["type"] == "heartbeat"]
    assert {second - first for first, second in pairwise(beats)} == {60}


async def test_a_misused_door_is_held_open_forced_and_shut_again(ledger):
    clock, wire = ManualClock(), Wire()
    # So much misuse that every door that is opened is held open, and one is forced behind every tap.
    door = make(EspRfid, ledger, wire, clock, people=[LI_WEI], misuse=2.0, ends_ms=clock.now_ms() + 600_000)
    halt = asyncio.Event()
    living = asyncio.create_task(door.run(halt))
    for _ in range(700):
        await clock.advance(1.0)
    await asyncio.wait_for(living, 5)
    events = [(event.at, event.kind) for message in ledger.published() for event in message.expected.events]
    turns = [(at, kind) for at, kind in events if kind in ("door_opened", "door_closed")]
    assert [kind for _, kind in turns[:6]] == ["door_opened", "door_closed"] * 3
    held = [at for at, kind in events if kind == "door_held"]
    assert held
    for at in held:
        opened = max(turn for turn, kind in turns if kind == "door_opened" and turn <= at)
        assert 44_000 <= at - opened <= 46_000
    taps = [at for at, kind in events if kind == "access_granted"]
    forced = [at for at, kind in turns if kind == "door_opened" and not any(at - 2_000 <= tap <= at for tap in taps)]
    assert forced
