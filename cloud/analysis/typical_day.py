"""The robust baseline (L0): each quarter of a day against the same quarter of the last days of the same kind.

Works from two weeks on and needs no temperature. Median and median deviation: one odd day does not move it.
"""

from typing import NamedTuple

import numpy as np

from cloud.analysis.columns import medians
from cloud.analysis.fit import Fit, fit_of
from cloud.analysis.local_series import SLOTS, LocalSeries, hourly
from cloud.energy.contract import Doubles, Longs
from cloud.tariffs.contract import DAY_KINDS

LIKE: dict[str, tuple[str, ...]] = {
    "workday": ("workday", "makeup"),
    "makeup": ("workday", "makeup"),
    "weekend": ("weekend", "holiday"),
    "holiday": ("holiday", "weekend"),
}
"""Days of which kinds are taken as alike: a make-up Saturday is worked like a workday."""

MAD_TO_SIGMA = 1.4826
LEAST_DAYS, MOST_DAYS = 4, 8


class Expected(NamedTuple):
    """For each interval of the series what was to be expected (kWh), how far it usually strays (as a standard
    deviation) and from how many days; NaN and 0 where fewer than ``LEAST_DAYS`` like days came before. ``fit`` is by
    the hour."""

    kwh: Doubles
    sigma: Doubles
    days: Longs
    fit: Fit


def expected(series: LocalSeries, least: int = LEAST_DAYS, most: int = MOST_DAYS) -> Expected:
    """The baseline of each day from the ``most`` like days before it. No day is compared with itself or the future."""
    kwh, sigma = np.full(len(series), np.nan), np.full(len(series), np.nan)
    days = np.zeros(len(series), np.int64)
    if not len(series):
        return Expected(kwh, sigma, days, fit_of(kwh, kwh, 0))
    numbers, first, row = np.unique(series.day, return_index=True, return_inverse=True)
    grid = np.full((len(numbers), SLOTS), np.nan)
    grid[row, series.slot] = series.kwh
    kinds = series.kind[first]
    floor = _floor(series.kwh)
    past: dict[str, list[int]] = {kind: [] for kind in DAY_KINDS}
    at = np.append(first, len(series))
    for place in range(len(numbers)):
        kind = DAY_KINDS[kinds[place]]
        before = past[kind][-most:]
        if len(before) >= least:
            typical, spread, count = _typical(grid[before], least)
            here = slice(int(at[place]), int(at[place + 1]))
            slots = series.slot[here]
            kwh[here], days[here] = typical[slots], count[slots]
            sigma[here] = np.maximum(spread[slots], floor)
        if np.isfinite(grid[place]).sum() >= SLOTS // 2:
            for other, like in LIKE.items():
                if kind in like:
                    past[other].append(place)
    return Expected(kwh, sigma, days, _fit(series, kwh))


class Typical(NamedTuple):
    """A day of a kind by quarters (kWh): the median of like days and how far they usually stray; NaN and 0 where fewer
    than ``LEAST_DAYS`` are known. ``days``: how many there were."""

    kwh: Doubles
    sigma: Doubles
    days: int


def typical_day(past: LocalSeries, kind: str, least: int = LEAST_DAYS, most: int = MOST_DAYS) -> Typical:
    """What a day of this kind is like, from the last ``most`` like days of a series."""
    like = [DAY_KINDS.index(each) for each in LIKE[kind]]
    chosen = np.isin(past.kind, like)
    grid = np.full((0, SLOTS), np.nan)
    if chosen.any():
        numbers, row = np.unique(past.day[chosen], return_inverse=True)
        grid = np.full((len(numbers), SLOTS), np.nan)
        grid[row, past.slot[chosen]] = past.kwh[chosen]
        grid = grid[np.isfinite(grid).sum(axis=1) >= SLOTS // 2][-most:]
    if len(grid) < least:
        nothing = np.full(SLOTS, np.nan)
        return Typical(nothing, nothing, len(grid))
    kwh, sigma, _ = _typical(grid, least)
    return Typical(kwh, np.maximum(sigma, _floor(past.kwh)), len(grid))


def _fit(series: LocalSeries, kwh: Doubles) -> Fit:
    return fit_of(hourly(series).kwh, hourly(series, kwh).kwh, 0)


def _typical(grid: Doubles, least: int) -> tuple[Doubles, Doubles, Longs]:
    count = np.isfinite(grid).sum(axis=0)
    enough = count >= least
    median = medians(grid)
    spread = medians(np.abs(grid - median)) * MAD_TO_SIGMA
    # Of so few days the deviation of one quarter may come out as hardly any: it is at least the day's usual share.
    loaded = enough & (median > 0)
    share = float(np.median(spread[loaded] / median[loaded])) if loaded.any() else 0.0
    spread = np.maximum(spread, share * median)
    return np.where(enough, median, np.nan), np.where(enough, spread, np.nan), np.where(enough, count, 0)


def _floor(kwh: Doubles) -> float:
    """Where days are exactly alike the deviation is nothing; then a fiftieth of the usual load is still usual."""
    known = kwh[np.isfinite(kwh)]
    return float(np.median(known)) / 50 if len(known) else 0.0
