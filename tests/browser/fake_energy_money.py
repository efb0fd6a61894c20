"""The routes of energy's parts about money and records: bills, balances, findings, records, tokens, reports. Scripted.

One building with three circuits: air conditioning whose ratio is entered half as large as it is, a floor with load at
night, and lifts; with a gap of two hours in which nothing is known.
"""

import math
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_energy_judged import Judged
from tests.browser.fake_energy_records import DAY, HOUR, QUARTER, Records, local, midnight

METERS = {"b3-main": ("3号楼总表 B3 main", "main", ""), "b3-hvac": ("Air conditioning 空调", "branch", "b3-main")}
METERS |= {"b3-floor-2": ("Floor 2 二层", "branch", "b3-main"), "b3-lifts": ("Lifts 电梯", "branch", "b3-main")}
METERS |= {"b2-main": ("B2 main", "main", ""), "b2-sockets": ("B2 sockets", "branch", "b2-main")}
SHARE = {"b3-main": 1.0, "b3-hvac": 0.25, "b3-floor-2": 0.3, "b3-lifts": 0.2, "b2-main": 0.4, "b2-sockets": 0.397}
NOTICE = "浙发改价格〔2026〕112号"
TARIFFS = {"zhejiang-two-part": "浙江 工商业两部制 10 kV", "flat-rate": "One price"}
UNKNOWN = {
    "quantity": None,
    "price": None,
    "amount": None,
    "name": "0.90",
    "note": "the reactive energy of the period is not known",
}


def kw(meter: str, at: int) -> float:
    """What a meter drew in a quarter of an hour: a working day's shape, little at weekends; floor 2 at night, too."""
    when = local(at)
    hour = when.hour + when.minute / 60
    busy = math.exp(-(((hour - 13) / 4.2) ** 2)) * (1.0 if when.weekday() < 5 else 0.25)
    night = 0.35 if meter == "b3-floor-2" and (hour < 6 or hour > 21) else 0.0
    return round(SHARE[meter] * (24 + 160 * busy + 60 * night), 3)


def line(kind: str, band: str | None, quantity: float, unit: str, price: float, **more: Any) -> dict[str, Any]:
    known = {"share": 1.0, "seconds": 781200, "valid_s": 781200, "by_source": {"measured": 774000, "estimated": 7200}}
    amount = round(quantity * price + 1e-9, 2)
    shown = {"kind": kind, "name": band or kind, "band": band, "month": "2026-10", "quantity": f"{quantity:g}"}
    shown |= {"unit": unit, "price": f"{price:.4f}", "amount": f"{amount:.2f}", "source": NOTICE, "how": "", "note": ""}
    return shown | {"coverage": known, "not_measured": "0", "split": "0"} | more


