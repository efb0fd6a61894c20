"""Areas, heads and quotas of a demo's buildings, as the collector's `PUT /api/v1/energy/basis` takes them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from simulators.energy_structure import BUILDINGS, SITE_PEOPLE
from simulators.history_readings import DAY_MS, History
from simulators.scenario import Scenario

QUOTA_SHARE = {"site": 1.04, "space:b1": 0.93, "space:b2": 1.08, "space:b3": 1.02}
"""What may be used in a year, as a part of what such a year comes to: 1号楼 will not keep to it."""
ROUND_KWH = 1_000
SAMPLE_DAYS = 28
LAST_YEAR_DAYS = 700
"""With so much history the course of last year is known."""
SOURCES = {"area_m2": "示例：房屋产权登记", "people": "示例：年度编制表", "quota": "示例：年度用能定额"}


def basis_of(scenario: Scenario, origin_ms: int, last: date, days: int) -> dict[str, Any]:
    """Of the buildings, for the years from ``days`` before ``last``, the day on which the history ends."""
    since = (last - timedelta(days=days)).replace(month=1, day=1).isoformat()
    rows = [{"of": "site", "what": "people", "value": str(SITE_PEOPLE)}]
    rows.append({"of": "site", "what": "area_m2", "value": str(sum(area for _, area, _ in BUILDINGS.values()))})
    for building, (_, area, people) in BUILDINGS.items():
        rows += [{"of": f"space:{building}", "what": "area_m2", "value": str(area)}] if area else []
        rows += [{"of": f"space:{building}", "what": "people", "value": str(people)}] if people else []
    pace = "last_year" if days >= LAST_YEAR_DAYS else "even"
    quotas = [
        {"of": of, "year": last.year, "limit": str(limit), "pace": pace, "source": SOURCES["quota"]}
        for of, limit in _limits(scenario, origin_ms).items()
    ]
    return {"denominators": [{**row, "from": since, "source": SOURCES[row["what"]]} for row in rows], "quotas": quotas}


def _limits(scenario: Scenario, origin_ms: int) -> dict[str, int]:
    """kWh in a year, from four weeks of each main."""
    history = History(scenario, days=SAMPLE_DAYS, until_ms=origin_ms, other_media=False, faults=True)
    until = history.until_ms
    mains = [plan.id for plan in history.world.plans.values() if not plan.parent]
    used = {main: history.true_kwh(main, until - (SAMPLE_DAYS - 1) * DAY_MS, until) for main in mains}
    a_year = {main: kwh * 365 / (SAMPLE_DAYS - 1) for main, kwh in used.items()}
    found = {}
    for of, share in QUOTA_SHARE.items():
        head = of.removeprefix("space:")
        kwh = sum(each for main, each in a_year.items() if of == "site" or main.split("-", 1)[0] == head)
        found[of] = round(kwh * share / ROUND_KWH) * ROUND_KWH
    return found
