"""Plans of booked windows: they hold what was promised, are the same again, and cost little more than the best."""

import random
from itertools import permutations, product

import pytest

from cloud.assets.contract import AssetKey, Booked
from cloud.dispatch.plan import UNSERVED, Plan, Wheels, make_plan
from cloud.dispatch.problem import Job
from cloud.geo.earth import Spot, distance_m
from tests.cloud.dispatch.problems import NOW, job, spot
from tests.cloud.dispatch.rig import NINE, Rig, away

HOUR, MINUTE = 3_600_000, 60_000


def seconds(start: Spot, end: Spot) -> float:
    return distance_m(start, end) / 8


def booked(number: int, rng: random.Random) -> Job:
    earliest = NOW + rng.randrange(6 * HOUR)
    window = rng.choice((30, 60, 180)) * MINUTE
    return job(number, rng, tier="4h", earliest=earliest, latest=earliest + window, work_s=rng.uniform(600, 2400))


def wheels(names: int, jobs: list[Job], rng: random.Random, fixed: tuple[Booked, ...] = ()) -> list[Wheels]:
    can = frozenset(each.id for each in jobs)
    return [Wheels(f"east/vehicle:v{n}", f"V{n}", spot(rng), NOW, fixed, can) for n in range(names)]


def check(plan: Plan, jobs: list[Job], vehicles: list[Wheels]) -> None:
    """Driven step by step again: nobody is early, late, in two places, or where something was promised."""
    by_id, by_entity = {each.id: each for each in jobs}, {each.entity: each for each in vehicles}
    for entity, route in plan.routes.items():
        at, here = by_entity[entity].free_at, by_entity[entity].spot
        for order, name in enumerate(route):
            visit, asked = plan.visits[name], by_id[name]
            assert visit.order == order and visit.resource == entity and name in by_entity[entity].can
            passed = [work for work in by_entity[entity].fixed if at <= work.since and work.until <= visit.leave_at + 1]
            for work in passed:
                at, here = max(at, work.until), work.to or here
            assert visit.leave_at >= at - 1
            assert visit.arrive_at >= visit.leave_at + seconds(here, asked.spot or here) * 1000 - 2
            assert asked.earliest - 1 <= visit.arrive_at <= asked.latest
            assert visit.free_at == pytest.approx(visit.arrive_at + asked.work_s * 1000, abs=2)
            for work in by_entity[entity].fixed:
                assert visit.free_at <= work.since or visit.leave_at >= work.until - 1
            at, here = visit.free_at, asked.end or here
    assert sorted([*plan.visits, *plan.unserved]) == sorted(by_id)


@pytest.mark.parametrize("seed", range(10))
def test_a_plan_can_be_driven(seed: int) -> None:
    rng = random.Random(seed)
    jobs = [booked(n, rng) for n in range(rng.randrange(1, 30))]
    key = AssetKey("east", "vehicle", "v")
    fixed = (Booked("east/request:f", key, NOW + 2 * HOUR, NOW + 3 * HOUR, spot(rng), "", "", "", "assigned"),)
    vehicles = wheels(rng.randrange(1, 6), jobs, rng, fixed if seed % 2 else ())
    check(make_plan(jobs, vehicles, seconds, moves=1500), jobs, vehicles)


def best_by_trying(jobs: list[Job], vehicles: list[Wheels]) -> float:
    """Of all ways to share the jobs out and to order them, the cheapest."""
    best = UNSERVED * len(jobs)
    for shares in product(range(-1, len(vehicles)), repeat=len(jobs)):
        whole = UNSERVED * shares.count(-1)
        for index, each in enumerate(vehicles):
            mine = [jobs[n] for n, share in enumerate(shares) if share == index]
            costs = [c for order in permutations(mine) if (c := driven(order, each)) is not None]
            if mine and not costs:
                whole = float("inf")
                break
            whole += min(costs, default=0.0)
        best = min(best, whole)
    return best


def driven(order: tuple[Job, ...], vehicle: Wheels) -> float | None:
    at, here, cost = float(vehicle.free_at), vehicle.spot, 0.0
    for each in order:
        there = seconds(here, each.spot or here)
        arrive = max(at + there * 1000, each.earliest)
        if arrive > each.latest:
            return None
        cost, at, here = cost + there / 60, arrive + each.work_s * 1000, each.end or here
    return cost


