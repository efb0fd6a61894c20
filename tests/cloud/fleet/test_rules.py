"""Findings of a vehicle: when they begin, when they end, and that orders excuse them."""

from collections.abc import Mapping, Sequence

import pytest

from cloud.alarms.kinds import ALARM_KINDS, texts
from cloud.assets.contract import Booked, Fence, Place
from cloud.fleet.fixes import Fix
from cloud.fleet.rules import FINDINGS
from cloud.fleet.settings import FleetSettings, Seal
from cloud.geo.earth import Spot
from tests.cloud.fleet.around import CAR, Map, Orders, World, car, local, sample_of
from tests.cloud.fleet.pretended import HOME, Leg, drive, noisy, place

PARK = Fence(site="east", id="park", name="Car park", purpose="parking", centre=HOME, radius_m=60)
COMPOUND = Fence(site="east", id="compound", name="Compound", purpose="compound", centre=HOME, radius_m=600)
BAR = Fence(site="east", id="bar", name="Karaoke", purpose="sensitive", centre=place(3000, 0), radius_m=150)
CITY = Fence(site="east", id="city", name="City", purpose="area", centre=HOME, radius_m=2000)
GARAGE = Place(site="east", id="garage", name="Garage", kind="parking", spot=HOME)
MINUTE = 60_000


def booked(since: int, until: int, *, status: str = "assigned") -> Booked:
    return Booked("east/request:7", CAR, since, until, place(3000, 0), "Town", "office", "Wang", status)


def out(at: int, *, wait_s: float = 3600, back: bool = False) -> list[Fix]:
    """Ten minutes parked, 3 km east, standing there; back home again when asked."""
    legs = [Leg(0, 0.001, 1, 600), Leg(90, 3000, 12, wait_s)]
    if back:
        legs.append(Leg(270, 3000, 12, 900))
    seen, _ = drive(legs, at, HOME, every_s=10)
    return noisy(seen, 4, 5)


async def ran(
    fixes: Sequence[Fix],
    *,
    facts: Mapping[str, object] | None = None,
    settings: FleetSettings | None = None,
    orders: Sequence[Booked] = (),
    fences: Sequence[Fence] = (),
    until: int | None = None,
) -> World:
    made = World(car(facts), map_=Map(fences, [GARAGE]), orders=Orders(*orders), at=fixes[0].at)
    made.fleet.yards._settings["east"] = (settings or FleetSettings(), 1)
    for fix in fixes:
        await made.tell([sample_of(fix)], now=fix.at + 500)
        made.fleet.tick()
    end = until if until is not None else fixes[-1].at + 1000
    while made.clock.now_ms() < end:
        made.set_clock(min(end, made.clock.now_ms() + MINUTE))
        made.fleet.tick()
    return made


def noted(made: World, kind: str) -> list[int]:
    return [at for _, found, at, _ in made.journal.rows if found == kind]


MONDAY = local("2026-11-23T10:00")
NIGHT = local("2026-11-23T22:10")
SATURDAY = local("2026-11-28T10:00")


async def test_movement_without_an_order_is_found_and_ends_with_the_trip() -> None:
    made = await ran(out(MONDAY), settings=FleetSettings(orders="always"))
    assert made.board.began == ["no_order_movement"]
    assert made.board.active == {}
    (began,), (ended,) = noted(made, "no_order_movement"), noted(made, "no_order_movement_ended")
    assert MONDAY + 11 * MINUTE <= began <= MONDAY + 13 * MINUTE
    assert began < ended


async def test_movement_that_an_order_covers_is_nobodys_business() -> None:
    order = booked(MONDAY + 5 * MINUTE, MONDAY + 40 * MINUTE)
    made = await ran(out(MONDAY), settings=FleetSettings(orders="always"), orders=[order])
    assert made.board.began == []


async def test_only_vehicles_that_are_dispatched_need_an_order_by_default() -> None:
    private = await ran(out(MONDAY))
    assert private.board.began == []
    days_ago = MONDAY - 3 * 86_400_000
    sent = await ran(out(MONDAY), orders=[booked(days_ago, days_ago + MINUTE, status="done")])
    assert sent.board.began == ["no_order_movement"]


