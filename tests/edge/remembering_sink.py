"""A sink that remembers what it was given, and can hold back or refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from protocols.errors import StoreUnavailable
from protocols.reading import Event, Reading


class RememberingSink:
    """``open`` clear: commits of readings wait. ``broken``: every commit fails. The order of calls is in ``calls``."""

    def __init__(self) -> None:
        self.taken: list[Reading] = []
        self.stored: list[Event] = []
        self.origins: set[bytes] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.events_open = asyncio.Event()
        self.events_open.set()
        self.broken = False
        self.commits = 0

    async def readings(
        self, readings: Sequence[Reading], *, origin: bytes | None = None, redelivered: bool = False
    ) -> None:
        if redelivered and origin in self.origins:
            return
        if origin is not None:
            self.origins.add(origin)
        self.taken += readings

    async def event(self, event: Event, *, origin: bytes | None = None, redelivered: bool = False) -> bool:
        await self.events_open.wait()
        if self.broken:
            raise StoreUnavailable("disk full")
        if redelivered and origin in self.origins:
            return False
        if origin is not None:
            self.origins.add(origin)
        self.stored.append(event)
        return True

    async def committed(self) -> None:
        await self.open.wait()
        if self.broken:
            raise StoreUnavailable("disk full")
        self.commits += 1
