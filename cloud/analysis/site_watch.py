"""Keeps what is odd at each site: worked out beside the event loop, meter by meter, and kept for whoever asks next."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from cloud.analysis.judgements import Judgements
from cloud.analysis.local_series import localised
from cloud.analysis.meter_changes import EVENTS, meter_change
from cloud.analysis.one_cause import by_cause
from cloud.analysis.site_findings import Episode, Finding, Priced, findings_of, in_order
from cloud.energy.balance import Balance
from cloud.energy.contract import MICRO, UNITS, EnergyFault, Intervals, RegisterEvent
from cloud.energy.structure import Structure
from cloud.energy.suspects import Suspect
from cloud.registry.energy_book import Record, StoredStructure
from cloud.tariffs.billing import Billing
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.layout import midnight
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

DAYS = 42
"""Weeks, not years: seasons would look like steps."""

BALANCE_DAYS = 7
GAP_LEAST = 0.05
FRESH_S = 900.0


class Amounts(Protocol):
    """``cloud.energy.feature.Energy``."""

    def structure(self, site: str) -> StoredStructure: ...

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None: ...

    async def balance(self, site: str, meter: str, since: int, until: int) -> tuple[Balance, list[Suspect]]: ...

    async def events(
        self, site: str, kinds: Sequence[str], since: int
    ) -> list[tuple[str, tuple[RegisterEvent, ...]]]: ...

    async def records(self, site: str, meter: str) -> list[Record]: ...


@dataclass(slots=True)
class SiteFindings:
    """All of a site. ``as_of``: when it was worked out (ms); since, until: which time it is of; left_out: meters that
    could not be looked at, and why; done, of: meters, while it is worked out for the first time."""

    as_of: int
    since: int
    until: int
    found: list[Finding]
    left_out: dict[str, str]
    done: int
    of: int
    ready: bool = False
    """Before it is, there is nothing in ``found``: a cause may show only when all meters were looked at."""


class SiteWatch:
    """``of`` answers at once with what is kept; ``run`` works out what was asked for; ``now`` waits for it."""

    def __init__(
        self, amounts: Amounts, billing: Billing, desk: TariffDesk, judgements: Judgements, clock: Clock
    ) -> None:
        self._amounts, self._billing, self._desk, self._clock = amounts, billing, desk, clock
        self._judgements = judgements
        self._kept: dict[str, SiteFindings] = {}
        self._at: dict[str, float] = {}
        self._wanted: dict[str, None] = {}
        self._asked = asyncio.Event()
        self._order = asyncio.Lock()

    def of(self, site: str) -> SiteFindings:
        """What is known of a site now; when that is old or nothing, it is worked out for who asks next."""
        kept = self._kept.get(site)
        if kept is None or self._is_old(site):
            self._wanted.setdefault(site)
            self._asked.set()
        return kept or SiteFindings(self._clock.now_ms(), 0, 0, [], {}, 0, -1)

    async def now(self, site: str) -> SiteFindings:
        """Of a site, worked out for this unless what is kept is fresh. Raises StoreUnavailable."""
        if site in self._kept and not self._is_old(site):
            return self._kept[site]
        async with self._order:
            kept = self._kept.get(site)
            return kept if kept is not None and not self._is_old(site) else await self._work_out(site)

    def _is_old(self, site: str) -> bool:
        return site not in self._at or self._clock.monotonic() - self._at[site] >= FRESH_S

    def forget(self, site: str) -> None:
        """What is kept of a site is no longer true: somebody corrected something."""
        self._at.pop(site, None)

    def tasks(self) -> list[tuple[str, Coroutine[None, None, None]]]:
        return [("anomalies of sites", self.run())]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._wanted:
                site = next(iter(self._wanted))
                del self._wanted[site]
                try:
                    await self.now(site)
                except StoreUnavailable as error:
                    log.warning("anomalies of %s were not looked for: %s", site, error)

    async def _work_out(self, site: str) -> SiteFindings:
        """Look at every meter of a site now. Raises StoreUnavailable."""
        structure = self._amounts.structure(site).structure
        zone, now = self._billing.zone(site), self._clock.now_ms()
        today = datetime.fromtimestamp(now / 1000, zone).date()
        first, last = today - timedelta(days=DAYS), today + timedelta(days=1)
        meters = [each.id for each in structure.meters if each.reads != "virtual"]
        since, until = midnight(first, zone), midnight(last, zone)
        new = SiteFindings(now, since, until, [], {}, 0, len(meters))
        if site not in self._kept:
            self._kept[site] = new
        found: list[Finding] = []
        for name in meters:
            try:
                found += await self._meter(site, structure, name, first, last, now)
            except EnergyFault as fault:
                new.left_out[name] = str(fault)
            new.done += 1
        found += await self._gaps(site, structure, today, now)
        found += await self._changes(site, structure, since)
        new.found = in_order(by_cause(found, structure))
        await self._judgements.review(site, new.found, now)
        new.ready = True
        self._kept[site], self._at[site] = new, self._clock.monotonic()
        return new

    async def _meter(
        self, site: str, structure: Structure, name: str, first: date, last: date, now: int
    ) -> list[Finding]:
        zone, table, meter = self._billing.zone(site), self._billing.table(site), structure.meter[name]
        intervals = await self._amounts.intervals(site, name, midnight(first, zone), midnight(last, zone))
        if intervals is None:
            return []
        use = self._desk.use_of(site, name) or self._use_of_feeding(site, structure, name)
        known = self._desk.find(site, use) if isinstance(use, str) else use and self._desk.find(site, use.tariff)
        tariff = known.tariff if known else None
        priced = Priced(tariff, table, "" if tariff else "the meter is billed by no tariff")

        def look() -> list[Finding]:
            series = localised(intervals, zone, table)
            return findings_of(meter, UNITS[meter.medium], series, intervals, priced, zone, now)

        return await asyncio.to_thread(look)

    async def _changes(self, site: str, structure: Structure, since: int) -> list[Finding]:
        """Meters that were changed."""
        by_meter: dict[str, list[RegisterEvent]] = {}
        for name, events in await self._amounts.events(site, EVENTS, since):
            by_meter.setdefault(name, []).extend(each for each in events if each.kind in EVENTS and each.at >= since)
        found, zone = [], self._billing.zone(site)
        for name, mine in by_meter.items():
            meter = structure.meter.get(name)
            if meter is None or not mine:
                continue
            day = datetime.fromtimestamp(max(each.at for each in mine) / 1000, zone).date()
            begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
            intervals = await self._amounts.intervals(site, name, begins, ends)
            records = [each for each in await self._amounts.records(site, name) if each.revoked_at is None]
            if intervals is not None:
                found.append(meter_change(name, UNITS[meter.medium], mine, records, intervals))
        return found

    def _use_of_feeding(self, site: str, structure: Structure, name: str) -> str | None:
        """What a circuit wastes is paid by the tariff of the meter that it is fed through."""
        for above in structure.feeding(structure.meter[name]):
            use = self._desk.use_of(site, above)
            if use is not None:
                return use.tariff
        return None

    async def _gaps(self, site: str, structure: Structure, today: date, now: int) -> list[Finding]:
        zone, found = self._billing.zone(site), []
        since, until = midnight(today - timedelta(days=BALANCE_DAYS), zone), midnight(today, zone)
        for parent in structure.children:
            try:
                balance, suspects = await self._amounts.balance(site, parent, since, until)
            except EnergyFault:
                continue
            if not balance.significant or balance.verdict == "too_little_known":
                continue
            # What a building uses without a meter of its own is a rest, and no fault; the alarm has the same limit.
            if balance.gap >= 0 and not any(each.certain for each in suspects) and abs(balance.share or 0) <= GAP_LEAST:
                continue
            facts: dict[str, float | str | None] = {
                "gap": balance.gap / MICRO,
                "gap_share": balance.share,
                "two_u": 2 * balance.uncertainty / MICRO,
                "verdict": balance.verdict,
            }
            if suspects:
                facts |= {"suspect": suspects[0].meter, "fault": suspects[0].fault, "factor": suspects[0].factor}
            gap = Finding(parent, "balance_gap", UNITS[structure.meter[parent].medium], facts, times=1)
            gap.kwh = balance.gap / MICRO
            gap.episodes.append(Episode(since, until, gap.kwh, None))
            found.append(gap)
        return found
