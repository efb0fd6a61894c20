"""What the ledger forgets, and what it keeps in less room. One transaction for each round."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cloud.store.keeping import Retention
from cloud.store.ledger_blocks import merged, pack_arrivals, unpack_arrivals
from cloud.store.ledger_personal import let_go
from cloud.store.ledger_query import STORED_COUNTERS, counted, ranges
from cloud.store.ledger_tables import ARRIVAL, BATCH, COUNTER, EVENT, QUARANTINE, RANGE, REFUSED
from cloud.store.personal import HeldBack
from cloud.store.retention import cutoffs

ARRIVALS_LOOSE = 2_000
ARRIVALS_MERGED = 1_000
"""Above the first number of rows, the oldest so many become one. Who asks for less of them is then told all of it."""
REFUSED_MAX = 100_000


def tidy(connection: sa.Connection, retention: Retention, now_ms: int, held: Sequence[HeldBack] = ()) -> None:
    """One round; what is held stays."""
    limits = cutoffs(retention, now_ms)
    if limits.events is not None:
        connection.execute(EVENT.delete().where(EVENT.c.observed_at < limits.events, let_go(held)))
    if limits.quarantine is not None:
        connection.execute(QUARANTINE.delete().where(QUARANTINE.c.received_at < limits.quarantine))
        connection.execute(REFUSED.delete().where(REFUSED.c.received_at < limits.quarantine))
    beyond = connection.execute(sa.select(REFUSED.c.id).order_by(REFUSED.c.id.desc()).offset(REFUSED_MAX).limit(1))
    if (oldest := beyond.scalar()) is not None:
        connection.execute(REFUSED.delete().where(REFUSED.c.id <= oldest))
    if limits.batches is not None:
        _fold(connection, limits.batches)
    _merge_arrivals(connection)


def _fold(connection: sa.Connection, before: int) -> None:
    """Identities of old batches become ranges, and what they counted counters. The newest batch stays: it tells the
    next number."""
    newest = connection.execute(sa.select(sa.func.max(BATCH.c.id))).scalar()
    old = sa.and_(BATCH.c.received_at < before, BATCH.c.id < (newest or 0))
    if connection.execute(sa.select(BATCH.c.id).where(old).limit(1)).first() is None:
        return
    known = ranges(connection, before=before)
    for gateway, *sums in connection.execute(counted().where(old)).fetchall():
        for name, more in zip(STORED_COUNTERS, sums, strict=True):
            _count(connection, gateway, name, int(more))
    connection.execute(RANGE.delete())
    if known:
        connection.execute(RANGE.insert(), [row._asdict() for row in known])
    connection.execute(BATCH.delete().where(old))


def _count(connection: sa.Connection, gateway: int, name: str, more: int) -> None:
    mine = sa.and_(COUNTER.c.gateway == gateway, COUNTER.c.name == name)
    known = connection.execute(sa.select(COUNTER.c.total).where(mine)).scalar() or 0
    connection.execute(COUNTER.delete().where(mine))
    connection.execute(COUNTER.insert().values(gateway=gateway, name=name, total=known + more))


def _merge_arrivals(connection: sa.Connection) -> None:
    count = connection.execute(sa.select(sa.func.count()).select_from(ARRIVAL)).scalar() or 0
    if count <= ARRIVALS_LOOSE:
        return
    rows: list[Any] = list(connection.execute(sa.select(ARRIVAL).order_by(ARRIVAL.c.id).limit(ARRIVALS_MERGED)))
    body = pack_arrivals(merged([unpack_arrivals(row.body) for row in rows]))
    connection.execute(ARRIVAL.delete().where(ARRIVAL.c.id <= rows[-1].id))
    connection.execute(ARRIVAL.insert().values(id=rows[-1].id, body=body))


def file_bytes(connection: sa.Connection, path: Path | None) -> int:
    """How large the ledger is."""
    if path is None:
        return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar() or 0)
    return sum(part.stat().st_size for part in path.parent.glob(path.name + "*"))
