"""A track to intervals: the register is interpolated at the quarter hours, never the amounts.

So intervals add up to the difference of the register by themselves, whatever the readings were. How a segment between
two readings is spread, and what is said of it:

- up to ``WHOLE_MS`` (an interval and what a poll may be late): evenly, measured
- up to ``MAX_GAP_MS``: evenly, interpolated
- longer: the total is exact; it is spread like days of the same kind (``Shape``), or evenly without any; estimated
- read by a person at one end: evenly, manual
- with an end unknown: missing
"""

from collections.abc import Callable

import numpy as np

from cloud.energy.contract import (
    BASE_MS,
    Bytes,
    Flag,
    Intervals,
    Longs,
    SegmentKind,
    Source,
    Track,
    missing,
)

WHOLE_MS = 20 * 60_000
MAX_GAP_MS = 2 * BASE_MS

Shape = Callable[[int, int], Longs | None]
"""(since, until), both on the grid -> what is typical of each interval in between, in any unit; None when unknown."""


def floor(at: int) -> int:
    """The beginning of the interval that holds the instant."""
    return at // BASE_MS * BASE_MS


def ceil(at: int) -> int:
    """The first beginning of an interval at or after the instant."""
    return -(-at // BASE_MS) * BASE_MS


def intervals(track: Track, since: int, until: int, shape: Shape | None = None) -> Intervals:
    """What the track says of the intervals in [since, until); both are on the grid."""
    found = missing(since, until)
    track = part_of(track, since, until)
    if not len(track.micro) or not len(found):
        return found
    edges = since + BASE_MS * np.arange(len(found) + 1, dtype=np.int64)
    low, high = int(track.at[0]), int(track.at[-1])
    inside = np.clip(edges, low, high)
    # The segment that holds each edge; an edge on a knot belongs to the segment after it.
    segment = np.minimum(np.searchsorted(track.at, inside, side="right") - 1, len(track.micro) - 1)
    known = track.kind == SegmentKind.KNOWN
    length = np.diff(track.at)
    used = _at_edges(track, segment, inside, np.where(known, track.micro, 0), length)
    covered = _at_edges(track, segment, inside, np.where(known, length, 0), length)
    code = _sources(track, length, known)
    for place in np.flatnonzero((code == Source.ESTIMATED) & known & (length > MAX_GAP_MS)).tolist():
        _reshape(track, place, edges, used, shape)
    found.micro[:] = np.diff(used)
    found.covered_ms[:] = np.diff(covered)
    # Up to and with the last segment that begins before the interval's end.
    last = np.maximum(segment[:-1], np.searchsorted(track.at, inside[1:], side="left") - 1)
    last = np.minimum(last, len(track.micro) - 1)
    found.source[:] = np.maximum(np.maximum.reduceat(code, segment)[:-1], code[last])
    found.flags[:] = np.bitwise_or.reduceat(track.flags, segment)[:-1] | track.flags[last]
    outside = (edges[1:] <= low) | (edges[:-1] >= high)
    found.flags[outside] = 0
    nothing = found.covered_ms == 0
    found.micro[nothing] = 0
    found.source[nothing] = Source.MISSING
    return found


def part_of(track: Track, since: int, until: int) -> Track:
    """The segments that overlap [since, until); all of their length."""
    n = len(track.micro)
    first = min(n, max(0, int(np.searchsorted(track.at, since, side="right")) - 1))
    last = min(n, max(first, int(np.searchsorted(track.at, until, side="left"))))
    return track._replace(
        at=track.at[first : last + 1],
        micro=track.micro[first:last],
        kind=track.kind[first:last],
        flags=track.flags[first:last],
        manual=track.manual[first:last],
    )


def long_gaps(track: Track) -> list[tuple[int, int]]:
    """Segments that want a shape, as (since, until)."""
    length = np.diff(track.at)
    if not len(length):
        return []
    known = track.kind == SegmentKind.KNOWN
    places = np.flatnonzero((_sources(track, length, known) == Source.ESTIMATED) & (length > MAX_GAP_MS))
    return [(int(track.at[place]), int(track.at[place + 1])) for place in places.tolist()]


def _at_edges(track: Track, segment: Longs, inside: Longs, amount: Longs, length: Longs) -> Longs:
    """The running total at each edge, evenly within a segment; whole numbers, and no product beyond 64 bits."""
    before = np.concatenate([[0], np.cumsum(amount)])
    into = inside - track.at[segment]
    whole, rest = np.divmod(amount[segment], length[segment])
    partial = whole * into + rest * into // length[segment]
    total: Longs = before[segment] + partial
    return total


def _sources(track: Track, length: Longs, known: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Bytes:
    code = np.zeros(len(length), np.uint8)
    code[length > WHOLE_MS] = Source.INTERPOLATED
    code[length > MAX_GAP_MS] = Source.ESTIMATED
    code[track.manual > 0] = Source.MANUAL
    code[(track.flags & Flag.LOWER_BOUND) > 0] = Source.ESTIMATED
    code[~known] = Source.MEASURED  # says nothing: it covers nothing
    return code


def _reshape(track: Track, place: int, edges: Longs, used: Longs, shape: Shape | None) -> None:
    """Put the running total at the edges within a long gap where like days would have had it."""
    if shape is None:
        return
    begin, end, amount = int(track.at[place]), int(track.at[place + 1]), int(track.micro[place])
    typical = shape(floor(begin), ceil(end))
    if typical is None:
        return
    starts = range(floor(begin), ceil(end), BASE_MS)
    weights = [
        max(0, int(weight)) * (min(start + BASE_MS, end) - max(start, begin))
        for start, weight in zip(starts, typical, strict=True)
    ]
    whole = sum(weights)
    if not whole:
        return
    within = np.flatnonzero((edges > begin) & (edges < end))
    if not len(within):
        return
    first = _before(track, place)
    so_far, at_edge = 0, {}
    for start, weight in zip(starts, weights, strict=True):
        at_edge[start] = so_far
        so_far += weight
    for each in within.tolist():
        used[each] = first + amount * at_edge[int(edges[each])] // whole


def _before(track: Track, place: int) -> int:
    """The running total at the beginning of a segment."""
    known = track.kind[:place] == SegmentKind.KNOWN
    return int(track.micro[:place][known].sum())
