"""What is odd at a site: the anomalies of all its meters, grouped so that one fault is one line, with kWh and money."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from cloud.analysis.anomalies import find_anomalies
from cloud.analysis.anomaly import Anomaly, AnomalyRules
from cloud.analysis.local_series import Bools, LocalSeries
from cloud.analysis.worth import worth
from cloud.energy.contract import BASE_MS, Flag, Intervals
from cloud.energy.structure import Meter
from cloud.tariffs.contract import Days, TariffFault
from cloud.tariffs.tariff import Tariff

WEEK_MS = 7 * 86_400_000
EPISODES_MAX = 60
WORKING = (7, 19)
"""Working hours of workdays, where nobody says otherwise."""


class Episode(NamedTuple):
    """[since, until) of it. ``amount`` is None when that cannot be told."""

    since: int
    until: int
    kwh: float
    amount: Decimal | None


@dataclass(slots=True)
class Finding:
    """One kind of oddity of one meter. ``facts`` are those of its largest episode; ``meter`` of a balance gap feeds.

    active: the last episode reaches into the last week. amount: None when no price is known; ``note`` says why.
    """

    meter: str
    kind: str
    unit: str
    facts: Mapping[str, float | str | None]
    episodes: list[Episode] = field(default_factory=list)
    times: int = 0
    kwh: float = 0.0
    amount: Decimal | None = None
    note: str = ""
    active: bool = True
    is_told_only: bool = False
    """Nobody has to do anything about it."""

    @property
    def since(self) -> int:
        return min(each.since for each in self.episodes)

    @property
    def until(self) -> int:
        return max(each.until for each in self.episodes)

    def a_week(self) -> tuple[float, Decimal | None]:
        """kWh and money of an ordinary week of it."""
        weeks = max(1.0, (self.until - self.since) / WEEK_MS)
        amount = None if self.amount is None else (self.amount / Decimal(str(weeks))).quantize(Decimal("0.01"))
        return self.kwh / weeks, amount


class Priced(NamedTuple):
    """By what an anomaly's energy is priced. ``tariff`` None: by nothing, ``note`` says why."""

    tariff: Tariff | None
    days: Days
    note: str = ""


def working_hours(series: LocalSeries) -> Bools:
    """Which intervals lie in working hours, by the site's calendar."""
    hour = series.slot // 4
    open_: Bools = np.isin(series.kind, (0, 3)) & (hour >= WORKING[0]) & (hour < WORKING[1])
    return open_


def findings_of(
    meter: Meter, unit: str, series: LocalSeries, intervals: Intervals, priced: Priced, zone: ZoneInfo, now: int
) -> list[Finding]:
    """The oddities of one meter, the dearest first. ``now``: what ended a week before is not active any more."""
    rated = meter.register.rated
    rules = AnomalyRules(rated_kw=float(rated)) if rated else AnomalyRules()
    groups: dict[str, Finding] = {}
    working = working_hours(series)
    for each in find_anomalies(series, rules, working_hours):
        amount, note = _amount(each, priced, zone)
        facts = each.facts | {"outside_share": _outside(each, series, working)} if each.kind == "step" else each.facts
        _add(groups, Finding(meter.id, each.kind, unit, facts, note=note), each, amount)
    found = [*groups.values(), *_held_back(meter, unit, intervals)]
    for one in found:
        one.active = one.until >= now - WEEK_MS
    return found


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """What costs most a week first; what is over comes last, what cannot be priced after what can."""

    def weight(each: Finding) -> tuple[bool, bool, float, float]:
        kwh, amount = each.a_week()
        return (not each.active, amount is None, -float(amount or 0), -abs(kwh))

    return sorted(found, key=weight)


def _outside(each: Anomaly, series: LocalSeries, working: Bools) -> float:
    """Which share of its energy lies outside of working hours."""
    off = ~working[np.searchsorted(series.starts, each.starts)]
    return float(each.extra[off].sum()) / each.kwh if each.kwh else 0.0


def _amount(each: Anomaly, priced: Priced, zone: ZoneInfo) -> tuple[Decimal | None, str]:
    if priced.tariff is None:
        return None, priced.note
    try:
        return worth(each, priced.tariff, priced.days, zone), ""
    except TariffFault as fault:
        return None, str(fault)


def _add(groups: dict[str, Finding], new: Finding, each: Anomaly, amount: Decimal | None) -> None:
    group = groups.setdefault(new.kind, new)
    if group.episodes and abs(each.kwh) > max(abs(one.kwh) for one in group.episodes):
        group.facts = each.facts
    group.times += 1
    group.kwh += each.kwh
    if amount is not None:
        group.amount = (group.amount or Decimal(0)) + amount
    elif not group.note:
        group.note = new.note
    group.episodes.append(Episode(each.since, each.until, each.kwh, amount))
    if len(group.episodes) > EPISODES_MAX:
        group.episodes.remove(min(group.episodes, key=lambda one: abs(one.kwh)))


def _held_back(meter: Meter, unit: str, intervals: Intervals) -> Sequence[Finding]:
    """Advances that were not believed: nothing of them is counted until somebody says what is true."""
    marked = (intervals.flags & np.uint8(Flag.SUSPECT)) > 0
    if not marked.any():
        return ()
    places = np.flatnonzero(marked)
    breaks = np.flatnonzero(np.diff(places) > 1)
    starts, ends = places[np.append(0, breaks + 1)], places[np.append(breaks, len(places) - 1)]
    finding = Finding(meter.id, "suspect", unit, {"intervals": float(len(places))}, times=len(starts))
    for low, high in zip(starts.tolist(), ends.tolist(), strict=True):
        since = intervals.first + low * BASE_MS
        finding.episodes.append(Episode(since, intervals.first + (high + 1) * BASE_MS, 0.0, None))
    del finding.episodes[:-EPISODES_MAX]
    return (finding,)
