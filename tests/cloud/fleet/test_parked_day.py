"""A car that is parked for a day goes nowhere: the acceptance table of receivers of 3, 6 and 10 m.

The noise is calibrated: counted naively it draws the 20.6, 33.5 and 50.8 km a day, and about the 43, 270 and 469 exits
from a fence of 50 m around a spot 42 m away, that were seen with real figures.
"""

import pytest

from cloud.assets.contract import Fence
from cloud.fleet.fences import Fences, Left, pass_fences
from cloud.fleet.fixes import Cleaner, Fix, clean
from cloud.fleet.mileage import Mileage, best
from cloud.fleet.mileage import drive as count
from cloud.fleet.settings import FleetSettings
from cloud.fleet.shapes import Shapes
from cloud.fleet.trips import Began, Journey, Trip, move, stands, steady
from cloud.geo.earth import distance_m
from tests.cloud.fleet.pretended import HOME, parked

SETTINGS = FleetSettings()
RUNS = 10
FROM_CENTRE_M, FENCE_M = 42.0, 50.0
NAIVE_KM = {3: 20.6, 6: 33.5, 10: 50.8}


class Day:
    """What came of a day."""

    def __init__(self, sigma_m: float, seed: int, *, tells: bool) -> None:
        self.naive_km = 0.0
        self.naive_exits = self.trips = self.exits = 0
        shapes = Shapes([Fence(site="e", id="f", name="f", centre=HOME, radius_m=FENCE_M)])
        cleaner, journey, mileage, fences = Cleaner(), Journey(), Mileage(), Fences()
        before: Fix | None = None
        for fix in parked(sigma_m, seed, east_m=FROM_CENTRE_M, tells=tells):
            if before is not None:
                self.naive_km += distance_m(before.spot, fix.spot) / 1000
                was_in = distance_m(before.spot, HOME) <= FENCE_M
                self.naive_exits += was_in and distance_m(fix.spot, HOME) > FENCE_M
            before = fix
            cleaner, accepted = clean(cleaner, fix, fix.at, SETTINGS)
            for one in accepted:
                mileage = count(mileage, one, stands(journey, one, SETTINGS), SETTINGS)
                journey, happened = move(journey, one, mileage.totals, SETTINGS)
                self.trips += sum(isinstance(each, Trip | Began) for each in happened)
                fences, passages = pass_fences(fences, steady(journey, one, SETTINGS), shapes, SETTINGS)
                self.exits += sum(isinstance(each, Left) for each in passages)
        self.km = best(mileage.totals).km


@pytest.mark.parametrize("tells", [True, False], ids=["knows its accuracy", "does not know"])
@pytest.mark.parametrize("sigma_m", [3, 6, 10])
def test_a_parked_car_makes_no_trips_hardly_any_kilometres_and_leaves_no_fence(sigma_m: int, tells: bool) -> None:
    days = [Day(sigma_m, seed, tells=tells) for seed in range(RUNS)]
    assert sum(day.naive_km for day in days) / RUNS == pytest.approx(NAIVE_KM[sigma_m], rel=0.05), "the noise is right"
    assert sum(day.naive_exits for day in days) / RUNS > 30, "naive fencing would cry"
    assert sum(day.km for day in days) / RUNS <= 2
    assert sum(day.trips for day in days) == 0
    assert sum(day.exits for day in days) / RUNS <= 2


def test_an_anchor_alone_without_standing_still_would_keep_the_table_too() -> None:
    cleaner, mileage = Cleaner(), Mileage()
    for fix in parked(6, 1):
        cleaner, accepted = clean(cleaner, fix, fix.at, SETTINGS)
        for one in accepted:
            mileage = count(mileage, one, None, SETTINGS)
    assert 0 < best(mileage.totals).km <= 2
