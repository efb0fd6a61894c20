"""The store of the one collector of a group that works the desk: it follows what all of them commit.

Every question finds what was followed, and nothing newer: blocks of readings and what came of them are learned in one
step. The cursor rests in the ledger and is moved before handlers are told, so none is told twice; what a desk was told
of when it was killed is in the store, as with a collector that is alone. Who opens the desk later ends this one's term:
it cannot move the cursor any more, and stops.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from cloud.store import ledger_upkeep
from cloud.store.contract import BatchRow, ReadingColumns
from cloud.store.group_news import News
from cloud.store.ledger_blocks import unpack
from cloud.store.ledger_shared import SharedLedger, note_change, waiting_less
from cloud.store.ledger_store import LedgerStore
from cloud.store.ledger_tables import BATCH, BLOCK, COUNTER, DESK, EVENT, MEMBER, TOLD
from cloud.store.ledger_void import void_through
from cloud.store.retention import cutoffs
from protocols.errors import Permanent, StoreUnavailable
from protocols.reading import Event

BLOCKS_AT_ONCE = 20
TOLD_AT_ONCE = 500


class Followed(NamedTuple):
    """One batch that some collector of the group committed, with its readings and events."""

    row: BatchRow
    stored_at: int
    readings: ReadingColumns | None
    events: list[Event]


class ToldAlarm(NamedTuple):
    """What a collector of the group raised or cleared."""

    member: str
    raised: bool
    kind: str
    source: str
    args: dict[str, Any]


class MemberSeen(NamedTuple):
    """When a collector of the group was last heard of, ms since 1970, and what it stored since it started."""

    name: str
    seen_at: int
    started_at: int
    batches: int
    readings: int


class DeskTaken(Permanent):
    """Another collector works the desk of this group now."""


class LedgerDesk(LedgerStore):
    """A ``SeriesStore`` that does not commit by itself; ``follow`` from one thread."""

    _followed = 0
    _term = ""

    @property
    def shared(self) -> SharedLedger:
        """How to commit to it."""
        return SharedLedger(self._ledger, self._reach)

    def learned(self, news: News) -> None:
        """Names that others gave."""
        self._learn(news.series, news.qualities)

    def follow(self, through: int) -> list[Followed]:
        """The next batches after those of the last call, at most up to ``through``. Questions find them from now on.

        Raises StoreUnavailable, DeskTaken.
        """
        if through <= self._followed or self._feed is None:
            return []
        with self._ledger.reading() as connection:
            blocks = self._next_blocks(connection, through)
            if len(blocks) == BLOCKS_AT_ONCE:
                through = blocks[-1][0]
            rows = self._next_rows(connection, through)
            events = self._next_events(connection, through)
        columns = {number: unpack(body) for number, body in blocks}
        self._move(through)
        for number, block in columns.items():
            self._reach_to(int(block.at.min()), int(block.at.max()))
            self._pending.add(number, block)
        self._followed = through
        self._feed.wake()
        parts = _by_batch(list(columns.values()))
        return [Followed(row, stored_at, parts.get(row.id), events.get(row.id, [])) for row, stored_at in rows]

    def counted(self) -> dict[tuple[int, str], int]:
        """Counters that no batch tells, of the whole group."""
        with self._ledger.reading() as connection:
            return {(row.gateway, row.name): row.total for row in connection.execute(sa.select(COUNTER))}

    def told(self) -> list[ToldAlarm]:
        """What the others raised and cleared since the last call, oldest first."""
        with self._ledger.writing() as connection:
            rows = connection.execute(sa.select(TOLD).order_by(TOLD.c.id).limit(TOLD_AT_ONCE)).fetchall()
            if rows:
                connection.execute(TOLD.delete().where(TOLD.c.id <= rows[-1].id))
        return [ToldAlarm(row.member, bool(row.raised), row.kind, row.source, json.loads(row.args)) for row in rows]

    def members(self) -> list[MemberSeen]:
        """All that were ever heard of, by name."""
        with self._ledger.reading() as connection:
            rows = connection.execute(sa.select(MEMBER).order_by(MEMBER.c.name))
            return [MemberSeen(row.name, row.seen_at, row.started_at, row.batches, row.readings) for row in rows]

    def _begin(self) -> None:
        self.shared.begin()
        self._term = secrets.token_hex(8)
        with self._ledger.writing() as connection:
            connection.execute(DESK.update().values(term=self._term))
            self._followed = int(connection.execute(sa.select(DESK.c.followed)).scalar_one())

    def _go_on_above(self, last: int | None) -> None:
        with self.shared.claimed() as (connection, head):
            through = void_through(connection, head.batch, last)
            if through > head.batch:
                note_change(connection, head, batch=through)

    def _through(self) -> int | None:
        return self._followed

    def _move(self, through: int) -> None:
        with self._ledger.writing() as connection:
            mine = DESK.update().where(DESK.c.term == self._term).values(followed=through)
            if connection.execute(mine).rowcount != 1:
                raise DeskTaken(f"{self._ledger.name}: another collector works the desk of this group now")

    def _next_blocks(self, connection: sa.Connection, through: int) -> list[tuple[int, bytes]]:
        asked = sa.select(BLOCK).where(BLOCK.c.id > self._followed, BLOCK.c.id <= through)
        return [(row[0], row[1]) for row in connection.execute(asked.order_by(BLOCK.c.id).limit(BLOCKS_AT_ONCE))]

    def _next_rows(self, connection: sa.Connection, through: int) -> list[tuple[BatchRow, int]]:
        asked = sa.select(BATCH).where(BATCH.c.id > self._followed, BATCH.c.id <= through).order_by(BATCH.c.id)
        names = BatchRow.__slots__
        return [
            (BatchRow(**{name: row._mapping[name] for name in names}), row.stored_at)
            for row in connection.execute(asked)
        ]

    def _next_events(self, connection: sa.Connection, through: int) -> dict[int, list[Event]]:
        asked = sa.select(EVENT).where(EVENT.c.batch > self._followed, EVENT.c.batch <= through).order_by(EVENT.c.id)
        found: dict[int, list[Event]] = {}
        for row in connection.execute(asked):
            event = Event(row.device, row.kind, row.observed_at, json.loads(row.data), reason=row.reason)
            found.setdefault(row.batch, []).append(event)
        return found

    def _remove_blocks(self, through: int) -> None:
        rows = sum(len(each.columns.series) for each in self._pending.snapshot().blocks if each.id <= through)
        with self._ledger.writing() as connection:
            if connection.execute(BLOCK.delete().where(BLOCK.c.id <= through)).rowcount:
                waiting_less(connection, rows)

    def _tidy(self, now_ms: int) -> None:
        limits = cutoffs(self._retention, now_ms)
        with self.shared.claimed() as (connection, head):
            newest = connection.execute(sa.select(sa.func.max(BATCH.c.id))).scalar() or 0
            folded = None
            if limits.batches is not None:
                old = sa.and_(BATCH.c.received_at < limits.batches, BATCH.c.id < newest)
                folded = connection.execute(sa.select(sa.func.max(BATCH.c.id)).where(old)).scalar()
            ledger_upkeep.tidy(connection, self._retention, now_ms, self.held)
            if folded is not None:
                note_change(connection, head, folded=max(int(folded), head.folded))

    def commit(self, work: object) -> None:
        raise StoreUnavailable("a collector of a group commits through its shared ledger")


def _by_batch(blocks: Sequence[ReadingColumns]) -> dict[int, ReadingColumns]:
    found: dict[int, ReadingColumns] = {}
    for block in blocks:
        begins = np.flatnonzero(np.append(True, np.diff(block.batch) != 0)).tolist()
        for begin, end in zip(begins, [*begins[1:], len(block.batch)], strict=True):
            part = slice(begin, end)
            found[int(block.batch[begin])] = ReadingColumns(
                series=block.series[part], at=block.at[part], value=block.value[part], quality=block.quality[part],
                batch=block.batch[part],
            )  # fmt: skip
    return found
