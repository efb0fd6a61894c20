"""A collector's store and registry with a few meters, fed by hand."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from cloud.assets.calendar import SiteCalendar
from cloud.energy.contract import Intervals, missing
from cloud.energy.pages import unpack
from cloud.energy.reckoner import Reckoner
from cloud.energy.structure import Meter, Structure
from cloud.registry.asset_book import CalendarDay
from cloud.registry.database import Database
from cloud.registry.energy_book import EnergyBook
from cloud.registry.energy_days_book import EnergyDaysBook
from cloud.store.contract import BatchRow, CommitWork, GatewayKey, QualityWord, ReadingColumns, SeriesKey
from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import ManualClock

SITE = "east"
POINT = "active_energy_import_total"
QUALITIES = [QualityWord("good", ""), QualityWord("bad", "device_error"), QualityWord("uncertain", "clock")]

Row = tuple[str, int, float | None]
"""Meter, instant, value."""


class Zone:
    """The zone of every site."""

    def __init__(self, name: str) -> None:
        self.name = name

    def time_zone(self, site: str) -> str:
        del site
        return self.name


class BenchSite:
    """Open it with ``start``; ``commit`` readings; ``reckoner.round()``."""

    def __init__(self, folder: Path, meters: Sequence[Meter], *, zone: str = "Asia/Shanghai") -> None:
        self.clock = ManualClock()
        self.store = DuckdbStore(folder, self.clock, roll_up_every_s=1e9)
        self.database = Database(folder / "registry.sqlite", self.clock)
        self.book, self.days = EnergyBook(self.database), EnergyDaysBook(self.database)
        self.clocks = Zone(zone)
        self.calendar = SiteCalendar(self.clocks)
        self.meters = list(meters)
        self._series: dict[str, int] = {}
        self._batch = 0

    async def start(self) -> "BenchSite":
        self.store.open()
        await self.database.open()
        names = [(0, GatewayKey(SITE, "g1"))]
        self.store.commit(CommitWork(stored_at=0, new_gateways=names, new_qualities=list(enumerate(QUALITIES))))
        self.reckoner = self.new_reckoner()
        await self.take()
        return self

    async def reopen(self) -> "BenchSite":
        """The same after it was closed or killed: its first batch named every meter, in their order."""
        self.store.open()
        await self.database.open()
        self._series = {meter.id: number for number, meter in enumerate(self.meters)}
        self._batch = 1_000
        self.reckoner = self.new_reckoner()
        await self.take()
        return self

    def new_reckoner(self, keep_days: int | None = None) -> Reckoner:
        return Reckoner(
            self.store,
            self.book,
            self.days,
            self.calendar,
            self.clock,
            quality_of=lambda code: (QUALITIES[code].quality, QUALITIES[code].reason),
            keep_days=keep_days,
        )

    async def take(self) -> None:
        structure = Structure(meters=tuple(self.meters))
        self.reckoner.take({SITE: structure}, await self.book.records())

    async def close(self) -> None:
        await self.database.close()
        self.store.close()

    def commit(self, rows: Iterable[Row], quality: int | None = None) -> None:
        """One batch."""
        rows = list(rows)
        new = [name for name in dict.fromkeys(row[0] for row in rows) if name not in self._series]
        named = []
        for name in new:
            self._series[name] = len(self._series)
            named.append((self._series[name], SeriesKey(SITE, name, POINT)))
        self._batch += 1
        n = len(rows)
        batch = BatchRow(
            id=self._batch, gateway=0, epoch="e", seq=self._batch, digest=f"{self._batch:x}", readings=n, events=0,
            received_at=0,
        )  # fmt: skip
        values = np.array([np.nan if value is None else value for _, _, value in rows], np.float64)
        codes = np.where(np.isnan(values), 1, quality or 0).astype(np.uint8)
        columns = ReadingColumns(
            series=np.array([self._series[name] for name, _, _ in rows], np.int32),
            at=np.array([at for _, at, _ in rows], np.int64),
            value=values,
            quality=codes,
            batch=np.full(n, self._batch, np.int64),
        )
        self.store.commit(CommitWork(stored_at=0, batches=[batch], readings=columns, new_series=named))

    async def intervals(self, meter: str, since: int, until: int) -> Intervals:
        found = missing(since, until)
        for page in await self.days.pages(SITE, meter, since, until):
            found.lay(unpack(page))
        return found

    def holiday(self, day: date, kind: str) -> None:
        self.calendar.take([CalendarDay(SITE, day.isoformat(), kind, "")])

    @property
    def zone(self) -> ZoneInfo:
        return self.calendar.zone(SITE)
