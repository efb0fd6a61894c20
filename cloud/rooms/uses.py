"""How rooms were used over some time, from the counts of their days; and which of them are little used."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from cloud.assets.contract import AssetKey, Calendar, Journal, Roster
from cloud.registry.place_days_book import PlaceDay
from cloud.rooms.counting import RoomCount, Use, is_for_evaluation, use_of

DAY_MS = 86_400_000
USE_DAYS = 30


class DayCounts(Protocol):
    """Where counts of days rest (``cloud.registry.place_days_book``)."""

    async def write(self, days: Sequence[PlaceDay], *, now: int) -> None: ...

    async def read(self, site: str, kind: str, since: int, until: int, entity: str | None = None) -> list[PlaceDay]: ...


class RoomUse(NamedTuple):
    """How a room was used over a period."""

    key: AssetKey
    name: str
    use: Use
    evaluation: bool
    counted: Sequence[RoomCount]


class RoomUses:
    """Reads counts that were written down."""

    def __init__(self, roster: Roster, calendar: Calendar, journal: Journal, days: DayCounts) -> None:
        self._roster, self._calendar, self._journal, self._days = roster, calendar, journal, days
        self._evaluated: dict[str, tuple[int, float, frozenset[AssetKey]]] = {}
        """By site: on which day, by which threshold and of which rooms."""

    async def of(self, site: str, since: int, until: int, under: float) -> list[RoomUse]:
        """How each room was used on the days that begin in [since, until)."""
        by_room: dict[str, list[RoomCount]] = {}
        for row in await self._days.read(site, "room", since, until):
            by_room.setdefault(row.entity, []).append(msgspec.json.decode(row.counts, type=RoomCount))
        found = []
        for asset in self._roster.all("room", site):
            counted = by_room.get(asset.key.entity, [])
            use = use_of(counted)
            found.append(RoomUse(asset.key, asset.name, use, is_for_evaluation(use, under), counted))
        return found

    def is_due(self, site: str, now: int, under: float) -> bool:
        """Once a day, and when the threshold or the rooms changed."""
        return self._evaluated.get(site) != self._mark(site, now, under)

    async def evaluate(self, site: str, now: int, under: float) -> Mapping[AssetKey, float | None]:
        """The share of the last 30 days of each room; the journal has an entry for each that is little used."""
        mark = self._mark(site, now, under)
        today, tomorrow = self._calendar.day_of(site, now)
        since = self._calendar.day_of(site, today - USE_DAYS * DAY_MS)[0]
        shares: dict[AssetKey, float | None] = {}
        for each in await self.of(site, since, today, under):
            share = shares[each.key] = None if each.use.share is None else round(each.use.share, 3)
            facts = {"share": share, "under": under, "days": each.use.days}
            rows = [("evaluation", today, facts)] if each.evaluation else []
            self._journal.replace(site, each.key.entity, ("evaluation",), today, tomorrow, rows)
        self._evaluated[site] = mark
        return shares

    def _mark(self, site: str, now: int, under: float) -> tuple[int, float, frozenset[AssetKey]]:
        rooms = frozenset(asset.key for asset in self._roster.all("room", site))
        return self._calendar.day_of(site, now)[0], under, rooms
