"""What has a retention of its own is forgotten when it is over, some rows at a time."""

import pytest

from cloud.registry import console_upkeep
from cloud.registry.bookings_book import BookingsBook
from cloud.registry.console_upkeep import DAY_MS, ConsoleUpkeep
from cloud.registry.database import Database
from cloud.registry.trip_book import StoredDay, StoredTrip, TripBook
from cloud.rooms.booking import Booking
from protocols.clock import ManualClock


def day_of(ago: int, now: int, vehicle: str = "car-1") -> StoredDay:
    at = now - ago * DAY_MS
    return StoredDay("east", vehicle, at, "{}", "{}", "[]", (StoredTrip("east", vehicle, at, at + 1000, "{}"),))


async def test_days_of_vehicles_go_with_their_trips_when_their_time_is_over(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_upkeep, "AT_MOST", 3)
    book, now = TripBook(database), clock.now_ms()
    await book.write([day_of(ago, now, f"car-{car}") for ago in (1, 9, 11, 12, 13, 14, 400) for car in (1, 2)])
    upkeep = ConsoleUpkeep(None, clock)
    upkeep.add_own(book.forget_before, None)
    await upkeep.round()
    assert len(await book.days("east", 0, now)) == 14
    upkeep.add_own(book.forget_before, 10)
    rounds = []

    async def counted(at: int, *, at_most: int = 5_000) -> int:
        rounds.append(await book.forget_before(at, at_most=at_most))
        return rounds[-1]

    upkeep.add_own(counted, 10)
    await clock.advance(0)
    task = upkeep.round()
    await run(task, clock)
    assert {row.day for row in await book.days("east", 0, now)} == {now - DAY_MS, now - 9 * DAY_MS}
    assert {row.started_at for row in await book.trips("east", 0, now)} == {now - DAY_MS, now - 9 * DAY_MS}
    assert rounds == [0]


async def run(task: object, clock: ManualClock) -> None:
    """Let it sleep as often as it wants to."""
    import asyncio

    running = asyncio.ensure_future(task)  # type: ignore[call-overload]
    while not running.done():
        await clock.advance(0.1)
    await running


async def test_people_of_old_bookings_are_forgotten_and_what_was_used_is_not(
    database: Database, clock: ManualClock
) -> None:
    book, now = BookingsBook(database), clock.now_ms()
    for number, ago in enumerate((1, 89, 91, 92, 300)):
        at = now - ago * DAY_MS
        booking = Booking(
            id=f"b{number}", site="east", room="r1", from_at=at - 3_600_000, until_at=at, unit="Finance",
            organiser="Li", phone="139", subject="Budget", people=3, created_at=at, created_by="li",
        )  # fmt: skip
        await book.add([booking], once=None)
    assert await book.forget_people(now - 90 * DAY_MS, at_most=2) == 2
    assert await book.forget_people(now - 90 * DAY_MS, at_most=2) == 1
    assert await book.forget_people(now - 90 * DAY_MS, at_most=2) == 0
    kept = await book.of("east", 0, now)
    assert [each.organiser for each in kept] == ["", "", "", "Li", "Li"]
    assert {(each.unit, each.people) for each in kept} == {("Finance", 3)}
    assert {each.phone + each.subject for each in kept[:3]} == {""}
