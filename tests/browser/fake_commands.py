"""The routes of commands and of approvals as the device's panel and the header ask them. Scripted."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi

GATE = f"{SITE}/door-01"
RELAY: dict[str, Any] = {"point": "relay_1", "actions": ["pulse"], "unit": "", "least": 1.0, "most": 5.0}
LAMP: dict[str, Any] = {"point": "relay_2", "actions": ["on", "off"], "unit": "", "least": None, "most": None}


class FakeCommands:
    """What was given; a test reads ``given`` and ``asked`` and says ``answer``, ``decide``, ``refusal``."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.given: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.refusal: tuple[int, str, str] | None = None
        free = {"second_person": False, "rate": 0, "rate_s": 0.0}
        api.entities[GATE]["attributes"]["remote"] = [
            {**LAMP, **free},
            {**RELAY, "second_person": True, "rate": 3, "rate_s": 600.0},
        ]
        api.more += [
            Route("/api/v1/commands", lambda _: JSONResponse({"commands": self.given})),
            Route("/api/v1/commands", self.give, methods=["POST"]),
            Route("/api/v1/approvals", lambda _: JSONResponse({"approvals": self.asked})),
            Route("/api/v1/approvals", self.ask, methods=["POST"]),
        ]

    async def give(self, request: Request) -> Response:
        """Somebody gives one."""
        if self.refusal is not None:
            status, code, message = self.refusal
            return JSONResponse({"error": {"code": code, "message": message, "hint": ""}}, status)
        now = self.api.clock.now_ms()
        more = {"by": "administrator", "approved_by": "", "issued_at": now, "state": "sent", "detail": ""}
        self.given.insert(0, {**await request.json(), "id": f"{len(self.given):032x}", **more})
        return JSONResponse(self.given[0], 202)

    async def ask(self, request: Request) -> Response:
        """Somebody asks for one that needs two."""
        row = self.waits(mine=True, **await request.json())
        return JSONResponse(row, 202)

    def waits(self, *, mine: bool, **what: Any) -> dict[str, Any]:
        """One waits from now on, and the stream says so."""
        now, number = self.api.clock.now_ms(), f"{len(self.asked) + 100:032x}"
        order = {"site": SITE, "gateway": "gate-house", "device": "door-01", "point": "relay_1", "action": "pulse"}
        ends = {"decided_by": "", "decided_at": None, "opinion": "", "state": "waiting", "mine": mine}
        who = {"asked_by": "administrator" if mine else "li.fang", "asked_at": now, "until": now + 300_000}
        row = {"id": number, **order, "value": 3.0, "reason": "delivery", **what, **who, **ends}
        self.asked.insert(0, row)
        self._notice(row, active=True)
        return row

    def decide(self, row: dict[str, Any], state: str) -> None:
        """It is over, and the stream says so."""
        row |= {"state": state, "decided_by": "wei"}
        self._notice(row, active=False)

    def answer(self, state: str, detail: str = "") -> None:
        """The gateway tells what became of the newest."""
        self.given[0] |= {"state": state, "detail": detail}
        event = {"kind": "command_result", "at": self.api.clock.now_ms(), "data": {"id": self.given[0]["id"]}}
        self.api.change(GATE, attributes={"last_event": event})

    def _notice(self, row: dict[str, Any], *, active: bool) -> None:
        text = "A command waits for a second person"
        self.api.raise_alarm(
            {
                "id": str(9000 + int(row["id"], 16)),
                "kind": "approval_waiting",
                "priority": 3,
                "source": f"{SITE}/approval:{row['id']}",
                "since": row["asked_at"],
                "args": {"device": row["device"]},
                "text": {"en": text, "zh": "一条指令等待第二人批准"},
                "title": {"en": text, "zh": "指令等待第二人批准"},
                "active": active,
                "state": "unacknowledged" if active else "normal",
                "name": row["device"],
                "rev": 1 if active else 2,
            }
        )
