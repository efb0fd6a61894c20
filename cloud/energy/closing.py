"""Closing periods and amending them: what was said of them, what is known now, and by how much that differs.

What is closed never changes by itself. When late data or a correction makes a closed day another, that is told (here,
and as an alarm); a person amends the period then, with a reason, and each version of it can still be read.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud.energy.calendar import SiteDays
from cloud.energy.contract import UNITS, EnergyFault, Intervals, missing
from cloud.energy.feature import Energy
from cloud.energy.ledger import DayKey, DayPage, Deed, Entry, amend, close, differences, standing
from cloud.energy.pages import unpack
from cloud.energy.redo import Redone
from cloud.registry.energy_ledger_book import ClosedPeriod, EnergyLedgerBook, Period
from protocols.alive import stop_if_cancelled
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

KIND = "energy_closed_differs"
DAYS_MAX = 400
METERS_MAX = 2_000
LOOK_EVERY_S = 60.0
MICRO = 1_000_000


class Alarms(Protocol):
    """``cloud.alarms.board.AlarmBoard``."""

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, str | int | float | bool | None]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class Snapshots(Protocol):
    """Says by which prices and factors amounts count on the day of closing (``cloud.tariffs.snapshot``)."""

    async def of(self, site: str, meters: Mapping[str, Intervals], since: date, until: date) -> Mapping[str, Any]:
        """JSON of the local days [since, until); never raises for what is not known, but says so in it."""
        ...


class Differing(NamedTuple):
    """By how much a meter's closed days are known otherwise now: how many days, and the sum in millionths."""

    days: int
    micro: int


class Sums(NamedTuple):
    """What a meter's period came to, in millionths: as it was closed, as it stands, and as it is known now.

    None where nothing was known. covered_ms: how much of the time that stands is known.
    """

    closed: int | None
    stands: int | None
    now: int | None
    covered_ms: int
    differing_days: int


