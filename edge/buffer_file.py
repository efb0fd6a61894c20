"""The buffer's file: schema, settings that must hold, what its errors mean.

Page size and checkpoint interval were measured (bytes written to the disk per reading at 50 readings/s, one batch a
second: 105 with pages of 1 KiB, 126 with 2 KiB, 167 with 4 KiB); a small log also leaves head-room when the disk fills.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from edge.buffer_rows import Epoch
from protocols.errors import StoreDamaged, StoreUnavailable

PAGE_BYTES = 1024
CHECKPOINT_PAGES = 64
SYNCHRONOUS_FULL = 2
APPLICATION_ID = 0x64617975
FORMAT = 1
QUICK_CHECK_S = 2.0
"""A larger file is checked for so long and no longer; the rest is checked when it is read."""

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


def draw_epoch() -> str:
    """A name no other buffer file has."""
    return secrets.token_hex(4)


FULL = "the disk is full"
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
        return StoreUnavailable(f"{path}: {FULL}")
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
