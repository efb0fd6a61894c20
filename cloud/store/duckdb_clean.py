"""Overwriting what deleted rows left in the file of the DuckDB store, a slice at a time; each slice ends within bounds.

First, once for a round: whatever lies in a block that is not clean is written elsewhere, all of a column at a time, by
an update that changes a value and changes it back; then the blocks that nothing lies in are noted. Then noise is
written into new blocks, of which DuckDB takes free ones first, until all that were noted have been given out. Commits
free blocks meanwhile: those are not waited for, or the end would never come; the next round has them.

Both lists are tables: a process that is killed goes on from there.
"""

import logging
from typing import Any, NamedTuple

import duckdb

from cloud.store.duckdb_rows import first_row
from cloud.store.failpoint import Reach

log = logging.getLogger(__name__)

UNCLEAN, UNCOVERED, SCRUB = "unclean", "uncovered", "scrub"
"""Blocks in which rows were emptied; blocks that were free when all was moved out of those; noise."""
SCRUB_BYTES = 16 << 20
"""Of noise a slice."""
OVER_SLICES = 8
"""So many slices more than there was room, at the most: commits take free blocks and give others back."""
MOVES_MAX = 3
VECTOR = 2_048
_INFO = """
SELECT row_group_id, column_name, blocks FROM (SELECT row_group_id, column_name,
list_append(coalesce(additional_block_ids, []), block_id) AS blocks FROM pragma_storage_info('{table}'))"""
_GROUPS = """
SELECT row_group_id, sum("count") FROM pragma_storage_info('{table}')
WHERE column_id = 0 AND segment_type <> 'VALIDITY' GROUP BY row_group_id ORDER BY row_group_id"""


class Segment(NamedTuple):
    """A column of a row group, and a block in which something of it lies."""

    table: str
    group: int
    column: str
    block: int


