"""One commit into the ledger: everything of a CommitWork in one transaction, the readings as one block."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from cloud.store.contract import CommitWork
from cloud.store.ledger_blocks import arrivals_of, pack, pack_arrivals
from cloud.store.ledger_tables import (
    ARRIVAL,
    BATCH,
    BLOCK,
    COUNTER,
    EVENT,
    FENCE,
    GATEWAY,
    QUALITY,
    QUARANTINE,
    REFUSED,
    SERIES,
)
from cloud.store.line_protocol import BATCH_MAX

Rows = Sequence[dict[str, Any]]


def write(connection: sa.Connection, work: CommitWork, reach: Callable[[str], None]) -> None:
    """Write all of it; the caller's transaction ends it. Raises ValueError for what the engine could not hold."""
    _insert(connection, SERIES, [{"id": number, **key._asdict()} for number, key in work.new_series])
    _insert(connection, GATEWAY, [{"id": number, **key._asdict()} for number, key in work.new_gateways])
    _insert(connection, QUALITY, [{"code": code, **word._asdict()} for code, word in work.new_qualities])
    _insert(connection, BATCH, [_batch(row, work.stored_at) for row in work.batches])
    if work.readings is not None and len(work.readings.series):
        last = int(work.readings.batch.max())
        if last > BATCH_MAX:
            raise ValueError(f"batch {last} does not fit; the greatest is {BATCH_MAX}")
        _insert(connection, BLOCK, [{"id": last, "body": pack(work.readings)}])
        _insert(connection, ARRIVAL, [{"id": last, "body": pack_arrivals(arrivals_of(work.readings))}])
    _insert(connection, EVENT, [_event(row) for row in work.events])
    _insert(connection, QUARANTINE, [_plain(row) for row in work.quarantined])
    _insert(connection, REFUSED, [_plain(row) for row in work.refused])
    for (gateway, name), total in work.counters.items():
        connection.execute(COUNTER.delete().where(COUNTER.c.gateway == gateway, COUNTER.c.name == name))
        _insert(connection, COUNTER, [{"gateway": gateway, "name": name, "total": total}])
    for fence in work.fences:
        connection.execute(FENCE.delete().where(FENCE.c.gateway == fence.gateway, FENCE.c.epoch == fence.epoch))
        _insert(connection, FENCE, [_plain(fence)])
    reach("before_commit")


def is_stored(connection: sa.Connection, work: CommitWork) -> bool:
    """True when this very work is there: its commit was reported as failed and was not."""
    if work.batches:
        row, table = work.batches[0], BATCH.c
        same = sa.and_(
            table.id == row.id, table.gateway == row.gateway, table.epoch == row.epoch, table.seq == row.seq,
            table.digest == row.digest,
        )  # fmt: skip
        return connection.execute(sa.select(BATCH.c.id).where(same)).first() is not None
    if work.quarantined:
        kept, table = work.quarantined[0], QUARANTINE.c
        same = sa.and_(
            table.received_at == kept.received_at, table.gateway == kept.gateway, table.digest == kept.digest
        )
        return connection.execute(sa.select(QUARANTINE.c.id).where(same)).first() is not None
    return False


def _insert(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    if rows:
        connection.execute(table.insert(), rows)


def _plain(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def _batch(row: Any, stored_at: int) -> dict[str, Any]:
    return {**_plain(row), "stored_at": stored_at}


def _event(row: Any) -> dict[str, Any]:
    event = row.event
    return {
        "observed_at": event.at,
        "site": row.site,
        "device": event.device,
        "kind": event.kind,
        "data": json.dumps(event.data, ensure_ascii=True, separators=(",", ":")),
        "batch": row.batch,
        "reason": event.reason,
    }
