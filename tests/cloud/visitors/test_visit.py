"""What becomes of a pass, and that the order in which passages arrive does not matter."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.access.gateway_doors import GatewayDoors
from cloud.assets.contract import Happened
from cloud.registry.access_book import AccessBook
from cloud.registry.database import Database
from cloud.registry.passes_book import PassesBook
from cloud.registry.people_held import Kept
from cloud.registry.people_retention import PeopleRetention
from cloud.registry.tables import AlarmRow
from cloud.store.contract import GatewayKey
from cloud.visitors.visit import Pass, Passage, counts_for, masked_phone, plain_plate, visit_of
from cloud.visitors.visitors import Visitors
from protocols.birth import Birth, DoorBirth
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.places.console import (
    DAY,
    MINUTE,
    SITE,
    PretendAlarms,
    PretendJournal,
    PretendRoster,
    PretendShown,
    Zones,
    asset,
    at,
)

PASS = Pass(
    id="v-1",
    site=SITE,
    name="Zhang San",
    host="Li Na",
    unit="Finance",
    plate="浙A·12345",
    card_key="v7",
    from_at=at("09:00"),
    until_at=at("12:00"),
    created_at=at("08:00"),
    created_by="li",
)


def state(now: str, *passages: tuple[str, str]) -> tuple[str, int | None, int | None]:
    visit = visit_of(PASS, [Passage(at(when), way, "gate") for when, way in passages], at(now))
    return visit.state, visit.arrived_at, visit.left_at


def test_a_visitor_is_expected_arrived_overdue_and_left() -> None:
    assert state("08:30")[0] == "expected"
    assert state("10:00", ("09:10", "in")) == ("arrived", at("09:10"), None)
    assert state("12:30", ("09:10", "in")) == ("overdue", at("09:10"), None)
    assert state("12:30", ("09:10", "in"), ("12:10", "out")) == ("left", at("09:10"), at("12:10"))
    assert state("12:30")[0] == "expired"


def test_a_gate_that_cannot_tell_the_way_lets_in_who_is_outside_and_out_who_is_inside() -> None:
    assert state("10:00", ("09:10", "seen"), ("09:11", "seen"))[0] == "arrived"
    assert state("10:00", ("09:10", "seen"), ("09:40", "seen"))[0] == "left"
    assert state("11:00", ("09:10", "seen"), ("09:40", "seen"), ("10:30", "seen")) == ("arrived", at("09:10"), None)


def test_a_card_or_plate_counts_from_two_hours_before_until_a_day_after() -> None:
    assert [counts_for(PASS, at(when)) for when in ("06:59", "07:00", "23:00")] == [False, True, True]
    assert not counts_for(PASS, at("12:00") + DAY)


@pytest.mark.parametrize(
    ("phone", "shown"), [("13812348000", "138****8000"), ("0571-8888", "057**8888"), ("12345", "*****"), ("", "")]
)
def test_a_masked_phone_says_no_more_than_its_ends(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown


def test_plates_are_compared_without_spaces_and_dots() -> None:
    assert plain_plate("浙a 12-345") == plain_plate("浙A·12345")


class Rig:
    """The feature with a real book."""

    def __init__(self, clock: ManualClock, database: Database) -> None:
        self.clock = clock
        self.roster = PretendRoster(
            asset("reader", "in-1", ("reader", "in-1"), door="gate-north", direction="in"),
            asset("reader", "out-1", ("reader", "out-1"), door="gate-north", direction="out"),
            asset("door", "cam", ("reader", "cam-1")),
        )
        self.shown, self.journal, self.alarms = PretendShown(), PretendJournal(), PretendAlarms()
        self.book = PassesBook(database)
        self.visitors = self.make()

    def make(self) -> Visitors:
        return Visitors(
            self.clock,
            roster=self.roster,
            shown=self.shown,
            journal=self.journal,
            zones=Zones(),
            alarms=self.alarms,
            book=self.book,
        )

    def tap(self, device: str, at_ms: int, kind: str = "access_granted", **data: str) -> list[Happened]:
        return self.roster.happened(Event(device, kind, at_ms, dict(data)))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at("08:00"))


TAPS = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["in-1", "out-1", "cam-1"])),
    max_size=12,
    unique_by=lambda tap: tap[0],
)


@settings(max_examples=20, deadline=None)
@given(taps=TAPS, seed=st.integers(0, 2**32))
def test_any_order_of_arrival_ends_with_the_same_journal_and_state(taps: list[tuple[int, str]], seed: int) -> None:
    import asyncio

    async def day(order: list[tuple[int, str]]) -> tuple[object, object]:
        clock = ManualClock(at("08:00"))
        rig = Rig(clock, Database.__new__(Database))
        rig.visitors._take(PASS)
        clock.step(8 * 3_600_000)
        for minute, device in order:
            await rig.visitors.happened(rig.tap(device, at("08:30") + minute * MINUTE, card_key="v7"))
        return rig.journal.of(f"{SITE}/visitor:v-1"), rig.shown.things.get(f"{SITE}/visitor:v-1")

    shuffled = random.Random(seed).sample(taps, len(taps))
    assert asyncio.run(day(shuffled)) == asyncio.run(day(sorted(taps)))


async def test_a_plate_at_a_camera_is_the_arrival_of_who_drives_it(clock: ManualClock, database: Database) -> None:
    rig = Rig(clock, database)
    await rig.visitors.add(PASS, once=None)
    await clock.advance(3_600)
    await rig.visitors.happened(rig.tap("cam-1", at("09:00"), "plate_read", plate="浙A12345", direction="in"))
    shown = rig.shown.things[f"{SITE}/visitor:v-1"]
    assert (shown["state"], shown["arrived_at"], shown["gate"]) == ("arrived", at("09:00"), "cam")
    await rig.visitors.flush()
    again = rig.make()
    await again.open()
    found = await again.find("v-1")
    assert found is not None
    assert (found[1].state, found[2][0].means) == ("arrived", "plate")


async def test_a_card_that_a_gateway_refuses_is_no_arrival(clock: ManualClock, database: Database) -> None:
    rig = Rig(clock, database)
    doors = GatewayDoors(AccessBook(database, clock))
    lock = DoorBirth(id="north", name="North", lock="fail-secure", readers=["in-1"], device="io", point="do1",
                     pulse_s=3.0, remote=False)  # fmt: skip
    birth = Birth(site=SITE, gateway="gw-1", name="G", site_name="S", time_zone="UTC", software="1", config_hash="x",
                  session=1, started_at=at("07:00"), doors=[lock])  # fmt: skip
    await doors.birth(GatewayKey(SITE, "gw-1"), birth, received_at=at("07:00"), retained=False)
    rig.visitors.decided = doors.decides
    await rig.visitors.add(PASS, once=None)
    for kind in ("card_read", "access_denied"):
        await rig.visitors.happened(rig.tap("in-1", at("07:30"), kind, card_key="v7"))
    assert rig.shown.things[f"{SITE}/visitor:v-1"]["state"] == "expected"
    await clock.advance(3_600)
    for kind in ("card_read", "access_granted"):
        await rig.visitors.happened(rig.tap("in-1", at("08:59"), kind, card_key="v7"))
    shown = rig.shown.things[f"{SITE}/visitor:v-1"]
    assert (shown["state"], shown["arrived_at"]) == ("arrived", at("08:59"))


async def test_a_card_that_nobody_decides_about_is_an_arrival(clock: ManualClock, database: Database) -> None:
    rig = Rig(clock, database)
    rig.visitors.decided = GatewayDoors(AccessBook(database, clock)).decides
    await rig.visitors.add(PASS, once=None)
    await clock.advance(3_600)
    await rig.visitors.happened(rig.tap("in-1", at("08:59"), "card_read", card_key="v7"))
    assert rig.shown.things[f"{SITE}/visitor:v-1"]["state"] == "arrived"


async def overdue(rig: Rig) -> str:
    """A visitor came in and was not seen leaving for three days."""
    await rig.visitors.add(PASS, once=None)
    rig.visitors.passed(PASS, Passage(at("09:00"), "in", "gate-north", "card"))
    await rig.visitors.flush()
    await rig.clock.advance(3 * 86_400)
    await rig.visitors.tick()
    return f"{SITE}/visitor:v-1"


async def test_who_is_still_inside_after_days_is_listed_after_a_restart(clock: ManualClock, database: Database) -> None:
    rig = Rig(clock, database)
    entity = await overdue(rig)
    left = msgspec.structs.replace(PASS, id="v-2", name="Wu", card_key="v8", plate="")
    await rig.book.add(left, once=None)
    await rig.book.put_passages([("v-2", Passage(at("09:00"), "in")), ("v-2", Passage(at("10:00"), "out"))])
    rig.shown.things.clear()
    again = rig.make()
    await again.open()
    assert {name: each["state"] for name, each in rig.shown.things.items()} == {entity: "overdue"}
    given = await again.find("v-1")
    assert given is not None
    again.passed(given[0], Passage(clock.now_ms(), "out", "gate-north", "li"))
    await again.tick()
    assert rig.alarms.up == {}
    assert list(again._passes) == []


async def test_retention_lets_go_of_who_is_still_inside(clock: ManualClock, database: Database) -> None:
    rig = Rig(clock, database)
    await overdue(rig)
    people = PeopleRetention(database)
    people.emptied = rig.visitors.let_go
    said: list[object] = []
    rig.alarms.raise_alarm = lambda _, __, args: said.append(args)  # type: ignore[method-assign,assignment]
    await clock.advance(90 * 86_400)
    await rig.visitors.tick()
    assert await people.forget_visitors(clock.now_ms() - 90 * 86_400_000, Kept()) == 1
    await rig.visitors.tick()
    assert (rig.shown.things, rig.alarms.up) == ({}, {})
    assert "Zhang San" not in str(vars(rig.visitors))
    assert said == [{}]


async def test_the_alarm_of_a_visitor_whose_name_is_gone_ends_at_the_next_start(
    clock: ManualClock, database: Database
) -> None:
    rig = Rig(clock, database)
    entity = await overdue(rig)
    async with database.writing() as session:
        session.add(AlarmRow(kind="visitor_overdue", source=entity, priority=3, since=at("12:00"), args="{}"))
    await PeopleRetention(database).forget_visitors(clock.now_ms(), Kept())
    again = rig.make()
    await again.open()
    assert (rig.alarms.up, list(again._passes)) == ({}, [])


async def test_who_came_is_forgotten_after_ninety_days_and_that_somebody_came_is_not(
    clock: ManualClock, database: Database
) -> None:
    rig = Rig(clock, database)
    await rig.visitors.add(PASS, once=None)
    await clock.advance(92 * 86_400)
    await rig.visitors.tick()
    assert await PeopleRetention(database).forget_visitors(clock.now_ms() - 90 * 86_400_000, Kept()) == 1
    kept = await rig.book.find("v-1")
    assert kept is not None
    assert (kept.name, kept.plate, kept.card_key, kept.host, kept.unit) == ("", "", "", "", "Finance")
    assert rig.shown.things == {}
