"""The wiring of what energy tells offices: anomalies of a whole site, tables for export, reports by plan."""

from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from cloud.analysis.judgements import Judgements
from cloud.analysis.site_watch import SiteWatch
from cloud.energy.calendar import SiteDays
from cloud.energy.feature import Energy
from cloud.energy.trial import Trial
from cloud.features_tariffs import TariffFeatures
from cloud.registry.database import Database
from cloud.registry.energy_book import EnergyBook
from cloud.registry.energy_days_book import EnergyDaysBook
from cloud.registry.energy_judgements_book import EnergyJudgementsBook
from cloud.registry.outdoor_book import OutdoorBook
from cloud.registry.report_book import ReportBook
from cloud.reports.energy_reports import EnergyReports
from cloud.reports.energy_tables import EnergyTables
from cloud.reports.report import ReportMaker
from cloud.reports.shelf import Shelf
from protocols.clock import Clock


class ReportFeatures:
    """``open`` first; ``tasks`` look for anomalies and write reports."""

    def __init__(
        self,
        database: Database,
        data: Path,
        energy: Energy,
        tariffs: TariffFeatures,
        calendar: SiteDays,
        clock: Clock,
    ) -> None:
        self.trial = Trial(EnergyDaysBook(database), energy.reckoner.more, calendar)
        self.records = EnergyBook(database)
        self.tables = EnergyTables(energy)
        self.outdoor = OutdoorBook(database)
        self.judgements = Judgements(EnergyJudgementsBook(database))
        self.watch = SiteWatch(energy, tariffs.billing, tariffs.desk, self.judgements, clock)
        self.maker = ReportMaker(self.tables, tariffs.billing, tariffs.desk, self.watch)
        self.reports = EnergyReports(self.maker, ReportBook(database), Shelf(data), clock)

    async def open(self) -> None:
        """Read what was written down."""
        await self.judgements.open()
        await self.reports.open()

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield from self.watch.tasks()
        yield from self.reports.tasks()
