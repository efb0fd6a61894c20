"""Time. The only file that reads a clock or sleeps; everything else is given a :class:`Clock`."""

import asyncio
import heapq
import time
from typing import Protocol

TRUST_FLOOR_MS = 1_790_000_000_000
"""2026-09-21: no machine that runs this code can honestly be earlier. A wall clock below it was never set."""

MS_PER_S = 1000


class Clock(Protocol):
    """Wall time for what is written down, monotonic time for everything that waits."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC by the wall clock. May step in either direction."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of monotonic time. Zero or less still lets other tasks run."""
        ...

    async def sleep_until(self, deadline: float) -> None:
        """Return when :meth:`monotonic` has reached ``deadline``."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_until(self, deadline: float) -> None:
        await asyncio.sleep(max(0.0, deadline - time.monotonic()))


class ManualClock:
    """A clock that a test moves. Sleepers wake in the order of their deadlines."""

    def __init__(self, start_ms: int = TRUST_FLOOR_MS + 86_400_000, monotonic: float = 1000.0) -> None:
        self._wall_ms = float(start_ms)
        self._monotonic = monotonic
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = 0

    def now_ms(self) -> int:
        return int(self._wall_ms)

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self._monotonic + seconds)

    async def sleep_until(self, deadline: float) -> None:
        if deadline <= self._monotonic:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (deadline, self._order, future))
        await future

    def step(self, ms: int) -> None:
        """Move only the wall clock, as a time sync does."""
        self._wall_ms += ms

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass: both clocks move, each sleeper wakes at its own deadline."""
        end = self._monotonic + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            deadline, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._move_to(deadline)
            future.set_result(None)
            await _settle()
        self._move_to(end)
        await _settle()

    def _move_to(self, monotonic: float) -> None:
        if monotonic > self._monotonic:
            self._wall_ms += (monotonic - self._monotonic) * MS_PER_S
            self._monotonic = monotonic


async def _settle(turns: int = 20) -> None:
    """Give tasks that were just woken the loop turns they need before time moves on."""
    for _ in range(turns):
        await asyncio.sleep(0)
