"""Somebody chooses a resource for a request: may it be, what was suggested instead, when will it be there."""

import math
from typing import NamedTuple

import msgspec

from cloud.assets.contract import AssetKey
from cloud.dispatch.batch import Solution
from cloud.dispatch.contract import Refused
from cloud.dispatch.feasible import CODES, HARD
from cloud.dispatch.matching import Matching
from cloud.dispatch.request import SENT, Assigned, Request, Where


class Wish(NamedTuple):
    """Who should be sent, and who wants that. ``automatic``: out of the suggestion itself."""

    resource: str
    driver: str
    phone: str
    reason: str
    by: str
    lock: bool = False
    automatic: bool = False


class Chooser:
    """Checks choices against the matching of this moment."""

    def __init__(self, matching: Matching) -> None:
        self._matching = matching

    def choose(self, request: Request, wish: Wish, others: list[Request], now: int) -> tuple[Assigned, str]:
        """The assignment, and the suggestion (JSON) beside which it was made. Raises Refused.

        Who cannot serve it is only sent with a reason; so is somebody else than was suggested in the last minute.
        """
        key = self._key(request, wish.resource)
        solution, row = self._matching.for_one(request, others, now)
        column = solution.column(key.entity)
        if column is None:
            raise Refused("no_such_resource", f"resource: there is no {key.kind} {key.id[:60]!r}", "GET /api/v1/assets")
        explained = self._matching.explained(request, solution, row)
        self._check_code(solution, row, column, explained, wish)
        suggested = explained["suggested"] or ""
        owes_reason = not wish.reason and not wish.automatic and suggested not in ("", key.entity)
        if owes_reason and not self._matching.was_suggested(request.entity, key.entity, now):
            name = solution.problem.candidates[column].name
            raise Refused(
                "reason_needed",
                f"reason: {name} is not what is suggested ({explained['why']['en']})",
                "say why, in a few words; it is kept with the request",
            )
        chosen = self._assigned(request, solution, row, column, wish, suggested)
        return chosen, msgspec.json.encode(explained).decode()

    def _key(self, request: Request, resource: str) -> AssetKey:
        kind = SENT.get(request.kind)
        if kind is None:
            raise Refused("bad_request", f"nobody is sent for a {request.kind}'s request", "finish it instead")
        if not resource:
            raise Refused("bad_request", "resource: missing", f"{request.site}/{kind}:...")
        key = AssetKey.of_entity(resource) or AssetKey(request.site, kind, resource)
        if key.kind != kind:
            raise Refused("not_feasible", f"resource: a {request.kind} request needs a {kind}", f"a {kind}")
        if key.site != request.site:
            raise Refused("not_feasible", f"resource: it belongs to another site ({key.site[:40]})", request.site)
        return key

    def _check_code(self, solution: Solution, row: int, column: int, explained: dict[str, object], wish: Wish) -> None:
        code = CODES[int(solution.codes[row, column])]
        if not code or (wish.reason and code not in HARD):
            return
        name = solution.problem.candidates[column].name
        excluded = explained["excluded"]
        assert isinstance(excluded, list)
        entity = solution.problem.candidates[column].key.entity
        text = next((each["text"]["en"] for each in excluded if each["resource"] == entity), code)
        hint = "choose another" if code in HARD else "choose another, or say why it is sent anyway"
        raise Refused("not_feasible", f"resource: {name} cannot serve this: {text}", hint)

    def _assigned(
        self, request: Request, solution: Solution, row: int, column: int, wish: Wish, suggested: str
    ) -> Assigned:
        candidate, job, now = solution.problem.candidates[column], solution.problem.jobs[row], solution.problem.now
        travel_s = float(solution.travel_s[row, column])
        known = not math.isnan(travel_s)
        free = max(now, candidate.free_at if candidate.free_at is not None else now)
        arrival = int(solution.costs.arrival[row, column]) if known else max(free, job.earliest)
        since = max(free, arrival - round(travel_s * 1000)) if known else free
        return Assigned(
            resource=candidate.key.entity,
            name=candidate.name,
            by=wish.by,
            at=now,
            since=since,
            until=arrival + round(job.work_s * 1000),
            driver=wish.driver.strip()[:100] or candidate.driver,
            phone=wish.phone.strip()[:40] or candidate.phone,
            locked=wish.lock,
            reason=wish.reason,
            suggested=suggested,
            eta_s=round((arrival - now) / 1000, 1) if known else None,
            stood=Where("", *candidate.here) if candidate.here is not None else None,
        )
