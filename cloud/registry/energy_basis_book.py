"""What a site's amounts are divided by and held to, at rest, with every revision."""

from typing import NamedTuple

from sqlalchemy import select

from cloud.registry.database import Database
from cloud.registry.tables_energy_desk import EnergyBasisRow
from cloud.registry.tariff_book import Changed


class StoredBasis(NamedTuple):
    """A revision; ``body`` is JSON."""

    site: str
    rev: int
    changed_at: int
    changed_by: str
    why: str
    body: str


class EnergyBasisBook:
    """Reads and writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> list[StoredBasis]:
        """The newest revision of each site."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(EnergyBasisRow).order_by(EnergyBasisRow.rev))
            found = {row.site: StoredBasis(*(getattr(row, name) for name in StoredBasis._fields)) for row in rows}
        return list(found.values())

    async def put(self, new: StoredBasis) -> StoredBasis:
        """Write what follows revision ``new.rev``. Raises ``Changed`` when another came in between."""
        async with self._database.writing() as session:
            row = EnergyBasisRow
            query = select(row.rev).where(row.site == new.site).order_by(row.rev.desc()).limit(1)
            newest = await session.scalar(query) or 0
            if newest != new.rev:
                raise Changed("what amounts are divided by", newest)
            made = new._replace(rev=newest + 1)
            session.add(EnergyBasisRow(**made._asdict()))
        return made
