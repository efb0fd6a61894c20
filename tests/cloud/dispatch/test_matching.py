"""The matching: equal to the optimum, whatever is infeasible, and the same in whatever order it was gathered."""

import random

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cloud.assets.contract import AssetKey, Booked
from cloud.dispatch.assignment import assign
from cloud.dispatch.batch import Solution
from cloud.dispatch.explain import suggestion
from cloud.dispatch.feasible import CODES, TEXTS
from cloud.dispatch.problem import Candidate
from cloud.dispatch.settings import DispatchSettings, Weights
from tests.cloud.dispatch.problems import NOW, candidate, cheapest_by_trying, greedy, job, solved, spot
from tests.cloud.dispatch.rig import GATE, ZONE, away

PLAIN = {
    "state": "available",
    "free_at": NOW,
    "booked": (),
    "seats": 4,
    "vehicle_class": "sedan",
    "skills": frozenset(),
    "load": 0,
    "worked_s": 0.0,
    "spot": GATE,
}
EASY = {"seats": 0, "vehicle_class": "", "skills": frozenset(), "spot": GATE, "end": GATE, "weight": 1.0}


def cost_of(solution: Solution) -> float:
    return sum(
        float(solution.costs.total[row, column]) if column >= 0 else float(solution.waiting[row])
        for row, column in enumerate(solution.chosen)
    )


@pytest.mark.parametrize("seed", range(60))
def test_it_costs_what_the_cheapest_of_all_ways_costs(seed: int) -> None:
    rng = random.Random(seed)
    jobs = [job(n, rng) for n in range(rng.randrange(1, 5))]
    candidates = [candidate(n, rng) for n in range(rng.randrange(0, 6))]
    solution = solved(jobs, candidates)
    assert cost_of(solution) == pytest.approx(cheapest_by_trying(solution), abs=1e-4)
    assert solution.total == pytest.approx(cost_of(solution))
    for row, column in enumerate(solution.chosen):
        assert column < 0 or solution.codes[row, column] == 0
    assert len({c for c in solution.chosen if c >= 0}) == sum(c >= 0 for c in solution.chosen)


@pytest.mark.parametrize(("jobs_n", "resources_n", "seed"), [(200, 300, 1), (300, 120, 2), (40, 40, 3)])
def test_large_ones_cost_what_scipy_says_of_the_pairs_that_can_be(jobs_n: int, resources_n: int, seed: int) -> None:
    """SciPy again, fed otherwise: infeasible pairs priced as waiting, one waiting column for every job."""
    rng = random.Random(seed)
    solution = solved([job(n, rng) for n in range(jobs_n)], [candidate(n, rng) for n in range(resources_n)])
    able = solution.codes == 0
    table = np.hstack([np.where(able, solution.costs.total, 1e7), np.tile(solution.waiting[:, None], (1, jobs_n))])
    rows, columns = linear_sum_assignment(table)
    assert cost_of(solution) == pytest.approx(table[rows, columns].sum(), rel=1e-9, abs=1e-3)
    assert 0.2 < (solution.codes > 0).mean() < 0.99


def test_pruned_to_the_nearest_it_is_still_exact_while_requests_are_few() -> None:
    rng = np.random.default_rng(4)
    cost, able = rng.uniform(0, 100, (40, 400)), rng.random((40, 400)) > 0.2
    waiting = rng.uniform(5, 50, 40)
    exact, pruned = assign(cost, able, waiting), assign(cost, able, waiting, dense_max=100)
    assert pruned.cost == pytest.approx(exact.cost, abs=1e-6)
    assert not pruned.pruned and not exact.pruned


def test_pruned_with_many_requests_it_says_so_and_is_near_the_optimum() -> None:
    rng = np.random.default_rng(5)
    cost, waiting = rng.uniform(0, 100, (150, 300)), np.full(150, 500.0)
    able = np.ones((150, 300), np.bool_)
    exact, pruned = assign(cost, able, waiting), assign(cost, able, waiting, dense_max=100)
    assert pruned.pruned
    assert exact.cost <= pruned.cost <= exact.cost * 1.02


def test_costs_of_zero_are_not_lost_when_pruned() -> None:
    cost, able = np.zeros((3, 5)), np.ones((3, 5), np.bool_)
    assert assign(cost, able, np.ones(3), dense_max=2).chosen == assign(cost, able, np.ones(3)).chosen
    assert assign(cost, able, np.ones(3), dense_max=2).cost == 0


