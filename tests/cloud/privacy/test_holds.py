"""What a legal hold names stays: by class, site, person and text, however it was typed, and whoever is deleted."""

from dataclasses import replace

import pytest

from cloud.privacy.contract import subject_of
from cloud.privacy.desk import Held
from cloud.privacy.holding import HELD
from cloud.registry.trip_book import TripBook
from cloud.store.contract import ReadingsQuery, SeriesKey
from protocols.clock import ManualClock
from tests.cloud.privacy.test_lent_cards import LENT, lent
from tests.cloud.privacy.test_privacy import DAY_MS, ON_FILES, WHO, World, clock, settle, world
from tests.cloud.store.works import POWER, work

__all__ = ["clock", "lent", "world"]


async def gone(world: World, clock: ManualClock, *words: str) -> dict[str, int]:
    """Delete a person; what went, source by source."""
    subject = subject_of(list(words))
    plan = await world.desk.plan(subject)
    await settle(clock, world.desk.delete(subject, plan.confirm))
    return {name: count for name, count in plan.goes.items() if count}


@pytest.mark.parametrize(("kept", "site"), [("access", "east"), ("access", ""), ("", "east"), ("", "")])
async def test_a_hold_on_a_class_or_site_keeps_it_from_a_deletion(
    world: World, clock: ManualClock, kept: str, site: str
) -> None:
    await world.both(clock.now_ms() - DAY_MS)
    await world.book.hold(kept, site, "", "case 1", "boss")
    plan = await world.desk.plan(subject_of(WHO))
    assert plan.stays["access"] == {HELD: 2}
    assert ("visits" in await gone(world, clock, *WHO)) is bool(kept)
    assert len(await world.store.find_events(["ck-li"])) == 1
    assert len((await world.desk.find(subject_of(WHO)))["access"]) == 2


async def test_a_hold_on_another_site_or_class_holds_nothing_here(world: World, clock: ManualClock) -> None:
    await world.both(clock.now_ms() - DAY_MS)
    await world.book.hold("access", "west", "", "case 1", "boss")
    await world.book.hold("tracks", "", "", "case 2", "boss")
    went = await gone(world, clock, *WHO)
    assert (went["access"], "trips" in went) == (2, False)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("name: 李伟", ["name:李伟", "card:ck-li"]),
        ("user:Li", ["user:li", "card:ck-li"]),
        ("plate:浙a·12345", ["plate:浙A12345"]),
        ("name:李伟", ["phone:13912345678"]),
    ],
)
async def test_who_is_held_is_held_however_that_was_typed(
    world: World, clock: ManualClock, typed: str, words: list[str]
) -> None:
    await world.both(clock.now_ms() - DAY_MS)
    await world.book.hold("", "", typed, "case 2", "boss")
    with pytest.raises(Held, match="case 2"):
        await gone(world, clock, *words)
    assert sum((await world.desk.plan(subject_of(words))).goes.values()) == 0


async def test_what_names_somebody_who_is_held_stays_when_another_is_deleted(lent: World, clock: ManualClock) -> None:
    await lent.book.hold("", "", "name:王芳", "case 3", "boss")
    before = await lent.desk.find(subject_of(["name:王芳"]))
    went = await gone(lent, clock, "user:wang", f"card:{LENT}")
    assert sum(went.values()) == 0
    assert await lent.desk.find(subject_of(["name:王芳"])) == before
    assert (await gone(lent, clock, "name:李伟", "phone:13912345678"))["visits"] == 1
    assert await gone(lent, clock, "name:Zhang", "user:guard") == {}
    assert await lent.desk.find(subject_of(["name:王芳"])) == before


HOLDS = [("access", "", ""), ("", "east", ""), ("access", "", "name:李伟"), ("", "", "plate:浙a·12345")]


@pytest.mark.parametrize(("kept", "site", "person"), HOLDS)
async def test_events_that_are_held_outlive_the_days_of_all_events(
    world: World, clock: ManualClock, kept: str, site: str, person: str
) -> None:
    await world.both(clock.now_ms() - 1200 * DAY_MS)
    hold = await world.book.hold(kept, site, person, "case 4", "boss")
    await world.keeper.tell_holds()
    await upkeep(world, clock)
    assert len((await world.desk.find(subject_of(["name:李伟", "card:ck-li", "plate:浙A12345"])))["access"]) >= 1
    assert bool(await world.store.find_events(["ck-wang"])) is not bool(person)
    await world.book.lift(hold.id)
    await world.keeper.tell_holds()
    await clock.advance(DAY_MS / 1000)
    await upkeep(world, clock)
    assert await world.store.find_events(["ck-li", "ck-wang"]) == []


async def upkeep(world: World, clock: ManualClock) -> None:
    """All of a day's; years of readings go some days at a time."""
    for _ in range(60):
        await world.store.maintain(clock.now_ms())


@ON_FILES
@pytest.mark.parametrize(("kept", "site"), [("tracks", ""), ("", "east")])
async def test_positions_that_are_held_outlive_the_days_of_readings(
    world: World, clock: ManualClock, kept: str, site: str
) -> None:
    now = clock.now_ms()
    latitude = SeriesKey("east", "m1", "latitude")
    named = work(1, [(0, now - 500 * DAY_MS, 1.0), (2, now - 500 * DAY_MS, 39.9)], received_at=now)
    world.store.commit(replace(named, new_series=[(2, latitude)]))
    hold = await world.book.hold(kept, site, "", "case 5", "boss")
    await world.keeper.tell_holds()
    await upkeep(world, clock)
    assert (await positions(world, latitude), await positions(world, POWER)) == (1, 0)
    await world.book.lift(hold.id)
    await world.keeper.tell_holds()
    await clock.advance(DAY_MS / 1000)
    await upkeep(world, clock)
    assert await positions(world, latitude) == 0


async def positions(world: World, key: SeriesKey) -> int:
    asked = ReadingsQuery(site=key.site, device=key.device, point=key.point, from_at=0, to_at=1 << 50, step="raw")
    return len((await world.store.readings(asked)).rows)


async def test_trips_that_are_held_outlive_the_days_of_the_fleet(world: World, clock: ManualClock) -> None:
    now = clock.now_ms()
    await world.both(now - 1200 * DAY_MS)
    await world.both(now - 1201 * DAY_MS)
    trips = TripBook(world.database)
    by_class = await world.book.hold("tracks", "east", "", "case 6", "boss")
    assert await trips.forget_before(now - 1100 * DAY_MS, at_most=1) == 0
    await world.book.lift(by_class.id)
    await world.book.hold("", "", "name:李伟", "case 7", "boss")
    while await trips.forget_before(now - 1100 * DAY_MS, at_most=1):
        pass
    assert {each.vehicle for each in await trips.trips("east", 0, now)} == {"car-li"}
    assert {each.vehicle for each in await trips.days("east", 0, now)} == {"car-li"}


async def test_retention_knows_who_is_held_by_their_cards_and_plates(world: World, clock: ManualClock) -> None:
    at = clock.now_ms() - 500 * DAY_MS
    await world.live(at, "李伟", "13912345678", "ck-li", "浙A·12345", "li")
    await world.live(at, "王芳", "13800000000", "ck-wang", "浙B99999", "wang")
    await world.book.hold("", "", "plate:浙A12345", "case 8", "boss")
    await settle(clock, world.keeper.round())
    found = await world.desk.find(subject_of(["plate:浙A12345"]))
    assert (len(found["visits"]), len(found["access"])) == (1, 2)
    assert await world.store.find_events(["ck-wang"]) == []
