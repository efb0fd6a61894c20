"""Where assets, days, units and maps are changed: on disk first, then in RAM, whoever changes them."""

import asyncio
import logging
from collections.abc import Sequence

from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar
from cloud.assets.maps import SiteMaps
from cloud.registry.asset_book import AssetBook, SiteChange
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class AssetDesk:
    """``open`` first. ``run`` notices what the command line wrote beside us."""

    def __init__(
        self, book: AssetBook, roster: AssetRoster, calendar: SiteCalendar, maps: SiteMaps, clock: Clock
    ) -> None:
        self.book, self.roster, self.calendar, self.maps = book, roster, calendar, maps
        self._clock = clock
        self._units: dict[str, list[str]] = {}
        self._changes = 0
        self._order = asyncio.Lock()

    async def open(self) -> None:
        """Read what was written down."""
        self._changes = await self.book.changes()
        await self.roster.open()
        await self._take_rest()

    def units(self, site: str) -> Sequence[str]:
        """The parts of the organisation at a site, in the order they were named."""
        return tuple(self._units.get(site, ()))

    async def apply(self, change: SiteChange) -> None:
        """All of it or nothing. Raises StoreUnavailable."""
        async with self._order:
            await self._apply(change)

    async def _apply(self, change: SiteChange) -> None:
        written = await self.roster.change(change)
        if written == self._changes + 1:
            self._changes = written  # else another process wrote in between: the next reload takes that over
        if change.days is not None:
            self.calendar.take_site(change.site, change.days)
        if change.units is not None:
            self._units[change.site] = list(change.units)
        if change.document is not None:
            self.maps.take(change.site, change.document, self.maps.rev(change.site) + 1)

    async def reload(self) -> bool:
        """Take over what another process wrote; returns whether there was anything."""
        async with self._order:
            changes = await self.book.changes()
            if changes == self._changes:
                return False
            await self._take_rest()
            await self.roster.reload()
            self._changes = changes
            return True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                if await self.reload():
                    log.info("assets were changed by another process; taken over")
            except StoreUnavailable as error:
                log.warning("it is not known whether assets were changed: %s", error)

    async def _take_rest(self) -> None:
        self.calendar.take(await self.book.days())
        self._units = await self.book.units()
        for site, stored in (await self.book.maps()).items():
            if stored.rev != self.maps.rev(site):
                self.maps.take(site, stored.document, stored.rev)
