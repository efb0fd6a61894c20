"""Looking for requests of any age, page by page."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import principal_of
from cloud.api.request_errors import actor_of, dispatch_of
from cloud.api.request_examples import REQUEST
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.dispatch.contract import Filed
from cloud.dispatch.shown import whole

DAY_MS = 86_400_000
QUARTER_S = 90 * 86_400
PAGE_MAX = 200
TERMS_MAX = 8
NUMBER = re.compile(r"([12]\d{3})(\d{2})(\d{2})-\d{1,9}")
NEXT = re.compile(r"(\d{1,15})\.([a-z0-9-]{1,32})\.([0-9-]{1,20})")
EXAMPLE = {"as_of": REQUEST["created_at"], "requests": [REQUEST], "next": "1795246328000.east-compound.20261121-014"}
OK: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}


def routes(services: Services) -> APIRouter:
    """``/api/v1/requests/search``."""
    router = APIRouter(tags=["requests"])

    @router.get("/api/v1/requests/search", response_class=Response, responses=OK)
    async def search(
        request: Request,
        q: Annotated[
            str,
            Query(max_length=100, description="words that must all be there: number, title, unit, person, plate"),
        ] = "",
        site: Annotated[str | None, Query(max_length=32)] = None,
        kind: Annotated[str | None, Query(max_length=32)] = None,
        ended: Annotated[bool, Query(description="only those that have ended")] = False,
        from_: Annotated[
            str | None,
            Query(alias="from", max_length=40, description="default 90 days back; a whole number is found of any day"),
        ] = None,
        to: Annotated[str | None, Query(max_length=40)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
        next_: Annotated[str, Query(alias="next", max_length=80, description="of the page before")] = "",
    ) -> Response:
        """Requests of any age, those filed last first. A requester finds those it filed.

        A page may hold fewer than `limit` and still have a `next`.
        """
        dispatch = dispatch_of(services)
        now = services.clock.now_ms()
        actor = actor_of(principal_of(request))
        terms = [_number_in(term) or term for term in q.split()[:TERMS_MAX]]
        since, until = parse_period(from_, to, now, QUARTER_S)
        if from_ is None and to is None and (days := [day for term in terms if (day := _day_of(term)) is not None]):
            since, until = max(0, min(days) - 2 * DAY_MS), max(days) + 2 * DAY_MS
        wanted = Filed(
            since=since,
            until=until,
            limit=limit,
            site=site,
            owner=None if actor.sees_all else actor.name,
            kind=kind,
            ended=ended,
            terms=terms,
            after=_after(next_),
        )
        found = await dispatch.needs.book.search(wanted)
        shown = [
            whole(each, dispatch.matching.suggested.get(each.entity), dispatch.planner.visit(each))
            for each in found.requests
        ]
        following = None if found.next is None else "{}.{}.{}".format(*found.next)
        return json_answer({"as_of": now, "requests": shown, "next": following})

    return router


def _number_in(term: str) -> str:
    """The number of an id (``site.number``); empty for other words."""
    number = term.rpartition(".")[2]
    return number if NUMBER.fullmatch(number) else ""


def _day_of(term: str) -> int | None:
    """When the day of a whole number began, in UTC; None for other words."""
    found = NUMBER.fullmatch(term)
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups())
    try:
        return round(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None


def _after(text: str) -> tuple[int, str, str] | None:
    if not text:
        return None
    found = NEXT.fullmatch(text)
    if found is None:
        raise ApiError(422, "bad_request", "next: not the `next` of an answer", "ask again without it")
    at, site, number = found.groups()
    return int(at), site, number
