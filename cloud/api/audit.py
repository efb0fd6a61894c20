"""The audit trail: who did what, and whether the records are as they were written."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.audit.files import BadKey
from cloud.registry.audit_book import Search
from cloud.registry.audit_trail import Trail

MONTH_S = 31 * 86_400
RECORD = {
    "number": 417,
    "at": 1790000000000,
    "actor": "admin",
    "via": "session",
    "client": "192.0.2.17",
    "action": "PUT /api/v1/users/li",
    "site": "",
    "reason": "",
    "facts": '{"roles":["dispatcher@east-compound"],"user":"li"}',
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/audit``."""
    router = APIRouter(tags=["audit"])
    trail = services.trail
    if trail is None:
        return router
    checking = asyncio.Lock()

    @router.get("/api/v1/audit", response_class=Response, responses=example({"records": [RECORD], "next": None}))
    async def records(
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="default: 31 days back")] = None,
        to: Annotated[str | None, Query(max_length=40, description="not included; now")] = None,
        actor: Annotated[str, Query(max_length=120, description="whole name")] = "",
        action: Annotated[str, Query(max_length=120, description="a part of it")] = "",
        site: Annotated[str, Query(max_length=32)] = "",
        before: Annotated[int | None, Query(ge=1, le=1 << 62, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Response:
        """Records of the trail, the newest first. Reading it is recorded too."""
        since, until = parse_period(from_, to, services.clock.now_ms() + 1, MONTH_S)
        wanted = Search(since, until, actor, action, site, before or 1 << 62)
        found = await trail.book.search(wanted, limit)
        following = found[-1].number if len(found) == limit else None
        return json_answer({"records": [each._asdict() for each in found], "next": following})

    @router.get(
        "/api/v1/audit/verify",
        response_class=Response,
        responses=example({"records": 417, "first_bad": None, "what": ""}),
    )
    async def verify() -> Response:
        """Follow the whole chain. `first_bad` is the number of the first record that is not as it was written."""
        return json_answer(await _verified(trail, checking))

    return router


async def _verified(trail: Trail, checking: asyncio.Lock) -> dict[str, object]:
    if checking.locked():
        raise ApiError(429, "too_many_requests", "the trail is being checked already", "", {"Retry-After": "5"})
    async with checking:
        try:
            verdict = await trail.verify()
        except BadKey as error:
            return {"records": 0, "first_bad": 0, "what": str(error)}
    return {"records": verdict.records, "first_bad": verdict.bad, "what": verdict.what}
