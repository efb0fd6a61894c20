"""Tariffs and their wiring: what bills are made of, and who is told when the days of a year are missing."""

from collections.abc import Coroutine, Iterator
from typing import Any, NamedTuple

from cloud.alarms.board import AlarmBoard
from cloud.assets.calendar import SiteCalendar
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.registry.tariff_book import TariffBook
from cloud.tariffs.billing import Billing, Meters
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.year_watch import YearWatch
from protocols.clock import Clock


class Grounds(NamedTuple):
    """What tariffs stand on."""

    database: Database
    clock: Clock
    inventory: Inventory
    calendar: SiteCalendar
    alarms: AlarmBoard
    meters: Meters


class TariffFeatures:
    """Tariffs, bills and the watch over the calendar of one collector. ``open`` first."""

    def __init__(self, grounds: Grounds) -> None:
        self.desk = TariffDesk(TariffBook(grounds.database), grounds.clock)
        self.billing = Billing(self.desk, grounds.calendar, grounds.meters)
        self.years = YearWatch(
            grounds.calendar,
            lambda: {each.id for each in grounds.inventory.sites()} | grounds.calendar.sites(),
            lambda site: bool(self.desk.all(site)),
            grounds.alarms,
            grounds.clock,
        )

    async def open(self) -> None:
        """Read what was written down."""
        await self.desk.open()

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "calendar of the next year", self.years.run()
