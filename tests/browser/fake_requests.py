"""The routes of requests, figures, bookings and passes. Scripted, beside ``fake_api``."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.dispatch_compound import drawn
from tests.browser.fake_api import FakeApi
from tests.browser.request_compound import figures, request, requests, rooms_use, sent, suggestion

AFTER = {"acknowledge": "waiting", "approve": "waiting", "refuse": "refused", "assign": "assigned",
         "start": "under_way", "arrive": "arrived", "finish": "done", "cancel": "cancelled"}  # fmt: skip


class FakeRequests:
    """Requests that change as the collector's do. ``posted``: path, key and body of every change, in order.

    A test sets ``refusal`` (status, code, message) for the next change, ``overtake`` for a change of somebody else that
    comes before the next one, ``nobody`` for an empty suggestion, ``owner`` for who filed them all and ``owners`` for
    who filed one. ``old`` are those that only a search finds; ``searched`` what was looked for, ``lists`` how often a
    page asked for its own; ``guessed`` what somebody asked what-if about, ``no_guess`` a refusal of that.
    """

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.posted: list[tuple[str, str, dict[str, Any]]] = []
        self.refusal: tuple[int, str, str] | None = None
        self.overtake: dict[str, Any] | None = None
        self.nobody = False
        self.owner = "administrator"
        self.figures: dict[str, Any] | None = None
        self.history: list[dict[str, Any]] = []
        self.owners: dict[str, str] = {}
        self.old: list[dict[str, Any]] = []
        self.searched: list[dict[str, str]] = []
        self.lists = 0
        self.guessed: list[dict[str, Any]] = []
        self.no_guess: tuple[int, str, str] | None = None
        api.put(*requests(api.clock.now_ms()))
        api.more += self.routes()

    def routes(self) -> list[Route]:
        """Mounted beside those of ``FakeApi``."""
        return [
            Route("/api/v1/requests", self.file, methods=["POST"]),
            Route("/api/v1/requests", self.listed),
            Route("/api/v1/requests/form", self.form),
            Route("/api/v1/requests/search", self.search),
            Route("/api/v1/requests/what-if", self.what_if, methods=["POST"]),
            Route("/api/v1/requests/{id}", self.one),
            Route("/api/v1/requests/{id}/suggestion", self.suggestion),
            Route("/api/v1/requests/{id}/{action}", self.act, methods=["POST"]),
            Route("/api/v1/dispatch/figures", self.figured),
            Route("/api/v1/rooms/use", self.rooms),
            Route("/api/v1/bookings", self.made, methods=["POST"]),
            Route("/api/v1/passes", self.made, methods=["POST"]),
        ]

    async def _said(self, asked: Request) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(await asked.body() or b"{}")
        self.posted.append((asked.url.path, asked.headers.get("idempotency-key", ""), body))
        return body

    def _refused(self) -> Response | None:
        if self.refusal is None:
            return None
        status, code, message = self.refusal
        self.refusal = None
        return JSONResponse({"error": {"code": code, "message": message, "hint": ""}}, status)

    def _whole(self, name: str) -> dict[str, Any]:
        attributes: dict[str, Any] = self.api.entities[name]["attributes"]
        return attributes | {"site": SITE, "created_by": self.owners.get(name, self.owner)}

    async def file(self, ask: Request) -> Response:
        """A new request: it appears in the stream as well."""
        body = await self._said(ask)
        if (no := self._refused()) is not None:
            return no
        now = self.api.clock.now_ms()
        facts = {key: body[key] for key in ("kind", "title", "from", "to", "passengers", "emergency") if body.get(key)}
        made = request(99, now, **facts | {"tier": body.get("tier") or "real_time", "rev": 1, "status": "new"})
        self.api.appear(made)
        return JSONResponse({"request": self._whole(made["id"])}, 201)

    def _own(self, ask: Request) -> list[dict[str, Any]]:
        """What who asks may see."""
        name = self.api.sessions[ask.cookies["dayuan_session"]]
        every = [self._whole(each["id"]) for each in self.api.entities.values() if each["kind"] == "request"]
        sees_all = self.api.users[name]["role"] != "requester"
        return [each for each in [*every, *self.old] if sees_all or each["created_by"] == name]

    async def listed(self, ask: Request) -> Response:
        """Open ones and those that ended lately."""
        self.lists += 1
        old = [each["id"] for each in self.old]
        found = [each for each in self._own(ask) if each["id"] not in old]
        return JSONResponse({"as_of": self.api.clock.now_ms(), "requests": found})

    async def form(self, ask: Request) -> Response:
        """Sites, and of one of them places and units."""
        sites = [{name: each[name] for name in ("id", "name", "time_zone")} for each in self.api.sites]
        answer: dict[str, Any] = {"as_of": self.api.clock.now_ms(), "sites": sites}
        if site := ask.query_params.get("site"):
            shown = [each for each in drawn()["features"] if each["properties"]["kind"] not in ("fence", "checkpoint")]
            answer |= {"site": site, "units": ["区府办"], "map": {"type": "FeatureCollection", "features": shown}}
        return JSONResponse(answer)

    async def search(self, ask: Request) -> Response:
        """Pages of what holds every word, the newest first."""
        if (no := self._refused()) is not None:
            return no
        query = dict(ask.query_params)
        self.searched.append(query)
        words = query.get("q", "").lower().split()
        found = [
            each
            for each in self._own(ask)
            if query.get("kind") in (None, each["kind"])
            and int(query.get("from", 0)) <= each["created_at"] < int(query.get("to", 10**15))
            and all(
                word in f"{each['number']} {each['title']} {each['requester']} {each['from']}".lower() for word in words
            )
        ]
        found.sort(key=lambda each: -each["created_at"])
        start, limit = int(query.get("next", 0)), int(query["limit"])
        following = str(start + limit) if len(found) > start + limit else None
        page = found[start : start + limit]
        return JSONResponse({"as_of": self.api.clock.now_ms(), "requests": page, "next": following})

    async def what_if(self, ask: Request) -> Response:
        """When somebody would come, and who would wait for it; a requester learns no names."""
        body: dict[str, Any] = json.loads(await ask.body())
        self.guessed.append(body)
        if self.no_guess is not None:
            status, code, message = self.no_guess
            return JSONResponse({"error": {"code": code, "message": message, "hint": ""}}, status)
        now = self.api.clock.now_ms()
        found: dict[str, Any] = {"as_of": now, "resource": None, "name": "", "arrival_at": now + 420_000}
        found |= {"eta_s": 420.0, "late_s": 0.0, "suggestion": None, "knock_on": []}
        name = self.api.sessions[ask.cookies["dayuan_session"]]
        if self.nobody:
            why = {"en": "Nobody can serve it now", "zh": "目前无可用资源"}
            found |= {"arrival_at": None, "eta_s": None, "late_s": None, "suggestion": {"why": why}}
        elif self.api.users[name]["role"] != "requester":
            first = {"request": "20261121-003", "entity": f"{SITE}/request:20261121-003", "delay_s": 240.0}
            other = {"request": "20261121-004", "entity": f"{SITE}/request:20261121-004", "delay_s": None}
            found |= {"resource": f"{SITE}/vehicle:car-00", "name": "浙A·3M902", "late_s": 130.0}
            found["knock_on"] = [
                other | {"before": {"resource": "x", "eta_s": 60.0}, "after": {"resource": None, "eta_s": None}},
                first | {"before": {"resource": "x", "eta_s": 60.0}, "after": {"resource": "y", "eta_s": 300.0}},
            ]
        return JSONResponse(found)

    async def one(self, ask: Request) -> Response:
        """With who did what, when and why."""
        name = _entity(ask.path_params["id"])
        now = self.api.clock.now_ms()
        found = [each for each in self._own(ask) if _entity(each["id"]) == name]
        if not found:
            error = {"code": "not_found", "message": f"there is no request {name!r}", "hint": ""}
            return JSONResponse({"error": error}, 404)
        history = [
            {"at": now - 60_000, "by": "wang", "action": "file", "reason": "", "before": {},
             "after": {"status": "new"}},
            {"at": now - 50_000, "by": "zhou", "action": "acknowledge", "reason": "by telephone",
             "before": {"status": "new"}, "after": {"status": "waiting"}},
            *self.history,
        ]  # fmt: skip
        return JSONResponse({"request": found[0], "history": history})

    async def suggestion(self, ask: Request) -> Response:
        """Who would go."""
        entity = self.api.entities[_entity(ask.path_params["id"])]
        found = suggestion(entity, self.api.clock.now_ms())
        if self.nobody:
            why = {"en": "Nobody can serve it now; most often: out of service", "zh": "目前无可用资源，主要原因：停用"}
            found |= {"suggested": None, "candidates": [], "candidates_n": 0, "why": why}
        return JSONResponse(found)

    async def act(self, ask: Request) -> Response:
        """A change, on the rev it stands on."""
        body = await self._said(ask)
        name, action = _entity(ask.path_params["id"]), ask.path_params["action"]
        facts = self.api.entities[name]["attributes"]
        now = self.api.clock.now_ms()
        if self.overtake is not None:
            facts.update(self.overtake, rev=facts["rev"] + 1)
            self.overtake = None
        if (no := self._refused()) is not None:
            return no
        if body.get("rev") != facts["rev"]:
            error = {"code": "conflict", "message": "changed by somebody else", "hint": "look again"}
            return JSONResponse({"error": error}, 409, {"X-Current-Rev": str(facts["rev"])})
        change: dict[str, Any] = {"rev": facts["rev"] + 1, "status": AFTER.get(action, facts["status"])}
        if action in ("assign", "reassign"):
            local = body["resource"].split(":")[-1]
            plate = self.api.entities[body["resource"]]["name"]
            change["assigned"] = sent(local, plate, now, by="administrator", reason=body.get("reason", ""))
            change["actions"] = ["reassign", "lock", "start", "arrive", "finish", "cancel"]
        if action == "rate":
            change["rating"] = {"stars": body["stars"], "text": body.get("text", ""), "at": now}
        self.history.append({"at": now, "by": "administrator", "action": action, "reason": body.get("reason", ""),
                             "before": {"status": facts["status"]}, "after": {"status": change["status"]}})  # fmt: skip
        self.api.change(name, attributes=change)
        return JSONResponse({"request": self._whole(name)})

    async def figured(self, ask: Request) -> Response:
        """Figures of any period."""
        found = figures(int(ask.query_params["from"]), int(ask.query_params["to"]))
        return JSONResponse(self.figures or found)

    async def rooms(self, ask: Request) -> Response:
        """Use of rooms."""
        return JSONResponse(rooms_use(int(ask.query_params["from"]), int(ask.query_params["to"])))

    async def made(self, ask: Request) -> Response:
        """A booking or a pass."""
        await self._said(ask)
        return self._refused() or JSONResponse({"bookings": [], "pass": {}}, 201)


def _entity(name: str) -> str:
    return name.replace(".", "/request:", 1)
