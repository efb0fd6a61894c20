"""What was counted of doors, rooms and modules, by day of the site."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, select

from cloud.registry.database import Database
from cloud.registry.tables_places import PlaceDayRow

KEPT_MS = 3 * 366 * 86_400_000
ROWS_MAX = 100_000


class PlaceDay(NamedTuple):
    """One day of one thing. ``day``: its first instant, ms. ``counts``: JSON."""

    site: str
    entity: str
    day: int
    counts: str


class PlaceDaysBook:
    """Reads and writes counts of days."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, days: Sequence[PlaceDay], *, now: int) -> None:
        """Write days, in place of what stood there; forget what is older than three years."""
        async with self._database.writing() as session:
            for each in days:
                await session.merge(PlaceDayRow(entity=each.entity, day=each.day, site=each.site, counts=each.counts))
            await session.execute(delete(PlaceDayRow).where(PlaceDayRow.day < now - KEPT_MS))

    async def read(self, site: str, kind: str, since: int, until: int, entity: str | None = None) -> list[PlaceDay]:
        """Days of things of a kind (``door``, ``room``, ``module``) that begin in [since, until), by entity and day."""
        query = (
            select(PlaceDayRow)
            .where(PlaceDayRow.site == site, PlaceDayRow.day >= since, PlaceDayRow.day < until)
            .where(PlaceDayRow.entity.startswith(f"{site}/{kind}:", autoescape=True))
            .order_by(PlaceDayRow.entity, PlaceDayRow.day)
            .limit(ROWS_MAX)
        )
        if entity is not None:
            query = query.where(PlaceDayRow.entity == entity)
        async with self._database.reading() as session:
            return [PlaceDay(row.site, row.entity, row.day, row.counts) for row in await session.scalars(query)]
