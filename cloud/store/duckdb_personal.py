"""Forgetting what is about people in the DuckDB store, down to the bytes of the file.

DuckDB marks deleted rows and leaves their bytes where they are as long as any row of their row group lives. So rows
are emptied before they are deleted: the next checkpoint writes their column anew, elsewhere. Which blocks are not clean
then is written down in the transaction that empties the rows; ``cloud/store/duckdb_clean.py`` overwrites them.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import duckdb
import numpy as np

from cloud.store.contract import SeriesKey
from cloud.store.duckdb_clean import UNCLEAN, Cleaning, blocks_of, groups_of
from cloud.store.duckdb_rows import Lent, first_row
from cloud.store.duckdb_schema import ROLLUP_TABLES
from cloud.store.failpoint import Reach, never
from cloud.store.personal import FOUND_MAX, Due, HeldBack, PersonalEvent, Slice, plate_in_json

SLICE_ROWS = 20_000
EMPTY: Mapping[str, Mapping[str, str]] = {
    "events": {"data": "'{}'"},
    "readings": {"value": "NULL"},
    **dict.fromkeys(ROLLUP_TABLES, dict.fromkeys(("min", "max", "integral", "last"), "NULL")),
}
"""What stands in the place of what a row said."""
_EVENT = "SELECT batch, observed_at, site, device, kind, data FROM events"

Where = tuple[str, list[object]]
T = TypeVar("T")


class Personal:
    """Works on a connection of its own, in the upkeep's thread. Raises duckdb.Error."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        series: Callable[[], Mapping[SeriesKey, int]],
        reach: Reach = never,
    ) -> None:
        self._connection, self._series, self._reach = connection, series, reach

    def count(self, due: Due) -> int:
        """See ``PersonalStore.count_due``."""
        return sum(self._number(f"SELECT count(*) FROM {table} WHERE {where[0]}", where[1])  # noqa: S608
                   for table, where in self._due(due))  # fmt: skip

    def expire(self, due: Due) -> Slice:
        """Some rows of one table."""
        for table, where in self._due(due):
            rows = self._empty(table, where)
            if rows:
                return Slice(rows, True)
        return Slice(0, False)

    def find(self, words: Sequence[str], plates: Sequence[str] = ()) -> list[PersonalEvent]:
        """See ``PersonalStore.find_events``."""
        if not words and not plates:
            return []
        holds = " OR ".join([*("contains(data, ?)" for _ in words), *("regexp_matches(data, ?)" for _ in plates)])
        text = f"{_EVENT} WHERE {holds} ORDER BY observed_at, batch LIMIT {FOUND_MAX}"
        said = [*(_as_stored(word) for word in words), *(plate_in_json(plain) for plain in plates)]
        rows = self._connection.execute(text, said).fetchall()
        return [PersonalEvent(f"{row[0]}:{row[1]}:{row[3]}:{row[4]}", row[1], *row[2:]) for row in rows]

    def erase(self, ids: Sequence[str]) -> int:
        """See ``PersonalStore.erase_events``."""
        named = [each.split(":") for each in ids]
        whole = [parts for parts in named if len(parts) == 4 and parts[0].isdigit() and parts[1].lstrip("-").isdigit()]
        if not whole:
            return 0
        wanted = {
            "batch": np.array([int(parts[0]) for parts in whole], np.int64),
            "observed_at": np.array([int(parts[1]) for parts in whole], np.int64),
            "device": np.array([parts[2] for parts in whole], object),
            "kind": np.array([parts[3] for parts in whole], object),
        }
        gone = 0
        with Lent(self._connection, erased=wanted):
            where = "(batch, observed_at, device, kind) IN (SELECT (batch, observed_at, device, kind) FROM erased)"
            while rows := self._empty("events", (where, [])):
                gone += rows
        return gone

    def scrub(self) -> int:
        """See ``PersonalStore.scrub``."""
        return Cleaning(self._connection, self._reach).step()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _due(self, due: Due) -> Iterator[tuple[str, Where]]:
        """Table by table, what is due in it."""
        if due.kinds:
            yield "events", _events_due(due)
        series = [
            number
            for key, number in sorted(self._series().items())
            if key.point in due.points and key.site not in due.kept_sites
        ]
        if series:
            among = f"series IN ({', '.join('?' for _ in series)})"
            rolled = "batch <= (SELECT max(batch) FROM rolled_through)"
            yield "readings", (f"observed_at < ? AND {among} AND {rolled}", [due.before, *series])
            for table in ROLLUP_TABLES:
                yield table, (f"bucket < ? AND {among}", [due.before, *series])

    def _empty(self, table: str, where: Where) -> int:
        """Take a slice of it away; how many rows went."""
        condition, bounds = where
        run = self._connection.execute
        run("BEGIN")
        try:
            rows = f"SELECT rowid AS place FROM {table} WHERE {condition} LIMIT {SLICE_ROWS}"  # noqa: S608
            run(f"CREATE TEMP TABLE going AS {rows}", bounds)
            count = self._number("SELECT count(*) FROM going")
            if count:
                self._note_blocks(table)
                these = "WHERE rowid IN (SELECT place FROM going)"
                empty = ", ".join(f"{column} = {nothing}" for column, nothing in EMPTY[table].items())
                run(f"UPDATE {table} SET {empty} {these}")  # noqa: S608
                run(f"DELETE FROM {table} {these}")  # noqa: S608
            run("DROP TABLE going")
            self._reach("mid_expire")
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise
        return count

    def _note_blocks(self, table: str) -> None:
        """Write down in which blocks lies what is emptied now."""
        run = self._connection.execute
        groups = groups_of(self._connection, table)
        if groups is None:
            asked = f"SELECT DISTINCT row_group_id FROM ({blocks_of(table)})"  # noqa: S608
            touched = [number for (number,) in run(asked).fetchall()]
        else:
            ends = np.array([end for _, end in groups], np.int64)
            places = run("SELECT place FROM going").fetchnumpy()["place"]
            numbers = np.unique(np.searchsorted(ends, places, side="right"))
            touched = [groups[number][0] for number in numbers.tolist() if number < len(groups)]
        run(f"CREATE TABLE IF NOT EXISTS {UNCLEAN} (block BIGINT NOT NULL)")
        if touched:
            columns = list(EMPTY[table])
            asked = f"{blocks_of(table)} WHERE list_contains(?, row_group_id) AND list_contains(?, column_name)"
            run(f"INSERT INTO {UNCLEAN} SELECT block FROM (SELECT unnest(blocks) AS block FROM ({asked})) "  # noqa: S608
                "WHERE block >= 0", [touched, columns])  # fmt: skip

    def _number(self, sql: str, parameters: Sequence[object] = ()) -> int:
        (number,) = first_row(self._connection, sql, parameters)
        return int(number or 0)


