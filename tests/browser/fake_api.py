"""The collector's API as far as the pages use it, scripted: deterministic, in the test's own loop, cut off at will."""

import asyncio
import json
import math
import secrets
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud.registry.roles import RIGHTS, Role
from protocols.clock import Clock
from tests.browser.compound import SITE, Entity
from tests.browser.served_files import file_at, guarded, is_file

HEARTBEAT_S = 1.0
OF_REQUESTERS = ("/api/v1/requests", "/api/v1/session", "/api/v1/password")


class FakeApi:
    """State, users and faults of one pretend collector."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.entities: dict[str, Entity] = {}
        self.alarms: list[dict[str, Any]] = []
        self.sites = [{"id": SITE, "name": "East compound", "time_zone": "Asia/Shanghai", "gateways": 2, "devices": 76}]
        self.users = {
            "administrator": {
                "password": "correct horse battery",
                "role": "administrator",
                "must_change_password": False,
            }
        }
        self.sessions: dict[str, str] = {}
        self.epoch, self.seq = "e1", 1
        self.down = False
        self.silent = False
        self.busy = False
        """The stream is taken, but nothing is answered to it yet."""
        self.streams = 0
        self.stream_requests: list[str] = []
        self.requests: list[str] = []
        self.readings_gap: tuple[int, int] | None = None
        self.next_reason = "start"
        self.more: list[Route] = []
        """Routes of other parts, added before the application is built."""
        self._queues: set[asyncio.Queue[tuple[str, dict[str, Any]] | None]] = set()

    # --- what a test does ---

    @property
    def cursor(self) -> str:
        return f"{self.epoch}.{self.seq}"

    def put(self, *entities: Entity) -> None:
        """Set entities before anybody looks."""
        for one in entities:
            self.entities[one["id"]] = one

    def change(
        self,
        name: str,
        *,
        points: dict[str, Any] | None = None,
        attributes: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Change an entity and tell every stream."""
        one = self.entities[name]
        one["rev"] += 1
        one.update(fields)
        one["attributes"].update(attributes or {})
        one["points"].update(points or {})
        self._delta(
            {"id": name, "rev": one["rev"], "set": fields, "attributes": attributes or {}, "points": points or {}}
        )

    def appear(self, entity: Entity) -> None:
        """A new entity."""
        self.entities[entity["id"]] = entity
        whole = {key: value for key, value in entity.items() if key not in ("id", "rev", "attributes", "points")}
        self._delta(
            {
                "id": entity["id"],
                "rev": entity["rev"],
                "set": whole,
                "attributes": entity["attributes"],
                "points": entity["points"],
            }
        )

    def vanish(self, name: str) -> None:
        """An entity is no more."""
        del self.entities[name]
        self._delta({"id": name, "deleted": True})

    def raise_alarm(self, alarm: dict[str, Any]) -> None:
        """An alarm begins, changes or ends."""
        self.alarms = [one for one in self.alarms if one["id"] != alarm["id"]] + [alarm]
        self._tell("alarm", alarm)

    def cut(self) -> None:
        """Every stream breaks, nothing is answered any more."""
        self.down = True
        self._end_streams()

    def restore(self, *, reason: str = "gap") -> None:
        """Answers again; the next stream starts with a snapshot for ``reason``."""
        self.down = False
        self.seq += 1
        self.next_reason = reason

    def restart(self) -> None:
        """The collector starts anew: another epoch."""
        self.epoch, self.seq, self.next_reason = f"e{secrets.token_hex(2)}", 1, "epoch"
        self._end_streams()

    def sign_everybody_out(self) -> None:
        """All sessions end."""
        self.sessions.clear()
        self._end_streams()

    # --- what the pages ask ---

    def begin_session(self, name: str) -> str:
        """A session without the login page; its cookie."""
        token = secrets.token_urlsafe(16)
        self.sessions[token] = name
        return token

    def _delta(self, change: dict[str, Any]) -> None:
        self.seq += 1
        self._tell("delta", {"cursor": self.cursor, "as_of": self.clock.now_ms(), "changes": [change]})

    def _tell(self, event: str, body: dict[str, Any]) -> None:
        for queue in self._queues:
            queue.put_nowait((event, body))

    def _end_streams(self) -> None:
        for queue in self._queues:
            queue.put_nowait(None)

    async def stream(self, request: Request) -> Response:
        """The stream: a snapshot unless the client is up to date, then what happens."""
        since = request.headers.get("last-event-id", "")
        self.stream_requests.append(since)
        while self.busy:
            await self.clock.sleep(0.05)
        return StreamingResponse(
            self._events(since), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _events(self, since: str) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[tuple[str, dict[str, Any]] | None] = asyncio.Queue(10_000)
        self._queues.add(queue)
        self.streams += 1
        try:
            if since != self.cursor:
                body = {
                    "reason": self.next_reason,
                    "cursor": self.cursor,
                    "as_of": self.clock.now_ms(),
                    "entities": list(self.entities.values()),
                }
                yield _sse("snapshot", body, self.cursor)
            while True:
                try:
                    got = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    if self.silent:
                        continue
                    got = ("hb", {"cursor": self.cursor, "as_of": self.clock.now_ms()})
                if got is None:
                    return
                if not self.silent:
                    yield _sse(got[0], got[1], self.cursor)
        finally:
            self._queues.discard(queue)
            self.streams -= 1

    async def sign_in(self, request: Request) -> Response:
        """POST /session."""
        said = await request.json()
        user = self.users.get(said["name"])
        if said["password"] == "many":
            return JSONResponse(
                {"error": {"code": "too_many_tries", "message": "", "hint": ""}}, 429, {"Retry-After": "42"}
            )
        if user is None or user["password"] != said["password"]:
            return _failure(401, "wrong_credentials", "Name or password is wrong.")
        token = self.begin_session(said["name"])
        response = JSONResponse({"user": self.user(said["name"])})
        response.set_cookie("dayuan_session", token, httponly=True, samesite="strict")
        return response

    def user(self, name: str) -> dict[str, Any]:
        """A user as the API shows one."""
        return {
            "name": name,
            "role": self.users[name]["role"],
            "must_change_password": self.users[name]["must_change_password"],
            "needs_second_factor": False,
            "rights": dict.fromkeys(RIGHTS[Role(self.users[name]["role"])]),
        }

    async def session(self, request: Request) -> Response:
        """GET and DELETE /session."""
        token = request.cookies.get("dayuan_session", "")
        if request.method == "DELETE":
            self.sessions.pop(token, None)
            return Response(status_code=204)
        return JSONResponse({"user": self.user(self.sessions[token])})

    async def password(self, request: Request) -> Response:
        """POST /password."""
        said = await request.json()
        user = self.users[self.sessions[request.cookies["dayuan_session"]]]
        if user["password"] != said["old"]:
            return _failure(422, "wrong_password", "The present password is not right.")
        if len(said["new"]) < 12:
            return _failure(422, "weak_password", "At least 12 characters.")
        if said["new"] == "password12345":
            return _failure(422, "weak_password", "It is on the list of common passwords.")
        user |= {"password": said["new"], "must_change_password": False}
        return Response(status_code=204)

    async def readings(self, request: Request) -> Response:
        """Readings every ten seconds, a slow wave, with a hole where the test wants one."""
        ask = request.query_params
        start, end, step = int(ask["from"]), int(ask["to"]), ask.get("step", "raw")
        device = self.entities[f"{ask['site']}/{ask['device']}"]
        now = device["points"].get(ask["point"], {"value": 1.0, "unit": ""})
        level = now["value"] or 1.0
        width = {"raw": 10_000, "15m": 900_000, "1h": 3_600_000, "1d": 86_400_000}[step]
        times = [
            at
            for at in range(start - start % width + width, min(end, self.clock.now_ms()), width)
            if not self._in_gap(at)
        ]
        values = [round(level * (1 + 0.04 * math.sin(at / 4e5) + 0.01 * math.sin(at / 3.1e4)), 3) for at in times]
        if step == "raw":
            columns = ["at", "value", "quality", "reason", "gateway", "epoch", "seq", "received_at"]
            rows: list[list[Any]] = [
                [at, value, "good", "", device["gateway"], "5b1e9c04", at // width % 100_000, at + 640]
                for at, value in zip(times, values, strict=True)
            ]
            if len(rows) > 6 and device["device"] == "meter-08":
                rows[-2][1:4] = [None, "bad", "sentinel"]
                rows[-4][2:4] = ["uncertain", "estimated"]
        else:
            columns = ["at", "min", "max", "mean", "last", "count", "coverage"]
            rows = [[at, v * 0.98, v * 1.03, v, v, 90, 0.994] for at, v in zip(times, values, strict=True)]
        if ask.get("format") == "csv":
            return PlainTextResponse(
                "\n".join([",".join(columns)] + [",".join(map(str, row)) for row in rows]), media_type="text/csv"
            )
        return JSONResponse({"series": {"unit": now["unit"]}, "columns": columns, "rows": rows, "next": None})

    def _in_gap(self, at: int) -> bool:
        return self.readings_gap is not None and self.readings_gap[0] <= at < self.readings_gap[1]

    async def events(self, request: Request) -> Response:
        """Eight events of one device, or the last of every device; the newest first."""
        name = request.query_params.get("device")
        chosen = [
            one
            for one in self.entities.values()
            if one["attributes"].get("last_event") and name in (None, one["device"])
        ]
        rows = [self._event_row(one, i) for one in chosen for i in range(8 if name else 1)]
        columns = ["at", "site", "device", "kind", "data", "gateway", "epoch", "seq", "received_at"]
        rows.sort(key=lambda row: -row[0])
        return JSONResponse({"columns": columns, "rows": rows[: int(request.query_params["limit"])], "next": None})

    def _event_row(self, one: Entity, back: int) -> list[Any]:
        last = one["attributes"]["last_event"]
        at = last["at"] - back * 61_000
        return [
            at,
            one["site"],
            one["device"],
            last["kind"],
            last["data"],
            one["gateway"],
            "5b1e9c04",
            900 - back,
            at + 90,
        ]

    async def gateway(self, request: Request) -> Response:
        """One gateway with what is stored of it."""
        one = self.entities[f"{request.path_params['site']}/@{request.path_params['gateway']}"]
        return JSONResponse({**one["attributes"], "ranges": {"5b1e9c04": [[1, 18211]]},
                             "fences": [], "refused_readings": self.refused_readings()})  # fmt: skip

    def refused_readings(self) -> dict[str, Any]:
        """Readings that were refused, with the reason."""
        now = self.clock.now_ms()
        columns = ["received_at", "epoch", "seq", "device", "point", "at", "value", "reason"]
        return {
            "columns": columns,
            "rows": [
                [now - 60_000 * i, "5b1e9c04", 40 + i, "car-03", "speed_kmh", 86_400_000 + i, "41.5", "clock"]
                for i in range(1, 4)
            ],
        }

    async def unfence(self, request: Request) -> Response:
        """POST unfence."""
        self.change(f"{request.path_params['site']}/@{request.path_params['gateway']}", attributes={"fenced": False})
        return Response(status_code=204)

    async def guard(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Faults, sessions and headers, for every route."""
        path = request.url.path
        self.requests.append(path)
        if self.down:
            return _failure(503, "down", "")
        if path.startswith("/api/") and not (path == "/api/v1/session" and request.method == "POST"):
            name = self.sessions.get(request.cookies.get("dayuan_session", ""))
            if name is None:
                return _failure(401, "signed_out", "Sign in first.")
            if self.users[name]["must_change_password"] and path not in ("/api/v1/session", "/api/v1/password"):
                return _failure(403, "must_change_password", "Change the password first.")
            if self.users[name]["role"] == "requester" and not path.startswith(OF_REQUESTERS):
                return _failure(403, "not_allowed", "only a viewer may do this")
        return guarded(await call_next(request))

    def app(self) -> ASGIApp:
        """The pages' files, and the routes behind the guard."""
        routes = self._routes()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if self.down or not is_file(path):
                return await routes(scope, receive, send)
            self.requests.append(path)
            return await file_at(path, Request(scope))(scope, receive, send)

        return app

    def _routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/v1/session", self.sign_in, methods=["POST"]),
                Route("/api/v1/session", self.session, methods=["GET", "DELETE"]),
                Route("/api/v1/password", self.password, methods=["POST"]),
                Route("/api/v1/stream", self.stream),
                Route("/api/v1/sites", lambda _: JSONResponse({"sites": self.sites})),
                Route("/api/v1/alarms", lambda _: JSONResponse({"alarms": self.alarms})),
                Route("/api/v1/readings", self.readings),
                Route("/api/v1/events", self.events),
                Route("/api/v1/gateways/{site}/{gateway}", self.gateway),
                Route("/api/v1/gateways/{site}/{gateway}/unfence", self.unfence, methods=["POST"]),
                *self.more,
                Route("/api/v1/gateways/{site}/{gateway}/config", lambda _: JSONResponse({"now": None})),
            ],
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=self.guard)],
        )


def _failure(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "hint": ""}}, status)


def _sse(event: str, body: dict[str, Any], cursor: str) -> bytes:
    return f"event: {event}\nid: {cursor}\ndata: {json.dumps(body)}\n\n".encode()


class Served:
    """A FakeApi behind a port of its own, in the running loop."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        config = uvicorn.Config(
            api.app(), host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Served":
        self._task = asyncio.create_task(self._server.serve(), name="fake-api")
        while not self._server.started:
            await asyncio.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.api.cut()
        self._server.should_exit = True
        assert self._task is not None
        await self._task
