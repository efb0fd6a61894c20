"""What people record of meters, tokens that read energy, and reports: scripted, beside ``fake_energy_money``."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi

ZONE = ZoneInfo("Asia/Shanghai")
QUARTER, HOUR, DAY = 900_000, 3_600_000, 86_400_000
FOR_ENERGY = {"role": "viewer", "for": "energy", "expires_at": None, "last_used_at": None, "revoked_at": None}
ATTACHED = {"Content-Disposition": "attachment; filename=energy.csv"}


def midnight(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() * 1000)


def local(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZONE)


class Records:
    """A test reads ``put`` (method, path, query, body) and sets ``refusal`` for the next change."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.now = api.clock.now_ms()
        self.today = local(self.now).date()
        self.put: list[tuple[str, str, dict[str, str], Any]] = []
        self.refusal: tuple[int, str, str] | None = None
        ratio = {"type": "ratio", "at": self.now - 9 * DAY, "ct": "20"}
        self.records: list[dict[str, Any]] = [self.record_of(1, "b3-lifts", ratio)]
        excel = {"id": "0f3a9b12", "name": "财务科 Excel", "created_at": self.now - 30 * DAY}
        self.tokens: list[dict[str, Any]] = [{**excel, **FOR_ENERGY}]
        self.plan: dict[str, Any] = {"daily": False, "weekly": True, "monthly": True, "hour": 6, "language": "zh"}
        self.plan["keep_days"] = 1100
        self.rev = 1
        week = self.today - timedelta(days=7 + self.today.weekday())
        self.reports = [self.report_of("weekly", week, week + timedelta(days=7))]

    def record_routes(self) -> list[Route]:
        api = "/api/v1"
        changed = ["GET", "PUT", "POST"]
        return [
            Route(f"{api}/energy/records/{{site}}", self.all_records),
            Route(f"{api}/energy/records/{{site}}/{{meter}}", self.record, methods=["POST", "DELETE"]),
            Route(f"{api}/energy/records/{{site}}/{{meter}}/try", self.tried, methods=["POST"]),
            Route(f"{api}/tokens", self.all_tokens, methods=["GET", "POST"]),
            Route(f"{api}/tokens/{{number}}", self.revoke_token, methods=["DELETE"]),
            Route(f"{api}/energy/reports/{{site}}", self.all_reports, methods=changed),
            Route(f"{api}/energy/reports/{{site}}/{{name}}", self.export),
            Route(f"{api}/energy/export", self.export),
        ]

    def refused(self) -> Response | None:
        """What was asked for the next change, once."""
        if self.refusal is None:
            return None
        (status, code, message), self.refusal = self.refusal, None
        return JSONResponse({"error": {"code": code, "message": message, "hint": ""}}, status)

    async def note(self, request: Request) -> Any:
        body = await request.json() if request.method in ("POST", "PUT") and await request.body() else None
        self.put.append((request.method, request.url.path, dict(request.query_params), body))
        return body

    async def all_records(self, request: Request) -> Response:
        return JSONResponse({"records": self.records[::-1]})

    def record_of(self, number: int, meter: str, what: dict[str, Any], why: str = "form 2026-114") -> dict[str, Any]:
        entered = {
            "id": number,
            "meter": meter,
            "what": what,
            "entered_at": self.now - DAY,
            "entered_by": "王工",
            "why": why,
        }
        return entered | {"revoked_at": None, "revoked_by": "", "revoked_why": ""}

    async def record(self, request: Request) -> Response:
        body = await self.note(request)
        if (refused := self.refused()) is not None:
            return refused
        if request.method == "DELETE":
            found = next(one for one in self.records if str(one["id"]) == request.path_params["meter"])
            found |= {"revoked_at": self.now, "revoked_by": "administrator", "revoked_why": request.query_params["why"]}
            return Response(status_code=204)
        number = len(self.records) + 1
        self.records.append(self.record_of(number, request.path_params["meter"], body, request.query_params["why"]))
        return JSONResponse({"id": number}, 201)

    async def tried(self, request: Request) -> Response:
        await self.note(request)
        if (refused := self.refused()) is not None:
            return refused
        day = midnight(self.today - timedelta(days=2))
        before, after = (
            {"value": 1201.5, "coverage": 0.96, "source": "measured"},
            {"value": 1284.0, "coverage": 1.0, "source": "measured"},
        )
        days = [{"from": day, "until": day + DAY, "before": before, "after": after}]
        days.append({"from": day + DAY, "until": day + 2 * DAY, "before": {**before, "value": None}, "after": after})
        return JSONResponse({"unit": "kWh", "more": False, "days": days})

    async def all_tokens(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"tokens": self.tokens})
        body = await self.note(request)
        made = {"id": f"0f3a9b{len(self.tokens) + 12}", "name": body["name"], "created_at": self.now, **FOR_ENERGY}
        self.tokens.append(made)
        return JSONResponse({**made, "token": "dayuan_" + "S" * 43}, 201)

    async def revoke_token(self, request: Request) -> Response:
        await self.note(request)
        next(one for one in self.tokens if one["id"] == request.path_params["number"])["revoked_at"] = self.now
        return Response(status_code=204)

    def report_of(self, kind: str, since: date, until: date) -> dict[str, Any]:
        shown = {"name": f"{kind}-{since}", "kind": kind, "from": since.isoformat(), "until": until.isoformat()}
        return shown | {"made_at": self.now - HOUR, "files": {"csv": 18234, "xlsx": 41022}}

    async def all_reports(self, request: Request) -> Response:
        if request.method == "PUT":
            self.plan, self.rev = await self.note(request), self.rev + 1
        if request.method == "POST":
            await self.note(request)
            day = date.fromisoformat(request.query_params["day"])
            made = self.report_of(request.query_params["kind"], day, day + timedelta(days=1))
            self.reports.insert(0, made)
            return JSONResponse(made, 201)
        told = {
            "site": SITE,
            "rev": self.rev,
            "changed_at": self.now - DAY,
            "changed_by": "administrator",
            "plan": self.plan,
        }
        told |= {"next_at": self.now + 8 * HOUR, "failing": "", "folder": "/var/lib/dayuan/reports/east-compound"}
        return JSONResponse(told | {"reports": self.reports})

    async def export(self, request: Request) -> Response:
        self.put.append((request.method, request.url.path, dict(request.query_params), None))
        return Response(b"\xef\xbb\xbfkind\r\n", media_type="text/csv", headers=ATTACHED)
