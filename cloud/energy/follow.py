"""Readings of a register to a track: the counter rule for a year of readings at once.

Almost all readings are ordinary, so whole runs of them are judged as arrays; where one is not, ``counter`` takes over
reading by reading until it believes again. Both give the same: a test holds them against each other.
"""

from bisect import bisect_left
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cloud.energy.contract import BASE_MS, Bytes, Flag, Ints, Longs, Readings, State, Track
from cloud.energy.counter import BY_HAND, DOUBTFUL, Counter
from cloud.energy.eras import AMOUNT_MAX, COUNT_MAX, FLOAT32_SHIFT, Eras

RUN_MIN, RUN_MAX = 64, 65_536
"""How many readings are looked at as arrays at once; few after one that was not ordinary."""


class _Counts(NamedTuple):
    at: Longs
    digits: Longs
    marks: Bytes


def follow(
    eras: Eras,
    readings: Readings,
    *,
    state: State | None = None,
    since: int | None = None,
    until: int,
    one_by_one: bool = False,
) -> Track:
    """What readings in [since, until) mean, going on from ``state``, which knows all before ``since``.

    Recorded changes in there are crossed also where no reading follows, so that the state at ``until`` is the same
    whether or not more is known. ``one_by_one`` takes no short way.
    """
    counter = Counter(eras, state or State(), since)
    readings = usable(eras, readings, since, until)
    edges = [at for at in eras.starts if (since is None or at >= since) and at < until]
    begin = 0
    for edge in [*edges, until]:
        end = bisect_left(readings.at, edge)
        if end > begin:
            part = _counts(counter, readings, begin, end)
            if one_by_one:
                _take(counter, part, 0, len(part.at))
            else:
                _run(counter, part)
        begin = end
        if edge < until:
            counter.cross()
    return counter.segments.track(counter.events, counter.state)


def usable(eras: Eras, readings: Readings, since: int | None, until: int) -> Readings:
    """Those in [since, until) that hold a number and were not struck out, each instant once; with what people read."""
    if eras.hand_read:
        readings = _with_hand_read(eras, readings)
    kept = np.isfinite(readings.value) & (readings.at < until)
    if since is not None:
        kept &= readings.at >= since
    for each in eras.struck:
        kept &= (readings.at < each.since) | (readings.at > each.until)
    kept[:-1] &= np.diff(readings.at) > 0  # of one instant the last
    return readings if kept.all() else _pick(readings, np.flatnonzero(kept))


def _pick(readings: Readings, places: npt.NDArray[np.intp]) -> Readings:
    return Readings(readings.at[places], readings.value[places], readings.doubtful[places], readings.manual[places])


def _with_hand_read(eras: Eras, readings: Readings) -> Readings:
    at = np.array([each.at for each in eras.hand_read], np.int64)
    value = np.array([float(each.reading) for each in eras.hand_read], np.float64)
    none = np.zeros(len(at), np.uint8)
    joined = Readings(
        np.concatenate([readings.at, at]),
        np.concatenate([readings.value, value]),
        np.concatenate([readings.doubtful, none]),
        np.concatenate([readings.manual, none + np.uint8(1)]),
    )
    return _pick(joined, np.argsort(joined.at, kind="stable"))  # so of one instant what the person read is the last


def _counts(counter: Counter, readings: Readings, begin: int, end: int) -> _Counts:
    """Whole last digits. A number too large to have any is left out."""
    part = slice(begin, end)
    per_digit = Decimal(1) / counter.era.register.resolution
    count = np.rint(readings.value[part] * float(per_digit))
    marks = (readings.doubtful[part] * DOUBTFUL | readings.manual[part] * BY_HAND).astype(np.uint8)
    kept = np.abs(count) < COUNT_MAX
    return _Counts(readings.at[part][kept], count[kept].astype(np.int64), marks[kept])


def _take(counter: Counter, part: _Counts, begin: int, end: int) -> int:
    """Reading by reading; with ``end`` beyond what is there until nothing is pending. The place after the last."""
    for place in range(begin, min(end, len(part.at))):
        counter.take(int(part.at[place]), int(part.digits[place]), int(part.marks[place]))
        if end > len(part.at) and not counter.pending:
            return place + 1
    return len(part.at)


def _run(counter: Counter, part: _Counts) -> None:
    place, size, n = 0, RUN_MIN, len(part.at)
    while place < n:
        if counter.at is None or counter.pending or int(part.at[place]) <= counter.at or _after_ratio(counter):
            place = _take(counter, part, place, n + 1)
            continue
        taken = _ordinary(counter, part, place, min(n, place + size))
        place += taken
        if taken < size and place < n:
            size = RUN_MIN
            place = _take(counter, part, place, n + 1)
        else:
            size = min(RUN_MAX, size * 4)


def _after_ratio(counter: Counter) -> bool:
    """The next segment may hold a change of the ratio."""
    since = counter.era.since
    return since is not None and counter.at is not None and counter.at < since


def _ordinary(counter: Counter, part: _Counts, begin: int, end: int) -> int:
    """Believe readings from ``begin`` on as long as they only advance or jitter; how many."""
    assert counter.at is not None
    era, here = counter.era, slice(begin, end)
    at = np.concatenate([[counter.at], part.at[here]])
    count = np.concatenate([[counter.count], part.digits[here]])
    high = np.maximum.accumulate(count)
    step = np.diff(high)
    tolerance = era.register.jitter + (np.abs(high[:-1]) >> FLOAT32_SHIFT)
    strange = (high[:-1] - count[1:] > tolerance) | (step > np.floor(np.diff(at) * era.rate))
    strange |= step > AMOUNT_MAX // era.factor
    n = int(np.argmax(strange)) if strange.any() else len(step)
    if not n:
        return 0
    marks = np.concatenate([[counter.marks], part.marks[begin : begin + n]]).astype(np.uint8)
    both = marks[:-1] | marks[1:]
    doubtful = np.where(both & DOUBTFUL, np.uint8(Flag.UNCERTAIN), np.uint8(0))
    by_hand = ((both & BY_HAND) > 0).astype(np.uint8)
    _note_dips(counter, at[: n + 1], count[: n + 1], high[: n + 1])
    counter.segments.extend(at[1 : n + 1], step[:n] * era.factor, doubtful, by_hand)
    counter.believe(int(at[n]), int(high[n]), int(marks[n]))
    return n


def _note_dips(counter: Counter, at: Longs, count: Longs, high: Longs) -> None:
    """One event for the dips of each quarter of an hour, as ``counter`` notes them."""
    dips = np.flatnonzero(count[1:] < high[1:]) + 1
    if not len(dips):
        return
    quarter = at[dips] // BASE_MS
    begins: Ints = np.flatnonzero(np.append(True, np.diff(quarter) > 0)).astype(np.int32)
    ends = np.append(begins[1:], len(dips)) - 1
    for first, last in zip(begins.tolist(), ends.tolist(), strict=True):
        here, there = int(dips[first]), int(dips[last])
        counter.dips(
            int(at[here - 1]), int(at[here]), int(at[there]), int(high[here]), int(count[here]), last - first + 1
        )
