"""Which reports a site wants, and which are due. Pure: days in, days out."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from cloud.reports.words import Language

ReportKind = Literal["daily", "weekly", "monthly"]
KINDS: tuple[ReportKind, ...] = ("daily", "weekly", "monthly")
CATCH_UP = {"daily": 31, "weekly": 12, "monthly": 12}
"""So many periods back a missed report is still written."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """hour: of the site's clock, from which on the report of a period that has ended is written. keep_days: how long a
    report stays; None for ever."""

    daily: bool = False
    weekly: bool = False
    monthly: bool = False
    hour: Annotated[int, Meta(ge=0, le=23)] = 6
    language: Language = "en"
    keep_days: Annotated[int, Meta(ge=35, le=20_000)] | None = 1100

    def wants(self, kind: ReportKind) -> bool:
        return {"daily": self.daily, "weekly": self.weekly, "monthly": self.monthly}[kind]


class Period(NamedTuple):
    """Local days [since, until) of one report."""

    kind: ReportKind
    since: date
    until: date

    @property
    def name(self) -> str:
        """What its files are called, without the ending."""
        return f"{self.kind}-{self.since.isoformat()}"


def period_of(kind: ReportKind, day: date) -> Period:
    """The one that holds a day. A week begins on Monday."""
    if kind == "daily":
        return Period(kind, day, day + timedelta(days=1))
    if kind == "weekly":
        since = day - timedelta(days=day.weekday())
        return Period(kind, since, since + timedelta(days=7))
    since = day.replace(day=1)
    return Period(kind, since, (since + timedelta(days=32)).replace(day=1))


def due_at(period: Period, plan: Plan, zone: ZoneInfo) -> int:
    """From when on it is written (ms)."""
    return round(datetime.combine(period.until, time(plan.hour), zone).timestamp() * 1000)


def due(plan: Plan, now: int, zone: ZoneInfo, first: date) -> Iterator[Period]:
    """All that should be there by now and end after ``first``, the oldest of each kind first."""
    today = datetime.fromtimestamp(now / 1000, zone).date()
    for kind in KINDS:
        if not plan.wants(kind):
            continue
        period, found = period_of(kind, today), []
        for _ in range(CATCH_UP[kind] + 1):
            if period.until > first and due_at(period, plan, zone) <= now:
                found.append(period)
            period = period_of(kind, period.since - timedelta(days=1))
        yield from reversed(found[: CATCH_UP[kind]])


def next_at(plan: Plan, now: int, zone: ZoneInfo) -> int | None:
    """When the next one is written; None when none is wanted."""
    today = datetime.fromtimestamp(now / 1000, zone).date()
    found = []
    for kind in KINDS:
        if plan.wants(kind):
            for day in (today - timedelta(days=1), today):
                period = period_of(kind, day)
                if due_at(period, plan, zone) > now:
                    found.append(due_at(period, plan, zone))
    return min(found, default=None)
