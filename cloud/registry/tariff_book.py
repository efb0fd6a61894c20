"""Tariffs, their use and factors at rest, with every revision."""

from typing import NamedTuple

from sqlalchemy import delete, func, select

from cloud.registry.database import Database
from cloud.registry.tables_tariffs import FactorsRow, TariffRow, TariffUseRow
from protocols.errors import Permanent


class Changed(Permanent):
    """Somebody wrote meanwhile; ``rev`` is the newest revision there is (0 without one)."""

    def __init__(self, what: str, rev: int) -> None:
        self.rev = rev
        super().__init__(f"{what} was changed meanwhile and is at revision {rev}; look again")


class StoredTariff(NamedTuple):
    """A revision; ``body`` is JSON, empty where the tariff was taken away."""

    site: str
    id: str
    rev: int
    changed_at: int
    changed_by: str
    why: str
    body: str


class StoredFactors(NamedTuple):
    """A revision of all factors; ``body`` is JSON."""

    rev: int
    changed_at: int
    changed_by: str
    why: str
    body: str


class TariffUse(NamedTuple):
    """Meter ``meter`` of the site is billed by ``tariff``; ``reactive`` names the meter of its reactive energy."""

    site: str
    meter: str
    tariff: str
    reactive: str = ""


class TariffBook:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tariffs(self) -> list[StoredTariff]:
        """The newest revision of each, also of those taken away, by site and id."""
        newest = select(TariffRow.site, TariffRow.id, func.max(TariffRow.rev).label("rev"))
        found = newest.group_by(TariffRow.site, TariffRow.id).subquery()
        query = select(TariffRow).join(
            found,
            (TariffRow.site == found.c.site) & (TariffRow.id == found.c.id) & (TariffRow.rev == found.c.rev),
        )
        async with self._database.reading() as session:
            return [_tariff(row) for row in await session.scalars(query.order_by(TariffRow.site, TariffRow.id))]

    async def revisions(self, site: str, name: str, limit: int = 100) -> list[StoredTariff]:
        """All of one tariff, newest first."""
        query = select(TariffRow).where(TariffRow.site == site, TariffRow.id == name)
        async with self._database.reading() as session:
            return [_tariff(row) for row in await session.scalars(query.order_by(TariffRow.rev.desc()).limit(limit))]

    async def put(self, tariff: StoredTariff, expected: int | None = None) -> StoredTariff:
        """Write it as the next revision and return it so. Raises Changed when it is not at ``expected``."""
        async with self._database.writing() as session:
            mine = (TariffRow.site == tariff.site) & (TariffRow.id == tariff.id)
            rev = await session.scalar(select(func.max(TariffRow.rev)).where(mine)) or 0
            if expected is not None and expected != rev:
                raise Changed(f"tariff {tariff.id}", rev)
            written = tariff._replace(rev=rev + 1)
            session.add(TariffRow(**written._asdict()))
            return written

    async def uses(self) -> list[TariffUse]:
        """Who is billed by which, by site and meter."""
        query = select(TariffUseRow).order_by(TariffUseRow.site, TariffUseRow.meter)
        async with self._database.reading() as session:
            return [TariffUse(row.site, row.meter, row.tariff, row.reactive) for row in await session.scalars(query)]

    async def put_uses(self, site: str, uses: list[TariffUse]) -> None:
        """Those of a site in place of those there were."""
        async with self._database.writing() as session:
            await session.execute(delete(TariffUseRow).where(TariffUseRow.site == site))
            session.add_all(TariffUseRow(**use._asdict()) for use in uses)

    async def factors(self) -> StoredFactors | None:
        """The newest; None when nobody wrote any."""
        async with self._database.reading() as session:
            row = await session.scalar(select(FactorsRow).order_by(FactorsRow.rev.desc()).limit(1))
            return None if row is None else StoredFactors(row.rev, row.changed_at, row.changed_by, row.why, row.body)

    async def put_factors(self, factors: StoredFactors, expected: int | None = None) -> StoredFactors:
        """Write them as the next revision. Raises Changed when they are not at ``expected``."""
        async with self._database.writing() as session:
            rev = await session.scalar(select(func.max(FactorsRow.rev))) or 0
            if expected is not None and expected != rev:
                raise Changed("the factors", rev)
            written = factors._replace(rev=rev + 1)
            session.add(FactorsRow(**written._asdict()))
            return written


def _tariff(row: TariffRow) -> StoredTariff:
    return StoredTariff(row.site, row.id, row.rev, row.changed_at, row.changed_by, row.why, row.body)
