"""Gathers what is booked into a plan, and keeps the plan that stands."""

from collections.abc import Sequence

import numpy as np

from cloud.dispatch.batch import Prepared, solve
from cloud.dispatch.eta import TravelTimes
from cloud.dispatch.feasible import CODES
from cloud.dispatch.matching import Matching
from cloud.dispatch.plan import GUARD_S, Plan, Seconds, Visit, Wheels, make_plan
from cloud.dispatch.problem import Candidate, Job
from cloud.dispatch.request import SENT, Request
from cloud.geo.earth import Spot
from protocols.clock import Clock

JOBS_MAX = 300
NEAREST = 12
"""Vehicles that are tried for each request: those that cost least for it alone."""
AHEAD_MS = 36 * 3_600_000
AROUND = [CODES.index(code) for code in ("", "locked", "reserved_overlaps")]
"""A plan drives around what was promised, so that excludes nobody from it."""
NOWHERE = Spot(0.0, 0.0)


class Planner:
    """The plan of each site and kind of resource."""

    def __init__(self, matching: Matching, clock: Clock) -> None:
        self._matching, self._clock = matching, clock
        self._plans: dict[tuple[str, str], Plan] = {}

    def visit(self, request: Request) -> Visit | None:
        """Where a request stands in the plan."""
        plan = self._plans.get((request.site, SENT.get(request.kind, "")))
        return plan.visits.get(request.entity) if plan is not None and request.may_be_served else None

    def gather(self, requests: Sequence[Request], now: int) -> list["Task"]:
        """What has to be planned, by site and kind. Touches live state: only in the event loop."""
        booked: dict[tuple[str, str], list[Request]] = {}
        for request in requests:
            ahead = request.window.earliest - now
            if request.may_be_served and request.tier != "real_time" and request.kind in SENT and ahead <= AHEAD_MS:
                booked.setdefault((request.site, SENT[request.kind]), []).append(request)
        gone = [key for key in self._plans if key not in booked]
        for key in gone:
            del self._plans[key]
        return [self._task(site, kind, asked, now) for (site, kind), asked in sorted(booked.items())]

    def keep(self, task: "Task", plan: Plan) -> None:
        """The plan stands from now on."""
        self._plans[task.key] = plan

    def _task(self, site: str, kind: str, requests: Sequence[Request], now: int) -> "Task":
        chosen = sorted(requests, key=lambda each: (each.window.latest, each.created_at, each.number))[:JOBS_MAX]
        prepared = self._matching.problem(site, kind, chosen, now)
        before = self._plans.get((site, kind))
        return Task(prepared, self._matching.ground.travel, dict(before.routes) if before else {}, self._clock)


class Task:
    """One plan to be made; ``run`` is pure but for the guard's look at the clock, and may run in a thread."""

    def __init__(
        self,
        prepared: Prepared,
        travel: TravelTimes,
        incumbent: dict[str, tuple[str, ...]],
        clock: Clock,
    ) -> None:
        self.prepared, self._incumbent, self._clock = prepared, incumbent, clock
        problem = prepared.problem
        self.key = (problem.site, problem.kind)
        self._seconds = _table(problem.jobs, problem.candidates, self.key, travel, problem.now)

    def run(self) -> Plan:
        """The plan, begun at the one that stands."""
        solution = solve(self.prepared)
        problem = solution.problem
        able = np.isin(solution.codes, AROUND)
        order = np.argsort(np.where(able, solution.costs.total, np.inf), axis=1, kind="stable")[:, :NEAREST]
        can: dict[int, set[str]] = {}
        for row, job in enumerate(problem.jobs):
            for column in order[row]:
                if able[row, column]:
                    can.setdefault(int(column), set()).add(job.id)
            for column, candidate in enumerate(problem.candidates):
                if able[row, column] and job.id in self._incumbent.get(candidate.key.entity, ()):
                    can.setdefault(column, set()).add(job.id)
        wheels = [
            Wheels(
                each.key.entity,
                each.name,
                each.spot or NOWHERE,
                max(problem.now, each.free_at or problem.now),
                each.booked,
                frozenset(can.get(column, ())),
            )
            for column, each in enumerate(problem.candidates)
            if column in can
        ]
        end = self._clock.monotonic() + GUARD_S
        return make_plan(
            problem.jobs,
            wheels,
            self._seconds,
            incumbent=self._incumbent,
            out_of_time=lambda: self._clock.monotonic() > end,
        )


def _table(
    jobs: Sequence[Job], candidates: Sequence[Candidate], key: tuple[str, str], travel: TravelTimes, now: int
) -> Seconds:
    """All journeys that a plan may hold, worked out at once."""
    ends = {job.spot for job in jobs if job.spot is not None}
    starts = ends | {job.end for job in jobs if job.end is not None}
    starts |= {each.spot for each in candidates if each.spot is not None}
    starts |= {work.to for each in candidates for work in each.booked if work.to is not None}
    columns, rows = sorted(starts), sorted(ends)
    if not columns or not rows:
        return lambda start, end: 0.0
    _, seconds = travel.matrix(*key, columns, rows, now)
    at_column = {spot: index for index, spot in enumerate(columns)}
    at_row = {spot: index for index, spot in enumerate(rows)}

    def look_up(start: Spot, end: Spot) -> float:
        row, column = at_row.get(end), at_column.get(start)
        return float(seconds[row, column]) if row is not None and column is not None else 0.0

    return look_up
