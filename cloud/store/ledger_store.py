"""A store on servers: the ledger has every commit, an engine keeps the readings.

Order of a commit: identities, events, counters and a block of readings go into the ledger in one durable transaction,
and that is the commit. A thread hands blocks to the engine and takes them out of the ledger when they are surely at
rest there. Killed at any point, the ledger still has what the engine may lack; what it has twice is read once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from cloud.store import ledger_personal, ledger_query, ledger_upkeep
from cloud.store.contract import (
    ORIGIN_COLUMNS,
    RAW_COLUMNS,
    ROLLUP_COLUMNS,
    STEPS,
    Arrived,
    BadQuery,
    CommitRefused,
    CommitWork,
    DefaultFacts,
    EventsQuery,
    GatewayKey,
    Ints,
    LostPart,
    NewestValues,
    OpenReport,
    Page,
    QualityWord,
    ReadingsQuery,
    Remembered,
    Samples,
    SeriesFacts,
    SeriesKey,
    StoreSize,
)
from cloud.store.engine_feed import EngineFeed
from cloud.store.failpoint import fail_points
from cloud.store.keeping import Retention
from cloud.store.ledger_blocks import unpack, unpack_arrivals
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_readings import LedgerReadings
from cloud.store.ledger_tables import ARRIVAL, BATCH, BLOCK, EVENT, QUALITY, SERIES
from cloud.store.ledger_void import reached, void_in, void_through
from cloud.store.ledger_write import is_stored, write
from cloud.store.page_place import Place, advance, page_size
from cloud.store.pending_blocks import PendingBlocks
from cloud.store.personal import Due, HeldBack, PersonalEvent, Slice
from cloud.store.readings_engine import ReadingsEngine
from cloud.store.rollup_now import Asked, Readings, rolled
from protocols.clock import Clock
from protocols.errors import Permanent, StoreUnavailable

log = logging.getLogger(__name__)

PENDING_ROWS_MAX = 5_000_000
"""Readings that may wait for the engine; then commits wait too, and with them the broker and the gateways."""
_QUERY_THREADS = 4
_WORK_AT_FAULT = (sa.exc.IntegrityError, sa.exc.DataError, OverflowError, ValueError)

T = TypeVar("T")


class LedgerStore:
    """A ``SeriesStore`` (see ``cloud/store/contract.py``)."""

    def __init__(
        self,
        ledger: LedgerFile,
        engine: ReadingsEngine,
        clock: Clock,
        *,
        retention: Retention | None = None,
        facts: SeriesFacts | None = None,
        pending_rows_max: int = PENDING_ROWS_MAX,
    ) -> None:
        self._ledger, self._engine, self._clock = ledger, engine, clock
        self._retention = retention or Retention()
        self.held: Sequence[HeldBack] = ()
        self._facts = facts or DefaultFacts()
        self._reach = fail_points()
        self._pending = PendingBlocks(pending_rows_max)
        self._series: list[SeriesKey] = []
        self._numbers: dict[SeriesKey, int] = {}
        self._qualities: dict[int, QualityWord] = {0: QualityWord("good", "")}
        self._bounds: tuple[int, int] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._feed: EngineFeed | None = None
        self._readings = LedgerReadings(engine, self._pending, lambda: self._series, self._numbers.get)

    # --- life --------------------------------------------------------------------------------------------------------

    def open(self) -> OpenReport:
        if self._pool is not None:
            return OpenReport()
        self._ledger.open()
        self._begin()
        self._pending = PendingBlocks(self._pending.most_rows)
        self._readings.pending = self._pending
        with self._ledger.reading() as connection:
            self._learn(
                [(row[0], SeriesKey(*row[1:])) for row in connection.execute(sa.select(SERIES).order_by(SERIES.c.id))],
                [(row[0], QualityWord(*row[1:])) for row in connection.execute(sa.select(QUALITY))],
            )
            last = self._through()
            for number, body in connection.execute(_up_to(sa.select(BLOCK), BLOCK.c.id, last).order_by(BLOCK.c.id)):
                self._pending.add(number, unpack(body))
            for (body,) in connection.execute(_up_to(sa.select(ARRIVAL.c.body), ARRIVAL.c.id, last)):
                found = unpack_arrivals(body)
                self._reach_to(int(found.from_at.min()), int(found.to_at.max()))
            begun = connection.execute(sa.select(BATCH.c.id).limit(1)).first() is not None
        if begun:
            self._go_on_above(self._reached())
        else:
            self._refuse_strangers()
        with self._ledger.reading() as connection:
            self._readings.void = void_in(connection)
        self._pool = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="store-query")
        self._feed = EngineFeed(
            self._engine,
            self._pending,
            self._clock,
            names=lambda: self._series,
            remove=self._remove_blocks,
            raw_days=self._retention.raw_days,
            reach=self._reach,
        )
        self._feed.start()
        return OpenReport()

    def _begin(self) -> None:
        """The ledger is open, nothing of it was read yet."""

    def _through(self) -> int | None:
        """The newest batch that questions may find; None: all that is committed."""
        return None

    def _reached(self) -> int | None:
        """Up to which number the engine has batches; None when it cannot be asked."""
        try:
            return reached(self._engine, self._clock.now_ms())
        except StoreUnavailable as error:
            log.warning("it is not known how far the engine is, numbers of batches are left out: %s", error)
            return None

    def _go_on_above(self, last: int | None) -> None:
        """Batches that the ledger does not know have numbers of their own in the engine; they are not given again."""
        with self._ledger.writing() as connection:
            void_through(connection, ledger_query.next_batch(connection) - 1, last)

    def _refuse_strangers(self) -> None:
        """A new ledger gives numbers out anew: readings of another one would then seem to be of its batches."""
        try:
            if self._engine.newest(None, 0, self._clock.now_ms() + 86_400_000):
                self._engine.close()
                self._ledger.close()
                raise Permanent(
                    f"{self._engine.name} holds readings, but {self._ledger.name} is empty: they are of another one. "
                    "Restore that ledger, or give this collector an engine without readings of Dayuan's"
                )
        except StoreUnavailable as error:
            log.warning("it is not known whether the engine is empty: %s", error)

    def close(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.stop()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)
        self._engine.close()
        self._ledger.close()

    def remembered(self) -> Remembered:
        with self._ledger.reading() as connection:
            return ledger_query.recall(connection)

    def _learn(self, series: Sequence[tuple[int, SeriesKey]], words: Sequence[tuple[int, QualityWord]]) -> None:
        for number, key in series:
            if number != len(self._series) and self._series[number : number + 1] != [key]:
                raise StoreUnavailable(f"{self._ledger.name}: series {number} follows {len(self._series) - 1}")
            if number == len(self._series):
                self._series.append(key)
            self._numbers[key] = number
        self._qualities.update(words)

    def _reach_to(self, first: int, last: int) -> None:
        known = self._bounds
        self._bounds = (first, last) if known is None else (min(first, known[0]), max(last, known[1]))

    # --- commit ------------------------------------------------------------------------------------------------------

    def commit(self, work: CommitWork) -> None:
        if self._feed is None:
            raise StoreUnavailable("the store is not open")
        if self._pending.full and work.readings is not None:
            why = self._feed.failure or f"{self._engine.name} is slower than what comes"
            raise StoreUnavailable(f"{self._pending.rows} readings wait for their engine, no more are taken: {why}")
        try:
            with self._ledger.writing() as connection:
                write(connection, work, self._reach)
        except (StoreUnavailable, *_WORK_AT_FAULT) as error:
            with self._ledger.reading() as connection:
                stored = is_stored(connection, work)
            if not stored:
                if isinstance(error, StoreUnavailable):
                    raise
                raise CommitRefused(str(error).splitlines()[0][:300]) from error
        self._reach("after_commit")
        self._learn(work.new_series, work.new_qualities)
        if work.readings is not None and len(work.readings.series):
            self._reach_to(int(work.readings.at.min()), int(work.readings.at.max()))
            self._pending.add(int(work.readings.batch.max()), work.readings)
            self._feed.wake()

    def _remove_blocks(self, through: int) -> None:
        with self._ledger.writing() as connection:
            connection.execute(BLOCK.delete().where(BLOCK.c.id <= through))

    def digests(self, wanted: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], str]:
        with self._ledger.reading() as connection:
            return ledger_query.digests(connection, wanted)

    # --- questions ---------------------------------------------------------------------------------------------------

    async def _ask(self, call: Callable[[], T]) -> T:
        pool = self._pool
        if pool is None:
            raise StoreUnavailable("the store is not open")
        return await asyncio.get_running_loop().run_in_executor(pool, call)

    async def _look(self, call: Callable[[sa.Connection], T]) -> T:
        def look() -> T:
            with self._ledger.reading() as connection:
                return call(connection)

        return await self._ask(look)

    async def readings(self, query: ReadingsQuery) -> Page:
        if query.step not in STEPS:
            raise BadQuery(f"step={query.step!r}; allowed: {', '.join(STEPS)}")
        if query.step == "raw":
            return await self._ask(lambda: self._raw(query))
        if query.origin:
            raise BadQuery("origin is only known of raw readings")
        return await self._ask(lambda: self._rolled(query))

    def _raw(self, query: ReadingsQuery) -> Page:
        columns = RAW_COLUMNS + (ORIGIN_COLUMNS if query.origin else ())
        size = page_size(query.limit)
        start = Place.parse(query.next) if query.next else None
        key = SeriesKey(query.site, query.device, query.point)
        if key not in self._numbers:
            return Page(columns, [])
        at, batch, skip = start or (query.from_at, -1, 0)
        found = self._readings.first([key], max(at, query.from_at), query.to_at, size + skip + 1, self._bounds)
        rows = list(
            zip(found.at.tolist(), found.value.tolist(), found.quality.tolist(), found.batch.tolist(), strict=True)
        )
        rows = [row for row in rows if (row[0], row[3]) >= (at, batch)][skip : skip + size + 1]
        place = advance(rows, size, 3, start)
        rows = rows[:size]
        origins: dict[int, ledger_query.Origin] = {}
        if query.origin and rows:
            with self._ledger.reading() as connection:
                origins = ledger_query.origins(connection, [row[3] for row in rows])
        shown: list[tuple[object, ...]] = []
        for at, value, code, batch in rows:
            word = self._qualities.get(code, QualityWord("uncertain", "other"))
            origin = origins.get(batch, (None, None, None, None)) if query.origin else ()
            shown.append((at, None if value != value else value, word.quality, word.reason, *origin))
        return Page(columns, shown, str(place) if place else None)

    def _rolled(self, query: ReadingsQuery) -> Page:
        size = page_size(query.limit)
        from_at = max(query.from_at, Place.parse(query.next)[0]) if query.next else query.from_at
        key = SeriesKey(query.site, query.device, query.point)
        if key not in self._numbers or from_at >= query.to_at or self._bounds is None:
            return Page(ROLLUP_COLUMNS, [])

        def ask(since: int, until: int) -> Readings:
            found = self._readings.between([key], since, until)
            return Readings(found.at, found.value, found.batch)

        stale = min(self._facts.stale_after_ms(key), 86_400_000)
        asked = Asked(query.step, from_at, query.to_at, size + 1, stale, self._facts.time_zone(query.site))
        rows = rolled(asked, ask, self._bounds)
        more = str(Place((int(str(rows[size][0])), 0, 0))) if len(rows) > size else None
        return Page(ROLLUP_COLUMNS, rows[:size], more)

    async def events(self, query: EventsQuery) -> Page:
        return await self._look(lambda connection: ledger_query.events(connection, query, self._through()))

    async def received_around(self, key: GatewayKey, epoch: str, first: int, last: int) -> tuple[int, int]:
        return await self._look(lambda connection: ledger_query.received_around(connection, key, epoch, first, last))

    async def newest_values(self, *, since_at: int) -> NewestValues:
        last = max(self._clock.now_ms(), self._bounds[1] if self._bounds else 0)
        return await self._ask(lambda: self._newest(None, since_at, last))

    async def newest_before(self, series: Ints, at: int, *, since_at: int) -> NewestValues:
        wanted = [int(number) for number in np.unique(series) if 0 <= number < len(self._series)]
        return await self._ask(lambda: self._newest(wanted, since_at + 1, at))

    def _newest(self, wanted: Sequence[int] | None, since_at: int, at: int) -> NewestValues:
        bounds = self._bounds or (0, 0)
        found = self._readings.newest(wanted, max(since_at, bounds[0]), min(at, bounds[1]))
        with self._ledger.reading() as connection:
            origins = ledger_query.origins(connection, [row.batch for row in found.values()])
        numbers = sorted(found)
        received = [int(str(origins[found[n].batch][3])) if found[n].batch in origins else found[n].at for n in numbers]
        return NewestValues(
            series=np.array(numbers, np.int32),
            at=np.array([found[n].at for n in numbers], np.int64),
            value=np.array([found[n].value for n in numbers], np.float64),
            quality=np.array([found[n].quality for n in numbers], np.uint8),
            received_at=np.array(received, np.int64),
        )

    async def samples(self, wanted: Sequence[tuple[SeriesKey, int]], to_at: int) -> Samples:
        return await self._ask(lambda: self._readings.samples(wanted, to_at))

    async def arrived(self, wanted: Sequence[SeriesKey], after_batch: int) -> Arrived:
        numbers = [(place, self._numbers[key]) for place, key in enumerate(wanted) if key in self._numbers]
        return await self._look(
            lambda connection: ledger_query.arrived(connection, numbers, after_batch, self._through())
        )

    async def quarantine(self, *, limit: int = 100) -> Page:
        return await self._look(lambda connection: ledger_query.quarantine(connection, limit))

    async def refused(self, *, gateway: GatewayKey | None = None, limit: int = 100) -> Page:
        return await self._look(lambda connection: ledger_query.refused(connection, gateway, limit))

    async def size(self) -> StoreSize:
        def look(connection: sa.Connection) -> StoreSize:
            readings, batches = connection.execute(
                sa.select(sa.func.coalesce(sa.func.sum(BATCH.c.readings), 0), sa.func.count())
            ).one()
            events = connection.execute(sa.select(sa.func.count()).select_from(EVENT)).scalar() or 0
            return StoreSize(int(readings), batches, events, ledger_upkeep.file_bytes(connection, self._ledger.path))

        return await self._look(look)

    def _tidy(self, now_ms: int) -> None:
        with self._ledger.writing() as connection:
            ledger_upkeep.tidy(connection, self._retention, now_ms, self.held)

    # --- what is about people: ``cloud/store/personal.py`` ----------------------------------------------------------

    def hold_back(self, held: Sequence[HeldBack]) -> None:
        self.held = tuple(held)

    async def count_due(self, due: Due) -> int:
        events = await self._look(lambda connection: ledger_personal.count_due(connection, due))
        sites = ledger_personal.sites_due(self._series, due)
        return events + await self._ask(lambda: self._engine.count_old(due.points, sites, due.before) if sites else 0)

    async def expire(self, due: Due) -> Slice:
        found = await self._change(lambda connection: ledger_personal.expire(connection, due))
        sites = ledger_personal.sites_due(self._series, due)
        if found.rows or not sites:
            return found
        return Slice(await self._ask(lambda: self._engine.forget_old(due.points, sites, due.before)), False)

    async def find_events(self, words: Sequence[str], plates: Sequence[str] = ()) -> list[PersonalEvent]:
        return await self._look(lambda connection: ledger_personal.find(connection, words, plates))

    async def erase_events(self, ids: Sequence[str]) -> int:
        return await self._change(lambda connection: ledger_personal.erase(connection, ids))

    async def scrub(self) -> int:
        await self._ask(self._ledger.empty_log)
        return 0

    async def _change(self, call: Callable[[sa.Connection], T]) -> T:
        def change() -> T:
            with self._ledger.writing() as connection:
                return call(connection)

        return await self._ask(change)

    async def maintain(self, now_ms: int) -> Sequence[LostPart]:
        def work() -> None:
            self._tidy(now_ms)

        await self._ask(work)
        return []


def _up_to(asked: "sa.Select[Any]", column: Any, last: int | None) -> "sa.Select[Any]":
    return asked if last is None else asked.where(column <= last)
