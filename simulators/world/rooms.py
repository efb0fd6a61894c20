"""Whether somebody sits in a room: during the meetings that people were told to hold there."""

from __future__ import annotations

KEPT = 8


class Room:
    """A pure function of the instant and of the meetings it was given."""

    def __init__(self) -> None:
        self._meetings: list[tuple[int, int]] = []

    def meet(self, from_ms: int, until_ms: int) -> None:
        """People are in the room from ``from_ms`` to ``until_ms``, not included."""
        self._meetings.append((from_ms, until_ms))
        del self._meetings[:-KEPT]

    def end(self, at_ms: int) -> None:
        """Whoever is in the room leaves."""
        self._meetings = [(start, min(end, at_ms)) for start, end in self._meetings if start < at_ms]

    def occupied(self, at_ms: int) -> bool:
        return any(start <= at_ms < end for start, end in self._meetings)
