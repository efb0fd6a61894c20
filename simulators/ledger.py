"""The ledger of truth: what the simulated devices gave away, written down before they gave it.

One SQLite file. ``synchronous`` is off: what the page cache has outlives a killed process, and a machine that loses
power has no demo left to check. Values are kept as the numbers the device meant, not as bytes of a register.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS shape (id INTEGER PRIMARY KEY, points TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS answer (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, served_at INTEGER NOT NULL, shape INTEGER NOT NULL,
    number_values BLOB NOT NULL, delay_s REAL NOT NULL, delivered INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, sent_at INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    expected TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, first_attempt_at INTEGER, confirmed_at INTEGER,
    qos INTEGER NOT NULL DEFAULT 1, retain INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS incident (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS written (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, at INTEGER NOT NULL, function INTEGER NOT NULL,
    address INTEGER NOT NULL, word_values TEXT NOT NULL, refused INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


KEPT_FROM = "kept from"
FORGET_SLACK_MS = 60_000

CARD = "card"
"""In an expected event: the UID of the card. What is stored instead is its key; the verdict computes that by itself."""


DELIVERED, UNDELIVERED, DOUBTFUL = 1, 0, 2


class ServedValue(NamedTuple):
    """One value that a meter put into an answer. ``doubtful``: the answer was such that a reader may refuse it."""

    device: str
    point: str
    value: float
    served_at: int
    delay_s: float
    doubtful: bool = False


class Written(NamedTuple):
    """One write that reached a device. ``refused``: the exception code it was answered with, or 0."""

    device: str
    at: int
    function: int
    address: int
    values: tuple[int, ...]
    refused: int


class ExpectedReading(NamedTuple):
    """A reading that a published message must become. ``optional``: it may be left out (a value not in the message).

    ``received``: the message holds no time that can be believed; the instant is that of receipt. ``quality``: "" when
    the device does not decide it.
    """

    point: str
    value: float
    at: int
    optional: bool = False
    received: bool = False
    quality: str = ""


class ExpectedEvent(NamedTuple):
    """An event that a published message must become; ``data`` holds the fields that must be equal.

    ``received``: the instant is that of receipt, as with a reading.
    """

    kind: str
    at: int
    data: Mapping[str, Any]
    received: bool = False


class Expectation(NamedTuple):
    readings: tuple[ExpectedReading, ...] = ()
    events: tuple[ExpectedEvent, ...] = ()


class Published(NamedTuple):
    """One message of a device. ``attempts`` > 1: sent again because the connection broke before the PUBACK.

    ``sent_at`` is an instant of the simulated world, the others are of the wire: with a world that runs faster they
    differ. A QoS 0 message counts as confirmed when it was written.
    """

    id: int
    device: str
    sent_at: int
    expected: Expectation
    attempts: int
    confirmed_at: int | None
    first_attempt_at: int | None = None
    qos: int = 1
    retain: bool = False


class Incident(NamedTuple):
    """Something the compound did to a process: started, stopped, killed, exited."""

    at: int
    what: str
    name: str
    detail: str


class Ledger:
    """Append, then read back. Used by one process at a time."""

    def __init__(self, path: Path | None) -> None:
        self._db = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(SCHEMA)
        self._add_columns()
        self._shapes: dict[tuple[str, ...], int] = {
            tuple(json.loads(points)): number for number, points in self._db.execute("SELECT id, points FROM shape")
        }

    def close(self) -> None:
        self._db.close()

    def _add_columns(self) -> None:
        """A ledger of an earlier version goes on being written."""
        known = {row[1] for row in self._db.execute("PRAGMA table_info(message)")}
        for name, default in (("qos", 1), ("retain", 0)):
            if name not in known:
                self._db.execute(f"ALTER TABLE message ADD COLUMN {name} INTEGER NOT NULL DEFAULT {default}")

    def answered(
        self, device: str, at_ms: int, points: Sequence[str], values: Sequence[float], *, delay_s: float = 0.0
    ) -> int | None:
        """Write down the values of one answer; None when it carries no points."""
        if not points:
            return None
        names = tuple(points)
        shape = self._shapes.get(names)
        if shape is None:
            shape = int(self._insert("INSERT INTO shape (points) VALUES (?)", (json.dumps(names),)))
            self._shapes[names] = shape
        blob = struct.pack(f"<{len(values)}d", *values)
        return self._insert(
            "INSERT INTO answer (device, served_at, shape, number_values, delay_s) VALUES (?, ?, ?, ?, ?)",
            (device, at_ms, shape, blob, delay_s),
        )

    def undelivered(self, answer_id: int | None) -> None:
        """The answer went out in no form that can be taken for it, or not at all."""
        self._mark(answer_id, UNDELIVERED)

    def doubtful(self, answer_id: int | None) -> None:
        """The answer went out in a form that may be taken or refused: stray bytes beside it, one out of turn before."""
        self._mark(answer_id, DOUBTFUL)

    def _mark(self, answer_id: int | None, delivered: int) -> None:
        if answer_id is not None:
            self._db.execute("UPDATE answer SET delivered = ? WHERE id = ?", (delivered, answer_id))

    def written(
        self, device: str, at_ms: int, function: int, address: int, values: Sequence[int], refused: int = 0
    ) -> None:
        """Write down that a device was written to, and with which exception code it refused."""
        self._insert(
            "INSERT INTO written (device, at, function, address, word_values, refused) VALUES (?, ?, ?, ?, ?, ?)",
            (device, at_ms, function, address, json.dumps(list(values)), refused),
        )

    def writes(self, device: str = "") -> list[Written]:
        """Every write to a device, or to all, in the order they came."""
        rows = self._db.execute(
            "SELECT device, at, function, address, word_values, refused FROM written WHERE device = ? OR ? = '' "
            "ORDER BY id",
            (device, device),
        )
        return [
            Written(name, at, f, address, tuple(json.loads(v)), refused) for name, at, f, address, v, refused in rows
        ]

    def publishing(
        self,
        device: str,
        at_ms: int,
        topic: str,
        payload: bytes,
        expected: Expectation,
        *,
        qos: int = 1,
        retain: bool = False,
    ) -> int:
        """Write down a message before its first attempt."""
        return self._insert(
            "INSERT INTO message (device, sent_at, topic, payload, expected, qos, retain) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (device, at_ms, topic, payload, json.dumps(expected), qos, int(retain)),
        )

    def attempted(self, message_id: int, at_ms: int) -> None:
        self._db.execute(
            "UPDATE message SET attempts = attempts + 1, first_attempt_at = COALESCE(first_attempt_at, ?) WHERE id = ?",
            (at_ms, message_id),
        )

    def confirmed(self, message_id: int, at_ms: int) -> None:
        """The broker sent its PUBACK."""
        self._db.execute("UPDATE message SET confirmed_at = ? WHERE id = ?", (at_ms, message_id))

    def happened(self, at_ms: int, what: str, name: str, detail: str = "") -> None:
        self._insert("INSERT INTO incident (at, what, name, detail) VALUES (?, ?, ?, ?)", (at_ms, what, name, detail))

    def note(self, key: str, value: str | None = None) -> str | None:
        """Read a note, or with ``value`` write it."""
        if value is not None:
            self._db.execute("INSERT OR REPLACE INTO note (key, value) VALUES (?, ?)", (key, value))
            return value
        row = self._db.execute("SELECT value FROM note WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def served(self) -> Iterator[ServedValue]:
        """Every value of every delivered answer, in the order served."""
        shapes = {number: names for names, number in self._shapes.items()}
        rows = self._db.execute(
            "SELECT device, served_at, shape, number_values, delay_s, delivered FROM answer WHERE delivered ORDER BY id"
        )
        for device, served_at, shape, blob, delay_s, delivered in rows:
            names = shapes[shape]
            for point, value in zip(names, struct.unpack(f"<{len(names)}d", blob), strict=True):
                yield ServedValue(device, point, value, served_at, delay_s, delivered == DOUBTFUL)

    def published(self) -> Iterator[Published]:
        """Every message that was attempted at least once, in the order written down."""
        rows = self._db.execute(
            "SELECT id, device, sent_at, expected, attempts, confirmed_at, first_attempt_at, qos, retain"
            " FROM message WHERE attempts > 0 ORDER BY id"
        )
        for number, device, sent_at, expected, *rest in rows:
            readings, events = json.loads(expected)
            expectation = Expectation(
                tuple(ExpectedReading(*item) for item in readings), tuple(ExpectedEvent(*item) for item in events)
            )
            attempts, confirmed_at, first_attempt_at, qos, retain = rest
            yield Published(
                number, device, sent_at, expectation, attempts, confirmed_at, first_attempt_at, qos, bool(retain)
            )

    def incidents(self) -> list[Incident]:
        rows = self._db.execute("SELECT at, what, name, detail FROM incident ORDER BY id")
        return [Incident(*row) for row in rows]

    def forget_before(self, at_ms: int) -> None:
        """Make room: what was given before ``at_ms`` is judged no more. A minute more is kept, to match by."""
        until = at_ms - FORGET_SLACK_MS
        if self._db.execute("DELETE FROM answer WHERE served_at < ?", (until,)).rowcount:
            self.note(KEPT_FROM, str(at_ms))
        self._db.execute("DELETE FROM message WHERE sent_at < ?", (until,))

    def kept_from(self) -> int:
        """The instant from which on everything is in the ledger; 0: from the beginning."""
        return int(self.note(KEPT_FROM) or 0)

    def last_at(self) -> int | None:
        """The instant of the newest answer or message."""
        row = self._db.execute(
            "SELECT MAX(at) FROM (SELECT MAX(served_at) AS at FROM answer UNION ALL SELECT MAX(sent_at) FROM message)"
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def counts(self) -> tuple[int, int]:
        """Answers and messages so far."""
        answers = self._db.execute("SELECT COUNT(*) FROM answer").fetchone()[0]
        messages = self._db.execute("SELECT COUNT(*) FROM message WHERE attempts > 0").fetchone()[0]
        return int(answers), int(messages)

    def _insert(self, statement: str, values: tuple[Any, ...]) -> int:
        number = self._db.execute(statement, values).lastrowid
        assert number is not None
        return number
