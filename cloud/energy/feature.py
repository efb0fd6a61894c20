"""Energy as the collector offers it: structures and records of people, days kept up, totals, balances."""

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cloud.energy.balance import Balance, Metered, balance
from cloud.energy.calendar import SiteDays
from cloud.energy.contract import BASE_MS, EnergyFault, Intervals, Ratio, Recorded, RegisterEvent, Replaced, Struck
from cloud.energy.contract import Confirmed as ConfirmedAdvance
from cloud.energy.days import DAY_MS
from cloud.energy.intervals import ceil, floor
from cloud.energy.ledger import DayKey, DayPage
from cloud.energy.opening import Opened, Opening
from cloud.energy.pages import Total, add, pack, total_of
from cloud.energy.reckoner import Reckoner
from cloud.energy.redo import Task
from cloud.energy.structure import Flaw, Meter, Structure, flaws
from cloud.energy.suspects import Suspect, suspects
from cloud.energy.virtual import combine
from cloud.registry.energy_book import EnergyBook, Record, StoredStructure, Stretch
from cloud.registry.energy_days_book import DayTotal, EnergyDaysBook
from cloud.store.contract import SeriesStore
from protocols.clock import Clock

FOREVER = 2**53
RECORDS_MAX = 1_000
"""Of one meter."""
WHY_MAX = 500
AT_ONCE = 400_000
"""Intervals in memory, some megabytes; a year of one meter has 35,040."""


class BadStructure(EnergyFault):
    """A structure that cannot be; ``flaws`` names everything that is wrong."""

    def __init__(self, found: Sequence[Flaw]) -> None:
        self.flaws = list(found)
        super().__init__(f"{found[0].thing} {found[0].field}: {found[0].message}")


class Used(NamedTuple):
    """What something used: the sum, and each of the meters it is made of."""

    total: Total
    meters: dict[str, Total]


