"""Everything that is true now, in one answer."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from cloud.api.gate import principal_of
from cloud.api.services import Services

_encoder = msgspec.json.Encoder()

EXAMPLE = {
    "cursor": "e1b2c3d4.381",
    "as_of": 1790000000500,
    "entities": [
        {
            "id": "east-compound/b3-main",
            "kind": "meter",
            "site": "east-compound",
            "device": "b3-main",
            "gateway": "b3-plant-room",
            "name": "B3 main",
            "rev": 12,
            "observed_at": 1790000000000,
            "received_at": 1790000000080,
            "quality": "good",
            "stale_after_s": 30,
            "attributes": {"profile": "eastron/sdm630", "state": "ok", "every_s": 10, "achieved_s": 10.0},
            "points": {
                "active_power_total": {
                    "value": 8123.5,
                    "unit": "W",
                    "kind": "gauge",
                    "quality": "good",
                    "reason": "",
                    "observed_at": 1790000000000,
                    "received_at": 1790000000080,
                    "stale_after_s": 30,
                    "label": None,
                }
            },
        }
    ],
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/state``."""
    router = APIRouter(tags=["live"])
    stream = services.stream

    @router.get(
        "/api/v1/state",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}, 304: {"description": "Unchanged"}},
    )
    async def state(
        request: Request,
        kind: Annotated[str | None, Query(max_length=64, description="gateway, meter, door, vehicle ...")] = None,
        site: Annotated[str | None, Query(max_length=32)] = None,
    ) -> Response:
        """Current values of all entities, each with its age and quality. ETag is the cursor to go on from."""
        stream.settle()
        cursor, as_of = stream.cursor, services.clock.now_ms()
        tag = f'"{cursor}"'
        asked = request.headers.get("if-none-match", "")
        if stream.settled and tag in asked.replace("W/", "").split(", "):
            return Response(status_code=304, headers={"ETag": tag})
        parts = [part async for part in stream.entities.all(kind, site, principal_of(request).sites())]
        head = _encoder.encode({"cursor": cursor, "as_of": as_of})
        body = head[:-1] + b',"entities":[' + b",".join(parts) + b"]}"
        return Response(body, media_type="application/json", headers={"ETag": tag, "Cache-Control": "no-cache"})

    return router
