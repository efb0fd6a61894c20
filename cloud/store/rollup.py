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
import numpy.typing as npt

from cloud.store.contract import Doubles, Ints, Longs

BUCKET_MS = 900_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

STALE_MAX_MS = DAY_MS
"""A value holds for a day at the most in roll-ups: how far back one reading can matter."""

BUCKETS_PER_CHUNK = 4_000
HOURS_PER_CHUNK = 24
HOURS_APART = 6
"""Buckets worked out in one go, so that memory is bounded whatever came."""


class Buckets(NamedTuple):
    """15-minute buckets of series, sorted by series and start, each once."""

    series: Ints
    start: Longs


class Summaries(NamedTuple):
    """What holds in buckets; ``integral`` is value x ms, ``taken`` how many readings. Sorted by series and bucket."""

    series: Ints
    bucket: Longs
    min: Doubles
    max: Doubles
    integral: Doubles
    held_ms: Longs
    last: Doubles
    last_at: Longs
    taken: Longs


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
    """The same buckets in parts that are near each other in time and not too many.

    To work a part out, all readings of its series between its first and last bucket are read: so a part ends where
    hours were not touched, and after a day.
    """
    hour = buckets.start // HOUR_MS
    order = np.argsort(hour, kind="stable")
    present, counts = np.unique(hour, return_counts=True)
    begin = end = 0
    first = last = int(present[0]) if len(present) else 0
    for now, count in zip(present.tolist(), counts.tolist(), strict=True):
        if end > begin and (
            now - last > HOURS_APART or now - first >= HOURS_PER_CHUNK or end + count - begin > BUCKETS_PER_CHUNK
        ):
            yield _part(buckets, order[begin:end])
            begin, first = end, now
        while end + count - begin > BUCKETS_PER_CHUNK:
            yield _part(buckets, order[begin : begin + BUCKETS_PER_CHUNK])
            count -= begin + BUCKETS_PER_CHUNK - end
            begin = end = begin + BUCKETS_PER_CHUNK
        end += count
        last = now
    if end > begin:
        yield _part(buckets, order[begin:end])


def _part(buckets: Buckets, places: npt.NDArray[np.intp]) -> Buckets:
    return Buckets(buckets.series[places], buckets.start[places])


def summarise(buckets: Buckets, stale: Longs, series: Ints, at: Longs, value: Doubles, batch: Longs) -> Summaries:
    """What holds in each of ``buckets``, from readings in any order. ``stale[i]`` belongs to ``buckets.series[i]``.

    The readings must hold all that can matter: of each series from ``start - stale`` of its first bucket to the end of
    its last. Only series of ``buckets`` may be among them. ``value`` is NaN where a reading is bad.
    """
    order = np.lexsort((batch, at, series))
    series, at, value = series[order], at[order], value[order]
    numbers, first = np.unique(buckets.series, return_index=True)
    place = np.searchsorted(numbers, series)
    until = at + stale[first][place]
    same = series[1:] == series[:-1]
    until[:-1][same] = np.minimum(until[:-1][same], at[1:][same])
    good = ~np.isnan(value)
    place, at, value, until = place[good], at[good], value[good], until[good]
    own = at // BUCKET_MS * BUCKET_MS
    further = np.maximum(until - 1 - own, 0) // BUCKET_MS  # buckets after its own into which a value holds
    spill = np.repeat(np.arange(len(at)), further)
    steps = np.arange(len(spill)) - np.repeat(np.cumsum(further) - further, further) + 1
    # A value that holds from before comes first in its bucket: so spilled ones go before, and the sort is stable.
    source = np.concatenate([spill, np.arange(len(at))])
    start = np.concatenate([own[spill] + steps * BUCKET_MS, own])
    taken = np.concatenate([np.zeros(len(spill), np.int64), np.ones(len(at), np.int64)])
    base = min(int(start.min(initial=2**62)), int(buckets.start.min()))
    width = (max(int(start.max(initial=0)), int(buckets.start.max())) - base) // BUCKET_MS + 1
    wanted = np.searchsorted(numbers, buckets.series) * width + (buckets.start - base) // BUCKET_MS
    wanted.sort()
    key = place[source] * width + (start - base) // BUCKET_MS
    found = np.searchsorted(wanted, key)
    kept = wanted[np.minimum(found, len(wanted) - 1)] == key
    sort = np.flatnonzero(kept)[np.argsort(key[kept], kind="stable")]
    source, start, taken, key = source[sort], start[sort], taken[sort], key[sort]
    if not len(source):
        return _NO_SUMMARIES
    begins = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1])
    ends = np.append(begins[1:], len(key)) - 1
    value_here = value[source]
    held = np.minimum(until[source], start + BUCKET_MS) - np.maximum(at[source], start)
    return Summaries(
        series=numbers[place[source[begins]]],
        bucket=start[begins],
        min=np.minimum.reduceat(value_here, begins),
        max=np.maximum.reduceat(value_here, begins),
        integral=np.add.reduceat(value_here * held, begins),
        held_ms=np.add.reduceat(held, begins),
        last=value_here[ends],
        last_at=at[source[ends]],
        taken=np.add.reduceat(taken, begins),
    )


_NO_SUMMARIES = Summaries(
    *(np.empty(0, kind) for kind in (np.int32, np.int64, float, float, float, np.int64, float, np.int64, np.int64))
)


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
