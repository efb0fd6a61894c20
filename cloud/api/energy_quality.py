"""How far amounts can be trusted: what is known of each meter on each day, and every gap with what stands in it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from cloud.api.answers import json_answer
from cloud.api.energy_shown import flags_shown
from cloud.api.energy_targets import GRACE_MS, SiteQuery, check_days, local_day
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.energy.contract import BASE_MS, MICRO, UNITS, EnergyFault
from cloud.energy.feature import Energy
from cloud.energy.gaps import Gap, gaps
from cloud.energy.intervals import floor
from cloud.energy.structure import Meter
from cloud.registry.energy_days_book import DayTotal
from cloud.tariffs.layout import midnight

QUALITY: dict[str, Any] = {
    "site": "east-compound",
    "from": "2026-11-01",
    "until": "2026-11-22",
    "as_of": 1795242600000,
    "coverage": 0.992,
    "days": ["2026-11-01", "2026-11-02"],
    "meters": [
        {
            "id": "b3-main",
            "name": "B3 main",
            "unit": "kWh",
            "reads": "counter",
            "coverage": [1.0, None],
            "measured": [0.96, None],
            "fault": "",
        }
    ],
    "columns": ["meter", "from", "until", "source", "value", "unit", "known", "flags"],
    "gaps": [["b3-main", 1793844000000, 1793858400000, "estimated", 431.6, "kWh", 1.0, []]],
    "more": False,
}
DAYS_MAX = 92
GAPS_MAX = 1_000
LOOKED_MAX = 6_000
"""Days of meters whose gaps are looked for in one answer."""

Known = Mapping[str, Sequence[DayTotal]]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/quality``."""
    router = APIRouter(tags=["energy"])
    features = services.features
    assert features is not None
    energy, billing = features.energy, features.tariffs.billing

    @router.get("/api/v1/energy/quality", response_class=Response, responses=example(QUALITY))
    async def quality(
        site: SiteQuery,
        since: Annotated[date | None, Query(alias="from", description="first local day; 30 days before")] = None,
        until: Annotated[date | None, Query(description="first local day that is not of it; tomorrow")] = None,
        medium: Literal["electricity", "water", "gas", "heat"] | None = None,
    ) -> Response:
        """What is known of each meter that is read on each day, and gaps, the newest first.

        `coverage` is the known part of a day (of today: of what was over half an hour ago), `measured` that which was
        measured; null for a day of which nothing is at rest. A gap that is `missing` counts as nothing and is no zero;
        an `estimated` one is exact in its sum and has the shape of like days. `more`: there are more than are listed.
        """
        check_site(services, site)
        now = services.clock.now_ms()
        zone = billing.zone(site)
        last = until or local_day(now, zone) + timedelta(days=1)
        first = since or last - timedelta(days=30)
        check_days(first, last, DAYS_MAX)
        begins, ends = midnight(first, zone), midnight(last, zone)
        over = max(begins, min(floor(now - GRACE_MS), ends))
        meters = [
            meter
            for meter in energy.structure(site).structure.meters
            if meter.reads != "virtual" and medium in (None, meter.medium)
        ]
        known = await energy.day_totals(site, [meter.id for meter in meters], begins, ends)
        days = [first + timedelta(days=n) for n in range((last - first).days)]
        edges = [midnight(day, zone) for day in [*days, last]]
        faults = {meter: why for (place, meter), why in energy.reckoner.faults.items() if place == site}
        shown = [_meter(each, known.get(each.id, ()), edges, over, faults.get(each.id, "")) for each in meters]
        listed, more = await _gaps(energy, site, meters, known, edges, over)
        shares = [share for each in shown for share in each["coverage"] if share is not None]
        answer = {
            "site": site,
            "from": first,
            "until": last,
            "as_of": over,
            "coverage": round(sum(shares) / len(shares), 6) if shares else None,
            "days": days,
            "meters": shown,
            "columns": QUALITY["columns"],
            "gaps": listed,
            "more": more,
        }
        return json_answer(answer)

    return router


def _meter(meter: Meter, days: Sequence[DayTotal], edges: list[int], over: int, fault: str) -> dict[str, Any]:
    by_day = {each.day: each.total for each in days}
    coverage: list[float | None] = []
    measured: list[float | None] = []
    for since, until in pairwise(edges):
        length, total = min(until, over) - since, by_day.get(since)
        if length <= 0 or (total is None and not by_day):
            coverage.append(None)
            measured.append(None)
        else:
            coverage.append(0.0 if total is None else min(1.0, round(total.covered_ms / length, 6)))
            measured.append(0.0 if total is None else min(1.0, round(total.measured_ms / length, 6)))
    return {
        "id": meter.id,
        "name": meter.name,
        "unit": UNITS[meter.medium],
        "reads": meter.reads,
        "coverage": coverage,
        "measured": measured,
        "fault": fault,
    }


async def _gaps(
    energy: Energy, site: str, meters: list[Meter], known: Known, edges: list[int], over: int
) -> tuple[list[list[object]], bool]:
    """Looked for only from the first to the last day of a meter that is not wholly measured."""
    found: list[tuple[Meter, Gap]] = []
    looked = 0
    for meter in meters:
        days = {each.day: each.total for each in known.get(meter.id, ())}
        odd = [
            (since, min(until, over))
            for since, until in pairwise(edges)
            if since < over and (since not in days or days[since].measured_ms < min(until, over) - since)
        ]
        if not odd or not days:
            continue
        looked += len(odd)
        if looked > LOOKED_MAX:
            return _listed(found), True
        try:
            intervals = await energy.intervals(site, meter.id, odd[0][0], odd[-1][1])
        except EnergyFault:
            continue
        if intervals is not None:
            found += [(meter, gap) for gap in gaps(intervals)]
    return _listed(found), len(found) > GAPS_MAX


def _listed(found: list[tuple[Meter, Gap]]) -> list[list[object]]:
    found.sort(key=lambda each: (-each[1].until, each[0].id))
    return [
        [
            meter.id,
            gap.since,
            gap.until,
            gap.source.name.lower(),
            None if gap.micro is None else gap.micro / MICRO,
            UNITS[meter.medium],
            round(gap.covered_ms / max(gap.until - gap.since, BASE_MS), 6),
            flags_shown(gap.flags),
        ]
        for meter, gap in found[:GAPS_MAX]
    ]
