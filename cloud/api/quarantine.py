"""Batches that could not be stored, for a person to look at."""

import base64
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from cloud.api.answers import json_answer
from cloud.api.gate import installer
from cloud.api.services import Services
from cloud.registry.sessions import Principal
from cloud.store.contract import QUARANTINE_COLUMNS

EXAMPLE = {
    "columns": list(QUARANTINE_COLUMNS),
    "rows": [
        [
            1790000000000,
            "east-compound",
            "b3-plant-room",
            "dayuan/1/east-compound/b3-plant-room/up",
            "5b1e9c04",
            18,
            "9f2c41d07b3a5e66",
            "crc",
            "the checksum does not match",
            512,
            "AQID...",
        ]
    ],
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/quarantine``."""
    router = APIRouter(tags=["inventory"])

    @router.get(
        "/api/v1/quarantine",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def quarantine(
        _: Annotated[Principal, Depends(installer)],
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """Rejected batches, the newest first, with the reason and the (cut) payload in base64."""
        page = await services.store.quarantine(limit=limit)
        rows = [
            [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in row]
            for row in page.rows
        ]
        return json_answer({"columns": page.columns, "rows": rows})

    return router
