"""Energy as files: amounts, bills, balances, anomalies as CSV or XLSX, for spreadsheets and dashboards."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response

from cloud.api.answers import ApiError
from cloud.api.place_answers import check_length, check_site
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.energy.contract import EnergyFault
from cloud.features_reports import ReportFeatures
from cloud.reports.energy_tables import Span, bill_sheet, meters_of, spaces_of
from cloud.reports.words import Language
from cloud.sheets.contract import Sheet
from cloud.sheets.csv_sheet import csv_of
from cloud.sheets.xlsx_writing import ROWS_MAX, xlsx_of
from cloud.tariffs.billing import NoBill, Wanted
from cloud.tariffs.contract import TariffFault
from cloud.tariffs.layout import midnight

EXPORTS_AT_ONCE = 2
MANY_MAX = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {
                "example": "kind,id,name,from_local,from_utc,until_local,until_utc,value,unit,coverage,measured,"
                "quality,source,flags\r\nmeter,b3-main,B3 main,2026-11-01T00:00:00.000+08:00,"
                "2026-10-31T16:00:00.000Z,2026-11-02T00:00:00.000+08:00,2026-11-01T16:00:00.000Z,1234.5,kWh,0.998,"
                "1201.25,uncertain,estimated,\r\n"
            },
            XLSX: {},
        }
    }
}
What = Literal["amounts", "bill", "balance", "anomalies"]
Instant = Annotated[str | None, Query(max_length=64)]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def routes(services: Services) -> APIRouter:
    """``/api/v1/energy/export``."""
    router = APIRouter(tags=["energy"])
    features = services.features
    assert features is not None
    exports = asyncio.Semaphore(EXPORTS_AT_ONCE)
    of_reports, tariffs = features.reports_of_energy, features.tariffs

    @router.get("/api/v1/energy/export", response_class=Response, responses=FILES)
    async def export(
        site: Annotated[str, Query(max_length=32)],
        what: Annotated[
            What, Query(description="amounts by step, the bill of a meter, balances, anomalies")
        ] = "amounts",
        meter: Annotated[str, Query(max_length=6000, description="one or more, with commas between; else all")] = "",
        space: Annotated[
            str, Query(max_length=6000, description="amounts: spaces in place of meters; `*` for all")
        ] = "",
        from_: Annotated[
            Instant, Query(alias="from", description="local day (2026-11-01), ms, or ISO 8601 with zone")
        ] = None,
        to: Annotated[Instant, Query(description="not included; now")] = None,
        days: Annotated[
            int | None, Query(ge=1, le=400, description="in place of from: so many days before `to`, whole")
        ] = None,
        step: Annotated[Literal["15m", "1h", "1d", "1mo", "total"], Query(description="by the site's clock")] = "1d",
        answer_format: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "csv",
        language: Annotated[Language, Query(description="of words in cells")] = "en",
        headings: Annotated[bool, Query(description="CSV: words above columns in place of names for programs")] = False,
        bom: Annotated[bool, Query(description="CSV: begins with a byte order mark, as Excel needs it")] = True,
        token: Annotated[str | None, Query(max_length=100, description="one for energy, in place of a header")] = None,
    ) -> Response:
        """A table for Excel, WPS, Grafana or a script. Missing is an empty cell, and never 0.

        Columns of amounts: kind, id, name, from and until (the site's clock and UTC), value, unit, coverage (the known
        part of the time), measured (what of it was), quality, source, flags. A bill has its lines and the total last.
        """
        del token  # the gate has taken it
        check_site(services, site)
        zone = tariffs.billing.zone(site)
        since, until = _period(from_, to, days, zone, services.clock.now_ms())
        check_length(since, until)
        span = Span(site, since, until, zone, language)
        with _faults():
            async with exports:
                sheet = await _sheet(of_reports, services, what, span, _names(meter), _names(space), step)
                if answer_format == "xlsx":
                    if len(sheet.rows) > ROWS_MAX:
                        raise ApiError(422, "too_large", f"more than {ROWS_MAX} rows", "format=csv, or a larger step")
                    body, kind = await asyncio.to_thread(xlsx_of, [sheet]), XLSX
                else:
                    body = await asyncio.to_thread(csv_of, sheet, headings=headings, mark=bom)
                    kind = "text/csv; charset=utf-8"
        named = f"{site}_{what}_{_day_of(since, zone)}_{_day_of(until - 1, zone)}.{answer_format}"
        return Response(body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{named}"'})

    return router


async def _sheet(
    of_reports: ReportFeatures,
    services: Services,
    what: What,
    span: Span,
    meters: list[str],
    spaces: list[str],
    step: Literal["15m", "1h", "1d", "1mo", "total"],
) -> Sheet:
    tables = of_reports.tables
    structure = tables.structure(span.site)
    if what == "balance":
        for name in meters:
            if name not in structure.children:
                raise EnergyFault(f"there is no meter {name[:64]!r} that feeds others")
        return await tables.balances(span, meters)
    if what == "anomalies":
        sheet = await of_reports.maker.anomalies(span)
        rows = [row for row in sheet.rows if row[0] in meters] if meters else sheet.rows
        return Sheet(sheet.name, sheet.columns, rows, sheet.zone)
    if what == "bill":
        if len(meters) != 1:
            raise EnergyFault("a bill is of one meter: meter=")
        assert services.features is not None
        first, last = _date_of(span.since, span.zone), _date_of(span.until - 1, span.zone) + timedelta(days=1)
        bill = await services.features.tariffs.billing.bill(Wanted(span.site, meters[0], first, last))
        return bill_sheet(structure.meter.get(meters[0]), meters[0], bill, span.language)
    if spaces:
        return await tables.amounts(span, spaces_of(structure, [] if spaces == ["*"] else spaces), step)
    return await tables.amounts(span, meters_of(structure, meters), step)


def _names(text: str) -> list[str]:
    found = [name for name in (part.strip() for part in text.split(",")) if name]
    if len(found) > MANY_MAX:
        raise ApiError(422, "bad_request", f"more than {MANY_MAX} names", "without any all are given")
    return list(dict.fromkeys(found))


def _period(from_: str | None, to: str | None, days: int | None, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """Bounds by the site's clock; by default the last 30 days, whole."""
    ends = _instant(to, zone)
    if from_:
        return parse_period(_instant(from_, zone), ends, now)
    until = parse_period(None, ends, now)[1] if ends else now
    last = _date_of(until - 1, zone)
    return midnight(last - timedelta(days=(days or 30) - 1), zone), until


def _instant(text: str | None, zone: ZoneInfo) -> str | None:
    """A local day as the instant it begins; anything else as it is."""
    if text is None or not _DAY.fullmatch(text.strip()):
        return text
    try:
        return str(midnight(date.fromisoformat(text.strip()), zone))
    except (ValueError, OverflowError):
        return text


def _date_of(at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date()


def _day_of(at: int, zone: ZoneInfo) -> str:
    return _date_of(at, zone).isoformat()


@contextmanager
def _faults() -> Iterator[None]:
    """What cannot be worked out is the asker's to know."""
    try:
        yield
    except (EnergyFault, NoBill, TariffFault) as fault:
        raise ApiError(422, "energy", str(fault)) from None
