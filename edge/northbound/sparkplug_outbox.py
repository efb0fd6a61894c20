"""What a Sparkplug node has to say: readings sorted into those of now, those that come late, and those that wait.

Report by exception: a reading that repeats the value and quality before it is not passed on. The exception to that is
the first one after its point was told as stale.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from edge.northbound.current import Current, Key
from edge.northbound.hold import Hold
from protocols.reading import Quality, Reading

LIVE_MAX = 20_000
"""Live readings that the broker takes too slowly; beyond, they are held and sent as historical."""


class Said(NamedTuple):
    """A reading on its way. is_historical: not of now; it must not change what a host shows."""

    reading: Reading
    is_historical: bool


class Outbox:
    """`sort` takes what leaves the pipeline; while `is_born`, what is of now waits in `live`, else all in `hold`."""

    def __init__(self, current: Current, hold: Hold, time_is_known: Callable[[], bool]) -> None:
        self._current = current
        self._time_is_known = time_is_known
        self.hold = hold
        self.live: deque[Said] = deque()
        self.is_born = False
        self.dropped: Counter[str] = Counter()
        self.unchanged = 0
        self._said: dict[Key, tuple[float | None, Quality, str]] = {}
        self._in_birth: dict[Key, int] = {}

    def sort(self, readings: Iterable[Reading]) -> None:
        """Take readings in the order of the pipeline."""
        if not self._time_is_known():
            self.dropped["untimed"] += sum(1 for _ in readings)
            return
        for reading in readings:
            key = (reading.device, reading.point)
            if key not in self._current:
                self.dropped["unknown_point"] += 1
                continue
            is_now = self._current.take(reading)
            if is_now:
                said = (reading.value, reading.quality, reading.reason)
                if self._said.get(key) == said:
                    self.unchanged += 1
                    continue
                self._said[key] = said
            if self.is_born and len(self.live) < LIVE_MAX:
                self.live.append(Said(reading, not is_now))
            else:
                self.hold.add((reading,))

    def next_live(self, most: int) -> list[Said]:
        """The oldest live readings of one device, in the order of their times."""
        live = self.live
        found: list[Said] = []
        while live and len(found) < most and (not found or live[0].reading.device == found[0].reading.device):
            found.append(live.popleft())
        return self._beside_birth(found)

    def next_held(self, devices: Iterable[str], most: int) -> list[Said] | None:
        """The oldest readings that waited, of one of these devices; None when none do."""
        taken = self.hold.take(devices, most)
        return self._beside_birth([Said(reading, True) for reading in taken]) if taken else None

    def _beside_birth(self, found: Iterable[Said]) -> list[Said]:
        """What the births of this session said already is left out; what is older than they are is of the past."""
        said: list[Said] = []
        for each in found:
            at = each.reading.observed_at
            born_at = self._in_birth.get((each.reading.device, each.reading.point))
            if born_at is None or at > born_at:
                said.append(each)
            elif at < born_at:
                said.append(Said(each.reading, True))
        return sorted(said, key=lambda each: each.reading.observed_at)

    def told_in_birth(self, device: str, points: Iterable[str]) -> None:
        """A DBIRTH has just said these points as they are."""
        for point in points:
            key = (device, point)
            known = self._current.fresh(key)
            if known is None:
                self._said.pop(key, None)
                self._in_birth.pop(key, None)
            else:
                self._in_birth[key] = known.observed_at

    def told_stale(self, keys: Iterable[Key]) -> None:
        """These points have just been told as stale: their next reading is news."""
        for key in keys:
            self._said.pop(key, None)

    def end_session(self, now: float) -> None:
        """Nobody listens: what was live, or sent lately, waits."""
        self.is_born = False
        self._in_birth.clear()
        live = [each.reading for each in self.live]
        self.live.clear()
        self.hold.doubt(now)
        self.hold.add(live)