class Cleaning:
    """Works on a connection of its own, in the upkeep's thread. Raises duckdb.Error."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, reach: Reach) -> None:
        self._connection, self._reach = connection, reach

    def step(self) -> int:
        """One slice; how many bytes are left to be overwritten, as far as it is known, 0 when nothing is left.

        A checkpoint that meets a commit is tried again with the next slice.
        """
        try:
            return self._step()
        except duckdb.TransactionException as error:
            if "CHECKPOINT" not in str(error):
                raise
            return max(1, self._left())

    def _step(self) -> int:
        tables = self._tables()
        if UNCLEAN in tables:
            self._connection.execute("CHECKPOINT")
            self._move_out()
            self._note_free()
            return self._cover()
        if UNCOVERED not in tables:
            if SCRUB in tables:
                self._connection.execute(f"DROP TABLE {SCRUB}")
            return 0
        return self._cover()

    # --- what still lies there ---------------------------------------------------------------------------------------

    def _move_out(self) -> None:
        """Have what lies in a block that is not clean written elsewhere. What lands there afterwards is new and clean:
        only what lay there at the begin is followed."""
        dirty = self._blocks(UNCLEAN)
        left = {each for each in self._segments() if each.block in dirty}
        for _ in range(MOVES_MAX):
            if not left:
                return
            for table, column in sorted({(each.table, each.column) for each in left}):
                groups = {each.group for each in left if (each.table, each.column) == (table, column)}
                self._touch(table, column, groups)
            self._reach("mid_move_out")
            self._connection.execute("CHECKPOINT")
            left &= set(self._segments())
        if left:
            log.warning("%d parts of the file could not be written elsewhere: %s", len(left), sorted(left)[:3])

    def _touch(self, table: str, column: str, groups: set[int]) -> None:
        """Have a column of these row groups written anew: a value of each changes and changes back."""
        run, begin = self._connection.execute, 0
        run("BEGIN")
        try:
            run(f"CREATE TEMP TABLE was AS SELECT rowid AS place, {column} AS held FROM {table} LIMIT 0")  # noqa: S608
            known = groups_of(self._connection, table)
            if (
                known is None
            ):  # of each vector the first row and the last: one of them is in whichever row group there is
                ends = f"SELECT min(rowid), max(rowid) FROM {table} GROUP BY rowid // {VECTOR}"  # noqa: S608
                both = f"SELECT unnest([least, most]) FROM ({ends}) AS ends (least, most)"  # noqa: S608
                run(f"INSERT INTO was SELECT rowid, {column} FROM {table} WHERE rowid IN ({both})")  # noqa: S608
            for group, end in known or ():
                if group in groups:
                    first = f"(SELECT min(rowid) FROM {table} WHERE rowid >= ? AND rowid < ?)"  # noqa: S608
                    put = f"INSERT INTO was SELECT rowid, {column} FROM {table} WHERE rowid = {first}"  # noqa: S608
                    run(put, [begin, end])
                begin = end
            (kind,) = first_row(self._connection, "SELECT any_value(typeof(held)) FROM was")
            other = f"{column} || 'x'" if kind in ("VARCHAR", "BLOB") else f"CASE WHEN {column} = 0 THEN 1 ELSE 0 END"
            these = f"FROM was WHERE {table}.rowid = was.place"
            run(f"UPDATE {table} SET {column} = {other} {these}")  # noqa: S608
            run(f"UPDATE {table} SET {column} = was.held {these}")  # noqa: S608
            run("DROP TABLE was")
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise

    # --- noise -------------------------------------------------------------------------------------------------------

    def _note_free(self) -> None:
        """Write down which blocks are to be given out; what was not clean is among them now."""
        run = self._connection.execute
        free = sorted(set(range(self._number("SELECT total_blocks FROM pragma_database_size()"))) - self._used())
        run("BEGIN")
        try:
            run(f"CREATE TABLE IF NOT EXISTS {UNCOVERED} (block BIGINT NOT NULL)")
            run(f"INSERT INTO {UNCOVERED} SELECT unnest(?::BIGINT[])", [free])
            run(f"DROP TABLE {UNCLEAN}")
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise

    def _cover(self) -> int:
        """Some noise, until all that was free has been given out; bytes that are left."""
        run = self._connection.execute
        free, size = first_row(self._connection, "SELECT free_blocks, block_size FROM pragma_database_size()")
        wanted = self._many(UNCOVERED) * int(size)
        run(f"CREATE TABLE IF NOT EXISTS {SCRUB} (noise UBIGINT)")
        done = self._many(SCRUB) * 8
        if int(free):
            values = min(SCRUB_BYTES, int(free) * int(size)) // 8
            run(f"INSERT INTO {SCRUB} SELECT hash(range + ?) FROM range(?)", [done, values])  # noqa: S608
            done += values * 8
        self._reach("mid_scrub")
        run("CHECKPOINT")
        over = done >= wanted + OVER_SLICES * SCRUB_BYTES
        if int(free) and not over and (done < wanted or self._uncovered()):
            return max(1, wanted - done)
        run(f"DROP TABLE {SCRUB}")
        run(f"DROP TABLE {UNCOVERED}")
        self._reach("after_scrub")
        run("CHECKPOINT")
        return 0

    def _uncovered(self) -> bool:
        """Whether a block that was free then was never given out since."""
        end = self._number("SELECT total_blocks FROM pragma_database_size()")
        return bool({block for block in self._blocks(UNCOVERED) if block < end} - self._used())

    def _left(self) -> int:
        """Bytes to be overwritten: of what was noted, or of what is not clean yet."""
        size = self._number("SELECT block_size FROM pragma_database_size()")
        tables = self._tables()
        noted = self._many(UNCLEAN, "count(DISTINCT block)") * size if UNCLEAN in tables else 0
        if UNCOVERED in tables:
            noted += self._many(UNCOVERED) * size
        return noted - (self._many(SCRUB) * 8 if SCRUB in tables else 0)

    # --- where everything lies ---------------------------------------------------------------------------------------

    def _segments(self) -> list[Segment]:
        return [
            Segment(table, int(group), str(column), int(block))
            for table in self._tables()
            for group, column, blocks in self._rows(_INFO.format(table=table))
            for block in blocks
            if block is not None and block >= 0
        ]

    def _used(self) -> set[int]:
        """Blocks of rows, and of what DuckDB writes down of itself."""
        own = {int(block) for (block,) in self._rows("SELECT DISTINCT block_id FROM pragma_metadata_info()")}
        return own | {each.block for each in self._segments()}

    def _tables(self) -> list[str]:
        asked = "SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY table_name"
        return [str(name) for (name,) in self._rows(asked)]

    def _blocks(self, table: str) -> set[int]:
        return {int(block) for (block,) in self._rows(f"SELECT DISTINCT block FROM {table}")}  # noqa: S608

    def _many(self, table: str, what: str = "count(*)") -> int:
        return self._number(f"SELECT {what} FROM {table}")  # noqa: S608

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def _number(self, sql: str) -> int:
        (number,) = first_row(self._connection, sql)
        return int(number or 0)


def blocks_of(table: str) -> str:
    """A question: of each row group and column the blocks in which it lies."""
    return _INFO.format(table=table)


def groups_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[int, int]] | None:
    """Of each row group its number, and the place after its last row. None: places are not the sum of what lies before
    them, as groups were merged or dropped; then nobody can tell in which group a row is."""
    end, groups = 0, []
    for number, count in connection.execute(_GROUPS.format(table=table)).fetchall():
        end += int(count)
        groups.append((int(number), end))
    (last,) = first_row(connection, f"SELECT max(rowid) FROM {table}")  # noqa: S608
    return groups if last is None or int(last) + 1 == end else None
