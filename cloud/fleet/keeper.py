"""Days of vehicles on their way to the registry: gathered, and written together."""

import logging

from cloud.assets.contract import AssetKey
from cloud.fleet.day import DayResult, stored
from cloud.registry.trip_book import StoredDay, TripBook
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)


class Keeper:
    """``keep`` and ``redo`` note, ``flush`` writes. What could not be written waits."""

    def __init__(self, book: TripBook) -> None:
        self._book = book
        self._days: dict[tuple[AssetKey, int], StoredDay] = {}
        self._redo: dict[AssetKey, int | None] = {}

    def keep(self, key: AssetKey, day: DayResult) -> None:
        """A day, as it is now; the newest account of it is written."""
        self._days[key, day.day] = stored(key, day)

    def redo(self, key: AssetKey, day: int | None) -> None:
        """The day from which on a vehicle is to be worked out anew; None when there is none."""
        self._redo[key] = day

    async def flush(self) -> None:
        """Write what was gathered. While the registry takes nothing it waits."""
        if not self._days and not self._redo:
            return
        days, redo = self._days, self._redo
        self._days, self._redo = {}, {}
        try:
            await self._book.write(list(days.values()), list(redo.items()))
        except StoreUnavailable as error:
            log.warning("%d days of vehicles are not written yet: %s", len(days), error)
            self._days, self._redo = days | self._days, redo | self._redo
