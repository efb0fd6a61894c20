"""The quarter hours of the simulated world: what the clock shows, whether people work, how warm it is outside.

Pure functions of the number of the quarter hour since 1970 (``knot``) and a seed, whole columns at once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from simulators.world.china_days import is_off

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

KNOT_S = 900
KNOTS_A_DAY = 96
_MEAN_C, _SEASON_C, _DAY_C = 16.5, 12.5, 4.2
"""Of a town at the lower Yangtze: the year's mean, and how far summers and afternoons go beyond it."""
_FRONT_KNOTS, _FRONT_C = 5 * KNOTS_A_DAY // 2, 5.0
_COLDEST_DAY, _WARMEST_HOUR = 20, 15
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Grid(NamedTuple):
    """Columns of quarter hours that follow one another. minute: of the local day. outdoor: degrees Celsius."""

    knots: Longs
    minute: Doubles
    day: Longs
    off: Bools
    outdoor: Doubles


def grid(seed: int, zone: str, first: int, count: int) -> Grid:
    """``count`` quarter hours from number ``first`` on."""
    knots = np.arange(first, first + count, dtype=np.int64)
    local = knots * KNOT_S + _offsets(zone, knots)
    day = local // 86_400 + _EPOCH_DAY
    minute = local % 86_400 / 60.0
    days, row = np.unique(day, return_inverse=True)
    off = np.array([is_off(date.fromordinal(number)) for number in days.tolist()], bool)[row]
    return Grid(knots, minute, day, off, _outdoor(seed, knots, day, minute))


def noise(name: str, place: Longs) -> Doubles:
    """A number of [-1, 1) for each place; the same for the same name and place, anywhere."""
    start = np.uint64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big"))
    with np.errstate(over="ignore"):
        x = place.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    found: Doubles = (x >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0
    return found


def smooth(name: str, place: Longs, length: int) -> Doubles:
    """Noise that goes from one value to the next within ``length`` places."""
    cell, part = place // length, place % length / length
    here, following = noise(name, cell), noise(name, cell + 1)
    found: Doubles = here + (following - here) * (1 - np.cos(np.pi * part)) / 2
    return found


def _outdoor(seed: int, knots: Longs, day: Longs, minute: Doubles) -> Doubles:
    year_part = (day - _COLDEST_DAY) % 365.2425 / 365.2425 + 0.0
    # Day 0 of the ordinals is 31 December of the year 0: near enough to a new year for a season.
    season = -np.cos(2 * np.pi * year_part)
    hours = np.cos(2 * np.pi * (minute / 60 - _WARMEST_HOUR) / 24)
    clouds = 0.7 + 0.3 * smooth(f"{seed}:clouds", knots, KNOTS_A_DAY)
    fronts = smooth(f"{seed}:fronts", knots, _FRONT_KNOTS) + 0.4 * smooth(f"{seed}:gusts", knots, KNOTS_A_DAY // 3)
    found: Doubles = _MEAN_C + _SEASON_C * season + _DAY_C * hours * clouds + _FRONT_C * fronts
    return found


def _offsets(zone: str, knots: Longs) -> Longs:
    """How far local clocks are ahead (s), hour by hour of UTC; changes of the clock come on its hours here."""
    hours, row = np.unique(knots // 4, return_inverse=True)
    return np.array([_offset(zone, hour) for hour in hours.tolist()], np.int64)[row]


@lru_cache(maxsize=50_000)
def _offset(zone: str, hour: int) -> int:
    found = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if found is None else round(found.total_seconds())
