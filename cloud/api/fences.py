"""Fences of a site, for other programs' maps."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from cloud.api.services import Services
from cloud.fleet.fence_export import fences_geojson
from protocols.reading import ID_PATTERN

EXAMPLE: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "east-compound/yard",
            "properties": {"id": "yard", "name": "Yard", "purpose": "parking"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[120.148, 30.27], [120.149, 30.27], [120.149, 30.271], [120.148, 30.27]]],
            },
        }
    ],
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/fences``."""
    router = APIRouter(tags=["fleet"])
    features = services.features
    assert features is not None

    @router.get(
        "/api/v1/fences/{site}",
        response_class=Response,
        responses={200: {"content": {"application/geo+json": {"example": EXAMPLE}}}},
    )
    async def fences(site: Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]) -> Response:
        """The fences of a site as GeoJSON polygons (WGS-84). A circle comes as a polygon, with `centre` and `radius_m`.

        The whole drawn map, with places, roads and buildings, is `/api/v1/map/{site}`.
        """
        return Response(fences_geojson(features.maps.fences(site)), media_type="application/geo+json")

    return router
