"""Two habits of talking to DuckDB: reading a result to its end, and lending arrays to SQL."""

from collections.abc import Sequence
from typing import Any

import duckdb


def first_row(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
    """The first row of an answer that has one. A result that is not read to its end blocks its connection."""
    row: tuple[Any, ...] = connection.execute(sql, list(parameters)).fetchall()[0]
    return row


class Lent:
    """Arrays that SQL can name, for the length of a ``with``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, **relations: object) -> None:
        self._connection = connection
        self._relations = relations

    def __enter__(self) -> None:
        for name, columns in self._relations.items():
            self._connection.register(name, columns)

    def __exit__(self, *_: object) -> None:
        for name in self._relations:
            self._connection.unregister(name)
