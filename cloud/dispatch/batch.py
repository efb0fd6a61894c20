"""The micro-batch: all requests that ask for somebody now against all who are free or soon will be, at once.

``solve`` gives a ``Solution``; a suggestion with candidates, cost terms and "why not X" is written out of it when
somebody looks (``explain.py``). Nothing is decided here: a dispatcher assigns.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cloud.dispatch.assignment import assign
from cloud.dispatch.cost import Costs, costs, waiting_costs
from cloud.dispatch.feasible import CODES, Codes, codes
from cloud.dispatch.problem import Candidate, Job, ordered_candidates, ordered_jobs
from cloud.dispatch.settings import DispatchSettings
from cloud.geo.earth import Spot

Floats = npt.NDArray[np.float64]
Travel = Callable[[Sequence[Spot | None], Sequence[Spot | None]], tuple[Floats, Floats]]
"""Metres and seconds from each start (columns) to each end (rows)."""


class Problem(NamedTuple):
    """One site, one kind of resource, one instant."""

    site: str
    kind: str
    now: int
    jobs: Sequence[Job]
    candidates: Sequence[Candidate]
    settings: DispatchSettings


class Prepared(NamedTuple):
    """A problem in its own order, with its distances: all that ``solve`` needs, so that it can run anywhere."""

    problem: Problem
    metres: Floats
    travel_s: Floats


class Solution(NamedTuple):
    """``chosen``: per job the column of its candidate, -1 to wait. Jobs and candidates are in their own order."""

    problem: Problem
    codes: Codes
    costs: Costs
    travel_s: Floats
    waiting: Floats
    chosen: list[int]
    total: float
    pruned: bool

    def row(self, request: str) -> int | None:
        """The row of a request (entity)."""
        return next((index for index, job in enumerate(self.problem.jobs) if job.id == request), None)

    def column(self, resource: str) -> int | None:
        """The column of a resource (entity)."""
        found = (index for index, each in enumerate(self.problem.candidates) if each.key.entity == resource)
        return next(found, None)

    def suggested(self, row: int) -> Candidate | None:
        """Who is suggested for a row; None to leave it waiting."""
        return self.problem.candidates[self.chosen[row]] if self.chosen[row] >= 0 else None

    def eta_s(self, row: int) -> float | None:
        """Seconds until the suggested one would be there."""
        return float(self.costs.eta_s[row, self.chosen[row]]) if self.chosen[row] >= 0 else None

    def arrival(self, row: int) -> int | None:
        """When the suggested one would be there, ms."""
        return int(self.costs.arrival[row, self.chosen[row]]) if self.chosen[row] >= 0 else None


def prepare(problem: Problem, travel: Travel) -> Prepared:
    """Put in an order that does not depend on how it was gathered, and measured."""
    jobs, candidates = ordered_jobs(problem.jobs), ordered_candidates(problem.candidates)
    metres, travel_s = _travelled(jobs, candidates, travel)
    return Prepared(problem._replace(jobs=jobs, candidates=candidates), metres, travel_s)


def solve(prepared: Prepared) -> Solution:
    """Who should go where. Pure: the same problem gives the same solution, in whatever order it was gathered."""
    problem, metres, travel_s = prepared
    jobs, candidates, now, settings = problem.jobs, problem.candidates, problem.now, problem.settings
    reasons = codes(jobs, candidates, travel_s, now, settings)
    for row, job in enumerate(jobs):
        if job.locked_to:
            others = np.array([each.key.entity != job.locked_to for each in candidates], np.bool_)
            reasons[row] = np.where(others & (reasons[row] == 0), CODES.index("locked"), reasons[row])
    paid = costs(jobs, candidates, metres, travel_s, now, settings.weights)
    waiting = waiting_costs(jobs, settings.weights)
    found = assign(paid.total, reasons == 0, waiting)
    return Solution(problem, reasons, paid, travel_s, waiting, found.chosen, found.cost, found.pruned)


def _travelled(jobs: Sequence[Job], candidates: Sequence[Candidate], travel: Travel) -> tuple[Floats, Floats]:
    """Who need not move is everywhere at once; a request without a place on the map is equally far from all."""
    if not jobs or not candidates:
        empty = np.zeros((len(jobs), len(candidates)))
        return empty, empty.copy()
    metres, seconds = travel([each.spot for each in candidates], [job.spot for job in jobs])
    still = np.array([not each.moves for each in candidates], np.bool_)
    nowhere = np.array([job.spot is None for job in jobs], np.bool_)
    here = still[None, :] | nowhere[:, None]
    return np.where(here, 0.0, metres), np.where(here, 0.0, seconds)
