"""What a record would change before it is made: days worked out with it and without, both by the same readings."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud.energy.calendar import SiteDays
from cloud.energy.contract import Confirmed, Intervals, Ratio, Recorded, Replaced, State, Struck
from cloud.energy.days import DAY_MS
from cloud.energy.intervals import intervals
from cloud.energy.pages import Total, total_of
from cloud.energy.redo import More, Task
from cloud.energy.structure import Meter
from cloud.registry.energy_days_book import EnergyDaysBook

DAYS_MAX = 31
"""A ratio holds for ever; what it changes is shown for so many days."""

REACH_MS = 2 * DAY_MS
"""How far behind the days the reading is looked for that ends the last of them."""


class TriedDay(NamedTuple):
    """A day of the site without the record and with it."""

    day: int
    until: int
    before: Total
    after: Total


class Tried(NamedTuple):
    """``more``: it would change days after these, too."""

    days: tuple[TriedDay, ...]
    more: bool


class Trial:
    """Tries records; writes nothing."""

    def __init__(self, days: EnergyDaysBook, more: More, calendar: SiteDays) -> None:
        self._days, self._more, self._calendar = days, more, calendar

    async def of(self, site: str, meter: Meter, held: Sequence[Recorded], what: Recorded) -> Tried:
        """Raises EnergyFault when it cannot be counted with. Long gaps are spread evenly in both."""
        without, given = Task.of(site, meter, held), Task.of(site, meter, [*held, what])
        since, until, more = self._span(site, what)
        begin, state = await self._from(without, since)
        reach = until + REACH_MS
        readings = await self._more(given.series, begin, reach)
        old, new = (intervals(task.follower(readings, state, begin, reach), begin, until) for task in (without, given))
        found, day = [], since
        while day < until:
            end = self._calendar.day_of(site, day)[1]
            found.append(TriedDay(day, end, _total(old, day, end), _total(new, day, end)))
            day = end
        return Tried(tuple(found), more)

    def _span(self, site: str, what: Recorded) -> tuple[int, int, bool]:
        """Whole days of the site that it touches."""
        ends = isinstance(what, Confirmed | Struck)
        first = what.since if isinstance(what, Confirmed | Struck) else what.at
        last = what.until if isinstance(what, Confirmed | Struck) else what.at
        lasting = isinstance(what, Ratio) or (isinstance(what, Replaced) and what.register is not None)
        since = self._calendar.day_of(site, first)[0]
        until = self._calendar.day_of(site, last + (0 if ends else DAY_MS))[1]
        most = since + DAYS_MAX * DAY_MS
        if lasting:
            until = self._calendar.day_of(site, since + 6 * DAY_MS)[1]
        if until > most:
            return since, self._calendar.day_of(site, most - DAY_MS)[1], True
        return since, until, lasting

    async def _from(self, task: Task, since: int) -> tuple[int, State]:
        """Where to begin: a day before, with what the counter rule knew then."""
        row = await self._days.day_at(*task.key, since - 1) or await self._days.day_at(*task.key, since)
        if row is None:
            return since, State()
        return row.day, row.state


def _total(known: Intervals, since: int, until: int) -> Total:
    return total_of(known.between(since, until))
