"""Taps at a gateway's doors: one decision, one pulse, one record, whatever the list, the strike and the disk do."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.access.access import PULSES_WAITING_MAX, READS_AT_ONCE, Access
from edge.access.decider import Place
from edge.access.grant_store import GrantStore
from edge.access.lists import LOOK_EVERY_S, Lists
from edge.access.records import WAITING_MAX, Records
from edge.access.zones import Zones
from edge.commands import Command, CommandOutcome
from edge.contract import LinkMessage
from edge.settings import DoorSettings, StrikeSettings
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from protocols.events import check_event
from protocols.grants import Card, Grant, GrantDoor, columns
from protocols.reading import Event
from tests.edge.collecting_sink import CollectingSink
from tests.protocols.test_grants import DAY, KEYS, NOW, PUBLIC, grant_list, sealed
from tests.waiting import until

NORTH = DoorSettings(
    id="north",
    name="north",
    lock="fail-secure",
    strike=StrikeSettings("relays", "relay_1", 3.0),
    reader_in=("r-in",),
    reader_out=("r-out",),
    zone_in="inside",
    zone_out="yard",
)
SOUTH = DoorSettings(
    id="south",
    name="south",
    lock="fail-safe",
    strike=StrikeSettings("relays", "relay_2"),
    reader_in=("r-south",),
    zone_in="inside",
    zone_out="yard",
)
OWNER, OTHER = KEYS[0], KEYS[1]


def a_list(number: int = 7, **given: Any) -> bytes:
    doors = [GrantDoor(id="north", passback="hard"), GrantDoor(id="south", passback="hard")]
    cards = columns([Card(OWNER, 30, 0)])
    wanted = {"number": number, "doors": doors, "sets": [[Grant("north"), Grant("south")]], "cards": cards}
    return sealed(grant_list(**{**wanted, **given}))


class Site:
    """The doors of a gateway in one folder, through any number of lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.sink = ManualClock(NOW), CollectingSink()
        self.pulsed: list[Command] = []
        self.clock_known = True
        self.outcome: Callable[[], CommandOutcome] = lambda: CommandOutcome(True, "done")
        self.answers = asyncio.Event()
        self.answers.set()
        self.access: Access

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Access]:
        records = Records(self.sink, self.clock)
        store = GrantStore(self.folder / "grants", site="east", gateway="b3", key=lambda: PUBLIC)
        zones = Zones(self.folder / "zones")
        self.access = Access(
            (NORTH, SOUTH),
            lists=Lists(store, records, self.clock, lambda: self.clock_known),
            zones=zones,
            records=records,
            obey=self.obey,
            clock=self.clock,
            clock_known=lambda: self.clock_known,
            now_ms=self.clock.now_ms,
        )
        running = asyncio.create_task(self.access.run(), name="doors")
        try:
            yield self.access
        finally:
            running.cancel()
            await asyncio.wait([running])
            self.access.close()

    async def obey(self, command: Command) -> CommandOutcome:
        self.pulsed.append(command)
        await self.answers.wait()
        return self.outcome()

    async def give(self, payload: bytes) -> None:
        """A list arrives and holds."""
        before = self.access.lists.held
        await self.access.lists.hear(LinkMessage("t", payload, 1, True, False, 1))
        await until(lambda: self.access.lists.held is not before)

    def tap(self, card: str = OWNER, reader: str = "r-in", *, fresh: bool = True, age_ms: int = 0) -> None:
        event = Event(reader, "card_read", self.clock.now_ms() - age_ms, {"card_key": card})
        assert self.access.hear((event,), fresh) == (event,)

    async def decided(self, many: int) -> list[Event]:
        """So many decisions are on record, and no more."""
        await until(lambda: len(self.decisions()) >= many)
        await self.access.drained()
        found = self.decisions()
        assert len(found) == many, found
        for event in self.sink.events:
            assert check_event(event) is None
        return found

    def decisions(self) -> list[Event]:
        return [event for event in self.sink.events if event.kind.startswith("access_")]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.sink.events if not event.kind.startswith("access_")]


