"""Alarms at rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import delete, func, select

from cloud.registry.database import Database
from cloud.registry.tables import AlarmRow

KEPT_ENDED = 5_000
"""Alarms that returned to normal and are still remembered, the newest."""

AlarmValues = dict[str, str | int | float | bool | None]


@dataclass(slots=True)
class StoredAlarm:
    """One alarm. ``ended_at`` is None while it is active."""

    id: int
    kind: str
    source: str
    priority: int
    since: int
    args: AlarmValues
    ended_at: int | None = None


class AlarmBook:
    """Reads and writes alarms."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self) -> list[StoredAlarm]:
        """Alarms that have not returned to normal."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(AlarmRow).where(AlarmRow.ended_at.is_(None)).order_by(AlarmRow.since))
            return [_alarm_of(row) for row in rows]

    async def ended(self, limit: int) -> list[StoredAlarm]:
        """Alarms that returned to normal, the last one first."""
        query = select(AlarmRow).where(AlarmRow.ended_at.is_not(None)).order_by(AlarmRow.ended_at.desc()).limit(limit)
        async with self._database.reading() as session:
            return [_alarm_of(row) for row in await session.scalars(query)]

    async def last_id(self) -> int:
        """The largest id ever given out that is still remembered; 0 for none."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.max(AlarmRow.id))) or 0

    async def write(self, alarms: Sequence[StoredAlarm]) -> None:
        """Write new or changed alarms, and forget the oldest of those that ended."""
        newest = (
            select(AlarmRow.id)
            .where(AlarmRow.ended_at.is_not(None))
            .order_by(AlarmRow.ended_at.desc())
            .limit(KEPT_ENDED)
        )
        async with self._database.writing() as session:
            for alarm in alarms:
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
            if any(alarm.ended_at is not None for alarm in alarms):
                await session.flush()
                await session.execute(
                    delete(AlarmRow).where(AlarmRow.ended_at.is_not(None), AlarmRow.id.not_in(newest))
                )


def _alarm_of(row: AlarmRow) -> StoredAlarm:
    args = msgspec.json.decode(row.args, type=AlarmValues)
    return StoredAlarm(row.id, row.kind, row.source, row.priority, row.since, args, row.ended_at)
