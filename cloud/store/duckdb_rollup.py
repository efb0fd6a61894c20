"""Roll-ups in DuckDB: worked out from raw readings, by the background for everybody and by a query for what is newer.

``rolled_through`` names the last batch whose readings are in the roll-up tables. One step works out every bucket that
later batches touched and moves it, in one transaction: a crash leaves both or neither, so late data is never missed.
Where raw readings were already retired, a bucket cannot be worked out again; what came late is merged into it.
"""

from collections.abc import Callable
from typing import NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt

from cloud.store.contract import Ints, Longs, SeriesFacts, SeriesKey
from cloud.store.duckdb_rows import Lent, first_row
from cloud.store.failpoint import Reach, never
from cloud.store.rollup import (
    BUCKET_MS,
    DAY_MS,
    STALE_MAX_MS,
    Buckets,
    Spans,
    chunks,
    hours,
    local_days,
    summarise,
    touched_buckets,
)

Rows = dict[str, npt.NDArray[np.generic]]
"""Columns of a roll-up table, by name, in the table's order."""

_COLUMNS = ("series", "bucket", "length_ms", "min", "max", "integral", "held_ms", "last", "last_at", "count")

_TOUCHED = """
SELECT series, observed_at // 900000 * 900000 AS bucket, max(observed_at) AS last_at
FROM readings WHERE batch > ? AND batch <= ? {series} GROUP BY ALL"""

_NEAR = """
SELECT x.series, x.observed_at, coalesce(x.value, 'nan'::DOUBLE) AS value, x.batch
FROM readings x JOIN roll_series r ON x.series = r.series AND x.observed_at >= r.from_at
WHERE x.observed_at >= ? AND x.observed_at < ? AND x.batch > ? AND x.batch <= ?"""

_COARSE = """
SELECT s.series, s.start AS bucket, (s.stop - s.start)::INTEGER AS length_ms, min(x.min) AS min, max(x.max) AS max,
    sum(x.integral) AS integral, sum(x.held_ms)::BIGINT AS held_ms,
    arg_max(x.last, x.last_at) AS last, max(x.last_at) AS last_at, sum(x.count)::BIGINT AS count
FROM {source} x JOIN roll_spans s ON x.series = s.series AND x.bucket >= s.start AND x.bucket < s.stop
WHERE x.bucket >= $from_at AND x.bucket < $to_at
GROUP BY s.series, s.start, s.stop ORDER BY s.series, s.start"""

_MERGED = """
SELECT series, bucket, length_ms, min, max, integral * least(1.0, length_ms / greatest(held, 1)) AS integral,
    least(held, length_ms)::BIGINT AS held_ms, last, last_at, count
FROM (
    SELECT series, bucket, max(length_ms) AS length_ms, min(min) AS min, max(max) AS max, sum(integral) AS integral,
        sum(held_ms) AS held, arg_max(last, last_at) AS last, max(last_at) AS last_at, sum(count)::BIGINT AS count
    FROM (SELECT * FROM roll_rows UNION ALL
          SELECT x.* FROM {table} x SEMI JOIN roll_rows r ON x.series = r.series AND x.bucket = r.bucket)
    GROUP BY series, bucket
) ORDER BY series, bucket"""


class Tail(NamedTuple):
    """What the roll-up tables do not hold yet: batches after ``after`` up to ``through``."""

    after: int
    through: int


class RollUpMath:
    """Works buckets out on one connection. Not for several threads at once."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, key_of: Callable[[int], SeriesKey], facts: SeriesFacts
    ) -> None:
        self._connection = connection
        self._key_of = key_of
        self._facts = facts

    def tail(self) -> Tail:
        """Which batches are not in the roll-ups yet."""
        after, newest = first_row(
            self._connection, "SELECT (SELECT max(batch) FROM rolled_through), (SELECT max(id) FROM batches)"
        )
        return Tail(after, max(after, newest or 0))

    def touched(self, tail: Tail, series: int | None = None) -> Buckets:
        """The buckets that the tail's readings can change, of all series or of one."""
        condition = "" if series is None else f"AND series = {int(series)}"
        found = self._connection.execute(_TOUCHED.format(series=condition), [tail.after, tail.through]).fetchnumpy()
        numbers = np.asarray(found["series"], np.int32)
        if not len(numbers):
            return Buckets(numbers, np.empty(0, np.int64))
        first, last_at = np.asarray(found["bucket"], np.int64), np.asarray(found["last_at"], np.int64)
        return touched_buckets(numbers, first, last_at, self._stale(numbers))

    def fresh(self, buckets: Buckets, tail: Tail | None = None) -> Rows:
        """Work buckets out from all readings, or only from those of ``tail``. Buckets in which no value holds are
        not among the rows."""
        stale = self._stale(buckets.series)
        numbers, place = np.unique(buckets.series, return_inverse=True)
        from_at = np.full(len(numbers), 2**62, np.int64)
        np.minimum.at(from_at, place, buckets.start - stale)
        bounds = [int(from_at.min()), int(buckets.start.max()) + BUCKET_MS]
        batches = [-1, 2**62] if tail is None else [tail.after, tail.through]
        with Lent(self._connection, roll_series={"series": numbers, "from_at": from_at}):
            near = self._connection.execute(_NEAR, bounds + batches).fetchnumpy()
        found = summarise(
            buckets,
            stale,
            np.asarray(near["series"], np.int32),
            np.asarray(near["observed_at"], np.int64),
            np.asarray(near["value"], np.float64),
            np.asarray(near["batch"], np.int64),
        )
        columns = {
            **found._asdict(),
            "count": found.taken,
            "length_ms": np.full(len(found.series), BUCKET_MS, np.int32),
        }
        return {name: columns[name] for name in _COLUMNS}

    def coarse(self, spans: Spans, source: str, extra: Rows | None = None) -> Rows:
        """Add 15-minute rows up to spans. ``source`` is a table, or a query in brackets that may use ``roll_rows``."""
        if not len(spans.series):
            return empty_rows()
        with Lent(self._connection, roll_spans=spans._asdict(), roll_rows=extra if extra is not None else empty_rows()):
            sql = _COARSE.format(source=source)
            bounds = {"from_at": int(spans.start.min()), "to_at": int(spans.stop.max())}
            return _fetch(self._connection.execute(sql, bounds))

    def days(self, buckets: Buckets) -> Spans:
        """The local days of these buckets, in the zones of their sites."""
        zones = {int(number): self._facts.time_zone(self._key_of(int(number)).site) for number in set(buckets.series)}
        return local_days(buckets, zones)

    def _stale(self, series: Ints) -> Longs:
        limits = {
            int(number): min(STALE_MAX_MS, max(1, self._facts.stale_after_ms(self._key_of(int(number)))))
            for number in np.unique(series)
        }
        return np.fromiter((limits[int(number)] for number in series), np.int64, len(series))


