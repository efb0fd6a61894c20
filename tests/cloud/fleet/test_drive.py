"""A drive through streets with noise, outliers, traffic lights and a tunnel."""

import random

import pytest

from cloud.fleet.fixes import Cleaner, Fix, clean
from cloud.fleet.mileage import Mileage, best
from cloud.fleet.mileage import drive as count
from cloud.fleet.settings import FleetSettings
from cloud.fleet.trips import Began, Journey, Trip, move, stands
from cloud.geo.earth import distance_m
from tests.cloud.fleet.pretended import HOME, START, Leg, Truth, drive, noisy, parked, place

SETTINGS = FleetSettings()
PARKED_S = 1200


def streets(seed: int) -> list[Leg]:
    """Some 8 km of blocks with traffic lights of up to 60 s, a bend, a tunnel of 90 s, a crawl at the end."""
    rng = random.Random(seed)
    legs, course = [], 0.0
    for block in range(24):
        course += rng.choice((-90, 0, 0, 90)) + rng.uniform(-8, 8)
        legs.append(Leg(course, rng.uniform(180, 450), rng.uniform(6, 17), rng.choice((0, 0, 12, 30, 60))))
        if block == 12:
            legs += [Leg(course + angle, 15, 8) for angle in range(0, 90, 10)]
            legs.append(Leg(course + 90, 1500, 16.7, dark=True))
            course += 90
    return [*legs, Leg(course + 45, 120, 3)]


def run(fixes: list[Fix]) -> tuple[list[Trip], Mileage, Journey]:
    cleaner, journey, mileage = Cleaner(), Journey(), Mileage()
    trips: list[Trip] = []
    for fix in fixes:
        cleaner, accepted = clean(cleaner, fix, fix.at, SETTINGS)
        for one in accepted:
            mileage = count(mileage, one, stands(journey, one, SETTINGS), SETTINGS)
            journey, happened = move(journey, one, mileage.totals, SETTINGS)
            trips += [each for each in happened if isinstance(each, Trip)]
    return trips, mileage, journey


def whole(seed: int, sigma_m: float, every_s: float, *, tells: bool = True) -> tuple[list[Fix], Truth]:
    """Parked for a while, the drive, parked for a while."""
    legs = [Leg(0, 0.001, 1, PARKED_S), *streets(seed), Leg(0, 0.001, 1, PARKED_S)]
    seen, truth = drive(legs, START, HOME, every_s=every_s)
    started = START + PARKED_S * 1000
    truth = truth._replace(left_at=started, came_at=truth.came_at - PARKED_S * 1000)
    return noisy(seen, sigma_m, seed, tells=tells), truth


@pytest.mark.parametrize("tells", [True, False], ids=["knows its accuracy", "does not know"])
@pytest.mark.parametrize(("sigma_m", "every_s"), [(3, 1.0), (6, 1.0), (3, 10.0), (6, 10.0), (5, 30.0)])
def test_a_noisy_drive_is_one_trip_from_where_to_where_and_how_far(sigma_m: float, every_s: float, tells: bool) -> None:
    errors = []
    for seed in range(3):
        fixes, truth = whole(seed, sigma_m, every_s, tells=tells)
        trips, _, journey = run(fixes)
        assert not journey.moving
        assert len(trips) == 1, (seed, trips)
        (trip,) = trips
        assert abs(trip.start.at - truth.left_at) <= 60_000, seed
        assert abs(trip.end.at - truth.came_at) <= 60_000, seed
        assert distance_m(trip.start.spot, truth.from_) <= 200
        assert distance_m(trip.end.spot, truth.to) <= 200
        errors.append(best(trip.totals).km / truth.km - 1)
    # With half a minute between fixes corners are cut: nothing is matched to roads.
    assert max(map(abs, errors)) <= (0.03 if every_s <= 10 else 0.08), errors


def test_a_silence_of_hours_and_another_place_is_a_trip_of_which_only_the_ends_are_known() -> None:
    here = list(parked(3, 1, hours=1))
    later = here[-1].at + 5 * 3_600_000
    there = [fix._replace(at=later + index * 10_000, spot=place(5000, 0)) for index, fix in enumerate(here)]
    trips, mileage, _ = run([*here, *there])
    (trip,) = trips
    assert trip.gap
    assert (trip.start.at, trip.end.at) == (here[-1].at, later)
    assert best(trip.totals).km == pytest.approx(5, abs=0.1)
    assert best(mileage.totals).km == pytest.approx(5, abs=0.1)


def test_a_silence_in_the_same_place_is_no_trip() -> None:
    here = list(parked(3, 1, hours=1))
    later = [fix._replace(at=fix.at + 9 * 3_600_000) for fix in here]
    trips, _, _ = run([*here, *later])
    assert trips == []


def test_a_drive_that_is_not_heard_to_its_end_ended_where_it_was_heard_last() -> None:
    fixes, truth = whole(1, 3, 10.0)
    cut = [fix for fix in fixes if fix.at < truth.left_at + 300_000]
    back = [fix._replace(at=fix.at + 4 * 3_600_000) for fix in cut[-1:]]
    trips, _, journey = run([*cut, *back])
    assert [trip.gap for trip in trips] == [False]
    assert trips[0].end.at == cut[-1].at
    assert not journey.moving


def test_the_ignition_going_off_ends_a_trip_sooner() -> None:
    fixes, truth = whole(2, 3, 10.0)
    ended = {}
    for ignition in (None, False):
        cleaner, journey, mileage = Cleaner(), Journey(), Mileage()
        for fix in fixes:
            off = ignition is not None and fix.at > truth.came_at
            one = fix._replace(ignition=None if ignition is None else not off)
            cleaner, accepted = clean(cleaner, one, one.at, SETTINGS)
            for each in accepted:
                mileage = count(mileage, each, stands(journey, each, SETTINGS), SETTINGS)
                journey, happened = move(journey, each, mileage.totals, SETTINGS)
                if any(isinstance(what, Trip) for what in happened):
                    ended[ignition] = each.at
    assert ended[False] < ended[None] - 60_000


def test_a_car_that_is_shunted_within_the_yard_makes_no_trip_and_leaves_from_its_new_place() -> None:
    seen, truth = drive(
        [Leg(0, 0.001, 1, 1800), Leg(90, 120, 3, 7200), Leg(90, 3000, 12, 1800)], START, HOME, every_s=10
    )
    trips, _, _ = run(noisy(seen, 3, 1))
    (trip,) = trips
    left_at = truth.came_at - 1_800_000 - 250_000
    assert abs(trip.start.at - left_at) <= 60_000
    assert distance_m(trip.start.spot, place(120, 0)) <= 50


def test_a_trip_begins_by_its_second_fix_far_away_not_by_one_alone() -> None:
    here = list(parked(3, 3, hours=0.5))
    alone = here[90]._replace(spot=place(240, 0))
    trips, _, journey = run([*here[:90], alone, *here[91:]])
    assert trips == []
    assert not journey.moving
    journey, happened = Journey(), ()
    for fix in [*here[:90], *(here[90 + n]._replace(spot=place(240 + 100 * n, 0)) for n in range(2))]:
        journey, happened = move(journey, fix, Mileage().totals, SETTINGS)
    assert isinstance(happened[-1], Began)
