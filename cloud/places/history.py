"""What the store remembers of a device, for days that are worked out anew."""

import logging
from collections.abc import Sequence

from cloud.store.contract import BadQuery, EventsQuery, ReadingsQuery, SeriesStore
from protocols.errors import StoreUnavailable
from protocols.reading import Event

log = logging.getLogger(__name__)

PAGE = 5_000
ROWS_MAX = 200_000
"""Of one device and question: a device that sends more in two days is broken, and is cut."""


class History:
    """Answers from the store; what cannot be read is left out and logged, because the start must go on."""

    def __init__(self, store: SeriesStore) -> None:
        self._store = store

    async def events(self, site: str, device: str | None, since: int, until: int) -> list[Event]:
        """Events of a device, or of all of the site, in [since, until)."""
        found: list[Event] = []
        following: str | None = None
        while len(found) < ROWS_MAX:
            query = EventsQuery(from_at=since, to_at=until, site=site, device=device, limit=PAGE, next=following)
            try:
                page = await self._store.events(query)
            except (StoreUnavailable, BadQuery) as error:
                log.warning("events of %s/%s cannot be read: %s", site, device or "*", error)
                break
            columns = {name: index for index, name in enumerate(page.columns)}
            at, name, kind, data = (columns[each] for each in ("at", "device", "kind", "data"))
            for row in page.rows:
                found.append(Event(str(row[name]), str(row[kind]), int(str(row[at])), _data(row[data])))
            following = page.next
            if following is None:
                break
        return found

    async def readings(
        self, site: str, device: str, point: str, since: int, until: int
    ) -> Sequence[tuple[int, float | None]]:
        """Readings of a point in [since, until): instant and value, None where it was bad."""
        found: list[tuple[int, float | None]] = []
        following: str | None = None
        while len(found) < ROWS_MAX:
            query = ReadingsQuery(
                site=site, device=device, point=point, from_at=since, to_at=until, limit=PAGE, next=following
            )
            try:
                page = await self._store.readings(query)
            except (StoreUnavailable, BadQuery) as error:
                log.warning("%s of %s/%s cannot be read: %s", point, site, device, error)
                break
            for at, value, *_ in page.rows:
                found.append((int(str(at)), float(value) if isinstance(value, int | float) else None))
            following = page.next
            if following is None:
                break
        return found


def _data(value: object) -> dict[str, str | int | float | bool | None]:
    return dict(value) if isinstance(value, dict) else {}
