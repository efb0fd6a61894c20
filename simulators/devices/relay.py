"""One output of an IO module over time: what it was switched to, and what its own clock will do with it."""

from __future__ import annotations

from bisect import bisect_right

KEPT_MAX = 64


class Relay:
    """Switched on and off, or for a time. The time runs in the module: whoever commanded it may be gone by then."""

    def __init__(self, on: bool = False) -> None:
        self._at_ms: list[int] = [-(2**62)]
        self._on: list[bool] = [on]
        self._closings_forgotten = 0

    def on(self, at_ms: int) -> bool:
        """How it stands at an instant."""
        return self._on[bisect_right(self._at_ms, at_ms) - 1]

    def switch(self, on: bool, at_ms: int) -> None:
        """From now on so; a time that was running is forgotten."""
        while self._at_ms[-1] >= at_ms:
            self._at_ms.pop()
            self._on.pop()
        self._append(at_ms, on)

    def pulse(self, on: bool, at_ms: int, for_ms: int) -> None:
        """From now on so, and the opposite when the time is over."""
        self.switch(on, at_ms)
        self._append(at_ms + for_ms, not on)

    def closings(self, at_ms: int) -> int:
        """How often it went on until then."""
        seen = self._closings_forgotten
        for number in range(1, len(self._at_ms)):
            if self._at_ms[number] <= at_ms and self._on[number] and not self._on[number - 1]:
                seen += 1
        return seen

    def _append(self, at_ms: int, on: bool) -> None:
        self._at_ms.append(at_ms)
        self._on.append(on)
        while len(self._at_ms) > KEPT_MAX:
            self._closings_forgotten += self._on[1] and not self._on[0]
            del self._at_ms[0], self._on[0]
