"""What goes wrong on a simulated day, drawn from its seed: a list of steps, each at its second of the day.

Each seed draws which kinds of faults it has at all, so that some days are full of one thing and others of everything.
Every fault that lasts has a step that ends it; after `faults_end_s` nothing goes wrong any more.
"""

from __future__ import annotations

import random
from typing import NamedTuple

HOUR_S = 3600.0
FAULTS_BEGIN_S = 0.2 * HOUR_S
CALM_S = 1.5 * HOUR_S
"""At the end of the day nothing goes wrong any more, and in the last part of that nothing new is made."""
REST_S = 0.5 * HOUR_S

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

FORWARD_SHARE = 1 / 8
"""Of the day. A wall clock that was ahead is believed, and after a restart the right one is not until it has caught up:
so the clock is not set forward in the last quarter of the day."""


SMALL_BYTES = 64 * 1024
"""A buffer that a long outage fills."""


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
    presses: list[float]
    steps: list[Step]


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
    presses = sorted(rng.uniform(60.0, ends_s - REST_S) for _ in range(rng.randint(50, 250)))
    small = rng.random() < 0.2
    if small:
        steps += _fault(rng, "outage", rng.uniform(FAULTS_BEGIN_S, 0.5 * faults_end_s), faults_end_s)
    return Plan(
        seed, faults_end_s, ends_s, SMALL_BYTES if small else 64 << 20, 20 if small else 2, presses, sorted(steps)
    )


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
    if kind in ("blocked", "outage"):
        how = rng.choice(("refused", "silent"))
        if kind == "outage":
            end_s = min(faults_end_s, at_s + rng.uniform(1.0, 6.0) * HOUR_S)
        return [Step(at_s, "blocked", who, how), Step(at_s, "silent" if how == "silent" else "cut", who),
                Step(end_s, "blocked", who, "")]  # fmt: skip
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
