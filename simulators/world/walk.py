"""A load on its way through time: power at an instant, and energy as the exact integral of it.

Between quarter hours the power goes in a straight line, and machines that switch make it wobble; the integral of both
is exact, so that power and energy of one meter never contradict each other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from simulators.world.grid import KNOT_S, KNOTS_A_DAY, Doubles, Grid, Longs, grid

S_PER_H = 3_600.0
WOBBLES = ((0.24, 500.0, 1_500.0), (0.16, 60.0, 180.0), (0.1, 17.0, 41.0))
"""Part of the least load, and between which periods (s); together half of the least load."""


class Going(Protocol):
    """Something that takes power. Energy is counted from the origin that it was made with."""

    def kw(self, at_s: float) -> float: ...

    def kwh(self, at_s: float) -> float: ...


class _Wobble(NamedTuple):
    kw: float
    omega: float
    phase: float


class Walk:
    """One load. ``power`` gives its kW at the quarter hours of a grid. Days are made as they are asked for."""

    def __init__(
        self, seed: int, zone: str, name: str, power: Callable[[Grid], Doubles], origin_s: float, least_kw: float
    ) -> None:
        self._seed, self._zone, self._power = seed, zone, power
        rng = random.Random(f"{seed}:{name}:wobble")
        self._wobbles = [
            _Wobble(share * least_kw, math.tau / rng.uniform(low, high), rng.uniform(0, math.tau))
            for share, low, high in WOBBLES
        ]
        # From a day before on: a clock that is set back a little finds itself in known time.
        self._first = int(origin_s // KNOT_S) - KNOTS_A_DAY
        self._kw: list[float] = []
        self._kwh: list[float] = [0.0]
        self._origin_s, self._origin_kwh = origin_s, 0.0
        self._origin_kwh = self._course_kwh(origin_s)

    def kw(self, at_s: float) -> float:
        place, part = self._place(at_s)
        here, following = self._kw[place], self._kw[place + 1]
        wobble = sum(each.kw * math.sin(each.omega * at_s + each.phase) for each in self._wobbles)
        return here + (following - here) * part + wobble

    def kwh(self, at_s: float) -> float:
        """Since the origin; never falls as long as ``at_s`` does not."""
        swing = 0.0
        for kw, omega, phase in self._wobbles:
            swing += kw / omega * (math.cos(omega * self._origin_s + phase) - math.cos(omega * at_s + phase))
        return self._course_kwh(at_s) - self._origin_kwh + swing / S_PER_H

    def _course_kwh(self, at_s: float) -> float:
        place, part = self._place(at_s)
        here, following = self._kw[place], self._kw[place + 1]
        return self._kwh[place] + (here * part + (following - here) * part * part / 2) * KNOT_S / S_PER_H

    def _place(self, at_s: float) -> tuple[int, float]:
        since = max(0.0, at_s / KNOT_S - self._first)
        place = int(since)
        while place + 1 >= len(self._kw):
            self._go_on()
        return place, since - place

    def _go_on(self) -> None:
        when = grid(self._seed, self._zone, self._first + len(self._kw), KNOTS_A_DAY)
        for kw in self._power(when).tolist():
            if self._kw:
                self._kwh.append(self._kwh[-1] + (self._kw[-1] + kw) / 2 * KNOT_S / S_PER_H)
            self._kw.append(kw)


class Together:
    """Several loads behind one meter."""

    def __init__(self, parts: Sequence[Going]) -> None:
        self._parts = parts

    def kw(self, at_s: float) -> float:
        return sum(part.kw(at_s) for part in self._parts)

    def kwh(self, at_s: float) -> float:
        return sum(part.kwh(at_s) for part in self._parts)


def energy_at(first: int, kw: Doubles, at_s: Doubles) -> Doubles:
    """Energy (kWh) from the knot ``first`` to each instant, of a load whose kW at that knot and all following are
    ``kw``; the instants lie between the first and the last of them. Without any wobble."""
    steps = (kw[:-1] + kw[1:]) / 2 * (KNOT_S / S_PER_H)
    whole = np.concatenate([[0.0], np.cumsum(steps)])
    place: Longs = np.minimum((at_s // KNOT_S).astype(np.int64) - first, len(kw) - 2)
    part = at_s / KNOT_S - first - place
    here, following = kw[place], kw[place + 1]
    found: Doubles = whole[place] + (here * part + (following - here) * part * part / 2) * (KNOT_S / S_PER_H)
    return found
