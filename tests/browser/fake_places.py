"""The routes of bookings and passes. Scripted, beside ``fake_requests``."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.dispatch_compound import HOUR, MINUTE
from tests.browser.fake_api import FakeApi

TAKEN = "2号楼 301 is taken by 财务处 (预算) from 01-05 16:00 to 17:00"


class FakePlaces:
    """Two bookings of each room. ``posted``: path, key and body of every change. A test sets ``refusal`` (status, code,
    message) for the next change, ``overtake`` for a change of somebody else that comes before it."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.posted: list[tuple[str, str, dict[str, Any]]] = []
        self.refusal: tuple[int, str, str] | None = None
        self.overtake: dict[str, Any] | None = None
        now = api.clock.now_ms()
        self.bookings = {
            "b-1": booking("b-1", "组织部", now - 5 * MINUTE, now + 55 * MINUTE),
            "b-2": booking("b-2", "财务处", now + 3 * HOUR, now + 4 * HOUR),
        }
        api.more += self.routes()

    def routes(self) -> list[Route]:
        """Mounted beside those of ``FakeApi``."""
        return [
            Route("/api/v1/bookings", self.listed),
            Route("/api/v1/bookings/{id}/{action}", self.change_booking, methods=["POST"]),
            Route("/api/v1/passes/{id}/{action}", self.change_pass, methods=["POST"]),
        ]

    async def listed(self, ask: Request) -> Response:
        """Bookings that are not cancelled."""
        found = [each for each in self.bookings.values() if each["state"] != "cancelled"]
        return JSONResponse({"bookings": sorted(found, key=lambda each: each["from"])})

    async def change_booking(self, ask: Request) -> Response:
        """Cancelled, extended, signed in, on the rev it stands on."""
        body, action = await self._said(ask), ask.path_params["action"]
        one = self.bookings[ask.path_params["id"]]
        if (no := self._refused(one, body)) is not None:
            return no
        after = {"cancel": {"state": "cancelled"}, "sign-in": {"state": "signed_in"}}
        one |= after.get(action) or {"until": body["until"]}
        one["rev"] += 1
        return JSONResponse({"booking": one})

    async def change_pass(self, ask: Request) -> Response:
        """Arrived, left, cancelled."""
        body, action = await self._said(ask), ask.path_params["action"]
        entity = f"{SITE}/visitor:{ask.path_params['id']}"
        facts = self.api.entities[entity]["attributes"]
        if (no := self._refused(facts, body)) is not None:
            return no
        state = {"arrive": "arrived", "leave": "left", "cancel": "cancelled"}[action]
        self.api.change(entity, attributes={"state": state, "rev": facts["rev"] + 1})
        return JSONResponse({"pass": {}})

    async def _said(self, ask: Request) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(await ask.body())
        self.posted.append((ask.url.path, ask.headers.get("idempotency-key", ""), body))
        return body

    def _refused(self, one: dict[str, Any], body: dict[str, Any]) -> Response | None:
        if self.overtake is not None:
            one |= self.overtake | {"rev": one["rev"] + 1}
            self.overtake = None
        refusal = self.refusal
        if refusal is None and body["rev"] != one["rev"]:
            refusal = (409, "conflict", "the booking was changed by somebody else meanwhile")
        self.refusal = None
        if refusal is None:
            return None
        status, code, message = refusal
        error = {"code": code, "message": message, "hint": "free then: 2号楼 302" if code == "room_taken" else ""}
        return JSONResponse({"error": error}, status)


def booking(name: str, unit: str, start: int, end: int) -> dict[str, Any]:
    """A booking as the API shows one."""
    about = {"site": SITE, "room": "r-301", "unit": unit, "subject": "部门例会", "organiser": "李娜", "phone": "8012"}
    return {"id": name, **about, "people": 9, "from": start, "until": end, "state": "booked", "rev": 4}
