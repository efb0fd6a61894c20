"""Counters that fall or jump: passed on as they are, marked as uncertain, until the next reading goes on from there.

A counter is what a bill is made of. One wrong reading (a torn value, a meter that restarts, a register of another
model) must not become consumption unseen, and a meter that was changed must not be lost for ever: what the second
reading confirms is believed again. Values are never changed and never left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from protocols.points import VOCABULARY
from protocols.reading import Quality, Reading

FELL, JUMPED = "counter_fell", "counter_jumped"
MOST_KW = 100_000.0
"""What no single meter of a compound measures: 100 MW, of any kind of power."""
LEAST_HOURS = 1.0 / 3600
"""Readings closer together than a second are allowed what a second allows: a meter's counter moves in steps."""
MS_PER_HOUR = 3_600_000
ENERGY_UNITS = frozenset({"kWh", "kvarh", "kVAh"})


class CounterStage:
    """``kinds``: what the profile of a device says a point is, where that is not what the vocabulary says."""

    def __init__(self, kinds: Mapping[tuple[str, str], str] | None = None) -> None:
        self._kinds = dict(kinds or {})
        self._watched: dict[tuple[str, str], bool] = {}
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        changed: list[Reading] | None = None
        watched = self._watched
        for place, reading in enumerate(readings):
            key = (reading.device, reading.point)
            is_counter = watched.get(key)
            if is_counter is None:
                is_counter = watched[key] = self._is_counter(key)
            if not is_counter or reading.value is None:
                continue
            reason = self._look(key, reading.value, reading.observed_at)
            if reason and reading.quality is Quality.GOOD:
                if changed is None:
                    changed = list(readings)
                changed[place] = Reading(
                    reading.device, reading.point, reading.value, reading.observed_at, Quality.UNCERTAIN, reason
                )
        return readings if changed is None else changed

    def _is_counter(self, key: tuple[str, str]) -> bool:
        word = VOCABULARY.get(key[1])
        return word is not None and word.unit in ENERGY_UNITS and self._kinds.get(key, word.kind) == "counter"

    def _look(self, key: tuple[str, str], value: float, at: int) -> str:
        """What is wrong with ``value`` after the last one; either way the next is compared with this one."""
        last = self._last.get(key)
        if last is not None and at < last[1]:
            return ""  # came late: it says nothing about the newest
        self._last[key] = (value, at)
        if last is None:
            return ""
        rise = value - last[0]
        if rise < 0:
            return FELL
        hours = max(LEAST_HOURS, (at - last[1]) / MS_PER_HOUR)
        return JUMPED if rise > MOST_KW * hours else ""
