"""What is done to requests. Each takes the rev it stands on and an Idempotency-Key, and answers with the request."""

from typing import Any

from fastapi import APIRouter, Request, Response

from cloud.api.answers import json_answer
from cloud.api.gate import principal_of
from cloud.api.request_bodies import Change, Choice, Opinion, OtherChoice, Rate
from cloud.api.request_errors import actor_of, answered, dispatch_of
from cloud.api.request_examples import REQUEST
from cloud.api.requests import Key
from cloud.api.services import Services
from cloud.dispatch.deciding import Act
from cloud.dispatch.shown import whole

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": {"request": REQUEST}}}},
    409: {"description": "It changed meanwhile, or cannot take this now; `X-Current-Rev` says its rev"},
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/requests/{name}/...``."""
    router = APIRouter(tags=["requests"])

    async def done(request: Request, name: str, act: Act, key: str) -> Response:
        dispatch = dispatch_of(services)
        with answered():
            changed = await dispatch.desk.act(name, act, actor_of(principal_of(request)), key)
        suggested = dispatch.matching.suggested.get(changed.entity)
        return json_answer({"request": whole(changed, suggested, dispatch.planner.visit(changed))})

    _decisions(router, done)
    _steps(router, done)
    return router


def _decisions(router: APIRouter, done: Any) -> None:
    @router.post("/api/v1/requests/{name}/acknowledge", response_class=Response, responses=ANSWERS)
    async def acknowledge(request: Request, name: str, body: Change, key: Key = "") -> Any:
        """Somebody has seen it and takes care."""
        return await done(request, name, body.act("acknowledge"), key)

    @router.post("/api/v1/requests/{name}/approve", response_class=Response, responses=ANSWERS)
    async def approve(request: Request, name: str, body: Opinion, key: Key = "") -> Any:
        """Yes. An emergency may be approved while or after it is served."""
        return await done(request, name, body.act("approve"), key)

    @router.post("/api/v1/requests/{name}/refuse", response_class=Response, responses=ANSWERS)
    async def refuse(request: Request, name: str, body: Opinion, key: Key = "") -> Any:
        """No, with the opinion. Of an emergency that was served already only the opinion is kept."""
        return await done(request, name, body.act("refuse"), key)

    @router.post("/api/v1/requests/{name}/assign", response_class=Response, responses=ANSWERS)
    async def assign(request: Request, name: str, body: Choice, key: Key = "") -> Any:
        """Send somebody.

        422 `reason_needed`: it is not who was suggested within the last minute; 422 `not_feasible`: it cannot serve
        this by the rules. With a `reason` both are done and kept, but nothing that is out of service is sent.
        """
        return await done(request, name, body.act("assign"), key)

    @router.post("/api/v1/requests/{name}/reassign", response_class=Response, responses=ANSWERS)
    async def reassign(request: Request, name: str, body: OtherChoice, key: Key = "") -> Any:
        """Send somebody else instead, or nobody: then it goes back to the queue. Needs a reason."""
        return await done(request, name, body.act("reassign"), key)

    @router.post("/api/v1/requests/{name}/lock", response_class=Response, responses=ANSWERS)
    async def lock(request: Request, name: str, body: Change, key: Key = "") -> Any:
        """Keep this resource for this request: nothing is suggested that would change it."""
        return await done(request, name, body.act("lock"), key)

    @router.post("/api/v1/requests/{name}/unlock", response_class=Response, responses=ANSWERS)
    async def unlock(request: Request, name: str, body: Change, key: Key = "") -> Any:
        """End the lock."""
        return await done(request, name, body.act("unlock"), key)


def _steps(router: APIRouter, done: Any) -> None:
    @router.post("/api/v1/requests/{name}/start", response_class=Response, responses=ANSWERS)
    async def start(request: Request, name: str, body: Change, key: Key = "") -> Any:
        """It is on its way. Happens by itself when the resource leaves where it stood."""
        return await done(request, name, body.act("start"), key)

    @router.post("/api/v1/requests/{name}/arrive", response_class=Response, responses=ANSWERS)
    async def arrive(request: Request, name: str, body: Change, key: Key = "") -> Any:
        """It is there. Happens by itself when the resource comes near the place."""
        return await done(request, name, body.act("arrive"), key)

    @router.post("/api/v1/requests/{name}/finish", response_class=Response, responses=ANSWERS)
    async def finish(request: Request, name: str, body: Change, key: Key = "") -> Any:
        """Done; the resource is free again."""
        return await done(request, name, body.act("finish"), key)

    @router.post("/api/v1/requests/{name}/cancel", response_class=Response, responses=ANSWERS)
    async def cancel(request: Request, name: str, body: Change, key: Key = "") -> Any:
        """It is not needed any more. Who filed it may do this until somebody is on the way."""
        return await done(request, name, body.act("cancel"), key)

    @router.post("/api/v1/requests/{name}/rate", response_class=Response, responses=ANSWERS)
    async def rate(request: Request, name: str, body: Rate, key: Key = "") -> Any:
        """Rate how it was served, once, by who filed it."""
        return await done(request, name, body.act("rate"), key)
