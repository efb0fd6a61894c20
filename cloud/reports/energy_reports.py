"""Writes the energy reports of sites by their plans, and those that were missed while the collector was off."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from cloud.registry.report_book import ReportBook, StoredPlan
from cloud.reports.plan import Period, Plan, due, due_at, next_at
from cloud.reports.report import ReportMaker
from cloud.reports.shelf import Shelf
from protocols.alive import stop_if_cancelled
from protocols.clock import Clock
from protocols.errors import Permanent, StoreUnavailable

log = logging.getLogger(__name__)

FIRST_AFTER_S = 180.0
"""What was read while the collector was off comes in first."""

EVERY_S = 300.0
LATE_MS = 3_600_000


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    """As it is stored. first: the day from which on reports are wanted."""

    plan: Plan
    first: str


class Known(NamedTuple):
    """The plan of a site. ``first``: reports of what ended before that day are not caught up."""

    plan: Plan
    first: date
    rev: int
    changed_at: int
    changed_by: str


class EnergyReports:
    """``open`` first; ``tasks`` write what is due."""

    def __init__(self, maker: ReportMaker, book: ReportBook, shelf: Shelf, clock: Clock) -> None:
        self.shelf, self._maker, self._book, self._clock = shelf, maker, book, clock
        self._plans: dict[str, Known] = {}
        self._order = asyncio.Lock()
        self.failing: dict[str, str] = {}
        """Site -> why its reports cannot be written now."""

    async def open(self) -> None:
        """Read what was written down."""
        for stored in await self._book.all():
            try:
                self._take(stored)
            except (msgspec.DecodeError, ValueError) as error:
                log.error("the report plan of %s cannot be read and is left out: %s", stored.site, error)

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "energy reports", self.run()

    def plan(self, site: str) -> Known:
        """That of a site; one that wants nothing, of revision 0, when nobody made any."""
        return self._plans.get(site) or Known(Plan(), date.min, 0, 0, "")

    def next_at(self, site: str) -> int | None:
        """When the next report of a site is written (ms)."""
        return next_at(self.plan(site).plan, self._clock.now_ms(), self._maker.zone(site))

    async def put_plan(self, site: str, plan: Plan, *, rev: int | None, by: str) -> Known:
        """Raises ``cloud.registry.tariff_book.Changed`` when it is not at ``rev`` any more."""
        before = self.plan(site)
        wanted_before = before.plan.daily or before.plan.weekly or before.plan.monthly
        today = datetime.fromtimestamp(self._clock.now_ms() / 1000, self._maker.zone(site)).date()
        first = before.first if wanted_before else today
        body = msgspec.json.encode(_Body(plan=plan, first=first.isoformat())).decode()
        self._take(await self._book.put(StoredPlan(site, 0, self._clock.now_ms(), by, body), rev))
        return self._plans[site]

    def _take(self, stored: StoredPlan) -> None:
        body = msgspec.json.decode(stored.body, type=_Body)
        first = date.fromisoformat(body.first)
        self._plans[stored.site] = Known(body.plan, first, stored.rev, stored.changed_at, stored.changed_by)

    async def run(self) -> None:
        """Until cancelled."""
        await self._clock.sleep(FIRST_AFTER_S)
        while True:
            try:
                await self.round()
            except StoreUnavailable as error:
                log.warning("energy reports wait: %s", error)
            except Exception:  # task top: a report that cannot be written stops nothing else
                log.exception("writing energy reports failed; it is tried again")
                stop_if_cancelled()
            await self._clock.sleep(EVERY_S)

    async def round(self) -> list[tuple[str, Period]]:
        """Write all that is due and not there, take away what is too old; what was written."""
        written = []
        for site, known in list(self._plans.items()):
            now, zone = self._clock.now_ms(), self._maker.zone(site)
            for period in due(known.plan, now, zone, known.first):
                if await asyncio.to_thread(self.shelf.has, site, period):
                    continue
                if not await self._try(site, period, known.plan, zone):
                    break
                written.append((site, period))
            if known.plan.keep_days is not None:
                oldest = datetime.fromtimestamp(now / 1000, UTC).date() - timedelta(days=known.plan.keep_days)
                await asyncio.to_thread(self.shelf.forget_before, site, oldest)
        return written

    async def _try(self, site: str, period: Period, plan: Plan, zone: ZoneInfo) -> bool:
        try:
            await self.write(site, period, plan, late=self._clock.now_ms() - due_at(period, plan, zone) > LATE_MS)
        except (OSError, Permanent) as error:
            if self.failing.get(site) != str(error):
                log.error("the report %s of %s was not written: %s", period.name, site, error)
            self.failing[site] = str(error)
            return False
        self.failing.pop(site, None)
        return True

    async def write(self, site: str, period: Period, plan: Plan, *, late: bool = False) -> None:
        """Write a report now, in place of the one there is. Raises OSError, Permanent, StoreUnavailable."""
        async with self._order:
            files = await self._maker.make(site, period, plan.language, self._clock.now_ms(), late=late)
            await asyncio.to_thread(self.shelf.put, site, period, files)
