"""Readings that a Sparkplug host has not had, or has perhaps not had, until they can be sent as historical.

Sparkplug sends without acknowledgement: what was on its way when a connection or the host went away may be lost. So
what was sent lately is remembered, and comes back when the session ends. The host may get such a reading twice, with
the same time and the same value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from protocols.reading import Reading

UNSURE_S = 120.0
"""A broker may need one and a half keep-alives to see that a host is gone, and hosts set them to a minute."""


class Hold:
    """At most ``size`` readings, of all devices together; beyond that the device with the most loses its oldest."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._of: dict[str, deque[Reading]] = {}
        self._count = 0
        self._unsure: deque[tuple[float, Sequence[Reading]]] = deque()
        self._unsure_count = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._count

    def add(self, readings: Iterable[Reading]) -> None:
        """Keep readings that are newer than those held."""
        for reading in readings:
            self._of.setdefault(reading.device, deque()).append(reading)
            self._count += 1
        self._trim()

    def take(self, devices: Iterable[str], most: int) -> list[Reading]:
        """The oldest of one of these devices, and no longer held; [] when none of theirs is."""
        for device in devices:
            waiting = self._of.get(device)
            if waiting:
                taken = [waiting.popleft() for _ in range(min(most, len(waiting)))]
                self._count -= len(taken)
                return taken
        return []

    def sent(self, readings: Sequence[Reading], now: float) -> None:
        """These were handed to the broker; monotonic time."""
        self._unsure.append((now, readings))
        self._unsure_count += len(readings)
        while self._unsure and (now - self._unsure[0][0] > UNSURE_S or self._unsure_count > self._size):
            self._unsure_count -= len(self._unsure.popleft()[1])

    def doubt(self, now: float) -> None:
        """The session ended: what was sent lately waits again, before what came after it."""
        while self._unsure:
            at, readings = self._unsure.pop()
            if now - at <= UNSURE_S:
                self.put_back(readings)
        self._unsure_count = 0

    def put_back(self, readings: Sequence[Reading]) -> None:
        """Keep readings that are older than those held."""
        for reading in reversed(readings):
            self._of.setdefault(reading.device, deque()).appendleft(reading)
        self._count += len(readings)
        self._trim()

    def _trim(self) -> None:
        while self._count > self._size:
            most = max(self._of.values(), key=len)
            most.popleft()
            self._count -= 1
            self.dropped += 1
