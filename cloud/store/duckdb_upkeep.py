"""What the background does beside the commits: clustering of finished months, and retention. Small steps."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import duckdb
import numpy as np

from cloud.store.contract import StoredRange
from cloud.store.duckdb_personal import events_let_go, series_let_go
from cloud.store.duckdb_recall import STORED_COUNTERS, folded, islands
from cloud.store.duckdb_rows import Lent, first_row
from cloud.store.keeping import Retention
from cloud.store.personal import HeldBack
from cloud.store.ranges import SeqRanges
from cloud.store.retention import Cutoffs, cutoffs
from cloud.store.rollup import DAY_MS, HOUR_MS

_Statement = tuple[str, Sequence[object]]

_CLUSTERED = {"15m": "rollup_15m", "1h": "rollup_1h"}
_SETTLED_AFTER_MS = 3 * DAY_MS
"""A month is clustered when it has been over for so long: most late data has come by then."""
_ROWS_PER_SLICE = 250_000
_STEPS_PER_ROUND = 24
_ROWS_PER_STEP = 1_000_000
_REFUSED_PER_GATEWAY = 1_000

_FOLD_COUNTERS = """
INSERT INTO counter SELECT gateway, ?, sum({column})::BIGINT FROM batches WHERE received_at < ? GROUP BY gateway"""


def next_month(at_ms: int) -> int:
    """The start of the month (UTC) after the one that contains an instant."""
    day = datetime.fromtimestamp(at_ms / 1000, UTC)
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)


def start_of_year(at_ms: int) -> int:
    """The start of the year (UTC) that contains an instant."""
    return int(datetime(datetime.fromtimestamp(at_ms / 1000, UTC).year, 1, 1, tzinfo=UTC).timestamp() * 1000)


class Upkeep:
    """Works on its own connection in its own thread; every step is a transaction of its own."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        retention: Retention,
        held: Callable[[], Sequence[HeldBack]] = tuple,
    ) -> None:
        """``held``: what retention leaves."""
        self._connection = connection
        self._retention, self._held = retention, held
        self._done_for_day = -1
        self._sorting: Iterator[int] | None = None

    # --- clustering --------------------------------------------------------------------------------------------------

    def cluster(self, now_ms: int) -> bool:
        """Go on sorting roll-ups by series, so that a year of one series is a few blocks; a slice of rows a call.

        When a month is over, its year up to then is sorted anew, several finished months at once. False when there is
        nothing to sort.
        """
        if self._sorting is None:
            self._sorting = self._next_sort(now_ms)
        if self._sorting is not None and next(self._sorting, None) is None:
            self._sorting = None
        return self._sorting is not None

    def _next_sort(self, now_ms: int) -> Iterator[int] | None:
        for level, table in _CLUSTERED.items():
            start = self._clustered_before(level, table)
            if start is not None and next_month(start) + _SETTLED_AFTER_MS < now_ms:
                stop = next_month(start)
                while next_month(stop) + _SETTLED_AFTER_MS < now_ms and start_of_year(stop) == start_of_year(start):
                    stop = next_month(stop)
                return self._sort(level, table, start_of_year(start), stop)
        return None

    def _clustered_before(self, level: str, table: str) -> int | None:
        known = self._number("SELECT max(before) FROM clustered WHERE level = ?", [level])
        if known is not None:
            return known
        return self._number(f"SELECT min(bucket) FROM {table}")  # noqa: S608

    def _sort(self, level: str, table: str, start: int, stop: int) -> Iterator[int]:
        """Yields after each slice. Interrupted half way, the same period is sorted again."""
        period = f"FROM {table} WHERE bucket >= ? AND bucket < ?"
        rows = self._number(f"SELECT count(*) {period}", [start, stop]) or 0
        last = self._number(f"SELECT max(series) {period}", [start, stop]) or 0
        width = last // (rows // _ROWS_PER_SLICE + 1) + 1
        for begin in range(0, last + 1, width):
            self._swap_slice(table, f"{period} AND series >= ? AND series < ?", [start, stop, begin, begin + width])
            yield begin
        self._run(
            ("DELETE FROM clustered WHERE level = ?", [level]),
            ("INSERT INTO clustered VALUES (?, ?)", [level, stop]),
        )

    def _swap_slice(self, table: str, part: str, bounds: Sequence[object]) -> None:
        """Take a slice out and put it back sorted."""
        self._connection.execute("BEGIN")
        try:
            found = self._connection.execute(f"SELECT * {part} ORDER BY series, bucket", bounds).fetchnumpy()
            self._connection.execute(f"DELETE {part}", bounds)
            with Lent(self._connection, sorted_rows={name: np.asarray(column) for name, column in found.items()}):
                self._connection.execute(f"INSERT INTO {table} SELECT * FROM sorted_rows")  # noqa: S608
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    # --- retention ---------------------------------------------------------------------------------------------------

    def retire(self, now_ms: int) -> None:
        """Take out what is older than its level is kept: once a day, in as many rounds of some steps as it takes."""
        today = now_ms // DAY_MS
        if self._done_for_day == today:
            return
        limits = cutoffs(self._retention, now_ms)
        if not self._retire_raw(limits.raw):
            return
        for level, table, before in (
            ("15m", "rollup_15m", limits.m15),
            ("1h", "rollup_1h", limits.h1),
            ("1d", "rollup_1d", limits.d1),
        ):
            if before is not None:
                others, held = series_let_go(self._held())
                these = f"DELETE FROM {table} WHERE bucket < ? AND {others}"  # noqa: S608
                self._run(*self._moved(level, before), (these, [before, *held]))
        self._retire_reports(limits)
        if limits.batches is not None:
            self._fold(limits.batches)
        self._done_for_day = today

    def _retire_raw(self, before: int | None) -> bool:
        """Some hours of raw readings; True when none is left to retire. Only what is in the roll-ups may go."""
        if before is None:
            return True
        others, held = series_let_go(self._held())
        rolled = f"batch <= (SELECT max(batch) FROM rolled_through) AND {others}"  # noqa: S608
        done = self._number("SELECT max(before) FROM retired WHERE level = 'raw'")
        if done is None:
            done = self._number("SELECT min(observed_at) FROM readings")
            if done is None or done >= before:
                return True
        for _ in range(_STEPS_PER_ROUND):
            if done >= before:
                break
            done = min(before, self._step_end(done))
            self._run(
                *self._moved("raw", done),
                (f"DELETE FROM readings WHERE observed_at < ? AND {rolled}", [done, *held]),  # noqa: S608
            )
        if done < before:
            return False
        self._run((f"DELETE FROM readings WHERE observed_at < ? AND {rolled}", [before, *held]))  # noqa: S608
        return True

    def _step_end(self, start: int) -> int:
        """A day of readings at a time; an hour where a day is many."""
        day = start // DAY_MS * DAY_MS + DAY_MS
        rows = self._number("SELECT count(*) FROM readings WHERE observed_at < ?", [day]) or 0
        return day if rows <= _ROWS_PER_STEP else start // HOUR_MS * HOUR_MS + HOUR_MS

    def _retire_reports(self, limits: Cutoffs) -> None:
        if limits.events is not None:
            others, held = events_let_go(self._held())
            self._run((f"DELETE FROM events WHERE observed_at < ? AND {others}", [limits.events, *held]))  # noqa: S608
        if limits.quarantine is not None:
            self._run(
                ("DELETE FROM quarantine WHERE received_at < ?", [limits.quarantine]),
                ("DELETE FROM refused_reading WHERE received_at < ?", [limits.quarantine]),
            )
        self._run(
            (
                "DELETE FROM refused_reading WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, row_number() OVER "
                "(PARTITION BY gateway ORDER BY rowid DESC) AS place FROM refused_reading) WHERE place > ?)",
                [_REFUSED_PER_GATEWAY],
            )
        )

    def _fold(self, before: int) -> None:
        """Turn the identities of old batches into ranges, and what they counted into counters."""
        old = islands(self._connection, before_received=before)
        if not old:
            return
        merged: dict[tuple[int, str], list[tuple[int, int]]] = {}
        for part in (*folded(self._connection), *old):
            merged.setdefault((part.gateway, part.epoch), []).append((part.first, part.last))
        ranges = [
            StoredRange(gateway, epoch, first, last)
            for (gateway, epoch), parts in merged.items()
            for first, last in SeqRanges(parts)
        ]
        columns = ("1", "readings", "events")
        statements: list[_Statement] = [
            (_FOLD_COUNTERS.format(column=column), [name, before])
            for name, column in zip(STORED_COUNTERS, columns, strict=True)
        ]
        statements.append(("DELETE FROM stored_range", []))
        statements.extend(("INSERT INTO stored_range VALUES (?, ?, ?, ?)", list(row)) for row in ranges)
        statements.append(("DELETE FROM batches WHERE received_at < ?", [before]))
        self._run(*statements)

    @staticmethod
    def _moved(level: str, before: int) -> tuple[_Statement, _Statement]:
        return (
            ("DELETE FROM retired WHERE level = ?", [level]),
            ("INSERT INTO retired VALUES (?, ?)", [level, before]),
        )

    # --- statements --------------------------------------------------------------------------------------------------

    def _number(self, sql: str, parameters: Sequence[object] = ()) -> int | None:
        (number,) = first_row(self._connection, sql, parameters)
        return None if number is None else int(number)

    def _run(self, *statements: _Statement) -> None:
        self._connection.execute("BEGIN")
        try:
            for sql, parameters in statements:
                self._connection.execute(sql, list(parameters))
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
