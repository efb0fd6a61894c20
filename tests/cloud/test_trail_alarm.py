"""Somebody edits the registry beside a running collector."""

from pathlib import Path

import sqlalchemy as sa

from cloud.audit.note import Note
from tests.cloud.test_collector import collecting, settings
from tests.edge.mosquitto import free_port


async def test_a_tail_cut_off_beside_the_running_collector_raises_the_alarm_at_once(tmp_path: Path) -> None:
    wanted = settings(tmp_path, free_port())
    async with collecting(wanted) as collector:
        for action in ("a", "b", "c"):
            await collector.trail.ensure(Note(action, actor="li"))
        await collector.trail.sign()
        assert collector.alarms.find("audit_damaged", "collector") is None
        async with collector.database.writing() as session:
            last = "(SELECT max(number) FROM audit_records)"
            await session.execute(sa.text(f"DELETE FROM audit_records WHERE number = {last}"))
            seal = f"(SELECT seal FROM audit_records WHERE number = {last})"
            await session.execute(sa.text(f"UPDATE audit_head SET number = {last}, seal = {seal}"))
        await collector.trail.sign()
        alarm = collector.alarms.find("audit_damaged", "collector")
        assert alarm is not None
        assert "missing at the end" in str(alarm.args["detail"])
    async with collecting(wanted) as collector:
        assert collector.alarms.find("audit_damaged", "collector") is not None
