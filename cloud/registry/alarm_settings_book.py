"""What sites decided about their alarms, at rest."""

from typing import NamedTuple

from sqlalchemy import select

from cloud.registry.database import Database
from cloud.registry.tables_alarm_rules import AlarmSettingsRow


class StoredAlarmSettings(NamedTuple):
    """Of one site; ``body`` is JSON."""

    site: str
    rev: int
    changed_at: int
    changed_by: str
    body: str


class AlarmSettingsBook:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredAlarmSettings]:
        """Of all sites that decided anything."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(AlarmSettingsRow).order_by(AlarmSettingsRow.site))
            return [StoredAlarmSettings(row.site, row.rev, row.changed_at, row.changed_by, row.body) for row in rows]

    async def put(self, settings: StoredAlarmSettings) -> None:
        """Write them, new or not."""
        async with self._database.writing() as session:
            await session.merge(AlarmSettingsRow(**settings._asdict()))
