"""Shapes of the load: by time of the day and kind of day, hour by day, and by how long it lasts."""

from datetime import date
from typing import NamedTuple

import numpy as np

from cloud.analysis.columns import percentiles
from cloud.analysis.local_series import SLOTS, LocalSeries
from cloud.energy.contract import Doubles
from cloud.tariffs.contract import DAY_KINDS, DayKind


class DayProfile(NamedTuple):
    """Mean power (kW) by quarter of the day; NaN where no day of this kind is known. ``days``: how many there were."""

    kind: DayKind
    days: int
    median: Doubles
    low: Doubles
    high: Doubles
    """The 10th and the 90th percentile."""


class HeatMap(NamedTuple):
    """Energy (kWh) by day (rows) and local hour (24 columns). NaN: less than the whole hour is known.

    An hour that comes twice holds both; one that the clocks leave out is NaN with ``expected`` 0.
    """

    days: tuple[date, ...]
    kwh: Doubles
    expected: Doubles
    """Intervals that the hour has: 4, 8 or 0, or 2 and 6 where clocks change by half an hour."""
    known: Doubles
    """Intervals of it that are known."""


class DurationPoint(NamedTuple):
    """For this share of the known time the power was at least ``kw``."""

    share: float
    kw: float


def day_profiles(series: LocalSeries) -> list[DayProfile]:
    """A profile of each kind of day that there was."""
    found = []
    kw = series.kw
    for code, kind in enumerate(DAY_KINDS):
        chosen = (series.kind == code) & np.isfinite(kw)
        if not chosen.any():
            continue
        numbers, row = np.unique(series.day[chosen], return_inverse=True)
        grid = np.full((len(numbers), SLOTS), np.nan)
        grid[row, series.slot[chosen]] = kw[chosen]
        low, median, high = percentiles(grid, (10, 50, 90))
        found.append(DayProfile(kind, len(numbers), median, low, high))
    return found


def heat_map(series: LocalSeries) -> HeatMap:
    """Hour by day, also days of which nothing is known."""
    if not len(series):
        return HeatMap((), np.zeros((0, 24)), np.zeros((0, 24)), np.zeros((0, 24)))
    first, last = int(series.day[0]), int(series.day[-1])
    shape = (last - first + 1, 24)
    where = (series.day - first, series.slot // 4)
    known = np.isfinite(series.kwh)
    kwh, expected, got = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    np.add.at(expected, where, 1)
    np.add.at(got, where, known)
    np.add.at(kwh, where, np.where(known, series.kwh, 0))
    kwh[(got < expected) | (expected == 0)] = np.nan
    return HeatMap(tuple(date.fromordinal(number) for number in range(first, last + 1)), kwh, expected, got)


def load_duration(series: LocalSeries, points: int = 101) -> list[DurationPoint]:
    """The load duration curve at evenly spaced shares; empty when nothing is known."""
    kw = np.sort(series.kw[np.isfinite(series.kwh)])[::-1]
    if not len(kw):
        return []
    shares = np.linspace(0, 1, points)
    places = np.minimum((shares * len(kw)).astype(np.int64), len(kw) - 1)
    return [DurationPoint(float(share), float(kw[place])) for share, place in zip(shares, places, strict=True)]
