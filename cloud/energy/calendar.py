"""What the days of a site are, as energy asks for it."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo


class NamedDay(Protocol):
    """A day that is not what its weekday says."""

    @property
    def day(self) -> str: ...

    @property
    def type(self) -> str: ...


class SiteDays(Protocol):
    """A site's zone, midnights and workdays (``cloud.assets.calendar.SiteCalendar``)."""

    def zone(self, site: str) -> ZoneInfo: ...

    def workday(self, site: str, day: date) -> bool:
        """Whether people work on that day, make-up days and holidays taken in."""
        ...

    def day_of(self, site: str, at: int) -> tuple[int, int]:
        """First and next midnight (ms) of the site's day that holds the instant."""
        ...

    def days(self, site: str) -> Sequence[NamedDay]:
        """Those that were named, in order."""
        ...
