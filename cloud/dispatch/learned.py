"""Travel times learned from finished journeys: the median pace by site, kind, distance and hour of the day."""

import bisect
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cloud.dispatch.contract import TravelRow

BANDS_M = (500.0, 2_000.0, 5_000.0, 15_000.0, 50_000.0)
"""Bounds of the distance bands, as the crow flies."""
ENOUGH = 5
"""Journeys in a cell before it is believed."""
KEPT_PER_SITE = 5_000
SHORTEST_M = 100.0
"""Shorter journeys say more of the position's noise than of the road."""
SLOWEST_S_PER_M, FASTEST_S_PER_M = 6.0, 0.02
"""0.6 km/h and 180 km/h as the crow flies: beyond, something else than driving was measured."""

ANY_HOUR = -1


class Pace(NamedTuple):
    """Seconds per metre as the crow flies, start included."""

    s_per_m: float
    n: int
    source: str
    """``learned_hour`` or ``learned``."""


class Factor(NamedTuple):
    """Metres driven per metre as the crow flies."""

    value: float
    n: int


def band_of(straight_m: float) -> int:
    """Number of the distance band: 0 is the shortest."""
    return bisect.bisect_right(BANDS_M, straight_m)


def teaches(row: TravelRow) -> bool:
    """Whether a journey says something about travelling."""
    if row.straight_m < SHORTEST_M or row.travel_s <= 0:
        return False
    if row.road_m is not None and not 0.9 <= row.road_m / row.straight_m <= 10:
        return False
    return FASTEST_S_PER_M <= row.travel_s / row.straight_m <= SLOWEST_S_PER_M


class Learned:
    """All journeys that count, in RAM. ``take`` adds; medians are worked out when asked for and kept."""

    def __init__(self) -> None:
        self._cells: defaultdict[tuple[str, str, int, int], list[float]] = defaultdict(list)
        self._factors: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
        self._paces: dict[tuple[str, str, int], dict[int, Pace]] = {}

    def take(self, rows: Iterable[TravelRow]) -> None:
        """Learn from journeys, the oldest first; of each cell the newest ``KEPT_PER_SITE`` count."""
        for row in rows:
            if not teaches(row):
                continue
            band = band_of(row.straight_m)
            for hour in (row.hour, ANY_HOUR):
                _append(self._cells[row.site, row.kind, band, hour], row.travel_s / row.straight_m)
            if row.road_m is not None:
                _append(self._factors[row.site, row.kind, band], row.road_m / row.straight_m)
            for key in [key for key in list(self._paces) if key[:2] == (row.site, row.kind)]:
                del self._paces[key]

    def paces(self, site: str, kind: str, hour: int) -> Mapping[int, Pace]:
        """By band, for that hour of the day; bands in which too little was learned are not there."""
        known = self._paces.get((site, kind, hour))
        if known is None:
            known = self._paces[site, kind, hour] = {}
            for band in range(len(BANDS_M) + 1):
                pace = self._pace(site, kind, band, hour)
                if pace is not None:
                    known[band] = pace
        return known

    def factor(self, site: str, kind: str, band: int) -> Factor | None:
        """How much longer the road is, by odometers; None when too little was learned."""
        known = self._factors.get((site, kind, band), [])
        return Factor(statistics.median(known), len(known)) if len(known) >= ENOUGH else None

    def table(self, site: str) -> list[dict[str, object]]:
        """All cells that are believed, for people."""
        return [
            {
                "kind": kind,
                "from_m": BANDS_M[band - 1] if band else 0,
                "to_m": BANDS_M[band] if band < len(BANDS_M) else None,
                "hour": None if hour == ANY_HOUR else hour,
                "s_per_km": round(statistics.median(paces) * 1000, 1),
                "n": len(paces),
            }
            for (where, kind, band, hour), paces in sorted(self._cells.items())
            if where == site and len(paces) >= ENOUGH
        ]

    def _pace(self, site: str, kind: str, band: int, hour: int) -> Pace | None:
        for at, source in ((hour, "learned_hour"), (ANY_HOUR, "learned")):
            known = self._cells.get((site, kind, band, at), [])
            if len(known) >= ENOUGH:
                return Pace(statistics.median(known), len(known), source)
        return None


def _append(numbers: list[float], number: float) -> None:
    numbers.append(number)
    if len(numbers) > KEPT_PER_SITE:
        del numbers[0]
