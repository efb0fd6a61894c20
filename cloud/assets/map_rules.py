"""What a map of a site must be: a GeoJSON FeatureCollection of bounded size, whose features mean something."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cloud.assets.calendar import schedule_fault
from cloud.assets.maps import area_m2, ring_of, words_of
from cloud.geo.earth import Spot, distance_m
from protocols.reading import ID_RULE, is_id

FEATURES_MAX = 5_000
POSITIONS_MAX = 200_000
NAME_MAX = 80
RADIUS_MAX_M = 100_000
SPAN_MAX_M = 200_000
FAULTS_MAX = 50

SHAPES: dict[str, tuple[str, ...]] = {
    "building": ("Polygon",),
    "water": ("Polygon", "MultiPolygon"),
    "parking": ("Polygon", "Point"),
    "fence": ("Polygon", "Point"),
    "road": ("LineString", "MultiLineString"),
    "path": ("LineString", "MultiLineString"),
    "gate": ("Point",),
    "place": ("Point",),
    "checkpoint": ("Point",),
}
"""Kinds of features and how they may be drawn. A fence drawn as a point has ``radius_m``."""
NAMED = ("building", "parking", "fence", "gate", "place", "checkpoint")
PURPOSES = ("compound", "parking", "sensitive", "area")


class Fault(NamedTuple):
    """Something wrong: on which line (0 when nobody knows), at which key, and what."""

    line: int
    key: str
    message: str


def check_map(document: object, known: Sequence[Spot] = ()) -> list[Fault]:
    """Everything that is wrong with a map (the first ``FAULTS_MAX``). ``known``: spots that are surely at the site."""
    return list(_first(_faults(document, known)))


def _first(faults: Iterator[Fault]) -> Iterator[Fault]:
    for count, fault in enumerate(faults):
        if count == FAULTS_MAX:
            return
        yield fault


def _faults(document: object, known: Sequence[Spot]) -> Iterator[Fault]:
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        yield Fault(0, "type", "a map is a GeoJSON FeatureCollection")
        return
    features = document.get("features")
    if not isinstance(features, list):
        yield Fault(0, "features", "missing; a list of features")
        return
    if len(features) > FEATURES_MAX:
        yield Fault(0, "features", f"{len(features)} features, at most {FEATURES_MAX}")
        return
    ids: dict[str, int] = {}
    names: dict[str, int] = {}
    spots: list[Spot] = []
    for index, feature in enumerate(features):
        key = f"features[{index}]"
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            yield Fault(0, key, 'no feature; {"type": "Feature", "properties": {...}, "geometry": {...}}')
            continue
        yield from _feature_faults(feature, key)
        yield from _named_twice(feature, index, ids, names)
        spots += _spots_of(feature.get("geometry"))
        if len(spots) > POSITIONS_MAX:
            yield Fault(0, key, f"more than {POSITIONS_MAX} positions in all; draw it simpler")
            return
    yield from _far_off(spots, known)


def _feature_faults(feature: Mapping[str, object], key: str) -> Iterator[Fault]:
    about, shape = feature.get("properties"), feature.get("geometry")
    if not isinstance(about, dict):
        yield Fault(0, f"{key}.properties", "missing; kind, id and name")
        return
    kind = about.get("kind")
    if not isinstance(kind, str) or kind not in SHAPES:
        yield Fault(0, f"{key}.properties.kind", f"{_spell(kind)} is not allowed: {', '.join(SHAPES)}")
        return
    yield from _about_faults(about, kind, f"{key}.properties")
    if not isinstance(shape, dict) or shape.get("type") not in SHAPES[kind]:
        drawn = shape.get("type") if isinstance(shape, dict) else None
        yield Fault(0, f"{key}.geometry.type", f"{_spell(drawn)}: a {kind} is drawn as {' or '.join(SHAPES[kind])}")
        return
    if kind == "fence" and shape["type"] == "Point":
        radius = about.get("radius_m")
        if not _is_number(radius) or not 0 < float(str(radius)) <= RADIUS_MAX_M:
            yield Fault(0, f"{key}.properties.radius_m", f"a round fence needs its radius: 1 to {RADIUS_MAX_M} m")
    yield from _shape_faults(shape, f"{key}.geometry.coordinates")


def _about_faults(about: Mapping[str, object], kind: str, key: str) -> Iterator[Fault]:
    name = about.get("id")
    if kind in NAMED and not (isinstance(name, str) and is_id(name)):
        yield Fault(0, f"{key}.id", f"{_spell(name)} is no id: {ID_RULE}")
    words = about.get("name")
    if kind in NAMED and not any(words_of(words).values()):
        yield Fault(0, f"{key}.name", 'missing; a text, or {"en": ..., "zh": ...}')
    if any(len(text) > NAME_MAX for text in words_of(words).values()):
        yield Fault(0, f"{key}.name", f"longer than {NAME_MAX} characters")
    if kind != "fence":
        return
    if about.get("purpose", "area") not in PURPOSES:
        yield Fault(0, f"{key}.purpose", f"{_spell(about.get('purpose'))} is not allowed: {', '.join(PURPOSES)}")
    dwell = about.get("min_dwell_s", 0)
    if not _is_number(dwell) or not 0 <= float(str(dwell)) <= 86_400:
        yield Fault(0, f"{key}.min_dwell_s", "a number of seconds from 0 to 86400")
    schedule = about.get("schedule", [])
    if not isinstance(schedule, list):
        yield Fault(0, f"{key}.schedule", 'a list of texts like "mon-fri 08:00-18:00"')
        return
    for place, text in enumerate(schedule):
        wrong = schedule_fault(text) if isinstance(text, str) else "no text"
        if wrong:
            yield Fault(0, f"{key}.schedule[{place}]", wrong)


def _named_twice(
    feature: Mapping[str, object], index: int, ids: dict[str, int], names: dict[str, int]
) -> Iterator[Fault]:
    """Ids are unique in a map; names of fences too, as people choose fences by name."""
    about = feature.get("properties")
    if not isinstance(about, dict):
        return
    name = about.get("id")
    if isinstance(name, str) and name:
        if name in ids:
            yield Fault(0, f"features[{index}].properties.id", f"{name!r} is features[{ids[name]}] already")
        ids.setdefault(name, index)
    if about.get("kind") in ("fence", "parking") and "of" not in about:
        for text in set(words_of(about.get("name")).values()):
            if names.get(text, index) != index:
                yield Fault(
                    0, f"features[{index}].properties.name", f"{text!r} is the fence features[{names[text]}] already"
                )
            names.setdefault(text, index)


def _shape_faults(shape: Mapping[str, object], key: str) -> Iterator[Fault]:
    coordinates = shape.get("coordinates")
    match shape.get("type"):
        case "Point":
            yield from _position_faults(coordinates, key)
        case "LineString":
            yield from _line_faults(coordinates, key, 2)
        case "MultiLineString":
            yield from _each(coordinates, key, lambda line, at: _line_faults(line, at, 2))
        case "Polygon":
            yield from _polygon_faults(coordinates, key)
        case _:
            yield from _each(coordinates, key, _polygon_faults)


def _each(parts: object, key: str, check: Callable[[object, str], Iterator[Fault]]) -> Iterator[Fault]:
    if not isinstance(parts, list) or not parts:
        yield Fault(0, key, "nothing is drawn")
        return
    for place, part in enumerate(parts):
        yield from check(part, f"{key}[{place}]")


def _polygon_faults(rings: object, key: str) -> Iterator[Fault]:
    if not isinstance(rings, list) or not rings:
        yield Fault(0, key, "nothing is drawn; a polygon is a list of rings")
        return
    for place, ring in enumerate(rings):
        at = f"{key}[{place}]"
        faults = list(_line_faults(ring, at, 4))
        yield from faults
        if faults or not isinstance(ring, list):
            continue
        if ring[0] != ring[-1]:
            yield Fault(0, at, "the ring is not closed: its last position must be its first again")
        elif area_m2(ring_of({"coordinates": [ring]})) < 0.1:
            yield Fault(0, at, "the ring encloses nothing")


def _line_faults(line: object, key: str, least: int) -> Iterator[Fault]:
    if not isinstance(line, list) or len(line) < least:
        yield Fault(0, key, f"at least {least} positions")
        return
    for place, position in enumerate(line):
        yield from _position_faults(position, f"{key}[{place}]")


def _position_faults(position: object, key: str) -> Iterator[Fault]:
    if not isinstance(position, list) or not 2 <= len(position) <= 3 or not all(_is_number(each) for each in position):
        yield Fault(0, key, f"{_spell(position)} is no position: [longitude, latitude]")
        return
    longitude, latitude = position[:2]
    if abs(latitude) > 90 and abs(longitude) <= 90:
        yield Fault(0, key, f"{position[:2]}: latitude and longitude are swapped; longitude comes first")
    elif abs(latitude) > 90 or abs(longitude) > 180:
        yield Fault(0, key, f"{position[:2]} is nowhere on earth; degrees in WGS-84, longitude first")


def _far_off(spots: Sequence[Spot], known: Sequence[Spot]) -> Iterator[Fault]:
    """A compound lies in one place, and where its doors and rooms are."""
    if not spots:
        return
    half = len(spots) // 2
    middle = Spot(sorted(each.latitude for each in spots)[half], sorted(each.longitude for each in spots)[half])
    if known and abs(middle.longitude) <= 90:
        turned = Spot(middle.longitude, middle.latitude)
        if distance_m(middle, known[0]) > SPAN_MAX_M > distance_m(turned, known[0]):
            yield Fault(0, "features", "latitude and longitude are swapped; longitude comes first")
            return
    far = max(spots, key=lambda each: distance_m(middle, each))
    if distance_m(middle, far) > SPAN_MAX_M:
        yield Fault(
            0,
            "features",
            f"[{far.longitude}, {far.latitude}] is {distance_m(middle, far) / 1000:.0f} km from the middle of the map",
        )


def _spots_of(shape: object) -> list[Spot]:
    found: list[Spot] = []
    waiting: list[object] = [shape.get("coordinates")] if isinstance(shape, dict) else []
    while waiting:
        part = waiting.pop()
        if not isinstance(part, list):
            continue
        if len(part) >= 2 and all(_is_number(each) for each in part[:2]):
            if abs(part[1]) <= 90 and abs(part[0]) <= 180:
                found.append(Spot(float(part[1]), float(part[0])))
        else:
            waiting += part
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _spell(value: object) -> str:
    return repr(value)[:60]
