"""What goes wrong on a simulated day, drawn from its seed: a list of steps, each at its second of the day.

Each seed draws which kinds of faults it has at all, so that some days are full of one thing and others of everything.
Every fault that lasts has a step that ends it; after `faults_end_s` nothing goes wrong any more.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

HOUR_S = 3600.0
FAULTS_BEGIN_S = 0.2 * HOUR_S
CALM_S = 0.75 * HOUR_S
"""At the end of the day nothing goes wrong any more, and in the last part of that nothing new is made."""
REST_S = 0.25 * HOUR_S

BEFORE_S, AFTER_S = 20.0, 120.0
"""So long before and after each step of the plan the day is lively; what runs on for hours meets nothing new."""
PRESSES_NEAR = 0.5
"""Share of the presses that fall into lively spells."""

GATEWAY_PLACES = (
    "before_commit", "after_commit", "mid_delete", "after_publish", "before_ack", "after_ack", "after_birth",
    "before_checkpoint",
)  # fmt: skip
COLLECTOR_PLACES = ("before_commit", "after_commit", "before_ack", "after_ack")

KINDS = {
    "kill": 6,
    "kill_at": 8,
    "kill_both": 2,
    "reboot": 3,
    "stop": 2,
    "broker": 4,
    "cut": 8,
    "silent": 4,
    "blocked": 3,
    "slow": 3,
    "ack_lost": 4,
    "ack_late": 4,
    "up_lost": 3,
    "doubled": 3,
    "disk_refuses": 3,
    "slow_disk": 3,
    "store_refuses": 3,
    "store_refuses_work": 1,
    "clock": 3,
    "collector_clock": 1,
    "outage": 1,
}
"""Kind of fault -> how often, against the others."""

CERTAIN = (
    *(("kill_at", "gateway", f"{place}:1") for place in ("before_commit", "mid_delete", "after_commit", "after_ack")),
    *(("kill_at", "collector", f"{place}:1") for place in ("before_commit", "after_commit", "before_ack")),
    *(("broker", "", memory) for memory in ("nothing", "old", "all")),
    ("ack_lost", "", 1.0), ("ack_late", "", 300.0), ("up_lost", "", 1.0), ("disk_refuses", "", 1.0),
    ("store_refuses", "", 1.0), ("silent", "gateway", 0.0), ("reboot", "gateway", -1e9), ("cut", "collector", 0.0),
)  # fmt: skip
CERTAIN_PER_DAY = 3
"""Of these, in turn from seed to seed, so that a dozen days have met each."""

FORWARD_SHARE = 1 / 8
"""Of the day. A wall clock that was ahead is believed, and after a restart the right one is not until it has caught up:
so the clock is not set forward in the last quarter of the day."""


SMALL_EVERY = 8
SMALL_BYTES, SMALL_METERS = 64 * 1024, 20
"""A buffer that a long outage fills, and meters enough to do it."""
POLL_S = 60.0
POLL_QUIET_S, POLL_SMALL_S = 900.0, 150.0
"""At most so long between two readings outside lively spells; the second with a small buffer."""


class Step(NamedTuple):
    at_s: float
    what: str
    who: str = ""
    value: float | str = 0.0
    """How strong, how long it stays away, or which fail-point."""


class Plan(NamedTuple):
    seed: int
    faults_end_s: float
    ends_s: float
    max_bytes: int
    meters: int
    poll_quiet_s: float
    presses: list[float]
    steps: list[Step]
    lively: list[tuple[float, float]]
    """Spells in which readings come fast and timers look around often; apart, in order."""

    def poll_s(self, at_s: float) -> float:
        """How long it is from then until the meters are read again."""
        lively_in_s = next((begin - at_s for begin, end in self.lively if at_s < end), math.inf)
        return max(POLL_S, min(self.poll_quiet_s, lively_in_s))


def plan(seed: int, hours: float = 24.0) -> Plan:
    """The day of a seed, or a shorter one."""
    rng = random.Random(seed)
    ends_s = hours * HOUR_S
    faults_end_s = ends_s - CALM_S
    kinds = [kind for kind in KINDS if rng.random() < 0.6] or ["kill"]
    weights = [KINDS[kind] for kind in kinds]
    steps: list[Step] = []
    for _ in range(rng.randint(10, 90)):
        at_s = rng.uniform(FAULTS_BEGIN_S, faults_end_s)
        steps += _fault(rng, rng.choices(kinds, weights)[0], at_s, faults_end_s)
    for place in range(CERTAIN_PER_DAY * seed, CERTAIN_PER_DAY * (seed + 1)):
        steps += _certain(rng, *CERTAIN[place % len(CERTAIN)], faults_end_s)
    small = seed % SMALL_EVERY == 0 or rng.random() < 0.1
    if small:
        steps += _outage(rng, "gateway", rng.uniform(FAULTS_BEGIN_S, 0.5 * faults_end_s), faults_end_s)
    steps.sort()
    lively = _lively(steps, faults_end_s, ends_s)
    presses = sorted(_press(rng, steps, ends_s - REST_S) for _ in range(rng.randint(30, 150)))
    max_bytes, meters, quiet_s = (SMALL_BYTES, SMALL_METERS, POLL_SMALL_S) if small else (64 << 20, 2, POLL_QUIET_S)
    return Plan(seed, faults_end_s, ends_s, max_bytes, meters, quiet_s, presses, steps, lively)


def _outage(rng: random.Random, who: str, at_s: float, faults_end_s: float) -> list[Step]:
    end_s = min(faults_end_s, at_s + rng.uniform(2.0, 8.0) * HOUR_S)
    return _blocked(rng, who, at_s, end_s)


def _blocked(rng: random.Random, who: str, at_s: float, end_s: float) -> list[Step]:
    how = rng.choice(("refused", "silent"))
    return [Step(at_s, "blocked", who, how), Step(at_s, "silent" if how == "silent" else "cut", who),
            Step(end_s, "blocked", who, "")]  # fmt: skip


def _certain(rng: random.Random, what: str, who: str, value: float | str, faults_end_s: float) -> list[Step]:
    at_s = rng.uniform(FAULTS_BEGIN_S, 0.8 * faults_end_s)
    if what == "kill_at":
        return [Step(at_s, what, who, value), Step(faults_end_s, "disarm", who)]
    if what == "broker":
        return [Step(at_s - 300.0, "broker_saves"), Step(at_s, "broker_stops", "", value),
                Step(at_s + 60.0, "broker_starts")]  # fmt: skip
    if what == "reboot":
        return [Step(at_s, what, who, value), Step(at_s + 600.0, "clock", who, 0.0)]
    if what in ("cut", "silent"):
        return [Step(at_s, what, who)]
    return [Step(at_s, what, who, value), Step(at_s + 600.0, what, who, 0.0)]


def _press(rng: random.Random, steps: list[Step], before_s: float) -> float:
    at_s = rng.uniform(60.0, before_s)
    if rng.random() < PRESSES_NEAR:
        at_s = rng.choice(steps).at_s + rng.uniform(-BEFORE_S, AFTER_S)
    return min(max(60.0, at_s), before_s)


def _lively(steps: list[Step], faults_end_s: float, ends_s: float) -> list[tuple[float, float]]:
    spells: list[tuple[float, float]] = []
    ends = [(0.0, FAULTS_BEGIN_S / 2), (faults_end_s, faults_end_s + AFTER_S), (ends_s - REST_S, ends_s)]
    for begin, end in sorted([*ends, *((step.at_s - BEFORE_S, step.at_s + AFTER_S) for step in steps)]):
        if spells and begin <= spells[-1][1]:
            spells[-1] = (spells[-1][0], max(spells[-1][1], end))
        else:
            spells.append((begin, end))
    return spells


def _fault(rng: random.Random, kind: str, at_s: float, faults_end_s: float) -> list[Step]:
    who = rng.choice(("gateway", "collector"))
    lasts_s = min(rng.choice((20.0, 200.0, 2000.0)) * rng.uniform(0.3, 3.0), faults_end_s - at_s)
    away_s = min(rng.choice((1.0, 10.0, 100.0, 1000.0)) * rng.uniform(0.5, 2.0), faults_end_s - at_s)
    end_s = at_s + lasts_s
    if kind in ("kill", "stop"):
        return [Step(at_s, kind, who, away_s)]
    if kind == "kill_both":
        return [Step(at_s, "kill", "gateway", away_s), Step(at_s, "kill", "collector", away_s * rng.random())]
    if kind == "kill_at":
        place = rng.choice(GATEWAY_PLACES if who == "gateway" else COLLECTOR_PLACES)
        return [Step(at_s, "kill_at", who, f"{place}:{rng.choice((1, 1, 2, 5))}"), Step(faults_end_s, "disarm", who)]
    if kind == "reboot":
        offset_s, sync_s = rng.choice((0.0, -1e9, -away_s - 20.0)), rng.choice((5.0, 300.0, 3000.0))
        at_s = min(at_s, faults_end_s - 3000.0)
        return [Step(at_s, "reboot", "gateway", offset_s), Step(at_s + sync_s, "clock", "gateway", 0.0)]
    if kind == "broker":
        memory = rng.choice(("all", "all", "old", "nothing"))
        saved_s = max(FAULTS_BEGIN_S, at_s - rng.uniform(0.0, 1800.0))
        return [Step(saved_s, "broker_saves"), Step(at_s, "broker_stops", "", memory),
                Step(min(faults_end_s, at_s + away_s), "broker_starts")]  # fmt: skip
    if kind in ("cut", "silent"):
        return [Step(at_s, kind, who)]
    if kind == "blocked":
        return _blocked(rng, who, at_s, end_s)
    if kind == "outage":
        return _outage(rng, who, at_s, faults_end_s)
    if kind == "clock":
        forward_s = FORWARD_SHARE * faults_end_s
        at_s = min(at_s, faults_end_s - 2 * forward_s - HOUR_S)
        size_s = rng.choice((3.0, 60.0, 600.0, forward_s)) * rng.uniform(0.5, 1.0) * rng.choice((1, -1))
        return [Step(at_s, "clock", "gateway", size_s), Step(at_s + min(lasts_s, forward_s), "clock", "gateway", 0.0)]
    if kind == "collector_clock":
        return [Step(at_s, "clock", "collector", rng.uniform(-3000, 3000)), Step(end_s, "clock", "collector", 0.0)]
    strength = {
        "slow": rng.choice((0.5, 2.0, 4.0)),
        "ack_lost": rng.choice((0.1, 0.5, 1.0)),
        "ack_late": rng.choice((30.0, 300.0, 3000.0)),
        "up_lost": rng.choice((0.1, 0.5, 1.0)),
        "doubled": rng.choice((0.2, 1.0)),
    }.get(kind, 1.0)
    return [Step(at_s, kind, who, strength), Step(end_s, kind, who, 0.0)]
