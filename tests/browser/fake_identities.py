"""The routes of identities and approvals, as the page Settings asks them. Scripted, beside ``fake_api``."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi

AT = 1_790_000_000_000
DAY_MS = 86_400_000


def identity(gateway: str, state: str, **more: Any) -> dict[str, Any]:
    """One as the API shows it."""
    row = {"site": SITE, "gateway": gateway, "state": state, "enrolled_at": AT, "issued_at": AT, "certificates": 1}
    blank = dict.fromkeys(("expires_at", "revoked_at", "code_until"))
    return {**row, **blank, "reason": "", **more}


def approval(number: str, state: str, *, mine: bool, **more: Any) -> dict[str, Any]:
    """One as the API shows it."""
    order = {"device": "gate-north", "point": "relay_1", "action": "pulse", "value": 3.0, "lasts_s": 30.0}
    row = {"id": number * 32, "site": SITE, "gateway": "gw-01", **order, "reason": "delivery", "asked_by": "li.fang"}
    ends = {"asked_at": AT, "until": AT + 300_000, "decided_by": "", "decided_at": None, "opinion": ""}
    return {**row, **ends, "state": state, "mine": mine, **more}


class FakeIdentities:
    """What there is; a test reads ``asked`` (method, path, query) and sets ``refusal`` for the next change."""

    def __init__(self, api: FakeApi) -> None:
        self.identities = [
            identity("gw-01", "enrolled", expires_at=AT + 300 * DAY_MS),
            identity("gw-02", "ending", expires_at=AT + 60 * DAY_MS),
            identity("gw-03", "revoked", revoked_at=AT - DAY_MS, reason="box stolen"),
            identity("gw-04", "invited", code_until=AT + 3_600_000),
        ]
        self.approvals = [
            approval("a", "waiting", mine=False),
            approval("b", "waiting", mine=True),
            approval("c", "rejected", mine=False, decided_by="wei", opinion="not today"),
        ]
        self.asked: list[tuple[str, str]] = []
        self.refusal: tuple[int, str, str] | None = None
        api.more += [
            Route("/api/v1/identities", lambda _: JSONResponse({"identities": self.identities})),
            Route("/api/v1/identities/{site}/{gateway}/{deed}", self.change, methods=["POST"]),
            Route("/api/v1/approvals", lambda _: JSONResponse({"approvals": self.approvals})),
            Route("/api/v1/approvals/{number}/{deed}", self.decide, methods=["POST"]),
        ]

    async def change(self, request: Request) -> Response:
        """A code is made, or a gateway revoked."""
        self.asked.append((request.url.path, request.url.query))
        gateway = request.path_params["gateway"]
        if request.path_params["deed"] == "code":
            return JSONResponse({"code": "K7QFD-3NM2P-9XW4R-2XV4A", "expires_at": AT + 3_600_000}, 201)
        for row in self.identities:
            if row["gateway"] == gateway:
                row |= {"state": "revoked", "revoked_at": AT, "reason": request.query_params["reason"]}
        return JSONResponse({"revoked": True})

    async def decide(self, request: Request) -> Response:
        """Somebody decides."""
        self.asked.append((request.url.path, request.url.query))
        if self.refusal is not None:
            status, code, message = self.refusal
            self.refusal = None
            return JSONResponse({"error": {"code": code, "message": message, "hint": ""}}, status)
        state = {"approve": "approved", "reject": "rejected"}[request.path_params["deed"]]
        for row in self.approvals:
            if row["id"] == request.path_params["number"]:
                row |= {"state": state, "decided_by": "administrator"}
        return JSONResponse({})
