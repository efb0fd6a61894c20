"""How much of the last minute a line was in use."""

from collections import deque


class BusyShare:
    """Adds up the seconds in use, in slots of ten."""

    _SLOT_S = 10.0
    _SLOTS = 6

    def __init__(self, now: float) -> None:
        self._start = now
        self._slots: deque[tuple[float, float]] = deque(maxlen=self._SLOTS + 1)

    def add(self, started: float, ended: float) -> None:
        slot = ended // self._SLOT_S
        if self._slots and self._slots[-1][0] == slot:
            self._slots[-1] = (slot, self._slots[-1][1] + ended - started)
        else:
            self._slots.append((slot, ended - started))

    def share(self, now: float) -> float:
        oldest = now // self._SLOT_S - self._SLOTS
        used = sum(seconds for slot, seconds in self._slots if slot > oldest)
        span = min(now - self._start, now - (oldest + 1) * self._SLOT_S)
        return min(1.0, used / span) if span > 0 else 0.0
