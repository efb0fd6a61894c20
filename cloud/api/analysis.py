"""What the intervals of a meter say: shapes, comparison, typical day, anomalies with kWh and money."""

import asyncio
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from cloud.analysis.anomalies import find_anomalies
from cloud.analysis.anomaly import Anomaly, AnomalyRules
from cloud.analysis.comparison import Comparison, compare
from cloud.analysis.local_series import Bools, LocalSeries, localised
from cloud.analysis.profile import day_profiles, heat_map, load_duration
from cloud.analysis.typical_day import expected
from cloud.analysis.worth import worth
from cloud.api.answers import ApiError, json_answer
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.energy.contract import Doubles
from cloud.tariffs.billing import Billing, NoBill
from cloud.tariffs.contract import TariffFault
from cloud.tariffs.tariff import Tariff

FIT = {"n": 8640, "coverage": 1.0, "r2": 0.97, "cv_rmse": 0.08, "nmbe": 0.002, "verdict": "passes"}
SHAPES: dict[str, Any] = {
    "site": "east-compound",
    "meter": "main",
    "coverage": 1.0,
    "profiles": [{"kind": "workday", "days": 22, "median": [10.2], "low": [9.1], "high": [11.4]}],
    "heat_map": {"days": ["2026-03-02"], "kwh": [[10.1, None]], "known": [[4, 3]], "expected": [[4, 4]]},
    "duration": [{"share": 0.0, "kw": 61.6}],
    "typical": FIT,
}
COMPARED: dict[str, Any] = {
    "site": "east-compound",
    "meter": "main",
    "from": "2026-03-01",
    "until": "2026-04-01",
    "against": {"from": "2025-03-01", "until": "2025-04-01"},
    "used": 20310.5,
    "reference": 19988.1,
    "aligned": 20100.2,
    "change": 0.016,
    "aligned_change": 0.01,
    "coverage": 1.0,
    "reference_coverage": 0.98,
    "comparable": True,
    "note": "",
    "kinds": [{"kind": "workday", "days": 22, "reference_days": 21, "mean": 812.0, "reference_mean": 804.3}],
}
FOUND: dict[str, Any] = {
    "site": "east-compound",
    "meter": "main",
    "coverage": 1.0,
    "currency": "CNY",
    "anomalies": [
        {
            "kind": "schedule_waste",
            "since": 1790000000000,
            "until": 1790014400000,
            "kwh": 60.1,
            "amount": "34.35",
            "note": "",
            "facts": {"idle_kw": 10.0, "busy_kw": 50.1, "hours": 4.0},
        }
    ],
}
DAYS_MAX = 400