class FakeEnergyMoney(Judged, Records):
    """What there is; see ``Records`` for what a test may look at and change."""

    def __init__(self, api: FakeApi) -> None:
        Judged.__init__(self)
        Records.__init__(self, api)
        self.ready = True
        self.tariffs = dict(TARIFFS)
        self.lost = midnight(self.today - timedelta(days=2)) + 9 * HOUR
        self.changed = midnight(self.today - timedelta(days=3)) + 10 * HOUR + 7 * 60_000
        api.more += self.routes()

    def routes(self) -> list[Route]:
        """Mounted beside those of ``FakeApi``."""
        api = "/api/v1"
        return [
            Route(f"{api}/energy/structure/{{site}}", self.structure),
            Route(f"{api}/energy/intervals", self.intervals),
            Route(f"{api}/energy/totals", self.totals),
            Route(f"{api}/energy/balances", self.balances),
            Route(f"{api}/analysis/findings", self.findings),
            Route(f"{api}/analysis/expected", self.expected),
            Route(f"{api}/tariff-uses/{{site}}", self.uses),
            Route(f"{api}/tariffs", self.all_tariffs),
            Route(f"{api}/billing-periods", self.periods),
            Route(f"{api}/bill", self.bill),
            *self.record_routes(),
            *self.judged_routes(),
            Route(f"{api}/energy/opening", self.opening),
        ]

    async def uses(self, request: Request) -> Response:
        uses = [{"meter": "b3-main", "tariff": "zhejiang-two-part", "reactive": ""}] if self.tariffs else []
        return JSONResponse({"site": SITE, "uses": uses})

    async def all_tariffs(self, request: Request) -> Response:
        return JSONResponse(
            {"tariffs": [{"site": SITE, "id": one, "name": name} for one, name in self.tariffs.items()]}
        )

    # --- what was used ---

    async def structure(self, request: Request) -> Response:
        spaces = [{"id": "east", "kind": "site", "name": "East", "parent": ""}]
        spaces += [{"id": one, "kind": "building", "name": one.upper(), "parent": "east"} for one in ("b3", "b2")]
        meters = [
            {"id": one, "name": name, "medium": "electricity", "role": role, "reads": "counter", "space": one[:2]}
            | {"unit": "", "parent": parent, "item": "", "device": one, "point": "active_energy_import_total"}
            | {"expression": "", "accuracy": "1", "counted": None, "register": {"rated": "400", "modulus": "1000000"}}
            for one, (name, role, parent) in METERS.items()
        ]
        return JSONResponse(
            {"site": SITE, "rev": 1, "structure": {"spaces": spaces, "units": [], "meters": meters}, "faults": {}}
        )

    def quarters(self, meter: str, since: int, until: int) -> list[tuple[int, float | None]]:
        def one(at: int) -> float | None:
            gone = meter == "b3-floor-2" and self.lost <= at < self.lost + 2 * HOUR
            return None if gone or at >= self.now - QUARTER else kw(meter, at)

        return [(at, one(at)) for at in range(since // QUARTER * QUARTER, until, QUARTER)]

    async def intervals(self, request: Request) -> Response:
        asked = request.query_params
        step = {"15m": QUARTER, "1h": HOUR, "1d": DAY, "1mo": 31 * DAY}[asked.get("step", "15m")]
        since, until = int(asked["from"]), int(asked["to"])
        rows: list[list[Any]] = []
        for at in range(since, until, step):
            known = [each for _, each in self.quarters(asked["meter"], at, min(until, at + step)) if each is not None]
            share = len(known) * QUARTER / (min(until, at + step) - at)
            value = round(sum(known) / 4, 3) if known else None
            rows.append([at, min(until, at + step), value, share, value or 0, "measured" if known else "missing", []])
        whole = [row[2] for row in rows if row[2] is not None]
        total = {
            "value": sum(whole) if whole else None,
            "unit": "kWh",
            "coverage": 0.99,
            "measured": sum(whole),
            "source": "measured",
            "flags": [],
        }
        columns = ["at", "until", "value", "coverage", "measured", "source", "flags"]
        return JSONResponse(
            {
                "site": SITE,
                "meter": asked["meter"],
                "unit": "kWh",
                "total": total,
                "highest": None,
                "columns": columns,
                "next": None,
                "rows": rows,
            }
        )

    async def totals(self, request: Request) -> Response:
        total = {"value": 4962.0, "unit": "kWh", "coverage": 1.0, "measured": 4962.0, "source": "measured", "flags": []}
        return JSONResponse({"site": SITE, "medium": "electricity", "total": total, "meters": {"b3-main": total}})

    async def balances(self, request: Request) -> Response:
        suspect = {
            "meter": "b3-hvac",
            "fault": "multiplier",
            "slope": 1.0,
            "factor": 2.0,
            "explains": 0.982,
            "certain": True,
        }
        gap = {
            "meter": "b3-main",
            "unit": "kWh",
            "children": ["b3-hvac", "b3-floor-2", "b3-lifts"],
            "fed": 9840.0,
            "used": 7380.0,
        }
        gap |= {
            "gap": 2460.0,
            "gap_share": 0.25,
            "uncertainty": 61.0,
            "significant": True,
            "coverage": 0.988,
            "verdict": "gap",
            "suspects": [suspect],
        }
        good = {
            "meter": "b2-main",
            "unit": "kWh",
            "children": ["b2-sockets"],
            "fed": 3936.0,
            "used": 3906.5,
            "gap": 29.5,
            "gap_share": 0.0075,
        }
        good |= {"uncertainty": 31.0, "significant": False, "coverage": 1.0, "verdict": "balanced", "suspects": []}
        asked = request.query_params
        return JSONResponse(
            {"site": SITE, "from": int(asked["from"]), "until": int(asked["to"]), "balances": [good, gap], "failed": {}}
        )

    # --- what is odd ---

    async def findings(self, request: Request) -> Response:
        def one(
            meter: str, kind: str, since: int, until: int, kwh: float, amount: float | None, **facts: Any
        ) -> dict[str, Any]:
            told = None if amount is None else f"{amount:.2f}"
            shown = {
                "meter": meter,
                "kind": kind,
                "active": until > self.now - 7 * DAY,
                "since": since,
                "until": until,
                "times": 1,
            }
            shown |= {
                "unit": "kWh",
                "kwh": kwh,
                "amount": told,
                "currency": "CNY" if told else None,
                "week_kwh": kwh,
                "week_amount": told,
            }
            return shown | {"note": "", "facts": facts, "episodes": [[since, until, kwh, told]]}

        night = midnight(self.today - timedelta(days=1))
        waste = one(
            "b3-main",
            "schedule_waste",
            night - 3 * DAY + 20 * HOUR,
            night + 22 * HOUR,
            240.4,
            94.3,
            idle_kw=24.0,
            busy_kw=180.0,
            hours=2.5,
        )
        waste["episodes"] = [
            [night - n * DAY + 20 * HOUR, night - n * DAY + 22 * HOUR, 60.1, "23.57"] for n in (3, 2, 1, 0)
        ]
        waste["times"] = 4
        found = [
            one("b3-floor-2", "night_load", night, night + 5 * HOUR, 320.4, 186.2, night_kw=41.0, before_kw=18.2),
            waste,
            one(
                "b3-main",
                "balance_gap",
                night - 6 * DAY,
                night + DAY,
                2460.0,
                None,
                gap=2460.0,
                two_u=122.0,
                verdict="gap",
                suspect="b3-hvac",
            ),
            one("b3-lifts", "suspect", self.lost, self.lost + QUARTER, 0.0, None, intervals=1.0),
            one("b2-main", "spike", night - 20 * DAY, night - 20 * DAY + HOUR, 55.0, 41.2, kw=180.0, expected_kw=62.0),
        ]
        change = one("b3-lifts", "meter_change", self.changed, self.changed, 0.0, None, old=12.5, new=20.25, lost=0.0)
        change["facts"] |= {"final": "81233.51", "initial": "0.00", "record": 1}
        found.append(change | {"active": False})
        self.listed = found
        shown = [self.judged(each) for each in found] if self.ready else []
        more = {
            "done": 6 if self.ready else 2,
            "of": 6,
            "as_of": self.now - 60_000,
            "from": night - 41 * DAY,
            "until": night + 2 * DAY,
        }
        return JSONResponse({"site": SITE, "ready": self.ready, **more, "left_out": {}, "findings": shown})

    async def expected(self, request: Request) -> Response:
        asked = request.query_params
        first, last = midnight(date.fromisoformat(asked["from"])), midnight(date.fromisoformat(asked["until"]))
        rows = [
            [at, each, round(kw(asked["meter"], at) * 0.9, 2), 2.5]
            for at, each in self.quarters(asked["meter"], first, last)
        ]
        return JSONResponse(
            {
                "site": SITE,
                "meter": asked["meter"],
                "unit": "kW",
                "columns": ["at", "kw", "expected_kw", "sigma_kw"],
                "rows": rows,
            }
        )

    # --- what it cost ---

    async def periods(self, request: Request) -> Response:
        months, day = [], self.today.replace(day=1)
        for _ in range(4):
            months.append({"from": day.isoformat(), "until": (day + timedelta(days=32)).replace(day=1).isoformat()})
            day = (day - timedelta(days=1)).replace(day=1)
        return JSONResponse({"tariff": request.query_params["tariff"], "read_day": 1, "periods": months[::-1]})

    async def bill(self, request: Request) -> Response:
        asked = request.query_params
        tariff = asked.get("tariff") or "zhejiang-two-part"
        if tariff == "flat-rate":
            lines = [line("energy", "flat", 74400, "kWh", 0.82)]
        else:
            lines = [
                line("energy", "sharp", 6200, "kWh", 1.38),
                line("energy", "peak", 21700.5, "kWh", 1.15, not_measured="120.4", split="14.25"),
                line("energy", "flat", 24800, "kWh", 0.69),
                line("energy", "valley", 21699.5, "kWh", 0.30),
                line("surcharge", None, 74400, "kWh", 0.028, name="政府性基金 funds"),
                line(
                    "demand",
                    None,
                    186.4,
                    "kW",
                    42.0,
                    name="maximum",
                    how="mean of 15 minutes from 2026-10-17 10:15",
                ),
                line("power_factor", None, 0, "", 0) | UNKNOWN,
            ]
        total = sum(float(each["amount"] or 0) for each in lines)
        known = {
            "share": 0.997,
            "seconds": 2678400,
            "valid_s": 2670365,
            "by_source": {"measured": 2663165, "estimated": 7200},
        }
        shown = {
            "site": SITE,
            "meter": asked["meter"],
            "tariff": tariff,
            "from": asked["from"],
            "until": asked["until"],
            "currency": "CNY",
        }
        shown |= {
            "unit": "kWh",
            "energy": "74400",
            "total": f"{total:.2f}",
            "per_unit": f"{total / 74400:.4f}",
            "complete": False,
        }
        return JSONResponse(
            shown
            | {
                "coverage": known,
                "lines": lines,
                "warnings": ["99.70% of the period is known; what was used in the rest is in no line"],
                "rounding": "",
            }
        )
