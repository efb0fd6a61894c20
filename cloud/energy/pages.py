"""A day of a meter as it rests on disk: its intervals packed into some hundred bytes, and what they come to."""

import struct
import zlib
from typing import NamedTuple

import numpy as np

from cloud.energy.contract import BASE_MS, EnergyFault, Intervals, Source

VERSION = 1
_HEAD = struct.Struct("<BHq")
SLOTS_MAX = 128
"""A day has at most 100 intervals."""


class Total(NamedTuple):
    """What intervals come to. ``micro`` is what is known, in millionths; None when nothing is.

    covered_ms: how long it is known for, of ``length_ms``. measured_ms, measured: of it what was measured, and how much
    that was; the rest was interpolated, estimated or read by hand. source: the worst; MISSING with nothing known.
    """

    micro: int | None
    length_ms: int
    covered_ms: int
    measured_ms: int
    measured: int
    source: Source
    flags: int

    @property
    def coverage(self) -> float:
        """From 0 to 1, also where more is known already than the time that was asked for."""
        return min(1.0, self.covered_ms / self.length_ms) if self.length_ms else 1.0


def total_of(intervals: Intervals) -> Total:
    """What intervals come to."""
    known = intervals.source != Source.MISSING
    measured = intervals.source == Source.MEASURED
    some = bool(known.any())
    return Total(
        int(intervals.micro.sum()) if some else None,
        len(intervals) * BASE_MS,
        int(intervals.covered_ms.sum(dtype=np.int64)),
        int(intervals.covered_ms[measured].sum(dtype=np.int64)),
        int(intervals.micro[measured].sum()),
        Source(int(intervals.source[known].max())) if some else Source.MISSING,
        int(np.bitwise_or.reduce(intervals.flags)) if len(intervals) else 0,
    )


def add(totals: "list[Total] | tuple[Total, ...]") -> Total:
    """The sum of totals of stretches of time, or of several meters. Of nothing: nothing known of no time."""
    known = [each for each in totals if each.micro is not None]
    flags = 0
    for each in totals:
        flags |= each.flags
    return Total(
        sum(each.micro or 0 for each in known) if known else None,
        sum(each.length_ms for each in totals),
        sum(each.covered_ms for each in totals),
        sum(each.measured_ms for each in totals),
        sum(each.measured for each in totals),
        max((each.source for each in known), default=Source.MISSING),
        flags,
    )


def pack(intervals: Intervals) -> bytes:
    """The intervals as bytes; the same intervals always give the same bytes."""
    columns = (
        intervals.micro.astype("<i8"),
        intervals.covered_ms.astype("<i4"),
        intervals.source.astype("u1"),
        intervals.flags.astype("u1"),
    )
    body = b"".join(column.tobytes() for column in columns)
    return _HEAD.pack(VERSION, len(intervals), intervals.first) + zlib.compress(body, 6)


def unpack(page: bytes) -> Intervals:
    """What ``pack`` was given. Raises EnergyFault when it is damaged."""
    try:
        version, n, first = _HEAD.unpack_from(page)
        if version != VERSION or n > SLOTS_MAX:
            raise EnergyFault(f"a day of version {version} with {n} intervals; this collector knows version {VERSION}")
        body = zlib.decompress(page[_HEAD.size :], bufsize=n * 14)
        if len(body) != n * 14:
            raise EnergyFault("a day at rest is damaged: it has another length than it says")
    except (struct.error, zlib.error) as error:
        raise EnergyFault(f"a day at rest is damaged: {error}") from error
    return Intervals(
        first,
        np.frombuffer(body, "<i8", n).astype(np.int64),
        np.frombuffer(body, "<i4", n, n * 8).astype(np.int32),
        np.frombuffer(body, "u1", n, n * 12).copy(),
        np.frombuffer(body, "u1", n, n * 13).copy(),
    )
