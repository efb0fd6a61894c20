"""Pretended receivers: noise that drifts, outliers, a car that stands and a car that drives along streets."""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from cloud.fleet.fixes import Fix
from cloud.geo.earth import EARTH_M, Spot

HOME = Spot(31.2304, 121.4737)
START = 1_790_000_000_000
DRIFT = 0.92
"""Share of the noise that is left 10 s later; with it a parked car draws as many kilometres as in the facts."""


def place(east_m: float, north_m: float, origin: Spot = HOME) -> Spot:
    """So far from the origin."""
    degree_m = math.radians(1) * EARTH_M
    return Spot(
        origin.latitude + north_m / degree_m,
        origin.longitude + east_m / (degree_m * math.cos(math.radians(origin.latitude))),
    )


class Noise:
    """First-order drift of a deviation per axis, sampled at any times."""

    def __init__(self, sigma_m: float, rng: random.Random) -> None:
        self._sigma_m, self._rng = sigma_m, rng
        self._x, self._y = rng.gauss(0, sigma_m), rng.gauss(0, sigma_m)

    def after(self, seconds: float) -> tuple[float, float]:
        kept = DRIFT ** (seconds / 10)
        fresh = self._sigma_m * math.sqrt(1 - kept * kept)
        self._x = kept * self._x + self._rng.gauss(0, fresh)
        self._y = kept * self._y + self._rng.gauss(0, fresh)
        return self._x, self._y


def parked(
    sigma_m: float, seed: int, *, east_m: float = 0.0, hours: float = 24, every_s: float = 10, tells: bool = True
) -> Iterator[Fix]:
    """A car that stands for a day: 0.3 % of the fixes are 60 to 250 m off. tells: the receiver knows its accuracy."""
    rng = random.Random(seed)
    noise = Noise(sigma_m, rng)
    for step in range(int(hours * 3600 / every_s)):
        x, y = noise.after(every_s)
        off_m = 0.0
        if rng.random() < 0.003:
            off_m, angle = rng.uniform(60, 250), rng.uniform(0, 2 * math.pi)
            x, y = x + off_m * math.cos(angle), y + off_m * math.sin(angle)
        accuracy_m = max(2 * sigma_m, off_m * rng.uniform(0.9, 1.3)) if tells else None
        yield Fix(START + round(step * every_s * 1000), place(east_m + x, y), accuracy_m)


class Leg(NamedTuple):
    """So far in a direction (degrees from north), at a speed, then standing for so long."""

    course_deg: float
    metres: float
    speed_m_s: float
    wait_s: float = 0.0
    dark: bool = False
    """No satellite is seen: a tunnel."""


class Truth(NamedTuple):
    """What a drive really was."""

    left_at: int
    came_at: int
    from_: Spot
    to: Spot
    km: float


def drive(
    legs: list[Leg], at: int, origin: Spot, *, every_s: float = 1.0
) -> tuple[list[tuple[int, Spot, float]], Truth]:
    """(at, spot, speed) of every instant at which a satellite is seen; and the truth."""
    seen: list[tuple[int, Spot, float]] = []
    east = north = gone_m = clock_s = 0.0
    left_at = at
    next_s = 0.0
    for leg in legs:
        angle = math.radians(leg.course_deg)
        for length_m, speed in ((leg.metres, leg.speed_m_s), (leg.wait_s, 0.0)):
            lasts_s = length_m / speed if speed else length_m
            while next_s < clock_s + lasts_s:
                along_m = (next_s - clock_s) * speed
                if not leg.dark:
                    x, y = east + along_m * math.sin(angle), north + along_m * math.cos(angle)
                    seen.append((at + round(next_s * 1000), place(x, y, origin), speed))
                next_s += every_s
            clock_s += lasts_s
            if speed:
                east, north = east + length_m * math.sin(angle), north + length_m * math.cos(angle)
                gone_m += length_m
    return seen, Truth(left_at, at + round(clock_s * 1000), origin, place(east, north, origin), gone_m / 1000)


def noisy(
    seen: list[tuple[int, Spot, float]], sigma_m: float, seed: int, *, outliers: float = 0.003, tells: bool = True
) -> list[Fix]:
    """What a receiver makes of it."""
    rng = random.Random(seed)
    noise = Noise(sigma_m, rng)
    fixes, before = [], seen[0][0]
    for at, spot, speed in seen:
        x, y = noise.after((at - before) / 1000)
        before = at
        off_m = 0.0
        if rng.random() < outliers:
            off_m, angle = rng.uniform(60, 250), rng.uniform(0, 2 * math.pi)
            x, y = x + off_m * math.cos(angle), y + off_m * math.sin(angle)
        accuracy_m = max(2 * sigma_m, off_m * rng.uniform(0.9, 1.3)) if tells else None
        shown_kmh = max(0.0, speed * 3.6 + rng.gauss(0, 1))
        fixes.append(Fix(at, place(x, y, spot), accuracy_m, shown_kmh))
    return fixes