@pytest.mark.parametrize("seed", range(10))
def test_the_order_in_which_it_was_gathered_does_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    jobs, candidates = [job(n, rng) for n in range(12)], [candidate(n, rng) for n in range(15)]
    # Twins, so that there are ties to break.
    candidates += [each._replace(key=AssetKey("east", "vehicle", f"w{each.key.id}")) for each in candidates]

    def pairs(solution: Solution) -> dict[str, str]:
        rows = range(len(solution.chosen))
        chosen = {solution.problem.jobs[row].id: solution.suggested(row) for row in rows}
        return {name: each.key.entity if each else "" for name, each in chosen.items()}

    first = pairs(solved(jobs, candidates))
    for _ in range(5):
        rng.shuffle(jobs)
        rng.shuffle(candidates)
        assert pairs(solved(jobs, candidates)) == first


def test_with_nobody_there_every_request_waits() -> None:
    solution = solved([job(1, random.Random(1))], [])
    assert solution.chosen == [-1]
    found = suggestion(solution, 0, ZONE)
    assert found["suggested"] is None and found["why"]["en"].startswith("Nobody can serve it now")
    assert solved([], [candidate(1, random.Random(1))]).chosen == []


def test_the_more_urgent_one_is_served_when_there_is_one_vehicle() -> None:
    rng = random.Random(1)
    calm, urgent = job(1, rng, **EASY), job(2, rng, **{**EASY, "weight": 15.0, "spot": away(2000)})
    solution = solved([calm, urgent], [candidate(1, rng, **PLAIN)])
    served = {each.number: solution.suggested(row) for row, each in enumerate(solution.problem.jobs)}
    assert served["002"] is not None and served["001"] is None
    row = solution.row(calm.id)
    assert row is not None
    found = suggestion(solution, row, ZONE)
    assert found["candidates"][0]["taken_by"] == "002"
    assert "needed more" in found["why"]["en"]


def test_who_would_be_cheaper_elsewhere_is_left_to_the_other_and_it_says_so() -> None:
    """Two requests, two vehicles: the nearest of the first is the only near one of the second."""
    rng = random.Random(1)
    first = job(1, rng, **{**EASY, "spot": away(0)})
    second = job(2, rng, **{**EASY, "spot": away(-3000)})
    near = candidate(1, rng, **{**PLAIN, "spot": away(-100)})
    other = candidate(2, rng, **{**PLAIN, "spot": away(2000)})
    solution = solved([first, second], [near, other])
    row = solution.row(first.id)
    assert row is not None
    assert solution.suggested(row) == other
    assert "better sent to 002" in suggestion(solution, row, ZONE)["why"]["en"]
    assert cost_of(solution) == pytest.approx(cheapest_by_trying(solution))


WORK = Booked(
    "east/request:20261122-009",
    AssetKey("east", "vehicle", "v1"),
    NOW + 600_000,
    NOW + 4_200_000,
    GATE,
    "",
    "",
    "",
    "assigned",
)


@pytest.mark.parametrize(
    ("code", "asks", "has", "says"),
    [
        ("seats", {"seats": 6}, {}, "6 seats needed, it has 4"),
        ("class", {"vehicle_class": "minibus"}, {}, "minibus asked for, it is a sedan"),
        ("class", {"vehicle_class": "truck"}, {"vehicle_class": "bus"}, "truck asked for"),
        ("skills", {"skills": frozenset({"lift", "english"})}, {"skills": frozenset({"lift"})}, "lacks english"),
        ("non_contactable", {}, {"state": "non_contactable"}, "not contactable"),
        ("non_operational", {}, {"state": "non_operational"}, "out of service"),
        ("non_operational", {}, {"out_of_service": "brakes"}, "out of service: brakes"),
        ("off_duty", {}, {"state": "off_duty"}, "off duty"),
        ("off_shift", {}, {"off_shift": frozenset({NOW})}, "outside its hours"),
        ("unknown_position", {}, {"spot": None}, "nobody knows where"),
        ("on_trip_too_long", {}, {"free_at": NOW + 1_801_000}, "on the way until"),
        ("on_trip_too_long", {}, {"free_at": None, "state": "on_trip"}, "on the way until ?"),
        ("rest", {"work_s": 3_700.0}, {"worked_s": 3 * 3600.0}, "4.0 h of work without a rest, 4.0 h allowed"),
        ("reserved_overlaps", {"work_s": 900.0}, {"booked": (WORK,)}, "for 20261122-009: not back in time"),
        ("locked", {"work_s": 900.0}, {"booked": (WORK,), "locked": frozenset({WORK.request})}, "locked to request"),
    ],
)
def test_why_not_has_a_code_and_says_itself_in_two_languages(
    code: str, asks: dict[str, object], has: dict[str, object], says: str
) -> None:
    rng = random.Random(1)
    solution = solved([job(1, rng, **{**EASY, **asks})], [candidate(1, rng, **{**PLAIN, **has})])
    assert solution.chosen == [-1]
    (left_out,) = suggestion(solution, 0, ZONE)["excluded"]
    assert left_out["code"] == code
    assert says in left_out["text"]["en"]
    assert left_out["text"]["zh"] and "{" not in left_out["text"]["zh"]


