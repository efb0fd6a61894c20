"""Intervals with what the clocks of the site showed: the one place where analysis turns UTC into local time."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cloud.energy.contract import BASE_MS, MICRO, Doubles, Intervals, Longs, Source
from cloud.tariffs.contract import DAY_KINDS, Days

HOUR_MS = 3_600_000
SLOTS = 96
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LocalSeries:
    """Columns of equal length, one entry for each interval in order.

    kwh: NaN where the interval is not wholly known (never 0 for that). measured: whether it is no estimate.
    day: ordinal of the local date. slot: which quarter of the local day, 0 to 95; an hour that comes twice has its
    slots twice. kind: place in ``DAY_KINDS``.
    """

    starts: Longs
    kwh: Doubles
    measured: Bools
    day: Longs
    slot: Longs
    kind: Longs

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def kw(self) -> Doubles:
        """Mean power of each interval."""
        return self.kwh * (HOUR_MS / BASE_MS)

    @property
    def coverage(self) -> float:
        """The share of the intervals that is known; 1 for none at all."""
        return float(np.isfinite(self.kwh).mean()) if len(self) else 1.0

    def where(self, chosen: Bools) -> "LocalSeries":
        """Only some of the intervals."""
        return LocalSeries(
            self.starts[chosen],
            self.kwh[chosen],
            self.measured[chosen],
            self.day[chosen],
            self.slot[chosen],
            self.kind[chosen],
        )

    def between(self, since: date, until: date) -> "LocalSeries":
        """Local days [since, until)."""
        return self.where((self.day >= since.toordinal()) & (self.day < until.toordinal()))


def localised(intervals: Intervals, zone: ZoneInfo, days: Days) -> LocalSeries:
    """Intervals by local time and kind of day."""
    starts = intervals.starts
    local = starts + offsets(starts, zone)
    ordinal = local // (24 * HOUR_MS) + date(1970, 1, 1).toordinal()
    kinds = {number: DAY_KINDS.index(days.kind(date.fromordinal(number))) for number in np.unique(ordinal).tolist()}
    return LocalSeries(
        starts,
        *_amounts(intervals),
        ordinal,
        local % (24 * HOUR_MS) // BASE_MS,
        np.array([kinds[number] for number in ordinal.tolist()], np.int64),
    )


def beside(series: LocalSeries, intervals: Intervals) -> LocalSeries:
    """Other intervals of the very same time: what the clocks showed is not worked out again."""
    assert np.array_equal(series.starts, intervals.starts)
    kwh, measured = _amounts(intervals)
    return replace(series, kwh=kwh, measured=measured)


def _amounts(intervals: Intervals) -> tuple[Doubles, Bools]:
    known = (intervals.source != Source.MISSING) & (intervals.covered_ms == BASE_MS)
    return np.where(known, intervals.micro / MICRO, np.nan), known & (intervals.source == Source.MEASURED)


@dataclass(frozen=True, slots=True)
class Hours:
    """Local hours in order, columns of equal length. kwh: NaN unless all four quarters are known. hour: 0 to 23."""

    starts: Longs
    kwh: Doubles
    day: Longs
    hour: Longs
    kind: Longs

    def __len__(self) -> int:
        return len(self.starts)


def hourly(series: LocalSeries, kwh: Doubles | None = None) -> Hours:
    """The series by local hours, or another column of the same intervals. An hour that comes twice is two hours."""
    values = series.kwh if kwh is None else kwh
    starts, first, row = np.unique(series.starts - series.slot % 4 * BASE_MS, return_index=True, return_inverse=True)
    known = np.isfinite(values)
    whole = np.bincount(row, weights=known, minlength=len(starts)) == 4
    sums = np.bincount(row, weights=np.where(known, values, 0.0), minlength=len(starts))
    return Hours(starts, np.where(whole, sums, np.nan), series.day[first], series.slot[first] // 4, series.kind[first])


def offsets(starts: Longs, zone: ZoneInfo) -> Longs:
    """How far the site's clocks are ahead of UTC (ms) at each of these instants, on the grid of intervals."""
    if not len(starts):
        return np.zeros(0, np.int64)
    first = int(starts[0]) // HOUR_MS
    hours = np.arange(first, int(starts[-1]) // HOUR_MS + 2)
    by_hour = np.array([_offset(hour * HOUR_MS, zone) for hour in hours.tolist()], np.int64)
    place = starts // HOUR_MS - first
    found = by_hour[place]
    for odd in np.flatnonzero(found != by_hour[place + 1]).tolist():  # the clocks change within or after this hour
        found[odd] = _offset(int(starts[odd]), zone)
    return found


def _offset(at: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at / 1000, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)
