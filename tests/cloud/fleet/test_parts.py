"""Cleaning, mileage, fences, order of arrival: each by itself."""

import math

import pytest

from cloud.assets.contract import Fence
from cloud.fleet.fences import Entered, Fences, Left, Passage, pass_fences
from cloud.fleet.fixes import POSITION, Cleaner, Fix, Heard, Sample, clean, hear
from cloud.fleet.mileage import Mileage, best, drive
from cloud.fleet.reorder import Reorder
from cloud.fleet.settings import FleetSettings
from cloud.fleet.shapes import Shapes
from cloud.geo.earth import Spot
from tests.cloud.fleet.pretended import HOME, START, place

SETTINGS = FleetSettings()
SQUARE = tuple(place(x, y) for x, y in ((-100, -100), (100, -100), (100, 100), (-100, 100)))


def fix(second: float, east_m: float = 0.0, north_m: float = 0.0, accuracy_m: float | None = 5.0) -> Fix:
    return Fix(START + round(second * 1000), place(east_m, north_m), accuracy_m)


def cleaned(*fixes: Fix) -> tuple[list[Fix], Cleaner]:
    cleaner = Cleaner()
    kept: list[Fix] = []
    for one in fixes:
        cleaner, accepted = clean(cleaner, one, one.at, SETTINGS)
        kept += accepted
    return kept, cleaner


def test_fixes_that_cannot_be_are_left_out_and_counted() -> None:
    zero = Fix(START + 5000, Spot(0.0, 0.0), 3.0)
    kept, cleaner = cleaned(fix(0), zero, fix(10), fix(10), fix(20, accuracy_m=80), fix(30))
    assert [one.at for one in kept] == [START, START + 10_000, START + 30_000]
    assert (cleaner.counts.zero, cleaner.counts.duplicate, cleaner.counts.inaccurate) == (1, 1, 1)


def test_a_fix_that_is_too_fast_from_both_sides_is_left_out() -> None:
    kept, cleaner = cleaned(fix(0), fix(10, 5000), fix(20, 30))
    assert [one.at for one in kept] == [START, START + 20_000]
    assert cleaner.counts.jump == 1


def test_a_fix_that_is_too_fast_from_one_side_only_stays() -> None:
    kept, _ = cleaned(fix(0), fix(10, 5000), fix(20, 5030), fix(30, 5060))
    assert len(kept) == 4


def test_without_accuracy_a_jump_away_and_back_is_left_out() -> None:
    kept, _ = cleaned(*(fix(n * 10, 150 if n == 3 else 0, accuracy_m=None) for n in range(6)))
    assert len(kept) == 5
    driven, _ = cleaned(*(fix(n * 10, 150 * n, accuracy_m=None) for n in range(6)))
    assert len(driven) == 5, "driving on is no jump; the last one waits for the next"


def test_a_point_that_was_left_out_because_it_did_not_change_still_holds() -> None:
    heard, _ = hear(
        Heard(), Sample(START, POSITION, "t", {"latitude": 31.0, "longitude": 121.0, "ignition": 1.0}, START)
    )
    _, made = hear(heard, Sample(START + 10_000, POSITION, "t", {"latitude": 31.001}, START))
    assert made is not None
    assert made.spot == Spot(31.001, 121.0)
    assert made.ignition is True
    _, bad = hear(heard, Sample(START + 10_000, POSITION, "t", {"latitude": None, "longitude": 121.0}, START))
    assert bad is None, "a bad reading has no value"


def counted(*readings: tuple[float, float | None, float | None, float]) -> Mileage:
    """(second, odometer, tracker's, east)."""
    mileage = Mileage()
    for second, odometer, device, east_m in readings:
        one = fix(second, east_m)._replace(odometer_km=odometer, device_km=device)
        mileage = drive(mileage, one, None, SETTINGS)
    return mileage


def test_the_vehicles_odometer_wins_over_the_trackers_and_that_over_positions() -> None:
    assert best(counted((0, 100.0, 7.0, 0), (600, 104.2, 11.0, 4000)).totals) == (4.2, "odometer")
    assert best(counted((0, None, 7.0, 0), (600, None, 11.0, 4000)).totals) == (4.0, "device")
    km, source = best(counted((0, None, None, 0), (600, None, None, 4000)).totals)
    assert (round(km, 1), source) == (4.0, "gnss")


def test_an_odometer_that_was_reset_or_replaced_is_passed_over() -> None:
    fell = best(counted((0, 100.0, 7.0, 0), (300, 3.0, 9.0, 2000), (600, 5.0, 11.0, 4000)).totals)
    assert fell == (4.0, "device")
    leapt = best(counted((0, 100.0, None, 0), (600, 90_000.0, None, 4000)).totals)
    assert leapt.source == "gnss"


def test_an_odometer_that_counted_half_of_the_way_is_passed_over() -> None:
    half = best(
        counted(
            (0, None, None, 0), (600, None, None, 9000), (1200, 5.0, None, 18_000), (1300, 5.1, None, 18_100)
        ).totals
    )
    assert half.source == "gnss"


