"""One commit: everything of a CommitWork in one transaction."""

import json
from collections.abc import Callable, Sequence

import duckdb
import numpy as np
import numpy.typing as npt

from cloud.store.contract import BatchRow, CommitWork, EventRow, FenceRow, ReadingColumns

_Columns = dict[str, npt.NDArray[np.generic]]

_READINGS = """
INSERT INTO readings
SELECT series, observed_at, CASE WHEN isnan(value) THEN NULL ELSE value END, quality, batch FROM fresh_readings"""

_READINGS_ALL_GOOD = "INSERT INTO readings SELECT series, observed_at, value, quality, batch FROM fresh_readings"


def write(connection: duckdb.DuckDBPyConnection, work: CommitWork, reach: Callable[[str], None]) -> None:
    """Run the transaction. Raises duckdb.Error; the caller rolls back. ``reach`` is told the fail points."""
    connection.execute("BEGIN")
    _names(connection, work)
    if work.batches:
        _insert(connection, "batches", _batch_columns(work.batches, work.stored_at))
    if work.readings is not None and len(work.readings.series):
        _readings(connection, work.readings)
    if work.events:
        _insert(connection, "events", _event_columns(work.events))
    _reports(connection, work)
    reach("before_commit")
    connection.execute("COMMIT")
    reach("after_commit")


def is_stored(connection: duckdb.DuckDBPyConnection, work: CommitWork) -> bool:
    """True when this very work is in the file: its transaction was reported as failed and was not.

    A transaction is there whole or not at all, so its first batch answers for all of it.
    """
    if work.batches:
        row = work.batches[0]
        found = connection.execute(
            "SELECT 1 FROM batches WHERE id = ? AND gateway = ? AND epoch = ? AND seq = ? AND digest = ?",
            [row.id, row.gateway, row.epoch, row.seq, row.digest],
        ).fetchone()
    elif work.quarantined:
        kept = work.quarantined[0]
        found = connection.execute(
            "SELECT 1 FROM quarantine WHERE received_at = ? AND gateway = ? AND digest = ?",
            [kept.received_at, kept.gateway, kept.digest],
        ).fetchone()
    else:
        return False
    return found is not None


def _readings(connection: duckdb.DuckDBPyConnection, columns: ReadingColumns) -> None:
    all_good = not columns.quality.any()
    connection.register(
        "fresh_readings",
        {
            "series": columns.series,
            "observed_at": columns.at,
            "value": columns.value,
            "quality": columns.quality,
            "batch": columns.batch,
        },
    )
    try:
        connection.execute(_READINGS_ALL_GOOD if all_good else _READINGS)
    finally:
        connection.unregister("fresh_readings")


def _insert(connection: duckdb.DuckDBPyConnection, table: str, columns: _Columns) -> None:
    """Insert columns in the table's own order."""
    connection.register("fresh_rows", columns)
    try:
        connection.execute(f"INSERT INTO {table} SELECT * FROM fresh_rows")  # noqa: S608
    finally:
        connection.unregister("fresh_rows")


def _longs(numbers: Sequence[int]) -> npt.NDArray[np.generic]:
    return np.array(numbers, np.int64)


def _texts(texts: Sequence[str]) -> npt.NDArray[np.generic]:
    return np.array(texts, object)


def _batch_columns(batches: Sequence[BatchRow], stored_at: int) -> _Columns:
    return {
        "id": _longs([row.id for row in batches]),
        "gateway": _longs([row.gateway for row in batches]),
        "epoch": _texts([row.epoch for row in batches]),
        "seq": _longs([row.seq for row in batches]),
        "digest": _texts([row.digest for row in batches]),
        "readings": _longs([row.readings for row in batches]),
        "events": _longs([row.events for row in batches]),
        "received_at": _longs([row.received_at for row in batches]),
        "stored_at": np.full(len(batches), stored_at, np.int64),
    }


def _event_columns(rows: Sequence[EventRow]) -> _Columns:
    return {
        "observed_at": _longs([row.event.at for row in rows]),
        "site": _texts([row.site for row in rows]),
        "device": _texts([row.event.device for row in rows]),
        "kind": _texts([row.event.kind for row in rows]),
        "data": _texts([json.dumps(row.event.data, ensure_ascii=True, separators=(",", ":")) for row in rows]),
        "batch": _longs([row.batch for row in rows]),
        "reason": _texts([row.event.reason for row in rows]),
    }


def _names(connection: duckdb.DuckDBPyConnection, work: CommitWork) -> None:
    if work.new_series:
        columns: _Columns = {
            "id": _longs([number for number, _ in work.new_series]),
            "site": _texts([key.site for _, key in work.new_series]),
            "device": _texts([key.device for _, key in work.new_series]),
            "point": _texts([key.point for _, key in work.new_series]),
        }
        _insert(connection, "series", columns)
    for number, gateway in work.new_gateways:
        connection.execute("INSERT INTO gateway VALUES (?, ?, ?)", [number, gateway.site, gateway.gateway])
    for code, word in work.new_qualities:
        connection.execute("INSERT INTO quality_word VALUES (?, ?, ?)", [code, word.quality, word.reason])


def _reports(connection: duckdb.DuckDBPyConnection, work: CommitWork) -> None:
    """What is rare: a row at a time is fast enough."""
    for row in work.quarantined:
        connection.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [row.received_at, row.gateway, row.topic, row.epoch, row.seq, row.digest, row.reason, row.detail, row.size,
             row.payload],
        )  # fmt: skip
    for refused in work.refused:
        connection.execute(
            "INSERT INTO refused_reading VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [refused.received_at, refused.gateway, refused.epoch, refused.seq, refused.device, refused.point,
             refused.at, refused.value, refused.reason],
        )  # fmt: skip
    for (gateway, name), total in work.counters.items():
        connection.execute("DELETE FROM counter WHERE gateway = ? AND name = ?", [gateway, name])
        connection.execute("INSERT INTO counter VALUES (?, ?, ?)", [gateway, name, total])
    for fence in work.fences:
        _fence(connection, fence)


def _fence(connection: duckdb.DuckDBPyConnection, fence: FenceRow) -> None:
    connection.execute("DELETE FROM fence WHERE gateway = ? AND epoch = ?", [fence.gateway, fence.epoch])
    connection.execute(
        "INSERT INTO fence VALUES (?, ?, ?, ?, ?, ?, ?)",
        [fence.gateway, fence.epoch, fence.seq, fence.stored_digest, fence.other_digest, fence.fenced_at,
         fence.lifted_at],
    )  # fmt: skip
