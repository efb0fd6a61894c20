"""The routes the page Settings asks: things, rules, webhooks, files, settings. Scripted, beside ``fake_api``."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cloud.alarms.kinds import ALARM_KINDS
from cloud.alarms.settings import AlarmSettings, settable
from cloud.alarms.titles import title_of
from cloud.api.assets import kinds_answer
from cloud.dispatch.settings import DEFAULTS
from cloud.fleet.settings import FleetSettings
from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi

Faults = list[dict[str, Any]]
RULE: dict[str, Any] = {
    "name": "Voltage of the feeder is high",
    "device": "",
    "point": "voltage_l1_n",
    "condition": "high",
    "limit": 253.0,
    "deadband": 2.0,
    "delay_s": 60.0,
    "priority": 2,
    "todo": "Tell the substation.",
    "enabled": True,
    "rev": 3,
    "changed_at": 1790000000000,
    "changed_by": "administrator",
}
WEBHOOK: dict[str, Any] = {
    "name": "Duty group",
    "format": "dingtalk",
    "min_priority": 2,
    "site": "",
    "kinds": [],
    "language": "zh",
    "returned": True,
    "ca_file": "",
    "enabled": True,
    "url": "https://oapi.dingtalk.com/robot/send?…",
    "secret": True,
    "rev": 1,
    "changed_at": 1790000000000,
    "changed_by": "administrator",
}
DELIVERY: dict[str, Any] = {
    "id": 7,
    "alarm": "12",
    "event": "raised",
    "made_at": 1790000000000,
    "state": "sent",
    "tries": 1,
    "next_at": 1790000000000,
    "last_at": 1790000001000,
    "answer": '200 {"errcode":0,"errmsg":"ok"}',
}
OUTCOME: dict[str, Any] = {
    "site": SITE,
    "created": 2,
    "changed": 1,
    "unchanged": 5,
    "removed": 0,
    "missing": 1,
    "written": False,
    "names": ["vehicle:v9", "door:d9", "units"],
    "gone": ["guard:li"],
    "errors": [],
}


def plain(settings: msgspec.Struct) -> Any:
    """As it comes over the wire."""
    return msgspec.json.decode(msgspec.json.encode(settings))


def asset(kind: str, name: str, title: str, *bindings: tuple[str, str], unit: str = "", **facts: Any) -> dict[str, Any]:
    """A thing as the API shows it."""
    return {
        "site": SITE,
        "kind": kind,
        "id": name,
        "name": title,
        "unit": unit,
        "facts": facts,
        "bindings": [{"role": role, "device": device} for role, device in bindings],
        "rev": 1,
    }


class FakeSettings:
    """What there is, by address; a test reads ``put`` (path, query, body) and sets ``refusal`` for the next change."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.assets = [
            asset("vehicle", "car-00", "浙A·00001", ("position", "car-01"), unit="车队", plate="浙A·00001", seats=4),
            asset("vehicle", "bus-1", "浙A·B0001", plate="浙A·B0001", seats=19, x_tag="red"),
            asset("door", "north-gate", "North gate", ("contact", "door-01"), gate=True, held_after_s=30),
            asset("room", "r-301", "2号楼 301", ("presence", "nobody-knows"), capacity=40, open=["daily"]),
            asset("guard", "li", "李卫", phone="13800000001", shift=["daily"]),
        ]
        self.rules = [
            {"id": "feeder-voltage", "site": SITE, **RULE},
            {"id": "old", "site": "elsewhere", **RULE},
        ]
        self.hooks = [{"id": "duty-group", **WEBHOOK}]
        self.deliveries = [dict(DELIVERY), DELIVERY | {"id": 6, "state": "failed", "tries": 9, "answer": "503 "}]
        self.imported: list[tuple[dict[str, str], str, str]] = []
        self.outcome: dict[str, Any] = dict(OUTCOME)
        self.fleet = {"site": SITE, "rev": 3, "settings": plain(FleetSettings())}
        self.dispatch = {"site": SITE, "rev": 1, "settings": plain(DEFAULTS)}
        known = [{"kind": kind, "title": title_of(kind), "priority": ALARM_KINDS[kind].priority} for kind in settable()]
        self.built_in = {"site": SITE, "rev": 0, "settings": plain(AlarmSettings()), "kinds": known}
        self.put: list[tuple[str, str, dict[str, Any]]] = []
        self.refusal: tuple[int, str, str, Faults] | None = None
        api.more += self.routes()

    def routes(self) -> list[Route]:
        """Mounted beside those of ``FakeApi``; before those of ``FakeDispatch``, which has a route for one asset."""
        return [
            Route("/api/v1/assets", self.all_assets),
            Route("/api/v1/assets/kinds", lambda _: JSONResponse(kinds_answer())),
            Route("/api/v1/fleet-settings/{site}", self.fleet_settings, methods=["GET", "PUT"]),
            Route("/api/v1/dispatch/settings/{site}", self.dispatch_settings, methods=["GET", "PUT"]),
            Route("/api/v1/alarm-settings/{site}", self.alarm_settings, methods=["GET", "PUT"]),
            Route("/api/v1/assets/import", self.bring_in, methods=["POST"]),
            Route("/api/v1/assets/export", self.write_out),
            Route("/api/v1/alarm-rules", lambda _: JSONResponse({"rules": self.rules})),
            Route("/api/v1/alarm-rules/{id}", self.change_rule, methods=["PUT", "DELETE"]),
            Route("/api/v1/alarm-rules/{id}/dry-run", self.try_rule, methods=["POST"]),
            Route("/api/v1/webhooks", lambda _: JSONResponse({"webhooks": self.hooks})),
            Route("/api/v1/webhooks/{id}", self.change_hook, methods=["PUT", "DELETE"]),
            Route("/api/v1/webhooks/{id}/test", self.test_hook, methods=["POST"]),
            Route("/api/v1/webhooks/{id}/deliveries", lambda _: JSONResponse({"deliveries": self.deliveries})),
            Route("/api/v1/assets/{site}/{kind}/{id}", self.change_asset, methods=["PUT", "DELETE"]),
        ]

    def refused(self) -> Response | None:
        """What was asked for the next change, once."""
        if self.refusal is None:
            return None
        status, code, message, faults = self.refusal
        self.refusal = None
        return JSONResponse({"error": {"code": code, "message": message, "hint": ""}, "errors": faults}, status)

    async def all_assets(self, request: Request) -> Response:
        """All things."""
        return JSONResponse({"assets": self.assets})

    def _found(self, request: Request) -> dict[str, Any] | None:
        kind, name = request.path_params["kind"], request.path_params["id"]
        return next((one for one in self.assets if (one["kind"], one["id"]) == (kind, name)), None)

    async def change_asset(self, request: Request) -> Response:
        """PUT and DELETE, with the revision it stands on."""
        found = self._found(request)
        rev = int(request.query_params.get("rev", 0))
        body = await request.json() if request.method == "PUT" else {}
        self.put.append((request.url.path, request.method, body))
        if (refused := self.refused()) is not None:
            return refused
        if rev != (found["rev"] if found else 0):
            return JSONResponse({"error": {"code": "changed_meanwhile", "message": "", "hint": ""}}, 409)
        if request.method == "DELETE":
            assert found is not None
            self.assets.remove(found)
            return Response(status_code=204)
        if found is None:
            found = {"site": SITE, "kind": request.path_params["kind"], "id": request.path_params["id"], "rev": 0}
            self.assets.append(found)
        found |= {**body, "rev": found["rev"] + 1}
        return JSONResponse(found)

    async def _change(self, request: Request, kept: list[dict[str, Any]], more: dict[str, Any]) -> Response:
        """PUT and DELETE of what has an id and a revision in its body."""
        name = request.path_params["id"]
        found = next((one for one in kept if one["id"] == name), None)
        body = await request.json() if request.method == "PUT" else {}
        self.put.append((request.url.path, request.method, dict(body)))
        if (refused := self.refused()) is not None:
            return refused
        if request.method == "DELETE":
            kept[:] = [one for one in kept if one["id"] != name]
            return Response(status_code=204)
        if body.pop("rev") != (found["rev"] if found else 0):
            return JSONResponse({"error": {"code": "conflict", "message": "", "hint": ""}}, 409)
        if found is None:
            found = {"id": name, "rev": 0, "changed_at": 1790000000000, "changed_by": "administrator"}
            kept.append(found)
        found |= body | more | {"rev": found["rev"] + 1}
        return JSONResponse({})

    async def change_rule(self, request: Request) -> Response:
        """A rule."""
        return await self._change(request, self.rules, {})

    async def try_rule(self, request: Request) -> Response:
        """What it would have done."""
        self.put.append((request.url.path, request.method, await request.json()))
        return JSONResponse({"days": 7, "raised": 3, "series": 12, "readings": 120960, "whole": True})

    async def change_hook(self, request: Request) -> Response:
        """A webhook; what is secret is not told again."""
        body = await request.json() if request.method == "PUT" else {}
        known = next((one for one in self.hooks if one["id"] == request.path_params["id"]), None)
        shown = body.get("url", known["url"] if known else "").partition("?")[0] + "?…"
        secret = bool(body["secret"]) if "secret" in body else bool(known and known["secret"])
        return await self._change(request, self.hooks, {"url": shown, "secret": secret})

    async def test_hook(self, request: Request) -> Response:
        """A test, and what came of it; it is not among the deliveries."""
        if (refused := self.refused()) is not None:
            return refused
        made = DELIVERY | {"id": 8, "event": "test", "answer": "310000 sign not match", "state": "failed"}
        return JSONResponse({"delivery": made})

    async def bring_in(self, request: Request) -> Response:
        """A file: its parameters, type and text are kept; ``outcome`` is what it does."""
        ask = dict(request.query_params)
        self.imported.append((ask, request.headers.get("content-type", ""), (await request.body()).decode()))
        if (refused := self.refused()) is not None:
            return refused
        said = self.outcome | {"written": ask["dry_run"] == "0" and not self.outcome["errors"]}
        if ask["remove"] == "1":
            said |= {"removed": said["missing"], "missing": 0}
        return JSONResponse(said)

    async def write_out(self, request: Request) -> Response:
        """The site as a file; not as CSV."""
        if request.query_params["format"] == "csv":
            return JSONResponse({"error": {"code": "not_in_csv", "message": "1 asset", "hint": "take TOML"}}, 409)
        return Response('[site]\nid = "east-compound"\n', media_type="application/toml")

    async def fleet_settings(self, request: Request) -> Response:
        """The thresholds of vehicles, checked as the collector does."""
        return await self._settings(request, self.fleet, FleetSettings)

    async def dispatch_settings(self, request: Request) -> Response:
        """The thresholds of dispatch, checked as the collector does."""
        return await self._settings(request, self.dispatch, type(DEFAULTS))

    async def alarm_settings(self, request: Request) -> Response:
        """What is watched without a rule, checked as the collector does."""
        return await self._settings(request, self.built_in, AlarmSettings)

    async def _settings(self, request: Request, kept: dict[str, Any], shape: Any) -> Response:
        if request.method == "GET":
            return JSONResponse(kept)
        body = await request.json()
        self.put.append((request.url.path, request.method, body))
        if "rev" in request.query_params and int(request.query_params["rev"]) != kept["rev"]:
            return JSONResponse({"error": {"code": "changed", "message": "", "hint": ""}}, 409)
        try:
            kept["settings"] = plain(msgspec.convert(body, shape))
        except msgspec.ValidationError as error:
            return JSONResponse({"error": {"code": "bad_request", "message": str(error), "hint": ""}}, 422)
        kept["rev"] += 1
        return JSONResponse(kept)
