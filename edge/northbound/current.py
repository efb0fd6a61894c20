"""The current value of every point of the site, and when it stops being one."""

from __future__ import annotations

from collections.abc import Iterator

from protocols.birth import Birth
from protocols.clock import MS_PER_S, Clock
from protocols.reading import Reading

Key = tuple[str, str]
"""Device and point."""

AHEAD_MS = 2_000
"""A reading that lies further in the future was stamped by a clock that has been put back since."""


class _Held:
    __slots__ = ("limit_s", "reading", "stale_told", "true_at")

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.reading: Reading | None = None
        self.true_at = 0.0
        self.stale_told = True


class Current:
    """Bounded by the points that the site file names; a reading of any other is nobody's."""

    def __init__(self, birth: Birth, clock: Clock) -> None:
        self._clock = clock
        self._held = {
            (device.id, point.name): _Held(point.stale_after_s) for device in birth.devices for point in device.points
        }

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def take(self, reading: Reading) -> bool:
        """True when the reading is of now: newer than what was known, and not older than its point's limit.

        False: it comes late (a tracker sends what it kept), and changes nothing here. KeyError for unknown points.
        """
        held = self._held[(reading.device, reading.point)]
        now_ms = self._clock.now_ms()
        age_s = max(0, now_ms - reading.observed_at) / MS_PER_S
        if held.limit_s and age_s > held.limit_s:
            return False
        known = held.reading
        if known is not None and reading.observed_at < known.observed_at <= now_ms + AHEAD_MS:
            return False
        held.reading, held.true_at, held.stale_told = reading, self._clock.monotonic() - age_s, False
        return True

    def fresh(self, key: Key) -> Reading | None:
        """The reading that is current; None when there is none, or it is stale. It may be bad."""
        held = self._held[key]
        return None if held.reading is None or self._is_stale(held) else held.reading

    def gone_stale(self) -> Iterator[Key]:
        """The points whose value went stale since the last call."""
        for key, held in self._held.items():
            if not held.stale_told and self._is_stale(held):
                held.stale_told = True
                yield key

    def _is_stale(self, held: _Held) -> bool:
        return bool(held.limit_s) and self._clock.monotonic() - held.true_at > held.limit_s
