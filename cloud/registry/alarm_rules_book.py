"""Rules of alarms at rest."""

from typing import NamedTuple

from sqlalchemy import delete, select

from cloud.registry.database import Database
from cloud.registry.tables_alarm_rules import AlarmRuleRow


class StoredRule(NamedTuple):
    """A rule; ``body`` is JSON."""

    id: str
    rev: int
    changed_at: int
    changed_by: str
    body: str


class AlarmRulesBook:
    """Reads and writes rules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredRule]:
        """All rules, by id."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(AlarmRuleRow).order_by(AlarmRuleRow.id))
            return [StoredRule(row.id, row.rev, row.changed_at, row.changed_by, row.body) for row in rows]

    async def put(self, rule: StoredRule) -> None:
        """Write it, new or not."""
        async with self._database.writing() as session:
            await session.merge(AlarmRuleRow(**rule._asdict()))

    async def remove(self, name: str) -> None:
        """Forget it."""
        async with self._database.writing() as session:
            await session.execute(delete(AlarmRuleRow).where(AlarmRuleRow.id == name))
