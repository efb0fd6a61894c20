"""Readings of many series as columns, and what came of them since a batch: for those who work series out anew."""

from collections.abc import Sequence

import duckdb
import numpy as np

from cloud.store.contract import Arrived, Samples
from cloud.store.duckdb_rows import Lent, first_row

_SAMPLES = """
SELECT w.place, r.observed_at, coalesce(r.value, 'nan'::DOUBLE) AS value, r.quality, r.batch
FROM readings r JOIN wanted_samples w ON r.series = w.series AND r.observed_at >= w.from_at
WHERE r.observed_at >= ? AND r.observed_at < ?"""

_ONE = """
SELECT ?::INTEGER AS place, observed_at, coalesce(value, 'nan'::DOUBLE) AS value, quality, batch
FROM readings WHERE series = ? AND observed_at >= ? AND observed_at < ?"""

_ARRIVED = """
SELECT w.place, min(r.observed_at) AS from_at, max(r.observed_at) AS to_at
FROM readings r JOIN wanted_samples w ON r.series = w.series
WHERE r.batch > ? AND r.batch <= ? GROUP BY w.place, r.observed_at // 86400000 ORDER BY w.place, from_at"""


def samples(connection: duckdb.DuckDBPyConnection, wanted: Sequence[tuple[int, int, int]], to_at: int) -> Samples:
    """``wanted``: (place, series, from_at)."""
    if len(wanted) == 1:
        only, series, from_at = wanted[0]
        found = connection.execute(_ONE, [only, series, from_at, to_at]).fetchnumpy()
    else:
        columns = np.array(wanted, np.int64).reshape(-1, 3)
        lent = {"place": columns[:, 0].astype(np.int32), "series": columns[:, 1], "from_at": columns[:, 2]}
        earliest = int(columns[:, 2].min()) if len(columns) else to_at
        with Lent(connection, wanted_samples=lent):
            found = connection.execute(_SAMPLES, [earliest, to_at]).fetchnumpy()
    place, at = np.asarray(found["place"], np.int32), np.asarray(found["observed_at"], np.int64)
    # Sorted here: DuckDB takes several times as long.
    order = np.lexsort((np.asarray(found["batch"], np.int64), at, place))
    return Samples(
        place=place[order],
        at=at[order],
        value=np.asarray(found["value"], np.float64)[order],
        quality=np.asarray(found["quality"], np.uint8)[order],
    )


def arrived(connection: duckdb.DuckDBPyConnection, wanted: Sequence[tuple[int, int]], after_batch: int) -> Arrived:
    """``wanted``: (place, series)."""
    columns = np.array(wanted, np.int64).reshape(-1, 2)
    (newest,) = first_row(connection, "SELECT coalesce(max(id), 0) FROM batches")
    through = max(int(newest), after_batch)
    with Lent(connection, wanted_samples={"place": columns[:, 0].astype(np.int32), "series": columns[:, 1]}):
        found = connection.execute(_ARRIVED, [after_batch, through]).fetchnumpy()
    return Arrived(
        through=through,
        place=np.asarray(found["place"], np.int32),
        from_at=np.asarray(found["from_at"], np.int64),
        to_at=np.asarray(found["to_at"], np.int64),
    )
