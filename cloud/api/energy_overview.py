"""A site's energy on a day, all of the first page in one answer."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from cloud.analysis.local_series import localised
from cloud.analysis.profile import heat_map
from cloud.api.answers import json_answer
from cloud.api.energy_look import Look, Looks, Moment, Shape
from cloud.api.energy_overview_example import OVERVIEW
from cloud.api.energy_parts import parts_shown, typical_shown
from cloud.api.energy_parts import routes as parts_routes
from cloud.api.energy_shown import numbers, total_shown
from cloud.api.energy_targets import SiteQuery, check_days, local_day
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.energy.buckets import highest
from cloud.energy.contract import BASE_MS, MICRO, EnergyFault, Intervals, Source
from cloud.energy.feature import Energy
from cloud.energy.flow import flow
from cloud.energy.pages import Total
from cloud.energy.structure import Meter, Structure
from cloud.tariffs.billing import Billing
from cloud.tariffs.contract import Bill, TariffFault
from cloud.tariffs.demand_limits import demand_limits
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.factors import FactorFault
from cloud.tariffs.layout import DayPlans, lay_out, midnight


class Overview:
    """Makes the answer."""

    def __init__(self, energy: Energy, billing: Billing, desk: TariffDesk) -> None:
        self._energy, self._desk = energy, desk
        self.looks = Looks(energy, billing, desk)

    async def of(self, site: str, day: date, medium: str, now: int) -> dict[str, object]:
        """The whole answer. What it reads is the same for few buildings and for many."""
        look = await self.looks.at(site, day, medium, "space", now)
        first = midnight(day.replace(day=1), look.zone)
        month = (await self._energy.used(site, look.whole.meters, first, look.moment.end)).total
        contracted = self._contracted(site, look.whole.meters, look.moment)
        return await asyncio.to_thread(self._shown, look, month, contracted)

    def _shown(self, look: Look, month: Total, contracted: dict[str, object] | None) -> dict[str, object]:
        moment, shape, whole = look.moment, look.shape, look.whole
        totals = look.used.meters
        meters = [meter for meter in look.structure.meters if meter.medium == look.medium]
        return {
            "site": look.site,
            "day": moment.day,
            "from": moment.since,
            "until": moment.end,
            "as_of": moment.until,
            "kind": moment.kind,
            "medium": look.medium,
            "unit": whole.unit,
            "total": total_shown(shape.total, whole.unit),
            **typical_shown(shape),
            "load": _load(shape, moment),
            "now": _latest(shape.intervals, moment),
            "cost": _cost(look),
            "bands": _bands(look),
            "month": self._month(look, month),
            "contracted": contracted,
            "buildings": parts_shown(look),
            "flow": _flow(look.structure, whole.meters, totals),
            "meters": {"all": len(meters), "counted": len(whole.meters), "unknown": _unknown(meters, totals)},
        }

    def _month(self, look: Look, used: Total) -> dict[str, object]:
        """The month up to the day, with its heat map."""
        first, of, shape = look.moment.day.replace(day=1), look.whole, look.shape
        begins = midnight(first, look.zone)
        over = look.moment.until - begins
        total = used._replace(length_ms=max(len(of.meters), 1) * max(over, BASE_MS))
        both = shape.past.between(begins, look.moment.end)
        both.lay(shape.intervals)
        chart = heat_map(localised(both, look.zone, look.table))
        peak = highest(both)
        return {
            "from": first,
            "total": total_shown(total, of.unit),
            "highest": None if peak is None else {"kw": peak.kw, "at": peak.at, "source": peak.source.name.lower()},
            "heat": {
                "days": chart.days,
                "kwh": [numbers(row) for row in chart.kwh],
                "known": chart.known.astype(int).tolist(),
                "expected": chart.expected.astype(int).tolist(),
            },
            "co2": self._co2(total, of.medium, look.moment.day.year),
        }

    def _co2(self, total: Total, medium: str, year: int) -> dict[str, object] | None:
        if total.micro is None:
            return None
        try:
            factor = self._desk.factors.factors.find("co2", medium, year)
        except FactorFault:
            return None
        amount = float(factor.value) * total.micro / MICRO
        facts = {"factor": float(factor.value), "year": factor.year, "region": factor.region, "calibre": factor.calibre}
        return {"amount": amount, "unit": factor.unit.partition("/")[0], **facts, "source": factor.source}

    def _contracted(self, site: str, meters: tuple[Meter, ...], moment: Moment) -> dict[str, object] | None:
        """The power agreed on in the billing period of the day; None unless it is agreed on for every meter."""
        limits = {each.meter: each for each in demand_limits(self._desk, site, moment.day)}
        found = [limits[meter.id] for meter in meters if meter.id in limits]
        if not found or len(found) < len(meters):
            return None
        return {
            "kw": float(sum(each.contracted for each in found)),
            "over": float(sum(each.over for each in found)),
            "from": max(each.since for each in found),
            "until": min(each.until for each in found),
        }


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/overview``, ``/api/v1/energy/parts``."""
    router = APIRouter(tags=["energy"])
    features = services.features
    assert features is not None
    made = Overview(features.energy, features.tariffs.billing, features.tariffs.desk)
    router.include_router(parts_routes(services, made.looks))

    @router.get("/api/v1/energy/overview", response_class=Response, responses=example(OVERVIEW))
    async def overview(
        site: SiteQuery,
        day: Annotated[date | None, Query(description="a local day; today")] = None,
        medium: Literal["electricity", "water", "gas", "heat"] = "electricity",
    ) -> Response:
        """A day of a site: what was used beside what such a day is like, cost, load, month, buildings, flow.

        `typical` is held against `compared`: the same quarters of an hour, only those that are known of both. The
        typical day is the median of up to eight like days before; null when there are fewer than four. Where several
        meters are summed, `coverage` is of the time of all of them that is over. `contracted` is the power agreed on
        with the supplier, what is above `over` costs more; null where a meter of the site has none. `cost` of a
        building is energy, surcharges and tax at the tariff that bills its meters or what feeds them.
        """
        check_site(services, site)
        now = services.clock.now_ms()
        asked = day or local_day(now, features.tariffs.billing.zone(site))
        check_days(asked, asked + timedelta(days=1), 1)
        return json_answer(await made.of(site, asked, medium, now))

    return router


