"""Which batches of the buffer were acked and are kept for a time, for a collector that lost them.

An ack is only a mark here: ranges of places, by the hour or so in which they were acked, so that what is old goes in
whole segments. Nothing of a batch is written again. A mark that cannot be read is no mark: its batches are sent once
more, and the collector skips what it has.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from edge.ranges import Ranges

SEGMENTS = 48
SEGMENT_MS_LEAST = 60_000
STEP_MS = 3_600_000
"""A clock may be set back by less without any mark being touched."""

RANGES_MAX = 512
"""With more, the oldest segment goes before its time: marks must stay a small thing."""

Span = tuple[int, int]


class Segment(NamedTuple):
    """Closed ranges of places whose first was acked at `at`, ms of the wall clock."""

    at: int
    ranges: tuple[Span, ...]


class Marks(NamedTuple):
    """Never changed: every method that does something returns others. Segments are in the order of their acks."""

    segments: tuple[Segment, ...] = ()

    @property
    def batches(self) -> int:
        """How many places are marked."""
        return sum(last - first + 1 for each in self.segments for first, last in each.ranges)

    @property
    def since(self) -> int:
        """When the first of them was acked, ms; 0 when there is none."""
        return self.segments[0].at if self.segments else 0

    @property
    def lowest(self) -> int:
        """The lowest place, 0 when there is none."""
        return min((each.ranges[0][0] for each in self.segments), default=0)

    def meet(self, first: int, last: int) -> list[Span]:
        """The parts of first..last that are marked, ascending."""
        parts = [
            (max(start, first), min(end, last))
            for each in self.segments
            if each.ranges[0][0] <= last and first <= each.ranges[-1][1]
            for start, end in each.ranges
            if start <= last and first <= end
        ]
        return list(Ranges(sorted(parts)))

    def miss(self, first: int, last: int) -> list[Span]:
        """The parts of first..last that are not, ascending."""
        rest = Ranges([(first, last)])
        for part in self.meet(first, last):
            rest.remove(*part)
        return list(rest)

    def add(self, ranges: Iterable[Span], now_ms: int, keep_ms: int) -> Marks:
        """Mark what is not marked yet, as acked now."""
        fresh = [part for span in ranges for part in self.miss(*span)]
        if not fresh:
            return self
        segments = self.segments
        newest = segments[-1] if segments else None
        if newest is None or not 0 <= now_ms - newest.at < max(keep_ms // SEGMENTS, SEGMENT_MS_LEAST):
            segments, newest = (*segments, Segment(now_ms, ())), Segment(now_ms, ())
        return Marks((*segments[:-1], Segment(newest.at, tuple(Ranges([*newest.ranges, *fresh])))))

    def without(self, ranges: Iterable[Span]) -> Marks:
        """Forget marks of these places."""
        spans = list(ranges)
        left = []
        for each in self.segments:
            rest = Ranges(each.ranges)
            for span in spans:
                rest.remove(*span)
            left.append(Segment(each.at, tuple(rest)))
        return Marks(tuple(each for each in left if each.ranges))

    def due(self, now_ms: int, keep_ms: int) -> tuple[Span, ...]:
        """Ranges of the oldest segment when its time is over, or when there are too many ranges.

        A segment lasts from its first ack: what was acked later in it goes up to a 48th of `keep_ms` early, none late.
        """
        too_many = sum(len(each.ranges) for each in self.segments) > RANGES_MAX
        for number, each in enumerate(self.segments):
            if now_ms - each.at >= keep_ms or (too_many and number == 0):
                return each.ranges
        return ()

    def not_after(self, now_ms: int) -> Marks:
        """Marks from far in the future were made by a clock that was wrong: they count as made now."""
        if all(each.at <= now_ms + STEP_MS for each in self.segments):
            return self
        return Marks(tuple(Segment(min(each.at, now_ms), each.ranges) for each in self.segments))

    def end_of(self, place: int) -> int | None:
        """A place up to which all are marked from this one on; None when it is not marked itself."""
        return next((end for each in self.segments for start, end in each.ranges if start <= place <= end), None)

    def as_texts(self) -> tuple[str, str]:
        """(closed segments, the newest one): only the second, a short one, changes with every ack."""
        return _write(self.segments[:-1]), _write(self.segments[-1:])


NO_MARKS = Marks()


def read_marks(closed: object, newest: object) -> Marks:
    """Marks from their texts; of a text that is not what was written, none."""
    return Marks((*_read(closed), *_read(newest)))


def _write(segments: tuple[Segment, ...]) -> str:
    text = json.dumps(segments, separators=(",", ":"))
    return f"{zlib.crc32(text.encode()):08x}{text}"


def _read(text: object) -> tuple[Segment, ...]:
    # The sum matters: a flipped digit would call batches acked that nobody has.
    if not isinstance(text, str) or text[:8] != f"{zlib.crc32(text[8:].encode()):08x}":
        return ()
    found: Any = json.loads(text[8:])
    return tuple(Segment(at, tuple((first, last) for first, last in ranges)) for at, ranges in found)
