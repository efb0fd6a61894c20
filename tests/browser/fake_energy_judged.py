"""What people say of findings, scripted: shelved, accepted, taken back; with who, when and why."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE

OPEN = {"rev": 0, "state": "open", "until": None, "reason": "", "by": "", "at": 0, "week_kwh": None, "back": ""}


class Judged:
    """A test reads ``said`` (by meter and kind, the oldest first) and may add to it as if somebody else had."""

    now: int

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.listed: list[dict[str, Any]] = []

    def judged_routes(self) -> list[Route]:
        path = "/api/v1/analysis/findings/{site}/{meter}/{kind}"
        return [Route(path, self.judge, methods=["POST"]), Route(path, self.history)]

    def judged(self, found: dict[str, Any]) -> dict[str, Any]:
        """A finding with what holds of it."""
        last = self.said.get((found["meter"], found["kind"]), [None])[-1]
        state = last["state"] if last is not None and last["back"] != "over" else "open"
        if found["kind"] == "meter_change" and state == "open":
            state = "noted"
        return found | {"state": state, "judged": last, "alarm": None}

    def say(self, meter: str, kind: str, **what: Any) -> None:
        said = self.said.setdefault((meter, kind), [])
        said.append(OPEN | {"rev": len(said) + 1, "by": "administrator", "at": self.now} | what)

    async def judge(self, request: Request) -> Response:
        meter, kind = request.path_params["meter"], request.path_params["kind"]
        body = await request.json()
        if body.pop("rev", None) not in (None, len(self.said.get((meter, kind), []))):
            return JSONResponse({"error": {"code": "conflict", "message": "somebody was first", "hint": ""}}, 409)
        if body["state"] != "open" and not body.get("reason"):
            return JSONResponse({"error": {"code": "bad_judgement", "message": "a reason is needed", "hint": ""}}, 422)
        self.say(meter, kind, week_kwh=320.4, **body)
        found = next(one for one in self.listed if (one["meter"], one["kind"]) == (meter, kind))
        return JSONResponse({"finding": self.judged(found)})

    async def opening(self, request: Request) -> Response:
        """GET opening: a quarter of an hour in which the meter was changed."""
        at = int(request.query_params["at"])
        readings = [
            [at - 60_000, 81233.51, "good", "", "b3-plant", "0f3a", 7, at],
            [at + 840_000, 0.02, "good", "", "b3-plant", "0f3a", 8, at + 840_700],
        ]
        event = {
            "kind": "replacement",
            "since": at - 60_000,
            "at": at + 840_000,
            "before": "81233.51",
            "after": "0.02",
            "value": 0.02,
        }
        return JSONResponse(
            {
                "interval": {"at": at, "value": 0.02, "coverage": 1.0, "source": "measured", "flags": []},
                "agrees": True,
                "segments": [],
                "events": [event],
                "readings": {
                    "columns": ["at", "value", "quality", "reason", "gateway", "epoch", "seq", "received_at"],
                    "rows": readings,
                    "more": False,
                },
            }
        )

    async def history(self, request: Request) -> Response:
        meter, kind = request.path_params["meter"], request.path_params["kind"]
        told = self.said.get((meter, kind), [])[::-1]
        return JSONResponse({"site": SITE, "meter": meter, "kind": kind, "history": told})
