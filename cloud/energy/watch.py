"""What somebody must act on: looks at days at rest and raises one alarm for each meter and cause, or ends it.

Every alarm follows from what is at rest, so that a record, a correction or late data that explains it ends it, too.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import numpy as np

from cloud.energy.calendar import SiteDays
from cloud.energy.contract import MICRO, UNITS, EnergyFault, Intervals, RegisterEvent, Source
from cloud.energy.days import DAY_MS
from cloud.energy.feature import Energy
from cloud.energy.intervals import floor
from cloud.energy.structure import Meter, Structure
from cloud.energy.suspects import Suspect
from cloud.registry.energy_days_book import EnergyDaysBook
from protocols.alive import stop_if_cancelled
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 900.0
FIRST_AFTER_S = 180.0
SLOW_EVERY = 12
"""Every so many looks also what needs weeks of every meter: frozen registers and balances."""
MISSING_MS = 2 * 3_600_000
EVENTS_BACK_MS = 400 * DAY_MS
HISTORY_MS = 28 * DAY_MS
BALANCE_DAYS = 7
GAP_LEAST = 0.05
DEMAND_FROM = 0.9
EVENTS: dict[str, str] = {
    "reset": "energy_reset",
    "suspect": "energy_suspect",
    "record_conflict": "energy_record_conflict",
}
FAULTS: dict[str, tuple[str, str]] = {
    "double_counted": ("is counted twice, or not fed by this meter", "可能重复计入或不由本表供电"),
    "multiplier": ("has a wrong multiplier", "倍率可能有误"),
    "reversed": ("has reversed current transformers", "互感器可能接反"),
    "share_unmetered": ("feeds a share that nobody measures", "有一部分负荷未装表"),
    "base_load": ("feeds a constant load that nobody measures", "有固定负荷未装表"),
}

ArgValue = str | int | float | bool | None


class Alarms(Protocol):
    """``cloud.alarms.board.AlarmBoard``."""

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, ArgValue]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class Demand(NamedTuple):
    """The highest demand of a meter's billing period, against what was agreed on; ``kw`` None when none is known."""

    meter: str
    kw: float | None
    at: int | None
    contracted: float
    over: float


class QuotaAhead(NamedTuple):
    """A quota of a thing (``space:b3``); ``ahead``: more was used than is on schedule."""

    of: str
    name: str
    year: int
    ahead: bool
    used: str
    limit: str
    share: float
    expected: float
    forecast: str


class Judges(NamedTuple):
    """What others find out; the watch asks them."""

    frozen: Callable[[str, Intervals], Awaitable[tuple[int, float] | None]]
    """Since when, and for how many hours, the last intervals are all the same where like days are not."""
    demands: Callable[[str], Awaitable[Iterable[Demand]]]
    quotas: Callable[[str], Awaitable[Iterable[QuotaAhead]]]


