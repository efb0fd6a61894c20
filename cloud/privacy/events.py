"""Events of doors, gates and readers that name a person by card key or plate. A source (``cloud.privacy.contract``)."""

from collections.abc import Sequence

import msgspec

from cloud.privacy.contract import RECORDS_MAX, Found, Subject
from cloud.registry.people_traces import mentions
from cloud.store.contract import SeriesStore
from cloud.store.personal import PersonalStore


class AccessEvents:
    """Card reads, decisions of doors, plates. What was counted of them (gates, rooms) stays as numbers."""

    name = "access"

    def __init__(self, store: SeriesStore) -> None:
        self._store: PersonalStore | None = store if isinstance(store, PersonalStore) else None

    async def find(self, subject: Subject) -> list[Found]:
        if self._store is None:
            return []
        found = [
            each
            for each in await self._store.find_events(sorted(subject.card), sorted(subject.plain_plates))
            if mentions(msgspec.json.decode(each.data), subject.card, subject.plain_plates)
        ]
        for card in sorted(subject.lent.cards):
            events = await self._store.find_events([card])
            found += [each for each in events if subject.lent.was_mine(each.site, card, each.at)]
        mine = sorted({each.id: each for each in found}.values(), key=lambda each: each.at)
        return [
            Found(each.id, each.at, {**each._asdict(), "data": msgspec.json.decode(each.data)}, "") for each in mine
        ][:RECORDS_MAX]

    async def erase(self, ids: Sequence[str]) -> int:
        return 0 if self._store is None else await self._store.erase_events(ids)
