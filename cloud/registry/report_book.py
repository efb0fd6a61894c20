"""Report plans at rest."""

from typing import NamedTuple

from sqlalchemy import select

from cloud.registry.database import Database
from cloud.registry.tables_reports import ReportPlanRow
from cloud.registry.tariff_book import Changed


class StoredPlan(NamedTuple):
    """The plan of a site as JSON."""

    site: str
    rev: int
    changed_at: int
    changed_by: str
    body: str


class ReportBook:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredPlan]:
        """Of all sites."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(ReportPlanRow).order_by(ReportPlanRow.site))
            return [StoredPlan(row.site, row.rev, row.changed_at, row.changed_by, row.body) for row in rows]

    async def put(self, plan: StoredPlan, rev: int | None) -> StoredPlan:
        """Write one in place of the one there is; it with its revision. Raises Changed when that is not ``rev``."""
        async with self._database.writing() as session:
            row = await session.get(ReportPlanRow, plan.site)
            stands = row.rev if row is not None else 0
            if rev is not None and rev != stands:
                raise Changed(f"the report plan of {plan.site}", stands)
            new = plan._replace(rev=stands + 1)
            await session.merge(ReportPlanRow(**new._asdict()))
        return new
