"""What is odd at a whole site at once, what was to be expected beside what was used, all that people recorded."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Response

from cloud.analysis.judgements import OPEN
from cloud.analysis.local_series import localised
from cloud.analysis.site_findings import Finding
from cloud.analysis.typical_day import expected
from cloud.api.answers import ApiError, json_answer
from cloud.api.place_answers import check_length, check_site, example
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.energy.balance import Balance
from cloud.energy.contract import MICRO, UNITS, EnergyFault
from cloud.energy.structure import Meter
from cloud.energy.suspects import Suspect
from cloud.registry.energy_judgements_book import Judgement
from cloud.tariffs.billing import NoBill
from protocols.reading import ID_PATTERN

JUDGED: dict[str, Any] = {
    "rev": 3,
    "state": "shelved",
    "until": 1790600000000,
    "reason": "the pump is tested",
    "by": "li",
    "at": 1790014400000,
    "week_kwh": 160.2,
    "back": "",
}
FINDING: dict[str, Any] = {
    "meter": "b3-f2",
    "kind": "night_load",
    "active": True,
    "since": 1790000000000,
    "until": 1790014400000,
    "times": 1,
    "unit": "kWh",
    "kwh": 320.4,
    "amount": "186.20",
    "currency": "CNY",
    "week_kwh": 160.2,
    "week_amount": "93.10",
    "note": "",
    "facts": {"night_kw": 41.0, "before_kw": 18.2},
    "episodes": [[1790000000000, 1790014400000, 320.4, "186.20"]],
    "state": "shelved",
    "judged": JUDGED,
    "alarm": None,
}
FINDINGS: dict[str, Any] = {
    "site": "east-compound",
    "ready": True,
    "done": 212,
    "of": 212,
    "as_of": 1790014400000,
    "from": 1786500000000,
    "until": 1790100000000,
    "left_out": {},
    "findings": [FINDING],
}
EXPECTED: dict[str, Any] = {
    "site": "east-compound",
    "meter": "b3-f2",
    "unit": "kW",
    "columns": ["at", "kw", "expected_kw", "sigma_kw"],
    "rows": [[1790000000000, 41.2, 18.0, 1.4], [1790000900000, None, 18.1, 1.4]],
}
BALANCES: dict[str, Any] = {
    "site": "east-compound",
    "from": 1789401600000,
    "until": 1790006400000,
    "balances": [
        {
            "meter": "b3-main",
            "unit": "kWh",
            "children": ["b3-hvac", "b3-lifts"],
            "fed": 1000.0,
            "used": 940.0,
            "gap": 60.0,
            "gap_share": 0.06,
            "uncertainty": 4.1,
            "significant": True,
            "coverage": 1.0,
            "verdict": "gap",
            "suspects": [],
        }
    ],
    "failed": {},
}
RECORDS: dict[str, Any] = {
    "records": [
        {
            "id": 7,
            "meter": "b3-main",
            "what": {"type": "confirmed", "since": 1790000000000, "until": 1790003600000},
            "entered_at": 1790010000000,
            "entered_by": "wang",
            "why": "the pump was tested",
            "revoked_at": None,
            "revoked_by": "",
            "revoked_why": "",
        }
    ]
}
ALARMS = {
    "suspect": "energy_suspect",
    "frozen": "energy_frozen",
    "balance_gap": "energy_balance_gap",
    "meter_change": "energy_reset",
}
"""Kinds of findings that an alarm may stand for."""

HISTORY_DAYS = 35
DAYS_MAX = 62
RECORDS_MAX = 1_000

SiteQuery = Annotated[str, Query(max_length=32)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/analysis/findings``, ``.../expected``; ``/api/v1/energy/balances``, ``.../records/{site}``."""
    router = APIRouter(tags=["analysis"])
    features = services.features
    assert features is not None
    watch, billing = features.reports_of_energy.watch, features.tariffs.billing

    @router.get("/api/v1/analysis/findings", response_class=Response, responses=example(FINDINGS))
    async def findings(site: SiteQuery) -> Response:
        """The anomalies of all meters of a site over some weeks, one for each meter and kind, the dearest a week first;
        with gaps of balances and advances that are held back. It is worked out beside requests and kept: `as_of` says
        when. With `ready` false it is under way, ask again.

        What is active and `open` is to be acted on and comes first. `judged`: the last that was said of it; when it
        came back by itself, `back` says why (`worse`, or `over`: its shelf ended). `noted`: nothing is to be done
        (a meter change that was recorded). `alarm`: of the same meter and cause; there it is shelved, and not here.
        """
        check_site(services, site)
        kept = watch.of(site)
        currency = currency_of(services, site)
        shown = [finding_shown(services, site, each, currency) for each in list(kept.found)]
        shown.sort(key=lambda each: (not each["active"], each["state"] != OPEN))
        return json_answer(
            {
                "site": site,
                "ready": kept.ready,
                "done": kept.done,
                "of": max(kept.of, 0),
                "as_of": kept.as_of,
                "from": kept.since,
                "until": kept.until,
                "left_out": kept.left_out,
                "findings": shown,
            }
        )

    @router.get("/api/v1/analysis/expected", response_class=Response, responses=example(EXPECTED))
    async def expectation(
        site: SiteQuery,
        meter: Annotated[str, Query(max_length=64)],
        since: Annotated[date, Query(alias="from", description="first local day")],
        until: Annotated[date, Query(description="first local day that is not of it; at most 62 days")],
    ) -> Response:
        """What a meter drew by quarter hours beside what like days before let expect (median and how far it strays).

        null is what is not known; expected is null where there were too few like days.
        """
        check_site(services, site)
        if not 0 < (until - since).days <= DAYS_MAX or since.year < 1900 or until.year > 2200:
            raise ApiError(422, "bad_period", f"{since} to {until}", f"1 to {DAYS_MAX} days from 1900 to 2200")
        try:
            intervals = await billing.intervals(site, meter, since - timedelta(days=HISTORY_DAYS), until)
        except NoBill as error:
            raise ApiError(404, "unknown_meter", str(error)) from None
        zone, table = billing.zone(site), billing.table(site)

        def rows() -> list[list[float | int | None]]:
            series = localised(intervals, zone, table)
            base = expected(series)
            wanted = np.flatnonzero(series.day >= since.toordinal())
            columns = [series.kw[wanted], base.kwh[wanted] * 4, base.sigma[wanted] * 4]
            numbers = [[round(each, 4) if np.isfinite(each) else None for each in one.tolist()] for one in columns]
            return [list(row) for row in zip(series.starts[wanted].tolist(), *numbers, strict=True)]

        head = {"site": site, "meter": meter, "unit": "kW", "columns": EXPECTED["columns"]}
        return json_answer({**head, "rows": await asyncio.to_thread(rows)})

    _add_energy(router, services)
    return router


