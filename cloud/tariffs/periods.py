"""Billing periods: from one read day to the next, by local dates."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple


class Period(NamedTuple):
    """Local days [since, until)."""

    since: date
    until: date


def period_of(day: date, read_day: int) -> Period:
    """The billing period that holds the day. ``read_day`` is 1 to 28: the meter is read as that day begins."""
    _check(read_day)
    since = day.replace(day=read_day)
    if day < since:
        since = _month_before(since)
    return Period(since, _month_after(since))


def periods(since: date, until: date, read_day: int) -> Iterator[Period]:
    """All periods that overlap [since, until), in order, whole."""
    period = period_of(since, read_day)
    while period.since < until:
        yield period
        period = Period(period.until, _month_after(period.until))


def is_whole(since: date, until: date, read_day: int) -> bool:
    """Whether [since, until) is one billing period."""
    return period_of(since, read_day) == (since, until)


def _check(read_day: int) -> None:
    if not 1 <= read_day <= 28:
        raise ValueError(f"read day {read_day}: every month has the days 1 to 28, so it must be one of these")


def _month_after(day: date) -> date:
    return day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1)


def _month_before(day: date) -> date:
    return day.replace(year=day.year - (day.month == 1), month=(day.month - 2) % 12 + 1)
