"""Cutting out what cannot be read any more: a damaged block in the middle of a large table.

Such a file opens and takes commits, but whatever reads the block fails: queries, roll-ups, retention, for ever. The
rows that lie in it are lost already; once they are taken out, everything else can be read again. What is lost is
written down first, and the damaged blocks are kept beside it. Identities of batches are never cut out.

DuckDB reads 2,048 rows at a time, so that up to so many sound neighbours go with a damaged block; they are counted.
"""

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from cloud.store.contract import LostPart, SeriesKey
from cloud.store.duckdb_rows import first_row
from cloud.store.duckdb_schema import ROLLUP_TABLES

log = logging.getLogger(__name__)

_DAMAGE = re.compile(r"corrupt database file|stored checksum|corrupted [\w ]{1,40}:", re.IGNORECASE)
"""Words in DuckDB's errors for a block whose checksum does not fit, or whose checksum fits and whose content makes no
sense all the same. Narrow on purpose: what it finds is deleted."""

_ROLLUP_COLUMNS = (
    "series", "bucket", "length_ms", "min", "max", "integral", "held_ms", "last", "last_at", "count",
)  # fmt: skip
_TABLES = {
    "readings": ("observed_at", ("series", "observed_at", "value", "quality", "batch")),
    "events": ("observed_at", ("observed_at", "site", "device", "kind", "data", "batch", "reason")),
    "quarantine": ("received_at", ("received_at", "gateway", "topic", "epoch", "seq", "digest", "reason", "detail",
                                   "size", "payload")),
    "refused_reading": ("received_at", ("received_at", "gateway", "epoch", "seq", "device", "point", "observed_at",
                                        "value", "reason")),
    **dict.fromkeys(ROLLUP_TABLES, ("bucket", _ROLLUP_COLUMNS)),
    # Notes of the upkeep, which it writes anew the next time.
    **dict.fromkeys(("retired", "clustered"), ("before", ("level", "before"))),
}  # fmt: skip
"""What may be cut, by table: its column of time, and all of its columns."""

_GROUP_ROWS = 122_880
_VECTOR_ROWS = 2_048
_SERIES_NAMED = 500

Range = tuple[int, int]


def is_damage(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, says that a block of the file cannot be read."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, duckdb.Error) and _DAMAGE.search(str(error)):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


class Cutter:
    """Works on two connections of its own: one holds a snapshot, so that row numbers stand still; one tries to read."""

    def __init__(
        self,
        path: Path,
        holder: duckdb.DuckDBPyConnection,
        reader: duckdb.DuckDBPyConnection,
        key_of: Callable[[int], SeriesKey],
        now_ms: int,
    ) -> None:
        self._path = path
        self._holder = holder
        self._reader = reader
        self._key_of = key_of
        stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        self._list = path.with_name(f"{path.name}.lost-{stamp}.jsonl")
        self._blocks: set[int] = set()

    def cut(self) -> list[LostPart]:
        """Look through all tables and take out what cannot be read. Raises duckdb.Error and OSError."""
        lost = []
        for table in _TABLES:
            self._holder.execute("BEGIN")
            try:
                part = self._cut_table(table)
                self._holder.execute("COMMIT" if part is not None else "ROLLBACK")
            except BaseException:
                try:
                    self._holder.execute("ROLLBACK")
                except duckdb.Error as error:
                    log.warning("rolling back: %s", error)
                raise
            if part is not None:
                log.error("%d rows of %s could not be read and were cut out; see %s", part.rows, table, part.path)
                lost.append(part)
        return lost

    def _cut_table(self, table: str) -> LostPart | None:
        (last,) = first_row(self._holder, f"SELECT max(rowid) FROM {table}")  # noqa: S608
        if last is None:
            return None
        damaged = list(self._damaged(table, int(last) + 1))
        if not damaged:
            return None
        self._keep_blocks()
        known = [self._describe(table, part) for part in damaged]
        with self._list.open("a", encoding="utf-8") as file:
            os.chmod(self._list, 0o600)
            file.writelines(json.dumps(row, ensure_ascii=True) + "\n" for row in known)
            file.flush()
            os.fsync(file.fileno())
        rows = 0
        for first, stop in damaged:
            delete = f"DELETE FROM {table} WHERE rowid >= ? AND rowid < ?"  # noqa: S608
            rows += int(first_row(self._holder, delete, [first, stop])[0])
        times = [time for row in known for time in (row["from"], row["to"]) if isinstance(time, int)]
        return LostPart(table, rows, min(times, default=None), max(times, default=None), str(self._list))

    def _damaged(self, table: str, stop: int) -> Iterator[Range]:
        """Ranges of row numbers that cannot be read, neighbours together."""
        columns = _TABLES[table][1]
        begin: int | None = None
        for group in range(0, stop, _GROUP_ROWS):
            group_stop = min(stop, group + _GROUP_ROWS)
            sound = self._reads(table, columns, (group, group_stop))
            for first in range(group, group_stop, _VECTOR_ROWS):
                part = (first, min(group_stop, first + _VECTOR_ROWS))
                if sound or self._reads(table, columns, part):
                    if begin is not None:
                        yield begin, first
                        begin = None
                elif begin is None:
                    begin = first
            if begin is not None:
                yield begin, group_stop
                begin = None

    def _reads(self, table: str, columns: tuple[str, ...], part: Range) -> bool:
        """True when these columns can be read; the hash has them all read, where a count would not."""
        asked = f"SELECT bit_xor(hash({', '.join(columns)})) FROM {table} WHERE rowid >= ? AND rowid < ?"  # noqa: S608
        try:
            self._reader.execute(asked, list(part)).fetchall()
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            found = re.search(r"block at location (\d+)", str(error))
            if found:
                self._blocks.add(int(found[1]))
            return False
        return True

    def _describe(self, table: str, part: Range) -> dict[str, object]:
        """What is known of rows that are lost: from the columns that can still be read."""
        time, columns = _TABLES[table]
        good = [column for column in columns if self._reads(table, (column,), part)]

        def of(column: str, asked: str) -> tuple[object, ...]:
            if column not in good:
                return (None, None)
            where = f"FROM {table} WHERE rowid >= ? AND rowid < ?"
            return first_row(self._reader, f"SELECT {asked} {where}", list(part))

        from_at, to_at = of(time, f"min({time}), max({time})")
        row: dict[str, object] = {
            "table": table,
            "rows": part[1] - part[0],
            "unreadable": [column for column in columns if column not in good],
            "from": from_at,
            "to": to_at,
        }
        if "batch" in columns:
            row["batches"] = of("batch", "min(batch), max(batch)")
        if "series" in good:
            (numbers,) = of("series", "list_sort(list(DISTINCT series))")
            assert isinstance(numbers, list)
            row["series"] = ["/".join(self._key_of(number)) for number in numbers[:_SERIES_NAMED]]
        return row

    def _keep_blocks(self) -> None:
        """Copy the damaged blocks as they are: their space is given to others once the rows are gone."""
        (size,) = first_row(self._reader, "SELECT block_size FROM pragma_database_size()")
        with self._path.open("rb") as file:
            for location in sorted(self._blocks):
                kept = self._list.with_name(f"{self._list.stem}.block-{location}")
                file.seek(location)
                kept.write_bytes(file.read(int(size)))
                kept.chmod(0o600)
