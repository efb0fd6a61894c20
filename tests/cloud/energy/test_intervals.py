"""Intervals of 15 minutes, case by case."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from cloud.energy.contract import BASE_MS, MICRO, HandRead, Readings, Register, Source, missing
from cloud.energy.days import DAY_MS, date_of, local_grid
from cloud.energy.intervals import intervals
from cloud.energy.shape import shape_of
from tests.cloud.energy.tracks import register_track

MIN = 60_000
REGISTER = Register(resolution=Decimal("0.001"), rated=Decimal(1000))


def found(rows: list[tuple[int, float]], since: int, until: int, shape=None, records=()):
    readings = Readings.of([at * MIN for at, _ in rows], [value for _, value in rows])
    return intervals(register_track(REGISTER, readings, tuple(records)), since * MIN, until * MIN, shape)


def test_the_register_is_interpolated_at_the_quarter_hours() -> None:
    """12 kWh between 10 and 22 minutes: 1 kWh a minute, 5 of them before the quarter, 7 behind it."""
    both = found([(0, 0.0), (10, 20.0), (22, 32.0), (30, 40.0)], 0, 30)
    assert both.micro.tolist() == [25 * MICRO, 15 * MICRO]
    assert [each.quality for each in both] == ["good", "good"]
    assert both[0].value == 25


def test_a_gap_of_two_intervals_is_interpolated_and_a_longer_one_estimated() -> None:
    assert set(found([(0, 0.0), (30, 30.0)], 0, 30).source) == {Source.INTERPOLATED}
    assert set(found([(0, 0.0), (31, 31.0)], 0, 45).source) == {Source.ESTIMATED}


def test_an_unknown_end_is_missing_and_never_zero() -> None:
    part = found([(20, 5.0), (25, 6.0)], 0, 45)
    assert [each.value for each in part] == [None, 1, None]
    assert part[1].covered_ms == 5 * MIN
    assert part[1].quality == "uncertain"
    assert part[0].quality == "bad"


def test_no_use_is_zero_and_not_missing() -> None:
    assert [each.value for each in found([(0, 5.0), (15, 5.0)], 0, 15)] == [0]


def test_a_held_back_advance_leaves_a_hole_and_says_so() -> None:
    part = found([(0, 0.0), (20, 9000.0), (21, 9000.0), (22, 9000.0), (30, 9001.0)], 0, 30)
    assert part[0].value is None
    assert part[1].covered_ms == 10 * MIN
    assert part[1].value == 1


def test_what_a_person_read_is_spread_evenly_and_named_manual() -> None:
    record = HandRead(at=60 * MIN, reading=Decimal(8))
    part = found([(0, 4.0)], 0, 60, records=[record])
    assert part.micro.tolist() == [0] * 4  # nothing is known beyond the last automatic reading without ``until``
    readings = Readings.of([0], [4.0])
    track = register_track(REGISTER, readings, (record,), until=61 * MIN)
    spread = intervals(track, 0, 60 * MIN)
    assert spread.micro.tolist() == [MICRO] * 4
    assert set(spread.source) == {Source.MANUAL}


def test_stretches_beyond_what_is_known_are_missing() -> None:
    part = found([(0, 0.0), (15, 1.0)], 0, 15).between(-15 * MIN, 30 * MIN)
    assert [each.value for each in part] == [None, 1, None]


# --- the outage of 4 h 10 min over valley, flat and peak ---


def workday(day: date) -> bool:
    return day.weekday() < 5


def test_a_long_gap_has_the_shape_of_like_days_and_its_exact_total() -> None:
    """Workdays draw 40 kW at night and 160 kW from 8 on; on Thursday nothing is read from 5:30 to 9:40."""
    zone, monday = "Asia/Shanghai", 1_767_542_400_000 // DAY_MS * DAY_MS - 8 * 3_600_000
    assert date_of((monday + 8 * 3_600_000) // DAY_MS).weekday() == 6  # Sunday, local
    grid = local_grid(zone, monday, monday + 6 * DAY_MS)
    power = np.where((grid.slot >= 32) & (grid.slot < 72), 160.0, 40.0)
    register = np.concatenate([[0.0], np.cumsum(power / 4)])
    at = monday + BASE_MS * np.arange(len(register))
    gap_since, gap_until = monday + 4 * DAY_MS + 330 * MIN, monday + 4 * DAY_MS + 585 * MIN
    kept = (at <= gap_since) | (at >= gap_until)
    track = register_track(REGISTER, Readings.of(at[kept].tolist(), register[kept].tolist()))
    history = intervals(track, int(at[0]), gap_since)
    shaped = intervals(track, gap_since, gap_until, shape_of(history, gap_since, zone, workday))
    assert int(shaped.micro.sum()) == (4 * 10 * 2 + 2 * 10 + 7 * 40) * MICRO
    assert shaped.micro.tolist() == [10 * MICRO] * 10 + [40 * MICRO] * 7
    assert set(shaped.source) == {Source.ESTIMATED}


def test_without_anything_measured_there_is_no_shape() -> None:
    assert shape_of(missing(0, DAY_MS), DAY_MS, "UTC", workday)(DAY_MS, 2 * DAY_MS) is None


# --- local days ---


@pytest.mark.parametrize(
    ("zone", "day", "slots"),
    [
        ("Europe/Berlin", "2026-03-29", 92),
        ("Europe/Berlin", "2026-10-25", 100),
        ("Australia/Lord_Howe", "2026-04-05", 98),
        ("Australia/Lord_Howe", "2026-10-04", 94),
        ("Asia/Kathmandu", "2026-07-01", 96),
        ("America/St_Johns", "2026-11-01", 100),
        ("Asia/Shanghai", "2026-07-01", 96),
    ],
)
def test_days_of_23_24_and_25_hours_have_their_intervals(zone: str, day: str, slots: int) -> None:
    wanted = date.fromisoformat(day)
    since = (wanted.toordinal() - date(1970, 1, 1).toordinal() - 1) * DAY_MS
    grid = local_grid(zone, since, since + 3 * DAY_MS)
    mine = grid.day == wanted.toordinal() - date(1970, 1, 1).toordinal()
    assert int(mine.sum()) == slots
    assert grid.slot[mine].min() == 0
    assert grid.slot[mine].max() == 95
