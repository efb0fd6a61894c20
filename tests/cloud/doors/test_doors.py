"""Doors as a feature: from events of devices to live state, journal, alarms and figures."""

import pytest

from cloud.assets.contract import AssetKey
from cloud.doors.doors import Doors
from cloud.registry.database import Database
from cloud.registry.place_days_book import PlaceDaysBook
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.places.console import (
    DAY,
    SITE,
    PretendAlarms,
    PretendHistory,
    PretendJournal,
    PretendRoster,
    PretendShown,
    Zones,
    asset,
    at,
    calendar,
)

GATE = f"{SITE}/door:gate-north"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at("08:00"))


class Rig:
    """The feature among pretended neighbours, with a real book."""

    def __init__(self, clock: ManualClock, database: Database) -> None:
        self.clock = clock
        self.roster = PretendRoster(
            asset("door", "gate-north", ("contact", "gn"), ("reader", "gn"), title="North gate", gate=True),
            asset("door", "b1-lobby", ("contact", "lobby-contact"), title="B1 lobby", held_after_s=60),
            asset("reader", "lobby-reader", ("reader", "lobby"), door="b1-lobby"),
            asset("guard", "wang", title="Wang Wei", cards=["c1"]),
        )
        self.shown, self.journal, self.alarms = PretendShown(), PretendJournal(), PretendAlarms()
        self.history = PretendHistory()
        self.doors = self.make(database)

    def make(self, database: Database) -> Doors:
        return Doors(
            self.clock,
            roster=self.roster,
            calendar=calendar(),
            zones=Zones(),
            shown=self.shown,
            journal=self.journal,
            alarms=self.alarms,
            days=PlaceDaysBook(database),
            history=self.history,  # type: ignore[arg-type]
            stale_limit=lambda *_: 86_400.0,
        )

    async def event(self, device: str, kind: str, at_ms: int, **data: str | int | float | bool | None) -> None:
        if at_ms > self.clock.now_ms():
            await self.clock.advance((at_ms - self.clock.now_ms()) / 1000)
        await self.doors.happened(self.roster.happened(Event(device, kind, at_ms, dict(data))))

    async def wait(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.doors.tick()


@pytest.fixture
def rig(clock: ManualClock, database: Database) -> Rig:
    return Rig(clock, database)


async def test_a_passage_is_on_the_screen_at_once_with_who_it_was(rig: Rig) -> None:
    now = rig.clock.now_ms()
    await rig.event("gn", "door_closed", now - 5_000)
    await rig.event("gn", "access_granted", now, card_key="c1")
    await rig.event("gn", "door_opened", now)
    shown = rig.shown.things[GATE]
    assert shown["state"] == "open"
    assert shown["last"] == {"kind": "granted", "at": now, "who": "Wang Wei"}
    await rig.event("gn", "door_closed", now + 6_000)
    assert rig.shown.things[GATE]["passed_today"] == 1
    assert rig.shown.things[GATE]["throughput_s"] == 6.0
    assert [row[2].get("who") for row in rig.journal.of(GATE)] == [None, "Wang Wei", None]


async def test_a_held_door_is_an_alarm_until_it_is_closed(rig: Rig) -> None:
    now = rig.clock.now_ms()
    await rig.event("gn", "door_opened", now)
    await rig.wait(20)
    assert rig.alarms.up == {}
    await rig.wait(15)
    assert rig.alarms.up == {("door_held", GATE): {"name": "North gate", "since": "08:00:00", "limit": "30 s"}}
    await rig.event("gn", "door_closed", rig.clock.now_ms())
    assert rig.alarms.up == {}


async def test_a_backlog_raises_nothing_for_what_it_ends_itself(rig: Rig) -> None:
    now = rig.clock.now_ms()
    await rig.event("gn", "door_closed", now - 3_600_000)
    for passage in range(20):
        began = now - 3_000_000 + passage * 60_000
        await rig.event("gn", "door_opened", began)
        await rig.doors.tick()
        assert rig.alarms.up == {}
        await rig.wait(0.5)
        await rig.event("gn", "door_closed", began + 5_000)
    assert rig.alarms.raised == 0


async def test_a_door_that_is_held_open_since_before_the_backlog_came_is_an_alarm_once_it_has_come(rig: Rig) -> None:
    now = rig.clock.now_ms()
    await rig.event("gn", "door_opened", now - 600_000)
    await rig.wait(5)
    assert rig.alarms.up == {}
    await rig.event("gn", "access_granted", now - 500_000, card_key="c1")
    await rig.wait(8)
    assert rig.alarms.up == {}
    await rig.wait(4)
    assert rig.alarms.kinds == {"door_held"}
    await rig.event("gn", "access_granted", now - 400_000, card_key="c1")
    assert rig.alarms.kinds == {"door_held"}
    await rig.event("gn", "door_closed", now - 300_000)
    assert rig.alarms.up == {}


async def test_an_opening_without_a_decision_is_an_alarm_unless_the_grant_comes_by_a_slower_way(rig: Rig) -> None:
    now = rig.clock.now_ms()
    await rig.event("lobby-contact", "door_closed", now - 60_000)
    await rig.event("lobby-contact", "door_opened", now)
    await rig.wait(1)
    assert rig.alarms.up == {}
    await rig.event("lobby", "access_granted", now - 800, card_key="c1")
    await rig.wait(10)
    assert rig.alarms.up == {}
    assert rig.shown.things[f"{SITE}/door:b1-lobby"]["state"] == "open"
    await rig.event("lobby-contact", "door_closed", now + 12_000)
    await rig.wait(20)
    await rig.event("lobby-contact", "door_opened", rig.clock.now_ms())
    await rig.wait(4)
    assert rig.alarms.kinds == {"door_forced"}


async def test_one_card_refused_at_several_doors_is_one_alarm_that_names_the_doors(rig: Rig) -> None:
    now = rig.clock.now_ms()
    await rig.event("gn", "access_denied", now, card_key="c1")
    await rig.event("lobby", "access_denied", now + 30_000, card_key="c1")
    await rig.event("gn", "access_denied", now + 90_000, card_key="c1")
    alarm = rig.alarms.up["card_denied_widely", f"{SITE}/card:c1"]
    assert alarm["who"] == "Wang Wei"
    assert alarm["doors"] == "B1 lobby, North gate"
    await rig.wait(301 + 2)
    assert rig.alarms.up == {}
    assert len(rig.journal.of(f"{SITE}/card:refused")) == 2


async def test_figures_are_kept_by_hour_and_survive_a_restart(rig: Rig, database: Database) -> None:
    start = rig.clock.now_ms()
    for person in range(12):
        tap = start + person * 9_000
        await rig.event("gn", "access_granted", tap, card_key=f"p{person}")
        await rig.event("gn", "door_opened", tap + 1_000)
        await rig.event("gn", "door_closed", tap + 8_000)
    await rig.doors.write()
    again = rig.make(database)
    measured = await again.gate_passage(SITE, start, start + DAY)
    assert (measured.seconds, measured.n) == (8.0, 11)
    hours = (await again.hours(SITE, start, start + DAY))[AssetKey(SITE, "door", "gate-north")]
    assert sum(hours[start].gaps.values()) == 11
    assert hours[start].passed == 12


async def test_a_day_that_is_over_is_worked_out_from_the_store_when_something_late_of_it_comes(rig: Rig) -> None:
    old = at("09:00", "2026-11-20")
    rig.history.past = [
        Event("gn", "door_closed", old - 60_000),
        Event("gn", "access_granted", old, {"card_key": "c1"}),
        Event("gn", "door_opened", old + 1_000),
        Event("gn", "door_closed", old + 7_000),
    ]
    now = rig.clock.now_ms()
    await rig.event("gn", "door_closed", now)
    for event in rig.history.past:
        await rig.event(event.device, event.kind, event.at, **event.data)
    assert rig.shown.things[GATE]["since"] == now
    await rig.wait(25)
    assert [row[1] for row in rig.journal.of(GATE)] == [old - 60_000, old + 1_000, old + 7_000, now]
    measured = await rig.doors.gate_passage(SITE, old - DAY, old + DAY)
    assert (measured.seconds, measured.n) == (7.0, 1)
    await rig.wait(60)
    assert (await rig.doors.gate_passage(SITE, old - DAY, old + DAY)).n == 1


async def test_yesterday_is_forgotten_by_memory_and_not_by_the_figures(rig: Rig) -> None:
    start = rig.clock.now_ms()
    await rig.event("gn", "door_closed", start - 9_000)
    await rig.event("gn", "access_granted", start, card_key="c1")
    await rig.event("gn", "door_opened", start + 1_000)
    await rig.event("gn", "door_closed", start + 5_000)
    await rig.wait(11)
    for _ in range(3):
        await rig.wait(86_400)
    one = rig.doors.gates(SITE)[-1]
    assert len(one.book.inputs) == 0
    assert one.state.state == "unknown"
    assert (await rig.doors.gate_passage(SITE, start, start + DAY)).n == 1
    assert [row[1] - start for row in rig.journal.of(GATE)] == [-9_000, 1_000, 5_000, 86_405_001]
