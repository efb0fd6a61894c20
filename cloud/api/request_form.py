"""What the form for a request is filled from: sites, places and units. Also for requesters, who see nothing else."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.description import shape_of
from cloud.api.gate import principal_of
from cloud.api.services import Services
from cloud.features import Features
from cloud.registry.roles import Right

SHOWN = frozenset({"building", "road", "path", "water", "parking", "gate", "place"})
"""What a map shows to everybody. Checkpoints and fences are the guards' own."""
PROPERTIES = ("id", "kind", "name", "width_m")
EXAMPLE: dict[str, Any] = {
    "as_of": 1795246328000,
    "sites": [{"id": "east-compound", "name": "东院", "time_zone": "Asia/Shanghai"}],
    "site": "east-compound",
    "map": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"kind": "gate", "id": "gate-west", "name": {"en": "West gate", "zh": "西门"}},
                "geometry": {"type": "Point", "coordinates": [120.1486, 30.2712]},
            }
        ],
        "base": None,
    },
    "units": ["区府办", "档案科"],
}
SCHEMA = shape_of(EXAMPLE) | {"required": ["as_of", "sites"]}
OK: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": EXAMPLE, "schema": SCHEMA}}},
    404: {"description": "There is no such site"},
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/requests/form``."""
    router = APIRouter(tags=["requests"])
    assert services.features is not None
    features = services.features

    @router.get("/api/v1/requests/form", response_class=Response, responses=OK)
    async def form(
        request: Request,
        site: Annotated[
            str, Query(max_length=32, description="whose places and units; without it only the sites")
        ] = "",
    ) -> Response:
        """Sites to ask at, and of one of them the drawn map without what only guards need, and its units."""
        names = {each.id for each in services.inventory.sites()} | {each.key.site for each in features.roster.all()}
        who = principal_of(request)
        known = [services.inventory.site(name) for name in sorted(names) if who.may(Right.ASK, name)]
        sites = [{"id": each.id, "name": each.name, "time_zone": each.time_zone} for each in known]
        answer: dict[str, Any] = {"as_of": services.clock.now_ms(), "sites": sites}
        if site:
            if site not in names:
                raise ApiError(404, "unknown_site", f"no site {site!r}", "one of `sites`")
            answer |= {"site": site, "map": _map(features, site), "units": features.asset_desk.units(site)}
        return json_answer(answer)

    return router


def _map(features: Features, site: str) -> dict[str, Any]:
    document: Mapping[str, Any] = features.asset_desk.maps.document(site) or {}
    shown = [_shown(each) for each in document.get("features", []) if each.get("properties", {}).get("kind") in SHOWN]
    return {"type": "FeatureCollection", "features": shown, "base": document.get("base")}


def _shown(feature: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: feature["properties"][name] for name in PROPERTIES if name in feature["properties"]}
    return {"type": "Feature", "properties": properties, "geometry": feature.get("geometry")}
