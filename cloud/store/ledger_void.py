"""Numbers of batches that an engine may hold readings under and that its ledger does not know: they are void.

A ledger that came back from a backup is older than its engine. It would give out again the numbers of what it has
forgotten, and readings of two batches would lie under one. So each write to the engine says how far numbers were given
out (``MARK``), numbering goes on above that at the next start, and questions find nothing of what lies between: what of
it a gateway still has comes once more, under a number of its own.
"""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from cloud.store.contract import Longs, ReadingColumns, SeriesKey
from cloud.store.ledger_tables import VOID
from cloud.store.readings_engine import NewestRow, ReadingsEngine
from cloud.store.rollup import DAY_MS

MARK = SeriesKey("~dayuan", "ledger", "batches")
"""A series of no site: its newest reading has the highest number that the engine was given."""
LEAP = 100_000_000
"""So many numbers are left out where the engine cannot be asked: more than are given out between two backups."""
LOOK_BACK_MS = 31 * DAY_MS
AHEAD_MS = 2 * DAY_MS


class Void:
    """Ranges of numbers, ascending."""

    def __init__(self, ranges: Sequence[tuple[int, int]] = ()) -> None:
        self._firsts = np.array([first for first, _ in ranges], np.int64)
        self._lasts = np.array([last for _, last in ranges], np.int64)

    def known(self, batch: Longs) -> "np.typing.NDArray[np.bool_]":
        """Which of these are not void."""
        if not len(self._firsts):
            return np.ones(len(batch), bool)
        range_of = np.searchsorted(self._firsts, batch, "right") - 1
        void: np.typing.NDArray[np.bool_] = (range_of >= 0) & (batch <= self._lasts[np.maximum(range_of, 0)])
        return ~void

    def __bool__(self) -> bool:
        return len(self._firsts) > 0


def marked(columns: ReadingColumns, names: Sequence[SeriesKey], at: int) -> tuple[ReadingColumns, Sequence[SeriesKey]]:
    """The same, and a mark of how far it goes."""
    more = ReadingColumns(
        series=np.append(columns.series, np.int32(len(names))),
        at=np.append(columns.at, np.int64(at)),
        value=np.append(columns.value, np.nan),
        quality=np.append(columns.quality, np.uint8(0)),
        batch=np.append(columns.batch, columns.batch.max()),
    )
    return more, [*names, MARK]


def newest_mark(engine: ReadingsEngine, now_ms: int) -> NewestRow | None:
    """The last mark; None when there is none. Raises StoreUnavailable."""
    return engine.newest([MARK], 0, now_ms + AHEAD_MS).get(MARK)


def reached(engine: ReadingsEngine, now_ms: int) -> int:
    """Up to which number the engine has batches; by what came last where no mark is. Raises StoreUnavailable."""
    mark = newest_mark(engine, now_ms)
    if mark is not None:
        return mark.batch
    newest = engine.newest(None, now_ms - LOOK_BACK_MS, now_ms + AHEAD_MS)
    return max((row.batch for row in newest.values()), default=0)


def void_through(connection: sa.Connection, known: int, last: int | None) -> int:
    """Numbers above ``known`` up to ``last`` are void; None: it is not known how far. Returns the last one given out
    or void."""
    if last is None:
        newest = connection.execute(sa.select(sa.func.max(VOID.c.last))).scalar()
        last = known if newest is not None and newest >= known else known + LEAP
    if last <= known:
        return known
    connection.execute(VOID.insert().values(first=known + 1, last=last))
    return last


def void_in(connection: sa.Connection) -> Void:
    """All of them."""
    return Void([(row.first, row.last) for row in connection.execute(sa.select(VOID).order_by(VOID.c.first))])
