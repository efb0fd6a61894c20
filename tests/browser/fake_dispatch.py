"""The routes the page Dispatch asks: map, assets, timeline, tracks and the past. Scripted, beside ``fake_api``."""

import asyncio
import math
from copy import deepcopy
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.dispatch_compound import MINUTE, at_metres, drawn, things
from tests.browser.fake_api import FakeApi

DAY: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (0.1, "changed", {"state": "available", "place": "南停车场"}),
    (0.4, "changed", {"state": "on_trip"}),
    (0.4, "trip_started", {"from": "南停车场"}),
    (0.41, "fence_left", {"name": "院区"}),
    (0.5, "changed", {"place": "文晖路"}),
    (0.6, "changed", {"state": "stopped", "place": "市档案馆"}),
    (0.7, "changed", {"state": "available"}),
)
DAY_OF_DOOR: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (0.1, "whole", {"state": "closed"}),
    (0.4, "access_granted", {"card_key": "8823a2", "reason": "Always", "device": "gate"}),
    (0.4, "door_state", {"state": "open", "why": "decision", "who": "card 8823a2"}),
    (0.4, "door_opened", {"device": "gate"}),
    (0.41, "door_state", {"state": "closed", "why": ""}),
    (0.41, "door_closed", {"device": "gate"}),
    (0.5, "changed", {"state": "held"}),
    (0.5, "changed", {"state": "closed"}),
    (0.6, "device_lost", {"device": "gate"}),
    (0.7, "pass_made", {"by": "token simulators"}),
)
"""The collector was away and caught up: for a moment the door was shown as held, which it never was."""


class FakeDispatch:
    """A test changes ``map``, ``image``, ``earliest``, ``past_failure``, ``past_gate``. ``past_asked``: moments."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.map: dict[str, Any] = drawn()
        self.image = b""
        self.past_asked: list[int] = []
        self.past_failure = ""
        self.earliest = 0
        self.past_gate = asyncio.Event()
        self.past_gate.set()
        api.put(*things(api.clock.now_ms()))
        api.more += self.routes()

    def routes(self) -> list[Route]:
        """Mounted beside those of ``FakeApi``."""
        return [
            Route("/api/v1/map/{site}", self.site_map),
            Route("/api/v1/access/{site}/doors", lambda _: JSONResponse({"doors": [], "lists": []})),
            Route("/api/v1/access/{site}/carriers", lambda _: JSONResponse({"carriers": {}})),
            Route("/api/v1/map/{site}/floor-plan", self.picture),
            Route("/api/v1/tiles/{z}/{x}/{y}", self.picture),
            Route("/api/v1/assets/{site}/{kind}/{id}", self.asset),
            Route("/api/v1/timeline", self.timeline),
            Route("/api/v1/tracks", self.tracks),
            Route("/api/v1/past", self.past),
            Route("/api/v1/past/activity", self.activity),
        ]

    async def site_map(self, request: Request) -> Response:
        """The drawn map; without features when nobody drew one."""
        return JSONResponse(self.map)

    async def picture(self, request: Request) -> Response:
        """The floor plan, or a tile."""
        return Response(self.image, media_type="image/png")

    async def asset(self, request: Request) -> Response:
        """An asset with what is bound to it: car-03 has the phone of the same name."""
        name, kind = request.path_params["id"], request.path_params["kind"]
        bound = f"{SITE}/{name}" in self.api.entities and kind == "vehicle"
        bindings = [{"role": "position", "device": name}] if bound else []
        return JSONResponse({"site": SITE, "kind": kind, "id": name, "name": name, "facts": {}, "bindings": bindings})

    async def timeline(self, request: Request) -> Response:
        """The day of a thing: some states, some happenings. A door's is noted by three books."""
        ask = request.query_params
        start, end = int(ask["from"]), int(ask["to"])
        span = end - start
        entries = [
            {"at": start + int(span * share), "kind": kind, "facts": facts}
            for share, kind, facts in (DAY_OF_DOOR if "/door:" in ask["entity"] else DAY)
        ]
        return JSONResponse({"entity": ask["entity"], "from": start, "to": end, "entries": entries})

    async def tracks(self, request: Request) -> Response:
        """Fixes every 20 s of the last hour along a circle, with a silence of ten minutes."""
        end = int(request.query_params["to"])
        points = []
        for back in range(180, 0, -1):
            if 60 <= back < 90:
                continue
            latitude, longitude = at_metres(220 * math.cos(back / 20), 160 * math.sin(back / 20))
            points.append([end - back * 20_000, latitude, longitude, 6.0, 31.0, 0.0, "good", int(back < 60)])
        columns = ["at", "latitude", "longitude", "accuracy_m", "speed_kmh", "course_deg", "quality", "piece"]
        return JSONResponse({"columns": columns, "points": points, "left_out": [], "fixes": 150, "tolerance_m": 5.0})

    async def past(self, request: Request) -> Response:
        """The world of a moment: every vehicle a little further east the longer ago, one alarm of that time."""
        at = int(request.query_params["at"])
        self.past_asked.append(at)
        await self.past_gate.wait()
        if self.past_failure:
            return JSONResponse({"error": {"code": "no_past", "message": self.past_failure, "hint": ""}}, 404)
        ago = self.api.clock.now_ms() - at
        world = []
        for entity in deepcopy(list(self.api.entities.values())):
            if entity["observed_at"]:
                entity["observed_at"] = entity["received_at"] = at - 2000
            if entity["id"] == f"{SITE}/vehicle:car-00":
                entity["attributes"] |= {"state": "on_trip", "speed_kmh": 21, "place": f"{ago // MINUTE} min ago"}
            world.append(entity)
        text = {"en": "An alarm of that time.", "zh": "当时的告警。"}
        alarm = {
            "id": "then",
            "kind": "x",
            "priority": 1,
            "source": SITE,
            "since": at - MINUTE,
            "args": {},
            "text": text,
            "active": True,
        }
        return JSONResponse({"as_of": at, "earliest": self.earliest, "entities": world, "alarms": [alarm]})

    async def activity(self, request: Request) -> Response:
        """A day with a morning and an evening peak."""
        ask = request.query_params
        start, end, step = int(ask["from"]), int(ask["to"]), int(ask["step"])
        rows = [
            [at, int(30 + 28 * math.sin((at - start) / (end - start) * 12)), 2, int(at % 7_200_000 == 0)]
            for at in range(start, min(end, self.api.clock.now_ms()), step * 1000)
        ]
        columns = ["at", "changes", "notes", "alarms"]
        return JSONResponse({"from": start, "to": end, "step_s": step, "columns": columns, "rows": rows})
