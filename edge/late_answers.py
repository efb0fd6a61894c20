"""Answers that may still come, on lines where nothing ties an answer to its request (RTU).

A late answer fits every request to the same unit with the same function and length. Two things make such a request
safe again: time (an answer is never later than the horizon), and order (a device answers in the order it was asked, so
an answer of another shape shows that the owed one has passed). Both are waited for; where order cannot be shown, only
much more time helps.
"""

from edge.modbus_frames import ReadRequest, Request
from protocols.clock import Clock

HORIZON_TIMEOUTS = 5
"""An answer comes at most this many timeouts after its request, as long as the device answers in order."""
FORGET_S = 30.0
"""After this an answer is not expected even from a device that answered nothing else meanwhile."""


class _Owed:
    """One request whose answer did not come. ``passed``: it cannot come any more, by order."""

    __slots__ = ("asked_at", "passed", "request")

    def __init__(self, request: Request, asked_at: float) -> None:
        self.request, self.asked_at = request, asked_at
        self.passed = False


class LateAnswers:
    """What the units of one line owe."""

    def __init__(self, timeout_s: float, clock: Clock) -> None:
        self._horizon_s = HORIZON_TIMEOUTS * timeout_s
        self._clock = clock
        self._owed: dict[int, list[_Owed]] = {}

    def owe(self, request: Request) -> None:
        """No answer came to ``request``."""
        self._alive(request.unit)
        self._owed.setdefault(request.unit, []).append(_Owed(request, self._clock.monotonic()))

    def answered(self, request: Request) -> None:
        """An answer came that fits ``request``; when no late one would have fitted, all earlier ones have passed."""
        owed = self._alive(request.unit)
        if owed and not any(_same_shape(each.request, request) for each in owed):
            for each in owed:
                each.passed = True

    def unresolved(self, unit: int) -> bool:
        """True while an owed answer is not known to have passed."""
        return any(not each.passed for each in self._alive(unit))

    def fits(self, request: Request) -> bool:
        """True when an owed answer has the shape of an answer to ``request``."""
        return any(_same_shape(each.request, request) for each in self._alive(request.unit))

    def unsafe_until(self, request: ReadRequest) -> float:
        """Monotonic time before which an owed answer of other registers would pass for this one's; 0: safe now."""
        return max(
            (
                self._until(each)
                for each in self._alive(request.unit)
                if _same_shape(each.request, request) and each.request != request
            ),
            default=0.0,
        )

    def refusal_is_doubtful(self, request: Request) -> bool:
        """True when an exception could be the late answer to another request: its frame says only the function."""
        return any(
            each.request.function == request.function and each.request != request for each in self._alive(request.unit)
        )

    def _until(self, owed: _Owed) -> float:
        return owed.asked_at + (self._horizon_s if owed.passed else max(self._horizon_s, FORGET_S))

    def _alive(self, unit: int) -> list[_Owed]:
        owed = self._owed.get(unit)
        if not owed:
            return []
        now = self._clock.monotonic()
        alive = [each for each in owed if self._until(each) > now]
        if alive:
            self._owed[unit] = alive
        else:
            del self._owed[unit]
        return alive


def _same_shape(one: Request, other: Request) -> bool:
    return one.answer_head == other.answer_head and one.answer_pdu_bytes == other.answer_pdu_bytes
