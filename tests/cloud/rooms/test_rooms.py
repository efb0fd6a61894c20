"""Rooms as a feature: release, presence that comes late, use, and what is little used."""

import pytest

from cloud.assets.contract import AssetKey
from cloud.registry.bookings_book import BookingsBook
from cloud.registry.database import Database
from cloud.registry.place_days_book import PlaceDaysBook
from cloud.rooms.booking import Booking
from cloud.rooms.rooms import Rooms
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.places.console import (
    DAY,
    HOUR,
    MINUTE,
    SITE,
    PretendHistory,
    PretendJournal,
    PretendRoster,
    PretendShown,
    asset,
    at,
    calendar,
)

ROOM = f"{SITE}/room:r1"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at("08:00"))


class Rig:
    """The feature with a real book."""

    def __init__(self, clock: ManualClock, database: Database) -> None:
        self.clock = clock
        self.roster = PretendRoster(
            asset("room", "r1", ("presence", "pir-1"), title="Room 1", capacity=8, no_show_after_min=10),
            asset("room", "r2", title="Room 2", capacity=8),
        )
        self.shown, self.journal, self.history = PretendShown(), PretendJournal(), PretendHistory()
        self.rooms = Rooms(
            clock,
            roster=self.roster,
            calendar=calendar(),
            shown=self.shown,
            journal=self.journal,
            book=BookingsBook(database),
            days=PlaceDaysBook(database),
            history=self.history,  # type: ignore[arg-type]
            stale_limit=lambda *_: 1_800.0,
        )

    async def book(self, name: str, since: int, until: int, room: str = "r1", unit: str = "Finance") -> Booking:
        booking = Booking(
            id=name,
            site=SITE,
            room=room,
            unit=unit,
            subject="",
            organiser="",
            from_at=since,
            until_at=until,
            created_at=self.clock.now_ms(),
            created_by="li",
        )
        return (await self.rooms.add([booking], once=None))[0]

    async def seen(self, at_ms: int, value: float | None) -> None:
        await self.rooms.observed(self.roster.observed("pir-1", at_ms, occupancy=value))

    async def until(self, text: str, value: float | None = None, day: str = "2026-11-24") -> None:
        """Let time pass; the sensor speaks every ten minutes when it has a value."""
        end = at(text, day)
        while self.clock.now_ms() < end:
            await self.clock.advance(min(600, (end - self.clock.now_ms()) / 1000))
            if value is not None:
                await self.seen(self.clock.now_ms(), value)
            await self.rooms.tick()

    def state(self) -> object:
        return self.shown.things[ROOM]["state"]


@pytest.fixture
async def rig(clock: ManualClock, database: Database) -> Rig:
    rig = Rig(clock, database)
    await rig.rooms.open()
    return rig


@pytest.mark.parametrize(
    ("kind", "decided", "signed"),
    [
        ("card_read", False, True),
        ("card_read", True, False),
        ("access_granted", True, True),
        ("access_denied", True, False),
    ],
)
async def test_where_a_gateway_decides_only_who_was_let_in_signs_in(
    rig: Rig, kind: str, decided: bool, signed: bool
) -> None:
    await rig.book("a", at("09:00"), at("10:00"))
    await rig.until("09:00", 0)
    rig.rooms.decided = lambda site, reader: decided and (site, reader) == (SITE, "pir-1")
    event = Event("pir-1", kind, at("09:02"), {"card_key": "aa"})
    await rig.rooms.happened(rig.roster.happened(event))
    found = await rig.rooms.find("a")
    assert found is not None
    assert (found.signed_in_at == at("09:02")) == signed


async def test_a_room_whose_people_do_not_come_is_given_back_after_a_prompt(rig: Rig) -> None:
    await rig.book("a", at("09:00"), at("10:00"))
    await rig.until("09:00", 0)
    assert rig.state() == "booked"
    await rig.until("09:06", 0)
    assert (rig.state(), rig.shown.things[ROOM]["release_at"]) == ("no_show", at("09:10"))
    await rig.until("09:10", 0)
    await rig.rooms.tick()
    assert rig.state() == "free"
    released = await rig.rooms.find("a")
    assert released is not None
    assert released.released_at == at("09:10")
    assert [row[0] for row in rig.journal.of(ROOM, "booking_made", "booking_released")] == [
        "booking_made",
        "booking_released",
    ]
    await rig.book("b", at("09:30"), at("10:00"), unit="Police")


async def test_a_room_whose_sensor_is_silent_is_never_given_back(rig: Rig) -> None:
    await rig.book("a", at("09:00"), at("10:00"))
    await rig.until("10:30")
    kept = await rig.rooms.find("a")
    assert kept is not None
    assert kept.released_at is None
    assert "no_show" not in [row[2]["state"] for row in rig.journal.of(ROOM, "room_state")]


async def test_presence_that_comes_late_changes_the_journal_of_the_past_and_not_what_is_now(rig: Rig) -> None:
    await rig.book("a", at("09:00"), at("10:00"))
    await rig.until("10:20")
    for minute in range(0, 60, 10):
        await rig.seen(at("09:00") + minute * MINUTE, 1)
    await rig.seen(at("10:05"), 0)
    assert rig.state() == "free"
    assert [(row[1], row[2]["state"]) for row in rig.journal.of(ROOM, "room_state")] == [
        (at("09:00"), "in_use"),
        (at("10:00"), "in_use"),
        (at("10:05"), "overrun"),
        (at("10:10"), "free"),
    ]


async def test_a_room_used_under_the_threshold_is_for_evaluation_and_said_once_a_day(rig: Rig) -> None:
    day = "2026-11-"
    for number in range(24, 31):
        start = at("10:00", f"{day}{number}")
        await rig.book(f"b{number}", start, start + HOUR, room="r2")
        await rig.until("23:50", 0, f"{day}{number}")
        await rig.rooms.write()
    uses = {each.key.id: each for each in await rig.rooms.use(SITE, at("00:00"), at("00:00") + 7 * DAY, 0.3)}
    one, two = uses["r1"], uses["r2"]
    assert (one.use.basis, one.use.share, one.evaluation, one.use.days) == ("presence", 0.0, True, 5)
    assert (two.use.basis, two.use.share, two.evaluation) == ("bookings", 0.1, True)
    assert two.counted[0].units["Finance"].booked_ms == HOUR
    await rig.until("00:10", 0, "2026-12-01")
    assert len(rig.journal.of(ROOM, "evaluation")) >= 1
    assert rig.shown.things[ROOM]["use_share_30d"] == 0.0
    today = at("00:00", "2026-12-01")

    def said() -> list[bool]:
        rooms = (ROOM, ROOM.replace("r1", "r2"))
        return [any(row[1] == today for row in rig.journal.of(room, "evaluation")) for room in rooms]

    assert said() == [True, True]
    rig.rooms.evaluation_under = lambda site: 0.05 if site == SITE else 0.9
    await rig.until("00:20", 0, "2026-12-01")
    assert said() == [True, False], "the site's threshold, at once"


async def test_an_asset_that_goes_takes_its_room_from_the_screen(rig: Rig) -> None:
    rig.rooms.asset_changed(AssetKey(SITE, "room", "r1"), None)
    assert ROOM not in rig.shown.things
