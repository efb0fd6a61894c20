"""Indices and quotas of a site: use for each square metre and head, in coal and carbon, and against quotas."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec

from cloud.energy.contract import MICRO
from cloud.energy.pages import Total, add
from cloud.energy.structure import Meter, Structure
from cloud.registry.energy_basis_book import EnergyBasisBook, StoredBasis
from cloud.tariffs.basis import SITE, Basis, Divisor, Quota, divisor
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.factors import Factor, FactorFault, Quantity
from cloud.tariffs.indices import Index, QuotaState, elapsed, index, quota_state
from cloud.tariffs.layout import midnight
from protocols.clock import Clock

log = logging.getLogger(__name__)

COVERAGE_LEAST = 0.95
COAL_CALIBRE = {"gas": "statistics"}
"""Of media whose coal equivalent is that of the statistics return."""


class Amounts(Protocol):
    """What meters used (``cloud.energy.feature.Energy``)."""

    async def totals(self, site: str, meters: Sequence[Meter], since: int, until: int) -> Mapping[str, Total]: ...

    def shape(self, site: str) -> Structure: ...


class Zones(Protocol):
    """A site's zone."""

    def zone(self, site: str) -> ZoneInfo: ...


class Equivalent(NamedTuple):
    """What it comes to in coal or carbon; ``amount`` None when something of it is not known, then ``note`` tells."""

    amount: Decimal | None
    unit: str
    factors: tuple[Factor, ...]
    note: str = ""


class Row(NamedTuple):
    """The indices of one thing: the site, a space, a unit."""

    of: str
    name: str
    total: Total
    area: Divisor
    people: Divisor
    per_area: Index
    per_head: Index
    coal: Equivalent
    co2: Equivalent


class Progress(NamedTuple):
    """How a quota stands; ``state`` None when nothing is known of what was used, or the year has not begun."""

    quota: Quota
    name: str
    total: Total
    state: QuotaState | None
    by: str
    note: str


