"""Taps at a gateway's doors: one decision, one pulse, one record, whatever the list, the strike and the disk do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from edge.access.access import PULSES_WAITING_MAX, READS_AT_ONCE
from edge.access.lists import LOOK_EVERY_S
from edge.access.records import WAITING_MAX
from edge.commands import Command, CommandOutcome
from edge.contract import LinkMessage
from protocols.errors import StoreUnavailable
from protocols.events import check_event
from protocols.grants import Card, columns
from protocols.reading import Event
from tests.edge.access.door_site import OTHER, OWNER, Site, a_list
from tests.protocols.test_grants import DAY, KEYS, NOW
from tests.waiting import until


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
