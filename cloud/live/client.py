"""One open stream: what waits to be sent to it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from cloud.live.frames import Frame

QUEUE_FRAMES = 256
QUEUE_BYTES = 4 * 1024 * 1024
TOGETHER_BYTES = 64 * 1024


@dataclass(slots=True, eq=False)
class Client:
    """``lagging`` is why it must be sent everything instead of what waits. ``packed``: it reads gzip."""

    credential: str
    owner: str = ""
    packed: bool = False
    frames: deque[Frame] = field(default_factory=deque)
    queued_bytes: int = 0
    """Of what waits since it began to listen."""
    lagging: str | None = None
    closed: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    taken_at: float | None = None
    """When it was given what is being sent to it."""

    def put(self, frame: Frame) -> None:
        """One more frame; one too many, and it is too slow."""
        if self.lagging is not None:
            return
        if len(self.frames) >= QUEUE_FRAMES or self.queued_bytes > QUEUE_BYTES:
            self.drop("slow")
            return
        self.frames.append(frame)
        self.queued_bytes += len(frame.plain)
        self.ready.set()

    def drop(self, reason: str) -> None:
        """What waits is worth nothing."""
        self.frames.clear()
        self.queued_bytes = 0
        self.lagging = self.lagging or reason
        self.ready.set()

    def begin(self, frames: list[Frame]) -> None:
        """It is told everything by these."""
        self.frames = deque(frames)
        self.queued_bytes = 0
        self.lagging = None

    def next(self) -> bytes:
        """What to send: small frames together, a large one as it is. Only when frames wait."""
        first = self.frames.popleft()
        size = len(first.plain)
        parts = [first.of(packed=self.packed)]
        while self.frames and size + len(self.frames[0].plain) <= TOGETHER_BYTES:
            frame = self.frames.popleft()
            size += len(frame.plain)
            parts.append(frame.of(packed=self.packed))
        self.queued_bytes = max(0, self.queued_bytes - size) if self.frames else 0
        return parts[0] if len(parts) == 1 else b"".join(parts)
