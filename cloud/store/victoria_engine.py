"""Readings in VictoriaMetrics (single node): line protocol in, its export and query API out.

It answers 204 before anything is on its disk and writes down what it has every few seconds, so an answer is no promise:
a block stays in the ledger for ``hold_s`` and is sent again when the server was started again meanwhile.

It deletes whole series only, never a part of their time. So positions are a series for each day (tag ``day``), and go
day by day; a merge that is asked for afterwards writes their month anew without them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from cloud.store.contract import ReadingColumns, SeriesKey
from cloud.store.line_protocol import MEASUREMENT, batches, day_of, exact, lines, qualities, with_value
from cloud.store.personal import TRACK_POINTS
from cloud.store.readings_engine import EngineRows, NewestRow, no_rows
from cloud.store.victoria_http import VictoriaHttp
from cloud.store.victoria_pairs import NONE, Samples, pair
from protocols.errors import BadSettings, StoreUnavailable

HOLD_S = 60.0
"""It writes its memory down every 5 seconds."""
SETTLE_S = 2.0
SELECTORS_AT_ONCE = 100
NAMES_IN_PATTERN = 300
FIELDS = ("origin", "value", "rest")
BY_DAY = frozenset(TRACK_POINTS)
SITES_AT_ONCE, DAYS_AT_ONCE = 100, 10
_STARTED = re.compile(r"^process_start_time_seconds\s+(\S+)", re.MULTILINE)
_RETENTION = re.compile(r'^-retentionPeriod="?([^"\n]*)"?', re.MULTILINE)
_DEDUP = re.compile(r'^-dedup\.minScrapeInterval="?([^"\n]*)"?', re.MULTILINE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DAYS = {"": 31.0, "h": 1 / 24, "d": 1.0, "w": 7.0, "M": 31.0, "m": 31.0, "y": 365.0}


class _Exported(msgspec.Struct):
    metric: dict[str, str]
    values: list[float | None]
    timestamps: list[int]


class _Vector(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Data(msgspec.Struct):
    result: list[_Vector]


class _Answer(msgspec.Struct):
    data: _Data


class _Values(msgspec.Struct):
    data: list[str]


_Dated = tuple[SeriesKey, str]
"""A series, and the day it is of where it is one of a day."""


class VictoriaEngine:
    """A ``ReadingsEngine``."""

    def __init__(self, http: VictoriaHttp, *, hold_s: float = HOLD_S, settle_s: float = SETTLE_S) -> None:
        self.name = f"VictoriaMetrics at {http.url}"
        self.hold_s = hold_s
        self._http = http
        self._settle_s = settle_s
        self._line = msgspec.json.Decoder(_Exported)
        self._answer = msgspec.json.Decoder(_Answer)
        self._values = msgspec.json.Decoder(_Values)

    def close(self) -> None:
        self._http.close()

    def check(self, raw_days: int | None) -> None:
        flags = self._http.text("/flags")
        found = _RETENTION.search(flags)
        kept = days_of(found[1]) if found else None
        if kept is not None and (raw_days is None or kept < raw_days):
            wanted = "for ever" if raw_days is None else f"{raw_days} days"
            raise BadSettings(
                f"it forgets readings after {kept:g} days, but [retention] raw_days wants them kept {wanted}; start it "
                f"with -retentionPeriod={'100y' if raw_days is None else f'{raw_days}d'} or lower raw_days",
                file=self.name,
            )
        apart = _DEDUP.search(flags)
        if apart is not None and apart[1] not in ("", "0", "0s", "0ms"):
            raise BadSettings(
                f"it runs with -dedup.minScrapeInterval={apart[1]}, which takes readings away; start it without",
                file=self.name,
            )

    def mark(self) -> str:
        said, now = self._http.text_at("/metrics")
        found = _STARTED.search(said)
        if found is None:
            raise StoreUnavailable(f"{self.name} does not say when it was started")
        # It says whole seconds: given nothing in its first two, no two starts that took something are one.
        if now - float(found[1]) < self._settle_s:
            raise StoreUnavailable(f"{self.name} was started just now; it is given readings in a moment")
        return found[1]

    def write(self, columns: ReadingColumns, names: Sequence[SeriesKey]) -> None:
        self._http.post("/write?precision=ms", lines(columns, names, columns.at, by_day=BY_DAY))

    def rows(self, wanted: Sequence[SeriesKey], from_at: int, to_at: int) -> EngineRows:
        if to_at <= from_at or not wanted:
            return no_rows()
        places = {key: place for place, key in enumerate(wanted)}
        found = self._export(wanted, from_at, to_at - 1)
        parts = []
        for key, samples in found.items():
            place = places.get(key)
            if place is None:
                continue
            paired = pair(*(samples.get(field, NONE) for field in FIELDS))
            parts.append((np.full(len(paired.at), place, np.int32), *paired))
        if not parts:
            return no_rows()
        joined = [np.concatenate([part[n] for part in parts]) for n in range(5)]
        return EngineRows(place=joined[0], at=joined[1], value=joined[2], quality=joined[3], batch=joined[4])

    def _export(self, wanted: Sequence[SeriesKey], from_at: int, last_at: int) -> dict[SeriesKey, dict[str, Samples]]:
        """Samples of each series by field."""
        gathered: dict[SeriesKey, dict[str, list[_Exported]]] = {}
        for begin in range(0, len(wanted), SELECTORS_AT_ONCE):
            form = [("match[]", _selector(FIELDS, key)) for key in wanted[begin : begin + SELECTORS_AT_ONCE]]
            form += [("start", _seconds(from_at)), ("end", _seconds(last_at)), ("reduce_mem_usage", "1")]
            for line in self._http.lines("/api/v1/export", form):
                one = self._line.decode(line)
                field = one.metric["__name__"].removeprefix(f"{MEASUREMENT}_")
                gathered.setdefault(_key(one.metric), {}).setdefault(field, []).append(one)
        return {key: {field: _joined(parts) for field, parts in fields.items()} for key, fields in gathered.items()}

    def newest(self, wanted: Sequence[SeriesKey] | None, since_at: int, at: int) -> Mapping[SeriesKey, NewestRow]:
        if at < since_at or (wanted is not None and not wanted):
            return {}
        asked = set(wanted) if wanted is not None else None
        since_at = max(since_at, 86_400_000)  # it finds nothing in a window that begins at 1970
        window = f"{at - since_at + 1}ms"

        def ask(function: str, field: str) -> dict[_Dated, float]:
            query = f"{function}({_selector((field,), *(wanted or ()))}[{window}])"
            form = [("query", query), ("time", _seconds(at)), ("nocache", "1")]
            answer = self._answer.decode(self._http.ask("/api/v1/query", form))
            found = ((_dated(one.metric), float(one.value[1])) for one in answer.data.result)
            return {dated: number for dated, number in found if asked is None or dated[0] in asked}

        # What comes between these questions is in the ledger still, and newer there.
        at_origin, origin = ask("tlast_over_time", "origin"), ask("last_over_time", "origin")
        at_value, value = ask("tlast_over_time", "value"), ask("last_over_time", "value")
        at_rest, rest = ask("tlast_over_time", "rest"), ask("last_over_time", "rest")
        found: dict[SeriesKey, NewestRow] = {}
        for dated, instant in at_origin.items():
            key, newest = dated[0], round(instant * 1000)
            if dated not in origin or (key in found and found[key].at > newest):
                continue
            mark = np.array([int(origin[dated])], np.int64)
            number = np.nan
            if bool(with_value(mark)[0]) and at_value.get(dated) == instant:
                more = rest[dated] if at_rest.get(dated) == instant else 0.0
                number = float(exact(mark, np.array([value[dated]]), np.array([more]))[0])
            quality, batch = int(qualities(mark)[0]), int(batches(mark)[0])
            found[key] = NewestRow(newest, number, quality, batch)
        return found

    # --- positions of people, by their age ---------------------------------------------------------------------------

    def count_old(self, points: Sequence[str], sites: Sequence[str], before: int) -> int:
        return sum(self._count(matched, before) for matched, _ in self._old(points, sites, before))

    def forget_old(self, points: Sequence[str], sites: Sequence[str], before: int) -> int:
        gone = 0
        months: set[str] = set()
        for matched, days in self._old(points, sites, before):
            found = self._count(matched, before)
            if found:
                self._http.ask("/api/v1/admin/tsdb/delete_series", [("match[]", _series(FIELDS, matched))])
                months |= {day[:7].replace("-", "_") for day in days}
            gone += found
        for month in sorted(months):
            self._http.ask("/internal/force_merge", [("partition_prefix", month)])
        return gone

    def _old(self, points: Sequence[str], sites: Sequence[str], before: int) -> Iterator[tuple[str, list[str]]]:
        """Filters of series, and the days of them: days that ended by then."""
        dated = _any("point", [point for point in points if point in BY_DAY])
        if not set(points) & BY_DAY or not sites:
            return
        form = [("match[]", _series(("origin",), dated)), ("start", "86400"), ("end", _seconds(before))]
        said = self._values.decode(self._http.ask("/api/v1/label/day/values", form)).data
        days = sorted(day for day in said if _DAY.fullmatch(day) and day < day_of(before))
        for begin in range(0, len(days), DAYS_AT_ONCE):
            some = days[begin : begin + DAYS_AT_ONCE]
            for first in range(0, len(sites), SITES_AT_ONCE):
                yield f"{dated},{_any('site', sites[first : first + SITES_AT_ONCE])},{_any('day', some)}", some

    def _count(self, matched: str, before: int) -> int:
        """Readings of these series, one for each ``origin``."""
        query = f"sum(count_over_time({_series(('origin',), matched)}[{before - 86_400_000}ms]))"
        form = [("query", query), ("time", _seconds(before)), ("nocache", "1")]
        found = self._answer.decode(self._http.ask("/api/v1/query", form)).data.result
        return int(float(found[0].value[1])) if found else 0


def days_of(text: str) -> float | None:
    """How many days a -retentionPeriod is; None when it cannot be told."""
    parts = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([hdwMmy]?)", text.strip())
    return float(parts[1]) * _DAYS[parts[2]] if parts else None


def _seconds(at: int) -> str:
    return f"{at // 1000}.{at % 1000:03d}"


def _series(fields: Sequence[str], matched: str) -> str:
    """A selector of these fields with these filters."""
    return "{" + f'__name__=~"{"|".join(f"{MEASUREMENT}_{field}" for field in fields)}",{matched}' + "}"


def _any(label: str, names: Sequence[str]) -> str:
    """A filter: the label is one of these."""
    return f"{label}=~{_quoted('|'.join(map(re.escape, sorted(names))))}"


def _selector(fields: Sequence[str], *keys: SeriesKey) -> str:
    """A selector that finds at least these series (no keys: all)."""
    metric = "|".join(f"{MEASUREMENT}_{field}" for field in fields)
    filters = [f'__name__=~"{metric}"' if len(fields) > 1 else f'__name__="{metric}"']
    for label in SeriesKey._fields if keys else ():
        names = sorted({str(getattr(key, label)) for key in keys})
        if len(names) == 1:
            filters.append(f"{label}={_quoted(names[0])}")
        elif len(names) <= NAMES_IN_PATTERN:
            filters.append(f"{label}=~{_quoted('|'.join(map(re.escape, names)))}")
    return "{" + ",".join(filters) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _key(metric: Mapping[str, str]) -> SeriesKey:
    return SeriesKey(metric.get("site", ""), metric.get("device", ""), metric.get("point", ""))


def _dated(metric: Mapping[str, str]) -> _Dated:
    return _key(metric), metric.get("day", "")


def _joined(parts: Iterable[_Exported]) -> Samples:
    whole = list(parts)
    at = np.concatenate([np.array(part.timestamps, np.int64) for part in whole])
    number = np.concatenate([np.array(part.values, np.float64) for part in whole])
    good = ~np.isnan(number)
    return Samples(at[good], number[good])
