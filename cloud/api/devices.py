"""Devices and their points."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from cloud.api.answers import json_answer
from cloud.api.gate import principal_of
from cloud.api.services import Services
from cloud.live.entities import Entity
from cloud.registry.roles import Right
from cloud.store.contract import SeriesKey

EXAMPLE = {
    "devices": [
        {
            "site": "east-compound",
            "id": "b3-main",
            "name": "B3 main",
            "kind": "meter",
            "gateway": "b3-plant-room",
            "announced": True,
            "profile": "eastron/sdm630",
            "bus": "rs485-1",
            "every_s": 10,
            "stale_after_s": 30,
            "points": [{"name": "active_power_total", "unit": "W", "kind": "gauge", "stale_after_s": 30}],
        }
    ]
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/devices``."""
    router = APIRouter(tags=["inventory"])

    @router.get(
        "/api/v1/devices",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def devices(
        request: Request,
        site: Annotated[str | None, Query(max_length=32)] = None,
        kind: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        """All devices with their points, announced or not."""
        who = principal_of(request)
        chosen = [
            entity
            for entity in services.live.shown()
            if entity.device is not None
            and site in (None, entity.site)
            and kind in (None, entity.kind)
            and who.may(Right.LOOK, entity.site)
        ]
        return json_answer({"devices": [_device(services, entity) for entity in sorted(chosen, key=lambda e: e.id)]})

    return router


def _device(services: Services, entity: Entity) -> dict[str, object]:
    assert entity.device is not None
    known = services.inventory.device(entity.site, entity.device)
    names = dict.fromkeys([*(known.points if known else ()), *entity.series])
    points = [services.inventory.point(SeriesKey(entity.site, entity.device, name)) for name in names]
    return {
        "site": entity.site,
        "id": entity.device,
        "name": entity.name,
        "kind": entity.kind,
        "gateway": entity.gateway,
        "announced": known is not None,
        "profile": entity.attributes["profile"],
        "bus": entity.attributes["bus"],
        "every_s": entity.attributes["every_s"],
        "stale_after_s": entity.stale_after_s,
        "points": [{"name": p.name, "unit": p.unit, "kind": p.kind, "stale_after_s": p.stale_after_s} for p in points],
    }
