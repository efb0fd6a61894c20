"""The wiring of energy; a part of ``cloud.features``."""

from cloud.energy.calendar import SiteDays
from cloud.energy.feature import Energy
from cloud.energy.reckoner import Reckoner
from cloud.ingest.path import Ingest
from cloud.registry.database import Database
from cloud.registry.energy_book import EnergyBook
from cloud.registry.energy_days_book import EnergyDaysBook
from cloud.store.contract import SeriesStore
from protocols.clock import Clock


def energy_of(
    database: Database,
    store: SeriesStore,
    ingest: Ingest,
    calendar: SiteDays,
    clock: Clock,
    *,
    keep_days: int | None,
) -> Energy:
    """Energy on an open registry and store. ``keep_days``: how long raw readings are kept."""

    def quality_of(code: int) -> tuple[str, str]:
        word = ingest.qualities.name(code)
        return word.quality, word.reason

    book, days = EnergyBook(database), EnergyDaysBook(database)
    reckoner = Reckoner(store, book, days, calendar, clock, quality_of=quality_of, keep_days=keep_days)
    return Energy(book, days, reckoner, store, calendar, clock)