class ForgetsPeople(ABC):
    """``PersonalStore``, of a store that lets ``Personal`` work."""

    held: Sequence[HeldBack] = ()

    def hold_back(self, held: Sequence[HeldBack]) -> None:
        self.held = tuple(held)

    async def count_due(self, due: Due) -> int:
        return await self._of_people(lambda personal: personal.count(due))

    async def expire(self, due: Due) -> Slice:
        return await self._of_people(lambda personal: personal.expire(due))

    async def find_events(self, words: Sequence[str], plates: Sequence[str] = ()) -> list[PersonalEvent]:
        return await self._of_people(lambda personal: personal.find(words, plates))

    async def erase_events(self, ids: Sequence[str]) -> int:
        return await self._of_people(lambda personal: personal.erase(ids))

    async def scrub(self) -> int:
        return await self._of_people(lambda personal: personal.scrub())

    @abstractmethod
    async def _of_people(self, work: Callable[[Personal], T]) -> T:
        """Let it work where nothing else moves rows. Raises StoreUnavailable."""


def _events_due(due: Due) -> Where:
    parts = [f"kind IN ({', '.join('?' for _ in due.kinds)})", "observed_at < ?"]
    bounds: list[object] = [*due.kinds, due.before]
    if due.kept_sites:
        parts.append(f"site NOT IN ({', '.join('?' for _ in due.kept_sites)})")
        bounds += sorted(due.kept_sites)
    for word in sorted(due.kept_words):
        parts.append("NOT contains(data, ?)")
        bounds.append(_as_stored(word))
    for plain in sorted(due.kept_plates):
        parts.append("NOT regexp_matches(data, ?)")
        bounds.append(plate_in_json(plain))
    return " AND ".join(parts), bounds


def events_let_go(held: Sequence[HeldBack]) -> Where:
    """Events that no hold keeps."""
    parts, bounds = ["TRUE"], list[object]()
    for each in held:
        those = ["TRUE"]
        if each.kinds is not None:
            those.append("list_contains(?, kind)")
            bounds.append(list(each.kinds))
        if each.sites:
            those.append("list_contains(?, site)")
            bounds.append(sorted(each.sites))
        if each.words or each.plates:
            said = ["contains(data, ?)"] * len(each.words) + ["regexp_matches(data, ?)"] * len(each.plates)
            those.append(f"({' OR '.join(said)})")
            bounds += [_as_stored(word) for word in sorted(each.words)]
            bounds += [plate_in_json(plain) for plain in sorted(each.plates)]
        parts.append(f"NOT ({' AND '.join(those)})")
    return " AND ".join(parts), bounds


def series_let_go(held: Sequence[HeldBack]) -> Where:
    """Readings and roll-ups of series that no hold keeps."""
    parts, bounds = ["TRUE"], list[object]()
    for each in held:
        if each.points:
            of = "list_contains(?, point)" + (" AND list_contains(?, site)" if each.sites else "")
            parts.append(f"series NOT IN (SELECT id FROM series WHERE {of})")  # noqa: S608
            bounds += [list(each.points), *([sorted(each.sites)] if each.sites else [])]
    return " AND ".join(parts), bounds


def _as_stored(word: str) -> str:
    """As a word stands inside the JSON of an event."""
    return json.dumps(word, ensure_ascii=True)
