"""The overview, details and quality of energy, as the scripted API says them."""

from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.browser.compound import SITE
from tests.browser.fake_energy_amounts import (
    COLUMNS,
    LOADS,
    NAMES,
    PARENTS,
    PRICE,
    QUARTER,
    SPACES,
    UNIT_OF,
    UNITS,
    Amounts,
)

TYPICAL = {"compared": 900.0, "typical": 840.0, "typical_day": 6200.0, "typical_of": 8, "change": 0.0714}


class Views(Amounts):
    """What the pages of energy show, each in one answer."""

    def _day(self, request: Request) -> date:
        asked = request.query_params.get("day")
        return date.fromisoformat(asked) if asked else self.today()

    async def overview(self, request: Request) -> Response:
        """GET overview."""
        self.asked.append(str(request.url.query))
        day = self._day(request)
        since, until = self.midnight(day), self.midnight(day + timedelta(days=1))
        over = max(since, min(until, self.over()))
        rows = []
        for at in self.quarters(since, until):
            kind, kw = self.source("main", at), self.kw("main", at)
            rows.append([at, kw if kind not in ("missing", "coming") else None, kind, round(kw * 0.93, 3), 18.0])
        total = self.total(["main"], since, until)
        first = day.replace(day=1)
        month = self.total(["main"], self.midnight(day), until) | {"value": 96_412.5}
        buildings = [self._part(space, [f"{space['id']}-main"], since, until) for space in SPACES[1:]]
        used = {name: self.total([name], since, until)["value"] or 0.0 for name in LOADS}
        branches = [["", "main", "meter", used["main"], 1]]
        branches += [[PARENTS[name], name, "meter", used[name], 1] for name in PARENTS]
        branches += [["main", "main-", "rest", max(1.0, used["main"] * 0.02), 1]]
        small = max(1.0, used["b2-main"] * 0.6 / (self.circuits or 1))
        branches += [["b2-main", f"circuit-{n:02}", "meter", small * (0.5 + n / 40), 1] for n in range(self.circuits)]
        last = [row for row in rows if row[1] is not None]
        return JSONResponse(
            {
                "site": SITE,
                "day": day.isoformat(),
                "from": since,
                "until": until,
                "as_of": over,
                "kind": "workday",
                "medium": "electricity",
                "unit": "kWh",
                "total": total,
                **TYPICAL,
                "load": {"columns": ["at", "kw", "source", "typical_kw", "sigma_kw"], "rows": rows},
                "now": {"kw": last[-1][1], "at": last[-1][0], "source": "measured"} if last else None,
                "cost": {
                    "amount": "3871.20",
                    "currency": "CNY",
                    "per_unit": "0.7801",
                    "notes": [],
                    "tariffs": [{"id": "zhejiang-two-part", "source": "浙发改价格〔2026〕112号"}],
                },
                "bands": [
                    [since, since + 8 * 4 * QUARTER, "valley"],
                    [since + 32 * QUARTER, since + 48 * QUARTER, "peak"],
                    [since + 48 * QUARTER, until, "flat"],
                ],
                "month": {
                    "from": first.isoformat(),
                    "total": month,
                    "heat": self._heat(first, day + timedelta(days=1), "main"),
                    "highest": {"kw": 1860.0, "at": self.midnight(first) + 41 * QUARTER, "source": "measured"},
                    "co2": {
                        "amount": 51_156.0,
                        "unit": "kg",
                        "factor": 0.5306,
                        "year": 2023,
                        "region": "CN",
                        "calibre": "average",
                        "source": "生态环境部 2025 年公告",
                    },
                },
                "contracted": self.contracted,
                "buildings": buildings,
                "flow": {"branches": branches, "unknown": [], "exceeding": {}, "note": ""},
                "meters": {"all": len(LOADS), "counted": 1, "unknown": []},
            }
        )

    def of_unit(self, unit: str) -> list[str]:
        """Its meters and those of units below it."""
        within = {unit} | {one["id"] for one in UNITS if one["parent"] == unit}
        return [meter for meter, of in UNIT_OF.items() if of in within]

    def _part(self, part: dict[str, Any], meters: list[str], since: int, until: int) -> dict[str, Any]:
        """A building or a unit; the canteen's tariff has no prices."""
        amount = self.total(meters, since, until)
        value, area, people = amount["value"] or 0.0, part["area_m2"], part["people"]
        lacking = {"amount": None, "currency": None, "note": "no_prices"}
        cost = {"amount": f"{value * PRICE:.2f}", "currency": "CNY", "note": ""}

        def per(by: float | None, what: str) -> dict[str, Any]:
            return {"value": value / by, "note": ""} if by else {"value": None, "note": f"{what} was not entered"}

        return {
            "id": part["id"],
            "name": part["name"],
            "parent": part["parent"],
            "total": amount,
            **TYPICAL,
            "typical": round(value * 0.95, 3),
            "area_m2": float(area) if area else None,
            "people": people,
            "per_area": per(float(area) if area else None, "the floor area"),
            "per_head": per(people, "the number of people"),
            "cost": lacking if part["id"] == "canteen" else cost,
        }

    async def parts(self, request: Request) -> Response:
        """GET parts: units of the organisation."""
        day = self._day(request)
        since, until = self.midnight(day), self.midnight(day + timedelta(days=1))
        found = [self._part(unit, self.of_unit(unit["id"]), since, until) for unit in UNITS]
        head = {"site": SITE, "day": day.isoformat(), "from": since, "until": until, "medium": "electricity"}
        return JSONResponse({**head, "unit": "kWh", "as_of": self.over(), "by": "unit", "parts": found})

    async def all_quotas(self, request: Request) -> Response:
        """GET quotas."""
        return JSONResponse({"site": SITE, "year": int(request.query_params["year"]), "quotas": self.quotas})

    def _heat(self, first: date, until: date, meter: str) -> dict[str, Any]:
        days = [first + timedelta(days=n) for n in range((until - first).days)]
        kwh: list[list[float | None]] = []
        known: list[list[int]] = []
        expected: list[list[int]] = []
        for day in days:
            sums, got, all_of = [0.0] * 24, [0] * 24, [0] * 24
            for at in self.quarters(self.midnight(day), self.midnight(day + timedelta(days=1))):
                hour = int(self.hour(at))
                all_of[hour] += 1
                if self.source(meter, at) not in ("missing", "coming"):
                    got[hour] += 1
                    sums[hour] += self.kw(meter, at) / 4
            expected.append(all_of)
            known.append(got)
            kwh.append([sums[n] if got[n] and got[n] == all_of[n] else None for n in range(24)])
        return {"days": [day.isoformat() for day in days], "kwh": kwh, "known": known, "expected": expected}

    async def detail(self, request: Request) -> Response:
        """GET detail."""
        self.asked.append(str(request.url.query))
        ask = request.query_params
        first, until = date.fromisoformat(ask["from"]), date.fromisoformat(ask["until"])
        since, end = self.midnight(first), self.midnight(until)
        days = (until - first).days
        step = ask.get("step") or ("15m" if days <= 2 else "1h" if days <= 14 else "1d" if days <= 100 else "1mo")
        kind, _, name = ask.get("of", "").partition(":")
        meter = {"meter": name, "space": f"{name}-main", "unit": "b2-main"}.get(kind, "main")
        rows = self.rows(meter, since, end, step)
        against = ask.get("against", "")
        wide = [
            [*row, self._plain(meter, row) * 0.95, 3.0, self._plain(meter, row) * 0.9 if against else None]
            for row in rows
        ]
        comparison = None
        if against:
            comparison = {
                "against": against,
                "from": (first - timedelta(days=365)).isoformat(),
                "until": (until - timedelta(days=365)).isoformat(),
                "used": 100.0,
                "reference": 90.0,
                "aligned": 92.0,
                "change": 0.111,
                "aligned_change": 0.087,
                "coverage": 1.0,
                "reference_coverage": 0.98,
                "comparable": True,
                "note": "",
                "kinds": [{"kind": "workday", "days": 5, "reference_days": 4, "mean": 20.0, "reference_mean": 18.0}],
            }
        profile = [self.kw(meter, self.midnight(first) + n * QUARTER) for n in range(96)]
        kinds = [
            {
                "kind": "workday",
                "days": 20,
                "median": profile,
                "low": [v * 0.9 for v in profile],
                "high": [v * 1.1 for v in profile],
            }
        ]
        return JSONResponse(
            {
                "site": SITE,
                "of": ask.get("of", ""),
                "name": NAMES.get(meter, meter),
                "meters": [meter],
                "unit": "kWh",
                "from": ask["from"],
                "until": ask["until"],
                "as_of": min(end, self.over()),
                "step": step,
                "against": against,
                "columns": [*COLUMNS, "typical", "sigma", "reference"],
                "rows": wide,
                "total": self.total([meter], since, end),
                "highest": {"kw": 512.5, "at": since + 46 * QUARTER, "source": "measured"},
                "heat": self._heat(first, until, meter),
                "duration": [[n / 20, 500 - n * 20] for n in range(21)],
                "profiles": kinds,
                "comparison": comparison,
                "baseline": {
                    "model": "L0",
                    "days": 8,
                    "n": 480,
                    "coverage": 0.93,
                    "r2": 0.91,
                    "cv_rmse": 0.342,
                    "nmbe": 0.012,
                    "verdict": "scatters",
                    "expected": 4000.0,
                    "compared": 4120.0,
                },
            }
        )

    def _plain(self, meter: str, row: list[Any]) -> float:
        return sum(self.kw(meter, at) / 4 for at in self.quarters(row[0], row[1]))

    async def quality(self, request: Request) -> Response:
        """GET quality."""
        ask = request.query_params
        first, until = date.fromisoformat(ask["from"]), date.fromisoformat(ask["until"])
        days = [first + timedelta(days=n) for n in range((until - first).days)]
        meters = []
        for name in LOADS:
            totals = [self.total([name], self.midnight(day), self.midnight(day + timedelta(days=1))) for day in days]
            begun = [self.midnight(day) < self.over() for day in days]
            meters.append(
                {
                    "id": name,
                    "name": NAMES[name],
                    "unit": "kWh",
                    "reads": "counter",
                    "fault": "",
                    "coverage": [each["coverage"] if on else None for each, on in zip(totals, begun, strict=True)],
                    "measured": [
                        (each["measured"] / each["value"] * each["coverage"] if each["value"] else 0.0) if on else None
                        for each, on in zip(totals, begun, strict=True)
                    ],
                }
            )
        listed = [
            [
                name,
                since,
                until_,
                kind,
                None if kind == "missing" else self.total([name], since, until_)["value"],
                "kWh",
                0.0 if kind == "missing" else 1.0,
                [],
            ]
            for name, since, until_, kind in sorted(self.holes, key=lambda hole: -hole[2])
        ]
        shares = [share for each in meters for share in each["coverage"] if share is not None]
        return JSONResponse(
            {
                "site": SITE,
                "from": ask["from"],
                "until": ask["until"],
                "as_of": self.over(),
                "coverage": sum(shares) / len(shares),
                "days": [day.isoformat() for day in days],
                "meters": meters,
                "gaps": listed,
                "more": False,
                "columns": ["meter", "from", "until", "source", "value", "unit", "known", "flags"],
            }
        )
