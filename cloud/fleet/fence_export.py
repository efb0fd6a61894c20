"""Fences as GeoJSON for other programs: circles, which GeoJSON does not know, as polygons with their centre beside."""

import math
from collections.abc import Sequence

import msgspec

from cloud.assets.contract import Fence
from cloud.geo.earth import EARTH_M, Spot

CORNERS = 64
"""Of a circle: the polygon lies within 0.12 % of the radius."""


def fences_geojson(fences: Sequence[Fence]) -> bytes:
    """A FeatureCollection (RFC 7946, WGS-84) of all that have an area."""
    return msgspec.json.encode({"type": "FeatureCollection", "features": [_feature(fence) for fence in fences]})


def _feature(fence: Fence) -> dict[str, object]:
    about: dict[str, object] = {"id": fence.id, "name": fence.name, "purpose": fence.purpose}
    if fence.schedule:
        about["schedule"] = list(fence.schedule)
    if fence.min_dwell_s:
        about["min_dwell_s"] = fence.min_dwell_s
    ring = list(fence.ring)
    if fence.centre is not None:
        about |= {"centre": _corner(fence.centre), "radius_m": fence.radius_m}
        ring = circle(fence.centre, fence.radius_m)
    corners = [_corner(spot) for spot in _counter_clockwise(ring)]
    if corners and corners[0] != corners[-1]:
        corners.append(corners[0])
    return {
        "type": "Feature",
        "id": f"{fence.site}/{fence.id}",
        "properties": about,
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }


def circle(centre: Spot, radius_m: float) -> list[Spot]:
    """The corners of a polygon around a centre, counter-clockwise from the east."""
    north_deg = math.degrees(radius_m / EARTH_M)
    east_deg = north_deg / max(0.01, math.cos(math.radians(centre.latitude)))
    angles = [2 * math.pi * step / CORNERS for step in range(CORNERS)]
    return [
        Spot(centre.latitude + north_deg * math.sin(angle), centre.longitude + east_deg * math.cos(angle))
        for angle in angles
    ]


def _counter_clockwise(ring: Sequence[Spot]) -> Sequence[Spot]:
    """As RFC 7946 wants outer rings."""
    doubled = sum(
        before.longitude * after.latitude - after.longitude * before.latitude
        for before, after in zip(ring, [*ring[1:], *ring[:1]], strict=True)
    )
    return ring if doubled >= 0 else list(reversed(ring))


def _corner(spot: Spot) -> list[float]:
    return [round(spot.longitude, 7), round(spot.latitude, 7)]
