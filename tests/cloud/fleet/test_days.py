"""However late and in whatever order samples come: the same trips, kilometres and journal in the end."""

import json
import random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.assets.contract import Fence
from cloud.fleet.day import began_of, done_of
from cloud.fleet.fixes import READER, Sample
from cloud.geo.earth import Spot
from tests.cloud.fleet.around import CAR, CARD_READER, Map, World, local, sample_of
from tests.cloud.fleet.pretended import HOME, Leg, drive, noisy, place

MORNING = local("2026-11-23T07:30")
TOWN = Fence(site="east", id="town", name="Town", centre=place(3000, 0), radius_m=400)
YARD = Fence(site="east", id="yard", name="Yard", purpose="compound", centre=HOME, radius_m=120)


def two_days() -> list[Sample]:
    """To town and back on a day, out before midnight and back after it; with cards and an odometer."""
    fixes = []
    at, here, odometer_km = MORNING, HOME, 5000.0
    out = [Leg(0, 1, 1, 900), Leg(90, 3000, 12, 60), Leg(90, 1, 1, 1500)]
    for legs, wait_h in ((out, 6.0), ([Leg(270, 3000, 12, 0), Leg(0, 1, 1, 900)], 8.6), (out, 1.5)):
        seen, truth = drive(legs, at, here, every_s=20)
        fixes += noisy(seen, 5, round(at % 1000) + len(fixes))
        at, here = truth.came_at + round(wait_h * 3_600_000), truth.to
    samples = []
    for number, fix in enumerate(fixes):
        odometer_km += 0.05 if (fix.speed_kmh or 0) > 5 else 0.0
        samples.append(sample_of(fix._replace(device_km=round(odometer_km, 2)) if number % 3 else fix))
    for offset_s, card in ((60, "ab12"), (33_000, "cd34")):
        samples.append(Sample(MORNING + offset_s * 1000, READER, CARD_READER, {}, 0, card))
    return sorted(samples, key=lambda sample: sample.order)


SAMPLES = two_days()
END = max(sample.at for sample in SAMPLES) + 2 * 86_400_000


def world() -> World:
    made = World(map_=Map([TOWN, YARD]), at=MORNING)
    for card, name in (("ab12", "wang"), ("cd34", "li")):
        asset = made.asset
        key = asset.key._replace(kind="driver", id=name)
        made.roster.cards[card] = msgspec.structs.replace(asset, key=key, name=name.title(), facts={}, bindings=())
    return made


def outcome(made: World) -> dict[str, object]:
    days = sorted(made.book.kept.values(), key=lambda day: day.day)
    return {
        "trips": [trip.facts for trip in made.book.trips()],
        "done": [done_of(day) for day in days],
        "findings": [day.findings for day in days],
        "journal": sorted(made.journal.rows, key=repr),
        "alarms": made.board.active,
    }


async def in_order(made: World | None = None) -> World:
    made = made or world()
    for sample in SAMPLES:
        await made.tell([sample], now=sample.at + 500)
        made.fleet.tick()
    await made.settle(END)
    return made


@pytest.fixture(scope="module")
def expected() -> dict[str, object]:
    import asyncio

    return outcome(asyncio.run(in_order()))


async def test_the_days_have_trips_kilometres_drivers_and_fences(expected: dict[str, object]) -> None:
    made = await in_order()
    assert outcome(made) == expected, "the same again"
    trips = [msgspec.json.decode(facts) for facts in expected["trips"]]  # type: ignore[attr-defined]
    assert len(trips) == 3
    assert [trip["driver"] for trip in trips] == ["wang", "wang", "li"]
    kinds = made.journal.kinds()
    assert kinds.count("trip_started") == kinds.count("trip_ended") == 3
    assert kinds.count("fence_entered") >= 4
    assert began_of(next(iter(made.book.kept.values()))) is not None


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), parts=st.integers(1, 12), live=st.booleans())
async def test_any_order_of_arrival_ends_in_the_same_days(
    expected: dict[str, object], seed: int, parts: int, live: bool
) -> None:
    rng = random.Random(seed)
    cuts = sorted(rng.sample(range(1, len(SAMPLES)), parts - 1)) if parts > 1 else []
    blocks = [SAMPLES[a:b] for a, b in zip([0, *cuts], [*cuts, len(SAMPLES)], strict=True)]
    held = [block for block in blocks if rng.random() < 0.4]
    made = world()
    now = MORNING
    for block in blocks:
        if block in held:
            continue
        for sample in block:
            now = max(now, sample.at + 500)
            await made.tell([sample], now=now)
            made.fleet.tick()
        if live and rng.random() < 0.5:
            await made.settle(now)
    rng.shuffle(held)
    for block in held:
        mixed = list(block)
        rng.shuffle(mixed)
        for start in range(0, len(mixed), 97):
            now = max(now + 1000, max(sample.at for sample in mixed))
            await made.tell(mixed[start : start + 97], now=now)
            if rng.random() < 0.3:
                await made.settle(now)
    await made.settle(END)
    assert outcome(made) == expected


