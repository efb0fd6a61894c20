"""Rounds of guards: routes and runs."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import guard
from cloud.api.place_answers import check_length, check_site, example, places_of
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.assets.calendar import schedule_fault
from cloud.patrol.routes import Route
from cloud.registry.sessions import Principal

ROUTE: dict[str, Any] = {
    "id": "night-round",
    "name": "Night round",
    "checkpoints": [
        {
            "id": "north-gate",
            "name": "North gate",
            "reader": "gate-north",
            "tag": "",
            "place": "",
            "from_min": 0,
            "until_min": 20,
        }
    ],
    "starts": ["22:00", "02:00"],
    "days": ["daily"],
    "guards": [],
    "ordered": True,
    "begin_within_min": 10,
}
RUN: dict[str, Any] = {
    "id": "night-round-29833333",
    "site": "east-compound",
    "route": "night-round",
    "name": "Night round",
    "from_at": 1790000000000,
    "until_at": 1790001200000,
    "guard": "wang-wei",
    "state": "done",
    "checkpoints": [
        {
            "id": "north-gate",
            "name": "North gate",
            "from_at": 1790000000000,
            "until_at": 1790001200000,
            "at": 1790000300000,
            "state": "done",
            "guard": "wang-wei",
        }
    ],
}
DAY_S = 86_400
ROUTES_MAX = 200


class RoutesBody(BaseModel):
    """All routes of a site: those that are not among them end. A route is as in the answer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"routes": [ROUTE]}})
    routes: list[dict[str, Any]] = Field(max_length=ROUTES_MAX)


def routes(services: Services) -> APIRouter:
    """``/api/v1/patrols``."""
    router = APIRouter(tags=["patrols"])
    sitename = Annotated[str, Query(max_length=32)]

    @router.get("/api/v1/patrols/routes", response_class=Response, responses=example({"routes": [ROUTE]}))
    async def all_routes(site: sitename) -> Response:
        """Routes: checkpoints with their windows in minutes after the run begins, and when runs begin."""
        check_site(services, site)
        return json_answer({"routes": places_of(services).patrols.routes(site)})

    @router.put("/api/v1/patrols/routes", response_class=Response, responses=example({"routes": [ROUTE]}))
    async def put_routes(site: sitename, body: RoutesBody, _: Annotated[Principal, Depends(guard)]) -> Response:
        """Replace all routes of the site.

        Runs that have begun are judged by the route they began with; a new or changed route is asked for from now on.
        """
        check_site(services, site)
        patrols = places_of(services).patrols
        await patrols.put_routes(site, _routes(body))
        return json_answer({"routes": patrols.routes(site)})

    @router.get("/api/v1/patrols", response_class=Response, responses=example({"runs": [RUN]}))
    async def runs(
        site: sitename,
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="default: a day back")] = None,
        to: Annotated[str | None, Query(max_length=40, description="default: half a day ahead")] = None,
        state: Annotated[str | None, Query(max_length=16, description="planned, under_way, late, done, missed")] = None,
    ) -> Response:
        """Runs that begin in the period, the newest first, with what became of each checkpoint."""
        check_site(services, site)
        now = services.clock.now_ms()
        since, until = parse_period(from_ or str(now - DAY_S * 1000), to or str(now + DAY_S * 500), now)
        check_length(since, until)
        found = await places_of(services).patrols.runs(site, since, until)
        return json_answer({"runs": [each for each in found if state in (None, each.state)]})

    return router


def _routes(body: RoutesBody) -> list[Route]:
    found: list[Route] = []
    for index, given in enumerate(body.routes):
        try:
            route = msgspec.convert(given, Route)
            msgspec.json.encode(route)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half a surrogate pair is no text
            raise ApiError(422, "bad_route", f"routes.{index}: {error}", "see the example of this route") from None
        wrong = route.fault() or next((fault for day in route.days if (fault := schedule_fault(day))), None)
        if wrong:
            raise ApiError(422, "bad_route", f"routes.{index}: {wrong}", "see the example of this route")
        if any(each.id == route.id for each in found):
            raise ApiError(422, "bad_route", f"routes.{index}.id: {route.id!r} stands here twice", "another id")
        found.append(route)
    return found
