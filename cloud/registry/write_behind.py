"""Rows that wait to be written: who hands one over waits for nothing, a disk that takes nothing stops nobody."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

RETRY_S = 5.0

Row = TypeVar("Row")


class WriteBehind(Generic[Row]):
    """Written together, in the order in which they came. ``most`` may wait; beyond it the oldest are dropped, counted
    and logged. ``what`` names them in the log."""

    def __init__(
        self,
        write: Callable[[Sequence[Row]], Awaitable[None]],
        clock: Clock,
        *,
        every_s: float,
        most: int,
        what: str,
    ) -> None:
        self.dropped = 0
        """Rows that were never written."""
        self._write, self._clock, self._every_s, self._most, self._what = write, clock, every_s, most, what
        self._waiting: deque[Row] = deque()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()

    def add(self, row: Row) -> None:
        """Write it down soon; never blocks, never raises."""
        if len(self._waiting) >= self._most:
            self._waiting.popleft()
            self.dropped += 1
            if self.dropped % 1_000 == 1:
                log.error("the disk takes no %s: %d are lost", self._what, self.dropped)
        self._waiting.append(row)
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled. Survives a disk that takes nothing."""
        while True:
            await self._wake.wait()
            await self._clock.sleep(self._every_s)
            try:
                await self.flush()
            except StoreUnavailable as error:
                log.warning("%d %s wait to be written: %s", len(self._waiting), self._what, error)
                await self._clock.sleep(RETRY_S)

    async def flush(self) -> None:
        """Write what waits. Raises StoreUnavailable, and then it still waits."""
        async with self._writing:
            self._wake.clear()
            taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not taken:
                return
            try:
                await self._write(taken)
            except StoreUnavailable:
                self._waiting.extendleft(reversed(taken))
                self._wake.set()
                raise
