"""Plans for booked windows: which vehicle drives which requests, in which order. A proposal; a dispatcher assigns.

Cheapest insertion, then relocating single visits and turning round parts of routes (2-opt), from the plan that stands;
what is left of the budget goes into taking a few visits out and putting them back in another order.
The budget is counted in tried moves, so that the same input and seed give the same plan on every machine; the wall
clock only guards against a machine that is far too slow for it.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cloud.assets.contract import Booked
from cloud.dispatch.problem import Job
from cloud.geo.earth import Spot

MOVES = 10_000
"""Tried moves after all have their first place: about 200 ms of a slow machine of today; see the bench."""
GUARD_S = 1.0
"""Wall time after which a machine that is far too slow stops improving."""
UNSERVED = 1_000.0
SHAKEN = 4

Seconds = Callable[[Spot, Spot], float]


class Visit(msgspec.Struct, frozen=True):
    """Where a request stands in the plan. Instants in ms."""

    resource: str
    name: str
    leave_at: int
    arrive_at: int
    free_at: int
    order: int
    """0 is the first of the route."""


class Wheels(NamedTuple):
    """A vehicle to plan with: where and when it is free, what it has promised, and which jobs it can serve."""

    entity: str
    name: str
    spot: Spot
    free_at: int
    fixed: tuple[Booked, ...]
    can: frozenset[str]


class Plan(NamedTuple):
    """``routes``: per vehicle its requests in order. ``cost`` in minutes; ``moves``: what was tried."""

    routes: Mapping[str, tuple[str, ...]]
    visits: Mapping[str, Visit]
    unserved: tuple[str, ...]
    cost: float
    moves: int


class _Route(NamedTuple):
    cost: float
    visits: tuple[tuple[str, int, int, int], ...]
    """job, leave, arrive, free."""


class _Planner:
    def __init__(self, jobs: Sequence[Job], wheels: Sequence[Wheels], seconds: Seconds) -> None:
        self.jobs = {job.id: job for job in jobs}
        self.wheels = {each.entity: each for each in sorted(wheels)}
        self.routes: dict[str, tuple[str, ...]] = dict.fromkeys(self.wheels, ())
        self.costs: dict[str, float] = {}
        self.moves = 0
        self._seconds = seconds
        self._known: dict[tuple[Spot, Spot], float] = {}

    def travel(self, start: Spot | None, end: Spot | None) -> float:
        if start is None or end is None:
            return 0.0
        key = (start, end)
        if key not in self._known:
            self._known[key] = self._seconds(start, end)
        return self._known[key]

    def drive(self, entity: str, route: Sequence[str]) -> _Route | None:
        """The route driven in that order around what was promised; None when it cannot be."""
        self.moves += 1
        wheels = self.wheels[entity]
        at, spot, cost = wheels.free_at, wheels.spot, 0.0
        promised = list(wheels.fixed)
        visits = []
        for name in route:
            job = self.jobs[name]
            while True:
                there_s = self.travel(spot, job.spot)
                arrive = max(at + there_s * 1000, job.earliest)
                free = arrive + job.work_s * 1000
                if not promised or free <= promised[0].since:
                    break
                # It does not fit before what was promised: that is driven first.
                done = promised.pop(0)
                at, spot = max(at, done.until), done.to or spot
            if arrive > job.latest:
                return None
            leave = arrive - there_s * 1000
            cost += there_s / 60
            visits.append((name, round(leave), round(arrive), round(free)))
            at, spot = round(free), job.end or spot
        return _Route(cost, tuple(visits))

    def cost_of(self, entity: str, route: Sequence[str]) -> float | None:
        driven = self.drive(entity, route)
        return None if driven is None else driven.cost

    def insert(self, name: str) -> bool:
        """At the cheapest place of all routes; False when there is none. Ties go to the first vehicle and place."""
        best: tuple[float, str, tuple[str, ...], float] | None = None
        for entity, wheels in self.wheels.items():
            if name not in wheels.can:
                continue
            route, before = self.routes[entity], self.costs.get(entity, 0.0)
            for place in range(len(route) + 1):
                longer = (*route[:place], name, *route[place:])
                cost = self.cost_of(entity, longer)
                if cost is not None and (best is None or cost - before < best[0] - 1e-9):
                    best = (cost - before, entity, longer, cost)
        if best is None:
            return False
        _, entity, self.routes[entity], self.costs[entity] = best
        return True

    def relocate(self, name: str) -> bool:
        """Take a visit out and put it where it is cheapest; False, and as before, when that is no better."""
        entity = next(key for key, route in self.routes.items() if name in route)
        routes, costs = dict(self.routes), dict(self.costs)
        shorter = tuple(each for each in self.routes[entity] if each != name)
        cost = self.cost_of(entity, shorter)
        if cost is not None:
            self.routes[entity], self.costs[entity] = shorter, cost
            if self.insert(name) and sum(self.costs.values()) < sum(costs.values()) - 1e-6:
                return True
        self.routes, self.costs = routes, costs
        return False

    def turn_round(self, entity: str, start: int, end: int) -> bool:
        """2-opt: the part from ``start`` to ``end`` the other way round, when that is cheaper."""
        route = self.routes[entity]
        turned = (*route[:start], *reversed(route[start : end + 1]), *route[end + 1 :])
        cost = self.cost_of(entity, turned)
        if cost is None or cost >= self.costs.get(entity, 0.0) - 1e-6:
            return False
        self.routes[entity], self.costs[entity] = turned, cost
        return True


def make_plan(
    jobs: Sequence[Job],
    wheels: Sequence[Wheels],
    seconds: Seconds,
    *,
    incumbent: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    moves: int = MOVES,
    out_of_time: Callable[[], bool] = lambda: False,
) -> Plan:
    """A plan for the jobs, beginning with the ``incumbent`` routes as far as they can still be driven."""
    planner = _Planner(jobs, wheels, seconds)
    _take_up(planner, incumbent or {})
    _insert_missing(planner)
    moves += planner.moves
    rng = random.Random(seed)
    while planner.moves < moves and _improve(planner, rng, moves, out_of_time):
        continue
    unserved = _insert_missing(planner)
    while planner.moves < moves and not out_of_time() and any(planner.routes.values()):
        unserved = _shake(planner, rng, unserved)
    visits = {}
    for entity, route in planner.routes.items():
        driven = planner.drive(entity, route)
        for order, (name, leave, arrive, free) in enumerate(driven.visits if driven else ()):
            visits[name] = Visit(entity, planner.wheels[entity].name, leave, arrive, free, order)
    cost = sum(planner.costs.values()) + UNSERVED * len(unserved)
    routes = {entity: route for entity, route in planner.routes.items() if route}
    return Plan(routes, visits, tuple(unserved), cost, planner.moves)


def _take_up(planner: _Planner, incumbent: Mapping[str, Sequence[str]]) -> None:
    """Visit by visit, so that one that has become impossible costs only itself its place."""
    for entity in planner.wheels:
        for name in incumbent.get(entity, ()):
            if name not in planner.jobs or name not in planner.wheels[entity].can:
                continue
            longer = (*planner.routes[entity], name)
            cost = planner.cost_of(entity, longer)
            if cost is not None:
                planner.routes[entity], planner.costs[entity] = longer, cost


def _insert_missing(planner: _Planner) -> list[str]:
    """Those with the least room to move first. Returns who found no place."""
    placed = {name for route in planner.routes.values() for name in route}
    missing = [job for name, job in planner.jobs.items() if name not in placed]
    missing.sort(key=lambda job: (-job.weight, job.latest, job.created_at, job.id))
    return [job.id for job in missing if not planner.insert(job.id)]


def _improve(planner: _Planner, rng: random.Random, moves: int, out_of_time: Callable[[], bool]) -> bool:
    """One round over all visits and routes in a drawn order. False when nothing was gained."""
    gained = False
    names = sorted(name for route in planner.routes.values() for name in route)
    rng.shuffle(names)
    for name in names:
        if planner.moves >= moves or out_of_time():
            return False
        gained |= planner.relocate(name)
    for entity in planner.routes:
        length = len(planner.routes[entity])
        for start in range(length - 1):
            for end in range(start + 1, length):
                if planner.moves >= moves or out_of_time():
                    return False
                gained |= planner.turn_round(entity, start, end)
    return gained


def _shake(planner: _Planner, rng: random.Random, unserved: list[str]) -> list[str]:
    """Take some visits out and put them, and who found no place, back in a drawn order; undone when no better."""
    planner.moves += 1
    routes, costs = dict(planner.routes), dict(planner.costs)
    placed = sorted(name for route in routes.values() for name in route)
    out = rng.sample(placed, min(len(placed), rng.randint(1, SHAKEN)))
    for entity, route in routes.items():
        left = tuple(name for name in route if name not in out)
        if left != route:
            cost = planner.cost_of(entity, left)
            if cost is None:
                planner.routes, planner.costs = routes, costs
                return unserved
            planner.routes[entity], planner.costs[entity] = left, cost
    back = [*unserved, *out]
    rng.shuffle(back)
    missing = [name for name in back if not planner.insert(name)]
    before = (len(unserved), sum(costs.values()))
    if (len(missing), sum(planner.costs.values())) < (before[0], before[1] - 1e-6):
        return missing
    planner.routes, planner.costs = routes, costs
    return unserved
