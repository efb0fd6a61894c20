"""Roll-ups worked out from raw readings at the moment of the question, for stores that keep none."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cloud.store.contract import Doubles, Longs, Step
from cloud.store.rollup import (
    BUCKET_MS,
    DAY_MS,
    HOUR_MS,
    Buckets,
    Summaries,
    day_edges,
    summarise,
    touched_buckets,
)

SPAN_MS = 14 * DAY_MS
"""So much is read at once, so that memory is bounded whatever is asked."""


class Readings(NamedTuple):
    """Of one series, in any order. NaN: no value."""

    at: Longs
    value: Doubles
    batch: Longs


Ask = Callable[[int, int], Readings]
"""Readings with from_at <= at < to_at."""


class Asked(NamedTuple):
    """One question: which step, whose buckets start in [from_at, to_at), at the most so many."""

    step: Step
    from_at: int
    to_at: int
    most: int
    stale_ms: int
    zone: str


def rolled(asked: Asked, ask: Ask, bounds: tuple[int, int]) -> list[tuple[object, ...]]:
    """Rows of ROLLUP_COLUMNS by time. ``bounds``: no reading is earlier or later."""
    found: list[tuple[object, ...]] = []
    begin = max(asked.from_at, bounds[0] - DAY_MS - DAY_MS // 4)
    end = min(asked.to_at, bounds[1] + asked.stale_ms + 1)
    while begin < end and len(found) < asked.most:
        edges = _edges(asked, begin, min(end, begin + SPAN_MS))
        if len(edges) > 1:
            found += _rows(asked, ask, edges)
        begin = int(edges[-1]) if len(edges) > 1 else begin + SPAN_MS
    return found[: asked.most]


def _edges(asked: Asked, begin: int, end: int) -> Longs:
    """The starts of the buckets that start in [begin, end), and where the last one ends."""
    if asked.step == "1d":
        days = day_edges(asked.zone, begin, end + DAY_MS)
        starts = days[(days >= begin) & (days < end)]
        after = days[days >= end]
        return np.append(starts, after[:1]) if len(starts) else starts
    length = BUCKET_MS if asked.step == "15m" else HOUR_MS
    first = -(-begin // length) * length
    return np.arange(first, end + length, length, dtype=np.int64) if first < end else np.empty(0, np.int64)


def _rows(asked: Asked, ask: Ask, edges: Longs) -> list[tuple[object, ...]]:
    since, until = int(edges[0]), int(edges[-1])
    known = ask(since - asked.stale_ms, until)
    if not len(known.at):
        return []
    one = np.zeros(len(known.at), np.int32)
    at = np.sort(known.at)
    own = at // BUCKET_MS * BUCKET_MS
    newest = np.flatnonzero(np.append(np.diff(own) != 0, True))  # of each bucket its last reading reaches farthest
    stale = np.full(len(newest), asked.stale_ms, np.int64)
    touched = touched_buckets(one[newest], own[newest], at[newest], stale)
    kept = (touched.start >= since) & (touched.start < until)
    buckets = Buckets(touched.series[kept], touched.start[kept])
    if not len(buckets.start):
        return []
    stale = np.full(len(buckets.start), asked.stale_ms, np.int64)
    fine = summarise(buckets, stale, one, known.at, known.value, known.batch)
    if not len(fine.bucket):
        return []
    return _coarse(fine, edges)


def _coarse(fine: Summaries, edges: Longs) -> list[tuple[object, ...]]:
    place = np.searchsorted(edges, fine.bucket, side="right") - 1
    begins = np.flatnonzero(np.concatenate([[True], np.diff(place) != 0]))
    ends = np.append(begins[1:], len(place)) - 1
    start = edges[place[begins]]
    length = edges[place[begins] + 1] - start
    held = np.add.reduceat(fine.held_ms, begins)
    last = fine.last[ends]  # the newest bucket holds the newest value
    integral = np.add.reduceat(fine.integral, begins)
    mean = np.where(held > 0, integral / np.maximum(held, 1), last)
    columns = (
        start,
        np.minimum.reduceat(fine.min, begins),
        np.maximum.reduceat(fine.max, begins),
        mean,
        last,
        np.add.reduceat(fine.taken, begins),
        np.round(held / length, 6),
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))
