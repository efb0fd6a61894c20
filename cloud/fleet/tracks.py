"""A vehicle's track as it is shown, replayed and taken away: cleaned, thinned, in pieces where it broke.

Thinning is Douglas-Peucker against where the vehicle would have been *at that time* on the straight line: a stop stays
a stop in the replay.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape

import msgspec

from cloud.fleet.fixes import Cleaner, Fix, Heard, Sample, clean, fault_of, hear
from cloud.fleet.settings import FleetSettings
from cloud.geo.earth import distance_m, metres_from

BREAK_MS = 600_000
"""A line is not drawn over a longer silence."""
LEFT_OUT_MAX = 500
ROUGH_OVER = 20_000


class LeftOut(NamedTuple):
    """A fix that is not in the line, and why: ``zero``, ``future``, ``inaccurate``, ``jump``."""

    at: int
    latitude: float
    longitude: float
    why: str


class Point(NamedTuple):
    """A fix of the line."""

    fix: Fix
    quality: str


class Track(NamedTuple):
    """pieces: what was heard without a long silence. fixes: how many there were before thinning."""

    pieces: list[list[Point]]
    left_out: list[LeftOut]
    fixes: int
    tolerance_m: float
    metres: float


def build(samples: Iterable[Sample], settings: FleetSettings, *, tolerance_m: float, points_max: int) -> Track:
    """The track of these samples with at most ``points_max`` points; the tolerance grows until they are so few."""
    points, left_out = _cleaned(samples, settings)
    pieces = _pieces(points)
    metres = sum(distance_m(one.fix.spot, other.fix.spot) for piece in pieces for one, other in pairwise(piece))
    thinned = [thin(piece, tolerance_m) for piece in pieces]
    while sum(map(len, thinned)) > max(points_max, 2 * len(pieces)):
        tolerance_m = max(tolerance_m, 1.0) * 2
        thinned = [thin(piece, tolerance_m) for piece in thinned]
    return Track(thinned, left_out[:LEFT_OUT_MAX], len(points), tolerance_m, metres)


def thin(points: Sequence[Point], tolerance_m: float) -> list[Point]:
    """Leave out what lies within the tolerance of the line between those that stay."""
    if len(points) > ROUGH_OVER:
        points = _rough(points, tolerance_m / 2)
    if len(points) < 3 or tolerance_m <= 0:
        return list(points)
    origin = points[0].fix.spot
    flat = [metres_from(origin, point.fix.spot) for point in points]
    at = [point.fix.at for point in points]
    kept = [False] * len(points)
    kept[0] = kept[-1] = True
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        far_m, farthest = tolerance_m, -1
        (x0, y0), (x1, y1) = flat[first], flat[last]
        t0, passed = at[first], max(1, at[last] - at[first])
        for index in range(first + 1, last):
            share = (at[index] - t0) / passed
            x, y = flat[index]
            off_m = math.hypot(x - x0 - share * (x1 - x0), y - y0 - share * (y1 - y0))
            if off_m > far_m:
                far_m, farthest = off_m, index
        if farthest >= 0:
            kept[farthest] = True
            waiting += [(first, farthest), (farthest, last)]
    return [point for point, stays in zip(points, kept, strict=True) if stays]


def geojson(track: Track, about: dict[str, object]) -> bytes:
    """A FeatureCollection: the line with the time of each corner, and each fix that was left out."""
    features: list[dict[str, object]] = []
    for piece in track.pieces:
        corners = [[round(one.fix.spot.longitude, 7), round(one.fix.spot.latitude, 7)] for one in piece]
        geometry: dict[str, object] = (
            {"type": "LineString", "coordinates": corners}
            if len(corners) > 1
            else {"type": "Point", "coordinates": corners[0]}
        )
        properties = {
            **about,
            "kind": "track",
            "times": [one.fix.at for one in piece],
            "speeds_kmh": [one.fix.speed_kmh for one in piece],
            "qualities": [one.quality for one in piece],
        }
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    for out in track.left_out:
        spot = {"type": "Point", "coordinates": [out.longitude, out.latitude]}
        features.append(
            {"type": "Feature", "geometry": spot, "properties": {"kind": "left_out", "at": out.at, "why": out.why}}
        )
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def gpx(track: Track, name: str) -> bytes:
    """GPX 1.1, one segment for each piece."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="Dayuan" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<trk><name>{escape(name)}</name>",
    ]
    for piece in track.pieces:
        lines.append("<trkseg>")
        for one in piece:
            spot = one.fix.spot
            lines.append(
                f'<trkpt lat="{spot.latitude:.7f}" lon="{spot.longitude:.7f}"><time>{_iso(one.fix.at)}</time></trkpt>'
            )
        lines.append("</trkseg>")
    lines.append("</trk></gpx>\n")
    return "\n".join(lines).encode()


def _cleaned(samples: Iterable[Sample], settings: FleetSettings) -> tuple[list[Point], list[LeftOut]]:
    heard, cleaner = Heard(), Cleaner()
    points: list[Point] = []
    left_out: list[LeftOut] = []
    qualities: dict[int, str] = {}
    for sample in samples:
        heard, fix = hear(heard, sample)
        if fix is None:
            continue
        qualities[fix.at] = sample.quality
        fault = fault_of(fix, sample.received_at, settings)
        if fault:
            left_out.append(LeftOut(fix.at, fix.spot.latitude, fix.spot.longitude, fault))
            continue
        held = cleaner.held
        cleaner, accepted = clean(cleaner, fix, sample.received_at, settings)
        if held is not None and cleaner.held is not held and held not in accepted:
            left_out.append(LeftOut(held.at, held.spot.latitude, held.spot.longitude, "jump"))
        points += [Point(one, qualities.get(one.at, "good")) for one in accepted]
    return points, left_out


def _pieces(points: Sequence[Point]) -> list[list[Point]]:
    pieces: list[list[Point]] = []
    for point in points:
        if pieces and point.fix.at - pieces[-1][-1].fix.at <= BREAK_MS:
            pieces[-1].append(point)
        else:
            pieces.append([point])
    return pieces


def _rough(points: Sequence[Point], closer_m: float) -> list[Point]:
    """First and last of each run of fixes that hardly moved: a day of standing is two points."""
    kept = [points[0]]
    for before, point in pairwise(points):
        if distance_m(kept[-1].fix.spot, point.fix.spot) > closer_m:
            if before is not kept[-1]:
                kept.append(before)
            kept.append(point)
    if kept[-1] is not points[-1]:
        kept.append(points[-1])
    return kept


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
