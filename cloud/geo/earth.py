"""Distances and areas of a few kilometres, on WGS-84 degrees."""

import math
from collections.abc import Sequence
from typing import NamedTuple

EARTH_M = 6_371_008.8
"""Mean radius (IUGG)."""


class Spot(NamedTuple):
    """A place on the ground, degrees."""

    latitude: float
    longitude: float


def distance_m(one: Spot, other: Spot) -> float:
    """Great-circle distance (haversine), in metres."""
    lat1, lat2 = math.radians(one.latitude), math.radians(other.latitude)
    half_lat, half_lon = (lat2 - lat1) / 2, math.radians(other.longitude - one.longitude) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord)))


def metres_from(origin: Spot, spot: Spot) -> tuple[float, float]:
    """East and north of ``origin``, in metres, on a plane that touches there: good to 0.1 % within 50 km."""
    per_degree = math.radians(1) * EARTH_M
    east = (spot.longitude - origin.longitude) * per_degree * math.cos(math.radians(origin.latitude))
    return east, (spot.latitude - origin.latitude) * per_degree


def inside(spot: Spot, ring: Sequence[Spot]) -> bool:
    """Whether the spot lies in the polygon (its first corner need not be repeated); even-odd rule."""
    hit = False
    before = ring[-1]
    for corner in ring:
        if (corner.latitude > spot.latitude) != (before.latitude > spot.latitude):
            share = (spot.latitude - corner.latitude) / (before.latitude - corner.latitude)
            if spot.longitude < corner.longitude + share * (before.longitude - corner.longitude):
                hit = not hit
        before = corner
    return hit