class EnergyWatch:
    """``look`` does what there is to do for every site; ``run`` does so for ever."""

    def __init__(
        self, energy: Energy, days: EnergyDaysBook, calendar: SiteDays, judges: Judges, alarms: Alarms, clock: Clock
    ) -> None:
        self._energy, self._days, self._calendar = energy, days, calendar
        self._judges, self._alarms, self._clock = judges, alarms, clock
        self._looks = 0

    async def run(self) -> None:
        """Until cancelled."""
        await self._clock.sleep(FIRST_AFTER_S)
        while True:
            try:
                await self.look(slow=self._looks % SLOW_EVERY == 0)
                self._looks += 1
            except StoreUnavailable as error:
                log.warning("alarms of energy wait for the registry: %s", error)
            except Exception:  # task top: the next look does it again
                log.exception("a look for alarms of energy failed")
                stop_if_cancelled()
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self, *, slow: bool) -> None:
        """Raise and end alarms of every site. Raises StoreUnavailable."""
        for site in self._energy.sites():
            structure = self._energy.structure(site).structure
            self._faults(site, structure)
            await self._events(site, structure)
            for meter in structure.meters:
                if meter.reads in ("counter", "power"):
                    await self._readings(site, meter, slow=slow)
            for demand in await self._judges.demands(site):
                self._demand(site, structure, demand)
            for quota in await self._judges.quotas(site):
                self._quota(site, quota)
            if slow:
                await self._balances(site, structure)

    # --- one meter ---

    def _faults(self, site: str, structure: Structure) -> None:
        for meter in structure.meters:
            why = self._energy.reckoner.faults.get((site, meter.id))
            self._set("energy_cannot_count", site, meter.id, None if why is None else {"name": meter.name, "why": why})

    async def _events(self, site: str, structure: Structure) -> None:
        """What a register did and nobody explained; of several the last, with their number."""
        found: dict[tuple[str, str], list[RegisterEvent]] = {}
        since = self._clock.now_ms() - EVENTS_BACK_MS
        for name, events in await self._days.events(site, list(EVENTS), since):
            for event in events:
                if event.kind in EVENTS:
                    found.setdefault((name, event.kind), []).append(event)
        for meter in structure.meters:
            for kind, alarm in EVENTS.items():
                mine = found.get((meter.id, kind), [])
                last = max(mine, key=lambda each: each.at, default=None)
                args: Mapping[str, ArgValue] | None = None
                if last is not None:
                    args = {
                        "name": meter.name,
                        "at": self._text(site, last.at),
                        "before": str(last.before),
                        "after": str(last.after),
                        "amount": f"{last.micro / MICRO:,.2f} {UNITS[meter.medium]}",
                        "count": len(mine),
                    }
                self._set(alarm, site, meter.id, args)

    async def _readings(self, site: str, meter: Meter, *, slow: bool) -> None:
        reach = await self._days.reach(site, meter.id)
        if reach is None:
            return  # never read yet: that is commissioning
        now = self._clock.now_ms()
        back = HISTORY_MS if slow else 2 * DAY_MS
        intervals = await self._energy.intervals(site, meter.id, floor(now) - back, now)
        assert intervals is not None
        known = np.flatnonzero(intervals.source != Source.MISSING)
        last = reach[1] if not len(known) else int(intervals.starts[known[-1]] + intervals.covered_ms[known[-1]])
        silent = now - last
        args: Mapping[str, ArgValue] | None = None
        if silent > MISSING_MS:
            args = {"name": meter.name, "since": self._text(site, last), "hours": int(silent / 3_600_000)}
        self._set("energy_missing", site, meter.id, args)
        if slow:
            frozen = await self._judges.frozen(site, intervals) if args is None else None
            args = None
            if frozen is not None:
                args = {"name": meter.name, "since": self._text(site, frozen[0]), "hours": int(frozen[1])}
            self._set("energy_frozen", site, meter.id, args)

    def _demand(self, site: str, structure: Structure, demand: Demand) -> None:
        meter = structure.meter.get(demand.meter)
        args: Mapping[str, ArgValue] | None = None
        if demand.kw is not None and demand.at is not None and demand.kw >= DEMAND_FROM * demand.contracted:
            args = {
                "name": meter.name if meter is not None else demand.meter,
                "kw": f"{demand.kw:,.1f}",
                "at": self._text(site, demand.at),
                "share": f"{demand.kw / demand.contracted:.0%}",
                "contracted": f"{demand.contracted:,.0f}",
                "over": f"{demand.over:,.0f}",
            }
        self._set("energy_demand_near", site, demand.meter, args)

    # --- more than one meter ---

    async def _balances(self, site: str, structure: Structure) -> None:
        """The last whole week of each meter that feeds others."""
        until = self._calendar.day_of(site, self._clock.now_ms())[0]
        since = self._calendar.day_of(site, until - BALANCE_DAYS * DAY_MS)[0]
        for name in structure.children:
            try:
                found, suspects = await self._energy.balance(site, name, since, until)
            except EnergyFault as fault:
                log.info("balance of %s/%s: %s", site, name, fault)
                continue
            if found.verdict == "too_little_known":
                continue  # what was said of it before still holds
            meter = structure.meter[name]
            is_open = found.significant and found.share is not None and abs(found.share) > GAP_LEAST
            args: Mapping[str, ArgValue] | None = None
            if is_open:
                unit = UNITS[meter.medium]
                en, zh = _suspect(structure, suspects)
                args = {
                    "name": meter.name,
                    "gap": f"{found.gap / MICRO:+,.1f} {unit}",
                    "share": f"{found.share:+.1%}",
                    "uncertainty": f"{2 * found.uncertainty / MICRO:,.1f} {unit}",
                    "period": f"{self._text(site, since)[:5]} – {self._text(site, until - 1)[:5]}",
                    "limit": f"{GAP_LEAST:.0%}",
                    "suspect": en,
                    "suspect_zh": zh,
                }
            self._set("energy_balance_gap", site, name, args)

    def _quota(self, site: str, quota: QuotaAhead) -> None:
        args: Mapping[str, ArgValue] | None = None
        if quota.ahead:
            args = {
                "name": quota.name or site,
                "year": quota.year,
                "used": quota.used,
                "limit": quota.limit,
                "share": f"{quota.share:.1%}",
                "expected": f"{quota.expected:.1%}",
                "forecast": quota.forecast,
            }
        self._put("energy_quota_ahead", site if quota.of == "site" else f"{site}/{quota.of}", args)

    # --- raising ---

    def _set(self, kind: str, site: str, meter: str, args: Mapping[str, ArgValue] | None) -> None:
        self._put(kind, f"{site}/meter:{meter}", args)

    def _put(self, kind: str, source: str, args: Mapping[str, ArgValue] | None) -> None:
        """Raise, or end with None."""
        if args is None:
            self._alarms.clear_alarm(kind, source)
        else:
            self._alarms.raise_alarm(kind, source, args)

    def _text(self, site: str, at: int) -> str:
        """``09-22 14:15`` by the site's clock."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self._calendar.zone(site)).strftime("%m-%d %H:%M")


def _suspect(structure: Structure, suspects: Iterable[Suspect]) -> tuple[str, str]:
    """What may explain a gap, in both languages; empty when nothing does."""
    for each in suspects:
        words = FAULTS.get(each.fault)
        if words is not None:
            name = structure.meter[each.meter].name
            sure = ("It seems that", "看来") if each.certain else ("Perhaps", "也许")
            return f"{sure[0]} {name} {words[0]}.", f"{sure[1]}“{name}”{words[1]}。"
    return "", ""
