"""Guards, technicians and patrols as a feature: from events to live state, journal and alarms."""

import msgspec
import pytest

from cloud.assets.contract import AssetKey, Booked, Place
from cloud.geo.earth import Spot
from cloud.patrol.crew import Crew
from cloud.patrol.patrols import Patrols
from cloud.patrol.routes import Checkpoint, Route, Standing
from cloud.registry.database import Database
from cloud.registry.patrol_book import PatrolBook
from cloud.registry.tables_places import PatrolRouteRow
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.places.console import (
    SITE,
    PretendAlarms,
    PretendHistory,
    PretendJournal,
    PretendMap,
    PretendOrders,
    PretendRoster,
    PretendShown,
    Zones,
    asset,
    at,
    calendar,
)

WANG = AssetKey(SITE, "guard", "wang")
TOWER = Spot(30.2500, 120.1500)
ROUTE = Route(
    id="round",
    name="Night round",
    checkpoints=(
        Checkpoint(id="gate", name="North gate", reader="gn", from_min=0, until_min=20),
        Checkpoint(id="pump", name="Pump room", tag="tag-pump", from_min=5, until_min=40),
        Checkpoint(id="tower", name="Tower", place="tower", from_min=10, until_min=60),
    ),
    starts=("22:00",),
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at("21:00"))


class Rig:
    """The feature among pretended neighbours, with a real book."""

    def __init__(self, clock: ManualClock, database: Database) -> None:
        self.clock, self.database = clock, database
        self.roster = PretendRoster(
            asset("door", "gate-north", ("reader", "gn"), title="North gate", latitude=30.24, longitude=120.16),
            asset("guard", "wang", ("position", "phone-1"), ("tag", "wand-1"), title="Wang Wei", cards=["c1"]),
            asset("technician", "zhao", title="Zhao", shift=["daily 08:00-20:00"]),
        )
        self.shown, self.journal, self.alarms = PretendShown(), PretendJournal(), PretendAlarms()
        self.orders, self.history = PretendOrders(), PretendHistory()
        self.patrols = self.make()

    def make(self) -> Patrols:
        site_map = PretendMap(places=[Place(site=SITE, id="tower", name="Tower", kind="checkpoint", spot=TOWER)])
        self.crew = Crew(
            roster=self.roster,
            calendar=calendar(),
            shown=self.shown,
            journal=self.journal,
            site_map=site_map,
            orders=self.orders,
        )
        return Patrols(
            self.clock,
            crew=self.crew,
            roster=self.roster,
            calendar=calendar(),
            zones=Zones(),
            shown=self.shown,
            journal=self.journal,
            site_map=site_map,
            alarms=self.alarms,
            book=PatrolBook(self.database),
            history=self.history,  # type: ignore[arg-type]
        )

    async def event(self, device: str, at_ms: int, **data: str | int | float | bool | None) -> None:
        await self.patrols.happened(self.roster.happened(Event(device, "card_read", at_ms, dict(data))))

    async def position(self, at_ms: int, spot: Spot, accuracy_m: float = 5.0) -> None:
        points = {"latitude": spot.latitude, "longitude": spot.longitude, "accuracy_m": accuracy_m}
        await self.patrols.observed(self.roster.observed("phone-1", at_ms, **points))

    async def until(self, text: str) -> None:
        await self.clock.advance((at(text) - self.clock.now_ms()) / 1000)
        await self.patrols.tick()

    def state(self, key: AssetKey = WANG) -> object:
        return self.shown.things[key.entity]["state"]


@pytest.fixture
async def rig(clock: ManualClock, database: Database) -> Rig:
    rig = Rig(clock, database)
    await rig.patrols.open()
    await rig.patrols.put_routes(SITE, [ROUTE])
    return rig


