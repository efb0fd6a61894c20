"""The tables of the DuckDB store. All of them are made when the file is opened, none later.

DuckDB keeps no order within a table but has the least and greatest value of each column per 122,880 rows. Rows arrive
in the order of commits, so ``batch`` and (but for late data) ``observed_at`` are found without reading everything.
Values at rest: NULL where the quality is bad. Times: milliseconds since 1970 UTC.
"""

import contextlib

import duckdb

from cloud.store.duckdb_rows import first_row
from cloud.store.failpoint import Reach, never

VERSION = 2

ROLLUP_TABLES = ("rollup_15m", "rollup_1h", "rollup_1d")

_ROLLUP = """
CREATE TABLE {name} (
    series INTEGER NOT NULL, bucket BIGINT NOT NULL, length_ms INTEGER NOT NULL,
    min DOUBLE, max DOUBLE, integral DOUBLE, held_ms BIGINT, last DOUBLE, last_at BIGINT, count BIGINT
)"""

_VERSION_1 = (
    "CREATE TABLE series (id INTEGER NOT NULL, site VARCHAR NOT NULL, device VARCHAR NOT NULL, point VARCHAR NOT NULL)",
    "CREATE TABLE gateway (id INTEGER NOT NULL, site VARCHAR NOT NULL, gateway VARCHAR NOT NULL)",
    "CREATE TABLE quality_word (code UTINYINT NOT NULL, quality VARCHAR NOT NULL, reason VARCHAR NOT NULL)",
    """CREATE TABLE batches (
        id BIGINT NOT NULL, gateway INTEGER NOT NULL, epoch VARCHAR NOT NULL, seq BIGINT NOT NULL,
        digest VARCHAR NOT NULL, readings INTEGER NOT NULL, events INTEGER NOT NULL,
        received_at BIGINT NOT NULL, stored_at BIGINT NOT NULL
    )""",
    """CREATE TABLE readings (
        series INTEGER NOT NULL, observed_at BIGINT NOT NULL, value DOUBLE, quality UTINYINT NOT NULL,
        batch BIGINT NOT NULL
    )""",
    """CREATE TABLE events (
        observed_at BIGINT NOT NULL, site VARCHAR NOT NULL, device VARCHAR NOT NULL, kind VARCHAR NOT NULL,
        data VARCHAR NOT NULL, batch BIGINT NOT NULL
    )""",
    # Identities whose rows in ``batches`` were retired: seqs first..last are stored.
    """CREATE TABLE stored_range (
        gateway INTEGER NOT NULL, epoch VARCHAR NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL
    )""",
    *(_ROLLUP.format(name=name) for name in ROLLUP_TABLES),
    # One row each: the last batch whose readings are in the roll-ups; before which time a level has been retired.
    "CREATE TABLE rolled_through (batch BIGINT NOT NULL)",
    "INSERT INTO rolled_through VALUES (0)",
    "CREATE TABLE retired (level VARCHAR NOT NULL, before BIGINT NOT NULL)",
    "CREATE TABLE clustered (level VARCHAR NOT NULL, before BIGINT NOT NULL)",
    """CREATE TABLE quarantine (
        received_at BIGINT NOT NULL, gateway INTEGER NOT NULL, topic VARCHAR NOT NULL, epoch VARCHAR NOT NULL,
        seq BIGINT, digest VARCHAR NOT NULL, reason VARCHAR NOT NULL, detail VARCHAR NOT NULL, size BIGINT NOT NULL,
        payload BLOB NOT NULL
    )""",
    """CREATE TABLE refused_reading (
        received_at BIGINT NOT NULL, gateway INTEGER NOT NULL, epoch VARCHAR NOT NULL, seq BIGINT NOT NULL,
        device VARCHAR NOT NULL, point VARCHAR NOT NULL, observed_at BIGINT NOT NULL, value VARCHAR NOT NULL,
        reason VARCHAR NOT NULL
    )""",
    "CREATE TABLE counter (gateway INTEGER NOT NULL, name VARCHAR NOT NULL, total BIGINT NOT NULL)",
    """CREATE TABLE fence (
        gateway INTEGER NOT NULL, epoch VARCHAR NOT NULL, seq BIGINT NOT NULL, stored_digest VARCHAR NOT NULL,
        other_digest VARCHAR NOT NULL, fenced_at BIGINT NOT NULL, lifted_at BIGINT
    )""",
)

_VERSION_2 = (
    # Why the time of an event is not certain, '' when it is.
    "ALTER TABLE events ADD COLUMN reason VARCHAR DEFAULT ''",
)

_STEPS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2)
"""What brings a file from version n to n + 1. Never changed once released, only added to."""


class NewerSchema(Exception):
    """The file was written by a later version of the collector."""


def migrate(connection: duckdb.DuckDBPyConnection, reach: Reach = never) -> None:
    """Bring the file to this version in one transaction. Raises NewerSchema."""
    connection.execute("BEGIN")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        (version,) = first_row(connection, "SELECT coalesce(max(version), 0) FROM schema_version")
        if version > VERSION:
            raise NewerSchema(f"schema {version}; this collector knows {VERSION}")
        for step in _STEPS[version:]:
            for statement in step:
                connection.execute(statement)
                reach("mid_migration")
        if version < VERSION:
            connection.execute("INSERT INTO schema_version VALUES (?)", [VERSION])
        connection.execute("COMMIT")
    except BaseException:
        # DuckDB rolls back by itself when COMMIT fails; its complaint about that must not hide what went wrong.
        with contextlib.suppress(duckdb.TransactionException):
            connection.execute("ROLLBACK")
        raise
