"""Commands that wait for a second person, as notices."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud.alarms.board import AlarmBoard
from cloud.identity.approval_watch import KIND, LOOK_EVERY_S, ApprovalWatch
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.approval_book import ApprovalBook
from cloud.registry.database import Database
from cloud.registry.tables_identity import ApprovalRow
from protocols.clock import ManualClock

START = 1_790_000_000_000


def row(number: str, clock: ManualClock, *, lasts_s: int = 300) -> ApprovalRow:
    now = clock.now_ms()
    return ApprovalRow(
        id=number * 32,
        site="east",
        gateway="b3",
        device="gate",
        point="relay_1",
        action="pulse",
        value=3.0,
        lasts_ms=30_000,
        reason="delivery",
        asked_by="li.fang",
        asked_by_id=7,
        asked_at=now,
        until=now + lasts_s * 1000,
        state="waiting",
    )


class Desk:
    """The registry with its alarms, and the watch under test."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START)
        self.database = Database(folder / "registry.sqlite", self.clock)
        self.book = ApprovalBook(self.database)
        self.alarms = AlarmBoard(AlarmBook(self.database), self.clock)
        self.watch = ApprovalWatch(self.book, self.alarms, self.clock)

    async def ask(self, one: ApprovalRow) -> None:
        assert await self.book.ask(one, waiting_max=9, now_ms=self.clock.now_ms())

    @property
    def shown(self) -> list[str]:
        return sorted(alarm.source for alarm in self.alarms.active() if alarm.kind == KIND)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    await made.database.open()
    await made.alarms.open()
    yield made
    await made.database.close()


async def test_each_that_waits_is_a_notice_without_a_name_and_ends_when_it_is_decided(desk: Desk) -> None:
    first, second = row("a", desk.clock), row("b", desk.clock)
    await desk.ask(first)
    await desk.ask(second)
    await desk.watch.look()
    assert desk.shown == [f"east/approval:{'a' * 32}", f"east/approval:{'b' * 32}"]
    (shown,) = [alarm for alarm in desk.alarms.active() if alarm.source.endswith("a")]
    assert "gate" in shown.text["en"]
    assert "relay_1 pulse 3" in shown.text["zh"]
    assert "li.fang" not in str(shown)
    await desk.book.decide(first, state="rejected", by="wei", opinion="", at=desk.clock.now_ms())
    await desk.watch.look()
    assert desk.shown == [f"east/approval:{'b' * 32}"]
    assert desk.alarms.returned() == []


async def test_one_that_nobody_decided_ends_with_its_time_and_no_turn_later(desk: Desk) -> None:
    await desk.ask(row("a", desk.clock, lasts_s=4))
    assert await desk.watch.look() == pytest.approx(4.0)
    await desk.clock.advance(4)
    assert await desk.watch.look() == LOOK_EVERY_S
    assert desk.shown == []


async def test_what_was_shown_before_a_restart_and_is_over_does_not_stay(desk: Desk) -> None:
    desk.alarms.raise_alarm(KIND, f"east/approval:{'c' * 32}", {"device": "gate", "what": "", "reason": ""})
    await desk.watch.look()
    assert desk.shown == []


async def test_the_watch_looks_at_once_when_something_changed(desk: Desk) -> None:
    running = asyncio.create_task(desk.watch.run())
    await desk.clock.advance(0)
    await desk.ask(row("a", desk.clock))
    desk.watch.changed()
    try:
        async with asyncio.timeout(10):
            while not desk.shown:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
