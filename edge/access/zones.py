"""Where people went last, for anti-passback: in memory for deciding, and on disk soon after each passage.

A file of its own beside the buffer. What was not on disk when the gateway was killed is forgotten: then somebody is let
in once more, never kept out. Other gateways know nothing of it.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from edge.access.decider import Place
from protocols.errors import StoreUnavailable

PEOPLE_MAX = 50_000

_SCHEMA = "CREATE TABLE IF NOT EXISTS place (person INTEGER PRIMARY KEY, zone TEXT NOT NULL, at INTEGER NOT NULL)"


class Zones:
    """`load`, `save` and `close` block and are for one other thread at a time; all else is for the event loop and
    touches no disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[int, Place] = {}
        self._unsaved: dict[int, Place | None] = {}
        self._file: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def where(self, person: int) -> Place | None:
        """Where somebody went last."""
        return self._places.get(person)

    def move(self, person: int, place: Place) -> Place | None:
        """Somebody goes there; returns where they were. Beyond `PEOPLE_MAX` who moved first is forgotten."""
        before = self._places.pop(person, None)
        self._places[person] = self._unsaved[person] = place
        if len(self._places) > PEOPLE_MAX:
            oldest = next(iter(self._places))
            del self._places[oldest]
            self._unsaved[oldest] = None
        return before

    def put_back(self, person: int, gone: Place, before: Place | None) -> None:
        """The door did not open, so nobody went ``gone``; unless they moved again since."""
        if self._places.get(person) != gone:
            return
        del self._places[person]
        if before is not None:
            self._places[person] = before
        self._unsaved[person] = before

    def adopt(self, known: dict[int, Place]) -> None:
        """Take what `load` found; who moved since is where they went."""
        self._places = {**known, **self._places}

    def take_unsaved(self) -> dict[int, Place | None]:
        """What is to be saved; None: somebody of whom nothing is known any more."""
        taken, self._unsaved = self._unsaved, {}
        return taken

    def give_back(self, unsaved: dict[int, Place | None]) -> None:
        """It could not be saved."""
        self._unsaved = {**unsaved, **self._unsaved}

    def load(self) -> dict[int, Place]:
        """What the file says. Raises StoreUnavailable: it can be tried again. A damaged one is set aside, and the next
        call begins anew."""
        try:
            if not self._path.exists():
                return {}
            with self._lock:
                rows = self._open().execute("SELECT person, zone, at FROM place ORDER BY at").fetchall()
        except (sqlite3.Error, OSError) as error:
            self.close()
            if not _is_damage(error):
                raise StoreUnavailable(f"{self._path}: {error}") from None
            self._set_aside()
            raise StoreUnavailable(f"{self._path}: {error}; begun anew, nobody is known to be anywhere") from None
        return {person: Place(zone, at) for person, zone, at in rows[-PEOPLE_MAX:]}

    def save(self, unsaved: dict[int, Place | None]) -> None:
        """Put what moved on disk. Raises StoreUnavailable."""
        try:
            with self._lock, self._open() as file:
                gone = [(person,) for person, place in unsaved.items() if place is None]
                moved = [(person, place.zone, place.at) for person, place in unsaved.items() if place is not None]
                file.executemany("DELETE FROM place WHERE person = ?", gone)
                file.executemany("INSERT OR REPLACE INTO place VALUES (?, ?, ?)", moved)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{self._path}: {error}") from None

    def close(self) -> None:
        """May be called again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _set_aside(self) -> None:
        try:
            for suffix in ("-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            self._path.replace(f"{self._path}.damaged")
        except OSError as error:
            raise StoreUnavailable(f"{self._path} is damaged and cannot be set aside: {error}") from None

    def _open(self) -> sqlite3.Connection:
        if self._file is None:
            if not self._path.exists():
                self._path.touch(mode=0o600)
            file = sqlite3.connect(self._path, check_same_thread=False, timeout=5)
            try:
                for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                    file.execute(f"PRAGMA {pragma}")
                file.execute(_SCHEMA)
            except BaseException:
                file.close()
                raise
            self._file = file
        return self._file


def _is_damage(error: Exception) -> bool:
    """Only what sqlite itself calls damage, and text that is none: neither a full disk nor too many open files costs a
    good file its place."""
    if not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
