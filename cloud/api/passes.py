"""Passes of visitors."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.access.lists import lendable
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import principal_of
from cloud.api.place_answers import (
    Key,
    actor_of,
    check_length,
    check_site,
    conflict,
    example,
    once_of,
    pass_shown,
    places_of,
)
from cloud.api.services import Services
from cloud.api.times import TIME_MAX_MS, parse_period
from cloud.assets.contract import AssetKey
from cloud.audit.note import tell_site
from cloud.features_access import is_card_key
from cloud.registry.passes_book import PassChanged
from cloud.visitors.visit import IN, OUT, Pass, Passage, Visit

PASS: dict[str, Any] = {
    "id": "v-41d07b3a5e",
    "site": "east-compound",
    "name": "Zhang San",
    "phone": "138****8000",
    "host": "Li Na",
    "unit": "Finance office",
    "plate": "浙A12345",
    "card": False,
    "people": 2,
    "purpose": "Audit",
    "gate": "gate-north",
    "from": 1790000000000,
    "until": 1790014400000,
    "state": "expected",
    "since": 1789990000000,
    "arrived_at": None,
    "left_at": None,
    "came_by": "",
    "created_at": 1789990000000,
    "created_by": "dispatch-1",
    "cancelled_at": None,
    "rev": 1,
}
NEW: dict[str, Any] = {
    "site": "east-compound",
    "name": "Zhang San",
    "phone": "13800008000",
    "host": "Li Na",
    "unit": "Finance office",
    "plate": "浙A12345",
    "people": 2,
    "purpose": "Audit",
    "gate": "gate-north",
    "from": 1790000000000,
    "until": 1790014400000,
}
DAY_S = 86_400
LONGEST_MS = 31 * DAY_S * 1000
AHEAD_MS = 400 * DAY_S * 1000
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "It changed meanwhile, or that is not possible any more"}
}


class NewPass(BaseModel):
    """Who may come when, to whom. `card_key`: of a card lent to the visitor, as events spell it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": NEW})
    site: str = Field(max_length=32)
    name: str = Field(min_length=1, max_length=100)
    phone: str = Field(default="", max_length=40)
    host: str = Field(min_length=1, max_length=100)
    unit: str = Field(default="", max_length=100)
    plate: str = Field(default="", max_length=20)
    card_key: str = Field(default="", max_length=128)
    people: int = Field(default=1, ge=1, le=500)
    purpose: str = Field(default="", max_length=200)
    gate: str = Field(default="", max_length=32)
    from_at: int = Field(alias="from", ge=0, le=TIME_MAX_MS, description="ms")
    until_at: int = Field(alias="until", ge=0, le=TIME_MAX_MS)
    started_at: int | None = Field(default=None, ge=0, le=TIME_MAX_MS, description="when the form was opened, ms")


class Seen(BaseModel):
    """When and where; now and the gate of the pass when not said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"gate": "gate-north"}})
    rev: int | None = Field(default=None, ge=1, le=2**53)
    at: int | None = Field(default=None, ge=0, le=TIME_MAX_MS)
    gate: str = Field(default="", max_length=32)


class Rev(BaseModel):
    """The revision that was looked at."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rev": 1}})
    rev: int | None = Field(default=None, ge=1, le=2**53)


def routes(services: Services) -> APIRouter:
    """``/api/v1/passes``."""
    router = APIRouter(tags=["visitors"])

    @router.get("/api/v1/passes", response_class=Response, responses=example({"passes": [PASS]}))
    async def passes(
        request: Request,
        site: Annotated[str, Query(max_length=32)],
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="default: a day back")] = None,
        to: Annotated[str | None, Query(max_length=40, description="default: a week ahead")] = None,
        state: Annotated[str | None, Query(max_length=16)] = None,
    ) -> Response:
        """Passes whose window overlaps the period, and what became of them. Viewers see no whole phone number."""
        check_site(services, site)
        now = services.clock.now_ms()
        since, until = parse_period(from_ or str(now - DAY_S * 1000), to or str(now + 7 * DAY_S * 1000), now)
        check_length(since, until)
        found = await places_of(services).visitors.passes(site, since, until)
        principal = principal_of(request)
        shown = [pass_shown(given, visit, principal) for given, visit in found if state in (None, visit.state)]
        return json_answer({"passes": shown})

    answers: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such site"}}
    answers |= example({"pass": PASS}, 201)

    @router.post("/api/v1/passes", status_code=201, response_class=Response, responses=answers)
    async def make(request: Request, body: NewPass, key: Key = "") -> Response:
        """Expect a visitor. A lent card has to be a card key that is not blocked and whose holder is not disabled; its
        `gate` a door with the fact `gate`, or empty for all of them."""
        check_site(services, body.site)
        tell_site(body.site)
        principal, now = principal_of(request), services.clock.now_ms()
        if not (body.from_at < body.until_at <= body.from_at + LONGEST_MS):
            raise ApiError(
                422, "bad_period", "from is not before until, or it is longer than 31 days", "from < until, ms"
            )
        if body.until_at <= now or body.from_at > now + AHEAD_MS:
            raise ApiError(422, "bad_period", "that time is over, or more than 400 days ahead", "a time to come")
        if body.card_key:
            _check_lent(services, body)
        values = body.model_dump(exclude={"started_at"})
        made = Pass(
            id=f"v-{secrets.token_hex(5)}",
            **values,
            created_at=now,
            created_by=actor_of(principal),
            opened_at=body.started_at,
        )
        made = await places_of(services).visitors.add(made, once=once_of(principal, key))
        given, visit, _ = await _find(services, made.id, None)
        return json_answer({"pass": pass_shown(given, visit, principal)}, status=201)

    _steps(router, services)
    return router


