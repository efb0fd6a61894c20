"""A wire in memory: what a `Bus` opens in place of a port or a connection, in real or virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge.modbus_wire import Arrivals
from protocols.clock import Clock
from protocols.errors import WireLost


class MemoryLink(Arrivals):
    """One end; ``carried`` gets every frame sent, when its last character is through.

    char_s: time of a character on the wire, in both directions; answers arrive whole, at the end of their time. Two
    senders at once are not mixed up: the later one waits. While ``present`` is False there is no port.
    """

    def __init__(self, clock: Clock, char_s: float, carried: Callable[[bytes], None]) -> None:
        super().__init__(clock)
        self._char_s, self._carried = char_s, carried
        self._open = False
        self._free_at = 0.0
        self.present = True
        self.opened = 0
        self.busy_s = 0.0
        """How long characters were on the wire."""

    @property
    def is_open(self) -> bool:
        return self._open

    async def open(self) -> None:
        if not self.present:
            raise WireLost("memory: no such port")
        self._open = True
        self.opened += 1
        self.buffer.clear()

    def close(self) -> None:
        self._open = False

    def drop(self) -> None:
        """The other side, or somebody's hand, ends it."""
        self._open = False
        self.ended()

    def send(self, frame: bytes) -> None:
        if not self._open:
            raise WireLost("memory: not open")
        self._after(len(frame), lambda: self._carried(frame))

    def receive(self, frame: bytes) -> None:
        """Bytes from the other end."""
        self._after(len(frame), lambda: self._arrive(frame))

    async def more(self, deadline: float) -> bool:
        return await self.wait(deadline) if self._open else False

    def _arrive(self, frame: bytes) -> None:
        if self._open:
            self.arrived(frame)

    def _after(self, characters: int, then: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        seconds = characters * self._char_s
        self.busy_s += seconds
        self._free_at = max(loop.time(), self._free_at) + seconds
        loop.call_at(self._free_at, then)
