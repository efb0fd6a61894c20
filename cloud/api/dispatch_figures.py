"""How well the site is served: headline figures, statistics, learned travel times; and what the site decided."""

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import administrator
from cloud.api.place_answers import CHANGED, conflict
from cloud.api.request_errors import dispatch_of
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.dispatch.contract import Measured, RoomSharing, SettingsChanged
from cloud.dispatch.figures import headline, tables
from cloud.dispatch.settings import DEFAULTS, DispatchSettings

REQUESTS_MAX = 200_000
DAYS_MAX_S = 400 * 86_400
WEEK_S = 7 * 86_400

_STEP = {"n": 180, "p50": 24.0, "p95": 71.0, "breaches": 3, "decided": 181}
_ROW = {
    "name": "real_time",
    "requests": 186,
    "acknowledge": _STEP,
    "assign": _STEP,
    "arrive": _STEP,
    "on_time_share": 0.978,
    "on_time_n": 181,
    "by_status": {"done": 180, "cancelled": 6},
}
FIGURES = {
    "site": "east-compound",
    "from": 1794_700_000_000,
    "to": 1795_304_800_000,
    "headline": {
        "dispatch_s": {"value": 24.0, "n": 180, "before": 900.0, "compound": 30.0},
        "gate_passage_s": {"value": 7.6, "n": 312, "before": 180.0, "compound": 8.0},
        "room_booking_s": {"value": None, "n": 0, "before": 1800.0, "compound": 300.0},
        "on_time_share": {"value": 0.978, "n": 181},
        "rooms_shared": {"rooms": 15, "units": 40, "n": 212, "compound": {"rooms": 15, "units": 72}},
        "filing_s": {"value": 41.0, "n": 160},
        "rating": {"value": 4.6, "n": 75},
        "requests": {"value": 186, "n": 186},
        "open": {"value": 12, "n": 186},
        "overrides": {"value": 9, "n": 170},
    },
    "tables": {"tier": [_ROW], "kind": [_ROW], "unit": [_ROW], "hour": [_ROW]},
    "capped": False,
}
TRAVEL = {
    "site": "east-compound",
    "journeys_enough": 5,
    "cells": [
        {"kind": "vehicle", "from_m": 500, "to_m": 2000, "hour": 8, "s_per_km": 214.0, "n": 31},
    ],
}
SETTINGS: dict[str, Any] = {"site": "east-compound", "rev": 3, "settings": msgspec.to_builtins(DEFAULTS)}


def _example(example: object) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}


def routes(services: Services) -> APIRouter:
    """``/api/v1/dispatch``."""
    router = APIRouter(tags=["dispatch"])
    _figures(router, services)
    _settings(router, services)
    return router


def _figures(router: APIRouter, services: Services) -> None:
    @router.get("/api/v1/dispatch/figures", response_class=Response, responses=_example(FIGURES))
    async def figures(
        site: Annotated[str, Query(max_length=32)],
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="default a week back")] = None,
        to: Annotated[str | None, Query(max_length=40)] = None,
    ) -> Response:
        """Headline and tables of requests filed in the period. Null with `n` 0: nothing was measured.

        `before` and `compound`: what a real compound of this kind reports, before and since it uses software.
        """
        dispatch = dispatch_of(services)
        _check_site(services, site)
        since, until = parse_period(from_, to, services.clock.now_ms(), WEEK_S)
        if until - since > DAYS_MAX_S * 1000:
            raise ApiError(422, "bad_period", "longer than 400 days", "a shorter period")
        found = await dispatch.needs.book.filed(site, since, until, owner=None, limit=REQUESTS_MAX)
        places = dispatch.needs.figures
        gate, room, sharing = Measured(None, 0), Measured(None, 0), RoomSharing(0, 0, 0)
        if places is not None:
            gate = await places.gate_passage_s(site, since, until)
            room = await places.room_booking_s(site, since, until)
            sharing = await places.room_sharing(site, since, until)
        rows = await asyncio.to_thread(tables, found, dispatch.needs.zone_of(site))
        return json_answer(
            {
                "site": site,
                "from": since,
                "to": until,
                "headline": headline(found, gate, room, sharing),
                "tables": rows,
                "capped": len(found) == REQUESTS_MAX,
            }
        )

    @router.get("/api/v1/dispatch/travel-times", response_class=Response, responses=_example(TRAVEL))
    async def travel_times(site: Annotated[str, Query(max_length=32)]) -> Response:
        """Learned travel times: the median pace by distance (as the crow flies) and hour, and on how many it stands."""
        _check_site(services, site)
        cells = dispatch_of(services).learned.table(site)
        return json_answer({"site": site, "journeys_enough": 5, "cells": cells})


def _settings(router: APIRouter, services: Services) -> None:
    @router.get("/api/v1/dispatch/settings/{site}", response_class=Response, responses=_example(SETTINGS))
    async def settings(site: str) -> Response:
        """What the site decided about its dispatch; what nobody set is the default."""
        _check_site(services, site)
        settings, rev = dispatch_of(services).decided(site)
        return json_answer({"site": site, "rev": rev, "settings": settings})

    @router.put(
        "/api/v1/dispatch/settings/{site}",
        response_class=Response,
        responses={**_example(SETTINGS), **CHANGED},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}, "example": {"batch_s": 3.0}}},
            }
        },
    )
    async def set_settings(
        site: str,
        request: Request,
        rev: Annotated[int | None, Query(ge=0, le=2**53, description="refuse (409) when not at this revision")] = None,
    ) -> Response:
        """Decide anew (administrators). What is left out is the default again; running clocks keep their ends."""
        principal = administrator(request)
        _check_site(services, site)
        try:
            decided = msgspec.json.decode(await request.body(), type=DispatchSettings)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ApiError(422, "bad_request", str(error), "GET the same address shows all that can be set") from None
        try:
            now_at = await dispatch_of(services).set_settings(site, decided, principal.name, rev)
        except SettingsChanged as error:
            raise conflict("the settings", error.rev) from None
        return json_answer({"site": site, "rev": now_at, "settings": decided})


def _check_site(services: Services, site: str) -> None:
    if not dispatch_of(services).needs.knows_site(site):
        raise ApiError(404, "not_found", f"there is no site {site[:60]!r}", "GET /api/v1/sites")
