"""Gateways: link, lanes, backlog, clock, what is stored of them, and lifting a fence."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import installer, principal_of
from cloud.api.services import Services
from cloud.live.entities import Entity, gateway_id
from cloud.registry.roles import Right
from cloud.registry.sessions import Principal
from cloud.store.contract import REFUSED_COLUMNS, GatewayKey

EXAMPLE = {
    "gateways": [
        {
            "site": "east-compound",
            "id": "b3-plant-room",
            "name": "B3 plant room",
            "observed_at": 1790000000000,
            "online": True,
            "announced": True,
            "session": 3,
            "software": "0.1.0",
            "fenced": False,
            "report": {"backlog_batches": 0},
            "stored_batches": 381,
            "stored_readings": 190500,
            "duplicates": 0,
            "rejected": 0,
            "refused": {},
        }
    ]
}
EXAMPLE_ONE = {
    "site": "east-compound",
    "id": "b3-plant-room",
    "fenced": False,
    "ranges": {"5b1e9c04": [[1, 381]]},
    "fences": [],
    "refused_readings": {"columns": list(REFUSED_COLUMNS), "rows": []},
}
REFUSED_SHOWN = 50


def routes(services: Services) -> APIRouter:
    """``/api/v1/gateways``."""
    router = APIRouter(tags=["inventory"])

    @router.get(
        "/api/v1/gateways",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def gateways(request: Request, site: Annotated[str | None, Query(max_length=32)] = None) -> Response:
        """All gateways with what they say of themselves and what the collector counted."""
        who = principal_of(request)
        chosen = [
            entity
            for entity in services.live.shown()
            if entity.is_gateway and site in (None, entity.site) and who.may(Right.LOOK, entity.site)
        ]
        return json_answer({"gateways": [_gateway(services, e) for e in sorted(chosen, key=lambda e: e.id)]})

    @router.get(
        "/api/v1/gateways/{site}/{gateway}",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE_ONE}}}},
    )
    async def one_gateway(site: str, gateway: str) -> Response:
        """One gateway, with the stored batches as ranges per epoch, its fences, and its last refused readings."""
        key = GatewayKey(site, gateway)
        entity = _find(services, key)
        refused = await services.store.refused(gateway=key, limit=REFUSED_SHOWN)
        return json_answer(
            {
                **_gateway(services, entity),
                "ranges": {epoch: list(ranges) for epoch, ranges in services.ingest.ranges(key).items()},
                "fences": [
                    {"epoch": fence.epoch, "seq": fence.seq, "fenced_at": fence.fenced_at}
                    for fence in services.ingest.fences()
                    if fence.key == key
                ],
                "refused_readings": {"columns": refused.columns, "rows": refused.rows},
            }
        )

    @router.post(
        "/api/v1/gateways/{site}/{gateway}/unfence",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": {"lifted": 1}}}}},
    )
    async def unfence(
        site: str,
        gateway: str,
        _: Annotated[Principal, Depends(installer)],
        epoch: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        """Lift the fences of a gateway (of one epoch, or all) after the copy was found: its batches are taken again."""
        key = GatewayKey(site, gateway)
        _find(services, key)
        lifted = await services.ingest.unfence(key, epoch)
        services.live.note_fence(key)
        return json_answer({"lifted": lifted})

    return router


def _find(services: Services, key: GatewayKey) -> Entity:
    entity = services.live.find(gateway_id(key))
    if entity is None:
        raise ApiError(
            404, "unknown_gateway", f"no gateway {key.gateway!r} at site {key.site!r}", "listed at /api/v1/gateways"
        )
    return entity


def _gateway(services: Services, entity: Entity) -> dict[str, object]:
    shown = services.live.views.view(entity)
    return {
        "site": entity.site,
        "id": entity.gateway,
        "name": entity.name,
        "observed_at": shown.observed_at,
        "received_at": shown.received_at,
        "stale_after_s": shown.stale_after_s,
        **shown.attributes,
    }
