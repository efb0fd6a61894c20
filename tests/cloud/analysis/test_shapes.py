"""Profiles, heat maps, duration, comparison: by local time, and never a zero for what is missing."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cloud.analysis.comparison import compare
from cloud.analysis.local_series import hourly, localised, offsets
from cloud.analysis.profile import day_profiles, heat_map, load_duration
from cloud.energy.contract import BASE_MS
from cloud.tariffs.layout import midnight
from tests.cloud.analysis.material import BERLIN, DAYS, SHANGHAI, local, office, series

ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "America/Havana",
]


@pytest.mark.parametrize("name", ZONES)
def test_local_time_is_what_the_clocks_show_all_year(name: str) -> None:
    from datetime import datetime

    zone = ZoneInfo(name)
    starts = np.arange(midnight(date(2026, 1, 1), zone), midnight(date(2027, 1, 1), zone), BASE_MS)
    shown = [datetime.fromtimestamp(start / 1000, zone).utcoffset().total_seconds() * 1000 for start in starts.tolist()]
    assert (offsets(starts, zone) == np.array(shown)).all()


def test_a_day_of_25_hours_has_its_hour_twice_and_all_its_energy() -> None:
    day = series("2026-10-25", 1, zone=BERLIN)
    assert len(day) == 100
    assert (day.day == date(2026, 10, 25).toordinal()).all()
    hours = hourly(day)
    assert len(hours) == 25
    assert list(hours.hour[:5]) == [0, 1, 2, 2, 3]
    assert hours.kwh.sum() == pytest.approx(day.kwh.sum())
    chart = heat_map(day)
    assert chart.expected[0, 2] == 8
    assert np.nansum(chart.kwh) == pytest.approx(day.kwh.sum())


def test_a_day_of_23_hours_has_a_hole_that_nobody_expects() -> None:
    chart = heat_map(series("2026-03-29", 1, zone=BERLIN))
    assert np.isnan(chart.kwh[0, 2])
    assert chart.expected[0, 2] == 0
    assert chart.expected.sum() == 92


def test_a_profile_is_by_kind_of_day_and_a_makeup_saturday_is_one() -> None:
    profiles = {each.kind: each for each in day_profiles(series("2026-09-28", 21))}
    assert {kind: each.days for kind, each in profiles.items()} == {
        "workday": 10,
        "weekend": 3,
        "holiday": 7,
        "makeup": 1,
    }
    assert profiles["workday"].median[40] == pytest.approx(50, rel=0.1)
    assert profiles["makeup"].median[40] == pytest.approx(50, rel=0.1)
    assert profiles["holiday"].median[40] == pytest.approx(10, rel=0.1)
    assert (profiles["workday"].low <= profiles["workday"].median).all()
    assert (profiles["workday"].median <= profiles["workday"].high).all()


def test_an_hour_of_which_a_quarter_is_missing_is_empty_in_the_heat_map() -> None:
    day = series("2026-03-02", 2, lambda at, kw: None if (at.day, at.hour, at.minute) == (2, 9, 15) else kw)
    chart = heat_map(day)
    assert np.isnan(chart.kwh[0, 9])
    assert (chart.known[0, 9], chart.expected[0, 9]) == (3, 4)
    assert np.isfinite(np.delete(chart.kwh.ravel(), 9)).all()


def test_a_profile_of_a_time_of_which_nothing_is_known_is_no_zero() -> None:
    profiles = day_profiles(series("2026-03-02", 5, lambda at, kw: None if at.hour == 3 else kw))
    assert np.isnan(profiles[0].median[12:16]).all()
    assert np.isfinite(profiles[0].median[16:]).all()


def test_the_load_duration_curve_falls_from_the_maximum_to_the_minimum() -> None:
    load = series("2026-03-02", 7, lambda at, kw: None if at.day == 4 else kw)
    curve = load_duration(load)
    powers = [point.kw for point in curve]
    assert powers == sorted(powers, reverse=True)
    assert (powers[0], powers[-1]) == (pytest.approx(np.nanmax(load.kw)), pytest.approx(np.nanmin(load.kw)))
    # 4 known workdays of 10 hours above 40 kW, of 6 known days: 28 % of the time.
    assert [point.share for point in curve if point.kw > 40][-1] == pytest.approx(40 / 144, abs=0.011)
    assert load_duration(series("2026-03-02", 1, lambda at, kw: None)) == []


# --- comparison ---


def test_a_month_with_fewer_working_days_is_no_saving() -> None:
    """February 2026 has 16 working days and 2 make-up days, March has 22: the load of each kind of day is the same."""
    march, february = series("2026-03-01", 31), series("2026-02-01", 28)
    found = compare(march, february)
    assert found.change == pytest.approx(0.18, abs=0.06)
    assert found.aligned_change == pytest.approx(0, abs=0.01)
    assert found.comparable


def test_a_tenth_more_on_every_day_is_a_tenth_more() -> None:
    now = series("2026-03-01", 31, lambda at, kw: kw * 1.1)
    found = compare(now, series("2025-03-01", 31, seed=5))
    assert found.aligned_change == pytest.approx(0.1, abs=0.01)


def test_days_that_are_missing_lower_no_mean() -> None:
    gaps = series("2026-03-01", 31, lambda at, kw: None if at.day in (10, 11, 12) else kw)
    found = compare(gaps, series("2026-04-07", 24))
    assert found.aligned_change == pytest.approx(0, abs=0.01)
    assert found.coverage == pytest.approx(28 / 31)


def test_a_kind_of_day_without_a_reference_cannot_be_compared() -> None:
    found = compare(series("2026-10-01", 31), series("2026-03-02", 28))
    assert (found.comparable, found.aligned, found.aligned_change) == (False, None, None)
    assert found.note == "the reference has no known holiday; the reference has no known makeup"


def test_a_period_that_is_hardly_known_cannot_be_compared() -> None:
    found = compare(series("2026-03-02", 7, lambda at, kw: None if at.hour < 6 else kw), series("2026-03-09", 7))
    assert not found.comparable
    assert "75.0% of the period is known" in found.note


def test_a_year_takes_no_time() -> None:
    from time import perf_counter

    year = office("2026-01-01", 365, noise=0)
    start = perf_counter()
    local_year = localised(year, SHANGHAI, DAYS)
    day_profiles(local_year)
    heat_map(local_year)
    load_duration(local_year)
    assert perf_counter() - start < 1.0
    assert local(local_year, 0) == "2026-01-01T00:00"
