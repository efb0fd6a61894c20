"""Bills of meters: who is billed by what, over the intervals that energy keeps."""

import asyncio
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud.energy.contract import Intervals
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.contract import Bill
from cloud.tariffs.days import DayTable, table_of
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.layout import midnight
from cloud.tariffs.tariff import Tariff
from protocols.errors import Permanent

DAYS_MAX = 1100


class NamedDays(Protocol):
    """A day that is not what its weekday says (``cloud.registry.asset_book.CalendarDay``)."""

    @property
    def day(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def name(self) -> str: ...


class SiteDays(Protocol):
    """A site's zone and its named days (``cloud.assets.calendar.SiteCalendar``)."""

    def zone(self, site: str) -> ZoneInfo: ...

    def days(self, site: str) -> Iterable[NamedDays]: ...


class Meters(Protocol):
    """Where intervals come from."""

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None:
        """[since, until) (ms), MISSING where nothing is known; None for a meter nobody knows."""
        ...


class NoBill(Permanent):
    """A bill that cannot be made; the message says what would be right."""


class Wanted(NamedTuple):
    """``tariff``: None for the one the meter is billed by. Local days [since, until)."""

    site: str
    meter: str
    since: date
    until: date
    tariff: Tariff | None = None
    max_kw: Decimal | None = None


class Billing:
    """Makes bills. Changes nothing: any period can be priced anew, by any tariff."""

    def __init__(self, desk: TariffDesk, days: SiteDays, meters: Meters) -> None:
        self._desk, self._days, self._meters = desk, days, meters

    def of_others(self, meters: Meters) -> "Billing":
        """The same with intervals from elsewhere."""
        return Billing(self._desk, self._days, meters)

    def table(self, site: str) -> DayTable:
        """The days of a site as tariffs see them."""
        return table_of({date.fromisoformat(each.day): (each.type, each.name) for each in self._days.days(site)})

    async def bill(self, wanted: Wanted) -> Bill:
        """Raises NoBill, and TariffFault where a day has no bands or prices."""
        if not wanted.since < wanted.until <= wanted.since + timedelta(days=DAYS_MAX):
            raise NoBill(
                f"{wanted.since} to {wanted.until}: a bill is of 1 to {DAYS_MAX} days; the last is not included"
            )
        use = self._desk.use_of(wanted.site, wanted.meter)
        tariff = wanted.tariff
        if tariff is None:
            if use is None:
                raise NoBill(f"meter {wanted.meter} of {wanted.site} is billed by no tariff; name one or assign it one")
            known = self._desk.find(wanted.site, use.tariff)
            if known is None:
                raise NoBill(
                    f"meter {wanted.meter} is billed by tariff {use.tariff}, which {wanted.site} does not have"
                )
            tariff = known.tariff
        zone = self._days.zone(wanted.site)
        days_of = (wanted.since, wanted.until)
        active = await self.intervals(wanted.site, wanted.meter, *days_of)
        reactive = (
            await self.intervals(wanted.site, use.reactive, *days_of) if use is not None and use.reactive else None
        )
        metered = Metered(active, reactive, wanted.max_kw)
        days = self.table(wanted.site)
        # Three years take some hundred milliseconds, and a door's event does not wait for somebody's bill.
        return await asyncio.to_thread(make_bill, metered, tariff, days, zone, wanted.since, wanted.until)

    async def intervals(self, site: str, meter: str, since: date, until: date) -> Intervals:
        """Those of local days [since, until). Raises NoBill for a meter nobody knows."""
        zone = self.zone(site)
        found = await self._meters.intervals(site, meter, midnight(since, zone), midnight(until, zone))
        if found is None:
            raise NoBill(f"{site} has no meter {meter}")
        return found

    def zone(self, site: str) -> ZoneInfo:
        """The site's."""
        return self._days.zone(site)
