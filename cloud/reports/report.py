"""One energy report: what a site used in a period, by space, meter and day, its bills, balance and what was odd."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.analysis.site_findings import Finding
from cloud.analysis.site_watch import SiteFindings
from cloud.energy.buckets import Step
from cloud.energy.contract import EnergyFault
from cloud.reports.energy_tables import EnergyTables, Span, Thing, bill_sheet, meters_of, spaces_of
from cloud.reports.plan import Period
from cloud.reports.words import Language, columns, word
from cloud.sheets.contract import Column, Sheet
from cloud.sheets.csv_sheet import csv_of
from cloud.sheets.xlsx_writing import ROWS_MAX, xlsx_of
from cloud.tariffs.billing import Billing, NoBill, Wanted
from cloud.tariffs.contract import TariffFault
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.layout import midnight

ANOMALIES = "meter name kind from until kwh unit amount currency note facts"
STEPS: dict[str, Step] = {"daily": "1h", "weekly": "1d", "monthly": "1d"}


class Watch(Protocol):
    """``cloud.analysis.site_watch.SiteWatch``."""

    async def now(self, site: str) -> SiteFindings: ...


class ReportMaker:
    """Makes the files of a report; writes nothing."""

    def __init__(self, tables: EnergyTables, billing: Billing, desk: TariffDesk, watch: Watch) -> None:
        self.tables, self._billing, self._desk, self._watch = tables, billing, desk, watch

    def zone(self, site: str) -> ZoneInfo:
        return self._billing.zone(site)

    async def make(
        self, site: str, period: Period, language: Language, now: int, *, late: bool = False
    ) -> dict[str, bytes]:
        """By ending: all sheets as XLSX, meters by step as CSV. Raises EnergyFault, StoreUnavailable."""
        zone, step = self.zone(site), STEPS[period.kind]
        span = Span(site, midnight(period.since, zone), midnight(period.until, zone), zone, language)
        structure = self.tables.structure(site)
        whole = await self.tables.amounts(span, meters_of(structure), step)
        spaces = spaces_of(structure)
        sums = await self.tables.amounts(span, meters_of(structure), "total")
        top = self._whole_site(site, spaces, language)
        sheets = [
            await self.tables.amounts(span, spaces, "total"),
            sums,
            _named(await self.tables.amounts(span, top, step), "days" if step == "1d" else "hours", language),
            await self.tables.balances(span),
            await self.anomalies(span),
        ]
        notes = [] if not late else ["the collector did not run when this was due"]
        if period.kind == "monthly":
            bills, unbilled = await self._bills(site, period, language)
            sheets, notes = [*sheets, *bills], [*notes, *unbilled]
        if sum(len(sheet.rows) for sheet in [*sheets, whole]) < ROWS_MAX:
            sheets.append(_named(whole, "amounts", language))
        about = self._about(site, period, now, notes, language)
        return {
            "xlsx": await asyncio.to_thread(xlsx_of, [about, *sheets]),
            "csv": await asyncio.to_thread(csv_of, whole),
        }

    def _whole_site(self, site: str, spaces: Sequence[Thing], language: Language) -> list[Thing]:
        meters = tuple(each.id for each in self.tables.structure(site).counted("electricity"))
        return [Thing("space", site, word("site", language), "kWh", meters)] if meters else list(spaces)

    async def anomalies(self, span: Span) -> Sheet:
        """What was odd in a time, one row for each time it was. What is known reaches back some weeks."""
        found = await self._watch.now(span.site)
        structure = self.tables.structure(span.site)
        names = {meter.id: meter.name for meter in structure.meters}
        rows: list[list[object]] = []
        for one in found.found:
            tariff = self._desk.use_of(span.site, one.meter)
            known = self._desk.find(span.site, tariff.tariff) if tariff is not None else None
            for each in one.episodes:
                if each.since < span.until and each.until > span.since:
                    currency = known.tariff.currency if known is not None else None
                    said: list[object] = [one.meter, names.get(one.meter, one.meter), word(one.kind, span.language)]
                    said += [each.since, each.until, round(each.kwh, 3), one.unit, each.amount]
                    rows.append([*said, currency if each.amount is not None else None, one.note, _facts(one)])
        return Sheet(word("anomalies", span.language), columns(ANOMALIES, span.language), rows, span.zone.key)

    async def _bills(self, site: str, period: Period, language: Language) -> tuple[list[Sheet], list[str]]:
        structure = self.tables.structure(site)
        sheets, notes = [], []
        for use in self._desk.uses(site):
            try:
                bill = await self._billing.bill(Wanted(site, use.meter, period.since, period.until))
            except (NoBill, TariffFault, EnergyFault) as error:
                notes.append(f"{use.meter}: {error}")
                continue
            sheet = bill_sheet(structure.meter.get(use.meter), use.meter, bill, language)
            sheets.append(Sheet(f"{sheet.name} {use.meter}", sheet.columns, sheet.rows))
        return sheets, notes

    def _about(self, site: str, period: Period, now: int, notes: Sequence[str], language: Language) -> Sheet:
        made = datetime.fromtimestamp(now / 1000, UTC).astimezone(self.zone(site))
        said = [
            ("site", site),
            ("period", f"{period.since} – {period.until}"),
            ("zone", self.zone(site).key),
            ("made", made.isoformat(timespec="minutes")),
            *(("late", note) for note in notes),
        ]
        heads = [Column("what", word("what", language)), Column("said", word("said", language))]
        return Sheet(word("about", language), heads, [[word(name, language), text] for name, text in said])


def _named(sheet: Sheet, name: str, language: Language) -> Sheet:
    return Sheet(word(name, language), sheet.columns, sheet.rows, sheet.zone)


def _facts(one: Finding) -> str:
    return ", ".join(
        f"{name} {round(value, 3) if isinstance(value, float) else value}"
        for name, value in one.facts.items()
        if value is not None
    )
