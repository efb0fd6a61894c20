"""The fences of a site, made ready for a thousand fixes a second: on a plane in metres, found by a grid."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cloud.assets.contract import Fence
from cloud.geo.earth import EARTH_M, Spot

CELL_M = 500.0
CELLS_MAX = 64
"""A fence over more cells is looked at everywhere."""

Flat = tuple[float, float]

_NOBODY: frozenset[str] = frozenset()


class Shape(NamedTuple):
    """One fence. corners: its ring on the plane; empty for a circle."""

    fence: Fence
    corners: tuple[Flat, ...]
    centre: Flat
    radius_m: float
    west: float
    south: float
    east: float
    north: float

    def holds(self, x: float, y: float) -> bool:
        """Whether the place lies within the boundary."""
        if not self.west <= x <= self.east or not self.south <= y <= self.north:
            return False
        if not self.corners:
            return math.hypot(x - self.centre[0], y - self.centre[1]) <= self.radius_m
        hit = False
        before_x, before_y = self.corners[-1]
        for corner_x, corner_y in self.corners:
            if (corner_y > y) != (before_y > y) and x < corner_x + (y - corner_y) * (before_x - corner_x) / (
                before_y - corner_y
            ):
                hit = not hit
            before_x, before_y = corner_x, corner_y
        return hit

    def beyond_m(self, x: float, y: float) -> float:
        """How far outside the boundary a place is that lies outside."""
        if not self.corners:
            return math.hypot(x - self.centre[0], y - self.centre[1]) - self.radius_m
        return min(_distance(x, y, self.corners[index - 1], corner) for index, corner in enumerate(self.corners))

    def crossed(self, start: Flat, end: Flat) -> tuple[float, float] | None:
        """Between which shares of the way from start to end (both outside) it lies within; None when never."""
        west, east = min(start[0], end[0]), max(start[0], end[0])
        south, north = min(start[1], end[1]), max(start[1], end[1])
        if west > self.east or east < self.west or south > self.north or north < self.south:
            return None
        shares = self._crossings(start, end)
        return (shares[0], shares[-1]) if len(shares) > 1 else None

    def _crossings(self, start: Flat, end: Flat) -> list[float]:
        way = (end[0] - start[0], end[1] - start[1])
        if not self.corners:
            offset = (start[0] - self.centre[0], start[1] - self.centre[1])
            square = way[0] ** 2 + way[1] ** 2
            half = offset[0] * way[0] + offset[1] * way[1]
            root = half**2 - square * (offset[0] ** 2 + offset[1] ** 2 - self.radius_m**2)
            if square == 0 or root <= 0:
                return []
            shares = ((-half - math.sqrt(root)) / square, (-half + math.sqrt(root)) / square)
            return [share for share in shares if 0 <= share <= 1]
        found = []
        for index, corner in enumerate(self.corners):
            before = self.corners[index - 1]
            side = (corner[0] - before[0], corner[1] - before[1])
            area = way[0] * side[1] - way[1] * side[0]
            if area == 0:
                continue
            gap = (before[0] - start[0], before[1] - start[1])
            share = (gap[0] * side[1] - gap[1] * side[0]) / area
            along = (gap[0] * way[1] - gap[1] * way[0]) / area
            if 0 <= share <= 1 and 0 <= along <= 1:
                found.append(share)
        return sorted(found)


class Shapes:
    """All fences of a site. An empty one answers nothing."""

    def __init__(self, fences: Iterable[Fence] = ()) -> None:
        known = [fence for fence in fences if fence.centre is not None or len(fence.ring) >= 3]
        first = (known[0].centre or known[0].ring[0]) if known else Spot(0.0, 0.0)
        self._origin = first
        self._per_degree = math.radians(1) * EARTH_M
        self._squash = self._per_degree * math.cos(math.radians(first.latitude))
        self.all: tuple[Shape, ...] = tuple(self._shape(fence) for fence in known)
        self.by_id = {shape.fence.id: shape for shape in self.all}
        purposes = {shape.fence.purpose for shape in self.all}
        self._purposes = {
            purpose: frozenset(shape.fence.id for shape in self.all if shape.fence.purpose == purpose)
            for purpose in purposes
        }
        self._wide: tuple[Shape, ...] = ()
        self._cells: dict[tuple[int, int], tuple[Shape, ...]] = {}
        for shape in self.all:
            self._enter(shape)

    def flat(self, spot: Spot) -> Flat:
        """East and north of the first fence, metres."""
        return (
            (spot.longitude - self._origin.longitude) * self._squash,
            (spot.latitude - self._origin.latitude) * self._per_degree,
        )

    def near(self, x: float, y: float) -> Sequence[Shape]:
        """Fences that may hold the place."""
        here = self._cells.get((int(x // CELL_M), int(y // CELL_M)), ())
        return here + self._wide if self._wide else here

    def ids(self, purpose: str) -> frozenset[str]:
        """Fences of this purpose."""
        return self._purposes.get(purpose, _NOBODY)

    def named(self, name: str) -> str | None:
        """The id of the fence of this id or name."""
        if name in self.by_id:
            return name
        return next((shape.fence.id for shape in self.all if shape.fence.name == name), None)

    def _shape(self, fence: Fence) -> Shape:
        if fence.centre is not None:
            x, y = self.flat(fence.centre)
            radius_m = fence.radius_m
            return Shape(fence, (), (x, y), radius_m, x - radius_m, y - radius_m, x + radius_m, y + radius_m)
        corners = tuple(self.flat(corner) for corner in fence.ring)
        xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
        return Shape(fence, corners, (0.0, 0.0), 0.0, min(xs), min(ys), max(xs), max(ys))

    def _enter(self, shape: Shape) -> None:
        columns = range(int(shape.west // CELL_M), int(shape.east // CELL_M) + 1)
        rows = range(int(shape.south // CELL_M), int(shape.north // CELL_M) + 1)
        if len(columns) * len(rows) > CELLS_MAX:
            self._wide = (*self._wide, shape)
            return
        for column in columns:
            for row in rows:
                self._cells[column, row] = (*self._cells.get((column, row), ()), shape)


def _distance(x: float, y: float, start: Flat, end: Flat) -> float:
    side = (end[0] - start[0], end[1] - start[1])
    square = side[0] ** 2 + side[1] ** 2
    share = ((x - start[0]) * side[0] + (y - start[1]) * side[1]) / square if square else 0.0
    share = max(0.0, min(1.0, share))
    return math.hypot(start[0] + share * side[0] - x, start[1] + share * side[1] - y)
