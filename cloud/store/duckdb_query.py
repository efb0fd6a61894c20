"""Answers to queries, one connection each. Every answer is bounded and every page says how to go on."""

import gc
import json
from collections.abc import Callable, Sequence

import duckdb
import numpy as np

from cloud.store.contract import (
    EVENT_COLUMNS,
    ORIGIN_COLUMNS,
    QUARANTINE_COLUMNS,
    RAW_COLUMNS,
    REFUSED_COLUMNS,
    ROLLUP_COLUMNS,
    STEPS,
    Arrived,
    BadQuery,
    EventsQuery,
    GatewayKey,
    Ints,
    NewestValues,
    Page,
    QualityWord,
    ReadingsQuery,
    Samples,
    SeriesKey,
    Step,
)
from cloud.store.duckdb_past import newest_before
from cloud.store.duckdb_rollup import RollUpMath, Rows, empty_rows
from cloud.store.duckdb_rows import first_row
from cloud.store.duckdb_samples import arrived, samples
from cloud.store.page_place import Place, advance, page_size
from cloud.store.rollup import BUCKET_MS, DAY_MS, Buckets, Spans, hours

_TABLES: dict[Step, str] = {"15m": "rollup_15m", "1h": "rollup_1h", "1d": "rollup_1d"}

_RAW = """
SELECT r.observed_at, r.value, r.quality, r.batch FROM readings r
WHERE r.series = ? AND r.observed_at >= ? AND r.observed_at < ? AND (r.observed_at, r.batch) >= (?, ?)
ORDER BY r.observed_at, r.batch, r.rowid LIMIT ? OFFSET ?"""

_ROLLED = """
SELECT bucket, min, max, integral, held_ms, length_ms, last, count FROM {table}
WHERE series = ? AND bucket >= ? AND bucket < ? {order}"""

_REFUSED = """
SELECT r.received_at, g.site, g.gateway, r.epoch, r.seq, r.device, r.point, r.observed_at, r.value, r.reason
FROM refused_reading r JOIN gateway g ON g.id = r.gateway {condition}
ORDER BY r.received_at DESC, r.rowid DESC LIMIT ?"""

_ROLLED_COLUMNS = ("bucket", "min", "max", "integral", "held_ms", "length_ms", "last", "count")

_EVENTS = """
SELECT e.observed_at, e.site, e.device, e.kind, e.data, e.batch, coalesce(e.reason, '')
FROM events e
WHERE e.observed_at >= ? AND e.observed_at < ? {conditions}
ORDER BY e.observed_at {order}, e.batch {order}, e.rowid {order} LIMIT ? OFFSET ?"""

_ORIGINS = """
SELECT b.id, g.gateway, b.epoch, b.seq, b.received_at FROM batches b JOIN gateway g ON g.id = b.gateway
SEMI JOIN wanted_batches w ON w.id = b.id WHERE b.id BETWEEN ? AND ?"""

_NEWEST = """
WITH newest AS (
    SELECT series, max(observed_at) AS at, arg_max(batch, (observed_at, batch)) AS batch,
        arg_max(quality, (observed_at, batch)) AS quality,
        arg_max(coalesce(value, 'nan'::DOUBLE), (observed_at, batch)) AS value
    FROM readings WHERE observed_at >= ? GROUP BY series
)
SELECT n.series, n.at, n.value, n.quality, coalesce(b.received_at, n.at) AS received_at
FROM newest n LEFT JOIN batches b ON b.id = n.batch ORDER BY n.series"""