class Energy:
    """``open`` first; ``tasks`` keep the days up. Times in ms UTC."""

    def __init__(
        self,
        book: EnergyBook,
        days: EnergyDaysBook,
        reckoner: Reckoner,
        store: SeriesStore,
        calendar: SiteDays,
        clock: Clock,
    ) -> None:
        self.reckoner = reckoner
        self._book, self._days, self._calendar, self._clock = book, days, calendar, clock
        self._opening = Opening(days, store, reckoner.more)
        self._structures: dict[str, StoredStructure] = {}

    async def open(self) -> None:
        """Read what was written down."""
        await self._take()

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "energy", self.reckoner.run()

    async def _take(self) -> None:
        self._structures = await self._book.structures()
        structures = {site: known.structure for site, known in self._structures.items()}
        self.reckoner.take(structures, await self._book.records())

    # --- what people say ---

    def sites(self) -> list[str]:
        """Sites that have a structure."""
        return sorted(self._structures)

    def structure(self, site: str) -> StoredStructure:
        """The newest; an empty one of revision 0 when nobody entered any."""
        return self._structures.get(site) or StoredStructure(Structure(), 0)

    async def put_structure(self, site: str, structure: Structure, *, rev: int, by: str, why: str) -> int:
        """Put another in its place; the new revision. Meters that are read otherwise are worked out anew.

        Raises BadStructure, and EnergyFault when it is not at ``rev`` any more.
        """
        found = flaws(structure)
        if found:
            raise BadStructure(found)
        before = self.structure(site).structure.meter
        dirty = [
            Stretch(site, meter.id, 0, FOREVER)
            for meter in structure.meters
            if meter.reads != "virtual" and _read_by(before.get(meter.id)) != _read_by(meter)
        ]
        new = await self._book.put_structure(
            site, structure, dirty, rev=rev, now=self._clock.now_ms(), by=by, why=why[:WHY_MAX]
        )
        await self._take()
        return new

    async def records(self, site: str, meter: str) -> list[Record]:
        """What was recorded of a meter, with what holds no more, by number."""
        return await self._book.records(site, meter, revoked=True)

    async def record(self, site: str, meter: str, what: Recorded, *, by: str, why: str) -> int:
        """Write down what a person says of a meter; its number. Raises EnergyFault when it cannot be."""
        known = self.structure(site).structure.meter.get(meter)
        if known is None or known.reads == "virtual":
            raise EnergyFault(f"{site} has no meter {meter!r} that is read")
        if not why.strip():
            raise EnergyFault("a record needs a reason, for those who ask next year")
        span = _touched(what)
        if span[0] > self._clock.now_ms() + DAY_MS:
            raise EnergyFault("this lies in the future; record it when it has happened")
        held = await self._book.records(site, meter)
        if len(held) >= RECORDS_MAX:
            raise EnergyFault(f"{meter} has {RECORDS_MAX} records; more are not kept of one meter")
        Task.of(site, known, [*(each.what for each in held), what])
        number = await self._book.add_record(
            site, meter, what, Stretch(site, meter, *span), now=self._clock.now_ms(), by=by, why=why[:WHY_MAX]
        )
        await self._take()
        return number

    async def revoke(self, site: str, number: int, *, by: str, why: str) -> None:
        """A record holds no more. Raises EnergyFault when the site has none such that holds."""
        held = {each.id: each for each in await self._book.records(site)}
        if number not in held:
            raise EnergyFault(f"{site} has no record {number} that holds")
        record = held[number]
        dirty = Stretch(site, record.meter, *_touched(record.what))
        await self._book.revoke_record(number, dirty, now=self._clock.now_ms(), by=by, why=why[:WHY_MAX])
        await self._take()

    # --- what was used ---

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None:
        """[since, until) rounded outwards to quarters, MISSING where nothing is known.

        None for a meter that the site does not have and never had.
        """
        structure = self.structure(site).structure
        if meter not in structure.meter and await self._days.reach(site, meter) is None:
            return None
        return (await self.intervals_of(site, [meter], since, until))[meter]

    async def intervals_of(self, site: str, meters: Sequence[str], since: int, until: int) -> dict[str, Intervals]:
        """The same of several meters that the site has, read at once."""
        since, until = floor(since), ceil(until)
        made_of = self.structure(site).structure.made_of
        needed, open_ones = set(meters), list(meters)
        while open_ones:
            for part in made_of.get(open_ones.pop(), ()):
                if part not in needed:
                    needed.add(part)
                    open_ones.append(part)
        known = await self._opening.intervals_of(site, sorted(needed - made_of.keys()), since, until)
        for name, linear in made_of.items():  # those that need others come after them
            if name in needed:
                known[name] = combine(linear, known, since, until)
        return {meter: known[meter] for meter in meters}

    async def used(self, site: str, meters: Sequence[Meter], since: int, until: int) -> Used:
        """What meters used together in [since, until); by days at rest when these are whole days of the site."""
        names = [meter.id for meter in meters]
        whole = all(self._calendar.day_of(site, at)[0] == at for at in (since, until))
        made_of = self.structure(site).structure.made_of
        found: dict[str, Total] = {}
        if whole:
            read = [name for name in names if name not in made_of]
            found = dict(await self._days.sums(site, read, since, until))
        others = [name for name in names if name not in found]
        for name in found:
            found[name] = found[name]._replace(length_ms=until - since)
        at_once = max(1, AT_ONCE // max(1, (until - since) // BASE_MS))
        for start in range(0, len(others), at_once):
            laid = await self.intervals_of(site, others[start : start + at_once], since, until)
            found |= {name: total_of(intervals) for name, intervals in laid.items()}
        return Used(add([found[name] for name in names if name in found]), found)

    async def day_totals(
        self, site: str, meters: Sequence[str], since: int, until: int
    ) -> Mapping[str, Sequence[DayTotal]]:
        """What each day at rest that begins in [since, until) came to, by meter, in order. Virtual meters have none."""
        return await self._days.totals(site, meters, since, until)

    async def events(self, site: str, kinds: Sequence[str], since: int) -> list[tuple[str, tuple[RegisterEvent, ...]]]:
        """What registers did since an instant, by meter; days on which one of these kinds was noted, with all of it."""
        return await self._days.events(site, kinds, since)

    async def open_interval(self, site: str, meter: str, at: int) -> Opened:
        """What made the interval that holds an instant. Raises EnergyFault when there is nothing to open."""
        task = self.reckoner.task(site, meter)
        if task is None:
            fault = self.reckoner.faults.get((site, meter))
            raise EnergyFault(fault or f"{site} has no meter {meter!r} that is read; a virtual one opens to its parts")
        return await self._opening.interval(task, at)

    async def balance(self, site: str, meter: str, since: int, until: int) -> tuple[Balance, list[Suspect]]:
        """A meter against those it feeds, and what may explain the gap when there is one."""
        structure = self.structure(site).structure
        known = structure.meter.get(meter)
        children = structure.children.get(meter, ())
        if known is None or not children:
            raise EnergyFault(f"{site} has no meter {meter!r} that feeds others")
        since, until = floor(since), ceil(until)

        async def metered(each: Meter) -> Metered:
            intervals = await self.intervals(site, each.id, since, until)
            assert intervals is not None
            return Metered(each.id, intervals, each.accuracy)

        parent, parts = await metered(known), [await metered(each) for each in children]
        found = balance(parent, parts, since, until)
        return found, suspects(parent, parts, since, until) if found.significant else []

    # --- days as they are known now ---

    async def pages(self, site: str, meters: Sequence[str], since: int, until: int) -> dict[DayKey, DayPage]:
        """The days that begin in [since, until) of which something is known; of virtual meters worked out for this."""
        made_of = self.structure(site).structure.made_of
        found: dict[DayKey, DayPage] = {}
        for meter in meters:
            if meter in made_of:
                found |= await self._made_pages(site, meter, since, until)
                continue
            for day in await self._days.days(site, meter, since, until):
                found[DayKey(meter, day.day)] = DayPage(day.page, day.total)
        return found

    async def _made_pages(self, site: str, meter: str, since: int, until: int) -> dict[DayKey, DayPage]:
        intervals = await self.intervals(site, meter, since, until)
        found: dict[DayKey, DayPage] = {}
        day, after = self._calendar.day_of(site, since)
        while intervals is not None and day < until:
            part = intervals.between(day, after)
            total = total_of(part)
            if day >= since and total.micro is not None:
                found[DayKey(meter, day)] = DayPage(pack(part), total)
            day, after = self._calendar.day_of(site, after)
        return found


def _read_by(meter: Meter | None) -> object:
    """What, when it is another, makes everything another."""
    return None if meter is None else (meter.reads, meter.device, meter.point, meter.register)


def _touched(what: Recorded) -> tuple[int, int]:
    """From when to when a record can change something, up to where the register goes on as before."""
    if isinstance(what, ConfirmedAdvance | Struck):
        return what.since, what.until + 1
    lasting = isinstance(what, Ratio) or (isinstance(what, Replaced) and what.register is not None)
    return what.at, FOREVER if lasting else what.at + 1
