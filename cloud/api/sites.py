"""Sites."""

from collections import Counter

from fastapi import APIRouter, Request, Response

from cloud.api.answers import json_answer
from cloud.api.gate import principal_of
from cloud.api.services import Services
from cloud.registry.roles import Right

EXAMPLE = {
    "sites": [{"id": "east-compound", "name": "东院", "time_zone": "Asia/Shanghai", "gateways": 2, "devices": 76}]
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/sites``."""
    router = APIRouter(tags=["inventory"])

    @router.get(
        "/api/v1/sites",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def sites(request: Request) -> Response:
        """All sites with their time zones; every local time is the site's, never the reader's.

        A site that has assets or a map, and no gateway yet, is one too.
        """
        gateways: Counter[str] = Counter()
        devices: Counter[str] = Counter()
        for entity in services.live.shown():
            if entity.is_gateway or entity.device is not None:
                (gateways if entity.is_gateway else devices)[entity.site] += 1
        known = {site.id for site in services.inventory.sites()} | set(gateways) | set(devices)
        if services.features is not None:
            known |= services.features.sites()
        who = principal_of(request)
        names = sorted(name for name in known if who.may(Right.LOOK, name))
        found = [services.inventory.site(name) for name in names]
        return json_answer(
            {
                "sites": [
                    {
                        "id": site.id,
                        "name": site.name,
                        "time_zone": site.time_zone,
                        "gateways": gateways[site.id],
                        "devices": devices[site.id],
                    }
                    for site in found
                ]
            }
        )

    return router
