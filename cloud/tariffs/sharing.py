"""What was used in each stretch of a layout: exact sums, with what is known of each."""

from typing import NamedTuple

import numpy as np

from cloud.energy.contract import BASE_MS, DOUBTFUL, Intervals, Longs, Source
from cloud.tariffs.contract import Coverage
from cloud.tariffs.layout import Layout

_SOURCES = len(Source)


class Shares(NamedTuple):
    """By stretch of the layout. ``covered`` has a column for each ``Source`` (ms); that of MISSING is what is left."""

    micro: Longs
    not_measured: Longs
    split: Longs
    covered: Longs
    length: Longs


def share_out(intervals: Intervals, layout: Layout) -> Shares:
    """Share intervals out to the stretches they lie in.

    An interval that an edge cuts is shared by time, to the last millionth: the parts add up to the whole. Raises
    ValueError where the layout does not begin and end on the grid of intervals.
    """
    edges = layout.edges
    first, last = int(edges[0]), int(edges[-1])
    if first % BASE_MS or last % BASE_MS:
        raise ValueError(f"a period begins and ends on a quarter of an hour, not at {first} and {last} ms")
    taken = intervals.between(first, last)
    known = taken.source != Source.MISSING
    micro = np.where(known, taken.micro, 0)
    covered = np.where(known, taken.covered_ms, 0).astype(np.int64)
    told = ((taken.source != Source.MEASURED) | ((taken.flags & int(DOUBTFUL)) != 0)) & known
    cut = _cut(edges, first, len(taken))
    whole = np.ones(len(taken), bool)
    whole[cut] = False

    # Edges on the grid as places among the intervals; one off the grid counts behind the interval that it cuts.
    places = -(-(edges - first) // BASE_MS)
    sums = Shares(
        _between(np.where(whole, micro, 0), places),
        _between(np.where(whole & told, micro, 0), places),
        np.zeros(len(edges) - 1, np.int64),
        np.stack(
            [_between(np.where(whole & (taken.source == code), covered, 0), places) for code in range(_SOURCES)], axis=1
        ),
        np.diff(edges),
    )
    for place in cut:
        _share_one(sums, edges, taken, int(place), bool(told[place]))
    sums.covered[:, Source.MISSING] = sums.length - sums.covered[:, : Source.MISSING].sum(axis=1)
    return sums


def coverage(shares: Shares, chosen: Longs | None = None) -> Coverage:
    """What is known of some stretches (by place), or of all."""
    covered = shares.covered if chosen is None else shares.covered[chosen]
    total = covered.sum(axis=0) // 1000
    total[Source.MISSING] = -(-covered[:, Source.MISSING].sum() // 1000)
    by_source = {source.name.lower(): int(total[source]) for source in Source if total[source]}
    seconds = int((shares.length if chosen is None else shares.length[chosen]).sum()) // 1000
    return Coverage(seconds, seconds - by_source.get("missing", 0), by_source)


def _cut(edges: Longs, first: int, count: int) -> Longs:
    inside = (edges - first) % BASE_MS != 0
    places = np.unique((edges[inside] - first) // BASE_MS)
    return places[places < count]


def _between(values: Longs, places: Longs) -> Longs:
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    shared: Longs = running[places[1:]] - running[places[:-1]]
    return shared


def _share_one(sums: Shares, edges: Longs, taken: Intervals, place: int, told: bool) -> None:
    """An interval over one edge or more: floors of its parts, the rest to the last."""
    since = taken.first + place * BASE_MS
    until = since + BASE_MS
    source = int(taken.source[place])
    if source == Source.MISSING:
        return
    low = int(np.searchsorted(edges, since, side="right")) - 1
    high = int(np.searchsorted(edges, until, side="left")) - 1
    micro, covered = int(taken.micro[place]), int(taken.covered_ms[place])
    left, left_ms = micro, covered
    for stretch in range(low, high + 1):
        width = min(until, int(edges[stretch + 1])) - max(since, int(edges[stretch]))
        part = left if stretch == high else micro * width // BASE_MS
        part_ms = left_ms if stretch == high else covered * width // BASE_MS
        left, left_ms = left - part, left_ms - part_ms
        sums.micro[stretch] += part
        sums.split[stretch] += part
        sums.not_measured[stretch] += part if told else 0
        sums.covered[stretch, source] += part_ms
