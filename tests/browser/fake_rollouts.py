"""The routes of roll-outs, scripted."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi

DIFF = '--- runs\n+++ wanted\n@@ -5,1 +5,1 @@\n-flush_every = "1 s"\n+flush_every = "5 s"\n'


class FakeRollouts:
    """One runs, one has stopped, one is planned. ``asked``: what was planned and done, as (path, query, body)."""

    def __init__(self, api: FakeApi) -> None:
        self._now = api.clock.now_ms()
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.rows = {
            9: self._row(9, "draft", many=12, why="calmer batches"),
            8: self._row(8, "stopped", halted="failures", stage=1, many=12, why="faster polling"),
            7: self._row(7, "running", stage=1, many=40, site="", why="时间同步服务器"),
        }
        self.refusal: tuple[int, str, str] | None = None
        api.more += [
            Route("/api/v1/rollouts", lambda _: JSONResponse({"rollouts": list(self.rows.values())})),
            Route("/api/v1/rollouts", self.plan, methods=["POST"]),
            Route("/api/v1/rollouts/{number}/difference", lambda _: JSONResponse({"diff": DIFF})),
            Route("/api/v1/rollouts/{number}/{deed}", self.turn, methods=["POST"]),
            Route("/api/v1/rollouts/{number}", self.one),
        ]

    def _row(self, number: int, state: str, **more: Any) -> dict[str, Any]:
        row = {"id": number, "site": SITE, "by": "li.fang", "why": "", "made_at": self._now - 3_600_000 * (10 - number)}
        rules = {"soak_s": 600, "patience_s": 3600, "stop_after": 0, "confirm_within_s": 300, "not_before": 0}
        plan = {"changes": ['set buffer.flush_every = "5 s"'], "stages": [f"{SITE}/gw-00", "10 %", "100 %"]}
        after = {"state": state, "halted": "", "stage": 0, "stage_over_at": None, "many": 0}
        return {**row, **rules, **plan, **after, "changed_by": "", "changed_at": self._now, **more}

    def _part(self, at: int, state: str, **more: Any) -> dict[str, Any]:
        blank = {"line": 0, "key": "", "message": "", "allowed": "", "reason": "", "devices": "", "detail": ""}
        sent = state not in ("planned", "ready", "wrong", "same", "unchecked")
        times = {"revision": 4 if sent else None, "sent_at": self._now - 90_000 if sent else None, "answered_at": None}
        stage = 0 if at == 0 else 1 if at < 4 else 2
        named = {"site": SITE, "gateway": f"gw-{at:02}", "stage": stage, "checked_by": "collector"}
        return {**named, "state": state, **blank, **times, **more}

    def _parts(self, number: int) -> list[dict[str, Any]]:
        if number == 9:
            wrong = {
                "line": 7,
                "key": "buffer.flush_every",
                "message": "900 s is out of range",
                "allowed": "0.05 s to 300 s",
            }
            return [self._part(0, "wrong", **wrong), *(self._part(n, "ready") for n in range(1, 12))]
        if number == 8:
            lost = {"reason": "devices_lost", "devices": "meter-08, meter-09", "answered_at": self._now - 30_000}
            wrong = {"reason": "wrong", "detail": "900 s is out of range (allowed: 0.05 s to 300 s)"}
            return [
                self._part(0, "applied", answered_at=self._now - 60_000),
                self._part(1, "rolled_back", **lost),
                self._part(2, "refused", **wrong),
                self._part(3, "late"),
                *(self._part(n, "planned") for n in range(4, 12)),
            ]
        states = ["applied"] * 9 + ["trying"] * 2 + ["waiting"] * 3 + ["late"] * 2 + ["planned"] * 24
        return [self._part(n, state) for n, state in enumerate(states)]

    async def one(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        parts = self._parts(number)
        counts: dict[str, int] = {}
        for part in parts:
            counts[part["state"]] = counts.get(part["state"], 0) + 1
        return JSONResponse({**self.rows[number], "counts": counts, "gateways": parts})

    async def plan(self, request: Request) -> Response:
        self.asked.append((request.url.path, dict(request.query_params), await request.json()))
        if self.refusal is not None:
            (status, code, message), self.refusal = self.refusal, None
            return JSONResponse({"error": {"code": code, "message": message, "hint": ""}}, status)
        self.rows = {10: self._row(10, "draft", many=2, why=request.query_params["reason"]), **self.rows}
        return JSONResponse(self.rows[10], 201)

    async def turn(self, request: Request) -> Response:
        number, deed = int(request.path_params["number"]), request.path_params["deed"]
        self.asked.append((request.url.path, dict(request.query_params), None))
        state = {"start": "running", "pause": "paused", "continue": "running", "abort": "aborted"}[deed]
        self.rows[number] |= {"state": state, "halted": ""}
        return JSONResponse(self.rows[number])
