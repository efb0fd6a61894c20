"""Distances along the roads that a site has drawn: a small graph and Dijkstra from one end.

Lines are joined where they pass within ``JOIN_M`` of each other's ends. A spot further than ``NEAR_M`` from any road is
not on the drawing: then nobody here answers, and the plain estimate does.
"""

import heapq
import math
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cloud.geo.earth import Spot, distance_m, metres_from

NEAR_M = 120.0
JOIN_M = 5.0
STEP_M = 20.0
"""Long lines get a node every so many metres, so that every spot is near one."""
NODES_MAX = 20_000
KEPT = 512

Line = Sequence[Spot]
Floats = npt.NDArray[np.float64]


class Drawing(Protocol):
    """The part of the site's map that is asked."""

    def roads(self, site: str) -> Sequence[Line]: ...


class RoadGraph:
    """The roads of one site. Raises nothing: what is not connected has no distance."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.nodes: list[Spot] = []
        self._edges: list[list[tuple[int, float]]] = []
        self._cells: dict[tuple[int, int], list[int]] = {}
        self._origin = lines[0][0]
        self._kept: OrderedDict[int, list[float]] = OrderedDict()
        for line in lines:
            self._draw(line)
        self._plane = np.array([metres_from(self._origin, node) for node in self.nodes], np.float64).reshape(-1, 2)

    def nearest(self, spot: Spot) -> tuple[int, float] | None:
        """The node that is nearest, and how far it is; None when none is near."""
        here = np.array(metres_from(self._origin, spot))
        away: Floats = np.hypot(*(self._plane - here).T)
        index = int(np.argmin(away))
        return (index, float(away[index])) if away[index] <= NEAR_M else None

    def from_node(self, start: int) -> list[float]:
        """Metres from a node to all others; infinite where no road leads. Kept for the next who asks."""
        known = self._kept.get(start)
        if known is not None:
            self._kept.move_to_end(start)
            return known
        best = [math.inf] * len(self.nodes)
        best[start] = 0.0
        ahead = [(0.0, start)]
        while ahead:
            far, node = heapq.heappop(ahead)
            if far > best[node]:
                continue
            for other, length in self._edges[node]:
                if far + length < best[other]:
                    best[other] = far + length
                    heapq.heappush(ahead, (best[other], other))
        self._kept[start] = best
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return best

    def _draw(self, line: Line) -> None:
        before: int | None = None
        for spot in _dense(line):
            if len(self.nodes) >= NODES_MAX:
                return
            node = self._node(spot)
            if before is not None and before != node:
                length = distance_m(self.nodes[before], self.nodes[node])
                self._edges[before].append((node, length))
                self._edges[node].append((before, length))
            before = node

    def _node(self, spot: Spot) -> int:
        """An old node when one lies within ``JOIN_M``, else a new one."""
        east, north = metres_from(self._origin, spot)
        column, row = math.floor(east / JOIN_M), math.floor(north / JOIN_M)
        for x in (column - 1, column, column + 1):
            for y in (row - 1, row, row + 1):
                for index in self._cells.get((x, y), ()):
                    if distance_m(self.nodes[index], spot) <= JOIN_M:
                        return index
        self.nodes.append(spot)
        self._edges.append([])
        self._cells.setdefault((column, row), []).append(len(self.nodes) - 1)
        return len(self.nodes) - 1


class RoadBook:
    """The graphs of all sites; built when first asked for, and anew when the drawing changed."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._graphs: dict[str, tuple[Sequence[Line], RoadGraph | None]] = {}

    def drawn(self, site: str) -> bool:
        """Whether anybody drew roads."""
        return self._graph(site) is not None

    def distance(self, site: str, start: Spot, end: Spot) -> float | None:
        """Metres along the roads; None when one end is not near any, or no road leads there."""
        far = float(self.matrix(site, [start], [end])[0, 0])
        return None if math.isnan(far) else far

    def matrix(self, site: str, starts: Sequence[Spot | None], ends: Sequence[Spot | None]) -> Floats:
        """The same of many: from each start (columns) to each end (rows); NaN for None."""
        found = np.full((len(ends), len(starts)), math.nan)
        graph = self._graph(site)
        if graph is None:
            return found
        snapped = [graph.nearest(start) if start is not None else None for start in starts]
        columns = [index for index, near in enumerate(snapped) if near is not None]
        nodes = [near[0] for near in snapped if near is not None]
        aside = np.array([near[1] for near in snapped if near is not None])
        for row, end in enumerate(ends):
            target = graph.nearest(end) if end is not None else None
            if target is not None and columns:
                whole = np.array(graph.from_node(target[0]))[nodes] + aside + target[1]
                found[row, columns] = np.where(np.isfinite(whole), whole, math.nan)
        return found

    def _graph(self, site: str) -> RoadGraph | None:
        lines = self._drawing.roads(site)
        known = self._graphs.get(site)
        if known is None or (known[0] is not lines and known[0] != lines):
            drawn = [line for line in lines if len(line) > 1]
            known = (lines, RoadGraph(drawn) if drawn else None)
            self._graphs[site] = known
        return known[1]


def _dense(line: Line) -> list[Spot]:
    spots = [line[0]]
    for start, end in pairwise(line):
        parts = max(1, math.ceil(distance_m(start, end) / STEP_M))
        for part in range(1, parts + 1):
            share = part / parts
            spots.append(
                Spot(
                    start.latitude + (end.latitude - start.latitude) * share,
                    start.longitude + (end.longitude - start.longitude) * share,
                )
            )
    return spots
