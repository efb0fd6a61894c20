"""Whether a site has another time zone than the one by whose midnights its days are at rest.

Intervals are by UTC and stay what they are; where days begin is by the clock of the site. With another zone all its
days are taken away and worked out again from the readings, so that totals, ledger and quotas are by the new midnights.
"""

import logging
from collections.abc import Sequence
from hashlib import blake2b

from cloud.energy.calendar import SiteDays
from cloud.registry.energy_book import EnergyBook
from cloud.registry.energy_days_book import EnergyDaysBook

log = logging.getLogger(__name__)

STEADY_LOOKS = 3
"""A zone counts when so many rounds in a row have found it."""


class ZoneChanges:
    """``look`` at the beginning of a round."""

    def __init__(self, calendar: SiteDays, book: EnergyBook, days: EnergyDaysBook) -> None:
        self._calendar, self._book, self._days = calendar, book, days
        self._seen: dict[str, str] = {}
        self._waits: dict[str, tuple[str, int]] = {}

    async def look(self, site: str, meters: Sequence[str], oldest: int | None) -> bool:
        """Whether days were taken away, to be worked out anew. ``oldest``: from when on readings are still there.

        Days whose readings are gone cannot be cut anew: then all stay as they are, and the log says so at each start.
        """
        zone = self._calendar.zone(site).key
        if self._seen.get(site) == zone:
            return False
        name, mark = f"zone of {site}", _mark(zone)
        noted = await self._book.noted(name)
        first = await self._days.first_of(site) if noted not in (None, mark) else None
        if first is not None and not self._is_steady(site, zone):
            return False
        self._seen[site] = zone
        if first is None:
            if noted != mark:
                await self._book.note(name, mark)
            return False
        if oldest is not None and first < oldest:
            log.error(
                "energy of %s: its time zone is %s now, but readings of its first days are gone: its days keep the "
                "midnights of the zone before; set that one again, or keep readings for longer",
                site,
                zone,
            )
            return False
        await self._book.begin_anew(site, meters, name, mark)
        log.warning(
            "energy of %s: its time zone is %s now; all days of its %d meters are worked out again by the new "
            "midnights. Amounts of quarters of an hour stay, those of days, months and bills may differ; closed "
            "periods that do have an alarm",
            site,
            zone,
            len(meters),
        )
        return True

    def _is_steady(self, site: str, zone: str) -> bool:
        """Two gateways that name different zones must not have a year worked out again whenever one connects."""
        before, times = self._waits.get(site, ("", 0))
        times = times + 1 if before == zone else 1
        self._waits[site] = (zone, times)
        return times >= STEADY_LOOKS


def _mark(zone: str) -> int:
    return int.from_bytes(blake2b(zone.encode(), digest_size=8).digest(), "big") >> 1
