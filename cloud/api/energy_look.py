"""A look at a day of a site: all that an answer about it is made of, read once, and worked out from that."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from cloud.analysis.day_so_far import SoFar, so_far
from cloud.analysis.local_series import LocalSeries, beside, localised
from cloud.analysis.typical_day import Typical, typical_day
from cloud.api.energy_targets import Target, buildings, settled, target, units
from cloud.energy.contract import BASE_MS, Intervals
from cloud.energy.feature import Energy, Used
from cloud.energy.pages import Total, add, total_of
from cloud.energy.site_load import Asked, SiteLoad
from cloud.energy.structure import Meter, Structure
from cloud.registry.tariff_book import TariffUse
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.billing import Billing
from cloud.tariffs.contract import Bill, DayKind, TariffFault
from cloud.tariffs.days import DayTable
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.layout import midnight
from cloud.tariffs.tariff import Tariff

PAST_DAYS = 42
"""Enough for eight days of a kind, weekends too; and for the month up to the day."""
By = Literal["space", "unit"]


class Shape(NamedTuple):
    """A target on the day: its total up to now, beside what such a day is like."""

    intervals: Intervals
    past: Intervals
    total: Total
    series: LocalSeries
    before: LocalSeries
    typical: Typical
    so_far: SoFar


class Moment(NamedTuple):
    """The day that is asked for. over: how many of its quarters are over."""

    day: date
    since: int
    end: int
    over: int
    kind: DayKind

    @property
    def until(self) -> int:
        """How far it is over."""
        return self.since + self.over * BASE_MS


class Prices:
    """What meters' energy of the day costs. Each meter is priced once by a tariff, whoever asks."""

    def __init__(
        self,
        uses: Mapping[str, TariffUse],
        tariffs: Mapping[str, Tariff],
        used: Mapping[str, Intervals],
        days: tuple[DayTable, ZoneInfo, date],
    ) -> None:
        self.uses, self.tariffs, self.used = uses, tariffs, used
        self.table, self.zone, self.day = days
        self._made: dict[tuple[str, str], Bill | TariffFault] = {}

    def bill(self, meter: str, tariff: Tariff) -> Bill:
        """Energy, surcharges and tax of the day. Raises TariffFault where it has no bands or prices."""
        key = (meter, tariff.id)
        if key not in self._made:
            try:
                until = self.day + timedelta(days=1)
                self._made[key] = make_bill(Metered(self.used[meter]), tariff, self.table, self.zone, self.day, until)
            except TariffFault as fault:
                self._made[key] = fault
        found = self._made[key]
        if isinstance(found, TariffFault):
            raise found
        return found

    def of(self, meter: Meter, structure: Structure) -> Tariff | None:
        """The tariff of the meter itself, or of the nearest that feeds it."""
        for name in (meter.id, *structure.feeding(meter)):
            use = self.uses.get(name)
            if use is not None and use.tariff in self.tariffs:
                return self.tariffs[use.tariff]
        return None


class Look(NamedTuple):
    """What was read of a site for one answer, and what is typical of it. ``used``: of each meter of the medium."""

    site: str
    medium: str
    structure: Structure
    zone: ZoneInfo
    table: DayTable
    moment: Moment
    whole: Target
    parts: tuple[Target, ...]
    shapes: Mapping[str, Shape]
    """By the target's id; of the whole site ``""``."""
    used: Used
    prices: Prices

    @property
    def shape(self) -> Shape:
        return self.shapes[""]


class Looks:
    """Makes them; keeps what several meters used in memory (``SiteLoad``)."""

    def __init__(self, energy: Energy, billing: Billing, desk: TariffDesk) -> None:
        self._energy, self._billing, self._desk = energy, billing, desk
        self._load = SiteLoad(energy)
        energy.reckoner.watchers.append(self._load.redone)

    async def at(self, site: str, day: date, medium: str, by: By, now: int) -> Look:
        """A day of the site with its buildings, or units, that have meters of the medium."""
        structure, rev = self._energy.structure(site)
        zone, table = self._billing.zone(site), self._billing.table(site)
        whole = target(structure, "", medium)
        chosen = buildings(structure, medium) if by == "space" else units(structure, medium)
        parts = tuple(each for each in chosen if each.meters)
        since, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        first = midnight(day - timedelta(days=PAST_DAYS), zone)
        targets = (whole, *parts)
        today = {each.id: Asked(each.names, since, end) for each in targets}
        past = {each.id: Asked(each.names, first, since) for each in targets}
        single = {name: Asked((name,), since, end) for each in targets for name in each.names}
        loads = await self._load.all(site, rev, [*today.values(), *past.values(), *single.values()])
        meters = [meter for meter in structure.meters if meter.medium == medium]
        used = await self._energy.used(site, meters, since, end)
        over = (settled(loads[today[""]], now) - since) // BASE_MS
        moment = Moment(day, since, end, over, table.kind(day))
        prices = Prices(
            {use.meter: use for use in self._desk.uses(site)},
            {known.tariff.id: known.tariff for known in self._desk.all(site)},
            {name: loads[asked] for name, asked in single.items()},
            (table, zone, day),
        )

        def work() -> dict[str, Shape]:
            clock = localised(loads[today[""]], zone, table), localised(loads[past[""]], zone, table)
            return {
                each.id: _shape(each, (loads[today[each.id]], loads[past[each.id]]), clock, moment, used)
                for each in targets
            }

        shapes = await asyncio.to_thread(work)
        return Look(site, medium, structure, zone, table, moment, whole, parts, shapes, used, prices)


def _shape(
    of: Target,
    loads: tuple[Intervals, Intervals],
    clock: tuple[LocalSeries, LocalSeries],
    moment: Moment,
    used: Used,
) -> Shape:
    intervals, past = loads
    series, before = beside(clock[0], intervals), beside(clock[1], past)
    usual = typical_day(before, moment.kind)
    total = _total(of.names, intervals, moment, used)
    return Shape(intervals, past, total, series, before, usual, so_far(series, usual, moment.over))


def _total(names: Sequence[str], intervals: Intervals, moment: Moment, used: Used) -> Total:
    """Of several meters the sum of what is known of each; its coverage is of the time that is over."""
    if len(names) == 1 or not moment.over:
        return total_of(intervals.between(moment.since, moment.until))
    parts = add([used.meters[name] for name in names if name in used.meters])
    return parts._replace(length_ms=len(names) * (moment.until - moment.since))
