"""What waits to go up: the live lane in memory, the backlog on disk with at most one chunk of it in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum

from edge.buffer import KeptBatch, Kind
from edge.ranges import Ranges


class Lane(Enum):
    """How a batch came to be sent."""

    LIVE = "live"
    BACKLOG = "backlog"
    AGAIN = "again"
    """Acked once, and asked for since: see `edge/resend.py`."""


class Lanes:
    """Every batch of the buffer that is not on its way is in exactly one place here: live, chunk, unsent or held."""

    def __init__(self, live_max: int) -> None:
        self._live_max = live_max
        self._events: deque[KeptBatch] = deque()
        self._telemetry: deque[KeptBatch] = deque()
        self._newest: KeptBatch | None = None
        self.chunk: deque[KeptBatch] = deque()
        """Of the backlog, read from disk and next to be sent."""
        self.unsent = Ranges()
        """Places on disk only."""
        self.held: dict[int, float] = {}
        """Places that wait until a monotonic instant."""
        self.is_open = False
        """Whether there is a link. Without one nothing is kept in memory."""

    def load(self, first: int, last: int, on_their_way: Iterable[int], acked: Iterable[tuple[int, int]] = ()) -> None:
        """All places first..last wait on disk, except those on their way, held, or acked and kept."""
        for waiting in (self._events, self._telemetry, self.chunk):
            waiting.clear()
        self._newest = None
        self.unsent = Ranges([(first, last)])
        for place in (*on_their_way, *self.held):
            self.unsent.remove(place)
        for part in acked:
            self.unsent.remove(*part)

    def offer(self, batches: Iterable[KeptBatch]) -> None:
        """Batches that were committed just now."""
        for batch in batches:
            lane = self._telemetry if batch.kind is Kind.TELEMETRY else self._events
            if self.is_open and len(lane) < self._live_max:
                lane.append(batch)
                continue
            self.unsent.add(batch.place)
            if batch.kind is Kind.TELEMETRY:
                self._newest = batch

    def open(self) -> None:
        """There is a link. After an outage people shall see now at once: the newest readings go before the backlog."""
        self.is_open = True
        batch, self._newest = self._newest, None
        if batch is not None and batch.place in self.unsent:
            self.unsent.remove(batch.place)
            self._telemetry.append(batch)

    def close(self) -> None:
        """There is no link any more: everything waits on disk."""
        self.is_open = False
        for waiting in (self._events, self._telemetry, self.chunk):
            for batch in waiting:
                self.unsent.add(batch.place)
            waiting.clear()

    def next_live(self) -> KeptBatch | None:
        """Take the next batch of the live lane: events before telemetry, each in order."""
        lane = self._events or self._telemetry
        return lane.popleft() if lane else None

    def next_backlog(self) -> KeptBatch | None:
        """Take the oldest batch that is in memory."""
        return self.chunk.popleft() if self.chunk else None

    def refill(self, span: tuple[int, int], found: list[KeptBatch]) -> None:
        """What a read of `span` found is next; the rest of the span is empty when it found less than there is."""
        last = found[-1].place if found else span[1]
        wanted = {batch.place for batch in found for _ in self.unsent.meet(batch.place, batch.place)}
        self.unsent.remove(span[0], last)
        self.chunk.extend(batch for batch in found if batch.place in wanted)

    def hold(self, place: int, until: float) -> None:
        """Keep a place back for a while."""
        self.held[place] = until

    def free_held(self, now: float) -> None:
        """Places whose time has come wait on disk again."""
        for place in [place for place, until in self.held.items() if until <= now]:
            del self.held[place]
            self.unsent.add(place)

    def forget(self, first: int, last: int) -> None:
        """These places need not be sent any more."""
        self.unsent.remove(first, last)
        for place in [place for place in self.held if first <= place <= last]:
            del self.held[place]

    def in_memory(self) -> set[int]:
        """Places that will be sent without asking the disk again."""
        return {batch.place for waiting in (self._events, self._telemetry, self.chunk) for batch in waiting}

    @property
    def is_empty(self) -> bool:
        """Nothing waits, nowhere."""
        return not (self._events or self._telemetry or self.chunk or self.unsent or self.held)

    @property
    def is_idle(self) -> bool:
        """Nothing could be sent now but what was acked before."""
        return not (self._events or self._telemetry or self.chunk or self.unsent)

    @property
    def live_waiting(self) -> int:
        """Length of the live lane."""
        return len(self._events) + len(self._telemetry)
