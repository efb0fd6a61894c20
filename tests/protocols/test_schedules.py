"""Schedules by the clock on the wall: days of the week, dates, and the days on which clocks are changed."""

import datetime

import pytest

from protocols.schedules import Schedule, local_at, zone_of

SHANGHAI, BERLIN = zone_of("Asia/Shanghai"), zone_of("Europe/Berlin")
assert SHANGHAI is not None
assert BERLIN is not None
OFFICE = [[(480, 1080)]] * 5 + [[], []]


def schedule(week: list[list[tuple[int, int]]], **dates: list[tuple[int, int]]) -> Schedule:
    return Schedule(id="x", week=week, dates=dates)


def at(text: str, zone: datetime.tzinfo, *, fold: int = 0) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("2026-11-23T08:00:00", True),  # a Monday
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T17:59:59", True),
        ("2026-11-23T18:00:00", False),
        ("2026-11-27T12:00:00", True),
        ("2026-11-28T12:00:00", False),
    ],
)
def test_it_holds_from_its_first_minute_until_before_its_last(when: str, holds: bool) -> None:
    assert schedule(OFFICE).holds_at(at(when, SHANGHAI), SHANGHAI) is holds


def test_a_date_takes_the_place_of_its_weekday() -> None:
    odd = Schedule(id="x", week=OFFICE, dates={"2026-10-01": [], "2026-10-10": [(600, 720)]})
    assert not odd.holds_at(at("2026-10-01T12:00:00", SHANGHAI), SHANGHAI)
    assert odd.holds_at(at("2026-10-10T11:00:00", SHANGHAI), SHANGHAI), "a Saturday on which people work"
    assert not odd.holds_at(at("2026-10-10T13:00:00", SHANGHAI), SHANGHAI)


def test_the_day_is_that_of_the_site() -> None:
    monday = schedule([[(0, 1440)], [], [], [], [], [], []])
    instant = at("2026-11-22T16:00:00", datetime.UTC)
    assert local_at(instant, SHANGHAI).isoformat().startswith("2026-11-23T00:00")
    assert monday.holds_at(instant, SHANGHAI)
    assert not monday.holds_at(instant, BERLIN)


def test_the_hour_that_comes_twice_counts_both_times() -> None:
    early = schedule([[(120, 180)]] * 7)
    first, second = (at("2026-10-25T02:30:00", BERLIN, fold=fold) for fold in (0, 1))
    assert second - first == 3_600_000
    assert early.holds_at(first, BERLIN)
    assert early.holds_at(second, BERLIN)
    assert not early.holds_at(second + 30 * 60_000, BERLIN)


def test_the_hour_that_is_left_out_never_comes_and_the_next_is_right() -> None:
    morning = schedule([[(180, 240)]] * 7)
    last = at("2026-03-29T01:59:00", BERLIN)
    assert not morning.holds_at(last, BERLIN)
    assert morning.holds_at(last + 60_000, BERLIN), "after 01:59 comes 03:00"
    assert morning.holds_at(last + 60 * 60_000, BERLIN)
    assert not morning.holds_at(last + 61 * 60_000, BERLIN)


@pytest.mark.parametrize(
    ("week", "dates", "said"),
    [
        ([[(600, 600)]] + [[]] * 6, {}, "week[0]: [600, 600] ends before it begins"),
        ([[]] * 6 + [[(600, 700), (650, 800)]], {}, "week[6]: [650, 800] overlaps"),
        (OFFICE, {"2026-02-30": []}, "dates['2026-02-30']: no date"),
        (OFFICE, {"20260201": []}, "dates['20260201']: no date"),
        (OFFICE, {"2026-02-01": [(9, 3)]}, "dates['2026-02-01']: [9, 3] ends before"),
    ],
)
def test_a_fault_is_told_with_its_place(
    week: list[list[tuple[int, int]]], dates: dict[str, list[tuple[int, int]]], said: str
) -> None:
    assert said in Schedule(id="x", week=week, dates=dates).fault()
    assert not schedule(OFFICE).fault()
