"""The routes of a gateway's site file, scripted."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.fake_api import FakeApi

TEXT = '[gateway]\nsite = "east-compound"\nid = "b3-plant-room"\n\n[[device]]\nid = "meter-08"\nunit = 8\n'
DIFF = '--- revision 2\n+++ revision 3\n@@ -5,3 +5,3 @@\n [[device]]\n id = "meter-08"\n-unit = 7\n+unit = 8\n'


class FakeSiteFiles:
    """A gateway that confirmed one file and took another back. ``asked``: what was wanted, as (query, body)."""

    def __init__(self, api: FakeApi) -> None:
        self._now = api.clock.now_ms()
        self.asked: list[tuple[dict[str, str], str]] = []
        root = "/api/v1/gateways/{site}/{gateway}/config"
        api.more += [
            Route(root, self.config, methods=["GET"]),
            Route(root, self.want, methods=["POST"]),
            Route(root + "/dry-run", self.dry_run, methods=["POST"]),
            Route(root + "/{number}", lambda _: JSONResponse({**self._row(3, "applied"), "text": TEXT, "diff": DIFF})),
        ]

    def _row(self, number: int, state: str, **more: Any) -> dict[str, Any]:
        at = self._now - (10 - number) * 3_600_000
        row = {"revision": number, "origin": "collector", "sha256": f"{number}" * 64, "by": "li.fang"}
        said = {"why": "一块新电表", "made_at": at, "state": state, "key": "", "line": 0}
        blank = {"reason": "", "devices": "", "detail": "", "not_before": 0}
        return {**row, **said, **blank, "answered_at": at + 40_000, **more}

    async def config(self, _: Request) -> Response:
        rows = [
            self._row(4, "rolled_back", reason="devices_lost", devices="meter-08, meter-09", why="faster polling"),
            self._row(3, "applied"),
            self._row(
                2,
                "refused",
                reason="wrong",
                detail="300 is no unit id (allowed: 1 to 254)",
                key="device[1].unit",
                line=24,
            ),
            self._row(1, "found", by="the box", why="", answered_at=None),
        ]
        for number, (query, _body) in enumerate(self.asked, 5):
            rows.insert(0, self._row(number, "waiting", why=query["reason"], answered_at=None, **_held(query)))
        now = {
            "sha256": "3" * 64,
            "source": "collector",
            "state": "in_force",
            "revision": 3,
            "told_at": self._now - 9000,
        }
        return JSONResponse({"now": now, "wanted": rows[0]["revision"], "revisions": rows})

    async def dry_run(self, request: Request) -> Response:
        text = (await request.body()).decode()
        wrong = {"ok": False, "line": 7, "key": "device[0].unit", "message": "800 is no unit id", "allowed": "1 to 254"}
        found = wrong if "800" in text else {"ok": True, "line": 0, "key": "", "message": "", "allowed": ""}
        return JSONResponse({**found, "by": "collector", "diff": DIFF})

    async def want(self, request: Request) -> Response:
        self.asked.append((dict(request.query_params), (await request.body()).decode()))
        return JSONResponse(self._row(4 + len(self.asked), "waiting"), 202)


def _held(query: dict[str, str]) -> dict[str, int]:
    return {"not_before": int(query["not_before"])} if "not_before" in query else {}
