"""Intervals by the site's clock: hours, days and months of them, and the highest demand."""

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from cloud.energy.contract import BASE_MS, MICRO, Intervals, Source
from cloud.energy.days import DAY_MS, date_of, local_grid
from cloud.energy.pages import Total, total_of

Step = Literal["15m", "1h", "1d", "1mo"]
HOURS_IN_INTERVAL = 0.25


class Bucket(NamedTuple):
    """[start, end) by the site's clock; an hour that comes twice is two buckets."""

    start: int
    end: int
    total: Total


def buckets(intervals: Intervals, zone: str, step: Step) -> list[Bucket]:
    """The intervals by step, in order; the first and the last may be parts of theirs."""
    if not len(intervals):
        return []
    edges = [*_beginnings(intervals, zone, step), len(intervals)]
    found = []
    for begin, end in pairwise(edges):
        since, until = intervals.first + begin * BASE_MS, intervals.first + end * BASE_MS
        found.append(Bucket(since, until, total_of(intervals.between(since, until))))
    return found


def _beginnings(intervals: Intervals, zone: str, step: Step) -> list[int]:
    if step == "15m":
        return list(range(len(intervals)))
    grid = local_grid(zone, intervals.first, intervals.end)
    if step == "1h":
        # The offset belongs to it: when the clock is put back the same hour comes twice.
        offset = grid.day * DAY_MS + grid.slot * BASE_MS - intervals.starts
        key = (grid.day * 24 + grid.slot // 4) * 2 * DAY_MS + offset
    elif step == "1d":
        key = grid.day
    else:
        months = {day: date_of(day).year * 12 + date_of(day).month for day in np.unique(grid.day).tolist()}
        key = np.array([months[day] for day in grid.day.tolist()], np.int64)
    return [0, *(np.flatnonzero(np.diff(key)) + 1).tolist()]


class Demand(NamedTuple):
    """The highest 15-minute mean and when it began; None where no interval is known in full."""

    kw: float
    at: int
    source: Source


def highest(intervals: Intervals) -> Demand | None:
    """Of intervals that are known in full; the first of equal ones."""
    whole = np.flatnonzero(intervals.covered_ms == BASE_MS)
    if not len(whole):
        return None
    place = int(whole[np.argmax(intervals.micro[whole])])
    kw = int(intervals.micro[place]) / MICRO / HOURS_IN_INTERVAL
    return Demand(kw, intervals.first + place * BASE_MS, Source(int(intervals.source[place])))
