"""Alarms."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.alarms.board import view
from cloud.api.answers import json_answer
from cloud.api.services import Services

EXAMPLE = {
    "alarms": [
        {
            "id": "12",
            "kind": "gateway_offline",
            "priority": 2,
            "source": "east-compound/b3-plant-room",
            "since": 1790000000000,
            "ended_at": None,
            "args": {},
            "text": {"en": "east-compound/b3-plant-room is offline. ...", "zh": "east-compound/b3-plant-room 离线……"},
            "active": True,
        }
    ]
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/alarms``."""
    router = APIRouter(tags=["alarms"])

    @router.get(
        "/api/v1/alarms",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def alarms(
        ended: Annotated[int, Query(ge=0, le=1000, description="also so many that returned to normal")] = 0,
    ) -> Response:
        """Active alarms, the most urgent first; then those that returned to normal, the last one first."""
        found = services.alarms.active()
        if ended:
            await services.alarms.flush()
            found += [view(alarm) for alarm in await services.alarm_book.ended(ended)]
        return json_answer({"alarms": found})

    return router
