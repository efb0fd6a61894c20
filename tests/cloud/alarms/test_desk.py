"""What people do about alarms: acknowledged, shelved, out of service, suppressed; kept over a restart."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.alarms.board import AlarmBoard
from cloud.alarms.desk import Act, AlarmChanged, AlarmDesk, NotPossible, UnknownAlarm
from cloud.alarms.shown import AlarmView, view_at
from cloud.registry.alarm_book import AlarmBook, AlarmChange, Shelf, StoredAlarm
from cloud.registry.database import Database
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from tests.waiting import until

WANG = Act(by="wang")


class Room:
    """A board, its desk and what was told."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.clock, self.book = clock, AlarmBook(database)
        self.board = AlarmBoard(self.book, clock)
        self.board.gateway_of = lambda source: "east/b3" if source.startswith("east/m") else None
        self.desk = AlarmDesk(self.board, self.book, clock)
        self.told: list[AlarmView] = []
        self.board.publish = self.told.append

    def states(self) -> dict[str, str]:
        """State by source."""
        return {alarm.source: alarm.state for alarm in self.board.active() + self.board.returned()}

    def lost(self, source: str = "east/x") -> int:
        """A device does not answer; the id of its alarm."""
        self.board.raise_alarm("device_lost", source, {"error": "timeout"})
        found = self.board.find("device_lost", source)
        assert found is not None
        return int(found.id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def room(database: Database, clock: ManualClock) -> Room:
    room = Room(database, clock)
    await room.board.open()
    return room


async def again(room: Room, database: Database) -> Room:
    """The same after a restart."""
    new = Room(database, room.clock)
    await new.board.open()
    return new


async def test_an_acknowledged_alarm_stays_acknowledged_over_a_restart(room: Room, database: Database) -> None:
    first = room.lost()
    room.clock.step(60_000)
    shown = await room.desk.acknowledge(first, Act(by="wang", rev=1, text="on the way"))
    assert (shown.state, shown.acknowledged_by, shown.note, shown.rev) == ("acknowledged", "wang", "on the way", 2)
    new = await again(room, database)
    assert new.board.active() == [shown]
    (deed,) = await new.book.deeds([first])
    assert (deed.by, deed.action, deed.text, deed.at) == ("wang", "acknowledged", "on the way", shown.acknowledged_at)
    new.board.clear_alarm("device_lost", "east/x")
    assert new.states() == {}, "it was seen and is over"


async def test_who_acknowledges_second_changes_nothing_and_on_an_old_revision_is_told(room: Room) -> None:
    first = room.lost()
    await room.desk.acknowledge(first, WANG)
    shown = await room.desk.acknowledge(first, Act(by="li"))
    assert shown.acknowledged_by == "wang"
    with pytest.raises(AlarmChanged) as changed:
        await room.desk.note(first, Act(by="li", rev=1, text="x"))
    assert changed.value.rev == 2
    with pytest.raises(UnknownAlarm):
        await room.desk.acknowledge(99, WANG)


async def test_what_returned_before_anybody_saw_it_waits_and_counts_how_often_it_came(
    room: Room, database: Database
) -> None:
    room.lost()
    room.board.clear_alarm("device_lost", "east/x")
    assert room.states() == {"east/x": "returned"}
    await room.board.flush()
    new = await again(room, database)
    assert new.states() == {"east/x": "returned"}
    second = new.lost()
    (alarm,) = new.board.active() + new.board.returned()
    assert (alarm.state, alarm.count) == ("unacknowledged", 2)
    new.board.clear_alarm("device_lost", "east/x")
    shown = await new.desk.acknowledge(second, WANG)
    assert (shown.state, new.states()) == ("normal", {})
    assert new.lost() == 3
    assert new.board.active()[0].count == 1, "counted anew after somebody saw it"


async def test_a_note_that_returned_to_normal_needs_nobody(room: Room) -> None:
    room.board.raise_alarm("unannounced", "east/b3", {})
    room.board.clear_alarm("unannounced", "east/b3")
    assert room.states() == {}


async def test_a_shelved_alarm_is_hidden_until_its_time_and_returns_by_itself(room: Room, database: Database) -> None:
    first = room.lost()
    ends = room.clock.now_ms() + 3_600_000
    with pytest.raises(NotPossible, match="reason"):
        await room.desk.shelve(first, Act(by="wang", until=ends))
    for wrong in (None, room.clock.now_ms(), ends + 8 * 86_400_000):
        with pytest.raises(NotPossible, match="7 days"):
            await room.desk.shelve(first, Act(by="wang", text="x", until=wrong))
    shown = await room.desk.shelve(first, Act(by="wang", text="being replaced", until=ends))
    assert (shown.state, shown.shelved_until, shown.reason, shown.hidden_by) == (
        "shelved",
        ends,
        "being replaced",
        "wang",
    )
    room.board.clear_alarm("device_lost", "east/x")
    assert room.states() == {}, "what ended while it was shelved waits for nobody"
    await room.board.flush()
    new = await again(room, database)
    second = new.lost()
    assert new.states() == {"east/x": "shelved"}
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(new.board.run(), name="alarms")
        await new.clock.advance(3_600)

        async def shown_again() -> bool:
            await new.clock.advance(1.0)
            return new.states() == {"east/x": "unacknowledged"}

        await until(shown_again)
        await new.clock.advance(2.0)
        running.cancel()
    assert [(alarm.id, alarm.state) for alarm in new.told[-2:]] == [
        (str(second), "shelved"),
        (str(second), "unacknowledged"),
    ]
    await new.board.flush()
    assert [(deed.action, deed.by) for deed in await new.book.deeds([first])] == [
        ("shelved", "wang"),
        ("unshelved", ""),
    ]


async def test_out_of_service_lasts_until_somebody_ends_it(room: Room, database: Database) -> None:
    first = room.lost()
    await room.desk.out_of_service(first, Act(by="wang", text="maintenance", until=5))
    new = await again(room, database)
    await new.clock.advance(30 * 86_400)
    new.board._end_shelves()
    assert new.states() == {"east/x": "out_of_service"}
    await new.desk.unshelve(first, Act(by="li"))
    assert new.states() == {"east/x": "unacknowledged"}
    with pytest.raises(NotPossible):
        await new.desk.unshelve(first, Act(by="li"))


async def test_an_offline_gateway_is_one_alarm_and_its_devices_are_hidden_behind_it(room: Room) -> None:
    room.lost("east/m1")
    room.board.raise_alarm("gateway_offline", "east/b3", {})
    room.lost("east/m2")
    room.lost("east/x")
    room.board.raise_alarm("door_forced", "east/m3", {})
    assert room.states() == {
        "east/m1": "suppressed",
        "east/m2": "suppressed",
        "east/m3": "unacknowledged",
        "east/b3": "unacknowledged",
        "east/x": "unacknowledged",
    }
    gateway = room.board.find("gateway_offline", "east/b3")
    assert gateway is not None
    assert gateway.suppresses == 2
    assert {alarm.source: alarm.state for alarm in room.told}["east/m1"] == "suppressed", "pages are told"
    room.board.clear_alarm("device_lost", "east/m1")
    room.board.clear_alarm("gateway_offline", "east/b3")
    assert room.states() == {
        "east/m2": "unacknowledged",
        "east/m3": "unacknowledged",
        "east/x": "unacknowledged",
        "east/b3": "returned",
    }


async def test_an_alarm_of_the_past_is_shown_in_the_state_it_had_then(room: Room) -> None:
    first, start = room.lost(), room.clock.now_ms()
    room.clock.step(10_000)
    await room.desk.acknowledge(first, WANG)
    room.clock.step(10_000)
    await room.desk.shelve(first, Act(by="wang", text="x", until=start + 40_000))
    room.clock.step(60_000)
    room.board.clear_alarm("device_lost", "east/x")
    await room.board.flush()
    (stored,) = await room.book.at(start)
    deeds = await room.book.deeds([first])
    then = [view_at(stored, start + after, deeds) for after in (0, 10_000, 30_000, 50_000)]
    assert [alarm.state for alarm in then] == ["unacknowledged", "acknowledged", "shelved", "acknowledged"]
    assert all(alarm.active for alarm in then)


async def test_a_deed_that_could_not_be_written_is_said_so_and_is_written_later(clock: ManualClock) -> None:
    class Full(AlarmBook):
        def __init__(self) -> None:
            self.full, self.actions = True, list[str]()

        async def active(self) -> list[StoredAlarm]:
            return []

        async def waiting(self) -> list[StoredAlarm]:
            return []

        async def shelves(self) -> list[Shelf]:
            return []

        async def last_id(self) -> int:
            return 0

        async def write(self, alarms: object, change: AlarmChange = AlarmChange()) -> None:
            if self.full:
                raise StoreUnavailable("disk full")
            self.actions += [deed.action for deed in change.deeds]

    book = Full()
    board = AlarmBoard(book, clock)
    await board.open()
    board.raise_alarm("device_lost", "east/x", {"error": ""})
    with pytest.raises(StoreUnavailable):
        await AlarmDesk(board, book, clock).acknowledge(1, WANG)
    book.full = False
    await board.flush()
    assert book.actions == ["acknowledged"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["raise", "clear", "offline", "online", "acknowledge", "shelve", "unshelve", "wait", "restart"]
        ),
        st.sampled_from(["east/m1", "east/m2", "east/x"]),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_is_done_states_are_what_they_should_be(
    database: Database, clock: ManualClock, steps: list[tuple[str, str]]
) -> None:
    """A second, simpler account of every source is kept beside the board and compared after every step."""
    room = Room(database, clock)
    await room.board.open()
    for alarm in room.board.active():
        room.board.clear_alarm(alarm.kind, alarm.source)
    for alarm in room.board.returned():
        await room.desk.acknowledge(int(alarm.id), WANG)
    for shelf in room.board.shelves():
        await room.desk.unshelve(shelf.alarm, WANG)
    lasting: dict[str, bool] = {}
    waiting: set[str] = set()
    shelved: set[str] = set()
    seen: set[str] = set()
    offline = False

    def expected() -> dict[str, str]:
        states = dict.fromkeys(waiting, "returned")
        for source in lasting:
            hidden = "shelved" if source in shelved else "suppressed" if offline and "/m" in source else ""
            states[source] = hidden or ("acknowledged" if source in seen else "unacknowledged")
        return states

    for step, source in steps:
        held = room.board.find("device_lost", source) or next(
            (alarm for alarm in room.board.returned() if alarm.source == source), None
        )
        match step:
            case "raise":
                room.lost(source)
                lasting.setdefault(source, True)
                waiting.discard(source)
            case "clear" if source in lasting:
                if expected()[source] == "unacknowledged":
                    waiting.add(source)
                room.board.clear_alarm("device_lost", source)
                del lasting[source]
                seen.discard(source)
            case "offline" | "online":
                offline = step == "offline"
                if offline:
                    room.board.raise_alarm("gateway_offline", "east/b3", {})
                else:
                    room.board.clear_alarm("gateway_offline", "east/b3")
            case "acknowledge" if held:
                await room.desk.acknowledge(int(held.id), WANG)
                waiting.discard(source)
                seen |= {source} & lasting.keys()
            case "shelve" if held:
                await room.desk.shelve(int(held.id), Act(by="wang", text="x", until=clock.now_ms() + 60_000))
                shelved.add(source)
                waiting.discard(source)
            case "unshelve" if held and source in shelved:
                await room.desk.unshelve(int(held.id), WANG)
                shelved.discard(source)
            case "wait":
                clock.step(60_000)
                room.board._end_shelves()
                shelved.clear()
            case "restart":
                await room.board.write()
                room = await again(room, database)
            case _:
                continue
        states = room.states()
        states.pop("east/b3", None)
        assert states == expected(), step
