"""Part ``matching``: one micro-batch and one plan, as large as a large compound has them."""

import random
import time

import numpy as np

from cloud.dispatch.assignment import assign
from cloud.dispatch.explain import suggestion
from cloud.dispatch.plan import make_plan
from tests.bench.figures import Figure, median, percentile
from tests.cloud.dispatch.problems import candidate, greedy, job, solved
from tests.cloud.dispatch.rig import ZONE
from tests.cloud.dispatch.test_plan import booked, seconds, wheels

SEED = 20261122
ROUNDS = 31
REACH_MS = 100.0
DRAWS = 1000


def measure() -> list[Figure]:
    """Everything from requests and candidates in RAM to the suggestion: distances, feasibility, costs, assignment."""
    figures = [_batch(20, 30), _batch(200, 300, REACH_MS), _batch(1000, 1000, rounds=3), _plan(40, 10)]
    return [*figures, _greedy(25, 25), _greedy(6, 25)]


def _batch(jobs_n: int, resources_n: int, reach_ms: float | None = None, rounds: int = ROUNDS) -> Figure:
    rng = random.Random(SEED)
    jobs, candidates = [job(n, rng) for n in range(jobs_n)], [candidate(n, rng) for n in range(resources_n)]
    wall, cpu = [], []
    for _ in range(rounds):
        began, began_cpu = time.perf_counter(), time.process_time()
        solution = solved(jobs, candidates)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - began_cpu) * 1000)
    began = time.perf_counter()
    suggestion(solution, 0, ZONE)
    explained_ms = (time.perf_counter() - began) * 1000
    return Figure(
        f"matching {jobs_n} requests x {resources_n} resources",
        f"{median(wall):.1f} ms",
        f"< {reach_ms:.0f} ms" if reach_ms else "",
        median(wall) < reach_ms if reach_ms else None,
        f"median of {rounds}, p95 {percentile(wall, 0.95):.0f} ms, CPU {median(cpu):.0f} ms; "
        f"{(solution.codes == 0).mean():.0%} of pairs can be; one explained in {explained_ms:.1f} ms; seed {SEED}",
    )


def _plan(jobs_n: int, vehicles_n: int) -> Figure:
    rng = random.Random(SEED)
    jobs = [booked(n, rng) for n in range(jobs_n)]
    vehicles = wheels(vehicles_n, jobs, rng)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        plan = make_plan(jobs, vehicles, seconds)
        times.append((time.perf_counter() - began) * 1000)
    first = make_plan(jobs, vehicles, seconds, moves=0)
    return Figure(
        f"plan of {jobs_n} booked requests, {vehicles_n} vehicles",
        f"{median(times):.0f} ms",
        "",
        None,
        f"median of 5, {plan.moves} moves; {plan.cost / first.cost - 1:+.1%} against insertion alone; seed {SEED}",
    )


def _greedy(requests: int, vehicles: int) -> Figure:
    rng = np.random.default_rng(SEED)
    further = []
    for _ in range(DRAWS):
        places = rng.uniform(0, 10, (requests + vehicles, 2))
        metres = np.hypot(*(places[:requests, None] - places[None, requests:]).transpose(2, 0, 1))
        best = assign(metres, np.ones(metres.shape, np.bool_), np.full(requests, 1e3))
        further.append(greedy(metres) / best.cost - 1)
    return Figure(
        f"first come, nearest: {requests} requests, {vehicles} vehicles",
        f"{np.mean(further):.1%} further",
        "",
        None,
        f"than the assignment of least cost, p95 {np.quantile(further, 0.95):.0%}; {DRAWS} draws, seed {SEED}",
    )
