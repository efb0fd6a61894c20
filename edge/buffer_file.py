"""The buffer's file: schema, settings that must hold, and the statements on it. One thread, no asyncio.

Page size and checkpoint interval were measured (bytes written to the disk per reading at 50 readings/s, one batch a
second: 105 with pages of 1 KiB, 126 with 2 KiB, 167 with 4 KiB); a small log also leaves head-room when the disk fills.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from edge.buffer import CHUNK_BATCHES, CHUNK_BYTES, ORIGINS_KEPT, QUARANTINE_BATCHES, KeptBatch, Kind, Rejected
from protocols.batch import Identity
from protocols.errors import StoreDamaged, StoreUnavailable

PAGE_BYTES = 1024
CHECKPOINT_PAGES = 64
SYNCHRONOUS_FULL = 2
APPLICATION_ID = 0x64617975
FORMAT = 1
QUICK_CHECK_S = 2.0
"""A larger file is checked for so long and no longer; the rest is checked when it is read."""

ROW_BYTES = 48
"""What a batch takes beside its payload, about."""

SCHEMA = (
    # Places of one epoch are base + seq, so rows need not carry their epoch.
    "CREATE TABLE epoch (base INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE batch (place INTEGER PRIMARY KEY, kind INTEGER NOT NULL, readings INTEGER NOT NULL,"
    " events INTEGER NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, sealed_at INTEGER NOT NULL,"
    # The lowest place in use when this batch was stored: tells what is missing when the file is damaged.
    " oldest INTEGER NOT NULL, payload BLOB NOT NULL)",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE origin (slot INTEGER PRIMARY KEY, digest BLOB NOT NULL)",
    "CREATE TABLE untimed (id INTEGER PRIMARY KEY, boot TEXT NOT NULL, first_ms INTEGER NOT NULL,"
    " items INTEGER NOT NULL, payload BLOB NOT NULL)",
    "CREATE TABLE quarantine (id INTEGER PRIMARY KEY, place INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " readings INTEGER NOT NULL, events INTEGER NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL,"
    " sealed_at INTEGER NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL)",
)


class Totals(NamedTuple):
    """Sums over batches."""

    batches: int = 0
    readings: int = 0
    events: int = 0
    payload_bytes: int = 0

    def plus(self, other: Totals) -> Totals:
        return Totals(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: Totals) -> Totals:
        return Totals(*(a - b for a, b in zip(self, other, strict=True)))


class Epoch(NamedTuple):
    """An epoch of this file: its batches stand at base + seq."""

    base: int
    name: str


class Span(NamedTuple):
    """Neighbouring batches that were removed together."""

    totals: Totals
    first_place: int
    last_place: int
    from_at: int
    to_at: int


class UntimedRow(NamedTuple):
    id: int
    boot: str
    first_ms: int
    items: int
    payload: bytes


def draw_epoch() -> str:
    """A name no other buffer file has."""
    return secrets.token_hex(4)


_NOT_NOW = ("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_NOMEM", "SQLITE_PERM", "SQLITE_INTERRUPT")
_DAMAGED_IO = ("SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")


def explain(error: sqlite3.Error, path: Path) -> StoreUnavailable | StoreDamaged:
    """What an SQLite error means to the caller: try again later, or set the file aside.

    Whatever is not known to pass is damage: the statements here are right for a file that is.
    """
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreUnavailable(f"{path} is in use by another process; does a gateway run with it already?")
    if name.startswith("SQLITE_FULL"):
        return StoreUnavailable(f"{path}: the disk is full")
    is_ours = isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError)
    if is_ours or (name.startswith(_NOT_NOW) and not name.startswith(_DAMAGED_IO)):
        return StoreUnavailable(f"{path}: {error}")
    return StoreDamaged(str(path), str(error))


def connect(path: Path, max_bytes: int) -> sqlite3.Connection:
    """Open the file with every setting that durability rests on, set and asserted. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False, cached_statements=64)
    try:
        run = connection.execute
        run(f"PRAGMA page_size = {PAGE_BYTES}")
        run("PRAGMA cell_size_check = ON")
        # One process has the file for itself: a second gateway is refused, and no shared-memory file is written.
        run("PRAGMA locking_mode = EXCLUSIVE")
        mode = run("PRAGMA journal_mode = WAL").fetchone()[0]
        run(f"PRAGMA synchronous = {SYNCHRONOUS_FULL}")
        synchronous = run("PRAGMA synchronous").fetchone()[0]
        if mode != "wal" or synchronous != SYNCHRONOUS_FULL:
            raise StoreUnavailable(f"{path}: journal_mode {mode}, synchronous {synchronous}; WAL and FULL are needed")
        run(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        run("PRAGMA cache_size = -1024")
        run("PRAGMA temp_store = MEMORY")
        page_bytes = run("PRAGMA page_size").fetchone()[0]
        run(f"PRAGMA max_page_count = {max(max_bytes // page_bytes, 64)}")
    except BaseException:
        connection.close()
        raise
    return connection


def create_schema(connection: sqlite3.Connection, epoch: Epoch) -> None:
    """Lay out an empty file, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO epoch VALUES (?, ?)", epoch)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def is_empty(connection: sqlite3.Connection) -> bool:
    """True for a file in which nothing was ever laid out (its creation was cut short)."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def check(connection: sqlite3.Connection, path: Path, monotonic: Callable[[], float]) -> None:
    """Raise StoreDamaged when the file is not what this module wrote, as far as `QUICK_CHECK_S` can tell."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise StoreUnavailable(f"{path} was written by a newer version (format {version}); this one reads {FORMAT}")
    found = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid")]
    if found != list(SCHEMA) or version != FORMAT:
        raise StoreDamaged(str(path), "the tables are not those of a buffer")
    end = monotonic() + QUICK_CHECK_S
    connection.set_progress_handler(lambda: monotonic() > end, 20_000)
    try:
        wrong = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
        wrong = "ok"
    finally:
        connection.set_progress_handler(None, 0)
    if wrong != "ok":
        raise StoreDamaged(str(path), wrong.replace("\n", " ")[:200])


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Rows:
    """Statements on an open file. The caller begins and ends the transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run = connection.execute
        self._many = connection.executemany

    # Batches

    def epochs(self) -> list[Epoch]:
        """All epochs, the current one last."""
        return [Epoch(*row) for row in self._run("SELECT base, name FROM epoch ORDER BY base")]

    def totals(self) -> Totals:
        found = self._run(
            "SELECT count(*), total(readings), total(events), total(length(payload)) FROM batch"
        ).fetchone()
        return Totals(*map(int, found))

    def ends(self) -> tuple[int, int]:
        """The first and last place taken; (1, 0) when there is none."""
        first, last = self._run("SELECT (SELECT min(place) FROM batch), (SELECT max(place) FROM batch)").fetchone()
        return (1, 0) if first is None else (first, last)

    def insert(self, batch: KeptBatch, from_at: int, to_at: int, oldest: int) -> None:
        place, _, kind, readings, events, sealed_at, payload = batch
        self._run(
            "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (place, int(kind), readings, events, from_at, to_at, sealed_at, oldest, payload),
        )

    def oldest_batch(self) -> tuple[int, int]:
        """(place, sealed_at) of the first batch; zeros when there is none."""
        row = self._run("SELECT place, sealed_at FROM batch ORDER BY place LIMIT 1").fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def newest_sealed_at(self) -> int:
        """When the newest batch was sealed; 0 when there is none."""
        row = self._run("SELECT sealed_at FROM batch ORDER BY place DESC LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def read(self, first: int, last: int) -> list[tuple[int, int, int, int, int, bytes]]:
        """(place, kind, readings, events, sealed_at, payload) of a chunk, oldest first."""
        found: list[tuple[int, int, int, int, int, bytes]] = []
        room = CHUNK_BYTES
        for row in self._run(
            "SELECT place, kind, readings, events, sealed_at, payload FROM batch"
            " WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?",
            (first, last, CHUNK_BATCHES),
        ):
            room -= len(row[5])
            if found and room < 0:
                break
            found.append(row)
        return found

    def delete(self, first: int, last: int) -> Totals:
        """Remove the batches of a range of places; says what they were."""
        found = self.totals_of(first, last)
        if found.batches:
            self._run("DELETE FROM batch WHERE place BETWEEN ? AND ?", (first, last))
        return found

    def totals_of(self, first: int, last: int) -> Totals:
        """What the batches of a range of places hold."""
        found = self._run(
            "SELECT count(*), total(readings), total(events), total(length(payload)) FROM batch"
            " WHERE place BETWEEN ? AND ?",
            (first, last),
        ).fetchone()
        return Totals(*map(int, found))

    def used_bytes(self) -> int:
        pages, free, size = (
            self._run(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def oldest(self, kind: Kind, after: int, before: int) -> Iterable[tuple[int, int, int, int, int, int]]:
        """(place, readings, events, from_at, to_at, payload length) of one kind, oldest first, places in between."""
        return self._run(
            "SELECT place, readings, events, from_at, to_at, length(payload) FROM batch"
            " WHERE place > ? AND place < ? AND kind = ? ORDER BY place",
            (after, before, int(kind)),
        )

    # Quarantine

    def isolate(self, rejected: Rejected) -> tuple[Totals, tuple[int, int] | None]:
        """Move a batch into the quarantine; its totals and its span of time, None when it is not there."""
        row = self._run(
            "SELECT readings, events, length(payload), from_at, to_at FROM batch WHERE place = ?", (rejected.place,)
        ).fetchone()
        if row is None:
            return Totals(), None
        self._run(
            "INSERT INTO quarantine SELECT NULL, place, kind, readings, events, from_at, to_at, sealed_at, payload,"
            " ?, ? FROM batch WHERE place = ?",
            (rejected.reason[:64], rejected.detail[:400], rejected.place),
        )
        self._run("DELETE FROM batch WHERE place = ?", (rejected.place,))
        self._run("DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?", (QUARANTINE_BATCHES,))
        return Totals(1, row[0], row[1], row[2]), (row[3], row[4])

    def quarantined(self) -> int:
        return int(self._run("SELECT count(*) FROM quarantine").fetchone()[0])

    # Origins of events, for redelivered device messages

    def origins(self) -> list[tuple[int, bytes]]:
        return list(self._run("SELECT slot, digest FROM origin ORDER BY slot"))

    def add_origins(self, origins: Iterable[tuple[int, bytes]]) -> None:
        self._many("INSERT INTO origin VALUES (?, ?)", origins)

    def forget_origins(self, newest: int) -> None:
        self._run("DELETE FROM origin WHERE slot <= ?", (newest - ORIGINS_KEPT,))

    # Items without a time

    def add_untimed(self, row: UntimedRow) -> None:
        self._run("INSERT INTO untimed VALUES (?, ?, ?, ?, ?)", row)

    def untimed(self, boot: str, limit: int) -> list[UntimedRow]:
        return [
            UntimedRow(*row)
            for row in self._run("SELECT * FROM untimed WHERE boot = ? ORDER BY id LIMIT ?", (boot, limit))
        ]

    def untimed_boots(self) -> dict[str, int]:
        return dict(self._run("SELECT boot, min(first_ms) FROM untimed GROUP BY boot ORDER BY min(id)"))

    def untimed_items(self) -> tuple[int, int]:
        """(last id, number of items)."""
        last, items = self._run("SELECT coalesce(max(id), 0), total(items) FROM untimed").fetchone()
        return int(last), int(items)

    def oldest_untimed(self) -> Iterable[tuple[int, int, int]]:
        """(id, items, payload length), oldest first."""
        return self._run("SELECT id, items, length(payload) FROM untimed ORDER BY id")

    def delete_untimed(self, ids: Iterable[int]) -> None:
        self._many("DELETE FROM untimed WHERE id = ?", [(each,) for each in ids])

    # Small things

    def meta(self, key: str) -> object:
        row = self._run("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, key: str, value: object) -> None:
        if value is None:
            self._run("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._run(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
            )


def identify(epochs: list[Epoch], place: int) -> Identity:
    """The name of the batch at a place."""
    for epoch in reversed(epochs):
        if place > epoch.base:
            return Identity(epoch.name, place - epoch.base)
    raise ValueError(f"no epoch has place {place}")
