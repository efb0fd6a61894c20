"""Distances and times: plain, along drawn roads, and learned."""

import math
import random
from zoneinfo import ZoneInfo

import pytest

from cloud.assets.contract import Travelled
from cloud.dispatch.contract import TravelRow
from cloud.dispatch.eta import TravelTimes, straight_m
from cloud.dispatch.learned import Learned, band_of, teaches
from cloud.dispatch.roads import RoadBook
from cloud.dispatch.settings import DEFAULTS
from cloud.geo.earth import Spot, distance_m
from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.dispatch.rig import GATE, METRE, NINE, SITE, Rig, away

EAST = 1 / (111_195 * math.cos(math.radians(GATE.latitude)))


def at(north: float, east: float) -> Spot:
    return Spot(GATE.latitude + north * METRE, GATE.longitude + east * EAST)


class Drawn:
    def __init__(self, *lines: list[Spot]) -> None:
        self.lines = list(lines)

    def roads(self, site: str) -> list[list[Spot]]:
        return self.lines


def travel(drawn: Drawn | None = None, learned: Learned | None = None) -> TravelTimes:
    return TravelTimes(
        learned or Learned(), RoadBook(drawn or Drawn()), lambda _: DEFAULTS, lambda _: ZoneInfo("Asia/Shanghai")
    )


def journey(straight_m: float, travel_s: float, hour: int = 9, road_m: float | None = None) -> TravelRow:
    return TravelRow(SITE, "vehicle", NINE, hour, straight_m, road_m, travel_s, "trip")


def test_the_matrix_says_what_one_distance_says() -> None:
    spots = [at(0, 0), at(300, -200), at(-9000, 4000)]
    table = straight_m(spots, [*spots, None])
    for row, one in enumerate(spots):
        assert math.isnan(table[row, 3])
        for column, other in enumerate(spots):
            assert table[row, column] == pytest.approx(distance_m(one, other), abs=1e-6)


def test_the_plain_estimate_is_the_way_of_the_crow_times_a_factor_at_a_plain_speed() -> None:
    found = travel().estimate(SITE, "vehicle", away(1000), GATE, NINE)
    assert found.distance_m == pytest.approx(1350, abs=1)
    assert found.seconds == pytest.approx(60 + 1350 / (25 / 3.6), abs=0.2)
    walked = travel().estimate(SITE, "guard", away(1000), GATE, NINE)
    assert walked.seconds == pytest.approx(60 + 1350 / (5 / 3.6), abs=1)


U_TURN = Drawn([at(0, 0), at(0, 400)], [at(0, 400), at(300, 400)], [at(300, 400), at(300, 0)])


def test_along_drawn_roads_the_way_is_as_long_as_the_roads_are() -> None:
    found = travel(U_TURN).estimate(SITE, "vehicle", at(300, 0), at(0, 0), NINE)
    assert found.source == "road"
    assert found.distance_m == pytest.approx(1100, rel=0.005)
    assert distance_m(at(300, 0), at(0, 0)) == pytest.approx(300, abs=1)


def test_away_from_roads_or_where_none_leads_the_plain_estimate_answers() -> None:
    island = Drawn(*U_TURN.lines, [at(5000, 0), at(5000, 300)])
    assert travel(island).estimate(SITE, "vehicle", at(300, 0), at(5000, 100), NINE).source == "default"
    assert travel(island).estimate(SITE, "vehicle", at(300, -200), at(0, 0), NINE).source == "default"
    assert travel(U_TURN).estimate(SITE, "guard", at(300, 0), at(0, 0), NINE).source == "default"


def test_a_new_drawing_is_taken_up() -> None:
    drawn = Drawn()
    times = travel(drawn)
    assert times.estimate(SITE, "vehicle", at(300, 0), at(0, 0), NINE).source == "default"
    drawn.lines = U_TURN.lines
    assert times.estimate(SITE, "vehicle", at(300, 0), at(0, 0), NINE).source == "road"