async def test_movement_beside_the_time_of_its_order_names_the_order() -> None:
    order = booked(MONDAY + 120 * MINUTE, MONDAY + 180 * MINUTE)
    made = await ran(out(MONDAY), orders=[order])
    assert made.board.began == ["outside_order_window"]
    facts = next(facts for _, kind, _, facts in made.journal.rows if kind == "outside_order_window")
    assert facts["request"] == "east/request:7"


async def test_grace_excuses_a_quarter_of_an_hour() -> None:
    order = booked(MONDAY + 20 * MINUTE, MONDAY + 40 * MINUTE)
    assert (await ran(out(MONDAY), orders=[order])).board.began == []


async def test_an_order_filed_while_it_drives_ends_the_alarm() -> None:
    fixes = out(MONDAY)
    made = World(car(), orders=Orders(), at=MONDAY)
    made.fleet.yards._settings["east"] = (FleetSettings(orders="always"), 1)
    for fix in fixes:
        await made.tell([sample_of(fix)], now=fix.at + 500)
        made.fleet.tick()
        if fix.at >= MONDAY + 13 * MINUTE and not made.orders.booked:
            assert ("no_order_movement", CAR.entity) in made.board.active
            made.orders.booked.append(booked(MONDAY, MONDAY + 60 * MINUTE))
        if fix.at >= MONDAY + 13.7 * MINUTE:
            assert made.board.active == {}


async def test_movement_out_of_hours_says_the_hours() -> None:
    made = await ran(out(NIGHT), facts={"shift": ["workday 07:00-20:00"]})
    assert made.board.began == ["off_hours_movement"]
    assert (await ran(out(MONDAY), facts={"shift": ["workday 07:00-20:00"]})).board.began == []
    assert (await ran(out(NIGHT), settings=FleetSettings(hours=("workday 07:00-20:00",)))).board.began


async def test_a_sealed_vehicle_that_moves_is_urgent_and_the_checklist_is_written() -> None:
    seal = Seal("Spring festival", SATURDAY - MINUTE, SATURDAY + 100 * MINUTE)
    made = await ran(
        out(SATURDAY, wait_s=600, back=True),
        facts={"home": "garage"},
        settings=FleetSettings(seals=(seal,)),
        until=SATURDAY + 120 * MINUTE,
    )
    assert "sealed_movement" in made.board.began
    assert ALARM_KINDS["sealed_movement"].priority == 1
    assert made.board.active == {}
    began = [facts for _, kind, _, facts in made.journal.rows if kind == "sealing_began"]
    ended = [facts for _, kind, _, facts in made.journal.rows if kind == "sealing_ended"]
    assert began[0]["home"] is True
    assert ended[0]["km_today"] == pytest.approx(6, abs=0.4)


async def test_a_vehicle_that_stays_in_on_holidays_is_sealed_on_a_saturday_only() -> None:
    facts = {"sealed_on_holidays": True}
    assert (await ran(out(SATURDAY), facts=facts)).board.began == ["sealed_movement"]
    assert (await ran(out(MONDAY), facts=facts)).board.began == []


async def test_a_vehicle_that_spends_the_night_elsewhere_is_found_though_its_tracker_sleeps() -> None:
    fixes = [fix for fix in out(NIGHT) if fix.at < NIGHT + 30 * MINUTE]
    made = await ran(fixes, facts={"home": "garage"}, until=local("2026-11-24T04:00"))
    assert made.board.began == ["overnight_elsewhere"]
    assert made.board.active, "it holds while the night lasts"
    (at,) = noted(made, "overnight_elsewhere")
    assert local("2026-11-23T23:00") <= at <= local("2026-11-23T23:10")
    made.set_clock(local("2026-11-24T06:00"))
    made.fleet.tick()
    assert made.board.active == {}
    (ended,) = noted(made, "overnight_elsewhere_ended")
    assert local("2026-11-24T05:00") <= ended <= local("2026-11-24T05:10")


