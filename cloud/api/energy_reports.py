"""Reports that are written by themselves: the plan of a site, and those there are."""

import asyncio
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query, Response

from cloud.api.answers import ApiError, json_answer
from cloud.api.energy_export import XLSX
from cloud.api.gate import energy_manager
from cloud.api.place_answers import CHANGED, actor_of, check_site, example
from cloud.api.services import Services
from cloud.energy.contract import EnergyFault
from cloud.registry.sessions import Principal
from cloud.registry.tariff_book import Changed
from cloud.reports.energy_reports import EnergyReports
from cloud.reports.plan import Plan, ReportKind, period_of
from cloud.reports.shelf import Shelved
from protocols.reading import ID_PATTERN

PLAN: dict[str, Any] = {"daily": False, "weekly": True, "monthly": True, "hour": 6, "language": "zh", "keep_days": 1100}
REPORT: dict[str, Any] = {
    "name": "monthly-2026-10-01",
    "kind": "monthly",
    "from": "2026-10-01",
    "until": "2026-11-01",
    "made_at": 1793484000000,
    "files": {"csv": 18234, "xlsx": 41022},
}
LISTED: dict[str, Any] = {
    "site": "east-compound",
    "rev": 2,
    "changed_at": 1790000000000,
    "changed_by": "wang",
    "plan": PLAN,
    "next_at": 1793743200000,
    "failing": "",
    "folder": "/var/lib/dayuan/reports/east-compound",
    "reports": [REPORT],
}
FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}, XLSX: {}}}}
SHOWN_MAX = 500

Site = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/reports/...``."""
    router = APIRouter(tags=["energy"])
    assert services.features is not None
    reports = services.features.reports_of_energy.reports

    @router.get("/api/v1/energy/reports/{site}", response_class=Response, responses=example(LISTED))
    async def listed(site: Site) -> Response:
        """When reports of a site are written, and those that were, the newest first."""
        check_site(services, site)
        return json_answer(await _listed(reports, site))

    @router.put("/api/v1/energy/reports/{site}", response_class=Response, responses={**example(LISTED), **CHANGED})
    async def put(
        site: Site,
        body: Annotated[dict[str, Any], Body(openapi_examples={"weekly and monthly": {"value": PLAN}})],
        who: Annotated[Principal, Depends(energy_manager)],
        rev: Annotated[int | None, Query(ge=0, le=2**53, description="refused when it is another by now")] = None,
    ) -> Response:
        """Say which reports are written from now on. Days, weeks and months are those of the site; a report that is due
        while the collector is off is written when it is on again.
        """
        check_site(services, site)
        try:
            plan = msgspec.convert(body, Plan)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise ApiError(422, "bad_plan", str(error)) from None
        try:
            await reports.put_plan(site, plan, rev=rev, by=actor_of(who))
        except Changed as changed:
            raise ApiError(409, "conflict", str(changed), "", {"X-Current-Rev": str(changed.rev)}) from None
        return json_answer(await _listed(reports, site))

    @router.post(
        "/api/v1/energy/reports/{site}", status_code=201, response_class=Response, responses=example(REPORT, 201)
    )
    async def write(
        site: Site,
        kind: Annotated[ReportKind, Query()],
        day: Annotated[date, Query(description="a local day of the period")],
        who: Annotated[Principal, Depends(energy_manager)],
    ) -> Response:
        """Write a report now, in place of the one there is: late data and corrections are in it then."""
        del who
        check_site(services, site)
        if not 2000 <= day.year <= 2200:
            raise ApiError(422, "bad_period", f"{day} is not between the years 2000 and 2200")
        period = period_of(kind, day)
        try:
            await reports.write(site, period, reports.plan(site).plan)
        except EnergyFault as fault:
            raise ApiError(422, "energy", str(fault)) from None
        except OSError as error:
            raise ApiError(503, "unavailable", f"the report was not written: {error.strerror}") from None
        found = await asyncio.to_thread(reports.shelf.all, site)
        return json_answer(next(_shown(each) for each in found if each.period == period), status=201)

    @router.get("/api/v1/energy/reports/{site}/{name}", response_class=Response, responses=FILE)
    async def file(
        site: Site,
        name: Annotated[str, Path(pattern=r"^(daily|weekly|monthly)-\d{4}-\d{2}-\d{2}\.(csv|xlsx)$")],
        token: Annotated[str | None, Query(max_length=100, description="one for energy, in place of a header")] = None,
    ) -> Response:
        """A report as a file."""
        del token  # the gate has taken it
        check_site(services, site)
        content = await asyncio.to_thread(reports.shelf.read, site, name)
        if content is None:
            raise ApiError(404, "unknown_report", f"{site} has no report {name}", f"/api/v1/energy/reports/{site}")
        kind = XLSX if name.endswith(".xlsx") else "text/csv; charset=utf-8"
        headers = {"Content-Disposition": f'attachment; filename="{site}_{name}"'}
        return Response(content, media_type=kind, headers=headers)

    return router


async def _listed(reports: EnergyReports, site: str) -> dict[str, object]:
    known = reports.plan(site)
    found = await asyncio.to_thread(reports.shelf.all, site)
    return {
        "site": site,
        "rev": known.rev,
        "changed_at": known.changed_at,
        "changed_by": known.changed_by,
        "plan": known.plan,
        "next_at": reports.next_at(site),
        "failing": reports.failing.get(site, ""),
        "folder": str((reports.shelf.folder / site).resolve()),
        "reports": [_shown(each) for each in found[:SHOWN_MAX]],
    }


def _shown(shelved: Shelved) -> dict[str, object]:
    period = shelved.period
    return {
        "name": period.name,
        "kind": period.kind,
        "from": period.since,
        "until": period.until,
        "made_at": shelved.made_at,
        "files": shelved.sizes,
    }
