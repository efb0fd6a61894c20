"""Changes as they happen, by server-sent events."""

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.types import Receive, Scope, Send

from cloud.api.answers import ApiError, error_answer
from cloud.api.gate import principal_of
from cloud.api.services import Services
from cloud.api.stream_of_sites import OnlyOf
from cloud.live.client import Client
from cloud.live.frames import GZIP_HEAD
from cloud.live.stream import Stream, TooManyClients

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

PACKED = [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]

EXAMPLE = (
    "id: e1b2c3d4.381\nevent: snapshot\n"
    'data: {"reason":"start","cursor":"e1b2c3d4.381","as_of":1790000000500,"entities":[]}\n\n'
    "id: e1b2c3d4.382\nevent: delta\n"
    'data: {"cursor":"e1b2c3d4.382","as_of":1790000000900,"changes":[{"id":"east-compound/b3-main","rev":13,'
    '"set":{"observed_at":1790000000800},"points":{}}]}\n\n'
    'event: hb\ndata: {"cursor":"e1b2c3d4.382","as_of":1790000001500}\n\n'
)


class LiveAnswer(Response):
    """Sends frames until the client, its rights or the collector go away."""

    media_type = "text/event-stream"

    def __init__(
        self,
        stream: Stream,
        since: str | None,
        *,
        credential: str,
        owner: str,
        packed: bool,
        sites: frozenset[str] | None = None,
    ) -> None:
        super().__init__()
        self._only = OnlyOf(sites) if sites is not None else None
        self._stream, self._since, self._credential, self._owner = stream, since, credential, owner
        self._packed = packed and sites is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._stream.join(
                self._since, credential=self._credential, owner=self._owner, packed=self._packed
            ) as client:
                await self._serve(client, receive, send)
        except TooManyClients as error:
            refusal = ApiError(503, "too_many_pages", str(error), "close some pages", {"Retry-After": "5"})
            await error_answer(refusal)(scope, receive, send)

    async def _serve(self, client: Client, receive: Receive, send: Send) -> None:
        headers = HEADERS + PACKED if client.packed else HEADERS
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if client.packed:
            await send({"type": "http.response.body", "body": GZIP_HEAD, "more_body": True})
        async with asyncio.TaskGroup() as tasks:
            watcher = tasks.create_task(_watch(client, receive), name="stream disconnect")
            try:
                while (chunk := await self._stream.take(client)) is not None:
                    told = chunk if self._only is None else self._only.taken(chunk)
                    if told:
                        await send({"type": "http.response.body", "body": told, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            except OSError:
                pass  # the client went away while we were sending
            finally:
                watcher.cancel()


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip and does not refuse it."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.replace(" ", "").partition(";")
        if coding == "gzip":
            return not re.fullmatch(r"q=0(\.0*)?", weight)
    return False


async def _watch(client: Client, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.closed = True
    client.ready.set()


def routes(services: Services) -> APIRouter:
    """``/api/v1/stream``."""
    router = APIRouter(tags=["live"])

    @router.get(
        "/api/v1/stream",
        response_class=Response,
        responses={
            200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}}},
            503: {"description": "Too many pages listen"},
        },
    )
    async def stream(
        request: Request,
        since: Annotated[str | None, Query(max_length=64, description="cursor to go on from")] = None,
        last_event_id: Annotated[str | None, Header(max_length=64)] = None,
        accept_encoding: Annotated[str, Header(max_length=256, include_in_schema=False)] = "",
    ) -> Response:
        """Server-sent events: `snapshot`, then `delta`, `alarm`, and `hb` every second.

        Goes on from `Last-Event-ID` or `since`. A cursor of another run gets a snapshot with reason `epoch`, one too
        old `gap`; a client that cannot follow gets `slow`. With `Accept-Encoding: gzip` it is compressed.
        """
        principal = principal_of(request)
        return LiveAnswer(
            services.stream,
            last_event_id or since,
            credential=principal.credential,
            owner=principal.name,
            packed=_takes_gzip(accept_encoding),
            sites=principal.sites(),
        )

    return router
