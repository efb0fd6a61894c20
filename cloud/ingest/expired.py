"""What comes so late that it would be deleted at once: it is acknowledged and counted, and not stored.

A gateway that was away for months brings card reads and positions that are older than they may be kept. Its batch is
stored under its name, so that it is never asked for again; what is of people and too old is left out of it. So are
events of people that were deleted on request and that a gateway sends again after a restore.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cloud.ingest.decode import Columns
from cloud.store.contract import SeriesKey
from cloud.store.personal import ACCESS_KINDS, TRACK_KINDS, TRACK_POINTS
from protocols.reading import Event

DAY_MS = 86_400_000

Mask = npt.NDArray[np.bool_]


class Expiry:
    """``days``: class of what is kept of people -> days, None for ever. ``deleted``: (at, device, kind) of events that
    were deleted and may come again."""

    def __init__(self, days: Mapping[str, int | None], deleted: Collection[tuple[int, str, str]] = frozenset()) -> None:
        self._deleted = deleted
        self._access, self._tracks = days.get("access"), days.get("tracks")

    def positions_from(self, now_ms: int) -> int:
        """Positions observed before this instant are not stored."""
        return -(2**63) if self._tracks is None else now_ms - self._tracks * DAY_MS

    def events(self, events: Sequence[Event], now_ms: int) -> list[Event]:
        """Those that are young enough, and were not deleted before."""
        return [
            event
            for event in events
            if event.at >= self._limit(event.kind, now_ms) and (event.at, event.device, event.kind) not in self._deleted
        ]

    def columns(self, columns: Columns, keys: Sequence[SeriesKey], now_ms: int) -> Columns:
        """Readings without positions that are too old. ``keys``: of the series, by number."""
        if self._tracks is None or not len(columns.at):
            return columns
        old = columns.at < self.positions_from(now_ms)
        if not old.any():
            return columns
        where = {
            number for number in np.unique(columns.series[old]).tolist()
            if 0 <= number < len(keys) and keys[number].point in TRACK_POINTS
        }  # fmt: skip
        kept: Mask = ~(old & np.isin(columns.series, list(where)))
        return Columns(columns.series[kept], columns.at[kept], columns.value[kept], columns.quality[kept])

    def _limit(self, kind: str, now_ms: int) -> int:
        days = self._access if kind in ACCESS_KINDS else self._tracks if kind in TRACK_KINDS else None
        return -(2**63) if days is None else now_ms - days * DAY_MS