async def test_a_round_by_card_tag_and_position_is_done_and_the_guard_busy_meanwhile(rig: Rig) -> None:
    await rig.until("22:03")
    await rig.position(at("22:03"), Spot(30.24, 120.16))
    assert rig.state() == "available"
    await rig.event("gn", at("22:03"), card_key="c1")
    shown = rig.shown.things[WANG.entity]
    assert (shown["state"], shown["patrol"]["done"], shown["patrol"]["next"]) == ("busy", 1, "Pump room")  # type: ignore[index]
    await rig.until("22:11")
    await rig.event("wand-1", at("22:11"), card_key="tag-pump")
    await rig.until("22:16")
    await rig.position(at("22:16"), TOWER)
    run = (await rig.patrols.runs(SITE, at("21:00"), at("23:00")))[0]
    assert [(point.state, point.guard) for point in run.checkpoints] == [("done", "wang")] * 3
    assert (run.state, rig.state(), rig.alarms.up) == ("done", "available", {})
    entity = f"{SITE}/patrol:{run.id}"
    assert [row[2]["state"] for row in rig.journal.of(entity)] == ["done"] * 3
    assert [row[2]["state"] for row in rig.journal.of(WANG.entity)] == ["available", "busy", "available"]


async def test_a_round_that_nobody_begins_and_a_checkpoint_that_nobody_reaches_are_alarms_until_they_are_over(
    rig: Rig,
) -> None:
    await rig.until("22:09")
    assert rig.alarms.up == {}
    await rig.until("22:11")
    assert rig.alarms.kinds == {"patrol_late"}
    await rig.until("22:21")
    await rig.event("wand-1", at("22:21"), card_key="tag-pump")
    assert rig.alarms.kinds == {"checkpoint_missed"}
    alarm = next(iter(rig.alarms.up.values()))
    assert alarm == {
        "name": "Night round 22:00",
        "route": "Night round",
        "begins": "22:00",
        "checkpoint": "North gate",
        "until": "22:20",
        "guard": "Wang Wei",
    }
    await rig.until("22:25")
    await rig.event("gn", at("22:25"), card_key="c1")
    assert rig.alarms.up == {}


async def test_a_scan_that_comes_late_by_a_backlog_is_put_where_it_belongs(rig: Rig) -> None:
    await rig.until("23:10")
    assert rig.alarms.kinds == {"checkpoint_missed"}
    for device, when, data in (("gn", "22:05", "c1"), ("wand-1", "22:10", "tag-pump")):
        await rig.event(device, at(when), card_key=data)
    await rig.position(at("22:15"), TOWER)
    await rig.patrols.tick()
    run = (await rig.patrols.runs(SITE, at("21:00"), at("23:00")))[0]
    assert (run.state, rig.alarms.up) == ("done", {})
    rows = rig.journal.of(f"{SITE}/patrol:{run.id}")
    assert [(row[1], row[2]["state"]) for row in rows] == [
        (at("22:05"), "done"),
        (at("22:10"), "done"),
        (at("22:15"), "done"),
    ]


async def test_a_scan_of_days_ago_corrects_the_run_that_was_written_down(rig: Rig) -> None:
    await rig.until("22:05")
    await rig.event("gn", at("22:05"), card_key="c1")
    await rig.until("23:30")
    await rig.patrols.write()
    for _ in range(5):
        await rig.clock.advance(86_400)
        await rig.patrols.tick()
    await rig.event("wand-1", at("22:10"), card_key="tag-pump")
    await rig.patrols.tick()
    run = (await rig.patrols.runs(SITE, at("21:00"), at("23:00")))[0]
    assert [point.state for point in run.checkpoints] == ["done", "done", "missed"]


async def test_a_restart_in_the_middle_of_a_round_forgets_nothing(rig: Rig) -> None:
    await rig.until("22:05")
    await rig.event("gn", at("22:05"), card_key="c1")
    await rig.patrols.write()
    again = rig.make()
    await again.open()
    run = (await again.runs(SITE, at("21:00"), at("23:00")))[0]
    assert (run.state, run.done) == ("under_way", 1)


