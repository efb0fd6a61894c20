"""Logins there are: one's own, seen and ended by their owner."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import Gate, principal_of
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.registry.tables import SessionRow

SESSION = {
    "id": "3f9a0b12c4d5e6f7",
    "created_at": 1790000000000,
    "seen_at": 1790000300000,
    "expires_at": 1790600000000,
    "client": "192.0.2.17",
    "this": True,
}
Id = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


def routes(services: Services, gate: Gate) -> APIRouter:
    """``/api/v1/sessions``."""
    router = APIRouter(tags=["session"])

    @router.get("/api/v1/sessions", response_class=Response, responses=example({"sessions": [SESSION]}))
    async def own(request: Request) -> Response:
        """One's own logins, the one used last first. A token has none."""
        principal = principal_of(request)
        rows = await services.sessions.of(principal.user_id) if principal.user_id is not None else []
        return json_answer({"sessions": [session_shown(row, principal.credential) for row in rows]})

    @router.delete("/api/v1/sessions/{session}", status_code=204)
    async def end(request: Request, session: Id) -> Response:
        """End one of one's own logins; its open pages end with it."""
        principal = principal_of(request)
        if principal.user_id is None or not await services.sessions.end_of(principal.user_id, session):
            raise ApiError(404, "unknown_session", "you have no login of that id", "GET /api/v1/sessions")
        await gate.recheck()
        return Response(status_code=204)

    return router


def session_shown(row: SessionRow, credential: str = "") -> dict[str, object]:
    """A login without what would open it: the id is the beginning of a hash."""
    return {
        "id": row.id_hash[:16],
        "created_at": row.created_at,
        "seen_at": row.seen_at,
        "expires_at": row.expires_at,
        "client": row.client,
        "this": credential == f"session:{row.id_hash}",
    }
