"""One space, circuit or meter over a period: profile, typical, heat map, load duration, comparison aligned by day."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from cloud.analysis.comparison import compare
from cloud.analysis.local_series import LocalSeries, localised
from cloud.analysis.profile import day_profiles, heat_map, load_duration
from cloud.analysis.reference_days import aligned
from cloud.analysis.typical_day import Expected, expected
from cloud.api.answers import ApiError, json_answer
from cloud.api.energy_shown import number, numbers, rest_shown, total_shown
from cloud.api.energy_targets import Of, SiteQuery, Target, check_days, local_day, settled, target
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.energy.buckets import Bucket, buckets, highest
from cloud.energy.contract import BASE_MS, Doubles, Intervals
from cloud.energy.pages import total_of
from cloud.energy.site_load import SiteLoad
from cloud.tariffs.billing import Billing
from cloud.tariffs.layout import midnight

DETAIL: dict[str, Any] = {
    "site": "east-compound",
    "of": "space:b3",
    "name": "Building 3",
    "meters": ["b3-main"],
    "unit": "kWh",
    "from": "2026-11-01",
    "until": "2026-12-01",
    "as_of": 1795242600000,
    "step": "1d",
    "total": {
        "value": 4962.5,
        "unit": "kWh",
        "coverage": 0.992,
        "measured": 4810.25,
        "source": "estimated",
        "flags": [],
    },
    "highest": {"kw": 182.4, "at": 1794881700000, "source": "measured"},
    "columns": ["at", "until", "value", "coverage", "measured", "source", "flags", "typical", "sigma", "reference"],
    "rows": [[1793462400000, 1793548800000, 231.25, 1.0, 231.25, "measured", [], 228.5, 6.5, 240.0]],
    "heat": {"days": ["2026-11-01"], "kwh": [[10.1, None]], "known": [[4, 3]], "expected": [[4, 4]]},
    "duration": [[0.0, 182.4], [1.0, 9.5]],
    "profiles": [{"kind": "workday", "days": 15, "median": [10.2], "low": [9.1], "high": [11.4]}],
    "baseline": {
        "model": "L0",
        "days": 8,
        "n": 480,
        "coverage": 0.93,
        "r2": 0.97,
        "cv_rmse": 0.08,
        "nmbe": 0.002,
        "verdict": "passes",
        "expected": 4890.0,
        "compared": 4962.5,
    },
    "comparison": {
        "against": "year",
        "from": "2025-11-01",
        "until": "2025-12-01",
        "used": 4962.5,
        "reference": 4800.0,
        "aligned": 4850.0,
        "change": 0.034,
        "aligned_change": 0.023,
        "coverage": 0.992,
        "reference_coverage": 1.0,
        "comparable": True,
        "note": "",
        "kinds": [{"kind": "workday", "days": 15, "reference_days": 14, "mean": 190.0, "reference_mean": 186.0}],
    },
}
DAYS_MAX = 400
FINE_DAYS = {"15m": 35, "1h": 100, "1d": 400, "1mo": 400}
HISTORY_DAYS = 42
Step = Literal["15m", "1h", "1d", "1mo"]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/detail``."""
    router = APIRouter(tags=["energy"])
    features = services.features
    assert features is not None
    energy, billing = features.energy, features.tariffs.billing
    load = SiteLoad(energy)
    energy.reckoner.watchers.append(load.redone)

    @router.get("/api/v1/energy/detail", response_class=Response, responses=example(DETAIL))
    async def detail(
        site: SiteQuery,
        since: Annotated[date | None, Query(alias="from", description="first local day; today")] = None,
        until: Annotated[date | None, Query(description="first local day that is not of it; at most 400 days")] = None,
        of: Of = "",
        step: Annotated[Step | None, Query(description="15m up to 35 days, 1h up to 100")] = None,
        against: Annotated[
            str, Query(max_length=10, description="`year` 同比, `before` 环比, or a first day 自由比")
        ] = "",
        medium: Literal["electricity", "water", "gas", "heat"] = "electricity",
    ) -> Response:
        """All that is shown of a thing over local days.

        `typical` of a row is what the like days before tell, `reference` what the other period used on days of the
        same kind at the same time; null where nothing can be told, and in rows that are not known in full only what is
        known stands in `value`. `baseline.verdict` is by Guideline 14: unless it `passes`, a difference is a
        measured difference and no saving.
        """
        check_site(services, site)
        zone = billing.zone(site)
        since = since or local_day(services.clock.now_ms(), zone)
        until = until or since + timedelta(days=1)
        check_days(since, until, DAYS_MAX)
        structure, rev = energy.structure(site)
        about = target(structure, of, medium)
        chosen: Step = step or _step((until - since).days)
        if (until - since).days > FINE_DAYS[chosen]:
            raise ApiError(422, "bad_period", f"{chosen} for more than {FINE_DAYS[chosen]} days", "a coarser step")
        other = _reference(since, until, against)

        async def of_days(first: date, last: date) -> Intervals:
            return await load.of(site, rev, about.names, midnight(first, zone), midnight(last, zone))

        period = await of_days(since, until)
        now_to = settled(period, services.clock.now_ms())
        history = await of_days(since - timedelta(days=HISTORY_DAYS), since)
        reference = await of_days(*other) if other is not None else None
        answer = await asyncio.to_thread(
            _worked_out, Asked(billing, site, about, chosen, now_to), period, history, reference
        )
        head: dict[str, Any] = {"site": site, "of": of, "name": about.name, "meters": about.names, "unit": about.unit}
        head |= {"from": since, "until": until, "as_of": now_to, "step": chosen, "against": against}
        if other is not None and answer["comparison"] is not None:
            answer["comparison"] |= {"against": against, "from": other[0], "until": other[1]}
        return json_answer({**head, "columns": DETAIL["columns"], **answer})

    return router