def _check_lent(services: Services, body: NewPass) -> None:
    """422 for a card that opens nothing, and for a door that no pass opens."""
    assert services.features is not None
    if not is_card_key(body.card_key):
        message = "card_key: no card key: 32 digits of 0-9 a-f, as readers' events say it"
        raise ApiError(422, "bad_card", message, "never the number on the card")
    if not lendable(services.features.access.register.site(body.site), body.card_key):
        message = "card_key: this card is blocked, or its holder is disabled"
        raise ApiError(422, "bad_card", message, "another card; who looks after access can unblock it")
    if body.gate:
        door = services.features.roster.find(AssetKey(body.site, "door", body.gate))
        if door is None or door.facts.get("gate") is not True:
            message = f"gate: {body.gate!r} is no door with the fact gate"
            raise ApiError(422, "bad_gate", message, "such a door, or nothing for all of them")


def _steps(router: APIRouter, services: Services) -> None:
    answers = {**example({"pass": PASS}), **CONFLICT}

    async def seen(request: Request, name: str, body: Seen, way: str) -> Response:
        principal, now = principal_of(request), services.clock.now_ms()
        given, visit, _ = await _find(services, name, body.rev)
        at = body.at if body.at is not None else now
        if at > now or at < given.created_at:
            raise ApiError(422, "bad_time", "at is in the future, or before the pass was made", "ms, until now")
        if given.cancelled_at is not None and way == IN:
            raise ApiError(409, "not_possible", "the pass was cancelled", "make a new pass")
        if way == OUT and visit.arrived_at is None:
            raise ApiError(409, "not_possible", "the visitor was not seen arriving", "write the arrival down first")
        gate = body.gate or given.gate
        inside = visit.left_at is None and visit.arrived_at is not None
        if inside != (way == IN) or body.at is not None:
            places_of(services).visitors.passed(given, Passage(at, way, gate, actor_of(principal)))
        given, visit, _ = await _find(services, name, None)
        return json_answer({"pass": pass_shown(given, visit, principal)})

    @router.post("/api/v1/passes/{name}/arrive", response_class=Response, responses=answers)
    async def arrive(request: Request, name: str, body: Seen) -> Response:
        """The visitor came in. A plate or the lent card at a gate says the same. Twice is once."""
        return await seen(request, name, body, IN)

    @router.post("/api/v1/passes/{name}/leave", response_class=Response, responses=answers)
    async def leave(request: Request, name: str, body: Seen) -> Response:
        """The visitor went out."""
        return await seen(request, name, body, OUT)

    @router.post("/api/v1/passes/{name}/cancel", response_class=Response, responses=answers)
    async def cancel(request: Request, name: str, body: Rev) -> Response:
        """The visitor will not come."""
        given, visit, _ = await _find(services, name, body.rev)
        if visit.state != "expected":
            raise ApiError(409, "not_possible", f"the pass is {visit.state} already", "only an expected visitor")
        principal = principal_of(request)
        try:
            await places_of(services).visitors.cancel(given, actor_of(principal))
        except PassChanged as error:
            raise conflict("the pass", error.now.rev) from None
        given, visit, _ = await _find(services, name, None)
        return json_answer({"pass": pass_shown(given, visit, principal)})


async def _find(services: Services, name: str, rev: int | None) -> tuple[Pass, Visit, list[Passage]]:
    found = await places_of(services).visitors.find(name[:64])
    if found is None:
        raise ApiError(404, "unknown_pass", f"no pass {name[:64]!r}", "/api/v1/passes?site=")
    if rev is not None and rev != found[0].rev:
        raise conflict("the pass", found[0].rev)
    return found
