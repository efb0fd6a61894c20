"""Batches that were acked, are still kept, and that the collector says it does not have: they go up once more.

A collector that came back from a backup names what it misses (`protocols.ack`, `missing`). Only what is marked as acked
and lies on the disk is taken up; everything else has its own way. The lane stands behind all others: it moves only
while nothing else waits, within a quarter of the window, and no batch goes this way more often than `TIMES_MAX` in the
life of the process, whatever is asked.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Iterable
from typing import NamedTuple

from edge.buffer import Buffer, KeptBatch
from edge.ranges import Ranges

log = logging.getLogger(__name__)

WINDOW_SHARE = 0.25
TIMES_MAX = 3


class ResendFigures(NamedTuple):
    """Batches: asked for and still to go (with those on their way), and gone since the start."""

    waiting: int
    done: int


class Resend:
    """The third lane. `size`: of the window."""

    def __init__(self, buffer: Buffer, size: int) -> None:
        self._buffer = buffer
        self.most = max(1, int(size * WINDOW_SHARE))
        """So many may be on their way at a time."""
        self.wanted = Ranges()
        """Places on the disk, to be read and sent."""
        self.chunk: deque[KeptBatch] = deque()
        self._times = [Ranges() for _ in range(TIMES_MAX)]
        """How often each place was taken up: those in the first at least once, in the second at least twice."""
        self._told = False

    def ask(self, ranges: Iterable[tuple[int, int]], on_their_way: Collection[int]) -> None:
        """The collector misses these places; what is kept of them waits to be sent."""
        fresh = Ranges(part for span in ranges for part in self._buffer.kept(*span))
        for part in self.wanted:
            fresh.remove(*part)
        for place in (*on_their_way, *(batch.place for batch in self.chunk)):
            fresh.remove(place)
        taken = 0
        for part in fresh:
            taken += self._take_up(*part)
        if taken:
            log.warning("the collector asks for %d batches that it had acked; they are sent again", taken)

    def _take_up(self, first: int, last: int) -> int:
        """Want places as far as they were not wanted too often; how many."""
        rest = Ranges([(first, last)])
        for part in self._times[-1].meet(first, last):
            rest.remove(*part)
            if not self._told:
                self._told = True
                log.error("batches were asked for more than %d times: not sent any more", TIMES_MAX)
        for part in rest:
            for less, more in reversed(list(zip(self._times, self._times[1:], strict=False))):
                for again in less.meet(*part):
                    more.add(*again)
            self._times[0].add(*part)
            self.wanted.add(*part)
        return len(rest)

    def next(self) -> KeptBatch | None:
        """The next batch to go, None when none is in memory."""
        return self.chunk.popleft() if self.chunk else None

    @property
    def is_hungry(self) -> bool:
        """Whether something should be read from the disk."""
        return bool(self.wanted) and not self.chunk

    def refill(self, span: tuple[int, int], found: list[KeptBatch]) -> None:
        """What a read of `span` found is next; what it did not find was deleted meanwhile."""
        last = found[-1].place if found else span[1]
        self.chunk.extend(batch for batch in found if batch.place in self.wanted)
        self.wanted.remove(span[0], last)

    def close(self) -> None:
        """There is no link any more: everything waits on the disk."""
        for batch in self.chunk:
            self.wanted.add(batch.place)
        self.chunk.clear()

    def forget(self, first: int, last: int) -> None:
        """The collector has these."""
        self.wanted.remove(first, last)

    def clear(self) -> None:
        """The file was replaced: what is kept in it is not what was."""
        self.chunk.clear()
        self.wanted.clear()

    def figures(self, on_their_way: int, done: int) -> ResendFigures:
        """Now."""
        return ResendFigures(len(self.wanted) + len(self.chunk) + on_their_way, done)