class Asked:
    """What is worked out: ``now_to`` is how far the period is over."""

    def __init__(self, billing: Billing, site: str, about: Target, step: Step, now_to: int) -> None:
        self.zone, self.table = billing.zone(site), billing.table(site)
        self.about, self.step, self.now_to = about, step, now_to


def _worked_out(asked: Asked, period: Intervals, history: Intervals, reference: Intervals | None) -> dict[str, Any]:
    now_to = max(period.first, asked.now_to)
    over = period.between(period.first, now_to)
    series = localised(period, asked.zone, asked.table)
    both = history.between(history.first, period.end)
    both.lay(period)
    base = expected(localised(both, asked.zone, asked.table))
    at = len(history)
    usual, spread = base.kwh[at:], base.sigma[at:]
    compared: dict[str, Any] | None = None
    beside: Doubles = np.full(len(period), np.nan)
    if reference is not None:
        before = localised(reference, asked.zone, asked.table)
        found = compare(series.where(series.starts < now_to), before)
        compared = {**found._asdict(), "kinds": [each._asdict() for each in found.kinds]}
        beside = aligned(series, before)
    chart = heat_map(series)
    peak = highest(over)
    columns = (usual, spread, beside)
    return {
        "total": total_shown(total_of(over), asked.about.unit),
        "highest": None if peak is None else {"kw": peak.kw, "at": peak.at, "source": peak.source.name.lower()},
        "rows": [
            _row(each, period, columns, now_to, asked.about.unit)
            for each in buckets(period, asked.zone.key, asked.step)
        ],
        "heat": {
            "days": chart.days,
            "kwh": [numbers(row) for row in chart.kwh],
            "known": chart.known.astype(int).tolist(),
            "expected": chart.expected.astype(int).tolist(),
        },
        "duration": [[round(each.share, 4), round(each.kw, 4)] for each in load_duration(series)],
        "profiles": [
            {
                "kind": each.kind,
                "days": each.days,
                "median": numbers(each.median),
                "low": numbers(each.low),
                "high": numbers(each.high),
            }
            for each in day_profiles(series)
        ],
        "baseline": _baseline(base, series, usual),
        "comparison": compared,
    }


def _row(each: Bucket, period: Intervals, columns: tuple[Doubles, ...], now_to: int, unit: str) -> list[object]:
    """Rows that have not begun hold only what is typical and the reference."""
    here = slice((each.start - period.first) // BASE_MS, (each.end - period.first) // BASE_MS)
    usual, spread, beside = (column[here] for column in columns)
    beyond = [_sum(usual), number(float(np.nanmean(spread)) * len(spread)) if _whole(spread) else None, _sum(beside)]
    if each.start >= now_to:
        return [each.start, each.end, None, 0.0, 0.0, "coming", [], *beyond]
    total = each.total
    if each.end > now_to:
        total = total._replace(length_ms=now_to - each.start)
    value = total_shown(total, unit)["value"]
    return [each.start, each.end, value, *rest_shown(total), *beyond]


def _whole(values: Doubles) -> bool:
    return bool(len(values)) and bool(np.isfinite(values).all())


def _sum(values: Doubles) -> float | None:
    return number(float(values.sum())) if _whole(values) else None


def _baseline(base: Expected, series: LocalSeries, usual: Doubles) -> dict[str, Any]:
    both = np.isfinite(series.kwh) & np.isfinite(usual)
    days = int(base.days[-len(series) :].max()) if len(series) else 0
    told = {"expected": number(float(usual[both].sum())), "compared": number(float(series.kwh[both].sum()))}
    if not both.any():
        told = {"expected": None, "compared": None}
    return {"model": "L0", "days": days, **base.fit._asdict(), **told}


def _step(days: int) -> Step:
    return "15m" if days <= 2 else "1h" if days <= 14 else "1d" if days <= 100 else "1mo"


def _reference(since: date, until: date, against: str) -> tuple[date, date] | None:
    """The other period; None for none. Raises ApiError 422."""
    length = until - since
    if not against:
        return None
    if against == "before":
        first = since - length
    elif against == "year":
        first = _year_before(since)
    else:
        try:
            first = date.fromisoformat(against)
        except ValueError:
            raise ApiError(422, "bad_period", f"against: {against!r}", "`year`, `before` or a day") from None
    last = _year_before(until) if against == "year" else first + length
    check_days(first, last, DAYS_MAX + 1)
    return first, last


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)
