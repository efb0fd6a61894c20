"""How far it is and how long it takes: learned from finished journeys, along the drawn roads, or a plain estimate.

Distance: the drawn roads where both ends lie near one, else as the crow flies times a road factor. Time: the median
pace of finished journeys of this distance and hour, then of this distance, else the plain speed. Each answer says
which of these it came from and on how many journeys it stands.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cloud.dispatch.learned import BANDS_M, Learned, band_of
from cloud.dispatch.roads import RoadBook
from cloud.dispatch.settings import DispatchSettings
from cloud.geo.earth import EARTH_M, Spot, distance_m

Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """``source``: ``learned_hour``, ``learned``, ``road`` or ``default``; ``n``: journeys it stands on."""

    seconds: float
    distance_m: float
    source: str
    n: int


class TravelTimes:
    """Estimates for one collector. ``kind`` is that of the resource: people walk."""

    def __init__(
        self,
        learned: Learned,
        roads: RoadBook,
        settings_of: Callable[[str], DispatchSettings],
        zone_of: Callable[[str], ZoneInfo],
    ) -> None:
        self._learned, self._roads, self._settings_of, self._zone_of = learned, roads, settings_of, zone_of

    def hour_of(self, site: str, at: int) -> int:
        """Hour of the site's day."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self._zone_of(site)).hour

    def estimate(self, site: str, kind: str, start: Spot, end: Spot, at: int) -> Estimate:
        """Of one journey that begins at ``at`` (ms)."""
        straight = distance_m(start, end)
        by_road = self._roads.distance(site, start, end) if kind == "vehicle" else None
        return self._of(site, kind, straight, by_road, self.hour_of(site, at))

    def matrix(
        self, site: str, kind: str, starts: Sequence[Spot | None], ends: Sequence[Spot | None], at: int
    ) -> tuple[Floats, Floats]:
        """Metres and seconds from each start (columns) to each end (rows); NaN where a place is not known."""
        straight = straight_m(ends, starts)
        settings, hour, bands = self._settings_of(site), self.hour_of(site, at), _bands(straight)
        metres = straight * settings.road_factor
        paces = self._learned.paces(site, kind, hour)
        for band in range(len(BANDS_M) + 1):
            factor = self._learned.factor(site, kind, band)
            if factor is not None:
                metres = np.where(bands == band, straight * factor.value, metres)
        if kind == "vehicle":
            by_road = self._roads.matrix(site, starts, ends)
            metres = np.where(np.isnan(by_road) | np.isnan(straight), metres, by_road)
        seconds = settings.start_s + metres / _metres_per_s(settings, kind)
        for band, pace in paces.items():
            seconds = np.where(bands == band, straight * pace.s_per_m, seconds)
        return metres, seconds

    def _of(self, site: str, kind: str, straight: float, by_road: float | None, hour: int) -> Estimate:
        settings, band = self._settings_of(site), band_of(straight)
        factor = self._learned.factor(site, kind, band)
        far = by_road if by_road is not None else straight * (factor.value if factor else settings.road_factor)
        pace = self._learned.paces(site, kind, hour).get(band)
        if pace is not None:
            return Estimate(straight * pace.s_per_m, far, pace.source, pace.n)
        seconds = settings.start_s + far / _metres_per_s(settings, kind)
        return Estimate(seconds, far, "road" if by_road is not None else "default", 0)


def straight_m(rows: Sequence[Spot | None], columns: Sequence[Spot | None]) -> Floats:
    """Great-circle distances (haversine) of all pairs; NaN where a spot is None."""
    lat1, lon1 = _radians(rows)
    lat2, lon2 = _radians(columns)
    half_lat, half_lon = (lat2[None, :] - lat1[:, None]) / 2, (lon2[None, :] - lon1[:, None]) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(lat1)[:, None] * np.cos(lat2)[None, :] * np.sin(half_lon) ** 2
    metres: Floats = 2 * EARTH_M * np.arcsin(np.minimum(1.0, np.sqrt(chord)))
    return metres


def _radians(spots: Sequence[Spot | None]) -> tuple[Floats, Floats]:
    flat = np.array([(math.nan, math.nan) if spot is None else spot for spot in spots], np.float64).reshape(-1, 2)
    return np.radians(flat[:, 0]), np.radians(flat[:, 1])


def _bands(straight: Floats) -> npt.NDArray[np.int64]:
    return np.digitize(straight, BANDS_M)


def _metres_per_s(settings: DispatchSettings, kind: str) -> float:
    return (settings.vehicle_kmh if kind == "vehicle" else settings.walking_kmh) / 3.6