async def test_a_vehicle_at_home_or_away_on_an_order_may_spend_the_night_there() -> None:
    at_home = [Fix(NIGHT + n * 10_000, HOME, 5.0) for n in range(200)]
    quiet = await ran(at_home, facts={"home": "garage"}, until=local("2026-11-24T04:00"))
    assert quiet.board.began == []
    order = booked(NIGHT, NIGHT + 600 * MINUTE, status="under_way")
    sent = await ran(out(NIGHT), facts={"home": "garage"}, orders=[order], until=local("2026-11-24T04:00"))
    assert sent.board.began == []


async def test_parking_within_the_compound_but_beside_the_car_parks_is_found_and_ends_when_it_moves() -> None:
    legs = [Leg(0, 0.001, 1, 1800), Leg(0, 300, 5, 2400), Leg(180, 300, 5, 900)]
    seen, _ = drive(legs, MONDAY, HOME, every_s=10)
    made = await ran(noisy(seen, 3, 2), fences=[PARK, COMPOUND])
    assert made.board.began == ["wrong_parking"]
    assert made.board.active == {}
    (at,) = noted(made, "wrong_parking")
    came = MONDAY + 31 * MINUTE
    assert came + 14 * MINUTE <= at <= came + 17 * MINUTE


async def test_a_stop_at_a_sensitive_place_is_found_after_some_minutes_only() -> None:
    made = await ran(out(MONDAY, wait_s=1200, back=True), fences=[BAR])
    assert made.board.began == ["sensitive_stop"]
    assert made.board.active == {}
    assert (await ran(out(MONDAY, wait_s=60, back=True), fences=[BAR])).board.began == []


async def test_a_sensitive_place_counts_in_its_hours_only() -> None:
    import msgspec

    evenings = msgspec.structs.replace(BAR, schedule=("daily 18:00-23:59",))
    assert (await ran(out(MONDAY, wait_s=1200), fences=[evenings])).board.began == []


async def test_a_vehicle_outside_its_areas_is_found_until_it_is_back() -> None:
    made = await ran(out(MONDAY, wait_s=600, back=True), facts={"areas": ["City"]}, fences=[CITY])
    assert made.board.began == ["outside_area"]
    assert made.board.active == {}
    order = booked(MONDAY, MONDAY + 90 * MINUTE)
    sent = await ran(out(MONDAY, wait_s=600), facts={"areas": ["City"]}, fences=[CITY], orders=[order])
    assert sent.board.began == []


async def test_movement_found_late_is_told_once_although_it_is_over() -> None:
    fixes = out(MONDAY, wait_s=1800)
    first, rest = fixes[:60], fixes[60:]
    made = World(car(), at=MONDAY)
    made.fleet.yards._settings["east"] = (FleetSettings(orders="always"), 1)
    for fix in [*first, rest[-1]]:
        await made.tell([sample_of(fix)], now=fix.at + 500)
        made.fleet.tick()
    assert "no_order_movement" not in made.board.began
    now = rest[-1].at + 600_000
    await made.tell([sample_of(fix) for fix in rest[:-1]], now=now)
    for _ in range(3):
        await made.settle(now)
    assert made.board.began == ["no_order_movement"]
    assert made.board.active == {}


def silent_on_the_way(at: int, *, then: Sequence[Fix]) -> list[Fix]:
    """Ten minutes parked, two on the way to the east, and not a word until ``then``."""
    seen, _ = drive([Leg(0, 0.001, 1, 600), Leg(90, 3000, 12)], at, HOME, every_s=10)
    return [fix for fix in noisy(seen, 4, 5) if fix.at < at + 12 * MINUTE] + list(then)


def shown_state(made: World) -> object:
    return made.screen.shown[CAR.entity]["state"]