class RollUpWriter:
    """The background's step: works out what is touched and writes it, with ``rolled_through``, in one transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, math: RollUpMath, reach: Reach = never) -> None:
        self._connection = connection
        self._math = math
        self._reach = reach

    def step(self) -> int:
        """Bring the roll-ups up to the newest batch; how many 15-minute buckets were written. Raises duckdb.Error."""
        self._connection.execute("BEGIN")
        try:
            tail = self._math.tail()
            written = 0
            if tail.through > tail.after:
                written = self._write(tail)
                self._reach("mid_roll_up")
                self._connection.execute("UPDATE rolled_through SET batch = ?", [tail.through])
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return written

    def _write(self, tail: Tail) -> int:
        touched = self._math.touched(tail)
        whole_raw = self._recompute_from("raw")
        whole_15m = self._recompute_from("15m")
        for part in chunks(touched):
            late = part.start < whole_raw
            known, merged = _pick(part, ~late), _pick(part, late)
            if len(known.series):
                self._replace("rollup_15m", known.series, known.start, self._math.fresh(known))
            late_rows = self._math.fresh(merged, tail) if len(merged.series) else empty_rows()
            self._merge("rollup_15m", late_rows)
            for table, spans in (("rollup_1h", hours(part)), ("rollup_1d", self._math.days(part))):
                self._add_up(table, spans, late_rows, whole_15m)
        return len(touched.series)

    def _add_up(self, table: str, spans: Spans, late_rows: Rows, whole_from: int) -> None:
        late = spans.start < whole_from
        known = _pick_spans(spans, ~late)
        self._replace(table, known.series, known.start, self._math.coarse(known, "rollup_15m"))
        merged = _pick_spans(spans, late)
        if len(merged.series):
            self._merge(table, self._math.coarse(merged, "roll_rows", late_rows))

    def _recompute_from(self, level: str) -> int:
        """Before this instant a level has lost readings, so buckets there are only merged into."""
        (before,) = first_row(self._connection, "SELECT max(before) FROM retired WHERE level = ?", [level])
        return 0 if before is None else int(before) + DAY_MS

    def _replace(self, table: str, series: Ints, start: Longs, rows: Rows) -> None:
        if not len(series):
            return
        with Lent(self._connection, roll_keys={"series": series, "bucket": start}, roll_rows=rows):
            self._connection.execute(
                f"DELETE FROM {table} x USING roll_keys k "  # noqa: S608
                "WHERE x.series = k.series AND x.bucket = k.bucket AND x.bucket BETWEEN ? AND ?",
                [int(start.min()), int(start.max())],
            )
            if len(rows["series"]):
                self._connection.execute(f"INSERT INTO {table} SELECT * FROM roll_rows")  # noqa: S608

    def _merge(self, table: str, rows: Rows) -> None:
        if not len(rows["series"]):
            return
        with Lent(self._connection, roll_rows=rows):
            merged = _fetch(self._connection.execute(_MERGED.format(table=table)))
        series, start = np.asarray(merged["series"], np.int32), np.asarray(merged["bucket"], np.int64)
        self._replace(table, series, start, merged)


def _pick(buckets: Buckets, mask: npt.NDArray[np.bool_]) -> Buckets:
    return Buckets(buckets.series[mask], buckets.start[mask])


def _pick_spans(spans: Spans, mask: npt.NDArray[np.bool_]) -> Spans:
    return Spans(spans.series[mask], spans.start[mask], spans.stop[mask])


def empty_rows() -> Rows:
    """No row of a roll-up table."""
    ints = {"series": np.int32, "length_ms": np.int32, "bucket": np.int64, "held_ms": np.int64, "last_at": np.int64,
            "count": np.int64}  # fmt: skip
    return {name: np.empty(0, ints.get(name, np.float64)) for name in _COLUMNS}


def _fetch(result: duckdb.DuckDBPyConnection) -> Rows:
    found = result.fetchnumpy()
    return {name: np.asarray(found[name]) for name in _COLUMNS}


assert BUCKET_MS == 900_000, "the SQL above has the number in it"