async def test_people_are_off_duty_by_their_shift_silent_by_their_position_and_busy_by_their_order(rig: Rig) -> None:
    zhao = AssetKey(SITE, "technician", "zhao")
    assert rig.state(zhao) == "off_duty"
    rig.orders.booked = [Booked("r", zhao, at("21:00"), at("23:00"), None, "B3", "", "", "under_way")]
    await rig.until("21:10")
    assert rig.state(zhao) == "busy"
    assert rig.state() == "non_contactable"
    await rig.position(at("21:10"), TOWER)
    assert rig.state() == "available"
    await rig.until("21:40")
    assert rig.state() == "non_contactable"
    assert rig.shown.things[WANG.entity]["since"] == at("21:25")
    states = {each.key.id: each for each in rig.crew.states(SITE, "guard")}
    assert (states["wang"].state, states["wang"].spot, states["wang"].observed_at) == (
        "non_contactable",
        TOWER,
        at("21:10"),
    )


async def test_an_old_position_does_not_replace_a_newer_one(rig: Rig) -> None:
    await rig.until("21:10")
    await rig.position(at("21:10"), TOWER)
    await rig.position(at("21:05"), Spot(30.0, 120.0))
    assert rig.crew.states(SITE, "guard")[0].spot == TOWER
    await rig.event("gn", at("21:10") + 30_000, card_key="c1")
    assert rig.shown.things[WANG.entity]["place"] == "North gate"


EVERY_HOUR = tuple(f"{hour:02}:00" for hour in range(24))


async def test_a_new_or_changed_route_is_asked_for_from_now_on_only(rig: Rig) -> None:
    changed = Route(id="round", name="Night round", checkpoints=ROUTE.checkpoints, starts=EVERY_HOUR)
    added = Route(id="yard", name="Yard", checkpoints=ROUTE.checkpoints, starts=EVERY_HOUR)
    await rig.until("21:30")
    await rig.patrols.put_routes(SITE, [changed, added])
    await rig.patrols.tick()
    assert rig.alarms.up == {}
    assert [each for each in await rig.patrols.runs(SITE, 0, at("21:30")) if each.from_at < at("21:30")] == []
    await rig.patrols.write()
    again = rig.make()
    await again.open()
    await again.tick()
    assert [each for each in await again.runs(SITE, 0, at("21:30")) if each.from_at < at("21:30")] == []
    assert rig.alarms.up == {}
    await rig.until("22:11")
    assert {source.partition("patrol:")[2].rpartition("-")[0] for _, source in rig.alarms.up} == {"round", "yard"}


async def test_a_run_that_had_begun_goes_on_when_its_route_changes_also_over_a_restart(rig: Rig) -> None:
    await rig.until("22:05")
    await rig.event("gn", at("22:05"), card_key="c1")
    await rig.patrols.put_routes(SITE, [Route(id="round", name="Other name", checkpoints=ROUTE.checkpoints[:2])])
    await rig.patrols.write()
    [run] = await rig.patrols.runs(SITE, at("21:00"), at("23:00"))
    assert (run.name, run.done, len(run.checkpoints)) == ("Night round", 1, 3)
    kept = Route(id="round", name="Night round", checkpoints=ROUTE.checkpoints, starts=("22:00", "23:00"))
    await rig.patrols.put_routes(SITE, [kept])
    again = rig.make()
    await again.open()
    rig.clock.step(60_000)
    [run] = await again.runs(SITE, at("21:00"), at("23:00"))
    assert (run.state, run.done) == ("under_way", 1)


async def test_routes_written_by_an_older_version_are_read(rig: Rig, database: Database) -> None:
    async with database.writing() as session:
        row = await session.get(PatrolRouteRow, (SITE, "round"))
        assert row is not None
        row.route = msgspec.json.encode(ROUTE).decode()
    assert await PatrolBook(database).routes() == {SITE: [Standing(ROUTE, 0)]}
