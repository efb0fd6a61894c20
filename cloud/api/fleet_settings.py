"""The thresholds a site's fleet goes by."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Path, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.services import Services
from cloud.assets.calendar import schedule_fault
from cloud.fleet.settings import FleetSettings
from cloud.fleet.yards import RevChanged
from protocols.reading import ID_PATTERN

EXAMPLE: dict[str, Any] = {
    "site": "east-compound",
    "rev": 3,
    "settings": {
        "trip_distance_m": 200.0,
        "stop_duration_s": 180.0,
        "orders": "dispatched",
        "hours": ["workday 07:00-20:00"],
    },
}
CHANGED: dict[int | str, dict[str, Any]] = {409: {"description": "Somebody changed them meanwhile"}}

Name = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/fleet-settings/{site}``."""
    router = APIRouter(tags=["fleet"])
    features = services.features
    assert features is not None
    yards = features.fleet.yards

    @router.get(
        "/api/v1/fleet-settings/{site}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def settings(site: Name) -> Response:
        """All thresholds of the fleet of a site, also those nobody changed."""
        known, rev = yards.settings(site)
        return json_answer({"site": site, "rev": rev, "settings": known})

    @router.put(
        "/api/v1/fleet-settings/{site}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}, **CHANGED},
    )
    async def put_settings(
        site: Name,
        body: Annotated[dict[str, Any], Body(openapi_examples={"hours": {"value": EXAMPLE["settings"]}})],
        rev: Annotated[int | None, Query(ge=0, le=2**62, description="refuse (409) when not at this revision")] = None,
    ) -> Response:
        """Change thresholds; what is not named is back at its default. They hold for what is worked out from now on."""
        try:
            wanted = msgspec.convert(body, FleetSettings)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half a surrogate pair is no text
            raise ApiError(422, "bad_request", str(error), "the names and bounds stand in docs/FLEET.md") from None
        for text in (*wanted.hours, *wanted.overnight):
            if (fault := schedule_fault(text)) is not None:
                raise ApiError(422, "bad_request", fault)
        for seal in wanted.seals:
            if seal.since >= seal.until:
                raise ApiError(422, "bad_request", f"seals: {seal.name!r} ends before it begins", "since < until")
        try:
            now_at = await yards.put_settings(site, wanted, rev)
        except RevChanged as error:
            raise ApiError(409, "changed", str(error), f"read them again; they are at rev {error.rev}") from None
        return json_answer({"site": site, "rev": now_at, "settings": wanted})

    return router
