"""Problems for the matching, drawn from a seed or by hand."""

import random
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np

from cloud.assets.contract import AssetKey, Booked
from cloud.dispatch.batch import Problem, Solution, prepare, solve
from cloud.dispatch.eta import TravelTimes
from cloud.dispatch.learned import Learned
from cloud.dispatch.problem import Candidate, Job
from cloud.dispatch.roads import RoadBook
from cloud.dispatch.settings import DEFAULTS, DispatchSettings
from cloud.geo.earth import Spot

NOW = 1_795_223_000_000
CLASSES = ("sedan", "suv", "mpv", "minibus")
SKILLS = ("first-aid", "lift", "english")
STATES = ("available", "available", "stopped", "reserved", "non_contactable", "non_operational")


class NoRoads:
    """A site that drew none."""

    def roads(self, site: str) -> list[list[Spot]]:
        return []


TRAVEL = TravelTimes(Learned(), RoadBook(NoRoads()), lambda _: DEFAULTS, lambda _: ZoneInfo("Asia/Shanghai"))


def solved(
    jobs: list[Job], candidates: list[Candidate], settings: DispatchSettings = DEFAULTS, travel: TravelTimes = TRAVEL
) -> Solution:
    problem = Problem("east", "vehicle", NOW, jobs, candidates, settings)
    return solve(prepare(problem, lambda starts, ends: travel.matrix("east", "vehicle", starts, ends, NOW)))


def spot(rng: random.Random, spread_km: float = 10.0) -> Spot:
    return Spot(30.27 + rng.uniform(-1, 1) * spread_km / 111, 120.15 + rng.uniform(-1, 1) * spread_km / 96)


def job(number: int, rng: random.Random, **fields: object) -> Job:
    drawn: dict[str, object] = {
        "id": f"east/request:{number:03d}",
        "number": f"{number:03d}",
        "kind": "vehicle",
        "tier": "real_time",
        "spot": spot(rng),
        "end": spot(rng),
        "created_at": NOW - rng.randrange(600_000),
        "earliest": NOW,
        "latest": NOW + rng.randrange(300_000, 1_800_000),
        "work_s": rng.uniform(300, 3600),
        "seats": rng.choice((0, 1, 2, 4, 6)),
        "vehicle_class": rng.choice(("", "", "sedan", "mpv")),
        "skills": frozenset(rng.sample(SKILLS, rng.choice((0, 0, 1)))),
        "weight": rng.choice((1.0, 3.0, 15.0)),
    }
    return Job(**{**drawn, **fields})  # type: ignore[arg-type]


def candidate(number: int, rng: random.Random, **fields: object) -> Candidate:
    key = AssetKey("east", "vehicle", f"v{number:03d}")
    since = NOW + rng.randrange(7_200_000)
    work = Booked("east/request:x", key, since, since + 3_600_000, spot(rng), "", "", "", "assigned")
    drawn: dict[str, object] = {
        "key": key,
        "name": f"V{number:03d}",
        "state": rng.choice(STATES),
        "spot": spot(rng) if rng.random() > 0.05 else None,
        "free_at": NOW + rng.choice((0, 0, 0, 300_000, 1_500_000, 9_000_000)),
        "booked": (work,) if rng.random() < 0.3 else (),
        "seats": rng.choice((4, 4, 6, 18)),
        "vehicle_class": rng.choice(CLASSES),
        "skills": frozenset(rng.sample(SKILLS, rng.choice((0, 1, 2)))),
        "load": rng.randrange(6),
        "worked_s": rng.choice((0.0, 0.0, 3 * 3600.0)),
    }
    return Candidate(**{**drawn, **fields})  # type: ignore[arg-type]


def cheapest_by_trying(solution: Solution) -> float:
    """The least cost of all ways there are: every request with every resource or none, each resource once."""
    total, able, waiting = solution.costs.total, solution.codes == 0, solution.waiting
    jobs, resources = total.shape
    best = float("inf")
    for choice in product(range(-1, resources), repeat=jobs):
        taken = [column for column in choice if column >= 0]
        if len(set(taken)) < len(taken) or any(c >= 0 and not able[r, c] for r, c in enumerate(choice)):
            continue
        best = min(best, sum(float(total[r, c]) if c >= 0 else float(waiting[r]) for r, c in enumerate(choice)))
    return best


def greedy(metres: np.ndarray) -> float:
    """First come, nearest: the whole way when each request in turn takes the nearest that is left."""
    left, whole = set(range(metres.shape[1])), 0.0
    for row in metres:
        nearest = min(left, key=lambda column: row[column])
        left.remove(nearest)
        whole += row[nearest]
    return whole
