"""The wiring of what people do with energy: closed periods, hand readings, indices, alarms; of ``cloud.features``."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from cloud.alarms.board import AlarmBoard
from cloud.analysis.anomalies import frozen
from cloud.analysis.anomaly import AnomalyRules
from cloud.analysis.local_series import localised
from cloud.analysis.typical_day import expected
from cloud.assets.calendar import SiteCalendar
from cloud.energy.closing import Closing
from cloud.energy.contract import UNITS, Intervals
from cloud.energy.feature import Energy
from cloud.energy.pages import Total
from cloud.energy.sightings import Sightings
from cloud.energy.structure import Meter, Structure
from cloud.energy.watch import Demand, EnergyWatch, Judges, QuotaAhead
from cloud.features_tariffs import TariffFeatures
from cloud.registry.database import Database
from cloud.registry.energy_basis_book import EnergyBasisBook
from cloud.registry.energy_days_book import EnergyDaysBook
from cloud.registry.energy_ledger_book import EnergyLedgerBook
from cloud.registry.energy_sightings_book import EnergySightingsBook
from cloud.tariffs.demand_limits import demand_limits
from cloud.tariffs.index_desk import IndexDesk
from cloud.tariffs.layout import midnight
from cloud.tariffs.max_demand import max_demand
from cloud.tariffs.snapshot import Snapshot
from protocols.clock import Clock

STILL_MS = 3_600_000
"""A register is frozen when it is until now, or nearly."""


class _Amounts:
    """Energy as indices ask for it."""

    def __init__(self, energy: Energy) -> None:
        self._energy = energy

    async def totals(self, site: str, meters: Sequence[Meter], since: int, until: int) -> Mapping[str, Total]:
        return (await self._energy.used(site, meters, since, until)).meters

    def shape(self, site: str) -> Structure:
        return self._energy.structure(site).structure


class EnergyDesk:
    """All of it, for one collector. ``open`` after energy and tariffs."""

    def __init__(
        self,
        database: Database,
        energy: Energy,
        tariffs: TariffFeatures,
        calendar: SiteCalendar,
        alarms: AlarmBoard,
        clock: Clock,
    ) -> None:
        self._energy, self._tariffs, self._calendar, self._clock = energy, tariffs, calendar, clock
        snapshots = Snapshot(tariffs.desk, tariffs.billing)
        self.closing = Closing(energy, EnergyLedgerBook(database), snapshots, calendar, alarms, clock)
        self.sightings = Sightings(energy, EnergySightingsBook(database), clock)
        self.indices = IndexDesk(EnergyBasisBook(database), tariffs.desk, _Amounts(energy), calendar, clock)
        judges = Judges(self._frozen, self._demands, self._quotas)
        self.watch = EnergyWatch(energy, EnergyDaysBook(database), calendar, judges, alarms, clock)

    async def open(self) -> None:
        """Read what was written down."""
        await self.closing.open()
        await self.indices.open()

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "closed periods of energy", self.closing.run()
        yield "alarms of energy", self.watch.run()

    def _today(self, site: str) -> date:
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        return now.astimezone(self._calendar.zone(site)).date()

    async def _frozen(self, site: str, intervals: Intervals) -> tuple[int, float] | None:
        zone, days = self._calendar.zone(site), self._tariffs.billing.table(site)

        def find() -> tuple[int, float] | None:
            series = localised(intervals, zone, days)
            last = max(frozen(series, AnomalyRules(), expected(series)), key=lambda each: each.until, default=None)
            if last is None or last.until < intervals.end - STILL_MS:
                return None
            return last.since, (last.until - last.since) / 3_600_000

        return await asyncio.to_thread(find)

    async def _demands(self, site: str) -> list[Demand]:
        found = []
        zone = self._calendar.zone(site)
        for limit in demand_limits(self._tariffs.desk, site, self._today(site)):
            since = midnight(limit.since, zone)
            intervals = await self._energy.intervals(site, limit.meter, since, self._clock.now_ms())
            if intervals is None:
                continue
            peak = max_demand(intervals, zone, limit.window_min, "sliding" if limit.sliding else "fixed")
            kw = None if peak.kw is None else float(peak.kw)
            found.append(Demand(limit.meter, kw, peak.since, float(limit.contracted), float(limit.over)))
        return found

    async def _quotas(self, site: str) -> list[QuotaAhead]:
        found = []
        for each in await self.indices.quotas(site, self._today(site).year):
            quota, state, unit = each.quota, each.state, UNITS[each.quota.medium]
            if state is None:
                continue
            found.append(
                QuotaAhead(
                    quota.of,
                    f"{each.name} {quota.medium}".strip() if quota.medium != "electricity" else each.name,
                    quota.year,
                    state.state != "within",
                    f"{state.used:,.0f} {unit}",
                    f"{quota.limit:,.0f} {unit}",
                    float(state.share),
                    float(state.expected),
                    "?" if state.forecast is None else f"{state.forecast:,.0f} {unit}",
                )
            )
        return found