def test_the_matrix_of_a_batch_says_what_one_estimate_says() -> None:
    learned = Learned()
    learned.take([journey(1000, 240, road_m=1500)] * 5 + [journey(8000, 900)] * 5)
    times = travel(U_TURN, learned)
    starts = [at(300, 0), at(1000, 50), at(8000, 0), at(40_000, 0), at(0, 380)]
    ends = [at(0, 0), at(300, 390), at(100, -900)]
    metres, seconds = times.matrix(SITE, "vehicle", starts, ends, NINE)
    seen = set()
    for row, end in enumerate(ends):
        for column, start in enumerate(starts):
            found = times.estimate(SITE, "vehicle", start, end, NINE)
            seen.add(found.source)
            assert metres[row, column] == pytest.approx(found.distance_m, rel=1e-6)
            assert seconds[row, column] == pytest.approx(found.seconds, rel=1e-6)
    assert seen == {"default", "road", "learned_hour"}


def test_the_median_of_five_is_believed_and_outliers_do_not_move_it() -> None:
    learned = Learned()
    learned.take([journey(1000, seconds) for seconds in (200, 210, 220, 230)])
    assert learned.paces(SITE, "vehicle", 9) == {}
    learned.take([journey(1000, 5000)])
    pace = learned.paces(SITE, "vehicle", 9)[band_of(1000)]
    assert (pace.s_per_m, pace.n, pace.source) == (0.22, 5, "learned_hour")


def test_an_hour_without_enough_journeys_uses_those_of_the_day() -> None:
    learned = Learned()
    learned.take([journey(1000, 200, hour) for hour in (7, 8, 9, 10, 11)])
    pace = learned.paces(SITE, "vehicle", 9)[band_of(1000)]
    assert (pace.n, pace.source) == (5, "learned")


@pytest.mark.parametrize(
    ("row", "taught"),
    [
        (journey(1000, 200), True),
        (journey(99, 60), False),
        (journey(1000, 7000), False),
        (journey(1000, 5), False),
        (journey(1000, 0), False),
        (journey(1000, 200, road_m=500), False),
        (journey(1000, 200, road_m=11_000), False),
    ],
)
def test_what_says_nothing_of_travelling_is_left_out(row: TravelRow, taught: bool) -> None:
    assert teaches(row) == taught


def test_the_road_factor_is_learned_from_odometers() -> None:
    learned = Learned()
    learned.take([journey(1000, 200, road_m=1000 * factor) for factor in (1.2, 1.5, 1.6, 1.7, 3.0)])
    found = travel(learned=learned).estimate(SITE, "vehicle", away(1000), GATE, NINE)
    assert found.distance_m == pytest.approx(1600, rel=0.01)
    (cell, *_) = learned.table(SITE)
    assert (cell["n"], cell["s_per_km"]) == (5, 200.0)


def test_trips_of_the_fleet_teach_until_the_estimate_is_what_they_take(database: Database) -> None:
    rng = random.Random(4)
    rig = Rig(database, ManualClock(NINE))
    took_s, straight = 900.0, distance_m(away(3000), GATE)

    def off() -> float:
        found = rig.dispatch.travel.estimate(SITE, "vehicle", away(3000), GATE, NINE)
        return abs(found.seconds - took_s) / took_s

    before = off()
    assert before > 0.25
    errors = []
    for number in range(40):
        took_ms = round(took_s * 1000 * rng.uniform(0.85, 1.15))
        trip = Travelled(SITE, "vehicle", NINE, NINE + took_ms, away(3000), GATE, straight * 1.4 / 1000, f"r{number}")
        rig.dispatch.travelled(trip)
        errors.append(off())
    assert errors[3] == before
    assert errors[-1] < 0.05
    assert rig.dispatch.travel.estimate(SITE, "vehicle", away(3000), GATE, NINE).distance_m == pytest.approx(
        straight * 1.4, rel=0.01
    )
