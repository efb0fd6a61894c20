"""The ledger of energy: closing periods, what was said of them, what is known now, and amending them with a reason."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer, table_answer
from cloud.api.gate import energy_manager
from cloud.api.place_answers import actor_of, check_site, example
from cloud.api.services import Services
from cloud.energy.closing import Closing, Differing, Sums
from cloud.energy.contract import MICRO, UNITS, EnergyFault
from cloud.energy.feature import Energy
from cloud.energy.ledger import Entry
from cloud.energy.pages import unpack
from cloud.registry.energy_ledger_book import ClosedPeriod
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

PERIOD: dict[str, Any] = {
    "number": 1,
    "from": "2026-10-01",
    "until": "2026-11-01",
    "meters": ["b3-main"],
    "closed_at": 1790006400000,
    "closed_by": "li",
    "why": "October",
    "note": "balance gaps: b3-main +6.4%",
    "differs": [{"meter": "b3-main", "days": 2, "by": 12.5, "unit": "kWh"}],
}
METER: dict[str, Any] = {
    "meter": "b3-main",
    "unit": "kWh",
    "closed": 74400.0,
    "stands": 74400.0,
    "now": 74412.5,
    "differs_by": 12.5,
    "differing_days": 2,
    "coverage": 1.0,
}
SNAPSHOT: dict[str, Any] = {
    "structure_rev": 3,
    "balances": {"b3-main": {"gap": 60.0, "gap_share": 0.06, "uncertainty": 4.1, "coverage": 1.0, "verdict": "gap"}},
    "bills": {"b3-main": {"tariff": "zhejiang-two-part", "rev": 2, "total": "56894.25", "lines": []}},
    "factors": [
        {"quantity": "co2", "medium": "electricity", "year": 2023, "region": "CN", "calibre": "average"}
        | {"value": "0.5306", "unit": "kg/kWh", "source": "关于发布2023年电力二氧化碳排放因子的公告"}
    ],
    "factors_rev": 0,
}
DEED = {"version": 1, "at": 1790006400000, "by": "li", "why": "October", "kind": "close", "note": ""}
LEDGER: dict[str, Any] = {"site": "east-compound", "periods": [PERIOD], "deeds": [DEED]}
OPENED = {**PERIOD, "site": "east-compound", "sums": [METER], "snapshot": SNAPSHOT}
ENTRIES: dict[str, Any] = {
    "site": "east-compound",
    "number": 1,
    "columns": ["number", "version", "kind", "meter", "day", "value", "coverage"],
    "next": None,
    "rows": [[1, 1, "posting", "b3-main", "2026-10-01", 2400.0, 1.0]],
}
AMENDED = {"version": 2, "entries": 4, "period": OPENED}
BODY: dict[str, Any] = {"from": "2026-10-01", "until": "2026-11-01", "meters": ["b3-main"]}
CANNOT: dict[int | str, dict[str, Any]] = {422: {"description": "It cannot be closed or amended; the message says why"}}

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
Number = Annotated[int, Path(ge=1, le=2**53)]
Why = Annotated[str, Query(min_length=1, max_length=500, description="kept in the ledger for ever")]
MeterList = Annotated[list[Annotated[str, Field(max_length=32)]] | None, Field(max_length=2_000)]


class CloseBody(BaseModel):
    """Local days; `until` is the first day that is not of the period. `meters` left out: all that are still open."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": BODY}, populate_by_name=True)
    since: date = Field(alias="from")
    until: date
    meters: MeterList = None


class AmendBody(BaseModel):
    """`meters` left out: all of the period."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"meters": ["b3-main"]}})
    meters: MeterList = None


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/ledger``."""
    router = APIRouter(tags=["energy"])
    assert services.features is not None
    energy, closing = services.features.energy, services.features.energy_desk.closing
    _add_reading(router, services, energy, closing)
    _add_deeds(router, services, energy, closing)
    return router


def _add_reading(router: APIRouter, services: Services, energy: Energy, closing: Closing) -> None:
    features = services.features
    assert features is not None

    @router.get("/api/v1/energy/ledger/{site}", response_class=Response, responses=example(LEDGER))
    async def ledger(site: Site) -> Response:
        """Closed periods, the newest first, and every deed. `differs`: meters of which something else is known since,
        and by how much; what was closed stays as it is until somebody amends it.
        """
        check_site(services, site)
        periods = [_period(energy, closing, site, each) for each in closing.periods(site)]
        deeds = [deed._asdict() for deed in await closing.ledger.deeds(site)]
        return json_answer({"site": site, "periods": periods, "deeds": deeds})

    @router.get("/api/v1/energy/ledger/{site}/{number}", response_class=Response, responses=example(OPENED))
    async def one(site: Site, number: Number) -> Response:
        """One closed period: of each meter what was closed, what stands now after amendments, and what is known today.

        `snapshot` is what it was closed with: bills by the prices of then, factors with their sources, balances.
        """
        closed = _found(closing, site, number)
        return json_answer(await _opened(energy, closing, site, closed))

    @router.get("/api/v1/energy/ledger/{site}/{number}/entries", response_class=Response, responses=example(ENTRIES))
    async def entries(
        site: Site, number: Number, meter: Annotated[str, Query(max_length=32, description="only of one meter")] = ""
    ) -> Response:
        """The lines of a closed period: a posting for each day of each meter; an amendment reverses the line and makes
        a new one. None is ever altered or taken out.
        """
        closed = _found(closing, site, number)
        if meter and meter not in closed.period.meters:
            raise ApiError(404, "unknown_meter", f"{meter!r} is no meter of this period", "GET the period")
        zone = features.calendar.zone(site)
        rows = [_row(each, zone) for each in await closing.entries(site, closed, meter)]
        head = {"site": site, "number": number}
        return await table_answer(head, ENTRIES["columns"], rows, None, services.clock)