@pytest.mark.parametrize(
    ("asks", "has"),
    [
        ({}, {}),
        ({"vehicle_class": "sedan"}, {"vehicle_class": "minibus"}),
        ({"seats": 4}, {}),
        ({}, {"free_at": NOW + 1_799_000}),
        ({"work_s": 60.0}, {"booked": (WORK,)}),
        ({"earliest": NOW + 3 * 3_600_000, "latest": NOW + 4 * 3_600_000}, {"state": "non_contactable"}),
        ({"earliest": NOW + 3 * 3_600_000, "latest": NOW + 4 * 3_600_000}, {"free_at": None, "state": "on_trip"}),
    ],
)
def test_who_can_serve_it_is_a_candidate(asks: dict[str, object], has: dict[str, object]) -> None:
    rng = random.Random(1)
    solution = solved([job(1, rng, **{**EASY, **asks})], [candidate(1, rng, **{**PLAIN, **has})])
    assert solution.chosen == [0], [CODES[code] for code in solution.codes[0]]


def test_every_code_has_its_words() -> None:
    from cloud.dispatch.explain import IN_GENERAL

    assert set(IN_GENERAL) == set(TEXTS)


def test_the_terms_add_up_to_the_cost_and_weights_weigh() -> None:
    rng = random.Random(7)
    jobs = [job(n, rng, before="east/vehicle:v001") for n in range(5)]
    candidates = [candidate(n, rng, **{**PLAIN, "spot": spot(rng), "load": n, "seats": 18}) for n in range(5)]
    heavy = DispatchSettings(weights=Weights(eta=2, late=5, empty=1, fair=3, switch=4, overqualified=2))
    for settings in (DispatchSettings(), heavy):
        solution = solved(jobs, candidates, settings)
        assert np.allclose(sum(solution.costs.terms.values()), solution.costs.total)
    light, twice = solved(jobs, candidates).costs.terms, solved(jobs, candidates, heavy).costs.terms
    for name, factor in (("eta", 2), ("late", 5 / 3), ("empty", 2), ("fair", 6), ("switch", 4), ("class", 2)):
        assert np.allclose(twice[name], light[name] * factor), name
        assert light[name].max() > 0, name


def test_what_was_suggested_before_stays_unless_another_is_clearly_better() -> None:
    rng = random.Random(1)
    a = candidate(1, rng, **{**PLAIN, "spot": away(500)})
    b = candidate(2, rng, **{**PLAIN, "spot": away(450)})
    asked = job(1, rng, **EASY)
    assert solved([asked], [a, b]).chosen == [1]
    assert solved([asked._replace(before=a.key.entity)], [a, b]).chosen == [0]
    nearer: Candidate = b._replace(spot=away(0))
    assert solved([asked._replace(before=a.key.entity)], [a, nearer]).chosen == [1]


@pytest.mark.parametrize(("requests", "vehicles", "mean", "p95"), [(25, 25, 0.28, 0.49), (6, 25, 0.03, 0.17)])
def test_first_come_nearest_drives_as_much_further_as_the_docs_say(
    requests: int, vehicles: int, mean: float, p95: float
) -> None:
    """The figures of docs/DISPATCH.md: places drawn evenly over a square, 1,000 draws of seed 20261122."""
    rng = np.random.default_rng(20261122)
    further = []
    for _ in range(1000):
        places = rng.uniform(0, 10, (requests + vehicles, 2))
        metres = np.hypot(*(places[:requests, None] - places[None, requests:]).transpose(2, 0, 1))
        able = np.ones(metres.shape, np.bool_)
        best = assign(metres, able, np.full(requests, 1e3))
        further.append(greedy(metres) / best.cost - 1)
    assert np.mean(further) == pytest.approx(mean, abs=0.02)
    assert np.quantile(further, 0.95) == pytest.approx(p95, abs=0.04)
