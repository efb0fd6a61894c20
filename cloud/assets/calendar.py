"""The site's days: its zone, its workdays, and the days that are not what their weekday says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud.registry.asset_book import CalendarDay

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY, WORKDAY = "holiday", "workday"
DAY_MIN = 1440

_PART = re.compile(r"(?P<days>[a-z][a-z,-]*)(?:\s+(?P<from>\d{1,2}:\d{2})-(?P<to>\d{1,2}:\d{2}))?")
_TIMES_ONLY = re.compile(r"(?P<from>\d{1,2}:\d{2})-(?P<to>\d{1,2}:\d{2})")
SCHEDULE_RULE = "mon-fri 08:00-18:00; sat,sun; workday 07:30-19:00; holiday; daily 22:00-06:00 (ends the next day)"


class Zones(Protocol):
    """Who knows the zone of a site (``Inventory``)."""

    def time_zone(self, site: str) -> str: ...


class SchedulePart(NamedTuple):
    """When something holds. ``days``: weekdays by number, or one of ``workday``, ``holiday``. Minutes of the day;
    ``until`` beyond 1440 lies in the next day."""

    days: frozenset[int] | str
    since: int
    until: int


class SiteCalendar:
    """See ``cloud.assets.contract.Calendar``. ``take`` fills it."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones
        self._days: dict[str, dict[date, CalendarDay]] = {}

    def take(self, days: Iterable[CalendarDay]) -> None:
        """Know these days in place of all that were known."""
        self._days = {}
        for day in days:
            self._days.setdefault(day.site, {})[date.fromisoformat(day.day)] = day

    def take_site(self, site: str, days: Iterable[CalendarDay]) -> None:
        """Know these days of a site in place of those that were known."""
        self._days[site] = {date.fromisoformat(day.day): day for day in days}

    def sites(self) -> set[str]:
        """Sites that have named days."""
        return {site for site, days in self._days.items() if days}

    def days(self, site: str) -> list[CalendarDay]:
        """The named days of a site, in order."""
        known = self._days.get(site, {})
        return [known[day] for day in sorted(known)]

    def zone(self, site: str) -> ZoneInfo:
        """The site's zone."""
        return _zone(self._zones.time_zone(site))

    def local(self, site: str, at: int) -> datetime:
        """The instant on the site's clocks."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self.zone(site))

    def is_workday(self, site: str, at: int) -> bool:
        return self.workday(site, self.local(site, at).date())

    def workday(self, site: str, day: date) -> bool:
        """Whether people work on that day: what was named wins over the weekday."""
        named = self._days.get(site, {}).get(day)
        return named.type == WORKDAY if named is not None else day.weekday() < 5

    def name_of(self, site: str, day: date) -> str:
        """How the day is called; empty for an ordinary one."""
        named = self._days.get(site, {}).get(day)
        return named.name if named is not None else ""

    def day_of(self, site: str, at: int) -> tuple[int, int]:
        """First and next midnight (ms) of the site's day that holds the instant."""
        zone = self.zone(site)
        day = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date()
        return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)

    def within(self, site: str, at: int, schedule: Sequence[str]) -> bool:
        """Whether the instant lies in one of the parts. Nothing is within an empty schedule; a part nobody can read
        holds never (it was refused when it was entered)."""
        if not schedule:
            return False
        moment = self.local(site, at)
        minute = moment.hour * 60 + moment.minute
        today = moment.date()
        for text in schedule:
            part = read_part(text)
            if part is None:
                continue
            if part.since <= minute < part.until and self._falls_on(site, today, part):
                return True
            before = today - timedelta(days=1)
            if minute + DAY_MIN < part.until and self._falls_on(site, before, part):
                return True
        return False

    def _falls_on(self, site: str, day: date, part: SchedulePart) -> bool:
        if isinstance(part.days, str):
            return self.workday(site, day) == (part.days == WORKDAY)
        return day.weekday() in part.days


def parse_day(values: Mapping[str, object], site: str) -> CalendarDay:
    """A calendar day of an import; raises ValueError that says what would be right."""
    day, kind, name = values.get("day"), values.get("type"), values.get("name", "")
    if isinstance(day, date):
        day = day.isoformat()
    try:
        date.fromisoformat(str(day))
    except ValueError:
        raise ValueError(f"{day!r} is no day; write it like 2026-10-01") from None
    if kind not in (HOLIDAY, WORKDAY):
        raise ValueError(f"{kind!r} is no type of a day; holiday or workday")
    if not isinstance(name, str) or len(name) > 60:
        raise ValueError("the name of a day is a text of at most 60 characters")
    return CalendarDay(site, str(day), str(kind), name)


def schedule_fault(text: str) -> str | None:
    """What is wrong with a part of a schedule; None when it can be read."""
    return None if read_part(text) is not None else f"{text[:60]!r} is no schedule; write it like: {SCHEDULE_RULE}"


@lru_cache(maxsize=1024)
def read_part(text: str) -> SchedulePart | None:
    """A part of a schedule; None when it cannot be read."""
    text = text.strip().lower()
    found = _PART.fullmatch(text)
    if found is None:
        found = _TIMES_ONLY.fullmatch(text)
        days: frozenset[int] | str | None = frozenset(range(7))
    else:
        days = _days(found["days"])
    if found is None or days is None:
        return None
    if found["from"] is None:
        return SchedulePart(days, 0, DAY_MIN)
    since, until = _minute(found["from"]), _minute(found["to"])
    if since is None or until is None or since == DAY_MIN:
        return None
    return SchedulePart(days, since, until if until > since else until + DAY_MIN)


def _days(text: str) -> frozenset[int] | str | None:
    if text in (WORKDAY, HOLIDAY):
        return text
    if text == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            return None
        start = WEEKDAYS.index(first)
        span = (WEEKDAYS.index(last) - start) % 7 if dash else 0
        found |= {(start + step) % 7 for step in range(span + 1)}
    return frozenset(found)


def _minute(text: str) -> int | None:
    hour, _, minute = text.partition(":")
    value = int(hour) * 60 + int(minute)
    return value if int(minute) < 60 and value <= DAY_MIN else None


def _midnight(day: date, zone: ZoneInfo) -> int:
    """Where a zone has no midnight on that day (a clock put forward at 0:00), its first instant."""
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
