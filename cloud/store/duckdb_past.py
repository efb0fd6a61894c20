"""What series said at an instant: the newest reading of each that is not later."""

import duckdb
import numpy as np

from cloud.store.contract import Ints, NewestValues
from cloud.store.duckdb_rows import Lent

_NEWEST_BEFORE = """
WITH newest AS (
    SELECT r.series, max(r.observed_at) AS at, arg_max(r.batch, (r.observed_at, r.batch)) AS batch,
        arg_max(r.quality, (r.observed_at, r.batch)) AS quality,
        arg_max(coalesce(r.value, 'nan'::DOUBLE), (r.observed_at, r.batch)) AS value
    FROM readings r SEMI JOIN wanted_series w ON w.id = r.series
    WHERE r.observed_at > ? AND r.observed_at <= ? GROUP BY r.series
)
SELECT n.series, n.at, n.value, n.quality, coalesce(b.received_at, n.at) AS received_at
FROM newest n LEFT JOIN batches b ON b.id = n.batch"""

LOOK_BACK_MS = (10 * 60_000, 2 * 3_600_000)
"""Most series speak often: a short look back finds them, and only the others need a longer one."""

COLUMNS = {"series": np.int32, "at": np.int64, "value": np.float64, "quality": np.uint8, "received_at": np.int64}


def newest_before(connection: duckdb.DuckDBPyConnection, series: Ints, at: int, since_at: int) -> NewestValues:
    """Of each of ``series`` the newest reading with ``since_at < observed_at <= at``, by series."""
    missing = np.unique(series).astype(np.int32)
    parts = []
    upper = at
    for lower in [*(at - back for back in LOOK_BACK_MS if at - back > since_at), since_at]:
        if not len(missing):
            break
        with Lent(connection, wanted_series={"id": missing}):
            found = connection.execute(_NEWEST_BEFORE, [lower, upper]).fetchnumpy()
        part = {name: np.asarray(found[name], kind) for name, kind in COLUMNS.items()}
        parts.append(part)
        missing = np.setdiff1d(missing, part["series"])
        upper = lower
    joined = {
        name: np.concatenate([part[name] for part in parts]) if parts else np.empty(0, kind)
        for name, kind in COLUMNS.items()
    }
    order = np.argsort(joined["series"], kind="stable")
    return NewestValues(**{name: column[order] for name, column in joined.items()})
