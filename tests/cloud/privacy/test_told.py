"""Alarms and rounds of guards forget who was in them by the days of their class, and nothing else of them."""

import msgspec
import pytest
import sqlalchemy as sa

from cloud.alarms.board import AlarmBoard
from cloud.patrol.runs import Point, Run
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.tables import AlarmRow
from cloud.registry.tables_assets import AssetRow
from cloud.registry.tables_places import PatrolRunRow
from protocols.clock import ManualClock
from tests.cloud.privacy.test_privacy import DAY_MS, World, clock, settle, world

__all__ = ["clock", "world"]

SAID = {
    "visitor_overdue": ("east/visitor:v-1", 90, {"name": "李伟", "host": "Li Na", "unit": "Finance", "until": "1"}),
    "card_two_places": ("east/card:1", 90, {"who": "李伟", "first": "a", "second": "b", "metres": 9, "seconds": 2}),
    "patrol_late": ("east/route:n", 90, {"route": "Night", "guard": "李伟", "since": "22:00"}),
    "off_hours_movement": ("east/vehicle:a", 60, {"driver": "李伟", "plate": "浙A12345"}),
    "request_overdue": ("east/request:9", 365, {"title": "Car", "unit": "李伟", "number": "9"}),
    "door_held": ("east/door:d1", 0, {"name": "Front", "since": "9", "limit": "30 s"}),
}


async def alarms(world: World, ago: int) -> dict[str, str]:
    """What they say, when all ended so many days ago and a round went by."""
    at = world.clock.now_ms() - ago * DAY_MS
    async with world.database.writing() as session:
        await session.execute(sa.delete(AlarmRow))
        for number, (kind, (source, _, args)) in enumerate(SAID.items(), 1):
            text = msgspec.json.encode(args).decode()
            session.add(AlarmRow(id=number, kind=kind, source=source, priority=2, since=at - 1, ended_at=at, args=text))
        session.add(
            AlarmRow(id=99, kind="visitor_overdue", source="east/visitor:v-2", priority=2, since=at, args='{"a":1}')
        )
    await settle(world.clock, world.keeper.round())
    async with world.database.reading() as session:
        return {
            f"{row.kind}{'' if row.ended_at else ' up'}": row.args for row in await session.scalars(sa.select(AlarmRow))
        }


@pytest.mark.parametrize("ago", [59, 61, 89, 91, 366])
async def test_alarms_that_are_over_say_nobody_when_their_class_is_too_old(world: World, ago: int) -> None:
    said = await alarms(world, ago)
    for kind, (_, days, _) in SAID.items():
        assert (said[kind] == "{}") is bool(days and ago > days), kind
    assert said["visitor_overdue up"] == '{"a":1}'


async def test_an_alarm_that_is_held_says_what_it_said(world: World) -> None:
    await world.book.hold("visitors", "east", "", "case 1", "boss")
    await world.book.hold("", "", "plate:浙A12345", "case 2", "boss")
    said = await alarms(world, 900)
    assert {kind for kind in SAID if said[kind] != "{}"} == {"visitor_overdue", "off_hours_movement", "door_held"}


async def test_an_alarm_that_waits_to_be_acknowledged_does_not_write_the_name_again(
    world: World, clock: ManualClock
) -> None:
    board = AlarmBoard(AlarmBook(world.database), clock)
    await board.open()
    board.raise_alarm("patrol_late", "east/route:n", {"route": "Night", "guard": "李伟", "since": "22:00"})
    board.clear_alarm("patrol_late", "east/route:n")
    await board.flush()
    world.keeper.watch(lambda _: None, board.say_no_more)
    await clock.advance(91 * DAY_MS / 1000)
    await settle(clock, world.keeper.round())
    (waiting,) = board.returned()
    assert "李伟" not in str(waiting)
    board.let_go(board._waiting["patrol_late", "east/route:n"])
    await board.flush()
    assert [each.args for each in await AlarmBook(world.database).ended(9)] == [{}]


def run(number: int, at: int) -> PatrolRunRow:
    point = Point(id="c1", name="Gate", from_at=at, until_at=at, at=at, state="done", guard="g-7")
    made = Run(id=f"r{number}", site="east", route="night", name="Night", from_at=at, until_at=at + 1, guard="g-7",
               state="done", checkpoints=(point,))  # fmt: skip
    return PatrolRunRow(site="east", id=made.id, from_at=at, run=msgspec.json.encode(made).decode())


async def test_rounds_forget_their_guards_and_keep_how_they_went(world: World, clock: ManualClock) -> None:
    now = clock.now_ms()
    async with world.database.writing() as session:
        session.add_all([run(1, now - 89 * DAY_MS), run(2, now - 91 * DAY_MS), run(3, now - 400 * DAY_MS)])
        session.add(AssetRow(site="east", kind="guard", id="g-7", name="李伟", changed_at=now))
    hold = await world.book.hold("", "", "name:李伟", "case 1", "boss")
    assert {each.kept: each.due for each in await world.keeper.outlook()}["access"] == 0
    await world.book.lift(hold.id)
    assert {each.kept: each.due for each in await world.keeper.outlook()}["access"] == 2
    await settle(clock, world.keeper.round())
    async with world.database.reading() as session:
        rows = list(await session.scalars(sa.select(PatrolRunRow).order_by(PatrolRunRow.id)))
    runs = [msgspec.json.decode(row.run, type=Run) for row in rows]
    assert [(each.guard, each.checkpoints[0].guard) for each in runs] == [("g-7", "g-7"), ("", ""), ("", "")]
    assert {(each.state, each.checkpoints[0].state, each.checkpoints[0].at == each.from_at) for each in runs} == {
        ("done", "done", True)
    }
    assert {each.kept: each.due for each in await world.keeper.outlook()}["access"] == 0