class DuckdbQueries:
    """Runs queries on one connection, in one thread."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        math: RollUpMath,
        *,
        number_of: Callable[[SeriesKey], int | None],
        quality_of: Callable[[int], QualityWord],
    ) -> None:
        self._connection = connection
        self._math = math
        self._number_of = number_of
        self._quality_of = quality_of

    def readings(self, query: ReadingsQuery) -> Page:
        if query.step not in STEPS:
            raise BadQuery(f"step={query.step!r}; allowed: {', '.join(STEPS)}")
        series = self._number_of(SeriesKey(query.site, query.device, query.point))
        if query.step == "raw":
            return self._raw(query, series)
        if query.origin:
            raise BadQuery("origin is only known of raw readings")
        return self._rolled(query, series)

    def _raw(self, query: ReadingsQuery, series: int | None) -> Page:
        columns = RAW_COLUMNS + (ORIGIN_COLUMNS if query.origin else ())
        size = page_size(query.limit)
        start = Place.parse(query.next) if query.next else None
        if series is None:
            return Page(columns, [])
        at, batch, skip = start or (query.from_at, -1, 0)
        parameters = [series, max(at, query.from_at), query.to_at, at, batch, size + 1, skip]
        found = self._connection.execute(_RAW, parameters).fetchall()
        place = advance(found, size, 3, start)
        found = found[:size]
        origins = self._origins([row[3] for row in found]) if query.origin else {}
        rows: list[tuple[object, ...]] = []
        for at, value, code, batch in found:
            word = self._quality_of(code)
            origin = origins.get(batch, (None, None, None, None)) if query.origin else ()
            rows.append((at, value, word.quality, word.reason, *origin))
        return Page(columns, rows, str(place) if place else None)

    def _rolled(self, query: ReadingsQuery, series: int | None) -> Page:
        size = page_size(query.limit)
        from_at = max(query.from_at, Place.parse(query.next)[0]) if query.next else query.from_at
        if series is None or from_at >= query.to_at:
            return Page(ROLLUP_COLUMNS, [])
        self._connection.execute("BEGIN")  # one snapshot for the tables and for what is newer than they are
        try:
            tail = self._math.tail()
            touched = self._math.touched(tail, series) if tail.through > tail.after else None
            more_than = size + 1 + (len(touched.series) if touched else 0)
            found = self._stored(query, series, from_at, more_than)
            fresh = self._fresh(query.step, touched, from_at, query.to_at) if touched and len(touched.series) else None
        finally:
            self._connection.execute("ROLLBACK")
        rows = found if fresh is None else _replace_spans(found, *fresh)
        more = str(Place((int(rows["bucket"][size]), 0, 0))) if len(rows["bucket"]) > size else None
        return Page(ROLLUP_COLUMNS, _summaries({name: column[:size] for name, column in rows.items()}), more)

    def _stored(self, query: ReadingsQuery, series: int, from_at: int, most: int) -> Rows:
        """The first rows of the roll-up tables. Sorted here when all are wanted anyway: DuckDB takes longer."""
        all_wanted = (query.to_at - from_at) // BUCKET_MS < most
        sql = _ROLLED.format(table=_TABLES[query.step], order="" if all_wanted else f"ORDER BY bucket LIMIT {most}")
        found = self._connection.execute(sql, [series, from_at, query.to_at]).fetchnumpy()
        rows = {name: np.asarray(found[name]) for name in _ROLLED_COLUMNS}
        if np.all(rows["bucket"][1:] > rows["bucket"][:-1]):  # as upkeep leaves a month that is over
            return rows
        order = np.argsort(rows["bucket"], kind="stable")
        return {name: column[order] for name, column in rows.items()}

    def _fresh(self, step: Step, touched: Buckets, from_at: int, to_at: int) -> tuple[Spans, Rows]:
        """The spans of a step that newer batches touched, and their rows worked out now."""
        reach = 0 if step == "15m" else DAY_MS + DAY_MS // 4
        mine = (touched.start > from_at - reach - 1) & (touched.start < to_at + reach)
        buckets = Buckets(touched.series[mine], touched.start[mine])
        if not len(buckets.series):
            return Spans(buckets.series, buckets.start, buckets.start), empty_rows()
        rows = self._math.fresh(buckets)
        spans = Spans(buckets.series, buckets.start, buckets.start + BUCKET_MS)
        if step != "15m":
            spans = hours(buckets) if step == "1h" else self._math.days(buckets)
            series = int(buckets.series[0])
            known = (
                f"(SELECT * FROM rollup_15m WHERE series = {series} AND bucket >= {int(spans.start.min())} "  # noqa: S608
                f"AND bucket < {int(spans.stop.max())} AND bucket NOT IN (SELECT start FROM roll_touched_now) "
                "UNION ALL SELECT * FROM roll_rows)"
            )
            self._connection.register("roll_touched_now", {"start": buckets.start})
            try:
                rows = self._math.coarse(spans, known, rows)
            finally:
                self._connection.unregister("roll_touched_now")
        kept = (np.asarray(rows["bucket"], np.int64) >= from_at) & (np.asarray(rows["bucket"], np.int64) < to_at)
        return spans, {name: column[kept] for name, column in rows.items()}

    def events(self, query: EventsQuery) -> Page:
        size = page_size(query.limit)
        start = Place.parse(query.next) if query.next else None
        conditions, parameters = "", [query.from_at, query.to_at]
        filters: list[object] = []
        for column, wanted in (("site", query.site), ("device", query.device), ("kind", query.kind)):
            if wanted is not None:
                conditions += f" AND e.{column} = ?"
                filters.append(wanted)
        if start is not None:
            conditions += f" AND (e.observed_at, e.batch) {'<=' if query.newest_first else '>='} (?, ?)"
            filters.extend(start[:2])
        sql = _EVENTS.format(conditions=conditions, order="DESC" if query.newest_first else "ASC")
        found = self._connection.execute(sql, [*parameters, *filters, size + 1, start[2] if start else 0]).fetchall()
        place = advance(found, size, 5, start)
        found = found[:size]
        origins = self._origins([row[5] for row in found])
        rows: list[tuple[object, ...]] = [
            (at, site, device, kind, json.loads(text), *origins.get(batch, (None, None, None, None)), reason)
            for at, site, device, kind, text, batch, reason in found
        ]
        return Page(EVENT_COLUMNS, rows, str(place) if place else None)

    def _origins(self, batches: list[int]) -> dict[int, tuple[object, object, object, object]]:
        if not batches:
            return {}
        self._connection.register("wanted_batches", {"id": np.unique(np.array(batches, np.int64))})
        try:
            found = self._connection.execute(_ORIGINS, [min(batches), max(batches)]).fetchall()
        finally:
            self._connection.unregister("wanted_batches")
        return {row[0]: (row[1], row[2], row[3], row[4]) for row in found}

    def received_around(self, key: GatewayKey, epoch: str, first: int, last: int) -> tuple[int, int]:
        before, after = first_row(
            self._connection,
            "SELECT coalesce(max(received_at) FILTER (seq < ?), 0), coalesce(min(received_at) FILTER (seq > ?), 0)"
            " FROM batches JOIN gateway g ON g.id = batches.gateway"
            " WHERE g.site = ? AND g.gateway = ? AND epoch = ?",
            [first, last, key.site, key.gateway, epoch],
        )
        return int(before), int(after)

    def newest_values(self, since_at: int) -> NewestValues:
        found = self._connection.execute(_NEWEST, [since_at]).fetchnumpy()
        return NewestValues(
            series=np.asarray(found["series"], np.int32),
            at=np.asarray(found["at"], np.int64),
            value=np.asarray(found["value"], np.float64),
            quality=np.asarray(found["quality"], np.uint8),
            received_at=np.asarray(found["received_at"], np.int64),
        )

    def newest_before(self, series: Ints, at: int, since_at: int) -> NewestValues:
        return newest_before(self._connection, series, at, since_at)

    def samples(self, wanted: Sequence[tuple[SeriesKey, int]], to_at: int) -> Samples:
        numbers = [(place, self._number_of(key), from_at) for place, (key, from_at) in enumerate(wanted)]
        return samples(self._connection, [(p, n, at) for p, n, at in numbers if n is not None], to_at)

    def arrived(self, wanted: Sequence[SeriesKey], after_batch: int) -> Arrived:
        numbers = [(place, self._number_of(key)) for place, key in enumerate(wanted)]
        return arrived(self._connection, [(p, n) for p, n in numbers if n is not None], after_batch)

    def quarantine(self, limit: int) -> Page:
        found = self._connection.execute(
            "SELECT q.received_at, g.site, g.gateway, q.topic, q.epoch, q.seq, q.digest, q.reason, q.detail, q.size, "
            "q.payload FROM quarantine q JOIN gateway g ON g.id = q.gateway "
            "ORDER BY q.received_at DESC, q.rowid DESC LIMIT ?",
            [page_size(limit)],
        ).fetchall()
        return Page(QUARANTINE_COLUMNS, found)

    def refused(self, gateway: GatewayKey | None, limit: int) -> Page:
        condition = "" if gateway is None else "WHERE g.site = ? AND g.gateway = ?"
        sql = _REFUSED.format(condition=condition)
        found = self._connection.execute(sql, [*(gateway or ()), page_size(limit)]).fetchall()
        return Page(REFUSED_COLUMNS, found)

    def counts(self) -> tuple[int, int, int]:
        """Readings, batches and events at rest."""
        readings, batches, events = first_row(
            self._connection,
            "SELECT (SELECT count(*) FROM readings), (SELECT count(*) FROM batches), (SELECT count(*) FROM events)",
        )
        return readings, batches, events


def _replace_spans(stored: Rows, spans: Spans, fresh: Rows) -> Rows:
    """Stored rows, but for spans that were worked out anew."""
    kept = ~np.isin(stored["bucket"], spans.start)
    joined = {name: np.concatenate([stored[name][kept], fresh[name]]) for name in _ROLLED_COLUMNS}
    order = np.argsort(joined["bucket"], kind="stable")
    return {name: column[order] for name, column in joined.items()}


def _summaries(rows: Rows) -> list[tuple[object, ...]]:
    """Rows of ROLLUP_COLUMNS. A year has 35,000 of them, so no Python runs for each."""
    held = np.asarray(rows["held_ms"], np.float64)
    integral, last = np.asarray(rows["integral"], np.float64), np.asarray(rows["last"], np.float64)
    mean = np.where(held > 0, integral / np.maximum(held, 1), last)
    coverage = np.round(held / np.asarray(rows["length_ms"], np.float64), 6)
    columns = (rows["bucket"], rows["min"], rows["max"], mean, last, rows["count"], coverage)
    gc.disable()  # a third of the time would go into looking for cycles among tens of thousands of new tuples
    try:
        return list(zip(*(column.tolist() for column in columns), strict=True))
    finally:
        gc.enable()