class Closing:
    """``open`` first; ``run`` looks for periods that differ from what was closed."""

    def __init__(
        self,
        energy: Energy,
        ledger: EnergyLedgerBook,
        snapshots: Snapshots,
        calendar: SiteDays,
        alarms: Alarms,
        clock: Clock,
    ) -> None:
        self.ledger = ledger
        self._energy, self._snapshots, self._calendar = energy, snapshots, calendar
        self._alarms, self._clock = alarms, clock
        self._periods: dict[str, list[ClosedPeriod]] = {}
        self._differing: dict[tuple[str, int], dict[str, Differing]] = {}
        self._touched: set[tuple[str, str]] = set()
        energy.reckoner.watchers.append(self._redone)

    async def open(self) -> None:
        """Read what was closed; all of it is looked through once."""
        for site in await self.ledger.sites():
            self._periods[site] = await self.ledger.periods(site)
            self._touched |= {(site, meter) for each in self._periods[site] for meter in each.period.meters}

    # --- what is asked ---

    def periods(self, site: str) -> Sequence[ClosedPeriod]:
        """The newest first."""
        return self._periods.get(site, ())

    def find(self, site: str, version: int) -> ClosedPeriod | None:
        return next((each for each in self.periods(site) if each.version == version), None)

    def differing(self, site: str, version: int) -> Mapping[str, Differing]:
        """Meters of a period that are known otherwise now, as of the last look."""
        return self._differing.get((site, version), {})

    async def sums(self, site: str, closed: ClosedPeriod) -> dict[str, Sums]:
        """What each meter of a period came to, looked up now."""
        period = closed.period
        book = await self.ledger.entries(site, period.meters, period.since, period.until)
        first, stood = standing(book, closed.version), standing(book)
        now = await self._energy.pages(site, period.meters, period.since, period.until)
        found: dict[str, Sums] = {}
        other = _other_days(stood, now)
        for meter in period.meters:
            was = [each.micro for key, each in first.items() if key.meter == meter]
            stands = [each for key, each in stood.items() if key.meter == meter]
            # A day that was worked out once and was since forgotten is known as it was closed.
            known = {key: each.micro for key, each in stood.items() if key.meter == meter}
            known |= {key: page.total.micro or 0 for key, page in now.items() if key.meter == meter}
            found[meter] = Sums(
                sum(was) if was else None,
                sum(each.micro for each in stands) if stands else None,
                sum(known.values()) if known else None,
                sum(each.covered_ms for each in stands),
                sum(key.meter == meter for key in other),
            )
            self._note(site, closed, meter, {key: micro for key, micro in other.items() if key.meter == meter})
        return found

    async def entries(self, site: str, closed: ClosedPeriod, meter: str = "") -> list[Entry]:
        """The lines of a period, by number."""
        period = closed.period
        return await self.ledger.entries(site, [meter] if meter else period.meters, period.since, period.until)

    # --- what is done ---

    async def close(
        self, site: str, first: date, after: date, meters: Sequence[str] | None, *, by: str, why: str
    ) -> ClosedPeriod:
        """Close the local days [first, after) of meters (None: of all). Raises EnergyFault when that cannot be."""
        since, until = self._bounds(site, first, after)
        structure = self._energy.structure(site).structure
        chosen = list(dict.fromkeys(meters)) if meters is not None else list(structure.meter)
        unknown = [meter for meter in chosen if meter not in structure.meter]
        if unknown:
            raise EnergyFault(f"{site} has no meter {unknown[0]!r}")
        if not chosen or len(chosen) > METERS_MAX:
            raise EnergyFault(f"{len(chosen)} meters: 1 to {METERS_MAX} are closed together")
        if meters is None:  # those that were closed on their own stay as they are
            closed = {key.meter for key in standing(await self.ledger.entries(site, chosen, since, until))}
            chosen = [meter for meter in chosen if meter not in closed]
        days = await self._energy.pages(site, chosen, since, until)
        if not days:
            raise EnergyFault("nothing is known of these meters in this time, or all of it is closed")
        snapshot = {
            "structure_rev": self._energy.structure(site).rev,
            "balances": await self._balances(site, chosen, since, until),
            **await self._snapshots.of(site, _laid(chosen, days, since, until), first, after),
        }
        period = Period(first.isoformat(), after.isoformat(), since, until, tuple(chosen), snapshot)
        deed = Deed(0, self._clock.now_ms(), by, why, "close", _gaps(snapshot["balances"]))
        entries = await self.ledger.write(
            site, list(days), deed, lambda stood, given, number: close(stood, days, given, number), period
        )
        made = ClosedPeriod(period, deed._replace(version=entries[0].version))
        self._periods[site] = [made, *self.periods(site)]
        return made

    async def amend(
        self, site: str, closed: ClosedPeriod, meters: Sequence[str] | None, *, by: str, why: str
    ) -> Sequence[Entry]:
        """Bring a closed period to what is known now, by reversal; the new lines, none when nothing differs."""
        period = closed.period
        chosen = period.meters if meters is None else tuple(dict.fromkeys(meters))
        foreign = [meter for meter in chosen if meter not in period.meters]
        if foreign:
            raise EnergyFault(f"{foreign[0]!r} is no meter of this period")
        days = await self._energy.pages(site, chosen, period.since, period.until)
        if not days:
            raise EnergyFault("nothing is known of these meters in this time")
        deed = Deed(0, self._clock.now_ms(), by, why, "amend")
        entries = await self.ledger.write(
            site, list(days), deed, lambda stood, given, number: amend(stood, days, given, number, late=True)
        )
        self._touched |= {(site, meter) for meter in chosen}
        await self.look()
        return entries

    # --- what differs ---

    async def look(self) -> None:
        """Compare what was touched with what was closed; raise and clear alarms. Raises StoreUnavailable."""
        while self._touched:
            site, meter = min(self._touched)
            for name in self._depending(site, meter):
                for closed in self.periods(site):
                    if name in closed.period.meters:
                        await self._compare(site, closed, name)
                self._tell(site, name)
            self._touched.discard((site, meter))

    async def run(self) -> None:
        """A look every minute, when something was worked out anew."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("closed periods were not compared: %s", error)
            except Exception:  # task top: what differs is told at the next look
                log.exception("comparing closed periods failed")
                stop_if_cancelled()

    def _redone(self, done: Redone) -> None:
        """Told by the reckoner."""
        if len(done.touched) and any(
            each.period.since < done.until and done.since < each.period.until for each in self.periods(done.site)
        ):
            self._touched.add((done.site, done.meter))

    def _depending(self, site: str, meter: str) -> list[str]:
        """The meter, and virtual ones that it is a part of."""
        found = [meter]
        for name, parts in self._energy.structure(site).structure.made_of.items():
            if any(part in found for part in parts):
                found.append(name)
        return found

    async def _compare(self, site: str, closed: ClosedPeriod, meter: str) -> None:
        period = closed.period
        stood = standing(await self.ledger.entries(site, [meter], period.since, period.until))
        now = await self._energy.pages(site, [meter], period.since, period.until)
        self._note(site, closed, meter, _other_days(stood, now))

    def _note(self, site: str, closed: ClosedPeriod, meter: str, other: Mapping[DayKey, int]) -> None:
        known = self._differing.setdefault((site, closed.version), {})
        known.pop(meter, None)
        if other:
            known[meter] = Differing(len(other), sum(other.values()))

    def _tell(self, site: str, meter: str) -> None:
        """One alarm for each meter, whatever number of its periods differ."""
        found = [
            (each.period, self.differing(site, each.version)[meter])
            for each in self.periods(site)
            if meter in self.differing(site, each.version)
        ]
        source = f"{site}/meter:{meter}"
        if not found:
            self._alarms.clear_alarm(KIND, source)
            return
        known = self._energy.structure(site).structure.meter.get(meter)
        by = sum(each.micro for _, each in found) / MICRO
        oldest = found[-1][0]
        args: dict[str, str | int | float | bool | None] = {
            "name": known.name if known is not None else meter,
            "from": oldest.first_day,
            "until": (date.fromisoformat(oldest.next_day) - timedelta(days=1)).isoformat(),
            "periods": len(found),
            "days": sum(each.days for _, each in found),
            "by": f"{by:+,.2f} {UNITS[known.medium] if known is not None else ''}".strip(),
        }
        self._alarms.raise_alarm(KIND, source, args)

    # --- inside ---

    def _bounds(self, site: str, first: date, after: date) -> tuple[int, int]:
        if not 0 < (after - first).days <= DAYS_MAX:
            raise EnergyFault(f"{first} to {after}: 1 to {DAYS_MAX} days; the last is not included")
        zone = self._calendar.zone(site)
        if not 1970 < first.year < 2200:
            raise EnergyFault(f"{first}: days from 1971 to 2199")
        today = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).astimezone(zone).date()
        if after > today:
            raise EnergyFault(
                f"{after - timedelta(days=1)} is not over yet; the last day that can be closed is yesterday"
            )
        since, until = (self._calendar.day_of(site, _noon(day, zone))[0] for day in (first, after))
        return since, until

    async def _balances(self, site: str, meters: Sequence[str], since: int, until: int) -> dict[str, Any]:
        """How each meter stood against those it feeds."""
        children = self._energy.structure(site).structure.children
        found: dict[str, Any] = {}
        for meter in meters:
            if meter not in children:
                continue
            balance, _ = await self._energy.balance(site, meter, since, until)
            found[meter] = {
                "gap": balance.gap / MICRO,
                "gap_share": balance.share,
                "uncertainty": balance.uncertainty / MICRO,
                "coverage": balance.coverage,
                "verdict": balance.verdict,
            }
        return found


def _noon(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(12), zone).timestamp() * 1000)


def _other_days(stood: Mapping[DayKey, Entry], now: Mapping[DayKey, DayPage]) -> dict[DayKey, int]:
    """Days that are known otherwise than they were closed, and those of which nothing was known then."""
    late = {key: page.total.micro or 0 for key, page in now.items() if key not in stood and page.total.covered_ms}
    return differences(stood, now) | late


def _laid(meters: Sequence[str], days: Mapping[DayKey, DayPage], since: int, until: int) -> dict[str, Intervals]:
    found = {meter: missing(since, until) for meter in meters}
    for key, (page, _) in days.items():
        found[key.meter].lay(unpack(page))
    return found


def _gaps(balances: Mapping[str, Any]) -> str:
    """What the deed says of the balances: a period is closed with its gaps known."""
    open_ones = [
        f"{meter} {known['gap_share']:+.1%}"
        for meter, known in balances.items()
        if known["verdict"] in ("gap", "children_exceed") and known["gap_share"] is not None
    ]
    return f"balance gaps: {', '.join(open_ones)}"[:500] if open_ones else ""