def test_a_parked_car_with_an_odometer_is_by_the_odometer_even_when_positions_wander() -> None:
    readings = [(n * 10.0, 100.0, None, 40.0 * (n % 2)) for n in range(40)]
    assert best(counted(*readings).totals) == (0.0, "odometer")


def passed(fence: Fence, *fixes: Fix) -> list[Passage]:
    shapes, fences = Shapes([fence]), Fences()
    happened: list[Passage] = []
    for one in fixes:
        fences, more = pass_fences(fences, one, shapes, SETTINGS)
        happened += more
    return happened


def square(**more: object) -> Fence:
    return Fence(site="e", id="f", name="f", ring=SQUARE, **more)  # type: ignore[arg-type]


def test_a_fence_is_entered_at_its_boundary_and_left_well_outside_after_three_fixes() -> None:
    way = [fix(n * 5, 149 - 10 * n) for n in range(10)]
    assert passed(square(), *way) == [Entered("f", START + 25_000)]
    out = [fix(100 + n * 5, 60 + 15 * n) for n in range(10)]
    happened = passed(square(), *way, *out)
    assert happened[1:] == [Left("f", START + 120_000, START + 25_000)], "since the first fix beyond 20 m"


def test_lingering_at_the_boundary_leaves_nothing() -> None:
    lingering = [fix(n * 10, 95 + 15 * math.sin(n)) for n in range(200)]
    assert passed(square(), fix(-10), *lingering) == [Entered("f", START - 10_000)]


def test_a_bad_fix_has_a_wider_margin() -> None:
    out = [fix(10 * n, 140, accuracy_m=45.0) for n in range(1, 20)]
    assert len(passed(square(), fix(0), *out)) == 1
    assert len(passed(square(), fix(0), *(one._replace(accuracy_m=5.0) for one in out))) == 2


def test_sparse_fixes_leave_after_a_minute() -> None:
    assert [type(each) for each in passed(square(), fix(0), fix(60, 300), fix(121, 600))] == [Entered, Left]


def test_a_fence_between_two_sparse_fixes_was_crossed() -> None:
    came, went = passed(square(), fix(0, -400), fix(80, 400))
    assert came == Entered("f", START + 30_000, True)
    assert went == Left("f", START + 50_000, START + 30_000, True)
    assert passed(square(), fix(0, -400, 300), fix(80, 400, 300)) == []
    round_ = Fence(site="e", id="f", name="f", centre=HOME, radius_m=100)
    assert len(passed(round_, fix(0, -400), fix(80, 400))) == 2
    assert passed(round_, fix(0, -400), fix(700, 400)) == [], "nobody knows where it was for so long"


def test_driving_by_is_no_visit_where_a_visit_takes_a_while() -> None:
    fence = square(min_dwell_s=60)
    by = [fix(n * 5, -300 + 60 * n) for n in range(12)]
    assert passed(fence, *by) == []
    assert passed(fence, fix(0, -400), fix(80, 400)) == []
    stay = passed(fence, *(fix(n * 10) for n in range(10)))
    assert stay == [Entered("f", START)]


def test_a_fence_that_is_large_or_far_away_is_found_too() -> None:
    city = Fence(site="e", id="city", name="c", centre=place(0, 0), radius_m=30_000)
    far = Fence(site="e", id="far", name="f", centre=place(9000, 9000), radius_m=80)
    shapes = Shapes([city, far])
    found = {
        shape.fence.id
        for shape in shapes.near(*shapes.flat(place(9000, 9000)))
        if shape.holds(*shapes.flat(place(9000, 9000)))
    }
    assert found == {"city", "far"}


def sample(second: float, received_s: float, **points: float) -> Sample:
    return Sample(START + round(second * 1000), POSITION, "t", points, START + round(received_s * 1000))


def test_samples_that_overtake_each_other_come_out_in_order() -> None:
    waiting = Reorder()
    for second, received in ((3, 3.1), (1, 3.2), (2, 3.3)):
        waiting.add(sample(second, received, latitude=1.0))
    assert waiting.ready(3000, START + 3400) == []
    ready = waiting.ready(3000, START + 6400)
    assert [one.at - START for one in ready] == [1000, 2000, 3000]
    assert len(waiting) == 0


def test_one_sample_that_came_in_two_parts_is_one() -> None:
    waiting = Reorder()
    waiting.add(sample(1, 1.1, longitude=2.0))
    waiting.add(sample(1, 1.2, latitude=1.0))
    (one,) = waiting.take()
    assert dict(one.points) == {"latitude": 1.0, "longitude": 2.0}


@pytest.mark.parametrize("start", [(-400.0, 0.0), (0.0, -400.0), (-300.0, -310.0)])
def test_how_far_outside_is_measured_to_the_nearest_side(start: tuple[float, float]) -> None:
    shapes = Shapes([square()])
    shape = shapes.by_id["f"]
    x, y = shapes.flat(place(*start))
    west, south, east, north = shape.west, shape.south, shape.east, shape.north
    dx, dy = max(west - x, 0, x - east), max(south - y, 0, y - north)
    assert shape.beyond_m(x, y) == pytest.approx(math.hypot(dx, dy))
