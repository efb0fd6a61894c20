"""A copy of the store as of one instant, made while it is written, and a look into such a copy."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import NamedTuple

import duckdb

from cloud.store.duckdb_rows import first_row
from protocols.errors import StoreDamaged, StoreUnavailable


class StoreContent(NamedTuple):
    """What a store file holds. ``stored_to``: ms, when the newest batch in it was stored; 0 without any."""

    readings: int
    batches: int
    events: int
    stored_to: int


def copy_into(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Write all tables into a new file, in one transaction: what is committed meanwhile is not in it, in no part.

    Raises duckdb.Error; what was written by then is left there.
    """
    name = f"copy_{secrets.token_hex(4)}"
    (source,) = first_row(connection, "SELECT current_database()")
    connection.execute(f"ATTACH '{_quoted(target)}' AS {name}")
    try:
        connection.execute(f'COPY FROM DATABASE "{str(source).replace(chr(34), chr(34) * 2)}" TO {name}')
    finally:
        connection.execute(f"DETACH {name}")


def copy_file(path: Path, target: Path) -> None:
    """The same of a file that no collector has open. Raises StoreUnavailable when one has, StoreDamaged."""
    connection = duckdb.connect()  # in a database opened for reading nothing can be attached for writing
    try:
        connection.execute(f"ATTACH '{_quoted(path)}' AS source (READ_ONLY)")
        connection.execute("USE source")
        copy_into(connection, target)
    except duckdb.IOException as error:
        raise StoreUnavailable(f"{path}: {str(error).splitlines()[0][:300]}") from error
    except duckdb.Error as error:
        raise StoreDamaged(str(path), str(error).splitlines()[0][:300]) from error
    finally:
        connection.close()


def look_into(path: Path) -> StoreContent:
    """Count what is in the file; every block of its largest table is read. Raises StoreUnavailable, StoreDamaged."""
    connection = _open(path)
    try:
        # The sum makes it read the values, whose checksums DuckDB verifies; a bare count reads none.
        readings, _ = first_row(
            connection, "SELECT count(*), bit_xor(hash(series, observed_at, value, batch)) FROM readings"
        )
        (events,) = first_row(connection, "SELECT count(*) FROM events")
        batches, stored_to = first_row(connection, "SELECT count(*), coalesce(max(stored_at), 0) FROM batches")
        return StoreContent(int(readings), int(batches), int(events), int(stored_to))
    except duckdb.Error as error:
        raise StoreDamaged(str(path), str(error).splitlines()[0][:300]) from error
    finally:
        connection.close()


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        raise StoreUnavailable(f"{path}: {str(error).splitlines()[0][:300]}") from error
    except duckdb.Error as error:
        raise StoreDamaged(str(path), str(error).splitlines()[0][:300]) from error


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
