"""Readings in InfluxDB 2, through its own client: line protocol in, Flux out.

It answers 204 when its write-ahead log has the points on disk, so nothing need be held back. It keys a point by series
and nanosecond: the digits below the millisecond carry a number made from the batch, the same at every try, so that a
point that is sent again falls on itself, and two readings of one instant lie beside each other.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from urllib3.exceptions import HTTPError

from cloud.store.contract import Longs, ReadingColumns, SeriesKey
from cloud.store.line_protocol import MEASUREMENT, batches, exact, lines, qualities, ranks, with_value
from cloud.store.place import StorePlace
from cloud.store.readings_engine import EngineRows, NewestRow, no_rows
from protocols.errors import BadSettings, StoreUnavailable

NS = 1_000_000
"""Nanoseconds in a millisecond."""
SERIES_AT_ONCE = 50
TIMEOUT_MS = 120_000
_DAY_S = 86_400
_TIMES = ("_time", "_start", "_stop")


def times(columns: ReadingColumns) -> Longs:
    """Nanoseconds: the instant, and below the millisecond which batch and which of several in it."""
    found: Longs = columns.at * NS + (columns.batch * 4 + ranks(columns)) % NS
    return found


class InfluxEngine:
    """A ``ReadingsEngine``."""

    hold_s = 0.0

    def __init__(self, place: StorePlace) -> None:
        self.name = f"InfluxDB at {place.url}"
        self._place = place
        self._made: InfluxDBClient | None = None

    @property
    def _client(self) -> InfluxDBClient:
        if self._made is None:
            self._made = InfluxDBClient(
                url=self._place.url,
                token=self._place.secret() or "",
                org=self._place.organisation,
                timeout=TIMEOUT_MS,
                ssl_ca_cert=str(self._place.ca_file) if self._place.ca_file else None,
                retries=False,  # one layer tries again, and that is not this one
            )
        return self._made

    def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            made.close()  # type: ignore[no-untyped-call]  # the library says no types

    def check(self, raw_days: int | None) -> None:
        with self._failures():
            buckets: Any = self._client.buckets_api()
            found = buckets.find_bucket_by_name(self._place.bucket)
        if found is None:
            raise BadSettings(f"it has no bucket {self._place.bucket!r}, or the token may not see it", file=self.name)
        kept = [rule.every_seconds for rule in found.retention_rules or () if rule.every_seconds]
        if kept and (raw_days is None or min(kept) < raw_days * _DAY_S):
            wanted = "for ever" if raw_days is None else f"{raw_days} days"
            raise BadSettings(
                f"its bucket {self._place.bucket!r} forgets after {min(kept) / _DAY_S:g} days, but [retention] "
                f"raw_days wants readings kept {wanted}; change one of them",
                file=self.name,
            )

    def mark(self) -> str:
        return ""  # what it took is on its disk

    def write(self, columns: ReadingColumns, names: Sequence[SeriesKey]) -> None:
        body = lines(columns, names, times(columns), whole="i")
        with self._failures():
            self._client.write_api(write_options=SYNCHRONOUS).write(bucket=self._place.bucket, record=body)

    def rows(self, wanted: Sequence[SeriesKey], from_at: int, to_at: int) -> EngineRows:
        if to_at <= from_at or not wanted:
            return no_rows()
        parts: list[tuple[Any, ...]] = []
        for begin in range(0, len(wanted), SERIES_AT_ONCE):
            some = wanted[begin : begin + SERIES_AT_ONCE]
            places = {key: begin + place for place, key in enumerate(some)}
            points = self._points(self._flux(from_at, to_at, some))
            found = [(places[key], time, fields) for (key, time), fields in points.items() if key in places]
            parts += [(place, time // NS, *_reading(fields)) for place, time, fields in found if "origin" in fields]
        if not parts:
            return no_rows()
        place, at, value, quality, batch = zip(*parts, strict=True)
        return EngineRows(
            place=np.array(place, np.int32),
            at=np.array(at, np.int64),
            value=np.array(value, np.float64),
            quality=np.array(quality, np.uint8),
            batch=np.array(batch, np.int64),
        )

    def newest(self, wanted: Sequence[SeriesKey] | None, since_at: int, at: int) -> Mapping[SeriesKey, NewestRow]:
        if at < since_at or (wanted is not None and not wanted):
            return {}
        # The last of each field, and then those that are of one instant: a value may be older than the last reading.
        flux = self._flux(max(since_at, 0), at + 1, wanted or ()) + "\n  |> last()"
        last: dict[SeriesKey, dict[int, dict[str, float]]] = {}
        for (key, time), fields in self._points(flux).items():
            last.setdefault(key, {})[time] = fields
        found = {}
        asked = set(wanted) if wanted is not None else None
        for key, by_time in last.items():
            times_of_origin = [time for time, fields in by_time.items() if "origin" in fields]
            if times_of_origin and (asked is None or key in asked):
                time = max(times_of_origin)
                value, quality, batch = _reading(by_time[time])
                found[key] = NewestRow(time // NS, value, quality, batch)
        return found

    def count_old(self, points: Sequence[str], sites: Sequence[str], before: int) -> int:
        gone = 0
        for site, point in _pairs(sites, points):
            which = f'r._measurement == {_quoted(MEASUREMENT)} and r._field == "origin" and r.site == {_quoted(site)}'
            flux = f"{self._from(0, before)}\n  |> filter(fn: (r) => {which} and r.point == {_quoted(point)})"
            with self._failures():
                for record in self._client.query_api().query_stream(f"{flux}\n  |> count()"):
                    gone += int(record.values["_value"])
        return gone

    def forget_old(self, points: Sequence[str], sites: Sequence[str], before: int) -> int:
        found = self.count_old(points, sites, before)
        if not found:
            return 0
        start, stop = (datetime.fromtimestamp(at / 1000, UTC) for at in (0, before))
        for site, point in _pairs(sites, points):
            which = f"_measurement={_quoted(MEASUREMENT)} AND site={_quoted(site)} AND point={_quoted(point)}"
            with self._failures():
                self._client.delete_api().delete(start, stop, which, bucket=self._place.bucket)
        return found

    def _flux(self, from_at: int, to_at: int, keys: Sequence[SeriesKey]) -> str:
        """All fields of these series (none: of all) in a period."""
        wanted = " or ".join(
            " and ".join(f"r.{name} == {_quoted(part)}" for name, part in key._asdict().items()) for key in keys
        )
        which = f"r._measurement == {_quoted(MEASUREMENT)}" + (f" and ({wanted})" if wanted else "")
        return f"{self._from(from_at, to_at)}\n  |> filter(fn: (r) => {which})"

    def _from(self, from_at: int, to_at: int) -> str:
        """All of the bucket in a period."""
        period = f"range(start: time(v: {from_at * NS}), stop: time(v: {to_at * NS}))"
        return f"from(bucket: {_quoted(self._place.bucket)})\n  |> {period}"

    def _points(self, flux: str) -> dict[tuple[SeriesKey, int], dict[str, float]]:
        """Fields by series and nanosecond. A whole number stays one: ``origin`` has more digits than matter here."""
        found: dict[tuple[SeriesKey, int], dict[str, float]] = {}
        times_as_numbers = "map(fn: (r) => ({r with ns: int(v: r._time)}))"
        asked = f"{flux}\n  |> {times_as_numbers}\n  |> drop(columns: [{', '.join(map(_quoted, _TIMES))}])"
        with self._failures():
            for record in self._client.query_api().query_stream(asked):
                row = record.values
                key = SeriesKey(row["site"], row["device"], row["point"])
                found.setdefault((key, int(row["ns"])), {})[row["_field"]] = row["_value"]
        return found

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (InfluxDBError, HTTPError, OSError) as error:
            said = re.sub(r"\s+", " ", str(getattr(error, "message", "") or error))[:200]
            raise StoreUnavailable(f"{self.name}: {said}") from error


def _reading(fields: Mapping[str, float]) -> tuple[float, int, int]:
    """Value, quality and batch of a point."""
    origin = np.array([int(fields["origin"])], np.int64)
    value = np.nan
    if bool(with_value(origin)[0]) and "value" in fields:
        value = float(exact(origin, np.array([fields["value"]]), np.array([fields.get("rest", 0.0)]))[0])
    return value, int(qualities(origin)[0]), int(batches(origin)[0])


def _pairs(sites: Sequence[str], points: Sequence[str]) -> Iterator[tuple[str, str]]:
    """One predicate each: the delete API knows no ``or``."""
    return itertools.product(sites, points)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