async def test_a_vehicle_that_was_silent_on_its_way_is_not_driving_until_it_is_seen_to_drive() -> None:
    order = booked(MONDAY + 5 * MINUTE, MONDAY + 15 * MINUTE, status="done")
    again = MONDAY + 50 * MINUTE
    stands, _ = drive([Leg(0, 0.001, 1, 600)], again, place(600, 400), every_s=10)
    fixes = silent_on_the_way(MONDAY, then=noisy(stands, 4, 6))
    settings = FleetSettings(orders="always")
    made = await ran([fix for fix in fixes if fix.at < again + 90_000], settings=settings, orders=[order])
    assert shown_state(made) == "stopped"
    assert made.board.began == []
    made = await ran(fixes, settings=settings, orders=[order])
    assert made.board.began == []
    assert len(noted(made, "trip_ended")) == 1


async def test_one_that_is_seen_to_drive_on_after_a_silence_is_judged_as_before() -> None:
    order = booked(MONDAY + 5 * MINUTE, MONDAY + 15 * MINUTE, status="done")
    again = MONDAY + 50 * MINUTE
    drives, _ = drive([Leg(90, 3000, 12, 600)], again, place(600, 400), every_s=10)
    fixes = silent_on_the_way(MONDAY, then=noisy(drives, 4, 6))
    settings = FleetSettings(orders="always")
    made = await ran([fix for fix in fixes if fix.at < again + 90_000], settings=settings, orders=[order])
    assert shown_state(made) == "on_trip"
    assert made.board.began == ["outside_order_window"]


@pytest.mark.parametrize("silent_min", [20, 50])
async def test_one_that_is_found_elsewhere_after_a_silence_at_its_park_stands_until_it_is_seen_to_drive(
    silent_min: int,
) -> None:
    again = MONDAY + (10 + silent_min) * MINUTE
    parked, _ = drive([Leg(0, 0.001, 1, 600)], MONDAY, HOME, every_s=10)
    stands, _ = drive([Leg(0, 0.001, 1, 900)], again, place(900, 0), every_s=10)
    settings = FleetSettings(orders="always")
    fixes = noisy([*parked, *stands], 4, 5)
    made = await ran([fix for fix in fixes if fix.at < again + 90_000], settings=settings)
    assert shown_state(made) == "stopped"
    assert again <= int(str(made.screen.shown[CAR.entity]["since"])) <= again + 20_000
    made = await ran(fixes, settings=settings)
    assert made.board.began == []
    assert len(noted(made, "trip_ended")) == 1
    drives, _ = drive([Leg(90, 3000, 12)], again, place(900, 0), every_s=10)
    made = await ran([fix for fix in noisy([*parked, *drives], 4, 5) if fix.at < again + 90_000], settings=settings)
    assert shown_state(made) == "on_trip"
    assert made.board.began == ["no_order_movement"]


def test_names_of_ours_are_said_in_the_language_of_the_alarm() -> None:
    args: dict[str, str | int | float | bool | None] = {"plate": "A1", "seal": "holiday", "seal_zh": "节假日"}
    said = texts("sealed_elsewhere", "east/vehicle:car-1", args)
    assert "封存期（节假日）" in said["zh"]
    assert "(holiday)" in said["en"]
    said = texts("card_denied_widely", "east/card:1a2b3c", {"who": "Card 1a2b3c", "who_zh": "卡 1a2b3c"})
    assert said["zh"].startswith("卡 1a2b3c 自")
    assert texts("sealed_elsewhere", "x", {"seal": "Spring Festival"})["zh"].count("Spring Festival") == 1


@pytest.mark.parametrize("kind", FINDINGS)
def test_each_finding_is_an_alarm_in_two_languages_that_says_what_to_do(kind: str) -> None:
    args: dict[str, str | int | float | bool | None] = dict.fromkeys(
        ("plate", "from", "since_local", "seal", "driver", "hours", "request", "where", "home", "fence"), "x"
    )
    said = texts(kind, "east/vehicle:car-1", args)
    assert "?" not in said["en"] + said["zh"]
    assert "Ends when" in said["en"]
    assert "本告警结束" in said["zh"]
    assert isinstance(HOME, Spot)
