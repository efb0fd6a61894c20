"""The local clock of a site for whole stretches of intervals: which day each belongs to, and which slot of it.

A day has 96 slots of a quarter of an hour by the clock on the wall. When the clock is put back the slots of that hour
come twice, when it is put forward they do not come.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from cloud.energy.contract import BASE_MS, Bytes, Longs

DAY_MS = 86_400_000
SLOTS = 96
EPOCH_DAY = date(1970, 1, 1).toordinal()

IsWorkday = Callable[[date], bool]


class LocalGrid(NamedTuple):
    """For each interval of a stretch: the day (its number since 1970) and the slot, by the site's clock."""

    day: Longs
    slot: Longs


def local_grid(zone: str, since: int, until: int) -> LocalGrid:
    """Of the intervals that start in [since, until); both on the grid."""
    starts = np.arange(since, until, BASE_MS, dtype=np.int64)
    offsets = np.empty(len(starts), np.int64)
    number = starts // DAY_MS
    for each in np.unique(number).tolist():
        here = number == each
        offsets[here] = _offsets(zone, each)[(starts[here] - each * DAY_MS) // BASE_MS]
    local = starts + offsets
    return LocalGrid(local // DAY_MS, local % DAY_MS // BASE_MS)


@lru_cache(maxsize=20_000)
def _offsets(zone: str, day: int) -> Longs:
    """The zone's offset in each interval of a day by UTC, ms."""
    first, last = _offset(zone, day * DAY_MS), _offset(zone, (day + 1) * DAY_MS)
    if first == last:
        return np.full(SLOTS, first, np.int64)
    return np.array([_offset(zone, day * DAY_MS + slot * BASE_MS) for slot in range(SLOTS)], np.int64)


def _offset(zone: str, at: int) -> int:
    offset = datetime.fromtimestamp(at / 1000, UTC).astimezone(_zone(zone)).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() * 1000)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def date_of(day: int) -> date:
    """The date of a day's number."""
    return date.fromordinal(day + EPOCH_DAY)


def number_of(day: date) -> int:
    """The number of a date."""
    return day.toordinal() - EPOCH_DAY


def workdays(days: Longs, is_workday: IsWorkday) -> Bytes:
    """1 for each day on which people work."""
    known = {day: is_workday(date_of(day)) for day in np.unique(days).tolist()}
    return np.array([known[day] for day in days.tolist()], np.uint8)
