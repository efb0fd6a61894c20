"""Indices and quotas: per square metre, per head, in coal and carbon, and how the year's quotas stand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.description import names_faults
from cloud.api.gate import energy_manager
from cloud.api.place_answers import CHANGED, actor_of, check_site, conflict, example
from cloud.api.services import Services
from cloud.energy.contract import MICRO, UNITS, EnergyFault
from cloud.energy.pages import Total
from cloud.registry.sessions import Principal
from cloud.registry.tariff_book import Changed
from cloud.tariffs.basis import Basis, Divisor, faults
from cloud.tariffs.index_desk import Equivalent, IndexDesk, Progress, Row
from cloud.tariffs.indices import Index
from protocols.reading import ID_PATTERN

BASIS: dict[str, Any] = {
    "denominators": [
        {"of": "space:b3", "what": "area_m2", "value": "8200", "from": "2026-01-01", "until": None}
        | {"source": "产权证 2019-0117"},
        {"of": "unit:office", "what": "people", "value": "310", "from": "2026-01-01", "until": None}
        | {"source": "人事处 2026 年编制表"},
    ],
    "quotas": [
        {"of": "space:b3", "medium": "electricity", "year": 2026, "limit": "620000", "pace": "last_year"}
        | {"source": "机关事务〔2026〕3号"}
    ],
    "region": "CN",
    "calibre": "average",
}
HEAD = {"site": "east-compound", "rev": 2, "changed_at": 1790000000000, "changed_by": "li", "why": "staff of 2026"}
FACTOR = {"year": 2023, "region": "CN", "calibre": "average", "value": "0.5306", "unit": "kg/kWh"} | {
    "source": "关于发布2023年电力二氧化碳排放因子的公告"
}
INDICES: dict[str, Any] = {
    "site": "east-compound",
    "medium": "electricity",
    "unit": "kWh",
    "from": "2026-10-01",
    "until": "2026-11-01",
    "rows": [
        {
            "of": "space:b3",
            "name": "Building 3",
            "value": 74400.0,
            "coverage": 1.0,
            "per_m2": {"value": 9.0732, "by": 8200.0, "source": "产权证 2019-0117", "note": ""},
            "per_head": {"value": None, "by": None, "source": "", "note": "the number of heads was not entered"},
            "coal": {"value": 9143.76, "unit": "kgce", "factors": [], "note": ""},
            "co2": {"value": 39476.64, "unit": "kg", "factors": [FACTOR], "note": "the factor of 2023: none of 2026"},
        }
    ],
}
QUOTAS: dict[str, Any] = {
    "site": "east-compound",
    "year": 2026,
    "quotas": [
        {
            "of": "space:b3",
            "name": "Building 3",
            "medium": "electricity",
            "unit": "kWh",
            "limit": 620000.0,
            "used": 551000.0,
            "share": 0.8887,
            "expected": 0.8301,
            "forecast": 663775.0,
            "state": "ahead",
            "pace": "last_year",
            "coverage": 0.998,
            "source": "机关事务〔2026〕3号",
            "note": "",
        }
    ],
}
REFUSED = names_faults("It cannot be; `errors` names every fault")

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
SiteQuery = Annotated[str, Query(max_length=32)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/basis``, ``/api/v1/energy/indices``, ``/api/v1/energy/quotas``."""
    router = APIRouter(tags=["energy"])
    assert services.features is not None
    desk = services.features.energy_desk.indices
    _add_basis(router, services, desk)
    _add_figures(router, services, desk)
    return router


def _add_basis(router: APIRouter, services: Services, desk: IndexDesk) -> None:
    assert services.features is not None
    energy = services.features.energy

    @router.get("/api/v1/energy/basis/{site}", response_class=Response, responses=example({**HEAD, "basis": BASIS}))
    async def basis(site: Site) -> Response:
        """What amounts are divided by (area, heads) and held to (quotas), each with its validity and source."""
        check_site(services, site)
        return json_answer(_head(desk, site))

    @router.put(
        "/api/v1/energy/basis/{site}",
        response_class=Response,
        responses={**example({**HEAD, "basis": BASIS}), **CHANGED, **REFUSED},
    )
    async def put(
        site: Site,
        body: Annotated[dict[str, Any], Body(openapi_examples={"building": {"value": BASIS}})],
        who: Annotated[Principal, Depends(energy_manager)],
        rev: Annotated[int, Query(ge=0, le=2**53, description="the one this was made from; 0 for the first")],
        why: Annotated[str, Query(max_length=500, description="kept beside the revision")] = "",
    ) -> Response:
        """Put another in place of what there is; every revision is kept. What is wrong is named whole."""
        check_site(services, site)
        try:
            wanted = msgspec.convert(body, Basis)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise ApiError(422, "bad_basis", str(error)) from None
        found = faults(wanted, energy.structure(site).structure)
        if found:
            said = {"code": "bad_basis", "message": f"{found[0].key}: {found[0].message}", "hint": "errors names each"}
            return json_answer({"error": said, "errors": [each._asdict() for each in found[:200]]}, status=422)
        try:
            await desk.put(site, wanted, rev=rev, by=actor_of(who), why=why)
        except Changed as changed:
            raise conflict("what amounts are divided by", changed.rev) from None
        return json_answer(_head(desk, site))


