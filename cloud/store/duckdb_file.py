"""Opening the file, and setting it aside when it is damaged. Nothing is ever deleted."""

import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from cloud.store.contract import Remembered
from cloud.store.duckdb_recall import recall
from cloud.store.duckdb_schema import NewerSchema, migrate
from cloud.store.duckdb_shadow import shadow_of
from cloud.store.failpoint import Reach, never
from protocols.errors import StoreDamaged, StoreUnavailable

_NOT_DAMAGE = ("could not set lock", "conflicting lock", "no space left", "permission denied", "too many open files",
               "could not write", "file too large", "disk quota", "input/output error",
               "read-only file system", "cannot allocate memory")  # fmt: skip
"""Words in DuckDB's errors that speak of the machine, not of the file."""


def connect(
    path: Path, *, memory_limit_mb: int, threads: int, reach: Reach = never
) -> tuple[duckdb.DuckDBPyConnection, Remembered]:
    """Open or create the file, bring its tables up to date and read what it remembers.

    Reading finds damage at the start: DuckDB verifies a block's checksum when it reads it.

    Raises StoreDamaged when the content cannot be read, StoreUnavailable when the machine does not let us
    (locked by another process, disk full, no permission, written by a newer version).
    """
    _check_access(path)
    connection = None
    try:
        connection = duckdb.connect(
            str(path),
            config={"memory_limit": f"{memory_limit_mb}MB", "threads": threads, "preserve_insertion_order": True},
        )
        migrate(connection, reach)
        return connection, recall(connection)
    except NewerSchema as error:
        _close(connection)
        raise StoreUnavailable(f"{path}: {error}; it was not touched") from None
    except (duckdb.Error, UnicodeDecodeError) as error:
        _close(connection)
        raise _judge(path, error) from None


def _judge(path: Path, error: Exception) -> StoreDamaged | StoreUnavailable:
    text = str(error)
    if any(word in text.lower() for word in _NOT_DAMAGE) or isinstance(error, duckdb.OutOfMemoryException):
        return StoreUnavailable(f"{path}: {text}")
    return StoreDamaged(str(path), text.splitlines()[0][:500] if text else type(error).__name__)


def _check_access(path: Path) -> None:
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StoreUnavailable(f"{path}: not readable and writable for this user")
    if not os.access(path.parent, os.W_OK):
        raise StoreUnavailable(f"{path.parent}: not writable for this user")


def _close(connection: duckdb.DuckDBPyConnection | None) -> None:
    if connection is None:
        return
    try:
        connection.close()
    except duckdb.Error:
        return  # an invalidated database cannot even be closed politely; the handle is dropped either way


def set_aside(path: Path, now_ms: int, reach: Reach = never) -> Path:
    """Rename the file, and what DuckDB keeps beside it, to ``<name>.damaged-<UTC>``; where it lies now.

    Raises StoreUnavailable when the machine does not let us; called again it goes on where it stopped.
    """
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.damaged-{stamp}")
    attempt = 1
    while target.exists():
        attempt += 1
        target = path.with_name(f"{path.name}.damaged-{stamp}-{attempt}")
    try:
        for part in (*sorted(path.parent.glob(f"{path.name}.wal*")), *filter(Path.exists, [shadow_of(path)])):
            part.rename(path.with_name(target.name + part.name[len(path.name) :]))
        reach("mid_set_aside")
        if path.exists():
            path.rename(target)
        _sync_folder(path.parent)
    except OSError as error:
        raise StoreUnavailable(f"{path}: damaged, and could not be set aside: {error.strerror}") from None
    return target


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_bytes(path: Path) -> int:
    """Bytes of the file and its log on the disk."""
    return sum(part.stat().st_size for part in (path, Path(f"{path}.wal")) if part.exists())
