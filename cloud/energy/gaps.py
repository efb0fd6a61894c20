"""Stretches of a meter's time that were not measured, and what stands in their place."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cloud.energy.contract import BASE_MS, Flag, Intervals, Source


class Gap(NamedTuple):
    """[since, until) of one source, never ``MEASURED``. micro: what stands there; None where it is missing.

    covered_ms: how much of it is known.
    """

    since: int
    until: int
    source: Source
    micro: int | None
    covered_ms: int
    flags: Flag


def gaps(intervals: Intervals) -> Iterator[Gap]:
    """Runs of equal source, in order; also intervals that are measured in part, as ``MISSING`` for the rest of them."""
    partly = (intervals.source == Source.MEASURED) & (intervals.covered_ms < BASE_MS)
    source = np.where(partly, np.uint8(Source.MISSING), intervals.source)
    edges = np.flatnonzero(np.diff(source)) + 1
    for begin, end in zip([0, *edges.tolist()], [*edges.tolist(), len(source)], strict=True):
        if begin == end or source[begin] == Source.MEASURED:
            continue
        here = slice(begin, end)
        kind = Source(int(source[begin]))
        flags = int(np.bitwise_or.reduce(intervals.flags[here]))
        since, until = intervals.first + begin * BASE_MS, intervals.first + end * BASE_MS
        micro = None if kind is Source.MISSING else int(intervals.micro[here].sum())
        yield Gap(since, until, kind, micro, int(intervals.covered_ms[here].sum(dtype=np.int64)), Flag(flags))