def _add_figures(router: APIRouter, services: Services, desk: IndexDesk) -> None:
    features = services.features
    assert features is not None

    @router.get("/api/v1/energy/indices", response_class=Response, responses=example(INDICES))
    async def indices(
        site: SiteQuery,
        since: Annotated[date, Query(alias="from", description="first local day")],
        until: Annotated[date, Query(description="first local day that is not of it")],
        medium: Literal["electricity", "water", "gas", "heat"] = "electricity",
    ) -> Response:
        """Use of the site, each space and each unit, for each square metre and head, in coal equivalent and CO2.

        A value that cannot be said is null, never 0, and `note` tells why: a number nobody entered, or too
        little known.
        Factors are those of each calendar year and stand beside what they made, with their source.
        """
        check_site(services, site)
        if not 0 < (until - since).days <= 800 or since.year < 1990 or until.year > 2200:
            raise ApiError(422, "bad_period", f"{since} to {until}", "1 to 800 days, from 1990 to 2200")
        try:
            rows = await desk.indices(site, medium, since, until)
        except EnergyFault as fault:
            raise ApiError(422, "energy", str(fault)) from None
        shown = [_row(each) for each in rows]
        head = {"site": site, "medium": medium, "unit": UNITS[medium], "from": since, "until": until}
        return json_answer({**head, "rows": shown})

    @router.get("/api/v1/energy/quotas", response_class=Response, responses=example(QUOTAS))
    async def quotas(
        site: SiteQuery, year: Annotated[int | None, Query(ge=1990, le=2200, description="this year")] = None
    ) -> Response:
        """How each quota stands as yesterday ended: used, what would be on schedule (by last year's course, or evenly),
        and what the year comes to at this pace. Null where nothing is known.
        """
        check_site(services, site)
        now = datetime.fromtimestamp(services.clock.now_ms() / 1000, UTC).astimezone(features.calendar.zone(site))
        chosen = year if year is not None else now.year
        try:
            found = await desk.quotas(site, chosen)
        except EnergyFault as fault:
            raise ApiError(422, "energy", str(fault)) from None
        return json_answer({"site": site, "year": chosen, "quotas": [_progress(each) for each in found]})


def _head(desk: IndexDesk, site: str) -> dict[str, Any]:
    stored = desk.stored(site)
    head = {"site": site, "rev": stored.rev, "changed_at": stored.changed_at, "changed_by": stored.changed_by}
    return {**head, "why": stored.why, "basis": desk.basis(site)}


def _row(row: Row) -> dict[str, Any]:
    return {
        "of": row.of,
        "name": row.name,
        **_amount(row.total),
        "per_m2": _index(row.per_area, row.area),
        "per_head": _index(row.per_head, row.people),
        "coal": _equivalent(row.coal),
        "co2": _equivalent(row.co2),
    }


def _amount(total: Total) -> dict[str, Any]:
    value = None if total.micro is None else total.micro / MICRO
    return {"value": value, "coverage": round(total.coverage, 6) if total.length_ms else 0.0}


def _index(index: Index, by: Divisor) -> dict[str, Any]:
    notes = [each for each in (index.note, by.note) if each]
    return {
        "value": _float(index.value),
        "by": _float(by.value),
        "source": by.source,
        "note": "; ".join(dict.fromkeys(notes)),
    }


def _equivalent(made: Equivalent) -> dict[str, Any]:
    factors = [
        {"year": each.year, "region": each.region, "calibre": each.calibre, "value": str(each.value)}
        | {"unit": each.unit, "source": each.source}
        for each in made.factors
    ]
    return {"value": _float(made.amount), "unit": made.unit, "factors": factors, "note": made.note}


def _progress(each: Progress) -> dict[str, Any]:
    quota, state = each.quota, each.state
    return {
        "of": quota.of,
        "name": each.name,
        "medium": quota.medium,
        "unit": UNITS[quota.medium],
        "limit": float(quota.limit),
        "used": None if each.total.micro is None else each.total.micro / MICRO,
        "share": _float(state.share) if state else None,
        "expected": _float(state.expected) if state else None,
        "forecast": _float(state.forecast) if state else None,
        "state": state.state if state else None,
        "pace": each.by,
        "coverage": _amount(each.total)["coverage"],
        "source": quota.source,
        "note": each.note,
    }


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
