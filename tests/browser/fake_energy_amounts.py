"""Loads of a compound by formula, by the site's clock, with gaps where a test wants them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.browser.fake_api import FakeApi

QUARTER = 900_000
LOADS = {
    "main": (150.0, 480.0),
    "b1-main": (60.0, 220.0),
    "b2-main": (40.0, 140.0),
    "b3-main": (35.0, 100.0),
    "b1-hvac": (25.0, 90.0),
}
"""Level by night and what the day adds, kW."""
PARENTS = {"b1-main": "main", "b2-main": "main", "b3-main": "main", "b1-hvac": "b1-main"}
NAMES = {
    "main": "Grid",
    "b1-main": "B1 Services",
    "b2-main": "B2 Conference",
    "b3-main": "B3 Offices",
    "b1-hvac": "B1 air conditioning",
}
SPACES: list[dict[str, Any]] = [
    {"id": "east", "kind": "site", "name": "East compound", "parent": "", "area_m2": None, "people": None},
    {"id": "b1", "kind": "building", "name": "B1 Services", "parent": "east", "area_m2": "8200", "people": 310},
    {"id": "b2", "kind": "building", "name": "B2 Conference", "parent": "east", "area_m2": "5400", "people": None},
    {"id": "b3", "kind": "building", "name": "B3 Offices 办公楼", "parent": "east", "area_m2": None, "people": 280},
]
UNITS: list[dict[str, Any]] = [
    {"id": "general", "name": "General office 办公室", "parent": "", "area_m2": "5400", "people": 120},
    {"id": "canteen", "name": "Canteen 食堂", "parent": "general", "area_m2": None, "people": 40},
]
UNIT_OF = {"b2-main": "general", "b3-main": "general", "b1-hvac": "canteen"}
PRICE = 0.78
COLUMNS = ["at", "until", "value", "coverage", "measured", "source", "flags"]


@dataclass
class Amounts:
    """holes: (meter, from, until, source) that were not measured. circuits: so many more below B2 in the flow."""

    api: FakeApi
    zone: str = "Asia/Shanghai"
    empty: bool = False
    quotas: list[dict[str, Any]] = field(default_factory=list)
    contracted: dict[str, Any] | None = None
    circuits: int = 0
    holes: list[tuple[str, int, int, str]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    # --- time ---

    def midnight(self, day: date) -> int:
        return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).timestamp() * 1000)

    def today(self) -> date:
        return datetime.fromtimestamp(self.api.clock.now_ms() / 1000, ZoneInfo(self.zone)).date()

    def over(self) -> int:
        """How far the time has come."""
        return self.api.clock.now_ms() // QUARTER * QUARTER

    def hour(self, at: int) -> float:
        """By the site's clock."""
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(self.zone))
        return local.hour + local.minute / 60

    # --- amounts ---

    def kw(self, meter: str, at: int) -> float:
        """What it draws, whatever is known of it."""
        base, more = LOADS[meter]
        hour = self.hour(at)
        return round(base + more * math.exp(-(((hour - 11.5) / 3.4) ** 2)), 3)

    def source(self, meter: str, at: int) -> str:
        if at >= self.over():
            return "coming"
        return next(
            (kind for name, since, until, kind in self.holes if name == meter and since <= at < until), "measured"
        )

    def quarters(self, since: int, until: int) -> Iterator[int]:
        """Beginnings of quarter hours."""
        yield from range(since, until, QUARTER)

    def total(self, meters: list[str], since: int, until: int) -> dict[str, Any]:
        known = measured = 0.0
        covered = all_of = 0
        worst = "measured"
        order = ["measured", "interpolated", "manual", "estimated"]
        for meter in meters:
            for at in self.quarters(since, min(until, self.over())):
                all_of += 1
                kind = self.source(meter, at)
                if kind == "missing":
                    continue
                covered += 1
                known += self.kw(meter, at) / 4
                measured += self.kw(meter, at) / 4 if kind == "measured" else 0
                worst = max(worst, kind, key=order.index)
        value = round(known, 6) if covered else None
        return {
            "value": value,
            "unit": "kWh",
            "coverage": round(covered / all_of, 6) if all_of else 0.0,
            "measured": round(measured, 6),
            "source": worst if covered else "missing",
            "flags": [],
        }

    def _edges(self, since: int, until: int, step: str) -> list[int]:
        if step == "15m":
            return [*self.quarters(since, until), until]
        edges = [since]
        for at in self.quarters(since + QUARTER, until):
            local = datetime.fromtimestamp(at / 1000, ZoneInfo(self.zone))
            is_edge = local.minute == 0
            if step != "1h":
                is_edge = is_edge and local.hour == 0 and (step == "1d" or local.day == 1)
            if is_edge:
                edges.append(at)
        return [*edges, until]

    def rows(self, meter: str, since: int, until: int, step: str) -> list[list[Any]]:
        edges = self._edges(since, until, step)
        found: list[list[Any]] = []
        for begin, end in pairwise(edges):
            each = self.total([meter], begin, end)
            source = "coming" if begin >= self.over() else each["source"]
            found.append([begin, end, each["value"], each["coverage"], each["measured"], source, []])
        return found
