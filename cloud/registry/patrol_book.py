"""Routes of patrols and runs as they went, at rest. Who went them is emptied sooner: ``people_told.py``."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select

from cloud.patrol.routes import Route, Standing
from cloud.patrol.runs import Run
from cloud.registry.database import Database
from cloud.registry.tables_places import PatrolRouteRow, PatrolRunRow

KEPT_MS = 3 * 366 * 86_400_000
RUNS_MAX = 20_000


class PatrolBook:
    """Reads and writes routes and runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def routes(self) -> dict[str, list[Standing]]:
        """All routes by site, by id."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(PatrolRouteRow).order_by(PatrolRouteRow.site, PatrolRouteRow.id))
            found: dict[str, list[Standing]] = {}
            for row in rows:
                found.setdefault(row.site, []).append(_standing(row.route))
            return found

    async def put_routes(self, site: str, routes: Sequence[Standing]) -> None:
        """These are all routes of the site from now on."""
        async with self._database.writing() as session:
            await session.execute(delete(PatrolRouteRow).where(PatrolRouteRow.site == site))
            for standing in routes:
                text = msgspec.json.encode(standing).decode()
                session.add(PatrolRouteRow(site=site, id=standing.route.id, route=text))

    async def put_runs(self, runs: Sequence[Run], *, now: int) -> None:
        """Write runs in place of what stood there; forget those older than three years."""
        async with self._database.writing() as session:
            for run in runs:
                text = msgspec.json.encode(run).decode()
                await session.merge(PatrolRunRow(site=run.site, id=run.id, from_at=run.from_at, run=text))
            await session.execute(delete(PatrolRunRow).where(PatrolRunRow.from_at < now - KEPT_MS))

    async def runs(self, site: str, since: int, until: int, *, limit: int = RUNS_MAX) -> list[Run]:
        """Runs that begin in [since, until), the newest first."""
        query = (
            select(PatrolRunRow)
            .where(PatrolRunRow.site == site, PatrolRunRow.from_at >= since, PatrolRunRow.from_at < until)
            .order_by(PatrolRunRow.from_at.desc(), PatrolRunRow.id)
            .limit(limit)
        )
        async with self._database.reading() as session:
            return [msgspec.json.decode(row.run, type=Run) for row in await session.scalars(query)]

    async def run(self, site: str, run: str) -> Run | None:
        async with self._database.reading() as session:
            row = await session.get(PatrolRunRow, (site, run))
            return msgspec.json.decode(row.run, type=Run) if row is not None else None


def _standing(text: str) -> Standing:
    """Before 0.3 only the route itself was written."""
    try:
        return msgspec.json.decode(text, type=Standing)
    except msgspec.ValidationError:
        return Standing(msgspec.json.decode(text, type=Route), 0)
