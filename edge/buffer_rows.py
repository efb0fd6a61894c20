"""The statements on the buffer's file, table by table. The caller begins and ends the transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from edge.buffer import (
    CHUNK_BATCHES,
    CHUNK_BYTES,
    ORIGINS_KEPT,
    QUARANTINE_BATCHES,
    EpochPlaces,
    KeptBatch,
    Kind,
    Rejected,
)
from protocols.batch import Identity, peek
from protocols.errors import BadBatch

ROW_BYTES = 48
"""What a batch takes beside its payload, about."""


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


BatchRow = tuple[Any, Any, Any, Any, Any, Any]
"""place, kind, readings, events, sealed_at, payload: as the disk gives them, not checked."""


class UntimedRow(NamedTuple):
    id: int
    boot: str
    first_ms: int
    items: int
    payload: bytes


class Rows:
    """Statements on an open file. The caller begins and ends the transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run = connection.execute
        self._many = connection.executemany

    # Batches

    def epochs(self) -> list[Epoch]:
        """All epochs, the current one last."""
        return [Epoch(*row) for row in self._run("SELECT base, name FROM epoch ORDER BY base")]

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

    def oldest_batch(self, after: int = 0) -> tuple[int, int]:
        """(place, sealed_at) of the first batch behind a place; zeros when there is none."""
        row = self._run(
            "SELECT place, sealed_at FROM batch WHERE place > ? ORDER BY place LIMIT 1", (after,)
        ).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def newest_sealed_at(self) -> int:
        """When the newest batch was sealed; 0 when there is none."""
        row = self._run("SELECT sealed_at FROM batch ORDER BY place DESC LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def read(self, first: int, last: int) -> list[BatchRow]:
        """A chunk, oldest first."""
        found: list[BatchRow] = []
        room = CHUNK_BYTES
        for row in self._run(
            "SELECT place, kind, readings, events, sealed_at, payload FROM batch"
            " WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?",
            (first, last, CHUNK_BATCHES),
        ):
            room -= len(row[5]) if isinstance(row[5], bytes) else 0
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

    def forget(self, first: int, last: int) -> None:
        """Remove the batches of a range of places of which nothing is to be counted."""
        self._run("DELETE FROM batch WHERE place BETWEEN ? AND ?", (first, last))

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
        totals = self.totals_of(rejected.place, rejected.place)
        span = self._run(
            "SELECT CAST(from_at AS INTEGER), CAST(to_at AS INTEGER) FROM batch WHERE place = ?", (rejected.place,)
        ).fetchone()
        if span is None:
            return Totals(), None
        self._run(
            "INSERT INTO quarantine SELECT NULL, place, kind, readings, events, from_at, to_at, sealed_at, payload,"
            " ?, ? FROM batch WHERE place = ?",
            (rejected.reason[:64], rejected.detail[:400], rejected.place),
        )
        self._run("DELETE FROM batch WHERE place = ?", (rejected.place,))
        self._run("DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?", (QUARANTINE_BATCHES,))
        return totals, (span[0], span[1])

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


def places_of(epochs: list[Epoch], name: str) -> EpochPlaces | None:
    """Where the batches of an epoch stand."""
    for number, epoch in reversed(list(enumerate(epochs))):
        if epoch.name == name:
            after = epochs[number + 1 :][:1]
            return EpochPlaces(epoch.base, after[0].base) if after else EpochPlaces(epoch.base)
    return None


def what_is_wrong(row: BatchRow, identity: Identity) -> str:
    """Why a row does not carry what was sealed; "" when it does."""
    payload = row[5]
    if not isinstance(payload, bytes) or not all(isinstance(number, int) for number in row[:5]):
        return "its columns are not what they should be"
    try:
        found = peek(payload)
    except BadBatch as error:
        return str(error)
    return "" if found == identity else f"the payload calls itself {found.epoch}/{found.seq}"


def kind_of(number: int) -> Kind:
    """A kind that the disk has damaged counts as one that is kept longest."""
    return Kind(number) if number in Kind.__members__.values() else Kind.GAPS