def _cost(look: Look) -> dict[str, object]:
    """What the day's energy costs, as far as meters are billed. Demand and fixed amounts are a month's."""
    meters, prices = look.whole.meters, look.prices
    billed = [meter for meter in meters if meter.id in prices.uses]
    found: list[Bill] = []
    notes: list[str] = []
    for meter in billed:
        name = prices.uses[meter.id].tariff
        tariff = prices.tariffs.get(name)
        if tariff is None:
            notes.append(f"meter {meter.id} is billed by tariff {name}, which {look.site} does not have")
            continue
        try:
            found.append(prices.bill(meter.id, tariff))
        except TariffFault as fault:
            notes.append(str(fault))
    if len(billed) < len(meters):
        notes.append(f"{len(meters) - len(billed)} of {len(meters)} meters are billed by no tariff")
    currencies = {bill.currency for bill in found}
    if len(currencies) != 1:
        return {"amount": None, "currency": None, "per_unit": None, "tariffs": [], "notes": notes[:5]}
    lines = [line for bill in found for line in bill.lines if line.kind in ("energy", "surcharge", "tax")]
    amount = sum((bill.total for bill in found), start=Decimal(0))
    kwh = sum((bill.energy for bill in found), start=Decimal(0))
    sources = {line.source for line in lines if line.source}
    tariffs = [{"id": name, "source": "; ".join(sorted(sources))} for name in sorted({bill.tariff for bill in found})]
    per_unit = None if not kwh else str((amount / kwh).quantize(Decimal("0.0001")))
    return {
        "amount": str(amount),
        "currency": currencies.pop(),
        "per_unit": per_unit,
        "tariffs": tariffs,
        "notes": notes[:5],
    }


def _bands(look: Look) -> list[list[object]]:
    """The bands of the day, by the tariff of the first meter that has one."""
    for meter in look.whole.meters:
        use = look.prices.uses.get(meter.id)
        tariff = look.prices.tariffs.get(use.tariff) if use is not None else None
        if tariff is None:
            continue
        day = look.moment.day
        try:
            laid = lay_out(DayPlans(tariff, look.table), look.zone, day, day + timedelta(days=1))
        except TariffFault:
            return []
        edges = laid.edges.tolist()
        return [[edges[n], edges[n + 1], stretch.band] for n, stretch in enumerate(laid.stretches)]
    return []


def _load(shape: Shape, moment: Moment) -> dict[str, object]:
    """kW by quarter of the day; those to come hold only what is typical."""
    slots = shape.series.slot
    kw = np.where(shape.intervals.covered_ms == BASE_MS, shape.intervals.micro / MICRO * 4, np.nan)
    kw[shape.intervals.source == Source.MISSING] = np.nan
    kw[moment.over :] = np.nan
    usual, spread = shape.typical.kwh[slots] * 4, shape.typical.sigma[slots] * 4
    sources = [Source(each).name.lower() for each in shape.intervals.source[: moment.over].tolist()]
    return {
        "columns": ["at", "kw", "source", "typical_kw", "sigma_kw"],
        "rows": [
            list(row)
            for row in zip(
                shape.intervals.starts.tolist(),
                numbers(kw),
                [*sources, *["coming"] * (len(kw) - len(sources))],
                numbers(usual),
                numbers(spread),
                strict=True,
            )
        ],
    }


def _latest(intervals: Intervals, moment: Moment) -> dict[str, object] | None:
    """The last quarter that is known in full."""
    whole = np.flatnonzero((intervals.covered_ms == BASE_MS) & (intervals.source != Source.MISSING))
    whole = whole[whole < moment.over]
    if not len(whole):
        return None
    last = intervals[int(whole[-1])]
    assert last.micro is not None
    return {"kw": last.micro / MICRO * 4, "at": last.start, "source": last.source.name.lower()}


def _flow(structure: Structure, tops: tuple[Meter, ...], totals: dict[str, Total]) -> dict[str, object]:
    try:
        found = flow(structure, tops, totals)
    except EnergyFault as fault:
        return {"branches": [], "unknown": [], "exceeding": {}, "note": str(fault)}
    return {
        "branches": [[each.source, each.target, each.kind, each.micro / MICRO, each.meters] for each in found.branches],
        "unknown": list(found.unknown),
        "exceeding": {meter: micro / MICRO for meter, micro in found.exceeding.items()},
        "note": "",
    }


def _unknown(meters: list[Meter], totals: dict[str, Total]) -> list[str]:
    return [meter.id for meter in meters if meter.id not in totals or totals[meter.id].micro is None]
