"""Where each vehicle is: journeys from its slot through a gate into town and back. Pure functions of the instant."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from dataclasses import dataclass
from typing import NamedTuple

from simulators import sample_site
from simulators.sample_site import Spot
from simulators.world.streets import ERRANDS, METRES_PER_DEGREE, inside, metres, route

WALK_STEP_MS = 1000
INSIDE_KMH, TOWN_KMH, WALKING_KMH = 15.0, 38.0, 5.0
ERRAND_SHARE = 0.7


class Fix(NamedTuple):
    """A position: degrees, km/h, degrees from north, metres above the sea."""

    latitude: float
    longitude: float
    speed_kmh: float
    course_deg: float
    altitude_m: float


@dataclass(frozen=True)
class Drive:
    """One way from its first corner to its last, at its own pace on each leg. ``ends_ms``: when each corner is reached,
    counted from the start."""

    corners: tuple[Spot, ...]
    ends_ms: tuple[int, ...]

    @property
    def lasts_ms(self) -> int:
        return self.ends_ms[-1]

    def place(self, after_ms: float) -> Spot:
        """Where it is so long after the start; before it the first corner, afterwards the last."""
        if after_ms <= 0:
            return self.corners[0]
        if after_ms >= self.lasts_ms:
            return self.corners[-1]
        number = bisect.bisect_right(self.ends_ms, after_ms)
        start, end = self.corners[number - 1], self.corners[number]
        share = (after_ms - self.ends_ms[number - 1]) / (self.ends_ms[number] - self.ends_ms[number - 1])
        return Spot(start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def drive(corners: tuple[Spot, ...], *, pace: float = 1.0, walking: bool = False) -> Drive:
    """A way driven slowly in the compound and faster in town, ``pace`` times as fast as most do."""
    at, ends = 0.0, [0]
    for start, end in itertools.pairwise(corners):
        kmh = WALKING_KMH if walking else INSIDE_KMH if inside(start) and inside(end) else TOWN_KMH
        at += max(1.0, metres(start, end) / (kmh * pace / 3.6) * 1000)
        ends.append(math.ceil(at))
    return Drive(corners, tuple(ends))


@dataclass(frozen=True)
class Timetable:
    """Drive out, wait there, drive home, park, and again. Without ``out``: parked at ``home`` all day."""

    home: Spot
    out: Drive | None = None
    back: Drive | None = None
    wait_ms: int = 0
    park_ms: int = 3_600_000
    offset_ms: int = 0

    def fix_at(self, at_ms: int) -> Fix:
        return fix_between(self.place_at(at_ms), self.place_at(at_ms + WALK_STEP_MS))

    def moving(self, at_ms: int) -> bool:
        return self.place_at(at_ms) != self.place_at(at_ms + WALK_STEP_MS)

    def place_at(self, at_ms: int) -> Spot:
        if self.out is None or self.back is None:
            return self.home
        left = (at_ms + self.offset_ms) % (self.out.lasts_ms + self.wait_ms + self.back.lasts_ms + self.park_ms)
        if left < self.out.lasts_ms + self.wait_ms:
            return self.out.place(left)
        return self.back.place(left - self.out.lasts_ms - self.wait_ms)


def fix_between(here: Spot, ahead: Spot) -> Fix:
    """A fix from where something is and where it is a step later."""
    north = (ahead[0] - here[0]) * METRES_PER_DEGREE
    east = (ahead[1] - here[1]) * METRES_PER_DEGREE * math.cos(math.radians(here[0]))
    far, course = math.hypot(north, east), math.degrees(math.atan2(east, north)) % 360
    altitude = 12.0 + 3.0 * math.sin(here[0] * 5_000) + 2.0 * math.cos(here[1] * 4_000)
    return Fix(here[0], here[1], far / (WALK_STEP_MS / 1000) * 3.6, course if far > 0.3 else 0.0, altitude)


def slot_of(vehicle: str, bay: int) -> Spot:
    """Where a vehicle parks: its own slot on the sample map, else one by its number."""
    known = sample_site.slots()
    if vehicle in known:
        return known[vehicle]
    places = [spot for name, spot in sorted(sample_site.points("parking").items())]
    return places[bay % len(places)]


def make_timetable(rng: random.Random, *, bay: int, drives: bool, vehicle: str = "") -> Timetable:
    """Journeys of one vehicle: near errands mostly, and now and then a place at the other end of town."""
    home = slot_of(vehicle, bay)
    if not drives:
        return Timetable(home)
    town = sample_site.points("place")
    places = ERRANDS if rng.random() < ERRAND_SHARE else town
    there = places[rng.choice(sorted(places))]
    way, pace = route(home, there, rng.randrange(2)), rng.uniform(0.85, 1.1)
    out, back = drive(way, pace=pace), drive(tuple(reversed(way)), pace=pace)
    wait_ms, park_ms = rng.randint(60_000, 300_000), rng.randint(60_000, 400_000)
    whole = out.lasts_ms + wait_ms + back.lasts_ms + park_ms
    return Timetable(home, out, back, wait_ms, park_ms, rng.randrange(whole))
