"""The queue between the pipeline and a module that passes readings on: bounded, and never waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from protocols.reading import Reading

FEED_MAX = 20_000


class Feed:
    """When it is full the oldest readings go; ``dropped`` counts them."""

    def __init__(self, size: int = FEED_MAX) -> None:
        self._waiting: deque[Reading] = deque(maxlen=size)
        self._size = size
        self._arrived = asyncio.Event()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, readings: Sequence[Reading]) -> None:
        """Take readings; a copy of references, and nothing that can fail or wait."""
        surplus = len(self._waiting) + len(readings) - self._size
        if surplus > 0:
            self.dropped += surplus
        self._waiting.extend(readings)
        self._arrived.set()

    async def get(self, most: int) -> list[Reading]:
        """Wait for readings; at most so many, the oldest first. One reader only."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
