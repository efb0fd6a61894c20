"""The world is a pure function of seed and time, and its devices tell it in their own dialects."""

import asyncio
import json
import random
from itertools import pairwise

import pytest

from protocols.clock import ManualClock
from simulators.devices.door import EspRfidDoor
from simulators.devices.message import Mouth
from simulators.devices.vehicle import OwnTracksVehicle
from simulators.ledger import CARD, Ledger
from simulators.world.load import MeteredLoad
from simulators.world.people import Person, make_people
from simulators.world.routes import make_timetable

ORIGIN_MS = 1_790_000_000_000


class Wire:
    """Stands for the broker: confirms at once, or breaks first."""

    def __init__(self, *, breaks: int = 0) -> None:
        self.sent: list[tuple[str, dict]] = []
        self._breaks = breaks

    async def publish(self, topic, payload, *, retain=False, on_attempt=None):
        for _ in range(self._breaks + 1):
            on_attempt()
        self.sent.append((topic, json.loads(payload)))


@pytest.fixture
def ledger():
    book = Ledger(None)
    yield book
    book.close()


def test_the_same_seed_makes_the_same_world():
    one, other = (MeteredLoad(random.Random(5), watts=900, phases=3, origin_ms=ORIGIN_MS) for _ in range(2))
    assert one.at(ORIGIN_MS + 123_456) == other.at(ORIGIN_MS + 123_456)
    assert make_people(random.Random(5), 30) == make_people(random.Random(5), 30)


def test_totals_are_the_sums_of_their_phases():
    truth = MeteredLoad(random.Random(6), watts=5000, phases=3, origin_ms=ORIGIN_MS).at(ORIGIN_MS + 7_000_000)
    for total, parts in (
        ("active_power_total", "active_power_l{}"),
        ("active_energy_import_total", "active_energy_import_l{}"),
        ("reactive_power_total", "reactive_power_l{}"),
    ):
        assert truth[total] == pytest.approx(sum(truth[parts.format(n)] for n in (1, 2, 3)))


def test_cards_are_all_different_and_of_a_length_readers_know():
    cards = [person.card for person in make_people(random.Random(1), 500)]
    assert len(set(cards)) == 500
    assert {len(card) for card in cards} == {8, 14}


def test_a_vehicle_drives_its_loop_without_jumps_and_comes_home():
    timetable = make_timetable(random.Random(3), bay=4, drives=True)
    fixes = [timetable.fix_at(ORIGIN_MS + 1000 * second) for second in range(4000)]
    steps = [abs(b.latitude - a.latitude) + abs(b.longitude - a.longitude) for a, b in pairwise(fixes)]
    assert max(steps) < 0.0006
    assert max(fix.speed_kmh for fix in fixes) < 90
    assert any(fix.speed_kmh == 0 for fix in fixes)
    assert any(fix.speed_kmh > 20 for fix in fixes)


async def test_a_location_leaves_out_what_is_zero_and_the_ledger_knows(ledger):
    clock, wire = ManualClock(), Wire()
    timetable = make_timetable(random.Random(3), bay=0, drives=False)
    car = OwnTracksVehicle(
        Mouth("car-1", wire, ledger, clock), topic="owntracks/f/car-1", timetable=timetable, rng=random.Random(1)
    )
    await car.report()
    [(topic, body)] = wire.sent
    assert topic == "owntracks/f/car-1"
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
    timetable = make_timetable(random.Random(3), bay=0, drives=True)
    car = OwnTracksVehicle(Mouth("car-1", wire, ledger, clock), topic="t", timetable=timetable, rng=random.Random(1))
    await car.report()
    await car.report()
    assert len(wire.sent) == 1


async def test_a_swipe_is_told_as_the_controller_tells_it(ledger):
    clock, wire = ManualClock(), Wire()
    door = EspRfidDoor(
        Mouth("gate", wire, ledger, clock), topic="doors/gate", people=[], rng=random.Random(2), number=1
    )
    swiping = asyncio.create_task(door.swipe(asyncio.Event(), Person("Li Wei", "04A1B2C3", "Always")))
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
        "hostname": "gate",
        "doorName": "gate",
    }
    assert [body["desc"] for body in said[1:]] == ["Door Open", "Door Closed"]
    events = [event for message in ledger.published() for event in message.expected.events]
    assert [event.kind for event in events] == ["access_granted", "door_opened", "door_closed"]
    assert events[0].data[CARD] == "04A1B2C3"


async def test_an_expired_card_opens_nothing(ledger):
    clock, wire = ManualClock(), Wire()
    door = EspRfidDoor(Mouth("gate", wire, ledger, clock), topic="t", people=[], rng=random.Random(2), number=1)
    await door.swipe(asyncio.Event(), Person("Li Wei", "04A1B2C3", "Expired"))
    assert len(wire.sent) == 1
    [message] = ledger.published()
    assert message.expected.events[0].kind == "access_denied"


async def test_every_attempt_is_in_the_ledger(ledger):
    clock, wire = ManualClock(), Wire(breaks=2)
    await Mouth("gate", wire, ledger, clock).say("t", {"type": "boot"})
    [message] = ledger.published()
    assert message.attempts == 3
    assert message.confirmed_at is not None
