"""A card at two places: what is impossible, what clocks and neighbouring readers explain."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest

from cloud.doors.card_travel import CLOCKS_MS, ENDS_AFTER_S, KIND, CardTravel, Sighting, leap
from cloud.geo.earth import Spot, distance_m
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.places.console import SITE, PretendAlarms, PretendRoster, Zones, asset, at

NORTH, SOUTH = Spot(30.275728, 120.150343), Spot(30.273304, 120.150343)
METRES = distance_m(NORTH, SOUTH)
KMH = 30.0
NEEDS_S = METRES / (KMH / 3.6)
CARD = "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605"
SOURCE = f"{SITE}/card:6f1d3a9c0b7e"


class Rig:
    def __init__(self, kmh: float = KMH, left: Sequence[str] = ()) -> None:
        self.clock, self.alarms = ManualClock(at("08:00")), PretendAlarms()
        self.roster = PretendRoster(
            asset("door", "north", ("reader", "n"), title="North gate", latitude=NORTH[0], longitude=NORTH[1]),
            asset("reader", "n-out", ("reader", "n2"), door="north"),
            asset("door", "south", ("reader", "s"), title="South gate", latitude=SOUTH[0], longitude=SOUTH[1]),
            asset("door", "nowhere", ("reader", "x"), title="Store"),
        )
        self.travel = CardTravel(
            self.clock, roster=self.roster, zones=Zones(), alarms=self.alarms, kmh=lambda _: kmh, left=lambda: left
        )

    async def tap(
        self, device: str, after_s: float, card: str = CARD, kind: str = "access_granted", **data: str
    ) -> None:
        event = Event(device, kind, at("08:00") - 60_000 + round(after_s * 1000), {"card_key": card, **data})
        await self.travel.happened(self.roster.happened(event))


async def test_a_card_at_both_gates_at_once_is_an_alarm_that_says_where_and_ends_by_itself() -> None:
    rig = Rig()
    await rig.tap("n", 0)
    assert rig.alarms.up == {}
    await rig.tap("s", 10, kind="access_denied", reason="not_now")
    args = rig.alarms.up[KIND, SOURCE]
    assert (args["who"], args["first"], args["second"]) == ("Card 6f1d3a", "North gate", "South gate")
    assert (args["seconds"], args["metres"], args["at"]) == (10, round(METRES), "07:59:10")
    await rig.clock.advance(ENDS_AFTER_S - 1)
    rig.travel.tick()
    assert rig.alarms.up
    await rig.clock.advance(1)
    rig.travel.tick()
    assert rig.alarms.up == {}


async def test_the_order_of_arrival_does_not_matter() -> None:
    rig = Rig()
    await rig.tap("s", 10)
    await rig.tap("n", 0)
    assert rig.alarms.up[KIND, SOURCE]["first"] == "North gate"


@pytest.mark.parametrize(("after_s", "is_told"), [(NEEDS_S - 5.5, True), (NEEDS_S - 4.5, False), (NEEDS_S + 1, False)])
async def test_who_can_have_gone_there_is_let_alone_with_clocks_a_little_apart(after_s: float, is_told: bool) -> None:
    rig = Rig()
    await rig.tap("n", 0)
    await rig.tap("s", after_s)
    assert bool(rig.alarms.up) == is_told


async def test_two_readers_of_one_gate_are_one_place() -> None:
    rig = Rig()
    for after_s in (0.0, 0.2, 1.0):
        await rig.tap("n", after_s)
        await rig.tap("n2", after_s)
    assert rig.alarms.up == {}


def test_places_nearer_than_what_is_drawn_exactly_are_one() -> None:
    for metres, is_told in ((45.0, False), (60.0, True)):
        other = Spot(NORTH[0] + metres / 111_195, NORTH[1])
        assert (leap(Sighting(0, NORTH, "a"), Sighting(0, other, "b"), 10.0) is not None) == is_told


async def test_a_reader_in_no_place_other_cards_and_a_speed_of_none_say_nothing() -> None:
    rig, off = Rig(), Rig(kmh=0)
    await rig.tap("n", 0)
    await rig.tap("x", 1)
    await rig.tap("s", 1, card="ff" * 16)
    await off.tap("n", 0)
    await off.tap("s", 1)
    assert rig.alarms.up == off.alarms.up == {}


async def test_a_read_that_may_be_old_and_a_guessed_time_are_no_sightings() -> None:
    rig = Rig()
    await rig.tap("n", 0)
    await rig.tap("s", 1, kind="access_denied", reason="old_read")
    event = Event("s", "card_read", at("08:00") - 59_000, {"card_key": CARD}, "time_uncertain")
    await rig.travel.happened(rig.roster.happened(event))
    assert rig.alarms.up == {}


async def test_an_alarm_of_before_a_start_ends_too() -> None:
    rig = Rig(left=[SOURCE])
    rig.alarms.raise_alarm(KIND, SOURCE, {})
    task = asyncio.create_task(rig.travel.run())
    await rig.clock.advance(0)
    await rig.clock.advance(ENDS_AFTER_S + 20)
    await rig.clock.advance(20)
    task.cancel()
    assert rig.alarms.up == {}


def test_jitter_of_clocks_never_makes_an_alarm_of_an_honest_walk() -> None:
    for jitter_ms, slower in itertools.product((-CLOCKS_MS, -1, 0, 1, CLOCKS_MS), (1.0, 1.5, 4.0)):
        second = round(NEEDS_S * 1000 * slower) + jitter_ms
        assert leap(Sighting(0, NORTH, "a"), Sighting(second + 1, SOUTH, "b"), KMH) is None
