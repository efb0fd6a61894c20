"""What a roll-up is, without a database.

A value *holds* from its own instant until the next reading of its series, but no longer than the series' stale limit.
A bucket has the values that hold in it: least, greatest, mean weighted by how long each held, the last one, how many
readings were taken in it, and how much of it any value covered. So a bucket can have a mean and no reading of its
own, and three buckets add up to the bucket that spans them. A bad reading ends the hold of the one before.

Which buckets a reading can change: from its own to the one in which its hold ends.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from cloud.store.contract import Ints, Longs

BUCKET_MS = 900_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

STALE_MAX_MS = DAY_MS
"""A value holds for a day at the most in roll-ups: how far back one reading can matter."""

BUCKETS_PER_CHUNK = 20_000
"""Buckets worked out in one go, so that memory is bounded whatever came."""


class Buckets(NamedTuple):
    """15-minute buckets of series, sorted by series and start, each once."""

    series: Ints
    start: Longs


class Runs(NamedTuple):
    """Stretches of buckets near each other: readings from ``start - stale`` to ``stop`` decide about them."""

    series: Ints
    start: Longs
    stop: Longs
    stale: Longs


class Spans(NamedTuple):
    """Coarser buckets: hours, or local days, with their ends."""

    series: Ints
    start: Longs
    stop: Longs


def touched_buckets(series: Ints, first: Longs, last_at: Longs, stale: Longs) -> Buckets:
    """The buckets that readings can change: row i says that ``series[i]`` has readings from the bucket ``first[i]``
    on until ``last_at[i]`` in the same bucket, and ``stale[i]`` is its limit."""
    last = np.maximum(last_at + stale - 1, last_at) // BUCKET_MS * BUCKET_MS
    counts = (last - first) // BUCKET_MS + 1
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(first, counts) + offsets * BUCKET_MS
    pairs = np.unique(np.stack([np.repeat(series.astype(np.int64), counts), starts], axis=1), axis=0)
    return Buckets(pairs[:, 0].astype(np.int32), np.ascontiguousarray(pairs[:, 1]))


def chunks(buckets: Buckets) -> Iterator[Buckets]:
    """The same buckets in parts that lie within one UTC day each and are not too many."""
    days = buckets.start // DAY_MS
    for day in np.unique(days):
        mine = np.flatnonzero(days == day)
        for begin in range(0, len(mine), BUCKETS_PER_CHUNK):
            part = mine[begin : begin + BUCKETS_PER_CHUNK]
            yield Buckets(buckets.series[part], buckets.start[part])


def runs(buckets: Buckets, stale: Longs) -> Runs:
    """Join buckets whose readings overlap. ``stale[i]`` belongs to ``buckets.series[i]``."""
    series, start = buckets
    if not len(series):
        return Runs(series, start, start, stale)
    apart = (np.diff(series) != 0) | (np.diff(start) >= BUCKET_MS + stale[1:])
    begins = np.flatnonzero(np.concatenate([[True], apart]))
    ends = np.append(begins[1:], len(series)) - 1
    return Runs(series[begins], start[begins], start[ends] + BUCKET_MS, stale[begins])


def hours(buckets: Buckets) -> Spans:
    """The hours (UTC) that contain these buckets, each once."""
    pairs = np.unique(np.stack([buckets.series.astype(np.int64), buckets.start // HOUR_MS * HOUR_MS], axis=1), axis=0)
    return Spans(pairs[:, 0].astype(np.int32), pairs[:, 1], pairs[:, 1] + HOUR_MS)


def local_days(buckets: Buckets, zone_of: dict[int, str]) -> Spans:
    """The local days that contain these buckets, each once. ``zone_of``: IANA zone of each series."""
    found: list[Spans] = []
    zones = np.array([zone_of[int(number)] for number in buckets.series], object)
    for zone in sorted(set(zones.tolist())):
        mine = zones == zone
        series, start = buckets.series[mine], buckets.start[mine]
        edges = day_edges(zone, int(start.min()), int(start.max()))
        place = np.searchsorted(edges, start, side="right") - 1
        pairs = np.unique(np.stack([series.astype(np.int64), place], axis=1), axis=0)
        found.append(Spans(pairs[:, 0].astype(np.int32), edges[pairs[:, 1]], edges[pairs[:, 1] + 1]))
    if not found:
        return Spans(buckets.series, buckets.start, buckets.start)
    return Spans(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def day_edges(zone: str, first_ms: int, last_ms: int) -> Longs:
    """The midnights of a zone, from the one at or before ``first_ms`` to the one after ``last_ms``."""
    first = _local_date(zone, first_ms)
    last = _local_date(zone, last_ms)
    edges = [midnight(zone, first + timedelta(days=n)) for n in range((last - first).days + 2)]
    return np.array(edges, np.int64)


def _local_date(zone: str, at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_zone(zone)).date()


@lru_cache(maxsize=10_000)
def midnight(zone: str, day: date) -> int:
    """The instant at which a local day begins (its first quarter of an hour where clocks change at midnight)."""
    at = int(datetime.combine(day, time(), _zone(zone)).timestamp() * 1000)
    return at // BUCKET_MS * BUCKET_MS


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