def test_small_plans_are_nearly_the_best_there_is() -> None:
    ratios = []
    for seed in range(16):
        rng = random.Random(seed)
        jobs = [booked(n, rng) for n in range(4)]
        vehicles = wheels(2, jobs, rng)
        best = best_by_trying(jobs, vehicles)
        plan = make_plan(jobs, vehicles, seconds, moves=1000)
        assert plan.cost >= best - 1e-6
        ratios.append(plan.cost / best)
    assert sum(ratio < 1.001 for ratio in ratios) >= 13
    assert sorted(ratios)[-2] < 1.15


def test_the_same_input_gives_the_same_plan_and_another_order_does_too() -> None:
    rng = random.Random(3)
    jobs = [booked(n, rng) for n in range(40)]
    vehicles = wheels(6, jobs, rng)
    plan = make_plan(jobs, vehicles, seconds, moves=2000)
    assert make_plan(jobs, vehicles, seconds, moves=2000) == plan
    rng.shuffle(vehicles)
    assert make_plan(jobs, vehicles, seconds, moves=2000) == plan


def test_improving_never_costs_more_and_stops_at_the_budget() -> None:
    rng = random.Random(4)
    jobs = [booked(n, rng) for n in range(60)]
    vehicles = wheels(8, jobs, rng)
    plain, better = make_plan(jobs, vehicles, seconds, moves=0), make_plan(jobs, vehicles, seconds, moves=4000)
    assert better.cost < plain.cost
    assert len(better.unserved) <= len(plain.unserved)


def test_the_plan_that_stands_is_begun_with() -> None:
    rng = random.Random(5)
    jobs = [booked(n, rng) for n in range(30)]
    vehicles = wheels(5, jobs, rng)
    first = make_plan(jobs, vehicles, seconds, moves=1000)
    again = make_plan(jobs, vehicles, seconds, incumbent=first.routes, moves=0)
    assert again.routes == first.routes
    added = [*jobs, booked(99, rng)]
    able = [each._replace(can=each.can | {added[-1].id}) for each in vehicles]
    grown = make_plan(added, able, seconds, incumbent=first.routes, moves=0)
    kept = sum(grown.visits[name].resource == first.visits[name].resource for name in first.visits)
    assert kept == len(first.visits)
    check(grown, added, able)


def test_a_machine_that_is_far_too_slow_still_gets_a_plan() -> None:
    rng = random.Random(6)
    jobs = [booked(n, rng) for n in range(20)]
    vehicles = wheels(4, jobs, rng)
    check(make_plan(jobs, vehicles, seconds, out_of_time=lambda: True), jobs, vehicles)


async def test_booked_requests_are_shown_with_their_place_in_the_plan(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(500))
    request = await rig.file(earliest=NINE + 2 * HOUR, latest=NINE + 2 * HOUR + 30 * MINUTE)
    await rig.dispatch.plan()
    planned = rig.fakes.shown[request.entity]["planned"]
    assert planned is not None and planned["resource"] == "east/vehicle:v1"  # type: ignore[index]
    assert planned["arrive_at"] == NINE + 2 * HOUR  # type: ignore[index]
    assert (await rig.now(request)).status == "new"
    await rig.act(request, "cancel")
    await rig.dispatch.plan()
    assert rig.fakes.shown[request.entity]["planned"] is None


async def test_a_plan_drives_around_what_was_given_already(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(500))
    first = await rig.file(earliest=NINE + 2 * HOUR, latest=NINE + 2 * HOUR)
    await rig.act(first, "assign", resource="v1")
    second = await rig.file(earliest=NINE + 2 * HOUR, latest=NINE + 4 * HOUR)
    hopeless = await rig.file(earliest=NINE + 2 * HOUR, latest=NINE + 2 * HOUR)
    await rig.dispatch.plan()
    given = (await rig.now(first)).assigned
    planned = rig.fakes.shown[second.entity]["planned"]
    assert given is not None and planned is not None
    assert planned["leave_at"] >= given.until  # type: ignore[index]
    assert rig.fakes.shown[hopeless.entity]["planned"] is None
