"""Asks for the days of the next year in good time: without them holidays are billed as workdays."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Protocol

from cloud.tariffs.billing import SiteDays
from cloud.tariffs.days import missing_year, table_of
from protocols.clock import Clock

log = logging.getLogger(__name__)

KIND = "calendar_missing"
FIRST_AFTER_S = 120.0
EVERY_S = 3600.0


class Alarms(Protocol):
    """``cloud.alarms.board.AlarmBoard``."""

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, str | int | float | bool | None]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class YearWatch:
    """Raises ``calendar_missing`` for sites whose calendar somebody keeps (it has days) or by whose days is billed."""

    def __init__(
        self,
        days: SiteDays,
        sites: Callable[[], Iterable[str]],
        billed: Callable[[str], bool],
        alarms: Alarms,
        clock: Clock,
    ) -> None:
        self._days, self._sites, self._billed = days, sites, billed
        self._alarms, self._clock = alarms, clock

    def look(self) -> None:
        """Raise or clear, for each site by its own date."""
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        for site in sorted(set(self._sites())):
            named = list(self._days.days(site))
            if not named and not self._billed(site):
                continue
            table = table_of({date.fromisoformat(each.day): (each.type, each.name) for each in named})
            year = missing_year(table, now.astimezone(self._days.zone(site)).date())
            if year is None:
                self._alarms.clear_alarm(KIND, site)
            else:
                self._alarms.raise_alarm(KIND, site, {"year": year})

    async def run(self) -> None:
        """Until cancelled."""
        await self._clock.sleep(FIRST_AFTER_S)
        while True:
            self.look()
            await self._clock.sleep(EVERY_S)