def _add_energy(router: APIRouter, services: Services) -> None:
    features = services.features
    assert features is not None
    book = features.reports_of_energy.records

    @router.get("/api/v1/energy/balances", response_class=Response, responses=example(BALANCES), tags=["energy"])
    async def balances(
        site: SiteQuery,
        from_: Annotated[
            str | None, Query(alias="from", max_length=64, description="ms, or ISO 8601 with zone")
        ] = None,
        to: Annotated[str | None, Query(max_length=64, description="not included; now")] = None,
    ) -> Response:
        """The balance of every meter of a site that feeds others, as `/api/v1/energy/balance` has one.

        A gap means something beyond twice its `uncertainty`. `failed`: those that could not be worked out, and why.
        """
        check_site(services, site)
        first, last = parse_period(from_, to, services.clock.now_ms(), 7 * 86_400)
        check_length(first, last)
        structure, found, failed = features.energy.structure(site).structure, [], {}
        for meter, children in structure.children.items():
            try:
                balance, suspected = await features.energy.balance(site, meter, first, last)
            except EnergyFault as fault:
                failed[meter] = str(fault)
                continue
            found.append(_balance(structure.meter[meter], [each.id for each in children], balance, suspected))
        return json_answer({"site": site, "from": first, "until": last, "balances": found, "failed": failed})

    @router.get("/api/v1/energy/records/{site}", response_class=Response, responses=example(RECORDS), tags=["energy"])
    async def records(
        site: Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")],
        limit: Annotated[int, Query(ge=1, le=RECORDS_MAX)] = 200,
    ) -> Response:
        """What people recorded of all meters of a site, newest first, with what was revoked since."""
        check_site(services, site)
        found = [each._asdict() for each in await book.records(site, revoked=True)][-limit:]
        return json_answer({"records": [{name: each[name] for name in each if name != "site"} for each in found[::-1]]})


def _balance(meter: Meter, children: list[str], found: Balance, suspected: list[Suspect]) -> dict[str, object]:
    return {
        "meter": meter.id,
        "unit": UNITS[meter.medium],
        "children": children,
        "fed": found.parent / MICRO,
        "used": found.children / MICRO,
        "gap": found.gap / MICRO,
        "gap_share": found.share,
        "uncertainty": found.uncertainty / MICRO,
        "significant": found.significant,
        "coverage": found.coverage,
        "verdict": found.verdict,
        "suspects": [each._asdict() for each in suspected],
    }


def currency_of(services: Services, site: str) -> str | None:
    """That of all tariffs of the site; None where they have several, or there are none."""
    assert services.features is not None
    currencies = {known.tariff.currency for known in services.features.tariffs.desk.all(site)}
    return next(iter(currencies)) if len(currencies) == 1 else None


def finding_shown(services: Services, site: str, each: Finding, currency: str | None) -> dict[str, object]:
    """A finding with what was said of it."""
    assert services.features is not None
    judgements, now = services.features.reports_of_energy.judgements, services.clock.now_ms()
    judged = judgements.of(site, each, now)
    return {
        **_shown(each, currency),
        "state": judgements.state(site, each, now),
        "judged": None if judged is None else judged_shown(judged),
        "alarm": alarm_of(services, site, each),
    }


def alarm_of(services: Services, site: str, each: Finding) -> str | None:
    """The alarm that stands for a finding."""
    kind = ALARMS.get(each.kind)
    found = None if kind is None else services.alarms.find(kind, f"{site}/meter:{each.meter}")
    return None if found is None else str(found.id)


def judged_shown(judged: Judgement) -> dict[str, object]:
    """What was said of a finding."""
    row = judged._asdict()
    week = judged.week_kwh
    return {name: row[name] for name in JUDGED} | {"week_kwh": None if week is None else round(week, 3)}


def _shown(each: Finding, currency: str | None) -> dict[str, object]:
    week_kwh, week_amount = each.a_week()
    return {
        "meter": each.meter,
        "kind": each.kind,
        "active": each.active,
        "since": each.since,
        "until": each.until,
        "times": each.times,
        "unit": each.unit,
        "kwh": round(each.kwh, 3),
        "amount": None if each.amount is None else str(each.amount),
        "currency": currency if each.amount is not None else None,
        "week_kwh": round(week_kwh, 3),
        "week_amount": None if week_amount is None else str(week_amount),
        "note": each.note,
        "facts": dict(each.facts),
        "episodes": [
            [one.since, one.until, round(one.kwh, 3), None if one.amount is None else str(one.amount)]
            for one in sorted(each.episodes)
        ],
    }
