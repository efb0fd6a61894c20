"""Whoever drives a vehicle or walks: where it is by what it was told, and until then by its timetable."""

from __future__ import annotations

import bisect
from collections.abc import Callable

from simulators.sample_site import Spot
from simulators.world.routes import WALK_STEP_MS, Drive, Fix, drive, fix_between
from simulators.world.streets import route

KEPT = 12
"""Ways that are remembered: a device may still be asked where it was a moment ago."""


class Driver:
    """Its place is a pure function of the instant and of what it was told to do.

    ``place_at``: where it is until it is first told to go somewhere (ms of the clock). A way that is begun before the
    last one ended starts where it is by then.
    """

    def __init__(self, place_at: Callable[[int], Spot], home: Spot, *, walking: bool = False) -> None:
        self.home = home
        self._by_timetable, self._walking = place_at, walking
        self._starts: list[int] = []
        self._drives: list[Drive] = []

    def go(self, at_ms: int, to: Spot, *, gate: int = 0, pace: float = 1.0) -> int:
        """Leave at ``at_ms`` for a place; the instant of arrival. Raises ValueError before a way that was begun."""
        if self._starts and at_ms < self._starts[-1]:
            raise ValueError("a way cannot begin before the one that was begun last")
        way = drive(route(self.place_at(at_ms), to, gate), pace=pace, walking=self._walking)
        self._starts.append(at_ms)
        self._drives.append(way)
        del self._starts[:-KEPT], self._drives[:-KEPT]
        return at_ms + way.lasts_ms

    def place_at(self, at_ms: int) -> Spot:
        number = bisect.bisect_right(self._starts, at_ms) - 1
        if number >= 0:
            return self._drives[number].place(at_ms - self._starts[number])
        return self._drives[0].corners[0] if self._drives else self._by_timetable(at_ms)

    def fix_at(self, at_ms: int) -> Fix:
        return fix_between(self.place_at(at_ms), self.place_at(at_ms + WALK_STEP_MS))
