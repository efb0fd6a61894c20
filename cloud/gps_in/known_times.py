"""Which instants of a device are stored: by device and day, read from the store when they are asked for."""

from collections import OrderedDict
from typing import NamedTuple

from cloud.store.contract import SeriesKey, SeriesStore

DAY_MS = 86_400_000
DAYS_KEPT = 256
"""Days of devices in RAM; a phone that reports every second has 86,400 instants in one."""


class DeviceDay(NamedTuple):
    site: str
    device: str
    day: int


class KnownTimes:
    """The store is the memory, so a restart forgets nothing."""

    def __init__(self, store: SeriesStore) -> None:
        self._store = store
        self._days: OrderedDict[DeviceDay, set[int]] = OrderedDict()

    async def of(self, site: str, device: str, at: int) -> set[int]:
        """All stored instants of the day ``at`` lies in; add to it what was stored since. Raises StoreUnavailable."""
        name = DeviceDay(site, device, at // DAY_MS)
        known = self._days.get(name)
        if known is None:
            begin = name.day * DAY_MS
            found = await self._store.samples([(SeriesKey(site, device, "latitude"), begin)], begin + DAY_MS)
            known = self._days[name] = set(found.at.tolist())
            while len(self._days) > DAYS_KEPT:
                self._days.popitem(last=False)
        self._days.move_to_end(name)
        return known

    def forget(self, site: str, device: str, at: int) -> None:
        """Read this day again when it is asked for: nobody knows what became of a commit."""
        self._days.pop(DeviceDay(site, device, at // DAY_MS), None)
