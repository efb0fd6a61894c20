"""A period on the clock: which version, month and band each stretch of it belongs to, by local time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from cloud.energy.contract import Longs
from cloud.tariffs.contract import Band, Days, TariffFault
from cloud.tariffs.spans import DAY_MIN, Pick, clock, lay, read_days, whole
from cloud.tariffs.tariff import Special, Tariff, Version, month_of

MINUTE_MS = 60_000
DAY_MS = DAY_MIN * MINUTE_MS

DayPlan = tuple[Band, ...]
"""The band of each of the 1440 minutes."""


class Stretch(NamedTuple):
    """What a stretch of time is priced by. ``version`` is its place in the tariff, ``month`` counts from year 0."""

    version: int
    month: int
    band: Band


class Layout(NamedTuple):
    """Stretch ``n`` holds from ``edges[n]`` to ``edges[n + 1]`` (ms UTC)."""

    edges: Longs
    stretches: tuple[Stretch, ...]


class DayPlans:
    """The bands of each day of a tariff. Raises TariffFault for a day that has none or a minute that has two."""

    def __init__(self, tariff: Tariff, days: Days) -> None:
        self._tariff, self._days = tariff, days
        self._picks = {
            id(special): tuple(read_days(text) for text in special.days)
            for version in tariff.version
            for special in version.special
        }
        self._plans: dict[tuple[int, int, str, tuple[int, ...]], DayPlan] = {}

    def of(self, day: date) -> tuple[int, DayPlan]:
        """The version that holds on the day, and its bands."""
        number = self._version(day)
        version = self._tariff.version[number]
        kind = self._days.kind(day)
        special = tuple(n for n, each in enumerate(version.special) if self._falls(each, day, kind))
        key = (number, day.month, kind, special)
        if key not in self._plans:
            self._plans[key] = self._plan(version, day, kind, special)
        return number, self._plans[key]

    def _version(self, day: date) -> int:
        for number, version in enumerate(self._tariff.version):
            if version.holds(day):
                return number
        spans = ", ".join(f"{v.since} to {v.until or 'further notice'}" for v in self._tariff.version)
        raise TariffFault(f"tariff {self._tariff.id}: no version holds on {day} (there are: {spans}); add one")

    def _plan(self, version: Version, day: date, kind: str, special: tuple[int, ...]) -> DayPlan:
        season = next((each for each in version.season if day.month in each.months), None)
        if season is None:
            raise TariffFault(f"tariff {self._tariff.id}: no season has month {day.month}, so {day} has no bands")
        bands = next((each.bands for each in season.day if kind in each.days or "any" in each.days), None)
        if bands is None:
            raise TariffFault(f"tariff {self._tariff.id}: season {season.name!r} has no bands for a {kind} ({day})")
        try:
            plan: list[Band] = list(whole(bands))
        except ValueError as error:
            raise TariffFault(f"tariff {self._tariff.id}: {day}: {error}") from None
        owner: dict[int, str] = {}
        for number in special:
            over = version.special[number]
            for minute, band in enumerate(lay(over.bands)):
                if band is None:
                    continue
                if minute in owner and plan[minute] != band:
                    both = f"{owner[minute]!r} says {plan[minute]} and {over.name!r} says {band}"
                    raise TariffFault(f"tariff {self._tariff.id}: {day} {clock(minute)} has two bands: {both}")
                plan[minute], owner[minute] = band, over.name
        return tuple(plan)

    def _falls(self, special: Special, day: date, kind: str) -> bool:
        if special.months and day.month not in special.months:
            return False
        return any(self._is(pick, day, kind) for pick in self._picks[id(special)])

    def _is(self, pick: Pick, day: date, kind: str) -> bool:
        if pick.day is not None:
            return pick.day == day
        if pick.weekday is not None:
            return pick.weekday == day.weekday()
        if pick.kind:
            return pick.kind == kind
        name, nth = self._days.holiday(day)
        return name == pick.holiday and pick.first <= nth <= pick.last


def lay_out(plans: DayPlans, zone: ZoneInfo, since: date, until: date, month: int | None = None) -> Layout:
    """The local days [since, until). ``month``: price all of them by this one; None for each by its own."""
    edges: list[int] = []
    stretches: list[Stretch] = []
    start = midnight(since, zone)
    day = since
    while day < until:
        end = midnight(day + timedelta(days=1), zone)
        number, plan = plans.of(day)
        of = month_of(day) if month is None else month
        for at, band in _runs_of(plan, zone, start, end):
            stretch = Stretch(number, of, band)
            if not stretches or stretches[-1] != stretch:
                edges.append(at)
                stretches.append(stretch)
        day, start = day + timedelta(days=1), end
    edges.append(start)
    return Layout(np.array(edges, np.int64), tuple(stretches))


def midnight(day: date, zone: ZoneInfo) -> int:
    """The first instant (ms UTC) of the local day; where clocks go forward at midnight, that instant."""
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


def _runs_of(plan: DayPlan, zone: ZoneInfo, start: int, end: int) -> Sequence[tuple[int, Band]]:
    if end - start == DAY_MS and _offset(zone, start) == _offset(zone, end - 1):
        return [(start + minute * MINUTE_MS, band) for minute, band in _runs(plan)]
    # A day on which the clocks change: every minute is asked what the clocks show. A repeated hour counts twice.
    found: list[tuple[int, Band]] = []
    for at in range(start, end, MINUTE_MS):
        local = datetime.fromtimestamp(at / 1000, zone)
        band = plan[local.hour * 60 + local.minute]
        if not found or found[-1][1] != band:
            found.append((at, band))
    return found


@lru_cache(maxsize=512)
def _runs(plan: DayPlan) -> tuple[tuple[int, Band], ...]:
    return tuple((minute, band) for minute, band in enumerate(plan) if minute == 0 or plan[minute - 1] != band)


def _offset(zone: ZoneInfo, at: int) -> timedelta | None:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).utcoffset()
