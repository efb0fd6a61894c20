"""People in what alarms said and in rounds of guards, by their age. Of an alarm its kind, source and times stay, of a
round when which checkpoint was reached."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from cloud.alarms.kinds_dispatch import KINDS as OF_REQUESTS
from cloud.alarms.kinds_fleet import KINDS as OF_VEHICLES
from cloud.patrol.runs import Run
from cloud.registry.database import Database
from cloud.registry.people_held import Kept, of_others
from cloud.registry.tables import AlarmRow
from cloud.registry.tables_assets import AssetRow
from cloud.registry.tables_places import PatrolRunRow

AT_MOST = 500
ALARMS: Mapping[str, frozenset[str]] = {
    "visitors": frozenset({"visitor_overdue"}),
    "access": frozenset({"card_denied_widely", "card_two_places", "checkpoint_missed", "patrol_late"}),
    "tracks": frozenset(OF_VEHICLES),
    "requests": frozenset(OF_REQUESTS),
}
"""Class -> kinds of alarms that name people, and so go by its days."""
ROUNDS = "access"
"""The class of rounds: who was where, as at doors."""


def without_guards(run: Run) -> Run:
    """The round as it went, without who went it."""
    points = tuple(msgspec.structs.replace(point, guard="") for point in run.checkpoints)
    return msgspec.structs.replace(run, guard="", checkpoints=points)


class ToldRetention:
    """Counts and empties, at most ``AT_MOST`` at a time. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.emptied: Callable[[Sequence[int]], None] = lambda _: None
        """Told the ids of alarms whose words are gone: the board holds some in memory."""

    async def count_alarms(self, kind: str, before: int, kept: Kept) -> int:
        return await self._count(AlarmRow.id, _alarms(kind, before, kept))

    async def forget_alarms(self, kind: str, before: int, kept: Kept) -> int:
        """Empty what alarms of a class said that are over."""
        async with self._database.writing() as session:
            rows = list(await session.scalars(select(AlarmRow).where(_alarms(kind, before, kept)).limit(AT_MOST)))
            ids = [row.id for row in rows]
            for row in rows:
                row.args = "{}"
        self.emptied(ids)
        return len(ids)

    async def count_rounds(self, before: int, kept: Kept) -> int:
        return await self._count(PatrolRunRow.id, _rounds(before, await self._with_guards(kept)))

    async def forget_rounds(self, before: int, kept: Kept) -> int:
        """Empty who went rounds."""
        where = _rounds(before, await self._with_guards(kept))
        async with self._database.writing() as session:
            rows = list(await session.scalars(select(PatrolRunRow).where(where).limit(AT_MOST)))
            for row in rows:
                row.run = msgspec.json.encode(without_guards(msgspec.json.decode(row.run, type=Run))).decode()
        return len(rows)

    async def _count(self, column: object, where: ColumnElement[bool]) -> int:
        async with self._database.reading() as session:
            return int(await session.scalar(select(func.count(column)).where(where)) or 0)  # type: ignore[arg-type]

    async def _with_guards(self, kept: Kept) -> Kept:
        """Rounds name guards by their id in the list of things."""
        if not kept.words:
            return kept
        listed = select(AssetRow.id).where(AssetRow.name.in_(sorted(kept.words)))
        async with self._database.reading() as session:
            return kept._replace(words=kept.words | set(await session.scalars(listed)))


def _alarms(kind: str, before: int, kept: Kept) -> ColumnElement[bool]:
    named = AlarmRow.kind.in_(sorted(ALARMS[kind])), AlarmRow.ended_at < before, AlarmRow.args != "{}"
    of_site = [or_(AlarmRow.source == site, AlarmRow.source.startswith(f"{site}/", autoescape=True))
               for site in sorted(kept.sites)]  # fmt: skip
    words = [AlarmRow.args.contains(word, autoescape=True) for word in sorted(kept.words)]
    return and_(*named, *(not_(each) for each in (*of_site, *words)))


def _rounds(before: int, kept: Kept) -> ColumnElement[bool]:
    named = func.replace(PatrolRunRow.run, '"guard":""', "").contains('"guard":"')
    return and_(PatrolRunRow.from_at < before, named, of_others(PatrolRunRow, kept, PatrolRunRow.run))
