"""Floods: more alarms than a person can take in. Begins at more than 10 in 10 minutes, ends at fewer than 5."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

WINDOW_MS = 600_000
BEGINS_ABOVE = 10
ENDS_BELOW = 5


class Flood(NamedTuple):
    """A flood; ``until`` is None while it lasts. ``alarms``: how many that began in it."""

    since: int
    until: int | None
    alarms: int


class FloodState(NamedTuple):
    """Alarms that began in the last ten minutes, and the flood they make, if any."""

    recent: tuple[int, ...] = ()
    flood: Flood | None = None


def begun(state: FloodState, at: int) -> FloodState:
    """An alarm began."""
    state, _ = passed(state, at)
    recent = (*state.recent, at)
    if state.flood is not None:
        return FloodState(recent, state.flood._replace(alarms=state.flood.alarms + 1))
    if len(recent) > BEGINS_ABOVE:
        return FloodState(recent, Flood(recent[0], None, len(recent)))
    return FloodState(recent)


def passed(state: FloodState, at: int) -> tuple[FloodState, Flood | None]:
    """Time went by; also the flood that ended with it."""
    if not state.recent or (state.recent[0] > at - WINDOW_MS and state.flood is None):
        return state, None
    left = deque(state.recent)
    flood, ended = state.flood, None
    while left and left[0] <= at - WINDOW_MS:
        gone = left.popleft()
        if flood is not None and len(left) < ENDS_BELOW:
            ended = flood._replace(until=gone + WINDOW_MS)
            flood = None
    return FloodState(tuple(left), flood), ended


def floods(begins: Iterable[int], until: int) -> list[Flood]:
    """All floods among alarms that began at these instants, in order; the last may still last at ``until``."""
    state, found = FloodState(), list[Flood]()
    for at in begins:
        state, ended = passed(state, at)
        found += [ended] if ended else []
        state = begun(state, at)
    state, ended = passed(state, until)
    found += [ended] if ended else []
    return found + ([state.flood] if state.flood else [])
