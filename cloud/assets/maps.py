"""The drawn map of each site: what its features mean for fences, places and roads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cloud.assets.contract import Fence, Place, Words
from cloud.geo.earth import Spot, distance_m, inside, metres_from

NEAR_M = 150.0
GATE_M = 25.0
"""Who stands so near the middle of a gate stands at it, unless the map gives it another ``radius_m``."""

PLACE_KINDS = ("gate", "place", "checkpoint", "parking", "building")
FENCE_KINDS = ("fence", "parking")


class _Area(NamedTuple):
    """A building, gate or fence, with its size: the smallest around a spot says where that is."""

    name: str
    size_m2: float
    ring: tuple[Spot, ...]
    centre: Spot | None
    radius_m: float

    def holds(self, spot: Spot) -> bool:
        if self.centre is not None:
            return distance_m(spot, self.centre) <= self.radius_m
        return inside(spot, self.ring)


class _Drawn(msgspec.Struct, frozen=True):
    """What was read of one site's map."""

    fences: tuple[Fence, ...] = ()
    places: tuple[Place, ...] = ()
    roads: tuple[tuple[Spot, ...], ...] = ()
    areas: tuple[_Area, ...] = ()
    by_name: dict[str, Place] = {}
    landmarks: tuple[Place, ...] = ()
    """Places that tell where something is: all but the slots of a car park."""


_NOTHING = _Drawn()


class SiteMaps:
    """See ``cloud.assets.contract.SiteMap``. Maps are checked (``map_rules``) before they come here."""

    def __init__(self) -> None:
        self._drawn: dict[str, _Drawn] = {}
        self._documents: dict[str, Mapping[str, object]] = {}
        self._revs: dict[str, int] = {}

    def take(self, site: str, document: Mapping[str, object], rev: int) -> None:
        """Know this map of a site."""
        self._documents[site], self._revs[site] = document, rev
        self._drawn[site] = _read(site, document)

    def document(self, site: str) -> Mapping[str, object] | None:
        """The map as it was put; None for a site without one."""
        return self._documents.get(site)

    def rev(self, site: str) -> int:
        """How often it was put; 0 without one."""
        return self._revs.get(site, 0)

    def sites(self) -> set[str]:
        """Sites with a map."""
        return set(self._documents)

    def fences(self, site: str) -> Sequence[Fence]:
        return self._drawn.get(site, _NOTHING).fences

    def places(self, site: str) -> Sequence[Place]:
        return self._drawn.get(site, _NOTHING).places

    def place(self, site: str, name: str) -> Place | None:
        """By id or name, in any of its languages."""
        return self._drawn.get(site, _NOTHING).by_name.get(name)

    def roads(self, site: str) -> Sequence[Sequence[Spot]]:
        return self._drawn.get(site, _NOTHING).roads

    def where(self, site: str, spot: Spot) -> str:
        drawn = self._drawn.get(site, _NOTHING)
        for area in drawn.areas:
            if area.holds(spot):
                return area.name
        near = [(distance_m(spot, place.spot), place.name) for place in drawn.landmarks]
        return min(near)[1] if near and min(near)[0] <= NEAR_M else ""


