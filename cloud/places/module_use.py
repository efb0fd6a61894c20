"""Which parts of the console people use: a part that is hardly used is worth a question.

used: the share of workdays on which something was done with it at least once.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from cloud.assets.contract import Calendar

DAY_MS = 86_400_000
DAYS_MIN = 5

Instants = Callable[[str, int, int], Awaitable[Mapping[str, Sequence[int]]]]
"""Site and period -> module -> when something was done with it, ms."""


class ModuleUse(NamedTuple):
    """How a module was used over a period. share None: the period holds too few workdays to say."""

    module: str
    times: int
    days: int
    workdays: int
    share: float | None
    evaluation: bool


class ModuleUses:
    """Asks those who know."""

    def __init__(self, calendar: Calendar, sources: Sequence[Instants]) -> None:
        self._calendar, self._sources = calendar, sources

    async def of(self, site: str, since: int, until: int, under: float) -> list[ModuleUse]:
        """Every module over [since, until), also those nobody used."""
        workdays = set()
        day = self._calendar.day_of(site, since)[0]
        while day < until:
            if self._calendar.is_workday(site, day):
                workdays.add(day)
            day = self._calendar.day_of(site, day)[1]
        found: dict[str, list[int]] = {}
        for source in self._sources:
            for module, instants in (await source(site, since, until)).items():
                found.setdefault(module, []).extend(instants)
        uses = []
        for module in sorted(found):
            days = {self._calendar.day_of(site, at)[0] for at in found[module]} & workdays
            share = len(days) / len(workdays) if len(workdays) >= DAYS_MIN else None
            is_little = share is not None and share < under
            uses.append(ModuleUse(module, len(found[module]), len(days), len(workdays), share, is_little))
        return uses
