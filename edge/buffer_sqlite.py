"""The buffer on SQLite: WAL and synchronous=FULL, one thread for the file, everything else in memory is counters.

The statements are in `buffer_file.py`, what a transaction does in `buffer_change.py`, what is done with a damaged file
in `salvage.py`. The thread runs plain sqlite3: a commit is one hop to it and not one for every statement.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from edge.buffer import (
    Change,
    Chunk,
    Committed,
    Damage,
    EpochPlaces,
    Figures,
    KeptBatch,
    Opened,
    Rejected,
    Retiming,
    Seal,
)
from edge.buffer_change import State, Transaction
from edge.buffer_file import (
    FULL,
    check,
    connect,
    create_schema,
    draw_epoch,
    explain,
    is_empty,
    sync_folder,
)
from edge.buffer_keeping import SPARE_BYTES, kept_now, oldest_waiting, store_marks, stored_marks, waiting_totals
from edge.buffer_room import NOTHING, Need, Room
from edge.buffer_rows import Epoch, Rows, identify, kind_of, places_of, what_is_wrong
from edge.contract import FailPoint
from edge.failpoint import never
from edge.salvage import finish_swap, has_log, inspect_log, set_aside
from protocols.batch import peek
from protocols.clock import MS_PER_S, Clock
from protocols.errors import BadBatch, StoreDamaged, StoreUnavailable

log = logging.getLogger(__name__)

SOFT_SHARE = 0.94
"""Above this share of max_size room is made; the rest is head-room for the log and for deleting."""

MAX_BYTES_LEAST = 256 * 1024

P = ParamSpec("P")
T = TypeVar("T")


class SqliteBuffer:
    """See `edge.buffer.Buffer`. Constructing opens nothing."""

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        seal: Seal,
        clock: Clock,
        fail_point: FailPoint = never,
        keep_acked_s: float = 0.0,
    ) -> None:
        """keep_acked_s: acked batches stay so long, as long as there is room; 0 deletes them with the next commit."""
        self.path = path
        self._keep_ms = int(keep_acked_s * MS_PER_S)
        self._max_bytes = max(max_bytes, MAX_BYTES_LEAST)
        self._seal = seal
        self._clock = clock
        self._fail_point = fail_point
        self._room = Room(path, clock)
        self._executor: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._state: State | None = None
        self._error = ""
        self._found_damage = ""
        """Set while running; the next open sets the file aside even where its own checks find nothing."""

    async def open(self) -> Opened:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="buffer")
        return await self._in_thread(self._open)

    async def close(self) -> None:
        if self._executor is not None:
            executor, self._executor = self._executor, None
            await asyncio.get_running_loop().run_in_executor(executor, self._close)
            executor.shutdown(wait=False)

    async def commit(self, change: Change) -> Committed:
        return await self._in_thread(self._commit, lambda work: work.apply(change), Need.of(change))

    async def retime(self, retiming: Retiming, *, sealed_at: int) -> Committed:
        return await self._in_thread(self._commit, lambda work: work.retime(retiming, sealed_at))

    async def read(self, first: int, last: int, *, sealed_at: int) -> Chunk:
        return await self._in_thread(self._read, first, last, sealed_at)

    async def next_session(self, at_least: int) -> int:
        return await self._in_thread(self._next_session, at_least)

    def has_origin(self, origin: bytes) -> bool:
        return self._state is not None and origin in self._state.origins

    def places_of(self, epoch: str) -> EpochPlaces | None:
        return places_of(self._state.epochs, epoch) if self._state is not None else None

    def kept(self, first: int, last: int) -> list[tuple[int, int]]:
        return self._state.kept.meet(first, last) if self._state is not None else []

    def figures(self) -> Figures:
        state = self._state
        if state is None:
            error = self._error or "not open"
            return Figures("", 0, 0, 0, 0, 0, self._max_bytes, 0, 0, 0, 0, 0, error, self._room.full_since)
        totals = state.totals
        return Figures(
            epoch=state.epochs[-1].name,
            batches=totals.batches,
            readings=totals.readings,
            events=totals.events,
            payload_bytes=totals.payload_bytes,
            used_bytes=state.used_bytes,
            max_bytes=self._max_bytes,
            oldest_sealed_at=state.oldest_sealed_at if totals.batches else 0,
            untimed=state.untimed_items,
            quarantined=state.quarantined,
            dropped_readings=state.dropped_readings,
            dropped_events=state.dropped_events,
            error=self._error,
            disk_full_since=self._room.full_since,
            kept=kept_now(state.kept, state.epochs, state.first if totals.batches else 0, state.last)
            if self._keep_ms
            else None,
        )

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._executor is None:
            raise StoreUnavailable(f"{self.path} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: work(*args, **kwargs))

    # From here on in the buffer's thread.

    def _open(self) -> Opened:
        self._close()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            finish_swap(self.path)
            self._room.keep_ballast(now=True)
            try:
                if self._found_damage:
                    raise StoreDamaged(str(self.path), self._found_damage)
                opened = self._load()
            except StoreDamaged as damage:
                log.error("the buffer is damaged: %s", damage)
                self._disconnect()
                used = self._state.last if self._state is not None else 0
                now_ms = self._clock.now_ms()
                saved = set_aside(self.path, damage.detail, now_ms, self._max_bytes, self._fail_point, used)
                self._found_damage = ""
                log.error("set aside as %s; %d batches saved from it, %d lost", saved.path, saved.salvaged, saved.lost)
                opened = self._load()
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self._room.note_full()
            raise self._refused(StoreUnavailable(f"{self.path}: {error.strerror or error}")) from error
        except StoreUnavailable as error:
            if FULL in str(error):
                self._room.note_full()
            self._close()
            raise self._refused(error) from error
        self._error = ""
        return opened

    def _load(self) -> Opened:
        try:
            verdict = inspect_log(self.path)
            if verdict.damaged:
                raise StoreDamaged(str(self.path), verdict.detail)
            had_no_log = not has_log(self.path)
            if not self.path.exists():
                # Before SQLite does: its log gets the mode of the file.
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = connect(self.path, self._max_bytes)
            if is_empty(self._connection):
                create_schema(self._connection, Epoch(0, draw_epoch()))
                sync_folder(self.path.parent)
            else:
                check(self._connection, self.path, self._clock.monotonic)
            rows = Rows(self._connection)
            if verdict.torn or (had_no_log and rows.meta("open")):
                # The newest batches may be missing although they were published: their seqs must not be used again.
                log.warning("%s: %s; a new epoch begins", self.path, verdict.detail or "its log is missing")
                self._draw_new_epoch(rows)
            rows.set_meta("open", 1)
            self._fail_point("before_checkpoint")
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            return self._take_stock(rows)
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        except (ValueError, TypeError) as error:
            raise StoreDamaged(str(self.path), f"a value is not what it should be: {error}") from error

    def _draw_new_epoch(self, rows: Rows) -> None:
        assert self._connection is not None
        _, last = rows.ends()
        self._connection.execute("BEGIN IMMEDIATE")
        base = max(last, int(str(rows.meta("last_place") or 0)), *(epoch.base for epoch in rows.epochs())) + 1
        self._connection.execute("INSERT INTO epoch VALUES (?, ?)", Epoch(base, draw_epoch()))
        self._connection.execute("COMMIT")

    def _take_stock(self, rows: Rows) -> Opened:
        epochs = rows.epochs()
        if not epochs:
            raise StoreDamaged(str(self.path), "no epoch is recorded")
        first, newest = rows.ends()
        last = max(newest, int(str(rows.meta("last_place") or 0)), epochs[-1].base)
        if newest:
            self._compare_newest(rows, epochs, newest)
        kept = stored_marks(rows, newest)
        waiting_from, oldest_sealed_at = oldest_waiting(rows, kept)
        untimed_id, untimed_items = rows.untimed_items()
        told = rows.meta("damage")
        damage = Damage(*self._split_damage(str(told))) if told else None
        self._state = State(
            epochs=epochs,
            last=last,
            totals=waiting_totals(rows, kept, first, newest),
            origins={digest: slot for slot, digest in rows.origins()},
            untimed_id=untimed_id,
            untimed_items=untimed_items,
            quarantined=rows.quarantined(),
            first=waiting_from,
            oldest_sealed_at=oldest_sealed_at,
            kept=kept,
            kept_stored=kept,
            used_bytes=rows.used_bytes(),
            damage=damage,
        )
        last_good_at = rows.newest_sealed_at()
        acked = kept.meet(first, newest)
        return Opened(epochs[-1].name, first, newest, last_good_at, rows.untimed_boots(), damage, acked)

    def _compare_newest(self, rows: Rows, epochs: list[Epoch], place: int) -> None:
        """The newest batch says its own name; when the file says another, its epochs are damaged."""
        row = rows.read(place, place)[0]
        try:
            found = peek(row[5])
        except BadBatch:
            return  # its checksum is dealt with when it is read
        if found != identify(epochs, place):
            raise StoreDamaged(str(self.path), f"place {place} holds {found.epoch}/{found.seq}")

    @staticmethod
    def _split_damage(told: str) -> tuple[str, int, int, str]:
        path, salvaged, lost, detail = told.split("\n", 3)
        return path, int(salvaged), int(lost), detail

    def _commit(self, work: Callable[[Transaction], Committed], need: Need = NOTHING) -> Committed:
        try:
            if not (self._room.suffices(need, self._connection) or self._spare(need)):
                raise StoreUnavailable(f"{self.path}: {FULL}")
            committed = self._attempt(work)
        except StoreUnavailable as error:
            if FULL not in str(error) or not self._room.make_last(self._connection):
                raise self._refused(error) from error
            try:
                committed = self._attempt(work)
            except StoreUnavailable as still:
                raise self._refused(still) from still
        if self._error:
            log.warning("the buffer commits again")
            self._error = ""
        self._room.keep_ballast()
        return committed

    def _spare(self, need: Need) -> bool:
        """On a full disk: give up acked batches for the free pages that `need` takes. True when that was enough."""
        if self._state is None or not self._state.kept.segments:
            return False
        self._attempt(lambda work: work.spare(2 * need.payload_bytes + SPARE_BYTES))
        return self._room.suffices(need, self._connection)

    def _attempt(self, work: Callable[[Transaction], Committed]) -> Committed:
        connection, state = self._ready()
        rows = Rows(connection)
        try:
            connection.execute("BEGIN IMMEDIATE")
            soft_bytes = int(self._max_bytes * SOFT_SHARE)
            transaction = Transaction(rows, state, self._seal, soft_bytes, self._fail_point, self._keep_ms)
            committed = work(transaction)
            self._fail_point("before_commit")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._judge(error) from error
        except BaseException:
            self._roll_back()
            raise
        self._state = replace(transaction.state, used_bytes=rows.used_bytes())
        self._fail_point("after_commit")
        return committed

    def _read(self, first: int, last: int, sealed_at: int) -> Chunk:
        connection, state = self._ready()
        intact: list[KeptBatch] = []
        damaged: list[Rejected] = []
        try:
            for row in Rows(connection).read(first, last):
                identity = identify(state.epochs, row[0])
                wrong = what_is_wrong(row, identity)
                if wrong:
                    log.error("batch %s/%d is damaged on the disk: %s", identity.epoch, identity.seq, wrong)
                    damaged.append(Rejected(row[0], "damaged", wrong))
                else:
                    place, kind, readings, events, at, payload = row
                    intact.append(KeptBatch(place, identity, kind_of(kind), readings, events, at, payload))
        except (sqlite3.Error, ValueError) as error:
            raise self._judge(error) from error
        if not damaged:
            return Chunk(intact, [])
        gaps: list[KeptBatch] = []

        def isolate(work: Transaction) -> Committed:
            gaps.extend(work.set_apart(damaged, sealed_at))
            return Committed(gaps)

        self._commit(isolate)
        return Chunk(intact, gaps)

    def _next_session(self, at_least: int) -> int:
        connection, _ = self._ready()
        rows = Rows(connection)
        try:
            session = max(int(str(rows.meta("session") or 0)) + 1, at_least)
            rows.set_meta("session", session)
        except (sqlite3.Error, ValueError) as error:
            self._roll_back()
            if isinstance(error, ValueError):
                return at_least
            raise self._judge(error) from error
        return session

    def _judge(self, error: sqlite3.Error | ValueError) -> StoreUnavailable | StoreDamaged:
        judged = (
            explain(error, self.path) if isinstance(error, sqlite3.Error) else StoreDamaged(str(self.path), str(error))
        )
        if isinstance(judged, StoreDamaged):
            self._found_damage = judged.detail
        return judged

    def _ready(self) -> tuple[sqlite3.Connection, State]:
        if self._connection is None or self._state is None:
            raise StoreUnavailable(f"{self.path} is not open")
        return self._connection, self._state

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _refused(self, error: StoreUnavailable) -> StoreUnavailable:
        if not self._error:
            log.error("the buffer cannot commit: %s", error)
        self._error = str(error)
        return error

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                rows = Rows(self._connection)
                if self._state is not None and not self._connection.in_transaction:
                    store_marks(rows, self._state.kept_stored, self._state.kept)
                rows.set_meta("open", None)
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
