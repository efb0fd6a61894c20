"""Readings that a person took and that wait for a second one, at rest."""

from typing import NamedTuple

from sqlalchemy import select

from cloud.registry.database import Database
from cloud.registry.tables_energy_desk import EnergySightingRow

WAITING_MAX = 500
REFUSED = 0


class Sighting(NamedTuple):
    """What a person read of a meter at an instant; ``record``: what it became, None while it waits, 0 when refused."""

    id: int
    site: str
    meter: str
    at: int
    reading: str
    why: str
    entered_at: int
    entered_by: str
    checked_at: int | None = None
    checked_by: str = ""
    record: int | None = None


class EnergySightingsBook:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: Sighting) -> int:
        """Write one down; its number."""
        async with self._database.writing() as session:
            row = EnergySightingRow(**{name: value for name, value in new._asdict().items() if name != "id"})
            session.add(row)
            await session.flush()
            return row.id

    async def waiting(self, site: str) -> list[Sighting]:
        """The oldest first."""
        row = EnergySightingRow
        query = select(row).where(row.site == site, row.record.is_(None)).order_by(row.id).limit(WAITING_MAX)
        async with self._database.reading() as session:
            return [_of(each) for each in await session.scalars(query)]

    async def find(self, site: str, number: int) -> Sighting | None:
        async with self._database.reading() as session:
            row = await session.get(EnergySightingRow, number)
            return _of(row) if row is not None and row.site == site else None

    async def checked(self, number: int, record: int, *, by: str, now: int) -> bool:
        """Somebody looked at it; False when somebody else had already."""
        async with self._database.writing() as session:
            row = await session.get(EnergySightingRow, number)
            if row is None or row.record is not None:
                return False
            row.checked_at, row.checked_by, row.record = now, by, record
            return True


def _of(row: EnergySightingRow) -> Sighting:
    return Sighting(*(getattr(row, name) for name in Sighting._fields))
