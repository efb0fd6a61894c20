"""The table of days: what is not as its weekday says, editable, and which years were entered."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from cloud.tariffs.contract import DayKind

WARN_FROM_MONTH = 11
"""The State Council gives notice of the next year's days in November, sometimes in October."""


class NamedDay(NamedTuple):
    """A day that is a holiday or a workday whatever its weekday says."""

    day: date
    works: bool
    name: str = ""


class DayTable:
    """See ``cloud.tariffs.contract.Days``. A year counts as entered when at least one of its days is named."""

    def __init__(self, named: Iterable[NamedDay]) -> None:
        self._named: dict[date, NamedDay] = {}
        for each in named:
            before = self._named.get(each.day)
            if before is not None and before != each:
                raise ValueError(f"{each.day} is named twice: {_spell(before)} and {_spell(each)}; keep one of them")
            self._named[each.day] = each
        self._years = {day.year for day, each in self._named.items() if not each.works}

    def kind(self, day: date) -> DayKind:
        named = self._named.get(day)
        weekend = day.weekday() >= 5
        if named is None:
            return "weekend" if weekend else "workday"
        if not named.works:
            return "holiday"
        return "makeup" if weekend else "workday"

    def holiday(self, day: date) -> tuple[str, int]:
        """Days of one name that follow each other are one holiday."""
        named = self._named.get(day)
        if named is None or named.works:
            return "", 0
        nth = 1
        while self._is(day - timedelta(days=nth), named.name):
            nth += 1
        return named.name, nth

    def knows(self, year: int) -> bool:
        return year in self._years

    def named(self, year: int | None = None) -> list[NamedDay]:
        """The named days, in order."""
        return [self._named[day] for day in sorted(self._named) if year is None or day.year == year]

    def _is(self, day: date, name: str) -> bool:
        named = self._named.get(day)
        return named is not None and not named.works and named.name == name


def missing_year(table: DayTable, today: date) -> int | None:
    """The year whose days must be entered now: this one, or from November on the next; None when all is well."""
    if not table.knows(today.year):
        return today.year
    return today.year + 1 if today.month >= WARN_FROM_MONTH and not table.knows(today.year + 1) else None


def table_of(days: Mapping[date, tuple[str, str]]) -> DayTable:
    """A table from day -> (``holiday`` or ``workday``, name), as the registry keeps the days of a site."""
    return DayTable(NamedDay(day, kind == "workday", name) for day, (kind, name) in days.items())


def _spell(day: NamedDay) -> str:
    return f"{'workday' if day.works else 'holiday'} {day.name!r}"
