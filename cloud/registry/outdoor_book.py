"""Outdoor temperatures that people brought in as files, at rest."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select

from cloud.registry.database import Database
from cloud.registry.tables_energy_desk import OutdoorTemperatureRow
from cloud.registry.upsert import put

ROWS_AT_ONCE = 1_000
"""Others write to this file too; none of them should wait long."""


class Brought(NamedTuple):
    """What there is of a site: how many figures, from the first to the last instant, and who brought the last."""

    figures: int
    first: int | None
    last: int | None
    entered_at: int | None
    entered_by: str


class OutdoorBook:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, site: str, known: Sequence[tuple[int, float]], *, by: str, now: int) -> None:
        """Keep (instant, °C) in place of what was known of the same instants; the rest stays."""
        for start in range(0, len(known), ROWS_AT_ONCE):
            rows = [
                {"site": site, "at": at, "celsius": celsius, "entered_at": now, "entered_by": by}
                for at, celsius in known[start : start + ROWS_AT_ONCE]
            ]
            async with self._database.writing() as session:
                await put(session, OutdoorTemperatureRow, rows, by=("site", "at"))

    async def between(self, site: str, since: int, until: int) -> list[tuple[int, float]]:
        """(instant, °C) in [since, until), in order."""
        row = OutdoorTemperatureRow
        query = select(row.at, row.celsius).where(row.site == site, row.at >= since, row.at < until).order_by(row.at)
        async with self._database.reading() as session:
            return [(at, celsius) for at, celsius in await session.execute(query)]

    async def brought(self, site: str) -> Brought:
        """What there is."""
        row = OutdoorTemperatureRow
        counted = select(func.count(), func.min(row.at), func.max(row.at)).where(row.site == site)
        newest = select(row.entered_at, row.entered_by).where(row.site == site).order_by(row.entered_at.desc()).limit(1)
        async with self._database.reading() as session:
            count, first, last = (await session.execute(counted)).one()
            who = (await session.execute(newest)).first()
        return Brought(count, first, last, who[0] if who else None, who[1] if who else "")
