"""The streets: the compound's roads as they are drawn on the sample map, and the way into town. Pure functions.

Inside, vehicles keep to the drawn roads and go through a gate. What lies behind the gates is not drawn: there they
drive on a grid of streets, first along the parallel and then along the meridian.
"""

from __future__ import annotations

import heapq
import itertools
import math
from functools import cache
from typing import NamedTuple

from simulators import sample_site
from simulators.sample_site import Spot

METRES_PER_DEGREE = 111_320.0
GATE_NAMES = ("road-outside-north", "road-outside-east")
"""Roads whose outer end leads to town; the other gates lead to the canal or to nowhere."""
NORTH_STREET = 30.2772
"""Latitude of the street before the north gate."""
ERRANDS = {
    "社区服务站": Spot(30.2748, 120.1572),
    "邮政支局": Spot(30.2716, 120.1561),
    "银行网点": Spot(30.2782, 120.1584),
}
"""Places near by that the map does not name: a trip there takes a few minutes."""


class _Edge(NamedTuple):
    one: Spot
    other: Spot
    metres: float


def metres(one: Spot | tuple[float, float], other: Spot | tuple[float, float]) -> float:
    """Between two near places."""
    north = (other[0] - one[0]) * METRES_PER_DEGREE
    east = (other[1] - one[1]) * METRES_PER_DEGREE * math.cos(math.radians(one[0]))
    return math.hypot(north, east)


@cache
def _edges() -> tuple[_Edge, ...]:
    return tuple(
        _Edge(one, other, metres(one, other))
        for road in sample_site.roads()
        for one, other in itertools.pairwise(road.spots)
    )


@cache
def exits() -> tuple[Spot, ...]:
    """Where the compound's roads end in town."""
    ends = {road.id: road.spots for road in sample_site.roads()}
    inside = {spot for edge in _edges() for spot in (edge.one, edge.other)}
    nodes = {spot: sum(spot in (edge.one, edge.other) for edge in _edges()) for spot in inside}
    return tuple(next(spot for spot in ends[name] if nodes[spot] == 1) for name in GATE_NAMES)


def nearest_on_road(spot: Spot) -> tuple[Spot, float]:
    """The nearest point of any drawn road, and how far it is."""
    _, at = _nearest(spot)
    return at, metres(spot, at)


def inside(spot: Spot) -> bool:
    """Whether a place is in the compound or right before its gates."""
    return 30.2728 < spot.latitude < 30.2762 and 120.1479 < spot.longitude < 120.1528


def route(start: Spot, end: Spot, gate: int = 0) -> tuple[Spot, ...]:
    """The corners of the way between two places, each in the compound or in town. ``gate``: which exit is taken."""
    if inside(start) and inside(end):
        return _tidy((start, *_along_roads(start, end), end))
    if not inside(start) and not inside(end):
        return _tidy((start, Spot(start.latitude, end.longitude), end))
    if inside(end):
        return tuple(reversed(route(end, start, gate)))
    out = exits()[gate % len(exits())]
    if gate % len(exits()) == 0:
        street = Spot(NORTH_STREET, out.longitude)
        town = (street, Spot(street.latitude, end.longitude))
    else:
        town = (out, Spot(out.latitude, end.longitude))
    return _tidy((start, *_along_roads(start, out), *town, end))


def _along_roads(start: Spot, end: Spot) -> tuple[Spot, ...]:
    """The shortest way on drawn roads between the points of them that lie nearest."""
    (first, begin), (last, stop) = _nearest(start), _nearest(end)
    if first == last:
        return (begin, stop)
    around: dict[Spot, list[tuple[Spot, float]]] = {}
    for edge in _edges():
        _join(around, edge.one, edge.other)
    for spot, edge in ((begin, first), (stop, last)):
        _join(around, spot, edge.one)
        _join(around, spot, edge.other)
    waiting: list[tuple[float, tuple[Spot, ...]]] = [(0.0, (begin,))]
    seen: set[Spot] = set()
    while waiting:
        gone, way = heapq.heappop(waiting)
        if way[-1] == stop:
            return way
        if way[-1] in seen:
            continue
        seen.add(way[-1])
        for to, length in around[way[-1]]:
            if to not in seen:
                heapq.heappush(waiting, (gone + length, (*way, to)))
    raise ValueError(f"no road of the map leads from {start} to {end}")


def _join(around: dict[Spot, list[tuple[Spot, float]]], one: Spot, other: Spot) -> None:
    length = metres(one, other)
    around.setdefault(one, []).append((other, length))
    around.setdefault(other, []).append((one, length))


def _nearest(spot: Spot) -> tuple[_Edge, Spot]:
    found = min(_edges(), key=lambda edge: metres(spot, _foot(edge, spot)))
    return found, _foot(found, spot)


def _foot(edge: _Edge, spot: Spot) -> Spot:
    """The point of a road nearest to ``spot``."""
    scale = math.cos(math.radians(spot.latitude))
    north, east = edge.other[0] - edge.one[0], (edge.other[1] - edge.one[1]) * scale
    up, right = spot[0] - edge.one[0], (spot[1] - edge.one[1]) * scale
    square = north * north + east * east
    share = min(1.0, max(0.0, (up * north + right * east) / square)) if square else 0.0
    return Spot(
        edge.one[0] + (edge.other[0] - edge.one[0]) * share, edge.one[1] + (edge.other[1] - edge.one[1]) * share
    )


def _tidy(way: tuple[Spot, ...]) -> tuple[Spot, ...]:
    """Without corners that lie where the one before lies; always two at least."""
    kept = [way[0]]
    for spot in way[1:]:
        if metres(kept[-1], spot) > 0.5:
            kept.append(spot)
    return tuple(kept) if len(kept) > 1 else (way[0], way[-1])