def _add_deeds(router: APIRouter, services: Services, energy: Energy, closing: Closing) -> None:
    @router.post(
        "/api/v1/energy/ledger/{site}",
        status_code=201,
        response_class=Response,
        responses={**example(OPENED, 201), **CANNOT},
    )
    async def close(
        site: Site, body: CloseBody, who: Annotated[Principal, Depends(energy_manager)], why: Why
    ) -> Response:
        """Close a period: a month, or from read day to read day. What is known of each day is posted, with the bills,
        factors and balances of now beside it.

        Nothing changes it afterwards but an amendment. Days that are closed already are refused.
        """
        check_site(services, site)
        try:
            closed = await closing.close(site, body.since, body.until, body.meters, by=actor_of(who), why=why)
        except EnergyFault as fault:
            raise ApiError(422, "cannot_close", str(fault)) from None
        return json_answer(await _opened(energy, closing, site, closed), status=201)

    @router.post(
        "/api/v1/energy/ledger/{site}/{number}/amend",
        response_class=Response,
        responses={**example(AMENDED), **CANNOT},
    )
    async def amend(
        site: Site, number: Number, body: AmendBody, who: Annotated[Principal, Depends(energy_manager)], why: Why
    ) -> Response:
        """Bring a closed period to what is known now: each day that differs is reversed and posted anew, with a reason.

        `version` is null and nothing is written when nothing differs.
        """
        closed = _found(closing, site, number)
        try:
            made = await closing.amend(site, closed, body.meters, by=actor_of(who), why=why)
        except EnergyFault as fault:
            raise ApiError(422, "cannot_amend", str(fault)) from None
        period = await _opened(energy, closing, site, closed)
        return json_answer({"version": made[0].version if made else None, "entries": len(made), "period": period})


def _found(closing: Closing, site: str, number: int) -> ClosedPeriod:
    closed = closing.find(site, number)
    if closed is None:
        raise ApiError(
            404, "unknown_period", f"{site} has no closed period {number}", "GET /api/v1/energy/ledger/{site}"
        )
    return closed


async def _opened(energy: Energy, closing: Closing, site: str, closed: ClosedPeriod) -> dict[str, Any]:
    sums = await closing.sums(site, closed)
    length = closed.period.until - closed.period.since
    rows = [_sums(meter, _unit(energy, site, meter), length, known) for meter, known in sums.items()]
    head = {"site": site, **_period(energy, closing, site, closed)}
    return {**head, "sums": rows, "snapshot": closed.period.snapshot}


def _period(energy: Energy, closing: Closing, site: str, closed: ClosedPeriod) -> dict[str, Any]:
    period, deed = closed.period, closed.deed
    differing = closing.differing(site, closed.version)
    return {
        "number": closed.version,
        "from": period.first_day,
        "until": period.next_day,
        "meters": period.meters,
        "closed_at": deed.at,
        "closed_by": deed.by,
        "why": deed.why,
        "note": deed.note,
        "differs": [_differs(meter, each, _unit(energy, site, meter)) for meter, each in sorted(differing.items())],
    }


def _differs(meter: str, each: Differing, unit: str) -> dict[str, Any]:
    return {"meter": meter, "days": each.days, "by": each.micro / MICRO, "unit": unit}


def _sums(meter: str, unit: str, length: int, known: Sums) -> dict[str, Any]:
    by = None if known.now is None or not known.differing_days else (known.now - (known.stands or 0)) / MICRO
    return {
        "meter": meter,
        "unit": unit,
        "closed": _amount(known.closed),
        "stands": _amount(known.stands),
        "now": _amount(known.now),
        "differs_by": by,
        "differing_days": known.differing_days,
        "coverage": round(known.covered_ms / length, 6),
    }


def _row(entry: Entry, zone: ZoneInfo) -> list[Any]:
    day = datetime.fromtimestamp(entry.day / 1000, UTC).astimezone(zone).date()
    length = len(unpack(entry.page)) * 900_000
    return [
        entry.number,
        entry.version,
        entry.kind,
        entry.meter,
        day.isoformat(),
        entry.micro / MICRO if entry.covered_ms else None,
        round(entry.covered_ms / length, 6) if length else 0.0,
    ]


def _amount(micro: int | None) -> float | None:
    return None if micro is None else micro / MICRO


def _unit(energy: Energy, site: str, meter: str) -> str:
    known = energy.structure(site).structure.meter.get(meter)
    return UNITS[known.medium] if known is not None else ""
