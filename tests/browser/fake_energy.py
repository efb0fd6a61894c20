"""What the collector says of a compound's energy, scripted."""

from dataclasses import dataclass
from itertools import pairwise

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.fake_energy_amounts import COLUMNS, LOADS, NAMES, PARENTS, SPACES, UNIT_OF, UNITS
from tests.browser.fake_energy_views import Views

POINT = "active_energy_import_total"


@dataclass
class FakeEnergy(Views):
    """Answers the routes of energy. Make it before the API is served."""

    def __post_init__(self) -> None:
        self.api.sites[0]["time_zone"] = self.zone
        base = "/api/v1/energy"
        for path, answer in (
            (f"{base}/structure/{{site}}", self.structure),
            (f"{base}/overview", self.overview),
            (f"{base}/parts", self.parts),
            (f"{base}/quotas", self.all_quotas),
            (f"{base}/detail", self.detail),
            (f"{base}/quality", self.quality),
            (f"{base}/intervals", self.intervals),
            (f"{base}/totals", self.totals),
            (f"{base}/opening", self.opening),
            ("/api/v1/analysis/findings", self.odd),
        ):
            self.api.more.append(Route(path, answer))

    async def structure(self, request: Request) -> Response:
        """GET structure."""
        meters = [
            {
                "id": name,
                "name": NAMES[name],
                "medium": "electricity",
                "role": "gateway" if name == "main" else "main",
                "reads": "counter",
                "space": "east" if name == "main" else name[:2],
                "unit": UNIT_OF.get(name, ""),
                "parent": PARENTS.get(name, ""),
                "item": "",
                "device": name,
                "point": POINT,
                "expression": "",
                "accuracy": "1",
                "counted": None,
                "register": {},
            }
            for name in LOADS
        ]
        meters.append(
            {
                **meters[1],
                "id": "b1-rest",
                "name": "B1 rest",
                "role": "virtual",
                "reads": "virtual",
                "device": "",
                "point": "",
                "parent": "",
                "expression": "[b1-main] - [b1-hvac]",
            }
        )
        shown = (
            {"spaces": [], "units": [], "meters": []}
            if self.empty
            else {"spaces": SPACES, "units": UNITS, "meters": meters}
        )
        return JSONResponse(
            {"site": request.path_params["site"], "rev": 0 if self.empty else 3, "structure": shown, "faults": {}}
        )

    async def intervals(self, request: Request) -> Response:
        """GET intervals."""
        ask = request.query_params
        since, until = int(ask["from"]), int(ask["to"])
        meter = ask["meter"] if ask["meter"] in LOADS else "b1-main"
        rows = self.rows(meter, since, min(until, self.over()), ask.get("step", "15m"))
        return JSONResponse(
            {
                "site": SITE,
                "meter": ask["meter"],
                "unit": "kWh",
                "total": self.total([meter], since, until),
                "highest": None,
                "columns": COLUMNS,
                "next": None,
                "rows": rows,
            }
        )

    async def totals(self, request: Request) -> Response:
        """GET totals."""
        ask = request.query_params
        since, until = int(ask["from"]), int(ask["to"])
        chosen = (
            [f"{ask['space']}-main"] if ask.get("space") else self.of_unit(ask["unit"]) if ask.get("unit") else ["main"]
        )
        meters = {one: self.total([one], since, until) for one in chosen}
        total = self.total(chosen, since, until)
        return JSONResponse({"site": SITE, "medium": "electricity", "total": total, "meters": meters})

    async def opening(self, request: Request) -> Response:
        """GET opening: a register read every five minutes, a dip in the middle, the last reading late."""
        ask = request.query_params
        at = int(ask["at"])
        kwh = self.kw(ask["meter"], at) / 4
        kind = self.source(ask["meter"], at)
        times = [at + n * 300_000 for n in range(4)]
        readings = [
            [
                one,
                round(48_210.4 + kwh * n / 3, 3),
                "good",
                "",
                "b1-plant",
                "0f3a",
                40 + n,
                one + (900_000 * 5 if n == 3 else 700),
            ]
            for n, one in enumerate(times)
        ]
        segments = [
            {"from": low, "until": high, "value": kwh / 3, "share": kwh / 3, "flags": [], "manual": False}
            for low, high in pairwise(times)
        ]
        event = {
            "kind": "dip",
            "since": times[1],
            "at": times[2],
            "before": "48215.00",
            "after": "48214.98",
            "value": 0.0,
        }
        return JSONResponse(
            {
                "interval": {
                    "at": at,
                    "value": None if kind == "missing" else kwh,
                    "coverage": 0.0 if kind == "missing" else 1.0,
                    "source": kind,
                    "flags": [],
                },
                "agrees": True,
                "segments": segments,
                "events": [event],
                "readings": {
                    "columns": ["at", "value", "quality", "reason", "gateway", "epoch", "seq", "received_at"],
                    "rows": readings,
                    "more": False,
                },
            }
        )

    async def odd(self, request: Request) -> Response:
        """GET findings."""
        return JSONResponse(
            {
                "site": SITE,
                "ready": True,
                "done": 5,
                "of": 5,
                "as_of": self.over(),
                "from": 0,
                "until": 0,
                "left_out": {},
                "findings": self.findings,
            }
        )
