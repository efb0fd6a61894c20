"""Another period beside this one, by kind of day."""

from datetime import date, timedelta

import numpy as np
import pytest

from cloud.analysis.day_so_far import so_far
from cloud.analysis.local_series import SLOTS, LocalSeries
from cloud.analysis.reference_days import aligned
from cloud.analysis.typical_day import typical_day
from cloud.energy.contract import BASE_MS
from cloud.tariffs.contract import DAY_KINDS

MONDAY = date(2026, 6, 1)


def days(first: date, levels: list[float]) -> LocalSeries:
    """Whole days of equal quarters; a level of NaN is not known."""
    n = len(levels)
    ordinals = [(first + timedelta(days=each)).toordinal() for each in range(n)]
    kinds = [
        DAY_KINDS.index("weekend" if (first + timedelta(days=each)).weekday() >= 5 else "workday") for each in range(n)
    ]
    return LocalSeries(
        np.arange(n * SLOTS, dtype=np.int64) * BASE_MS,
        np.repeat(np.array(levels, np.float64), SLOTS),
        np.ones(n * SLOTS, bool),
        np.repeat(np.array(ordinals, np.int64), SLOTS),
        np.tile(np.arange(SLOTS, dtype=np.int64), n),
        np.repeat(np.array(kinds, np.int64), SLOTS),
    )


def test_each_day_stands_beside_days_of_its_kind() -> None:
    reference = days(MONDAY - timedelta(days=7), [10, 10, 10, 10, 20, 1, 3])
    found = aligned(days(MONDAY + timedelta(days=4), [5, 5]), reference)  # a Friday and a Saturday
    assert found[0] == pytest.approx(12)
    assert found[SLOTS] == pytest.approx(2)


def test_a_kind_the_other_period_does_not_have_is_not_invented() -> None:
    found = aligned(days(MONDAY + timedelta(days=5), [5]), days(MONDAY, [10, 10]))
    assert np.isnan(found).all()


def test_a_day_that_is_not_over_is_held_against_the_same_quarters() -> None:
    past = days(MONDAY - timedelta(days=14), [10, 10, 10, 10, 10, 1, 1, 10, 10, 10, 10, 10, 1, 1])
    today = days(MONDAY, [12])
    today.kwh[48:] = np.nan
    today.kwh[3] = np.nan
    found = so_far(today, typical_day(past, "workday"), 48)
    assert (found.used, found.typical) == (pytest.approx(47 * 12), pytest.approx(47 * 10))
    assert found.change == pytest.approx(0.2)
    assert found.share == pytest.approx(47 / 48)
    assert found.whole == pytest.approx(960)


def test_of_three_days_no_typical_one_is_made() -> None:
    found = so_far(days(MONDAY, [12]), typical_day(days(MONDAY - timedelta(days=3), [1, 10, 10]), "weekend"), 96)
    assert (found.used, found.typical, found.change, found.whole) == (None, None, None, None)
