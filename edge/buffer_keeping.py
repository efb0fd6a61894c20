"""What a transaction of the buffer does with batches that were acked: mark, keep for a time, give up for room."""

from __future__ import annotations

from collections.abc import Iterable

from edge.buffer import Kept
from edge.buffer_rows import Epoch, Rows, Totals
from edge.contract import FailPoint
from edge.kept import Marks, Span, read_marks

CLOSED, NEWEST = "kept", "acked"
"""Rows of the table `meta`: a version that does not know them sends kept batches again, which the collector skips."""

PLACES_PER_COMMIT = 256
"""Deleted at most with one commit because their time is over: a card event must not wait for an hour's batches."""

STORE_EVERY_MS = 10_000
"""Marks are written so often and when the file is closed, not with every ack: each time is a page on the flash. What
was acked since is sent once more after a kill."""

SLICE = 32
SPARE_BYTES = 64 * 1024
"""Given up at a time where room is needed, so that it is not needed again with the next commit."""


class Keeping:
    """Between BEGIN and COMMIT. The newest place, `last`, is never deleted: its number must stay known."""

    def __init__(self, rows: Rows, keep_ms: int, fail_point: FailPoint) -> None:
        self._rows = rows
        self._fail_point = fail_point
        self.keep_ms = keep_ms

    def mark(self, marks: Marks, ranges: Iterable[Span], last: int, now_ms: int) -> tuple[Marks, Totals]:
        """Mark places as acked; what stood there and was not marked before waits for an ack no more."""
        fresh = [part for first, end in ranges for part in marks.miss(first, min(end, last))]
        gone = Totals()
        for part in fresh:
            gone = gone.plus(self._rows.totals_of(*part))
        self._fail_point("mid_delete")
        return marks.add(fresh, now_ms, self.keep_ms), gone

    def expire(self, marks: Marks, last: int, now_ms: int) -> Marks:
        """Delete what was kept for long enough, a bounded part of it."""
        left = PLACES_PER_COMMIT
        marks = marks.not_after(now_ms)
        for first, end in marks.due(now_ms, self.keep_ms):
            end = min(end, last - 1, first + left - 1)
            if end < first or left <= 0:
                break
            self._rows.forget(first, end)
            self._fail_point("mid_expiry")
            marks = marks.without([(first, end)])
            left -= end - first + 1
        return marks

    def give_up(self, marks: Marks, last: int, wanted: int) -> Marks:
        """Delete kept batches, oldest acks first, until `wanted` bytes are free or none is left."""
        aim = self._rows.used_bytes() - wanted
        for segment in marks.segments:
            for first, end in segment.ranges:
                end = min(end, last - 1)
                while first <= end:
                    if self._rows.used_bytes() <= aim:
                        return marks
                    part = (first, min(end, first + SLICE - 1))
                    self._rows.forget(*part)
                    marks = marks.without([part])
                    first = part[1] + 1
        return marks


def store_marks(rows: Rows, before: Marks, after: Marks) -> None:
    """Store the marks, as far as they are not what is stored."""
    if after == before:
        return
    old, new = before.as_texts(), after.as_texts()
    for key, was, text in zip((CLOSED, NEWEST), old, new, strict=True):
        if text != was or not before.segments:
            rows.set_meta(key, text)


def stored_marks(rows: Rows, newest: int) -> Marks:
    """The marks of an open file. Above its newest place none holds: such places are given out again."""
    return read_marks(rows.meta(CLOSED), rows.meta(NEWEST)).without([(newest + 1, 2**63 - 1)])


def waiting_totals(rows: Rows, marks: Marks, first: int, last: int) -> Totals:
    """What waits for an ack in first..last."""
    found = Totals()
    for part in marks.miss(first, last):
        found = found.plus(rows.totals_of(*part))
    return found


def oldest_waiting(rows: Rows, marks: Marks, after: int = 0) -> tuple[int, int]:
    """(place, sealed_at) of the first batch behind a place that has no ack; zeros when there is none."""
    place, sealed_at = rows.oldest_batch(after)
    while place and (end := marks.end_of(place)) is not None:
        place, sealed_at = rows.oldest_batch(end)
    return place, sealed_at


def kept_now(marks: Marks, epochs: list[Epoch], waiting_from: int, last: int) -> Kept:
    """For people and for the collector. `waiting_from`: the first place without an ack, 0 when all are acked."""
    top = waiting_from - 1 if waiting_from else last
    spans: list[tuple[str, int, int]] = []
    for number, epoch in enumerate(epochs):
        after = epochs[number + 1].base if number + 1 < len(epochs) else top + 1
        first, end = max(marks.lowest, epoch.base + 1), min(top, after - 1)
        if marks.segments and first <= end:
            spans.append((epoch.name, first - epoch.base, end - epoch.base))
    return Kept(marks.batches, marks.since, tuple(spans))
