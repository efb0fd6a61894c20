"""What earlier commits left behind, read back when the collector starts."""

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np

from cloud.store.contract import FenceRow, GatewayKey, QualityWord, Remembered, SeriesKey, StoredRange
from cloud.store.duckdb_rows import first_row

STORED_COUNTERS = ("stored_batches", "stored_readings", "stored_events")
"""Counted from ``batches``; the table ``counter`` holds under these names only what retention folded away."""

_ISLANDS = """
SELECT gateway, epoch, min(seq), max(seq) FROM (
    SELECT gateway, epoch, seq, seq - row_number() OVER (PARTITION BY gateway, epoch ORDER BY seq) AS island
    FROM (SELECT DISTINCT gateway, epoch, seq FROM batches{where})
) GROUP BY gateway, epoch, island ORDER BY gateway, epoch, min(seq)"""


def islands(connection: duckdb.DuckDBPyConnection, *, before_received: int | None = None) -> list[StoredRange]:
    """The stored seqs of ``batches`` as ranges; only of batches received before an instant when it is given."""
    if before_received is None:
        rows = connection.execute(_ISLANDS.format(where="")).fetchall()
    else:
        rows = connection.execute(_ISLANDS.format(where=" WHERE received_at < ?"), [before_received]).fetchall()
    return [StoredRange(*row) for row in rows]


def folded(connection: duckdb.DuckDBPyConnection) -> list[StoredRange]:
    """The ranges of batches that retention took out of ``batches``."""
    rows = connection.execute("SELECT gateway, epoch, first, last FROM stored_range").fetchall()
    return [StoredRange(*row) for row in rows]


def recall(connection: duckdb.DuckDBPyConnection) -> Remembered:
    """Everything the ingest path needs to go on."""

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall()

    (newest,) = first_row(
        connection,
        "SELECT greatest(coalesce((SELECT max(id) FROM batches), 0), (SELECT max(batch) FROM rolled_through))",
    )
    return Remembered(
        series=[(row[0], SeriesKey(*row[1:])) for row in rows("SELECT id, site, device, point FROM series")],
        gateways=[(row[0], GatewayKey(*row[1:])) for row in rows("SELECT id, site, gateway FROM gateway")],
        qualities=[(row[0], QualityWord(*row[1:])) for row in rows("SELECT code, quality, reason FROM quality_word")],
        ranges=[*folded(connection), *islands(connection)],
        fences=[
            _fence(row)
            for row in rows("SELECT gateway, epoch, seq, stored_digest, other_digest, fenced_at, lifted_at FROM fence")
        ],
        counters=_counters(connection),
        quarantined=rows("SELECT gateway, digest FROM quarantine"),
        next_batch=newest + 1,
    )


def _counters(connection: duckdb.DuckDBPyConnection) -> dict[tuple[int, str], int]:
    """The written counters, and what can be counted: batches, readings and events that are stored."""
    written = connection.execute("SELECT gateway, name, sum(total)::BIGINT FROM counter GROUP BY ALL").fetchall()
    totals = {(gateway, name): total for gateway, name, total in written}
    rows = connection.execute(
        "SELECT gateway, count(*), sum(readings)::BIGINT, sum(events)::BIGINT FROM batches GROUP BY gateway"
    ).fetchall()
    for gateway, *sums in rows:
        for name, total in zip(STORED_COUNTERS, sums, strict=True):
            totals[(gateway, name)] = totals.get((gateway, name), 0) + total
    return totals


def _fence(row: Sequence[Any]) -> FenceRow:
    gateway, epoch, seq, stored, other, fenced_at, lifted_at = row
    return FenceRow(
        gateway=gateway,
        epoch=epoch,
        seq=seq,
        stored_digest=stored,
        other_digest=other,
        fenced_at=fenced_at,
        lifted_at=lifted_at,
    )


def digests(
    connection: duckdb.DuckDBPyConnection, wanted: Sequence[tuple[int, str, int]]
) -> dict[tuple[int, str, int], str]:
    """Digests of stored batches by (gateway, epoch, seq)."""
    if not wanted:
        return {}
    connection.register(
        "wanted_digests",
        {
            "gateway": np.array([key[0] for key in wanted], np.int32),
            "epoch": np.array([key[1] for key in wanted], object),
            "seq": np.array([key[2] for key in wanted], np.int64),
        },
    )
    try:
        seqs = [key[2] for key in wanted]
        rows = connection.execute(
            "SELECT b.gateway, b.epoch, b.seq, b.digest FROM batches b "
            "JOIN wanted_digests w ON b.gateway = w.gateway AND b.epoch = w.epoch AND b.seq = w.seq "
            "WHERE b.seq BETWEEN ? AND ?",
            [min(seqs), max(seqs)],
        ).fetchall()
    finally:
        connection.unregister("wanted_digests")
    return {(row[0], row[1], row[2]): row[3] for row in rows}
