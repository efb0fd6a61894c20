"""Which orders this gateway has seen, on disk before any is carried out: none is carried out twice, whatever happens.

A file of its own beside the buffer. It keeps the newest `KEPT` orders; of older ones it keeps the newest time, and
whatever is not newer than that counts as seen. It also counts what the rates of the site file allow.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from protocols.commands import Order
from protocols.errors import StoreUnavailable

KEPT = 5_000

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    id TEXT PRIMARY KEY, device TEXT NOT NULL, command TEXT NOT NULL, expires_at INTEGER NOT NULL, told INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS floor (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);
INSERT OR IGNORE INTO floor VALUES (1, 0);
CREATE TABLE IF NOT EXISTS spent (device TEXT NOT NULL, point TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS spent_by_point ON spent (device, point, at);
"""


class Untold(NamedTuple):
    """An order that was taken, and whose outcome is not on record."""

    id: str
    device: str
    command: str


class SeenCommands:
    """Blocking, from any thread. Opens its file at the first call. Raises StoreUnavailable, after `close` too."""

    def __init__(self, path: Path, *, kept: int = KEPT) -> None:
        self._path, self._kept = path, kept
        self._file: sqlite3.Connection | None = None
        self._closed = False
        self._one_at_a_time = threading.Lock()
        """Whoever waits for a thread may be cancelled while it works: then `close` waits for it."""

    def take(self, order: Order) -> bool:
        """True, once for each order for ever: it is on disk as seen, and may be carried out now."""

        def work(file: sqlite3.Connection) -> bool:
            (floor,) = file.execute("SELECT at FROM floor").fetchone()
            if order.issued_at <= floor:
                return False
            added = file.execute(
                "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, 0)",
                (order.id, order.device, order.text, order.expires_at),
            )
            if not added.rowcount:
                return False
            (count,) = file.execute("SELECT count(*) FROM seen").fetchone()
            if count > self._kept:
                self._forget(file, count - self._kept)
            return True

        return self._do(work)

    def spend(self, device: str, point: str, *, most: int, within_ms: int, now_ms: int) -> bool:
        """True, and counted on disk, when fewer than ``most`` orders of the point were counted in the last
        ``within_ms``. What was counted at a time that is yet to come (the clock was set back) counts as of now.
        """

        def work(file: sqlite3.Connection) -> bool:
            of_point = (device, point)
            file.execute(
                "UPDATE spent SET at = ? WHERE device = ? AND point = ? AND at > ?", (now_ms, *of_point, now_ms)
            )
            file.execute(
                "DELETE FROM spent WHERE device = ? AND point = ? AND at <= ?", (*of_point, now_ms - within_ms)
            )
            (count,) = file.execute("SELECT count(*) FROM spent WHERE device = ? AND point = ?", of_point).fetchone()
            if count >= most:
                return False
            file.execute("INSERT INTO spent VALUES (?, ?, ?)", (*of_point, now_ms))
            return True

        return self._do(work)

    def told(self, order_id: str) -> None:
        """What became of it is on record."""
        self._do(lambda file: file.execute("UPDATE seen SET told = 1 WHERE id = ?", (order_id,)))

    def untold(self) -> list[Untold]:
        """Orders of an earlier life whose outcome nobody knows. Where no order ever came there is no file."""
        if not self._path.exists():
            return []
        return self._do(
            lambda file: [Untold(*row) for row in file.execute("SELECT id, device, command FROM seen WHERE told = 0")]
        )

    def close(self) -> None:
        """May be called again."""
        with self._one_at_a_time:
            self._closed = True
            file, self._file = self._file, None
            if file is not None:
                file.close()

    @staticmethod
    def _forget(file: sqlite3.Connection, many: int) -> None:
        oldest = file.execute("SELECT id, expires_at FROM seen ORDER BY expires_at, id LIMIT ?", (many,)).fetchall()
        file.executemany("DELETE FROM seen WHERE id = ?", [(number,) for number, _ in oldest])
        file.execute("UPDATE floor SET at = max(at, ?)", (max(at for _, at in oldest),))

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._one_at_a_time:
            if self._closed:
                raise StoreUnavailable(f"{self._path}: closed")
            try:
                if self._file is None:
                    self._file = self._open()
                self._file.execute("BEGIN IMMEDIATE")
                try:
                    found = work(self._file)
                    self._file.execute("COMMIT")
                except BaseException:
                    self._file.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise StoreUnavailable(f"{self._path}: {error}") from error
        return found

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._path.touch(mode=0o600)
        file = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                file.execute(f"PRAGMA {pragma}")
            file.executescript(_SCHEMA)
        except BaseException:
            file.close()
            raise
        return file