async def test_after_a_restart_the_day_is_worked_out_from_the_store(expected: dict[str, object]) -> None:
    made = world()
    half = len(SAMPLES) // 2
    for sample in SAMPLES[:half]:
        await made.tell([sample], now=sample.at + 500)
        made.fleet.tick()
    await made.fleet.flush()
    # What was committed while the collector went down was told to nobody.
    lost = SAMPLES[half : half + 40]
    made.store.kept += [sample._replace(received_at=sample.at + 500) for sample in lost]
    made.fleet = made.build()
    await made.fleet.open()
    noted = list(made.journal.rows)
    for number, sample in enumerate(SAMPLES[half + 40 :]):
        await made.tell([sample], now=sample.at + 500)
        made.fleet.tick()
        if number == 100:
            assert made.journal.rows == noted, "nothing is made of what it does not know whole"
            assert await made.fleet.redo_next()
    await made.settle(END)
    assert outcome(made) == expected


@pytest.mark.parametrize("later_ms", [1_000, 4 * 3_600_000])
async def test_after_a_restart_a_vehicle_is_where_it_was_heard_last(later_ms: int) -> None:
    made = await in_order()
    await made.fleet.flush()
    names = ("latitude", "longitude", "state", "place")
    before = {name: made.screen.shown[CAR.entity][name] for name in names}
    made.fleet = made.build()
    await made.fleet.open()
    made.set_clock(made.clock.now_ms() + later_ms)
    made.fleet.tick()
    while await made.fleet.redo_next():
        pass
    made.fleet.tick()
    assert before["latitude"] is not None
    assert {name: made.screen.shown[CAR.entity][name] for name in names} == before


async def test_trips_between_known_places_are_told_to_those_who_learn_from_them_once() -> None:
    assert (await in_order()).travelled == [], "nobody knows these places, and nobody ordered it"
    made = world()
    made.around.map.where = lambda site, spot: "somewhere"  # type: ignore[method-assign]
    await in_order(made)
    kept = [json.loads(trip.facts) for trip in made.book.trips()]
    known = [trip for trip in kept if not trip["gap"] and (trip["request"] or (trip["from_name"] and trip["to_name"]))]
    assert known
    assert [(each.started_at, each.ended_at) for each in made.travelled] == [
        (trip["started_at"], trip["ended_at"]) for trip in known
    ]
    made.fleet._lines[CAR].mark_late(MORNING, END)
    await made.settle(END)
    assert len(made.travelled) == len(known)


async def test_working_out_a_day_twice_changes_nothing(expected: dict[str, object]) -> None:
    made = await in_order()
    made.fleet._lines[CAR].mark_late(MORNING, END)
    await made.settle(END)
    assert outcome(made) == expected


async def test_a_fix_of_the_future_changes_nothing(expected: dict[str, object]) -> None:
    made = world()
    for number, sample in enumerate(SAMPLES):
        await made.tell([sample], now=sample.at + 500)
        if number % 50 == 0:
            wrong = sample._replace(at=sample.at + 3_600_000 + number, points={"latitude": 1.5, "longitude": 2.5})
            await made.tell([wrong], now=sample.at + 500)
        made.fleet.tick()
    made.fleet._lines[CAR].mark_late(MORNING, END)
    await made.settle(END)
    assert outcome(made) == expected


def test_the_sample_days_are_not_trivial() -> None:
    assert len(SAMPLES) > 300
    assert isinstance(HOME, Spot)
