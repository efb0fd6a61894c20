"""Readings that people take of meters nobody reads by wire; of some meters a second person has to look at them."""

import asyncio
from decimal import Decimal
from typing import NamedTuple

from cloud.energy.contract import EnergyFault, HandRead
from cloud.energy.days import DAY_MS
from cloud.energy.eras import Eras, is_plain
from cloud.energy.feature import Energy
from cloud.energy.structure import Meter
from cloud.registry.energy_sightings_book import REFUSED, WAITING_MAX, EnergySightingsBook, Sighting
from protocols.clock import Clock


class Entered(NamedTuple):
    """What became of a reading. ``record`` when it counts, ``waits`` (its number) when a second person must look.

    advance: since the reading before, in the medium's unit; None when there is none. doubts: what looks wrong with it.
    """

    record: int | None
    waits: int | None
    advance: Decimal | None
    since: int | None
    doubts: tuple[str, ...]


class Sightings:
    """Takes them."""

    def __init__(self, energy: Energy, book: EnergySightingsBook, clock: Clock) -> None:
        self._energy, self._book, self._clock = energy, book, clock
        self._order = asyncio.Lock()

    async def enter(self, site: str, meter: str, at: int, reading: Decimal, *, by: str, why: str) -> Entered:
        """Take a reading of a meter at an instant. Raises EnergyFault when it cannot be one."""
        known = self._meter(site, meter)
        if not is_plain(reading) or reading < 0:
            raise EnergyFault(f"{reading} is no reading of a register")
        now = self._clock.now_ms()
        if not 0 < at <= now:
            raise EnergyFault("a reading was taken at some time until now")
        async with self._order:
            advance, since, doubts = await self._against(site, known, at, reading)
            if not known.two_person:
                record = await self._energy.record(site, meter, HandRead(at=at, reading=reading), by=by, why=why)
                return Entered(record, None, advance, since, doubts)
            if len(await self._book.waiting(site)) >= WAITING_MAX:
                raise EnergyFault(f"{WAITING_MAX} readings wait to be looked at; look at these first")
            number = await self._book.add(Sighting(0, site, meter, at, f"{reading:f}", why, now, by))
            return Entered(None, number, advance, since, doubts)

    async def waiting(self, site: str) -> list[Sighting]:
        """Readings that wait for a second person."""
        return await self._book.waiting(site)

    async def check(self, site: str, number: int, *, agrees: bool, by: str) -> int | None:
        """A second person has looked: it counts from now on (its record), or never.

        Raises EnergyFault when it does not wait, or the same person entered it.
        """
        async with self._order:
            known = await self._book.find(site, number)
            if known is None or known.record is not None:
                raise EnergyFault(f"{site} has no reading {number} that waits")
            if known.entered_by == by:
                raise EnergyFault("who entered a reading does not check it; ask somebody else")
            record = REFUSED
            if agrees:
                self._meter(site, known.meter)
                what = HandRead(at=known.at, reading=Decimal(known.reading))
                why = f"{known.why} (looked at by {by})"
                record = await self._energy.record(site, known.meter, what, by=known.entered_by, why=why)
            await self._book.checked(number, record, by=by, now=self._clock.now_ms())
            return record or None

    def _meter(self, site: str, meter: str) -> Meter:
        known = self._energy.structure(site).structure.meter.get(meter)
        if known is None or known.reads in ("virtual", "power"):
            raise EnergyFault(f"{site} has no meter {meter!r} whose register can be read")
        return known

    async def _against(
        self, site: str, meter: Meter, at: int, reading: Decimal
    ) -> tuple[Decimal | None, int | None, tuple[str, ...]]:
        """What it advanced since the one before, and what looks wrong with that."""
        held = [each.what for each in await self._energy.records(site, meter.id) if each.revoked_at is None]
        eras = Eras(meter.register, held)
        if any(each.at == at for each in eras.hand_read):
            raise EnergyFault("a reading of this instant was entered already; take that back first")
        before = [each for each in eras.hand_read if each.at < at]
        changes = [start for start in eras.starts if before and before[-1].at < start <= at]
        if not before or changes:
            return None, before[-1].at if before else None, ()
        last, era = before[-1], eras[eras.begun_before(at)]
        counts = era.count(reading) - era.count(last.reading)
        doubts = []
        if counts < -era.tolerance(era.count(last.reading)):
            doubts.append(f"lower than {last.reading} before it: was the meter changed, or did it begin again?")
        elif counts > era.limit(at - last.at):
            doubts.append("more than the meter can have counted; it will not count until somebody confirms it")
        after = next((each for each in eras.hand_read if at < each.at <= at + 400 * DAY_MS), None)
        if after is not None and reading > after.reading:
            doubts.append(f"higher than {after.reading}, which was read after it")
        return Decimal(counts * era.factor) / 1_000_000, last.at, tuple(doubts)
