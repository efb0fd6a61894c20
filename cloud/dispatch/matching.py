"""Keeps the suggestions: runs the micro-batches, remembers who was suggested, and explains one on demand."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from cloud.dispatch.batch import Prepared, Problem, Solution, prepare, solve
from cloud.dispatch.explain import suggestion
from cloud.dispatch.gather import Ground, candidates_of, job_of
from cloud.dispatch.request import SENT, Request

RECENT_MS = 60_000
"""A dispatcher who takes what was suggested so recently owes no reason."""
RECENT_MAX = 8


class Suggested(NamedTuple):
    """What the last batch suggests for a request; ``resource`` None: leave it waiting."""

    at: int
    resource: str | None
    name: str
    eta_s: float | None
    arrival_at: int | None


class Matching:
    """All sites. Everything here is in RAM and worked out anew after a start."""

    def __init__(self, ground: Ground, zone_of: Callable[[str], ZoneInfo]) -> None:
        self.ground, self._zone_of = ground, zone_of
        self.suggested: dict[str, Suggested] = {}
        """By request (entity)."""
        self._recent: dict[str, deque[tuple[int, str]]] = {}

    def problem(self, site: str, kind: str, requests: Iterable[Request], now: int, *, leave_out: str = "") -> Prepared:
        """What is known now, as one problem. Touches live state: only in the event loop."""
        jobs = [job_of(request, self.ground, now) for request in requests]
        candidates = candidates_of(site, kind, self.ground, now, jobs, leave_out=leave_out)
        problem = Problem(site, kind, now, jobs, candidates, self.ground.settings_of(site))
        return prepare(
            problem, lambda starts, ends: self.ground.travel.matrix(problem.site, problem.kind, starts, ends, now)
        )

    def due(self, requests: Iterable[Request], now: int) -> dict[tuple[str, str], list[Request]]:
        """Requests that ask for somebody now, by site and kind of resource: real-time ones and those soon to begin."""
        found: dict[tuple[str, str], list[Request]] = {}
        for request in requests:
            if not request.may_be_served or request.kind not in SENT:
                continue
            ahead_s = (request.window.earliest - now) / 1000
            if request.tier == "real_time" or ahead_s <= self.ground.settings_of(request.site).look_ahead_s:
                found.setdefault((request.site, SENT[request.kind]), []).append(request)
        return found

    def keep(self, solution: Solution) -> list[str]:
        """Remember a batch; returns the requests (entities) whose suggestion changed."""
        changed = []
        now = solution.problem.now
        for row, job in enumerate(solution.problem.jobs):
            chosen = solution.suggested(row)
            name = chosen.key.entity if chosen else None
            before = self.suggested.get(job.id)
            self.suggested[job.id] = Suggested(
                now, name, chosen.name if chosen else "", solution.eta_s(row), solution.arrival(row)
            )
            if name is not None:
                recent = self._recent.setdefault(job.id, deque(maxlen=RECENT_MAX))
                if not recent or recent[-1][1] != name:
                    recent.append((now, name))
                else:
                    recent[-1] = (now, name)
            if before is None or before.resource != name:
                changed.append(job.id)
        return changed

    def forget(self, request: str) -> None:
        """It asks for nobody any more."""
        self.suggested.pop(request, None)
        self._recent.pop(request, None)

    def was_suggested(self, request: str, resource: str, now: int) -> bool:
        """Whether a batch of the last minute suggested it."""
        return any(name == resource and now - at <= RECENT_MS for at, name in self._recent.get(request, ()))

    def for_one(self, request: Request, others: Sequence[Request], now: int) -> tuple[Solution, int]:
        """The request together with all others that ask now, solved afresh; and its row."""
        kind = SENT[request.kind]
        asking = self.due(others, now).get((request.site, kind), [])
        jobs = [*(each for each in asking if each.entity != request.entity), request]
        solution = solve(self.problem(request.site, kind, jobs, now, leave_out=request.entity))
        row = solution.row(request.entity)
        assert row is not None
        return solution, row

    def explained(self, request: Request, solution: Solution, row: int) -> dict[str, Any]:
        """The suggestion in full."""
        column = solution.chosen[row]
        source, n = "", 0
        spot = solution.problem.candidates[column].spot if column >= 0 else None
        if spot is not None and request.origin.spot is not None:
            estimate = self.ground.travel.estimate(
                request.site, solution.problem.kind, spot, request.origin.spot, solution.problem.now
            )
            source, n = estimate.source, estimate.n
        return suggestion(solution, row, self._zone_of(request.site), source=source, n=n)
