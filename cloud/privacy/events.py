"""Events of doors, gates and readers that name a person by card key or plate. A source (``cloud.privacy.contract``)."""

from collections.abc import Sequence

import msgspec

from cloud.privacy.contract import Found, Subject
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
        words = sorted(subject.card | subject.plate)
        found = await self._store.find_events(words)
        return [
            Found(each.id, each.at, {**each._asdict(), "data": msgspec.json.decode(each.data)}, "") for each in found
        ]

    async def erase(self, ids: Sequence[str]) -> int:
        return 0 if self._store is None else await self._store.erase_events(ids)
