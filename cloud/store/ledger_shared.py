"""A ledger in PostgreSQL that several collectors commit to: who may commit, and what each must know of the others.

Contract. The row of ``store_head`` is the claim. A commit (1) locks it, (2) reads what the others committed since this
collector looked last, (3) prepares its work anew when any of that touches it, (4) gives its batches the next numbers,
(5) writes all of it and the new head. The lock ends with the transaction. So:

- Commits happen one after the other, whoever makes them; numbers of batches grow in the order of commits.
- A batch (gateway, epoch, seq) is judged against every commit before its own; the table's unique key says so again.
- What a collector only remembers decides nothing: it may know less than is stored, and is then told so, never more.
- A collector that is stopped while it holds the claim loses it: the server ends a transaction that is idle for
  ``IDLE_MAX_MS``. What it was about to write is not there, and it reads the others' work before it tries again.
- Retention moves only what is older than every collector's memory reaches, or says in ``folded`` that it did not.

``StoreUnavailable`` from ``commit`` may mean that it IS stored (the answer was lost). Whoever tries again reads first,
finds its own batches there, and acks them as repetitions.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from cloud.store.contract import (
    BatchRow,
    CommitRefused,
    CommitWork,
    FenceRow,
    GatewayKey,
    QualityWord,
    Remembered,
    SeriesKey,
)
from cloud.store.failpoint import Reach
from cloud.store.group_news import Head, News
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_query import next_batch, recall
from cloud.store.ledger_tables import (
    BATCH,
    COUNTER,
    DESK,
    FENCE,
    GATEWAY,
    HEAD,
    QUALITY,
    QUARANTINE,
    SERIES,
)
from cloud.store.ledger_write import write
from protocols.errors import StoreUnavailable

IDLE_MAX_MS = 10_000
"""A collector holds the claim for milliseconds. One that does not go on for so long has stopped."""
CLAIM_WITHIN_MS = 25_000
WAITING_ROWS_MAX = 5_000_000
"""Readings that may wait for the one at the desk; then nobody commits readings, and gateways keep theirs."""
ONE = 1


More = Mapping[tuple[int, str], int]
"""(gateway, counter) -> by how much it grows."""
Again = Callable[[News], tuple[CommitWork, More]]


class SharedLedger:
    """Blocking; one thread. ``begin`` once after the ledger was opened as a shared one."""

    def __init__(self, ledger: LedgerFile, reach: Reach, *, waiting_max: int = WAITING_ROWS_MAX) -> None:
        self._ledger, self._reach, self._waiting_max = ledger, reach, waiting_max

    def begin(self) -> None:
        """Make the head when there is none. Raises StoreUnavailable."""
        with self._ledger.writing() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _BEGIN_LOCK})
            if connection.execute(sa.select(HEAD.c.id)).first() is None:
                head = _counted_head(connection)
                connection.execute(HEAD.insert().values(id=ONE, **head._asdict()))
                connection.execute(DESK.delete())
                connection.execute(DESK.insert().values(id=ONE, term="", followed=head.batch))

    def remembered(self) -> tuple[Remembered, Head]:
        """All that is committed, and the head it belongs to. Raises StoreUnavailable."""
        with self._ledger.reading() as connection:
            return recall(connection), _head(connection, lock=False)

    def news(self, known: Head) -> News:
        """What was committed after ``known``. Raises StoreUnavailable."""
        with self._ledger.reading() as connection:
            return read_news(connection, known, _head(connection, lock=False))

    @contextmanager
    def claimed(self) -> Iterator[tuple[sa.Connection, Head]]:
        """A transaction that holds the claim. Raises StoreUnavailable."""
        with self._ledger.writing() as connection:
            for name, value in (
                ("idle_in_transaction_session_timeout", IDLE_MAX_MS),
                ("lock_timeout", CLAIM_WITHIN_MS),
            ):
                connection.execute(sa.text(f"SET LOCAL {name} = {value}"))
            yield connection, _head(connection, lock=True)

    def commit(self, known: Head, work: CommitWork, more: More, again: Again) -> tuple[CommitWork, News]:
        """Commit ``work``, which was prepared with what is known up to ``known``.

        When others committed what touches it, ``again`` is told and prepares anew, while nobody else can commit.
        The counters of ``work`` are not looked at. Returns the work as it was written (batches have other numbers) and
        what else is to be learned, with the head after it. Raises StoreUnavailable, CommitRefused.
        """
        try:
            with self.claimed() as (connection, head):
                news = read_news(connection, known, head)
                if news.touches(work):
                    work, more = again(news)
                    news = News(head=head)
                rows = 0 if work.readings is None else len(work.readings.series)
                if rows and head.waiting >= self._waiting_max:
                    raise StoreUnavailable(
                        f"{head.waiting} readings wait for the collector at the desk, no more are taken; does it run?"
                    )
                numbered = _renumbered(work, head.batch + 1)
                write(connection, replace(numbered, counters={}), self._reach)
                for (gateway, name), count in more.items():
                    _grow(connection, gateway, name, count)
                after = _after(head, numbered, rows, _last_quarantined(connection, numbered))
                connection.execute(HEAD.update().values(**after._asdict()))
        except (sa.exc.IntegrityError, sa.exc.DataError, OverflowError, ValueError) as error:
            raise CommitRefused(str(error).splitlines()[0][:300]) from error
        self._reach("after_commit")
        return numbered, replace(news, head=after)


_BEGIN_LOCK = 0x6461_7975_616E + 4


def read_news(connection: sa.Connection, known: Head, head: Head) -> News:
    """The rows between two heads."""
    if head.commits == known.commits:
        return News(head=head)
    if head.folded > known.batch:
        return News(head=head, gap=True)

    def between(table: sa.Table, column: Any, first: int, last: int) -> Any:
        wanted = sa.select(table).where(column >= first, column < last).order_by(column)
        return connection.execute(wanted) if last > first else ()

    fences = None
    if head.fences != known.fences:
        fences = [FenceRow(**row._mapping) for row in connection.execute(sa.select(FENCE))]
    return News(
        head=head,
        batches=[
            BatchRow(**{name: row._mapping[name] for name in BatchRow.__slots__})
            for row in between(BATCH, BATCH.c.id, known.batch + 1, head.batch + 1)
        ],
        series=[(row[0], SeriesKey(*row[1:])) for row in between(SERIES, SERIES.c.id, known.series, head.series)],
        gateways=[
            (row[0], GatewayKey(*row[1:])) for row in between(GATEWAY, GATEWAY.c.id, known.gateways, head.gateways)
        ],
        qualities=[
            (row[0], QualityWord(*row[1:])) for row in between(QUALITY, QUALITY.c.code, known.qualities, head.qualities)
        ],
        fences=fences,
        quarantined=[
            (row.gateway, row.digest)
            for row in between(QUARANTINE, QUARANTINE.c.id, known.quarantined + 1, head.quarantined + 1)
        ],
    )


def note_change(connection: sa.Connection, head: Head, **changed: int) -> None:
    """Within ``claimed``: others must read anew what changed. ``folded``: up to which batch identities were folded."""
    connection.execute(HEAD.update().values(commits=head.commits + 1, **changed))


def waiting_less(connection: sa.Connection, rows: int) -> None:
    """So many readings do not wait for the desk any more."""
    connection.execute(HEAD.update().values(waiting=HEAD.c.waiting - rows))


def _head(connection: sa.Connection, *, lock: bool) -> Head:
    wanted = sa.select(*(HEAD.c[name] for name in Head._fields))
    row = connection.execute(wanted.with_for_update() if lock else wanted).first()
    if row is None:
        raise StoreUnavailable("a collector that is in no group took this ledger over; start the group's anew")
    return Head(*row)


def _counted_head(connection: sa.Connection) -> Head:
    """From the tables, for a ledger that one collector had to itself until now."""

    def most(column: Any, nothing: int) -> int:
        found = connection.execute(sa.select(sa.func.max(column))).scalar()
        return nothing if found is None else int(found)

    return Head(
        commits=0,
        batch=next_batch(connection) - 1,
        series=most(SERIES.c.id, -1) + 1,
        gateways=most(GATEWAY.c.id, -1) + 1,
        qualities=most(QUALITY.c.code, -1) + 1,
        quarantined=most(QUARANTINE.c.id, 0),
        waiting=0,
    )


def _renumbered(work: CommitWork, first: int) -> CommitWork:
    """The same work, its batches numbered from ``first``."""
    if not work.batches:
        return work
    more = first - work.batches[0].id
    readings = work.readings
    return replace(
        work,
        batches=[replace(row, id=row.id + more) for row in work.batches],
        readings=None if readings is None else replace(readings, batch=readings.batch + more),
        events=[row._replace(batch=row.batch + more) for row in work.events],
    )


def _after(head: Head, work: CommitWork, rows: int, quarantined: int | None) -> Head:
    return head._replace(
        commits=head.commits + 1,
        batch=head.batch + len(work.batches),
        series=head.series + len(work.new_series),
        gateways=head.gateways + len(work.new_gateways),
        qualities=head.qualities + len(work.new_qualities),
        fences=head.fences + bool(work.fences),
        quarantined=head.quarantined if quarantined is None else quarantined,
        waiting=head.waiting + rows,
    )


def _last_quarantined(connection: sa.Connection, work: CommitWork) -> int | None:
    if not work.quarantined:
        return None
    return connection.execute(sa.select(sa.func.max(QUARANTINE.c.id))).scalar()


def _grow(connection: sa.Connection, gateway: int, name: str, count: int) -> None:
    mine = sa.and_(COUNTER.c.gateway == gateway, COUNTER.c.name == name)
    if connection.execute(COUNTER.update().where(mine).values(total=COUNTER.c.total + count)).rowcount == 0:
        connection.execute(COUNTER.insert().values(gateway=gateway, name=name, total=count))
