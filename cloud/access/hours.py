"""A schedule as hours of days: by weekday, and of the days that are not what their weekday says."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import product
from typing import NamedTuple, Protocol

from cloud.access.contract import Schedule
from cloud.assets.calendar import DAY_MIN, WORKDAY, SchedulePart, read_part

Span = tuple[int, int]
"""From and until, minutes of a day of the site; until is at most 1440."""
_Days = tuple[bool | None, bool | None]
"""Whether today and yesterday are workdays; None: it has hours of its own."""


class Days(Protocol):
    """Who knows the days of a site (``cloud.assets.calendar.SiteCalendar``)."""

    def workday(self, site: str, day: date) -> bool: ...


class Hours(NamedTuple):
    """``weekly``: of Monday to Sunday. ``dates``: of a day (ISO), in place of what its weekday has."""

    weekly: tuple[tuple[Span, ...], ...]
    dates: dict[str, tuple[Span, ...]]


def hours_of(schedule: Schedule, site: str, days: Days, first: date, many: int) -> Hours:
    """The hours of a schedule: every week, and of the days [first, first + many) that differ from that.

    What begins on one day and ends on the next counts for both; a day with hours of its own has just those.
    """
    weekly = tuple(_of_day(schedule, _in_week, weekday) for weekday in range(7))
    dates: dict[str, tuple[Span, ...]] = {}
    for step in range(many):
        day = first + timedelta(days=step)
        found = of_date(schedule, site, days, day)
        if found != weekly[day.weekday()]:
            dates[day.isoformat()] = found
    return Hours(weekly, dates)


def of_date(schedule: Schedule, site: str, days: Days, day: date) -> tuple[Span, ...]:
    """The hours of one day. Raises ValueError for hours that cannot be read."""
    if (named := schedule.dates.get(day.isoformat())) is not None:
        try:
            return _joined(_span(each) for each in named)
        except ValueError:
            wrong = f"schedule {schedule.id}, {day.isoformat()}: {', '.join(named)[:60]!r} are no hours"
            raise ValueError(f"{wrong}; write them like 08:00-12:00") from None

    def falls(part: SchedulePart, number: int) -> bool:
        when = day + timedelta(days=number)
        if schedule.dates.get(when.isoformat()) is not None:
            return False
        if isinstance(part.days, str):
            return days.workday(site, when) == (part.days == WORKDAY)
        return when.weekday() in part.days

    return _of_day(schedule, falls, 0)


def most_of_a_day(schedule: Schedule) -> int:
    """How many spans its parts can make of one day, whatever the site's calendar says of that day and the one before,
    and whether the one before has hours of its own."""
    most = 0
    for weekday in range(7):
        for today, yesterday in product((True, False), (True, False, None)):

            def falls(part: SchedulePart, number: int, at: int = weekday, days: _Days = (today, yesterday)) -> bool:
                works = days[0] if number == at else days[1]
                if works is None:
                    return False
                return works == (part.days == WORKDAY) if isinstance(part.days, str) else number % 7 in part.days

            most = max(most, len(_of_day(schedule, falls, weekday)))
    return most


def within(spans: Iterable[Span], minute: int) -> bool:
    """Whether a minute of the day lies in one of them."""
    return any(since <= minute < until for since, until in spans)


def _of_day(schedule: Schedule, falls: Callable[[SchedulePart, int], bool], number: int) -> tuple[Span, ...]:
    """Of the day with that number: what begins on it, and what is left of what began the day before."""
    found: list[Span] = []
    for text in schedule.parts:
        part = read_part(text)
        if part is None:
            continue
        if falls(part, number):
            found.append((part.since, min(part.until, DAY_MIN)))
        if part.until > DAY_MIN and falls(part, number - 1):
            found.append((0, part.until - DAY_MIN))
    return _joined(found)


def _in_week(part: SchedulePart, number: int) -> bool:
    weekday = number % 7
    if isinstance(part.days, str):
        return (weekday < 5) == (part.days == WORKDAY)
    return weekday in part.days


def _span(text: str) -> Span:
    since, _, until = text.partition("-")
    return _minute(since), _minute(until)


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """In order, and those that touch as one."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        elif since < until:
            found.append((since, until))
    return tuple(found)
