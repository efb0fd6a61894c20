"""Requests that move on by themselves, the micro-batch, and what is learned of journeys."""

from cloud.assets.contract import AssetKey
from cloud.dispatch.request import Where
from cloud.dispatch.settings import DispatchSettings
from tests.cloud.dispatch.rig import LI, NINE, SITE, Rig, away

MINUTE, HOUR = 60_000, 3_600_000


async def sent(rig: Rig, metres: float = 1000, **fields: object):
    rig.fakes.vehicle("v1", away(metres))
    request = await rig.file(**fields)
    return await rig.act(request, "assign", resource="v1")


async def test_it_is_under_way_when_the_vehicle_leaves_and_arrived_when_it_is_there(rig: Rig) -> None:
    request = await sent(rig)
    states = []
    for second, metres in ((5, 1000), (30, 1070), (60, 900), (90, 300), (120, 81), (125, 79)):
        rig.pass_s(NINE // 1000 + second - rig.clock.now_ms() // 1000)
        rig.fakes.seen("v1", away(metres), rig.clock.now_ms())
        await rig.dispatch.tick()
        states.append((await rig.now(request)).status)
    assert states == ["assigned", "assigned", "under_way", "under_way", "under_way", "arrived"]
    history = await rig.dispatch.desk.history(request)
    assert [(line.action, line.by, line.reason) for line in history[2:]] == [
        ("start", "automatic", "by position"),
        ("arrive", "automatic", "by position"),
    ]
    assert (await rig.now(request)).clocks["arrive"].done_at == rig.clock.now_ms()


async def test_a_position_of_before_the_assignment_or_an_uncertain_one_moves_nothing(rig: Rig) -> None:
    request = await sent(rig)
    rig.pass_s(10)
    rig.fakes.seen("v1", away(10), NINE - 1)
    await rig.dispatch.tick()
    rig.fakes.seen("v1", away(10), rig.clock.now_ms(), accuracy_m=51)
    await rig.dispatch.tick()
    assert (await rig.now(request)).status == "assigned"
    rig.fakes.seen("v1", away(10), rig.clock.now_ms(), accuracy_m=50)
    await rig.dispatch.tick()
    assert (await rig.now(request)).status == "arrived"


async def test_a_vehicle_that_stands_at_the_place_hours_before_the_window_is_there_by_chance(rig: Rig) -> None:
    request = await sent(rig, 10, earliest=NINE + 3 * HOUR, latest=NINE + 4 * HOUR)
    rig.pass_s(60)
    rig.fakes.seen("v1", away(10), rig.clock.now_ms())
    await rig.dispatch.tick()
    assert (await rig.now(request)).status == "assigned"
    rig.pass_s(2.6 * 3600)
    rig.fakes.seen("v1", away(10), rig.clock.now_ms())
    await rig.dispatch.tick()
    assert (await rig.now(request)).status == "arrived"


async def test_what_a_vehicle_does_for_one_request_says_nothing_of_its_next(rig: Rig) -> None:
    first = await sent(rig, 1000)
    await rig.act(first, "start")
    second = await rig.file(origin=Where("far", *away(-5000)))
    await rig.act(second, "assign", resource="v1", reason="it goes on there")
    rig.pass_s(60)
    rig.fakes.seen("v1", away(500), rig.clock.now_ms())
    await rig.dispatch.tick()
    assert (await rig.now(second)).status == "assigned"


async def test_where_it_stood_is_known_after_a_restart(rig: Rig) -> None:
    request = await sent(rig)
    await rig.restarted()
    rig.pass_s(30)
    rig.fakes.seen("v1", away(800), rig.clock.now_ms())
    await rig.dispatch.tick()
    assert (await rig.now(request)).status == "under_way"


async def test_finished_journeys_teach_how_long_it_takes(rig: Rig) -> None:
    travel, end = rig.dispatch.travel, away(0)
    plain = travel.estimate(SITE, "vehicle", away(1000), end, NINE)
    assert (plain.source, plain.n) == ("default", 0)
    for number in range(5):
        request = await sent(rig)
        for after, metres in ((10, 900), (250, 5)):
            rig.pass_s(after)
            rig.fakes.seen("v1", away(metres), rig.clock.now_ms())
            await rig.dispatch.tick()
        await rig.act(request, "finish")
        found = travel.estimate(SITE, "vehicle", away(1000), end, rig.clock.now_ms())
        assert found.n == (5 if number == 4 else 0)
    assert found.source == "learned_hour"
    assert abs(found.seconds - 250) < 1
    another_hour = travel.estimate(SITE, "vehicle", away(1000), end, NINE + 5 * HOUR)
    assert (another_hour.source, another_hour.n) == ("learned", 5)
    other_band = travel.estimate(SITE, "vehicle", away(8000), end, NINE)
    assert other_band.source == "default"
    await rig.restarted()
    again = rig.dispatch.travel.estimate(SITE, "vehicle", away(1000), end, NINE)
    assert (again.source, round(again.seconds)) == ("learned_hour", round(found.seconds))


async def test_the_batch_suggests_and_shows_and_assigns_nothing(rig: Rig) -> None:
    rig.fakes.vehicle("near", away(100))
    rig.fakes.vehicle("far", away(5000))
    one, two = await rig.file(), await rig.file()
    await rig.dispatch.batch()
    suggested = {rig.fakes.shown[r.entity]["suggested"]["name"] for r in (one, two)}  # type: ignore[index]
    assert suggested == {"NEAR", "FAR"}
    assert {(await rig.now(r)).status for r in (one, two)} == {"new"}


async def test_an_unchanged_suggestion_is_not_shown_again(rig: Rig) -> None:
    rig.fakes.vehicle("near", away(100))
    await rig.file()
    await rig.dispatch.batch()
    before = rig.fakes.shows
    for _ in range(3):
        rig.pass_s(3)
        await rig.dispatch.batch()
    assert rig.fakes.shows == before


async def test_automatic_assignment_is_off_until_a_site_turns_it_on_for_a_tier(rig: Rig) -> None:
    rig.fakes.vehicle("near", away(100))
    request = await rig.file()
    await rig.dispatch.batch()
    assert (await rig.now(request)).status == "new"
    await rig.dispatch.set_settings(SITE, DispatchSettings(automatic=("real_time",)), "admin")
    await rig.dispatch.batch()
    done = await rig.now(request)
    assert done.assigned is not None and (done.status, done.assigned.by) == ("assigned", "automatic")


async def test_who_is_at_work_is_a_candidate_from_when_and_where_it_will_be_free(rig: Rig) -> None:
    first = await sent(rig, 100, to=Where("there", *away(2000)), duration_min=10)
    assert first.assigned is not None
    second = await rig.file(origin=Where("there", *away(2000)))
    solution, row = rig.dispatch.matching.for_one(second, rig.dispatch.desk.open_ones(), NINE)
    candidate = solution.suggested(row)
    assert candidate is not None
    assert candidate.free_at == first.assigned.until
    assert candidate.spot == away(2000)
    assert solution.arrival(row) == first.assigned.until + 60_000


async def test_rest_is_due_after_four_hours_without_a_break(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(0))
    for _ in range(4):
        request = await rig.file(duration_min=58)
        await rig.act(request, "assign", resource="v1")
        rig.pass_s(58 * 60)
        await rig.act(request, "finish")
        rig.pass_s(120)
    tired = await rig.file(duration_min=58)
    solution, row = rig.dispatch.matching.for_one(tired, rig.dispatch.desk.open_ones(), rig.clock.now_ms())
    from cloud.dispatch.feasible import CODES

    assert CODES[solution.codes[row, 0]] == "rest"
    rig.pass_s(20 * 60)
    solution, row = rig.dispatch.matching.for_one(tired, rig.dispatch.desk.open_ones(), rig.clock.now_ms())
    assert CODES[solution.codes[row, 0]] == ""


async def test_orders_say_what_covers_a_movement(rig: Rig) -> None:
    request = await sent(rig)
    key = AssetKey(SITE, "vehicle", "v1")
    orders = rig.dispatch.orders
    assert request.assigned is not None
    (work,) = orders.of(key, NINE, NINE + 1)
    assert (work.request, work.status, work.unit) == (request.entity, "assigned", "Reception")
    assert orders.of(key, NINE - HOUR, NINE) == []
    assert orders.of(key, request.assigned.until, request.assigned.until + 1) == []
    await rig.act(request, "start")
    assert len(orders.of(key, request.assigned.until + HOUR, request.assigned.until + HOUR + 1)) == 1
    rig.pass_s(300)
    await rig.act(request, "finish", LI)
    (work,) = orders.of(key, NINE, NINE + HOUR)
    assert (work.status, work.until) == ("done", NINE + 300_000)
    await rig.restarted()
    assert rig.dispatch.orders.of(key, NINE, NINE + HOUR) == [work]


async def test_a_request_cancelled_at_once_covers_nothing(rig: Rig) -> None:
    request = await sent(rig)
    await rig.act(request, "cancel")
    assert rig.dispatch.orders.of(AssetKey(SITE, "vehicle", "v1"), NINE, NINE + HOUR) == []


async def test_what_was_cancelled_on_its_way_covers_what_was_driven_until_then(rig: Rig) -> None:
    request = await sent(rig)
    await rig.act(request, "start")
    rig.pass_s(300)
    await rig.act(request, "cancel")
    key = AssetKey(SITE, "vehicle", "v1")
    (work,) = rig.dispatch.orders.of(key, NINE, NINE + HOUR)
    assert (work.status, work.until) == ("done", NINE + 300_000)
    assert rig.dispatch.orders.open_of(key) == []
    await rig.restarted()
    assert rig.dispatch.orders.of(key, NINE, NINE + HOUR) == [work]
