"""What things were can be told afterwards, and where they drove costs no row."""

import msgspec
import pytest

from cloud.live.state_log import CHANGES_PER_WHOLE, StateLog
from cloud.live.things import Things
from cloud.registry.console_upkeep import DAY_MS, ConsoleUpkeep
from cloud.registry.database import Database
from cloud.registry.state_book import StateBook, Was
from protocols.clock import ManualClock
from tests.cloud.live.conftest import World

CAR = "east/vehicle:car-01"


class Logged:
    """Things with a state log, and short ways to move time and look back."""

    def __init__(self, world: World, database: Database, clock: ManualClock) -> None:
        self.world, self.clock = world, clock
        self.book = StateBook(database)
        self.log = StateLog(world.live, self.book, clock)
        self.things = Things(world.live, self.log)
        self.log.started()

    def car(self, **attributes: object) -> None:
        self.things.show(CAR, "vehicle", "east", title="浙A·3M902", attributes=attributes, observed_at=5)

    def pass_s(self, seconds: float) -> int:
        self.clock.step(int(seconds * 1000))
        return self.clock.now_ms()

    async def at(self, at: int) -> dict[str, Was]:
        await self.log.flush()
        return {was.entity: was for was in await self.book.at(at)}

    async def rows(self) -> int:
        await self.log.flush()
        return len(await self.book.of(CAR, 0, 2**62, limit=10_000))


@pytest.fixture
def logged(world: World, database: Database, clock: ManualClock) -> Logged:
    return Logged(world, database, clock)


def told(was: Was, attribute: str) -> object:
    return msgspec.json.decode(was.attributes[attribute])


async def test_the_state_at_an_instant_is_what_was_shown_then(logged: Logged) -> None:
    logged.car(state="available", plate="3M902", trip=None)
    first = logged.clock.now_ms()
    second = logged.pass_s(60)
    logged.car(state="on_trip", trip={"id": 7, "km": 0.0})
    third = logged.pass_s(60)
    logged.things.hide(CAR)
    assert told((await logged.at(first))[CAR], "state") == "available"
    assert told((await logged.at(second - 1))[CAR], "state") == "available"
    now = (await logged.at(second))[CAR]
    assert (told(now, "state"), told(now, "plate"), told(now, "trip")) == ("on_trip", "3M902", {"id": 7, "km": 0.0})
    assert (now.kind, now.name, now.site) == ("vehicle", "浙A·3M902", "east")
    assert CAR in await logged.at(third - 1)
    assert await logged.at(third) == {}
    assert await logged.at(first - 1) == {}


async def test_driving_alone_writes_nothing(logged: Logged) -> None:
    logged.car(state="on_trip", latitude=30.27, longitude=120.15, trip={"id": 7, "km": 0.0}, today_km=3.0)
    assert await logged.rows() == 1
    for step in range(100):
        logged.pass_s(1)
        logged.car(
            state="on_trip", latitude=30.27 + step / 1e4, speed_kmh=step, trip={"id": 7, "km": step / 10}, today_km=step
        )
    assert await logged.rows() == 1
    logged.car(trip={"id": 8, "km": 0.0})
    assert await logged.rows() == 2


async def test_after_many_changes_and_after_a_day_it_is_written_whole(logged: Logged) -> None:
    logged.car(plate="3M902", state=0)
    for number in range(1, CHANGES_PER_WHOLE + 2):
        logged.pass_s(1)
        logged.car(state=number)
    await logged.log.flush()
    written = await logged.book.of(CAR, 0, 2**62)
    assert [bool(body and body.kind) for _, body in written].count(True) == 2
    logged.pass_s(3600 * 23)
    assert logged.log.repeat() == 0
    logged.pass_s(3600 * 1.5)
    assert logged.log.repeat() == 1
    assert logged.log.repeat() == 0
    now = (await logged.at(logged.clock.now_ms()))[CAR]
    assert (told(now, "plate"), told(now, "state")) == ("3M902", CHANGES_PER_WHOLE + 1)


async def test_what_a_killed_collector_showed_is_gone_when_the_next_does_not_show_it(
    logged: Logged, world: World, database: Database, clock: ManualClock
) -> None:
    logged.car(state="available")
    await logged.log.flush()
    before = logged.pass_s(600)
    restarted = Logged(World(database, clock), database, clock)
    now = restarted.pass_s(1)
    assert CAR in await restarted.at(before - 1)
    assert await restarted.at(now) == {}


async def test_renaming_and_quality_are_told(logged: Logged) -> None:
    logged.car(state="available")
    at = logged.pass_s(1)
    logged.things.show(CAR, "vehicle", "east", title="new", attributes={}, quality="uncertain")
    now = (await logged.at(at))[CAR]
    assert (now.name, now.quality, told(now, "state")) == ("new", "uncertain", "available")


async def test_a_site_sees_its_own_things_only(logged: Logged) -> None:
    logged.car(state="available")
    logged.things.show("west/door:d1", "door", "west", title="D1", attributes={"state": "closed"})
    await logged.log.flush()
    now = logged.clock.now_ms()
    assert [was.entity for was in await logged.book.at(now, "west")] == ["west/door:d1"]
    assert len(await logged.book.at(now)) == 2


async def test_what_is_too_old_is_forgotten_and_the_rest_can_still_be_told(logged: Logged, clock: ManualClock) -> None:
    upkeep = ConsoleUpkeep(2, clock)
    upkeep.add(logged.book.forget_before, earlier_ms=DAY_MS)
    logged.car(plate="x", state=0)
    for day in range(1, 8):
        logged.pass_s(86_400)
        logged.log.repeat()
        logged.pass_s(1)
        logged.car(state=day)
    rows = await logged.rows()
    now = clock.now_ms()
    await upkeep.round()
    assert await logged.rows() < rows
    for ago in range(3):
        was = (await logged.at(now - ago * 86_400_000))[CAR]
        assert (told(was, "plate"), told(was, "state")) == ("x", 7 - ago)
