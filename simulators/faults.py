"""How a simulated device or line misbehaves, for as long as somebody asks it to."""

from __future__ import annotations

import difflib
from typing import NamedTuple

SILENT = "silent"
SLOW = "slow"
LATE = "late"
WRONG = "wrong"
NOISE = "noise"
WRONG_UNIT = "wrong_unit"
REFUSING = "refusing"
GATEWAY_SILENT = "gateway_silent"
CLOSING = "closing"
FLAPPING = "flapping"
STUCK = "stuck"
COUNTER_RESET = "counter_reset"
COUNTER_ROLLOVER = "counter_rollover"

MEANINGS = {
    SILENT: "no answer at all",
    SLOW: "the answer comes DELAY later",
    LATE: "the answer is held until the next request, and goes out in front of that one's",
    WRONG: "every answer is garbled: a bad checksum on a line, another transaction's number on TCP",
    NOISE: "a frame is hit: bits flipped, checksum wrong, cut off, or stray bytes glued to it",
    WRONG_UNIT: "the answer carries another unit id",
    REFUSING: "exception CODE instead of an answer",
    GATEWAY_SILENT: "exception 0x0B, as a gateway says that the device behind it does not answer",
    CLOSING: "the connection is closed in place of an answer (on a serial line: no answer)",
    FLAPPING: "the line goes away for DELAY and comes back for DELAY: port closed, path gone",
    STUCK: "every value stays as it is",
    COUNTER_RESET: "every counter starts again from zero, and stays so",
    COUNTER_ROLLOVER: "every counter runs over the end of its width DELAY after the fault begins",
}
"""What a Modbus device can be made to do, in words for people."""
KINDS = tuple(MEANINGS)
LINE_ONLY = frozenset({FLAPPING})
METER_ONLY = frozenset({COUNTER_RESET, COUNTER_ROLLOVER})
OTHER_NAMES = {"dead": SILENT, "garbled": WRONG, "exception": REFUSING}


class Fault(NamedTuple):
    """One way to misbehave: see `MEANINGS`. ``share``: of the answers that are hit; the others are as they should be.

    ``offset_s``: how wrong the clock of a device that tells the time is.
    """

    kind: str = ""
    delay_s: float = 0.0
    code: int = 4
    share: float = 1.0
    offset_s: float = 0.0


NO_FAULT = Fault()


def kind_of(name: str) -> str | None:
    """The kind that a person means by ``name``, or None."""
    wanted = OTHER_NAMES.get(name.replace("-", "_"), name.replace("-", "_"))
    return wanted if wanted in KINDS else None


def nearest(name: str) -> str:
    """What to tell somebody whose ``name`` is no kind of fault."""
    close = difflib.get_close_matches(name, (*KINDS, *OTHER_NAMES), 1, 0.5)
    return f"did you mean {close[0]!r}? " if close else ""