SiteQuery = Annotated[str, Query(max_length=32)]
MeterQuery = Annotated[str, Query(max_length=64)]
From = Annotated[date, Query(alias="from", description="first local day")]
Until = Annotated[date, Query(description="first local day that is not of it; at most 400 days")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/analysis/shapes``, ``/comparison``, ``/anomalies``."""
    router = APIRouter(tags=["analysis"])
    features = services.features
    assert features is not None
    billing, desk = features.tariffs.billing, features.tariffs.desk

    @router.get("/api/v1/analysis/shapes", response_class=Response, responses=example(SHAPES))
    async def shapes(site: SiteQuery, meter: MeterQuery, since: From, until: Until) -> Response:
        """Profiles by kind of day (kW by quarter of the day), heat map (kWh, hour by day), load duration.

        null is what is not known. `typical` says how well the days before tell a day (Guideline 14).
        """
        series = await series_of(services, site, meter, since, until)
        return json_answer({"site": site, "meter": meter, **await asyncio.to_thread(_shapes, series)})

    @router.get("/api/v1/analysis/comparison", response_class=Response, responses=example(COMPARED))
    async def comparison(
        site: SiteQuery,
        meter: MeterQuery,
        since: From,
        until: Until,
        against: Annotated[Literal["year", "before"], Query(description="同比 or 环比")] = "year",
    ) -> Response:
        """Beside the same days of last year, or as many days before, aligned by kind of day.

        `aligned` is what the reference would have used with these days. With `comparable` false look at `note`.
        """
        series = await series_of(services, site, meter, since, until)
        first, last = _reference(since, until, against)
        reference = await series_of(services, site, meter, first, last)
        found = await asyncio.to_thread(compare, series, reference)
        head = {"site": site, "meter": meter, "from": since, "until": until, "against": {"from": first, "until": last}}
        return json_answer({**head, **_compared(found)})

    @router.get("/api/v1/analysis/anomalies", response_class=Response, responses=example(FOUND))
    async def anomalies(
        site: SiteQuery,
        meter: MeterQuery,
        since: From,
        until: Until,
        rated_kw: Annotated[float | None, Query(gt=0, le=1_000_000)] = None,
        work_from: Annotated[int, Query(ge=0, le=23, description="working hours of workdays")] = 7,
        work_until: Annotated[int, Query(ge=1, le=24)] = 19,
    ) -> Response:
        """Frozen figures, spikes, night load, a new level, load outside of working hours: with kWh and money.

        `amount` is energy at the prices of its bands by the meter's tariff; null when that cannot be told, see `note`.
        Ask for some weeks, not for years: seasons look like steps.
        """
        series = await series_of(services, site, meter, since, until)
        use = desk.use_of(site, meter)
        known = desk.find(site, use.tariff) if use is not None else None
        tariff = known.tariff if known is not None else None

        def look() -> list[dict[str, object]]:
            def working(which: LocalSeries) -> Bools:
                hour = which.slot // 4
                open_: Bools = np.isin(which.kind, (0, 3)) & (hour >= work_from) & (hour < work_until)
                return open_

            found = find_anomalies(series, AnomalyRules(rated_kw=rated_kw), working)
            return [_anomaly(each, billing, site, tariff) for each in found]

        shown = await asyncio.to_thread(look)
        head = {"site": site, "meter": meter, "coverage": series.coverage}
        return json_answer({**head, "currency": tariff.currency if tariff else None, "anomalies": shown})

    return router


async def series_of(services: Services, site: str, meter: str, since: date, until: date) -> LocalSeries:
    """The intervals of local days of a meter, by the site's clock and calendar."""
    assert services.features is not None
    billing = services.features.tariffs.billing
    check_site(services, site)
    if not 0 < (until - since).days <= DAYS_MAX or since.year < 1900 or until.year > 2200:
        raise ApiError(422, "bad_period", f"{since} to {until}", f"1 to {DAYS_MAX} days from 1900 to 2200")
    try:
        intervals = await billing.intervals(site, meter, since, until)
    except NoBill as error:
        raise ApiError(404, "unknown_meter", str(error)) from None
    return await asyncio.to_thread(localised, intervals, billing.zone(site), billing.table(site))


def _reference(since: date, until: date, against: str) -> tuple[date, date]:
    if against == "before":
        return since - (until - since), since
    return _year_before(since), _year_before(until)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def _shapes(series: LocalSeries) -> dict[str, object]:
    chart, base = heat_map(series), expected(series)
    return {
        "coverage": series.coverage,
        "profiles": [
            {
                "kind": each.kind,
                "days": each.days,
                "median": _numbers(each.median),
                "low": _numbers(each.low),
                "high": _numbers(each.high),
            }
            for each in day_profiles(series)
        ],
        "heat_map": {
            "days": chart.days,
            "kwh": [_numbers(row) for row in chart.kwh],
            "known": chart.known.astype(int).tolist(),
            "expected": chart.expected.astype(int).tolist(),
        },
        "duration": [{"share": each.share, "kw": round(each.kw, 4)} for each in load_duration(series)],
        "typical": base.fit._asdict(),
    }


def _compared(found: Comparison) -> dict[str, object]:
    return {**found._asdict(), "kinds": [each._asdict() for each in found.kinds]}


def _anomaly(each: Anomaly, billing: Billing, site: str, tariff: Tariff | None) -> dict[str, object]:
    amount, note = None, "the meter is billed by no tariff"
    if tariff is not None:
        try:
            amount, note = str(worth(each, tariff, billing.table(site), billing.zone(site))), ""
        except TariffFault as error:
            note = str(error)
    return {
        "kind": each.kind,
        "since": each.since,
        "until": each.until,
        "kwh": round(each.kwh, 3),
        "amount": amount,
        "note": note,
        "facts": each.facts,
    }


def _numbers(values: Doubles) -> list[float | None]:
    return [round(value, 4) if np.isfinite(value) else None for value in values.tolist()]
