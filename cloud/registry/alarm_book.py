"""Alarms at rest, with what people did about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.registry.database import Database
from cloud.registry.tables import AlarmRow
from cloud.registry.tables_alarm_rules import AlarmDeedRow, AlarmMarkRow, AlarmShelfRow

KEPT_ENDED = 5_000
"""Alarms that returned to normal and are still remembered, the newest."""

AlarmValues = dict[str, str | int | float | bool | None]


@dataclass(slots=True)
class StoredAlarm:
    """One alarm. ``ended_at`` is None while it is active; ``waiting``: it ended and nobody has acknowledged it.

    ``count``: how often the condition came since somebody acknowledged it last, this time included.
    """

    id: int
    kind: str
    source: str
    priority: int
    since: int
    args: AlarmValues
    ended_at: int | None = None
    count: int = 1
    waiting: bool = False
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    note: str = ""
    rev: int = 1


class Shelf(NamedTuple):
    """Alarms of this kind and source are hidden. ``mode``: ``shelved`` (``until``) or ``out_of_service``."""

    kind: str
    source: str
    mode: str
    until: int | None
    reason: str
    by: str
    at: int
    alarm: int


class Deed(NamedTuple):
    """What was done to an alarm; ``by`` is empty when it happened by itself."""

    alarm: int
    at: int
    by: str
    action: str
    text: str = ""
    until: int | None = None


class Begun(NamedTuple):
    """What figures need of an alarm."""

    kind: str
    source: str
    priority: int
    since: int
    ended_at: int | None


class AlarmChange(NamedTuple):
    """What one transaction writes beside alarms; a shelf of None is taken away."""

    shelves: Sequence[tuple[tuple[str, str], Shelf | None]] = ()
    deeds: Sequence[Deed] = ()


class Wanted(NamedTuple):
    """Which alarms of the past: those that began in [since, until), with an id below ``before``; None is all."""

    since: int
    until: int
    site: str | None = None
    kind: str | None = None
    source: str | None = None
    priority: int | None = None
    before: int | None = None
    limit: int = 200


class AlarmBook:
    """Reads and writes alarms."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self) -> list[StoredAlarm]:
        """Alarms that have not returned to normal."""
        return await self._select(AlarmRow.ended_at.is_(None))

    async def waiting(self) -> list[StoredAlarm]:
        """Alarms that returned to normal and that nobody has acknowledged."""
        return await self._select(and_(AlarmRow.ended_at.is_not(None), AlarmMarkRow.waiting))

    async def at(self, at: int) -> list[StoredAlarm]:
        """Alarms that were active at an instant and are not any more, as far as they are remembered."""
        return await self._select(and_(AlarmRow.since <= at, AlarmRow.ended_at > at))

    async def find(self, alarm: int) -> StoredAlarm | None:
        """The alarm of that id, if it is remembered."""
        found = await self._select(AlarmRow.id == alarm)
        return found[0] if found else None

    async def ended(self, limit: int) -> list[StoredAlarm]:
        """Alarms that returned to normal, the last one first."""
        query = _joined().where(AlarmRow.ended_at.is_not(None)).order_by(AlarmRow.ended_at.desc()).limit(limit)
        async with self._database.reading() as session:
            return [_alarm_of(row) for row in await session.execute(query)]

    async def past(self, wanted: Wanted) -> list[StoredAlarm]:
        """Alarms that began in a period, the newest first."""
        query = _joined().where(AlarmRow.since >= wanted.since, AlarmRow.since < wanted.until)
        if wanted.site is not None:
            query = query.where(_of_site(wanted.site))
        for column, value in (
            (AlarmRow.kind, wanted.kind),
            (AlarmRow.source, wanted.source),
            (AlarmRow.priority, wanted.priority),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.before is not None:
            query = query.where(AlarmRow.id < wanted.before)
        async with self._database.reading() as session:
            rows = await session.execute(query.order_by(AlarmRow.id.desc()).limit(wanted.limit))
            return [_alarm_of(row) for row in rows]

    async def of(self, source: str, since: int, until: int, limit: int) -> list[StoredAlarm]:
        """Alarms of one source that were up at some time of [since, until), the newest first."""
        ended = or_(AlarmRow.ended_at.is_(None), AlarmRow.ended_at >= since)
        query = _joined().where(AlarmRow.source == source, AlarmRow.since < until, ended)
        async with self._database.reading() as session:
            return [_alarm_of(row) for row in await session.execute(query.order_by(AlarmRow.since.desc()).limit(limit))]

    async def begun(self, since: int, until: int, site: str | None = None) -> list[Begun]:
        """Alarms that began in a period, the oldest first."""
        query = select(AlarmRow.kind, AlarmRow.source, AlarmRow.priority, AlarmRow.since, AlarmRow.ended_at)
        query = query.where(AlarmRow.since >= since, AlarmRow.since < until).order_by(AlarmRow.since)
        if site is not None:
            query = query.where(_of_site(site))
        async with self._database.reading() as session:
            return [Begun(*row) for row in await session.execute(query)]

    async def earliest(self) -> int | None:
        """When the oldest alarm began that is remembered."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.min(AlarmRow.since)))

    async def shelves(self) -> list[Shelf]:
        """What is shelved or out of service."""
        async with self._database.reading() as session:
            return [
                Shelf(row.kind, row.source, row.mode, row.until, row.reason, row.by, row.at, row.alarm)
                for row in await session.scalars(select(AlarmShelfRow))
            ]

    async def deeds(self, alarms: Sequence[int]) -> list[Deed]:
        """What was done to these alarms, in its order."""
        query = select(AlarmDeedRow).where(AlarmDeedRow.alarm.in_(alarms)).order_by(AlarmDeedRow.id)
        async with self._database.reading() as session:
            return [
                Deed(row.alarm, row.at, row.by, row.action, row.text, row.until) for row in await session.scalars(query)
            ]

    async def last_id(self) -> int:
        """The largest id ever given out that is still remembered; 0 for none."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.max(AlarmRow.id))) or 0

    async def write(self, alarms: Sequence[StoredAlarm], change: AlarmChange = AlarmChange()) -> None:
        """Write new or changed alarms and what was done to them, all or nothing; forget the oldest that ended."""
        async with self._database.writing() as session:
            for alarm in alarms:
                await _put(session, alarm)
            for (kind, source), shelf in change.shelves:
                if shelf is None:
                    await session.execute(
                        delete(AlarmShelfRow).where(AlarmShelfRow.kind == kind, AlarmShelfRow.source == source)
                    )
                else:
                    await session.merge(AlarmShelfRow(**shelf._asdict()))
            session.add_all(AlarmDeedRow(**deed._asdict()) for deed in change.deeds)
            if any(alarm.ended_at is not None for alarm in alarms):
                await session.flush()
                await _forget(session)

    async def _select(self, condition: ColumnElement[bool]) -> list[StoredAlarm]:
        async with self._database.reading() as session:
            rows = await session.execute(_joined().where(condition).order_by(AlarmRow.since))
            return [_alarm_of(row) for row in rows]


def _joined() -> Select[AlarmRow, AlarmMarkRow]:
    return select(AlarmRow, AlarmMarkRow).outerjoin(AlarmMarkRow, AlarmMarkRow.alarm == AlarmRow.id)


def _of_site(site: str) -> ColumnElement[bool]:
    return or_(AlarmRow.source == site, AlarmRow.source.startswith(f"{site}/", autoescape=True))


async def _put(session: AsyncSession, alarm: StoredAlarm) -> None:
    await session.merge(
        AlarmRow(
            id=alarm.id,
            kind=alarm.kind,
            source=alarm.source,
            priority=alarm.priority,
            since=alarm.since,
            ended_at=alarm.ended_at,
            args=msgspec.json.encode(alarm.args).decode(),
        )
    )
    await session.merge(
        AlarmMarkRow(
            alarm=alarm.id,
            count=alarm.count,
            waiting=alarm.waiting,
            acknowledged_at=alarm.acknowledged_at,
            acknowledged_by=alarm.acknowledged_by,
            note=alarm.note,
            rev=alarm.rev,
        )
    )


async def _forget(session: AsyncSession) -> None:
    newest = select(AlarmRow.id).where(AlarmRow.ended_at.is_not(None)).order_by(AlarmRow.ended_at.desc())
    old = select(AlarmRow.id).where(AlarmRow.ended_at.is_not(None), AlarmRow.id.not_in(newest.limit(KEPT_ENDED)))
    gone = list(await session.scalars(old))
    for start in range(0, len(gone), 500):
        some = gone[start : start + 500]
        await session.execute(delete(AlarmDeedRow).where(AlarmDeedRow.alarm.in_(some)))
        await session.execute(delete(AlarmMarkRow).where(AlarmMarkRow.alarm.in_(some)))
        await session.execute(delete(AlarmRow).where(AlarmRow.id.in_(some)))


def _alarm_of(found: Row[AlarmRow, AlarmMarkRow]) -> StoredAlarm:
    row: AlarmRow = found[0]
    mark: AlarmMarkRow | None = found[1]
    args = msgspec.json.decode(row.args, type=AlarmValues)
    alarm = StoredAlarm(row.id, row.kind, row.source, row.priority, row.since, args, row.ended_at)
    if mark is not None:
        alarm.count, alarm.waiting, alarm.note, alarm.rev = mark.count, mark.waiting, mark.note, mark.rev
        alarm.acknowledged_at, alarm.acknowledged_by = mark.acknowledged_at, mark.acknowledged_by
    return alarm
