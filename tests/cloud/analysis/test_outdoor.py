"""Outdoor temperature of files and sensors, and days that follow it."""

from datetime import date

import numpy as np
import pytest

from cloud.analysis.change_point import fit_days
from cloud.analysis.local_series import HOUR_MS, Hours
from cloud.analysis.outdoor import BadTemperatures, Temperatures, by_day, by_hour, read_temperatures

START = 1_772_380_800_000
"""2026-03-02 00:00 in Shanghai."""


def hours(count: int) -> Hours:
    starts = START + HOUR_MS * np.arange(count)
    day = date(2026, 3, 2).toordinal() + np.arange(count) // 24
    return Hours(starts, np.ones(count), day, np.arange(count) % 24, np.zeros(count, np.int64))


def at_hours(*rows: tuple[float, float]) -> Temperatures:
    return Temperatures(
        np.array([START + round(hour * HOUR_MS) for hour, _ in rows]), np.array([each for _, each in rows])
    )


def test_an_hour_has_the_mean_of_what_was_read_in_it() -> None:
    found = by_hour(at_hours((0.1, 4.0), (0.6, 6.0), (1.2, 7.0)), hours(3))
    assert found[:2].tolist() == [5.0, 7.0]
    assert np.isnan(found[2])


def test_three_hours_without_a_reading_are_drawn_and_four_are_not_known() -> None:
    assert by_hour(at_hours((0, 0.0), (4, 8.0)), hours(5)).tolist() == [0, 2, 4, 6, 8]
    assert np.isnan(by_hour(at_hours((0, 0.0), (5, 8.0)), hours(6))[1:5]).all()


def test_a_figure_that_is_not_known_is_none_and_no_zero() -> None:
    found = by_hour(at_hours((0, 5.0), (1, float("nan"))), hours(2))
    assert found[0] == 5
    assert np.isnan(found[1])
    assert np.isnan(by_hour(at_hours(), hours(2))).all()


def test_a_source_with_one_figure_a_day_has_days_and_no_hours() -> None:
    known = at_hours((12, 9.0), (36, 11.0))
    found = by_hour(known, hours(72))
    assert np.isfinite(found).sum() == 2
    assert by_day(known, hours(72), found)[:2].tolist() == [9.0, 11.0]
    assert np.isnan(by_day(known, hours(72), found)[2])


def test_a_day_of_hours_has_their_mean_when_enough_of_them_are_known() -> None:
    whole = at_hours(*((hour, float(hour)) for hour in range(24)), *((24 + hour, 1.0) for hour in range(10)))
    assert by_day(whole, hours(48), by_hour(whole, hours(48))).tolist()[0] == 11.5
    assert np.isnan(by_day(whole, hours(48), by_hour(whole, hours(48)))[1])


def test_a_file_is_read_with_ms_or_iso_times_in_any_order() -> None:
    text = f"\ufeffat,celsius\n2026-03-02T01:00+08:00,4.5\n{START},3.5\n\n2026-03-02T02:00+08:00,\n"
    found = read_temperatures(text)
    assert found.at.tolist() == [START, START + HOUR_MS, START + 2 * HOUR_MS]
    assert found.celsius[:2].tolist() == [3.5, 4.5]
    assert np.isnan(found.celsius[2])


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("2026-03-02T01:00,4", "has no zone"),
        ("yesterday,4", "is no time"),
        (f"{START},warm", "no outdoor temperature"),
        (f"{START},nan", "no outdoor temperature"),
        (f"{START},451", "no outdoor temperature"),
        (f"{START}", "a time and a temperature"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(row: str, told: str) -> None:
    with pytest.raises(BadTemperatures, match=told) as caught:
        read_temperatures(f"at,celsius\n{START},1\n{row}\n")
    assert caught.value.line == 3


def year(kwh: object = None, seed: int = 1):
    rng = np.random.default_rng(seed)
    day = np.arange(365)
    celsius = 15 - 12 * np.cos(2 * np.pi * day / 365) + 3 * rng.standard_normal(365)
    rest = day % 7 >= 5
    true = np.where(rest, 300.0, 800 + 20 * np.maximum(10 - celsius, 0) + 45 * np.maximum(celsius - 20, 0))
    return celsius, rest, true * (1 + 0.02 * rng.standard_normal(365)), day // 31


def test_both_lines_and_both_change_points_are_found_again() -> None:
    celsius, rest, kwh, month = year()
    found = fit_days(kwh, celsius, rest, month)
    assert found.work is not None
    assert found.off is not None
    assert (found.work.parameters, found.off.parameters) == (5, 1)
    assert found.work.base == pytest.approx(800, rel=0.02)
    assert found.work.heating == pytest.approx(20, rel=0.15)
    assert found.work.cooling == pytest.approx(45, rel=0.15)
    assert found.work.heat_below == pytest.approx(10, abs=1.5)
    assert found.work.cool_above == pytest.approx(20, abs=1.5)
    assert found.off.base == pytest.approx(300, rel=0.01)
    assert found.by_month.verdict == "passes"


def test_a_load_that_asks_for_no_weather_has_no_line() -> None:
    celsius, rest, _, month = year()
    flat = np.where(rest, 200.0, 500.0) * (1 + 0.02 * np.random.default_rng(3).standard_normal(365))
    found = fit_days(flat, celsius, rest, month)
    assert found.work is not None
    assert (found.work.heat_below, found.work.cool_above) == (None, None)


def test_days_without_a_temperature_are_no_days_and_too_few_are_no_model() -> None:
    celsius, rest, kwh, month = year()
    celsius[30:] = np.nan
    found = fit_days(kwh, celsius, rest, month)
    assert found.off is None
    assert found.days == 30
    assert np.isnan(found.at(np.array([10.0]), np.array([True]))[0])
    assert found.by_month.verdict == "too_little"


def test_lines_may_end_in_any_way_and_what_is_no_table_is_said_to_be_none() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert read_temperatures(end.join(["at,celsius", f"{START},21.5", ""])).celsius.tolist() == [21.5]
    with pytest.raises(BadTemperatures, match="field larger than field limit"):
        read_temperatures("at,celsius\n" + "1" * 200_000 + ",1\n")
