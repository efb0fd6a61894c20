"""A drive that somebody really drove, with the noise that its receiver had and with more, parked before and after."""

import csv
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from cloud.fleet.fixes import Fix
from cloud.fleet.mileage import best
from cloud.geo.earth import Spot, distance_m
from tests.cloud.fleet.pretended import START, noisy
from tests.cloud.fleet.test_drive import run

TRACK = Path(__file__).parent / "munich.csv"
PARKED_S = 1200


class Drive(NamedTuple):
    """What was recorded, a position a second; km: along it."""

    seen: list[tuple[int, Spot, float]]
    left_at: int
    came_at: int
    km: float


@pytest.fixture(scope="module")
def recorded() -> Drive:
    lines = [line for line in TRACK.read_text("utf-8").splitlines() if not line.startswith("#")]
    track = [(int(second), Spot(float(north), float(east))) for second, north, east in csv.reader(lines)]
    left_at = START + PARKED_S * 1000
    way = [(distance_m(a, b), later - sooner) for (sooner, a), (later, b) in pairwise(track)]
    driven = [
        (left_at + second * 1000, spot, metres / lasting_s)
        for (second, spot), (metres, lasting_s) in zip(track, [*way, (0.0, 1)], strict=True)
    ]
    came_at = driven[-1][0]
    before = [(START + n * 1000, track[0][1], 0.0) for n in range(PARKED_S)]
    after = [(came_at + n * 1000, track[-1][1], 0.0) for n in range(1, PARKED_S)]
    return Drive([*before, *driven, *after], left_at, came_at, sum(metres for metres, _ in way) / 1000)


@pytest.mark.parametrize("tells", [True, False], ids=["knows its accuracy", "does not know"])
@pytest.mark.parametrize("every", [1, 10])
@pytest.mark.parametrize("sigma_m", [0, 3, 6])
def test_a_real_drive_is_one_trip_from_where_to_where_and_how_far(
    recorded: Drive, sigma_m: float, every: int, tells: bool
) -> None:
    seen = recorded.seen[::every]
    fixes = (
        noisy(seen, sigma_m, 5, tells=tells)
        if sigma_m
        else [Fix(at, spot, 5.0 if tells else None, speed * 3.6) for at, spot, speed in seen]
    )
    trips, _, journey = run(fixes)
    assert not journey.moving
    (trip,) = trips
    assert abs(trip.start.at - recorded.left_at) <= 60_000
    assert abs(trip.end.at - recorded.came_at) <= 60_000
    assert distance_m(trip.start.spot, recorded.seen[0][1]) <= 200
    assert distance_m(trip.end.spot, recorded.seen[-1][1]) <= 200
    assert best(trip.totals).km == pytest.approx(recorded.km, rel=0.03)
    print(
        f"sigma {sigma_m} m, every {every} s: began {(trip.start.at - recorded.left_at) / 1000:+.0f} s, ended"
        f" {(trip.end.at - recorded.came_at) / 1000:+.0f} s, {best(trip.totals).km / recorded.km - 1:+.1%} of the way"
    )
