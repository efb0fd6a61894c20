"""The default store: one DuckDB file in the data folder, embedded in the collector.

Threads: ``commit`` runs in the caller's (the ingest worker), queries in two of the store's own, roll-ups and retention
in one more. Each has a connection of its own; DuckDB gives each transaction a snapshot and never makes them wait for
each other except at the instant of a commit.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import duckdb

from cloud.store.contract import (
    Arrived,
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
from cloud.store.duckdb_copy import copy_into
from cloud.store.duckdb_cut import Cutter, is_damage
from cloud.store.duckdb_file import connect, file_bytes, set_aside
from cloud.store.duckdb_log import LostEnd, cut_damaged_end, cut_quiet_damage
from cloud.store.duckdb_log_head import mend_head
from cloud.store.duckdb_personal import ForgetsPeople, Personal
from cloud.store.duckdb_query import DuckdbQueries
from cloud.store.duckdb_recall import digests, recall
from cloud.store.duckdb_rollup import RollUpMath, RollUpWriter
from cloud.store.duckdb_shadow import Shadow, put_back
from cloud.store.duckdb_upkeep import Upkeep
from cloud.store.duckdb_write import is_stored, write
from cloud.store.failpoint import fail_points
from cloud.store.keeping import Retention
from protocols.clock import Clock
from protocols.errors import StoreDamaged, StoreUnavailable

log = logging.getLogger(__name__)

FILE_NAME = "readings.duckdb"
_QUERY_THREADS = 2
ROLL_UP_EVERY_S = 60.0
"""Answers do not wait for it: a query works out what the tables do not hold yet. Rarely is cheap, because the bucket
of now is written anew each time."""
_SORT_S_PER_ROUND = 2.0
_REST_FACTOR = 2
"""And roll-ups rest twice as long as they worked, so that they leave the cores to what comes in."""

_WORK_AT_FAULT = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError, duckdb.NotSupportedError)
"""Only what DuckDB says of the rows themselves. A commit that fails (a full disk, a conflict with the upkeep) is none
of it: refusing it would have the gateway put a good batch away for ever."""

T = TypeVar("T")


class DuckdbStore(ForgetsPeople):
    """A ``SeriesStore`` (see ``cloud/store/contract.py``) in one file."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        retention: Retention | None = None,
        facts: SeriesFacts | None = None,
        memory_limit_mb: int = 1024,
        threads: int = 2,
        roll_up_every_s: float = ROLL_UP_EVERY_S,
    ) -> None:
        self.path = folder / FILE_NAME
        self._clock = clock
        self._shadow = Shadow(self.path)
        self._reach = fail_points()
        self._retention = retention or Retention()
        self._facts = facts or DefaultFacts()
        self._limits = (memory_limit_mb, threads)
        self._root: duckdb.DuckDBPyConnection | None = None
        self._writer: duckdb.DuckDBPyConnection | None = None
        self._generation = 0
        self._lock = threading.Lock()
        self._local = threading.local()
        self._query_pool: ThreadPoolExecutor | None = None
        self._upkeep_pool: ThreadPoolExecutor | None = None
        self._series: list[SeriesKey] = []
        self._numbers: dict[SeriesKey, int] = {}
        self._qualities: dict[int, QualityWord] = {}
        self._remembered: Remembered | None = None
        self._in_doubt = False
        """The last commit failed, and yet what it wrote may come back from the log when the file is opened again."""
        self._unreadable = ""
        """What said that a block cannot be read, until the upkeep has looked for it."""
        self._looked_for = ""
        self._lost: list[LostPart] = []
        self._roll_up_every_s = roll_up_every_s
        self._rest_until = 0.0

    # --- life --------------------------------------------------------------------------------------------------------

    def open(self) -> OpenReport:
        if self._root is not None:
            return OpenReport()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        report = OpenReport()
        try:
            report = self._connect_cutting_log()
        except StoreDamaged as damage:
            target = set_aside(self.path, self._clock.now_ms(), self._reach)
            log.error("the store could not be read and was set aside as %s: %s", target, damage.detail)
            report = OpenReport(damaged_path=str(target), damaged_detail=damage.detail)
            self._connect()
        self._query_pool = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="store-query")
        self._upkeep_pool = ThreadPoolExecutor(1, thread_name_prefix="store-upkeep")
        return report

    def _connect_cutting_log(self) -> OpenReport:
        """Raises StoreDamaged when it is more than the log's end that is damaged."""
        now_ms = self._clock.now_ms()
        mend_head(self.path, now_ms)
        lost, detail = cut_quiet_damage(self.path, now_ms), "an entry has no sensible length, and others follow"
        try:
            self._connect()
        except StoreDamaged as damage:
            detail = damage.detail
            more = cut_damaged_end(self.path, detail, now_ms)
            if more is None:
                raise
            lost = more if lost is None else LostEnd(lost.path, lost.size + more.size)
            self._connect()
        if lost is None:
            return OpenReport()
        log.error("the store's log was damaged; its last %d bytes are cut off, kept as %s", lost.size, lost.path)
        return OpenReport(damaged_path=str(lost.path), damaged_detail=detail, cut_log_bytes=lost.size)

    def _connect(self) -> None:
        memory_limit_mb, threads = self._limits
        torn = put_back(self.path, self._clock.now_ms())
        if torn:
            log.warning("a write of the store was cut short; its metadata is whole again, nothing is lost: %s", torn)
        root, remembered = connect(self.path, memory_limit_mb=memory_limit_mb, threads=threads, reach=self._reach)
        with self._lock:
            self._root, self._writer = root, root.cursor()
            self._generation += 1
        self._shadow.open()
        self._shadow.keep(root)
        self._take_names(remembered)
        self._remembered = remembered

    def _take_names(self, remembered: Remembered) -> None:
        self._series = [key for _, key in sorted(remembered.series)]
        self._numbers = {key: number for number, key in enumerate(self._series)}
        self._qualities = {0: QualityWord("good", ""), **dict(remembered.qualities)}

    def close(self) -> None:
        for pool in (self._query_pool, self._upkeep_pool):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
        self._query_pool = self._upkeep_pool = None
        self._disconnect()
        self._shadow.close()

    def _disconnect(self) -> None:
        with self._lock:
            writer, root = self._writer, self._root
            self._writer = self._root = None
            self._generation += 1
        for connection in (writer, root):
            if connection is None:
                continue
            try:
                connection.close()
            except duckdb.Error as error:
                log.warning("closing the store: %s", error)

    def remembered(self) -> Remembered:
        with self._lock:
            root = self._root
        if root is None:
            raise StoreUnavailable("the store is not open")
        fresh, self._remembered = self._remembered, None
        return fresh if fresh is not None else recall(root)

    # --- commits -----------------------------------------------------------------------------------------------------

    def commit(self, work: CommitWork) -> None:
        writer = self._writer
        if writer is None:
            writer = self._open_again()
        self._remembered = None
        known = len(self._series)
        for number, key in work.new_series:  # before they are committed: upkeep meets them the moment they are
            if number == len(self._series):
                self._series.append(key)
        try:
            if not (self._in_doubt and is_stored(writer, work)):
                write(writer, work, self._reach)
        except duckdb.Error as error:
            del self._series[known:]
            self._in_doubt = True
            raise self._after_failure(writer, error) from error
        except (ValueError, TypeError, OverflowError) as error:  # not even handed over: text or numbers beyond any type
            del self._series[known:]
            writer.execute("ROLLBACK")
            raise CommitRefused(str(error)[:300]) from error
        self._in_doubt = False
        self._shadow.keep(writer)
        self._numbers.update((key, number) for number, key in work.new_series)
        self._qualities.update(work.new_qualities)

    def _after_failure(self, writer: duckdb.DuckDBPyConnection, error: duckdb.Error) -> StoreUnavailable:
        """Leave nothing of the failed commit behind. A database that DuckDB gave up is opened again next time."""
        invalid = isinstance(error, duckdb.FatalException | duckdb.InternalException) or "invalidated" in str(error)
        try:
            writer.execute("ROLLBACK")
        except duckdb.TransactionException:
            pass  # it had not begun, or DuckDB rolled back by itself
        except duckdb.Error:
            invalid = True
        if invalid:
            self._disconnect()
        if is_damage(error):
            # Opening the file again shows whether it must be set aside.
            invalid = True
            self._disconnect()
        cause = _root_cause(error)
        first_line = str(cause).splitlines()[0][:300] if str(cause) else type(cause).__name__
        if invalid or not isinstance(cause, _WORK_AT_FAULT):
            return StoreUnavailable(first_line)
        return CommitRefused(first_line)

    def _open_again(self) -> duckdb.DuckDBPyConnection:
        """Raises StoreDamaged, which ends the process: what ingest remembers is that of the file to be set aside."""
        self._connect()
        assert self._writer is not None
        return self._writer

    def digests(self, wanted: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], str]:
        writer = self._writer if self._writer is not None else self._open_again()
        try:
            return digests(writer, wanted)
        except duckdb.Error as error:
            if is_damage(error):
                log.error("digests of stored batches cannot be read, repeated ones are not compared: %s", error)
                return {}
            raise self._after_failure(writer, error) from error

    # --- queries -----------------------------------------------------------------------------------------------------

    async def readings(self, query: ReadingsQuery) -> Page:
        return await self._ask(lambda queries: queries.readings(query))

    async def events(self, query: EventsQuery) -> Page:
        return await self._ask(lambda queries: queries.events(query))

    async def received_around(self, key: GatewayKey, epoch: str, first: int, last: int) -> tuple[int, int]:
        return await self._ask(lambda queries: queries.received_around(key, epoch, first, last))

    async def newest_values(self, *, since_at: int) -> NewestValues:
        return await self._ask(lambda queries: queries.newest_values(since_at))

    async def newest_before(self, series: Ints, at: int, *, since_at: int) -> NewestValues:
        return await self._ask(lambda queries: queries.newest_before(series, at, since_at))

    async def samples(self, wanted: Sequence[tuple[SeriesKey, int]], to_at: int) -> Samples:
        return await self._ask(lambda queries: queries.samples(wanted, to_at))

    async def arrived(self, wanted: Sequence[SeriesKey], after_batch: int) -> Arrived:
        return await self._ask(lambda queries: queries.arrived(wanted, after_batch))

    async def quarantine(self, *, limit: int = 100) -> Page:
        return await self._ask(lambda queries: queries.quarantine(limit))

    async def refused(self, *, gateway: GatewayKey | None = None, limit: int = 100) -> Page:
        return await self._ask(lambda queries: queries.refused(gateway, limit))

    async def size(self) -> StoreSize:
        readings, batches, events = await self._ask(lambda queries: queries.counts())
        return StoreSize(readings, batches, events, file_bytes(self.path))

    async def copy_to(self, target: Path) -> None:
        """Write the store as of now into a new file, while commits go on. Raises StoreUnavailable."""

        def copy() -> None:
            cursor, _ = self._cursor()
            try:
                copy_into(cursor, target)
            except duckdb.Error as error:
                raise StoreUnavailable(f"no copy of the store: {str(error).splitlines()[0][:300]}") from error
            finally:
                cursor.close()

        await asyncio.to_thread(copy)

    async def _ask(self, question: Callable[[DuckdbQueries], T]) -> T:
        pool = self._query_pool
        if pool is None:
            raise StoreUnavailable("the store is not open")

        def answer() -> T:
            try:
                return question(self._queries())
            except duckdb.Error as error:
                self._local.queries = None
                if is_damage(error):
                    self._unreadable = str(error)
                raise StoreUnavailable(str(error).splitlines()[0][:300]) from error

        return await asyncio.get_running_loop().run_in_executor(pool, answer)

    def _queries(self) -> DuckdbQueries:
        """This thread's connection, made anew after the database was opened again."""
        known: tuple[int, DuckdbQueries] | None = getattr(self._local, "queries", None)
        if known is not None and known[0] == self._generation:
            return known[1]
        cursor, generation = self._cursor()
        queries = DuckdbQueries(
            cursor,
            RollUpMath(cursor, self._series_key, self._facts),
            number_of=self._numbers.get,
            quality_of=lambda code: self._qualities.get(code, QualityWord("uncertain", "other")),
        )
        self._local.queries = (generation, queries)
        return queries

    def _cursor(self) -> tuple[duckdb.DuckDBPyConnection, int]:
        with self._lock:
            if self._root is None:
                raise StoreUnavailable("the store is not open")
            return self._root.cursor(), self._generation

    def _series_key(self, number: int) -> SeriesKey:
        try:
            return self._series[number]
        except IndexError:
            raise StoreUnavailable(f"series {number} is of a commit that is not over") from None

    # --- what is about people: ``cloud/store/personal.py`` ----------------------------------------------------------

    async def _of_people(self, work: Callable[[Personal], T]) -> T:
        """In the upkeep's thread, so that nothing else moves rows meanwhile."""
        pool = self._upkeep_pool
        if pool is None:
            raise StoreUnavailable("the store is not open")

        def run() -> T:
            cursor, _ = self._cursor()
            try:
                done = work(Personal(cursor, lambda: dict(self._numbers), self._reach))
                self._shadow.keep(cursor)
                return done
            except duckdb.Error as error:
                if is_damage(error):
                    self._unreadable = str(error)
                raise StoreUnavailable(str(error).splitlines()[0][:300]) from error
            finally:
                cursor.close()

        return await asyncio.get_running_loop().run_in_executor(pool, run)

    # --- background --------------------------------------------------------------------------------------------------

    async def maintain(self, now_ms: int) -> Sequence[LostPart]:
        pool = self._upkeep_pool
        if pool is None:
            raise StoreUnavailable("the store is not open")
        await asyncio.get_running_loop().run_in_executor(pool, self._maintain, now_ms)
        lost, self._lost = self._lost, []
        return lost

    def _maintain(self, now_ms: int) -> None:
        try:
            if self._unreadable not in ("", self._looked_for):
                self._cut_out(now_ms)
            upkeep, roll_up = self._workers()
            began = self._clock.monotonic()
            if began >= self._rest_until:
                roll_up.step()
                ended = self._clock.monotonic()
                self._rest_until = max(began + self._roll_up_every_s, ended + _REST_FACTOR * (ended - began))
            upkeep.retire(now_ms)
            deadline = self._clock.monotonic() + _SORT_S_PER_ROUND
            self._keep_shadow()
            while upkeep.cluster(now_ms) and self._clock.monotonic() < deadline:
                self._keep_shadow()
        except duckdb.Error as error:
            self._local.workers = None
            if is_damage(error):
                self._unreadable = str(error)
                if self._unreadable != self._looked_for:
                    return  # the next round cuts it out
            raise StoreUnavailable(str(error).splitlines()[0][:300]) from error

    def _keep_shadow(self) -> None:
        cursor, _ = self._cursor()
        try:
            self._shadow.keep(cursor)
        finally:
            cursor.close()

    def _cut_out(self, now_ms: int) -> None:
        """Once for each block that could not be read: what is not found is in no table that may be cut."""
        self._looked_for = self._unreadable
        holder, _ = self._cursor()
        reader, _ = self._cursor()
        try:
            self._lost += Cutter(self.path, holder, reader, self._series_key, now_ms).cut()
        except OSError as error:
            self._looked_for = ""
            raise StoreUnavailable(f"{self.path}: cannot write down what is lost: {error.strerror}") from error
        finally:
            holder.close()
            reader.close()

    def _workers(self) -> tuple[Upkeep, RollUpWriter]:
        known: tuple[int, tuple[Upkeep, RollUpWriter]] | None = getattr(self._local, "workers", None)
        if known is not None and known[0] == self._generation:
            return known[1]
        cursor, generation = self._cursor()
        made = (
            Upkeep(cursor, self._retention, lambda: self.held),
            RollUpWriter(cursor, RollUpMath(cursor, self._series_key, self._facts), self._reach),
        )
        self._local.workers = (generation, made)
        return made


def _root_cause(error: duckdb.Error) -> duckdb.Error:
    """What went wrong first: tidying up in a transaction that was given up says only that it was given up."""
    while isinstance(error.__context__, duckdb.Error):
        error = error.__context__
    return error
