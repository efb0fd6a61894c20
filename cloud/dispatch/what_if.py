"""What if this were asked too: when somebody would come, and who would be served later because of it.

The same batch is solved twice, with and without the request; nothing is filed and nothing remembered.
"""

from typing import Any

from cloud.dispatch.batch import Solution, solve
from cloud.dispatch.matching import Matching
from cloud.dispatch.request import SENT, Request

AT_LEAST_S = 5.0
"""Smaller differences are not worth a word."""


def what_if(request: Request, others: list[Request], matching: Matching, now: int) -> dict[str, Any]:
    """Predicted arrival, candidates, and knock-on delays."""
    kind = SENT.get(request.kind)
    if kind is None:
        return {"as_of": now, "resource": None, "arrival_at": None, "suggestion": None, "knock_on": []}
    asking = matching.due(others, now).get((request.site, kind), [])
    without = solve(matching.problem(request.site, kind, asking, now))
    solution, row = matching.for_one(request, others, now)
    chosen = solution.suggested(row)
    return {
        "as_of": now,
        "resource": chosen.key.entity if chosen else None,
        "name": chosen.name if chosen else "",
        "arrival_at": solution.arrival(row),
        "eta_s": _rounded(solution.eta_s(row)),
        "late_s": max(0.0, ((solution.arrival(row) or 0) - request.window.latest) / 1000) if chosen else None,
        "suggestion": matching.explained(request, solution, row),
        "knock_on": _knock_on(without, solution),
    }


def _knock_on(without: Solution, solution: Solution) -> list[dict[str, Any]]:
    """Requests that would be served by another, later, or not now."""
    found = []
    for row, job in enumerate(without.problem.jobs):
        other = solution.row(job.id)
        if other is None:
            continue
        before, after = without.suggested(row), solution.suggested(other)
        eta_before, eta_after = without.eta_s(row), solution.eta_s(other)
        moved = (before.key if before else None) != (after.key if after else None)
        delay = None if eta_before is None or eta_after is None else eta_after - eta_before
        if moved or (delay is not None and abs(delay) >= AT_LEAST_S):
            found.append(
                {
                    "request": job.number,
                    "entity": job.id,
                    "before": {"resource": before.key.entity if before else None, "eta_s": _rounded(eta_before)},
                    "after": {"resource": after.key.entity if after else None, "eta_s": _rounded(eta_after)},
                    "delay_s": _rounded(delay),
                }
            )
    return found


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