class IndexDesk:
    """``open`` first."""

    def __init__(
        self, book: EnergyBasisBook, tariffs: TariffDesk, amounts: Amounts, zones: Zones, clock: Clock
    ) -> None:
        self._book, self._tariffs, self._amounts = book, tariffs, amounts
        self._zones, self._clock = zones, clock
        self._stored: dict[str, StoredBasis] = {}
        self._known: dict[str, Basis] = {}

    async def open(self) -> None:
        """Read what was written down."""
        for stored in await self._book.newest():
            self._take(stored)

    def _take(self, stored: StoredBasis) -> None:
        try:
            self._known[stored.site] = msgspec.json.decode(stored.body, type=Basis)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("quotas and areas of %s cannot be read and are left out: %s", stored.site, error)
            return
        self._stored[stored.site] = stored

    def basis(self, site: str) -> Basis:
        return self._known.get(site, Basis())

    def stored(self, site: str) -> StoredBasis:
        """Who changed it last; revision 0 when nobody entered any."""
        return self._stored.get(site) or StoredBasis(site, 0, 0, "", "", "")

    async def put(self, site: str, basis: Basis, *, rev: int, by: str, why: str) -> StoredBasis:
        """Put another in its place. Raises ``Changed`` when it is not at ``rev``, StoreUnavailable."""
        body = msgspec.json.encode(basis).decode()
        stored = await self._book.put(StoredBasis(site, rev, self._clock.now_ms(), by, why, body))
        self._take(stored)
        return stored

    # --- indices ---

    async def indices(self, site: str, medium: str, since: date, until: date) -> list[Row]:
        """Of the site, each space and each unit, over the local days [since, until)."""
        structure, basis = self._amounts.shape(site), self.basis(site)
        wanted = _things(structure)
        meters = {of: _meters(structure, of, medium) for of in wanted}
        every = {meter.id: meter for each in meters.values() for meter in each}
        by_year: dict[int, Mapping[str, Total]] = {}
        zone = self._zones.zone(site)
        for year in range(since.year, until.year + 1):
            low, high = max(since, date(year, 1, 1)), min(until, date(year + 1, 1, 1))
            if low < high:
                span = midnight(low, zone), midnight(high, zone)
                by_year[year] = await self._amounts.totals(site, list(every.values()), *span)
        rows = []
        for of, name in wanted.items():
            years = {
                year: add([totals[each.id] for each in meters[of] if each.id in totals])
                for year, totals in by_year.items()
            }
            rows.append(self._row(basis, structure, of, name, years, medium, since, until))
        return rows

    def _row(
        self,
        basis: Basis,
        structure: Structure,
        of: str,
        name: str,
        years: Mapping[int, Total],
        medium: str,
        since: date,
        until: date,
    ) -> Row:
        total = add(list(years.values()))
        used = _amount(total)
        area = divisor(basis, structure, of, "area_m2", since, until)
        people = divisor(basis, structure, of, "people", since, until)
        return Row(
            of,
            name,
            total,
            area,
            people,
            _index(used, area, total.coverage),
            _index(used, people, total.coverage),
            self._equivalent("coal", medium, years, "CN", COAL_CALIBRE.get(medium, "equivalent")),
            self._equivalent("co2", medium, years, basis.region, basis.calibre),
        )

    def _equivalent(
        self, quantity: Quantity, medium: str, years: Mapping[int, Total], region: str, calibre: str
    ) -> Equivalent:
        known = {year: amount for year, total in years.items() if (amount := _amount(total)) is not None}
        if not known:
            return Equivalent(None, "", (), "nothing is known of what was used")
        try:
            made = self._tariffs.factors.factors.make(quantity, medium, known, region, calibre)
        except FactorFault as fault:
            return Equivalent(None, "", (), str(fault))
        notes = [each.note for each in made if each.note]
        coverage = add(list(years.values())).coverage
        if coverage < 1:
            notes.append(f"{coverage:.1%} of the period is known")
        unit = made[0].factor.unit.partition("/")[0]
        return Equivalent(sum((each.amount for each in made), Decimal(0)), unit, tuple(each.factor for each in made),
                          "; ".join(dict.fromkeys(notes)))  # fmt: skip

    # --- quotas ---

    async def quotas(self, site: str, year: int) -> list[Progress]:
        """How each quota of a year stands as its last whole day ended."""
        structure, basis = self._amounts.shape(site), self.basis(site)
        today = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).astimezone(self._zones.zone(site)).date()
        found = []
        for quota in basis.quotas:
            if quota.year == year:
                found.append(await self._progress(site, structure, quota, today))
        return found

    async def _progress(self, site: str, structure: Structure, quota: Quota, today: date) -> Progress:
        name = _things(structure).get(quota.of, quota.of)
        meters = _meters(structure, quota.of, quota.medium)
        first, end = date(quota.year, 1, 1), date(quota.year + 1, 1, 1)
        now = min(today, end)
        if now <= first:
            return Progress(quota, name, add([]), None, "", "the year has not begun")
        total = await self._total(site, meters, first, now)
        used = _amount(total)
        if used is None:
            return Progress(quota, name, total, None, "", "nothing is known of what was used")
        expected, by, note = elapsed(first, end, now), "even", ""
        if quota.pace == "last_year":
            share = await self._course(site, meters, now, first, end)
            expected, by = (share, "last_year") if share is not None else (expected, "even")
            note = "" if share is not None else "last year is not known well enough: taken as even"
        state = quota_state(used, quota.limit, expected, total.coverage)
        return Progress(quota, name, total, state, by, "; ".join(each for each in (state.note, note) if each))

    async def _course(self, site: str, meters: Sequence[Meter], now: date, first: date, end: date) -> Decimal | None:
        """Which share of last year's use was made by the same day; None when last year is not known well enough."""
        if now >= end:
            return Decimal(1)
        whole = await self._total(site, meters, _year_before(first), first)
        part = await self._total(site, meters, _year_before(first), _year_before(now))
        used, of = _amount(part), _amount(whole)
        if used is None or not of or of < 0 or not 0 <= used <= of or whole.coverage < COVERAGE_LEAST:
            return None
        return (used / of).quantize(Decimal("0.0001"))

    async def _total(self, site: str, meters: Sequence[Meter], since: date, until: date) -> Total:
        """With the whole time as its length: days that are missing altogether are not known either."""
        zone = self._zones.zone(site)
        span = midnight(since, zone), midnight(until, zone)
        return add(list((await self._amounts.totals(site, meters, *span)).values()))


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _things(structure: Structure) -> dict[str, str]:
    """What there are indices of, by name."""
    found = {SITE: ""}
    found |= {f"space:{each.id}": each.name for each in structure.spaces}
    return found | {f"unit:{each.id}": each.name for each in structure.units}


def _meters(structure: Structure, of: str, medium: str) -> Sequence[Meter]:
    kind, _, name = of.partition(":")
    if of == SITE:
        return structure.counted(medium)
    return structure.counted_in(name, medium) if kind == "space" else structure.counted_for(name, medium)


def _amount(total: Total) -> Decimal | None:
    return None if total.micro is None else Decimal(total.micro) / MICRO


def _index(used: Decimal | None, by: Divisor, coverage: float) -> Index:
    if by.value is None:
        return Index(None, by.note)
    return index(used, by.value, by.source, coverage)
