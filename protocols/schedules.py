"""When a grant holds: weekly intervals of a site's local day, and dates on which other intervals hold, or none.

An interval is ``[from, to]`` in minutes after local midnight, ``to`` not part of it, at most 1440; what goes over
midnight is two intervals. The minute is the one that a clock on the wall shows: the hour that comes twice when clocks
are set back counts both times, and the hour that is left out never comes.
"""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Annotated

import msgspec

from protocols.clock import MS_PER_S

DAY_MINUTES = 1440
INTERVALS_MAX = 16
"""Of one day."""
DATES_MAX = 1000
"""Of one schedule."""

_Minute = Annotated[int, msgspec.Meta(ge=0, le=DAY_MINUTES)]
Interval = tuple[_Minute, _Minute]
Day = Annotated[list[Interval], msgspec.Meta(max_length=INTERVALS_MAX)]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``week``: seven days, Monday first. ``dates``: by local date, ``2026-10-01``; an empty list: it does not hold."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z")]
    week: Annotated[list[Day], msgspec.Meta(min_length=7, max_length=7)]
    dates: Annotated[dict[str, Day], msgspec.Meta(max_length=DATES_MAX)] = {}

    def holds_at(self, at_ms: int, zone: datetime.tzinfo) -> bool:
        """True when it holds at an instant, ms since 1970."""
        local = local_at(at_ms, zone)
        day = self.dates.get(local.date().isoformat()) if self.dates else None
        if day is None:
            day = self.week[local.weekday()]
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in day)

    def fault(self) -> str:
        """What is wrong with it, in words; empty when nothing is."""
        for weekday, day in enumerate(self.week):
            wrong = _fault_of_day(day)
            if wrong:
                return f"schedule {self.id}, week[{weekday}]: {wrong}"
        for date, day in self.dates.items():
            wrong = "" if _is_date(date) else "no date, written like 2026-10-01"
            wrong = wrong or _fault_of_day(day)
            if wrong:
                return f"schedule {self.id}, dates[{date[:20]!r}]: {wrong}"
        return ""


def local_at(at_ms: int, zone: datetime.tzinfo) -> datetime.datetime:
    """What clock and calendar on the wall show at an instant, ms since 1970."""
    return datetime.datetime.fromtimestamp(at_ms // MS_PER_S, zone)


def zone_of(name: str) -> zoneinfo.ZoneInfo | None:
    """A zone of the IANA database by its name; None when there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _fault_of_day(day: list[Interval]) -> str:
    for place, (start, end) in enumerate(day):
        if start >= end:
            return f"[{start}, {end}] ends before it begins; over midnight takes two intervals"
        if place and start < day[place - 1][1]:
            return f"[{start}, {end}] overlaps the one before, or stands in the wrong order"
    return ""


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
