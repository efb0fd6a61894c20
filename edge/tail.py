"""What is in memory only: readings until the next flush, events until their commit. All of it is bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from protocols.errors import StoreUnavailable
from protocols.reading import Event, Reading

READINGS_EARLY = 10_000
"""So many readings are flushed before their interval is over."""

READINGS_MAX = 60_000
"""While the disk refuses, more readings than this push out the oldest (counted, told in a gap record)."""

EVENTS_MAX = 2_000
EVENTS_PER_COMMIT = 500


@dataclass(slots=True, eq=False)
class WaitingEvent:
    """An event on its way to the disk. Its time is the monotonic clock's while it is not `timed`."""

    event: Event
    timed: bool
    origin: bytes | None
    stored: asyncio.Future[bool]


@dataclass(slots=True)
class Lost:
    """Readings that were pushed out and are not told of yet."""

    readings: int = 0
    from_at: int = 2**62
    to_at: int = 0

    def add(self, other: Lost) -> None:
        self.readings += other.readings
        self.from_at = min(self.from_at, other.from_at)
        self.to_at = max(self.to_at, other.to_at)


@dataclass(slots=True)
class Load:
    """What one commit takes with it."""

    events: list[WaitingEvent] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    untimed: list[Reading] = field(default_factory=list)
    origins: list[bytes] = field(default_factory=list)
    lost: Lost = field(default_factory=Lost)


class Tail:
    """The order of readings is kept; whoever waits for readings to be stored is told when they are."""

    def __init__(self) -> None:
        self._readings: list[Reading] = []
        self._untimed: list[Reading] = []
        self._told: dict[bytes, None] = {}
        self._telling: dict[bytes, None] = {}
        self._events: deque[WaitingEvent] = deque()
        self._origins: dict[bytes, WaitingEvent] = {}
        self._lost = Lost()
        self._handed = 0
        self._settled = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.lost_readings = 0

    def __len__(self) -> int:
        return len(self._readings) + len(self._untimed) + len(self._events)

    @property
    def readings_waiting(self) -> int:
        """Readings that the next flush takes."""
        return len(self._readings) + len(self._untimed)

    @property
    def messages_waiting(self) -> int:
        """Device messages whose readings the next flush takes; the broker waits for their acknowledgement."""
        return len(self._told)

    @property
    def events_waiting(self) -> int:
        """Events that the next commit takes."""
        return len(self._events)

    def add(self, timed: Sequence[Reading], untimed: Sequence[Reading], origin: bytes | None = None) -> None:
        """Take readings, of the device message ``origin`` when they came in one."""
        if origin is not None:
            self._told[origin] = None
        self._readings += timed
        self._untimed += untimed
        self._handed += len(timed) + len(untimed)
        if self.readings_waiting > READINGS_MAX:
            self._trim()

    def add_event(self, event: Event, timed: bool, origin: bytes | None) -> WaitingEvent:
        """Take an event. Raises StoreUnavailable when too many wait already."""
        if len(self._events) >= EVENTS_MAX:
            raise StoreUnavailable(f"{len(self._events)} events wait for the disk; no more are taken")
        waiting = WaitingEvent(event, timed, origin, asyncio.get_running_loop().create_future())
        # Whoever asked may be gone by then; the outcome is theirs to look at, or nobody's.
        waiting.stored.add_done_callback(_look_at)
        self._events.append(waiting)
        if origin is not None:
            self._origins[origin] = waiting
        return waiting

    def waiting_origin(self, origin: bytes) -> WaitingEvent | None:
        """The event of this device message that is not on disk yet."""
        return self._origins.get(origin)

    def holds_readings_of(self, origin: bytes) -> bool:
        """True when readings of this device message wait for the disk."""
        return origin in self._told or origin in self._telling

    def give_time(self, shift_ms: int) -> None:
        """The clock is known now: readings that carry the monotonic clock get their time and go before the others."""
        moved = [
            Reading(r.device, r.point, r.value, r.observed_at + shift_ms, r.quality, r.reason) for r in self._untimed
        ]
        self._readings = moved + self._readings
        self._untimed = []

    def take(self, *, readings: bool) -> Load:
        """What the next commit takes: events always, readings when it is a flush."""
        load = Load(lost=self._lost)
        self._lost = Lost()
        while self._events and len(load.events) < EVENTS_PER_COMMIT:
            load.events.append(self._events.popleft())
        if readings:
            load.readings, self._readings = self._readings, []
            load.untimed, self._untimed = self._untimed, []
            load.origins, self._telling, self._told = list(self._told), self._told, {}
        return load

    def put_back(self, load: Load) -> None:
        """The commit failed: everything waits again, in its order."""
        self._events.extendleft(reversed(load.events))
        self._readings = load.readings + self._readings
        self._untimed = load.untimed + self._untimed
        self._told, self._telling = {**self._telling, **self._told}, {}
        self._lost.add(load.lost)
        self._trim()

    def settle(self, load: Load, refused: Sequence[Event | Reading], error: Exception) -> None:
        """The commit is on disk. `refused` are items it had to leave out; their senders get `error`."""
        left_out = {id(item) for item in refused}
        for waiting in load.events:
            if waiting.origin is not None:
                self._origins.pop(waiting.origin, None)
            if waiting.stored.done():
                continue
            if id(waiting.event) in left_out:
                waiting.stored.set_exception(error)
            else:
                waiting.stored.set_result(True)
        self._telling = {}
        self._settled += len(load.readings) + len(load.untimed)
        while self._waiters and self._waiters[0][0] <= self._settled:
            waiter = self._waiters.popleft()[1]
            if not waiter.done():
                waiter.set_result(None)

    def stored(self) -> asyncio.Future[None] | None:
        """Done when every reading handed in so far is on disk; None when that is so already."""
        if self._settled >= self._handed:
            return None
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._handed, waiter))
        return waiter

    @property
    def is_awaited(self) -> bool:
        """True while somebody waits for readings to be stored."""
        return bool(self._waiters)

    def _trim(self) -> None:
        """Push out the oldest readings above the limit."""
        surplus = self.readings_waiting - READINGS_MAX
        if surplus <= 0:
            return
        # A good part at once: moving the rest up costs time.
        surplus = min(surplus + READINGS_MAX // 20, self.readings_waiting)
        for queue in (self._untimed, self._readings):
            gone = queue[:surplus]
            if gone:
                times = [reading.observed_at for reading in gone] if queue is self._readings else []
                self._lost.add(Lost(len(gone), min(times, default=2**62), max(times, default=0)))
                del queue[: len(gone)]
                surplus -= len(gone)
                self._lose(len(gone))

    def _lose(self, count: int) -> None:
        self.lost_readings += count
        self._settled += count
        while self._waiters and self._waiters[0][0] <= self._settled:
            waiter = self._waiters.popleft()[1]
            if not waiter.done():
                waiter.set_exception(StoreUnavailable("the disk refused for too long; readings were dropped"))
                _look_at(waiter)


def _look_at(future: asyncio.Future[bool] | asyncio.Future[None]) -> None:
    """Count an exception as seen."""
    if not future.cancelled():
        future.exception()
