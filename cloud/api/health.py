"""Is it up? The one thing the collector tells a stranger."""

from fastapi import APIRouter, Response

from cloud.api.answers import json_answer
from cloud.api.services import Services

EXAMPLE = {
    "ok": True,
    "broker": {"url": "mqtt://127.0.0.1:1883", "connected": True},
    "store": {"writable": True, "failing_since": None},
    "queued_messages": 0,
    "alarms": 0,
}


def routes(services: Services) -> APIRouter:
    """``/healthz`` for whoever watches the process, ``/api/v1/health`` with what is wrong."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_class=Response, responses={200: {"content": {"text/plain": {"example": "ok\n"}}}})
    async def healthz() -> Response:
        """`ok` while the process answers. Says nothing else, as it is open."""
        return Response("ok\n", media_type="text/plain")

    @router.get(
        "/api/v1/health",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def health() -> Response:
        """Whether the broker is connected and the store writable."""
        path = services.ingest.view()
        failing = path.store_failing_since
        return json_answer(
            {
                "ok": path.connected and failing is None,
                "broker": {"url": path.broker, "connected": path.connected},
                "store": {"writable": failing is None, "failing_since": failing},
                "queued_messages": path.queued_messages,
                "alarms": len(services.alarms.active()),
            }
        )

    return router
