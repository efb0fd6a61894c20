"""Where each vehicle is: loops of streets around the compound, driven by a timetable. Pure functions of the instant."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from typing import NamedTuple

YARD = (39.9075, 116.3250)
"""The compound's vehicle yard (an invented address), WGS84."""
METRES_PER_DEGREE = 111_320.0
WALK_STEP_MS = 1000


class Fix(NamedTuple):
    """A position: degrees, km/h, degrees from north, metres above the sea."""

    latitude: float
    longitude: float
    speed_kmh: float
    course_deg: float
    altitude_m: float


@dataclass(frozen=True)
class Timetable:
    """Drive one loop, park, and again. ``drive_s`` of 0: parked all day."""

    corners: tuple[tuple[float, float], ...]
    drive_s: float
    park_s: float
    offset_s: float

    def fix_at(self, at_ms: int) -> Fix:
        here = self._place(at_ms)
        ahead = self._place(at_ms + WALK_STEP_MS)
        metres, course = _leg(here, ahead)
        speed = metres / (WALK_STEP_MS / 1000) * 3.6
        altitude = 48.0 + 3.0 * math.sin(here[0] * 5_000) + 2.0 * math.cos(here[1] * 4_000)
        return Fix(here[0], here[1], speed, course if metres > 0.3 else 0.0, altitude)

    def moving(self, at_ms: int) -> bool:
        return self.drive_s > 0 and self._phase_s(at_ms) < self.drive_s

    def _phase_s(self, at_ms: int) -> float:
        return (at_ms / 1000 + self.offset_s) % (self.drive_s + self.park_s)

    def _place(self, at_ms: int) -> tuple[float, float]:
        if not self.moving(at_ms):
            return self.corners[0]
        part = self._phase_s(at_ms) / self.drive_s
        smooth = part * part * (3 - 2 * part)  # starts and stops gently
        return self._along(smooth)

    def _along(self, part: float) -> tuple[float, float]:
        loop = (*self.corners, self.corners[0])
        lengths = [_leg(start, end)[0] for start, end in itertools.pairwise(loop)]
        left = part * sum(lengths)
        for (start, end), length in zip(itertools.pairwise(loop), lengths, strict=True):
            if left <= length:
                share = left / length if length else 0.0
                return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
            left -= length
        return loop[-1]


def make_timetable(rng: random.Random, *, bay: int, drives: bool) -> Timetable:
    """A loop of four to seven street corners, 3 to 9 km long, starting at parking bay ``bay``."""
    start = (YARD[0] + (bay % 6) * 0.00004, YARD[1] + (bay // 6) * 0.00005)
    if not drives:
        return Timetable((start,), 0.0, 3600.0, 0.0)
    corners = [start]
    centre_angle = rng.uniform(0, math.tau)
    size = rng.uniform(0.005, 0.014)
    for number in range(rng.randint(3, 6)):
        angle = centre_angle + math.tau * number / 7
        corners.append((YARD[0] + size * (1 + math.sin(angle)) * 0.8, YARD[1] + size * math.cos(angle) * 1.2))
    metres = sum(_leg(a, b)[0] for a, b in zip(corners, [*corners[1:], start], strict=True))
    drive_s = metres / (rng.uniform(24, 40) / 3.6)
    return Timetable(tuple(corners), drive_s, rng.uniform(60, 400), rng.uniform(0, 3600))


def _leg(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Metres and course from north between two near places."""
    north = (end[0] - start[0]) * METRES_PER_DEGREE
    east = (end[1] - start[1]) * METRES_PER_DEGREE * math.cos(math.radians(start[0]))
    return math.hypot(north, east), math.degrees(math.atan2(east, north)) % 360
