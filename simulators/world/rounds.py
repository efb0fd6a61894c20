"""The rounds that guards walk, by the clock on the wall. Pure functions of the instant.

A round begins every quarter of an hour; day and night have guards of their own, and who is off duty is at the post.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from functools import cache
from typing import Any, NamedTuple

from simulators import sample_site
from simulators.sample_site import Spot
from simulators.world.people import new_card
from simulators.world.routes import WALKING_KMH
from simulators.world.streets import metres

ROUND_MS = 15 * 60_000
AT_CHECKPOINT_MS = 25_000
"""A phone tells its place about so often; at each checkpoint a guard stays long enough to be seen there."""
TAP_AFTER_MS = 8_000
DAY_HOURS = range(6, 18)
DUE_ROUNDS = 24
"""Six hours of them; `patrol_routes` is to be told to the collector more often than that."""


class Round(NamedTuple):
    """A route of the patrol: its checkpoints in their order, and who walks it by day and by night."""

    id: str
    name: str
    checkpoints: tuple[str, ...]
    guards: tuple[str, str]
    after_ms: int
    """How long after the quarter of an hour it is begun."""


ROUNDS = (
    Round("round-north", "北区巡更", ("cp-gate-west", "cp-b1", "cp-park-north"), ("guard-1", "guard-4"), 20_000),
    Round("round-south", "南区巡更", ("cp-b3-roof", "cp-b3-plant"), ("guard-3", "guard-6"), 300_000),
    Round("round-east", "东区巡更", ("cp-gate-east", "cp-energy", "cp-b2"), ("guard-2", "guard-5"), 540_000),
)


class _Stop(NamedTuple):
    name: str
    spot: Spot
    from_ms: int
    until_ms: int


@cache
def _stops(walk: Round) -> tuple[_Stop, ...]:
    """When the guard is at which checkpoint, from the start of the quarter of an hour."""
    known = sample_site.points("checkpoint")
    at, found = walk.after_ms, list[_Stop]()
    for name in walk.checkpoints:
        if found:
            at += walking_ms(found[-1].spot, known[name])
        found.append(_Stop(name, known[name], at, at + AT_CHECKPOINT_MS))
        at += AT_CHECKPOINT_MS
    return tuple(found)


def walking_ms(start: Spot, end: Spot) -> int:
    """How long a walk takes."""
    return round(metres(start, end) / (WALKING_KMH / 3.6) * 1000)


def walker(guard: str, zone: tzinfo) -> Callable[[int], Spot] | None:
    """Where a guard of the sample site is at each instant (ms since 1970); None for nobody's name."""
    for walk in ROUNDS:
        if guard in walk.guards:
            by_day = walk.guards[0] == guard
            return lambda at_ms: _place(walk, at_ms, by_day == (_hour(at_ms, zone) in DAY_HOURS))
    return None


def _place(walk: Round, at_ms: int, on_duty: bool) -> Spot:
    stops = _stops(walk)
    first, last = stops[0], stops[-1]
    after = at_ms % ROUND_MS
    if not on_duty or after < first.from_ms:
        return first.spot
    for here, following in itertools.pairwise(stops):
        if after < here.until_ms:
            return here.spot
        if after < following.from_ms:
            return _between(here.spot, following.spot, (after - here.until_ms) / (following.from_ms - here.until_ms))
    home_ms = walking_ms(last.spot, first.spot)
    share = (after - last.until_ms) / home_ms
    return _between(last.spot, first.spot, min(1.0, max(0.0, share)))


class CardTap(NamedTuple):
    """A guard holds the card to the reader at a checkpoint."""

    at_ms: int
    door: str
    guard: str


def card_taps(from_ms: int, zone: tzinfo) -> Iterator[CardTap]:
    """Every tap of the rounds as of an instant, in their order and without end."""
    rows = sample_site.tables()["reader"]
    doors = {row["checkpoint"]: row["devices"]["reader"] for row in rows if "checkpoint" in row}
    due = sorted(
        (stop.from_ms + TAP_AFTER_MS, doors[stop.name], walk)
        for walk in ROUNDS
        for stop in _stops(walk)
        if stop.name in doors
    )
    for begins in itertools.count(from_ms - from_ms % ROUND_MS, ROUND_MS):
        for after_ms, door, walk in due:
            at = begins + after_ms
            if at >= from_ms:
                yield CardTap(at, door, walk.guards[0 if _hour(at, zone) in DAY_HOURS else 1])


def guard_card(guard: str) -> str:
    """The number of the card that a guard of the sample site carries."""
    return new_card(random.Random(f"card of {guard}"))


def patrol_routes(now_ms: int, zone: tzinfo) -> list[dict[str, Any]]:
    """The same rounds as the collector's API takes them: `PUT /api/v1/patrols/routes`.

    Only rounds of the next hours that have not begun: a collector that hears of others takes them for missed.
    """
    first = now_ms - now_ms % ROUND_MS
    names = sample_site.names("checkpoint")

    def starts(walk: Round) -> list[str]:
        late = now_ms % ROUND_MS > _stops(walk)[0].from_ms
        due = [first + number * ROUND_MS for number in range(late, DUE_ROUNDS)]
        return sorted(f"{datetime.fromtimestamp(at / 1000, zone):%H:%M}" for at in due)

    return [
        {
            "id": walk.id,
            "name": walk.name,
            "checkpoints": [
                {
                    "id": stop.name,
                    "name": names.get(stop.name, stop.name),
                    "place": stop.name,
                    "from_min": stop.from_ms // 60_000,
                    "until_min": min(15, stop.until_ms // 60_000 + 2),
                }
                for stop in _stops(walk)
            ],
            "starts": starts(walk),
            "guards": list(walk.guards),
        }
        for walk in ROUNDS
    ]


def _hour(at_ms: int, zone: tzinfo) -> int:
    return datetime.fromtimestamp(at_ms / 1000, zone).hour


def _between(start: Spot, end: Spot, share: float) -> Spot:
    return Spot(start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