async def test_a_card_of_the_list_opens_once_and_is_recorded(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap()
        (event,) = await site.decided(1)
    assert site.pulsed == [Command("relays", "relay_1", "pulse", 3.0)]
    assert (event.device, event.kind) == ("r-in", "access_granted")
    data = dict(event.data)
    assert data.pop("decision_ms") is not None
    assert data == {
        "card_key": OWNER,
        "door": "north",
        "reason": "list",
        "direction": "in",
        "list": 7,
        "person": 30,
        "level": 1,
        "strike": "done",
        "waited_ms": 0,
    }


async def test_who_is_not_let_in_is_recorded_and_nothing_is_pulsed(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        site.tap()
        await site.decided(1)
        await site.give(a_list())
        site.tap(OTHER)
        site.clock.step(7 * DAY)
        await site.clock.advance(2)
        site.tap()
        found = await site.decided(3)
    assert [event.data["reason"] for event in found] == ["no_list", "unknown_card", "list_expired"]
    assert {event.kind for event in found} == {"access_denied"}
    assert site.pulsed == []


async def test_a_pulse_whose_answer_is_lost_is_not_sent_again_and_told_as_unknown(tmp_path: Path) -> None:
    site = Site(tmp_path)
    outcomes = [CommandOutcome(None, "no answer"), CommandOutcome(False, "nothing was sent: down")]
    site.outcome = lambda: outcomes.pop(0)
    async with site.life():
        await site.give(a_list())
        site.tap()
        await site.decided(1)
        await site.clock.advance(2)
        site.tap()
        found = await site.decided(2)
        assert [(event.data["strike"], event.data["detail"]) for event in found] == [
            ("unknown", "no answer"),
            ("refused", "nothing was sent: down"),
        ]
        assert {event.kind for event in found} == {"access_granted"}
        assert len(site.pulsed) == 2


async def test_the_same_read_within_a_second_is_one_decision(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        for _ in range(5):
            site.tap(OTHER)
        site.tap(KEYS[2])
        site.tap(OTHER, "r-out")
        await site.clock.advance(1.5)
        site.tap(OTHER)
        assert len(await site.decided(4)) == 4


async def test_a_read_that_may_be_old_opens_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap(fresh=False)
        await site.clock.advance(2)
        site.tap(age_ms=61_000)
        found = await site.decided(2)
        assert [event.data["reason"] for event in found] == ["old_read", "old_read"]
        assert site.pulsed == []
        await site.clock.advance(2)
        site.tap(age_ms=59_000)
        assert (await site.decided(3))[2].kind == "access_granted"


async def test_what_a_reader_decides_by_itself_is_a_card_that_was_read(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life() as access:
        own = Event("r-in", "access_granted", NOW, {"card_key": OTHER, "door": "x", "reason": "Always"})
        other = Event("elsewhere", "access_granted", NOW, {"card_key": OWNER})
        opened = Event("r-in", "door_opened", NOW, {})
        stored = access.hear((own, other, opened), True)
        read = Event("r-in", "card_read", NOW, {"card_key": OTHER, "known": True, "access": "Always"})
        assert stored == (read, other, opened)
        assert check_event(read) is None
        (event,) = await site.decided(1)
        assert event.data["reason"] == "no_list"


async def test_a_flood_is_bounded_counted_and_told(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life() as access:
        await site.give(a_list())
        for number in range(400):
            site.tap(f"{number:032x}")
        site.tap(OTHER, "r-south")
        found = await site.decided(int(READS_AT_ONCE) + 1)
        assert "r-south" in {event.device for event in found}, "another reader is not held up"
        assert access.left_out == 400 - READS_AT_ONCE
        assert access.report().left_out == 400 - READS_AT_ONCE
        await site.clock.advance(60)
        await until(lambda: "reads_left_out" in site.kinds())
        site.tap(OTHER)
        await site.decided(int(READS_AT_ONCE) + 2)


async def test_a_strike_that_does_not_answer_makes_no_queue_without_end(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.answers.clear()
    cards = columns([Card(f"{number:032x}", number, 0) for number in range(10)])
    async with site.life():
        await site.give(a_list(cards=cards))
        for number in range(10):
            site.tap(f"{number:032x}")
            await asyncio.sleep(0)
        await until(lambda: len(site.decisions()) == 10 - PULSES_WAITING_MAX - 1)
        assert {event.data["reason"] for event in site.decisions()} == {"busy"}
        site.answers.set()
        found = await site.decided(10)
        assert sum(event.kind == "access_granted" for event in found) == PULSES_WAITING_MAX + 1
        assert len(site.pulsed) == PULSES_WAITING_MAX + 1


async def test_one_card_cannot_go_in_twice_also_by_another_door_and_after_a_restart(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap()
        site.tap(reader="r-south")
        found = await site.decided(2)
        reasons = {event.device: event.data["reason"] for event in found}
        assert reasons == {"r-in": "list", "r-south": "passback"}, "a clone at two doors"
        await until(lambda: (tmp_path / "zones").exists())
        await site.clock.advance(2)
        await until(lambda: Zones(tmp_path / "zones").load() != {})
    async with site.life() as access:
        await until(lambda: access.lists.held is not None and access._zones.where(30) is not None)
        site.tap(reader="r-south")
        assert (await site.decided(3))[2].data["reason"] == "passback"
        site.tap(reader="r-out")
        assert (await site.decided(4))[3].kind == "access_granted"
        site.tap()
        assert (await site.decided(5))[4].kind == "access_granted"


async def test_who_passed_just_before_the_end_is_known_after_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap()
        await site.decided(1)
        site.clock.step(500)
        await site.clock.advance(1.5)
        site.tap(reader="r-out")
        await site.decided(2)
    assert Zones(tmp_path / "zones").load()[30].zone == "yard"


async def test_a_save_that_is_under_way_at_the_end_undoes_nothing_that_came_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, saved = threading.Event(), threading.Event(), []
    whole = Zones.save

    def slow(self: Zones, unsaved: dict[int, Place | None]) -> None:
        if not begun.is_set():
            begun.set()
            go_on.wait(10)
        whole(self, unsaved)
        saved.append(unsaved)

    monkeypatch.setattr(Zones, "save", slow)
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap()
        await site.decided(1)
        await until(begun.is_set)
        site.clock.step(2000)
        site.tap(reader="r-out")
        await site.decided(2)
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    await until(lambda: len(saved) == 2)
    assert Zones(tmp_path / "zones").load()[30].zone == "yard"


async def test_a_damaged_file_of_places_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "zones").write_bytes(b"no database" * 100)
    site = Site(tmp_path)
    async with site.life():
        await until(lambda: (tmp_path / "zones.damaged").exists())
        await site.give(a_list())
        site.tap()
        await site.decided(1)
    assert Zones(tmp_path / "zones").load()[30].zone == "inside"


async def test_a_file_of_places_that_cannot_be_opened_now_stays_and_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Zones(tmp_path / "zones")
    before.save({30: Place("inside", NOW)})
    before.close()
    refused: list[object] = []

    def refusing(*args: object, **more: object) -> None:
        refused.append(args)
        too_many = sqlite3.OperationalError("unable to open database file")
        too_many.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise too_many

    site = Site(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("edge.access.zones.sqlite3.connect", refusing)
        async with site.life() as access:
            await until(lambda: bool(refused))
            patch.undo()
            await site.clock.advance(2)
            await until(lambda: access._zones.where(30) is not None)
    assert not (tmp_path / "zones.damaged").exists()


async def test_a_door_that_did_not_open_moved_nobody(tmp_path: Path) -> None:
    site = Site(tmp_path)
    outcomes = [CommandOutcome(None, "no answer"), CommandOutcome(True, "done")]
    site.outcome = lambda: outcomes.pop(0)
    async with site.life():
        await site.give(a_list())
        site.tap()
        await site.decided(1)
        await site.clock.advance(2)
        site.tap()
        assert (await site.decided(2))[1].kind == "access_granted"


async def test_the_door_opens_while_the_disk_takes_nothing_and_the_record_follows(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life() as access:
        await site.give(a_list())
        await access.drained()
        taking = site.sink.event

        async def refuse(event: Event, **_: Any) -> bool:
            raise StoreUnavailable("the disk is full")

        site.sink.event = refuse  # type: ignore[method-assign,assignment]
        site.tap()
        await until(lambda: site.pulsed)
        await until(lambda: access._records.error)
        for number in range(WAITING_MAX + 10):
            access._records.add(Event("r-in", "access_denied", NOW, {"detail": str(number)}))
        site.sink.event = taking  # type: ignore[method-assign]
        await site.clock.advance(2)
        await access.drained()
        assert any(event.kind == "access_granted" for event in site.sink.events)
        (gap,) = [event for event in site.sink.events if event.kind == "gap"]
        assert gap.data["reason"] == "disk_refused"
        assert gap.data["events"] == 10
        assert len(site.sink.events) == 1 + 1 + WAITING_MAX + 1


async def test_a_list_is_told_when_it_is_held_refused_and_grows_old(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life() as access:
        await site.give(a_list(7))
        await access.lists.hear(LinkMessage("t", a_list(6), 1, True, False, 1))
        await until(lambda: site.kinds() == ["grants_held", "grants_refused"])
        for _ in range(3):
            await access.lists.hear(LinkMessage("t", a_list(6), 1, True, False, 1))
        site.clock.step(6 * DAY + 1000)
        await site.clock.advance(LOOK_EVERY_S + 1)
        await until(lambda: site.kinds()[2:] == ["grants_expiring"])
        site.clock.step(DAY)
        await site.clock.advance(LOOK_EVERY_S + 1)
        await until(lambda: site.kinds()[3:] == ["grants_expired"])
        report = access.report()
        assert (report.number, report.cards, report.refused) == (7, 1, 1)
        assert "number: 6 is not newer" in report.last_error
        await site.give(a_list(8, expires_at=NOW + 20 * DAY))
        await until(lambda: site.kinds()[4:] == ["grants_held"])
        site.tap()
        assert (await site.decided(1))[0].data["list"] == 8


async def test_a_list_holds_that_the_disk_does_not_take(tmp_path: Path) -> None:
    (tmp_path / "grants").write_text("in the way")
    site = Site(tmp_path)
    async with site.life() as access:
        await site.give(a_list())
        site.tap()
        assert (await site.decided(1))[0].kind == "access_granted"
        await until(lambda: access.lists.last_error)
        (tmp_path / "grants").unlink()
        await site.clock.advance(LOOK_EVERY_S + 1)
        await until(lambda: not access.lists.last_error)
    async with site.life() as access:
        await until(lambda: access.lists.held is not None)


async def test_an_order_that_opens_a_door_is_a_decision_too(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life() as access:
        obey_order = access.telling(site.obey, "remote")
        assert (await obey_order(Command("relays", "relay_1", "pulse", 3.0))).ok
        await obey_order(Command("relays", "relay_3", "pulse", 3.0))
        site.outcome = lambda: CommandOutcome(False, "no", sent=False)
        await obey_order(Command("relays", "relay_1", "pulse", 3.0))
        (event,) = await site.decided(1)
        assert (event.device, event.kind) == ("r-in", "access_granted")
        assert event.data == {"door": "north", "reason": "remote", "strike": "done"}


async def test_while_the_clock_is_not_set_nobody_is_let_in(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.clock_known = False
    async with site.life():
        await site.give(a_list())
        site.tap()
        (event,) = await site.decided(1)
        assert event.data["reason"] == "clock_unknown"
