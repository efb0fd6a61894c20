"""Decisions on their way to the buffer. The door has opened by then; a disk that takes nothing holds up no door."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from edge.contract import Sink
from protocols.clock import Clock
from protocols.errors import BadPayload, StoreUnavailable
from protocols.events import GATEWAY_DEVICE
from protocols.reading import Event, Scalar

log = logging.getLogger(__name__)

WAITING_MAX = 5_000
"""Decisions in memory while the disk takes none; beyond it the oldest go, counted and told in a gap record."""
AT_ONCE = 64
AGAIN_S = 1.0


class Records:
    """`add` never waits; `run` puts on disk, in order of the decisions as far as they go into different commits."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink, self._clock = sink, clock
        self._waiting: deque[Event] = deque()
        self._wake, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._lost = 0
        self._lost_from = self._lost_to = 0
        self.error = ""
        """Why decisions are in memory only; empty when they are not."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: Event) -> None:
        """Take an event that is to be on disk."""
        if len(self._waiting) >= WAITING_MAX:
            gone = self._waiting.popleft()
            self._lost_from = self._lost_from or gone.at
            self._lost, self._lost_to = self._lost + 1, gone.at
        self._waiting.append(event)
        self._idle.clear()
        self._wake.set()

    async def drained(self) -> None:
        """Return when everything is on disk."""
        await self._idle.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            if not self._waiting:
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
            batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            if self._lost:
                batch.insert(0, self._gap())
            while batch:
                batch = await self._store(batch)
                if batch:
                    await self._clock.sleep(AGAIN_S)

    def _gap(self) -> Event:
        data: dict[str, Scalar] = {"reason": "disk_refused", "events": self._lost}
        data |= {"from_at": self._lost_from, "to_at": self._lost_to}
        self._lost = self._lost_from = 0
        return Event(GATEWAY_DEVICE, "gap", self._clock.now_ms(), data)

    async def _store(self, batch: list[Event]) -> list[Event]:
        """What the disk did not take."""
        results = await asyncio.gather(*map(self._sink.event, batch), return_exceptions=True)
        left: list[Event] = []
        error = ""
        for event, result in zip(batch, results, strict=True):
            if isinstance(result, StoreUnavailable):
                left.append(event)
                error = str(result)
            elif isinstance(result, BadPayload):
                log.error("event %s of %s is refused: %s", event.kind, event.device, result)
            elif isinstance(result, BaseException):
                raise result
        if error and not self.error:
            log.warning("decisions of doors are in memory only: %s", error)
        self.error = error
        return left