def features_of(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The features of a FeatureCollection."""
    found = document.get("features")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def words_of(name: object) -> Words:
    """The name of a feature by language; one text stands for all."""
    if isinstance(name, str):
        return {"en": name, "zh": name}
    return {str(key): str(text) for key, text in name.items()} if isinstance(name, dict) else {}


def _read(site: str, document: Mapping[str, object]) -> _Drawn:
    fences: list[Fence] = []
    places: list[Place] = []
    roads: list[tuple[Spot, ...]] = []
    areas: list[_Area] = []
    by_name: dict[str, Place] = {}
    landmarks: list[Place] = []
    for feature in features_of(document):
        about, shape = feature.get("properties"), feature.get("geometry")
        if not isinstance(about, dict) or not isinstance(shape, dict):
            continue
        kind, words = str(about.get("kind", "")), words_of(about.get("name"))
        name = words.get("zh") or words.get("en") or str(about.get("id", ""))
        if kind in ("road", "path"):
            roads += _lines(shape) if kind == "road" else ()
            continue
        area = _area(name, about, shape)
        if kind == "gate" and area is None:
            area = _area(name, {"radius_m": GATE_M}, shape)
        if area is not None and kind in ("building", "gate", *FENCE_KINDS):
            areas.append(area)
        if area is not None and kind in FENCE_KINDS:
            fences.append(_fence(site, name, about, area))
        spot = _spot(shape, area)
        if spot is not None and kind in PLACE_KINDS:
            place = Place(site=site, id=str(about.get("id", "")), name=name, kind=kind, spot=spot)
            places.append(place)
            if "of" not in about:
                landmarks.append(place)
            for each in (place.id, *words.values()):
                by_name.setdefault(each, place)
    areas.sort(key=lambda each: each.size_m2)
    return _Drawn(tuple(fences), tuple(places), tuple(roads), tuple(areas), by_name, tuple(landmarks))


def _fence(site: str, name: str, about: Mapping[str, object], area: _Area) -> Fence:
    parking = about.get("kind") == "parking"
    schedule = about.get("schedule")
    dwell = about.get("min_dwell_s", 0)
    return Fence(
        site=site,
        id=str(about.get("id", "")),
        name=name,
        purpose="parking" if parking else str(about.get("purpose", "area")),
        ring=area.ring,
        centre=area.centre,
        radius_m=area.radius_m,
        schedule=tuple(str(each) for each in schedule) if isinstance(schedule, list) else (),
        min_dwell_s=float(dwell) if isinstance(dwell, int | float) else 0.0,
    )


def _area(name: str, about: Mapping[str, object], shape: Mapping[str, object]) -> _Area | None:
    radius = about.get("radius_m")
    if shape.get("type") == "Polygon":
        ring = ring_of(shape)
        return _Area(name, area_m2(ring), ring, None, 0.0)
    if shape.get("type") == "Point" and isinstance(radius, int | float) and radius > 0:
        return _Area(name, 3.14159 * radius * radius, (), _point(shape["coordinates"]), float(radius))
    return None


def _spot(shape: Mapping[str, object], area: _Area | None) -> Spot | None:
    if shape.get("type") == "Point":
        return _point(shape["coordinates"])
    return middle_of(area.ring) if area is not None else None


def _lines(shape: Mapping[str, object]) -> list[tuple[Spot, ...]]:
    coordinates = shape.get("coordinates")
    if not isinstance(coordinates, list):
        return []
    if shape.get("type") == "LineString":
        return [_spots(coordinates)]
    return [_spots(line) for line in coordinates] if shape.get("type") == "MultiLineString" else []


def ring_of(shape: Mapping[str, object]) -> tuple[Spot, ...]:
    """The outer ring of a polygon, its first corner not repeated."""
    coordinates = shape["coordinates"]
    assert isinstance(coordinates, list)
    spots = _spots(coordinates[0])
    return spots[:-1] if len(spots) > 1 and spots[0] == spots[-1] else spots


def area_m2(ring: Sequence[Spot]) -> float:
    """Of a polygon of some kilometres at the most."""
    corners = [metres_from(ring[0], spot) for spot in ring]
    twice = sum(
        corners[index - 1][0] * corner[1] - corner[0] * corners[index - 1][1] for index, corner in enumerate(corners)
    )
    return abs(twice) / 2


def middle_of(ring: Sequence[Spot]) -> Spot:
    """The mean of the corners: for names and distances, not for geometry."""
    return Spot(sum(each.latitude for each in ring) / len(ring), sum(each.longitude for each in ring) / len(ring))


def _spots(coordinates: Iterable[object]) -> tuple[Spot, ...]:
    return tuple(_point(each) for each in coordinates)


def _point(coordinates: object) -> Spot:
    assert isinstance(coordinates, list)
    return Spot(float(coordinates[1]), float(coordinates[0]))
