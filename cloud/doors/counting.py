"""How many get through a door and how long it takes: counted by the hour, so that any period can be asked for.

Seconds per person, two ways, each with how many were measured:

- *queue*: the median time between consecutive people who are let in while people stand in a queue. A queue is three or
  more people who follow each other within 30 s; outside of queues the time between two people says how often somebody
  comes, and nothing about the gate. It is what a person in the queue waits for each one in front.
- *passage*: the median time from the first tap of a card (or the button) until the door has closed behind the person
  and is ready for the next. Only for doors whose contact is known. Those who are let in while the door stands open
  already, or that is held open, are counted but not timed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cloud.places.chronicle import Entry

HOUR_MS = 3_600_000
STEP_MS = 100
LONGEST_MS = 600_000
QUEUE_MIN = 5
"""With fewer gaps the passage is shown instead."""


class HourCount(msgspec.Struct, kw_only=True):
    """One hour at one door. The keys of ``through`` and ``gaps`` are tenths of a second."""

    passed: int = 0
    denied: int = 0
    held: int = 0
    forced: int = 0
    through: dict[int, int] = {}
    gaps: dict[int, int] = {}


Hours = dict[int, HourCount]
"""By the first instant of the hour, ms."""


class Measured(NamedTuple):
    """A median in seconds (None of nothing) and of how many."""

    seconds: float | None
    n: int


def count(hours: Hours, entries: Iterable[Entry]) -> None:
    """Add what happened to the hours it happened in."""
    for entry in entries:
        hour = hours.setdefault(entry.at - entry.at % HOUR_MS, HourCount())
        match entry.kind:
            case "passed":
                hour.passed += 1
                _put(hour.through, entry.facts["through_ms"])
            case "queue_gap":
                _put(hour.gaps, entry.facts["ms"])
            case "door_denied":
                hour.denied += 1
            case "door_state" if entry.facts["state"] == "held":
                hour.held += 1
            case "door_state" if entry.facts["state"] == "forced":
                hour.forced += 1
            case _:
                pass


def total(hours: Iterable[HourCount]) -> HourCount:
    """All of them as one."""
    through: Counter[int] = Counter()
    gaps: Counter[int] = Counter()
    sums = [0, 0, 0, 0]
    for hour in hours:
        through.update(hour.through)
        gaps.update(hour.gaps)
        sums = [a + b for a, b in zip(sums, (hour.passed, hour.denied, hour.held, hour.forced), strict=True)]
    passed, denied, held, forced = sums
    return HourCount(passed=passed, denied=denied, held=held, forced=forced, through=dict(through), gaps=dict(gaps))


def median(counts: Mapping[int, int]) -> Measured:
    """The lower median of values that were counted in tenths of a second."""
    n = sum(counts.values())
    seen = 0
    for tenths in sorted(counts):
        seen += counts[tenths]
        if seen * 2 >= n:
            return Measured(tenths / 10, n)
    return Measured(None, 0)


def throughput(counts: HourCount) -> tuple[Measured, str]:
    """Seconds per person and how they were measured: ``queue``, ``passage``, or empty."""
    queue, passage = median(counts.gaps), median(counts.through)
    if queue.n >= QUEUE_MIN or (queue.n and not passage.n):
        return queue, "queue"
    return passage, "passage" if passage.n else ""


def throughput_of(entries: Sequence[Entry]) -> Measured:
    """As ``throughput``, of a short time and without counting everything else."""
    gaps = sorted(ms for entry in entries if entry.kind == "queue_gap" and isinstance(ms := entry.facts["ms"], int))
    through = sorted(
        ms
        for entry in entries
        if entry.kind == "passed" and isinstance(ms := entry.facts["through_ms"], int) and ms <= LONGEST_MS
    )
    chosen = gaps if len(gaps) >= QUEUE_MIN or not through else through
    if not chosen:
        return Measured(None, 0)
    return Measured(round(chosen[(len(chosen) - 1) // 2] / STEP_MS) / 10, len(chosen))


def _put(counts: dict[int, int], ms: object) -> None:
    if isinstance(ms, int) and 0 <= ms <= LONGEST_MS:
        tenths = round(ms / STEP_MS)
        counts[tenths] = counts.get(tenths, 0) + 1
