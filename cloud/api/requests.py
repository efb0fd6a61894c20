"""Requests: what is asked of the site. Filing them, looking at them, what is suggested, and what would be if."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response

from cloud.api.answers import json_answer
from cloud.api.gate import principal_of
from cloud.api.request_bodies import NewRequest
from cloud.api.request_errors import actor_of, answered, dispatch_of
from cloud.api.request_examples import REQUEST, REQUEST_WITH_HISTORY, SUGGESTION, WHAT_IF
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.audit.note import tell_site
from cloud.dispatch.desk import in_order
from cloud.dispatch.request import SENT
from cloud.dispatch.request import Request as Asked
from cloud.dispatch.shown import whole
from cloud.dispatch.what_if import what_if
from cloud.registry.roles import Right
from cloud.registry.sessions import Principal

Key = Annotated[
    str, Header(alias="Idempotency-Key", max_length=200, description="a change with a key is done once within 24 h")
]
LIST_MAX = 1000
WEEK_S = 7 * 86_400
DAY_MS = 86_400_000


def _example(example: object) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}


def routes(services: Services) -> APIRouter:
    """``/api/v1/requests`` for looking and filing."""
    router = APIRouter(tags=["requests"])

    @router.get(
        "/api/v1/requests",
        response_class=Response,
        responses=_example({"as_of": REQUEST["created_at"], "requests": [REQUEST]}),
    )
    async def requests(
        request: Request,
        site: Annotated[str | None, Query(max_length=32)] = None,
        status: Annotated[str, Query(max_length=120, description="separated by commas; `open` for all open")] = "",
        kind: Annotated[str | None, Query(max_length=32)] = None,
        from_: Annotated[
            str | None, Query(alias="from", max_length=40, description="filed since; default a week back")
        ] = None,
        to: Annotated[str | None, Query(max_length=40)] = None,
        recent: Annotated[
            bool, Query(description="open ones and those that ended in the last 24 h, whenever they were filed")
        ] = False,
        limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = 200,
    ) -> Response:
        """Requests as a dispatcher reads them: open ones first by urgency, then ended ones, the newest first.

        A requester sees those it filed. With `recent` nothing is read from the disk: for pages that keep asking.
        """
        dispatch = dispatch_of(services)
        now = services.clock.now_ms()
        since, until = parse_period(from_, to, now, WEEK_S)
        actor = actor_of(principal_of(request))
        owner = None if actor.sees_all else actor.name
        who = principal_of(request)
        mine = [each for each in dispatch.desk.all(site) if owner in (None, each.created_by)]
        if recent:
            known = {each.id: each for each in mine if each.open or (each.ended_at or 0) > now - DAY_MS}
        else:
            filed = await dispatch.needs.book.filed(site, since, until, owner=owner, limit=LIST_MAX)
            still = [each for each in mine if each.open and from_ is None]
            known = {each.id: each for each in [*filed, *still]}
        wanted = set(status.split(",")) if status else set()
        chosen = [
            each
            for each in known.values()
            if (not wanted or each.status in wanted or ("open" in wanted and each.open))
            and kind in (None, each.kind)
            and _may_see(who, each)
        ]
        ended = sorted((each for each in chosen if not each.open), key=lambda each: -(each.ended_at or 0))
        found = [*in_order([each for each in chosen if each.open]), *ended][:limit]
        return json_answer({"as_of": now, "requests": [_whole(services, each) for each in found]})

    @router.post(
        "/api/v1/requests",
        status_code=201,
        response_class=Response,
        responses={201: {"content": {"application/json": {"example": {"request": REQUEST}}}}},
    )
    async def file(request: Request, body: NewRequest, key: Key = "") -> Response:
        """Ask for something. Who files it owns it: may cancel it until somebody is on the way, and rate it."""
        dispatch = dispatch_of(services)
        tell_site(body.site)
        with answered():
            filed = await dispatch.desk.file(body.draft(), actor_of(principal_of(request)), key)
        return json_answer({"request": _whole(services, filed)}, status=201)

    @router.post("/api/v1/requests/what-if", response_class=Response, responses=_example(WHAT_IF))
    async def what_if_asked(request: Request, body: NewRequest) -> Response:
        """When somebody would come if this were asked too, and who would wait longer. Nothing is filed."""
        dispatch = dispatch_of(services)
        now = services.clock.now_ms()
        principal = principal_of(request)
        with answered():
            draft = body.draft()
            asked = dispatch.desk.made(draft, "what-if", actor_of(principal), now)
            found = what_if(asked, dispatch.desk.open_ones(asked.site), dispatch.matching, now)
        return json_answer(found if actor_of(principal).sees_all else _for_requester(found))

    _single(router, services)
    return router


def _single(router: APIRouter, services: Services) -> None:
    @router.get("/api/v1/requests/{name}", response_class=Response, responses=_example(REQUEST_WITH_HISTORY))
    async def one(request: Request, name: str) -> Response:
        """One request with its history, the oldest line first. `name` is its id (`site.number`) or its number."""
        dispatch = dispatch_of(services)
        with answered():
            found = await dispatch.desk.get(name, actor_of(principal_of(request)))
        history = await dispatch.desk.history(found)
        return json_answer({"request": _whole(services, found), "history": history})

    @router.get("/api/v1/requests/{name}/suggestion", response_class=Response, responses=_example(SUGGESTION))
    async def suggestion(request: Request, name: str) -> Response:
        """Who should go, what each candidate costs and why, and why each of the others is left out.

        Of a request that somebody was sent to: as it would be if it were given to another now, and in `chosen_by`
        what was suggested when somebody was chosen.
        """
        dispatch = dispatch_of(services)
        now = services.clock.now_ms()
        with answered():
            found = await dispatch.desk.get(name, actor_of(principal_of(request)))
        return json_answer(await _suggestion(services, found, principal_of(request), now))


def _may_see(who: Principal, each: Asked) -> bool:
    """By its site; a requester there sees what it filed itself."""
    own = each.created_by == who.name and who.may(Right.ASK, each.site)
    return own or who.may(Right.LOOK, each.site)


async def _suggestion(services: Services, found: Asked, principal: Principal, now: int) -> dict[str, Any]:
    dispatch = dispatch_of(services)
    kept = await dispatch.needs.book.chosen_by(found.site, found.number)
    answer: dict[str, Any] = {
        "request": found.entity,
        "as_of": now,
        "suggested": None,
        "candidates": [],
        "excluded": [],
    }
    if found.kind in SENT and found.open:
        solution, row = dispatch.matching.for_one(found, dispatch.desk.open_ones(found.site), now)
        answer |= dispatch.matching.explained(found, solution, row)
    else:
        answer["why"] = {
            "en": "The request has ended" if found.kind in SENT else "Nobody is sent for this kind of request",
            "zh": "请求已结束" if found.kind in SENT else "此类请求无需派出资源",
        }
    visit = dispatch.planner.visit(found)
    answer["planned"] = visit
    answer["chosen_by"] = _decoded(kept)
    return answer if actor_of(principal).sees_all else _for_requester(answer)


def _whole(services: Services, request: Asked) -> dict[str, Any]:
    dispatch = dispatch_of(services)
    return whole(request, dispatch.matching.suggested.get(request.entity), dispatch.planner.visit(request))


def _decoded(kept: str | None) -> msgspec.Raw | None:
    return None if kept is None else msgspec.Raw(kept.encode())


def _for_requester(found: dict[str, Any]) -> dict[str, Any]:
    """A requester learns when somebody would come, not who is where."""
    nobody: dict[str, Any] = {"resource": None, "name": "", "suggested": None, "suggestion": None, "chosen_by": None}
    hidden = {**nobody, "candidates": [], "excluded": [], "knock_on": []}
    return {name: hidden.get(name, value) for name, value in found.items()}
