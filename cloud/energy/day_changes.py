"""Whether people changed which days are holidays and workdays since the gaps of a site were last given their shape."""

from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b

from cloud.energy.calendar import SiteDays
from cloud.registry.energy_book import EnergyBook

Days = frozenset[tuple[str, str]]


class DayChanges:
    """``look``, work, then ``keep``: when it is killed in between it is looked at again."""

    def __init__(self, calendar: SiteDays, book: EnergyBook) -> None:
        self._calendar, self._book = calendar, book
        self._kept: dict[str, Days] = {}
        self._seen: dict[str, Days] = {}

    async def look(self, site: str) -> int | None:
        """From when on days are others now (0: nobody knows which); None when none is, and at the very first look."""
        now: Days = frozenset((each.day, each.type) for each in self._calendar.days(site))
        self._seen[site] = now
        before = self._kept.get(site)
        if before is not None:
            other = before ^ now
            return self._midnight(site, min(day for day, _ in other)) if other else None
        noted = await self._book.noted(_name(site))
        if noted is None:
            await self.keep(site)
        elif noted != _mark(now):
            return 0
        self._kept[site] = now
        return None

    async def keep(self, site: str) -> None:
        """Gaps have the shape of the days that were looked at last."""
        now = self._seen[site]
        await self._book.note(_name(site), _mark(now))
        self._kept[site] = now

    def _midnight(self, site: str, day: str) -> int:
        """The beginning of the day before: a gap's shape may reach over midnight."""
        first = date.fromisoformat(day) - timedelta(days=1)
        noon = datetime(first.year, first.month, first.day, 12, tzinfo=UTC).timestamp()
        return max(0, self._calendar.day_of(site, round(noon * 1000))[0])


def _name(site: str) -> str:
    return f"days of {site}"


def _mark(days: Days) -> int:
    """A number that is another for other days."""
    text = repr(sorted(days)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1
