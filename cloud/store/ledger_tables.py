"""The tables of the ledger: everything of a commit but the readings' place of rest. Made by ``ledger_file.py``.

They stand in a file of their own in the data folder, or beside the registry's tables in PostgreSQL (hence ``store_``).
"""

from typing import Any

import sqlalchemy as sa

VERSION = 1
METADATA = sa.MetaData()
LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _column(name: str, kind: Any, *more: Any, nullable: bool = False, **options: Any) -> "sa.Column[Any]":
    return sa.Column(name, kind, *more, nullable=nullable, **options)


def _table(name: str, *parts: Any) -> sa.Table:
    return sa.Table(f"store_{name}", METADATA, *parts)


VERSIONS = _table("version", _column("version", LONG, primary_key=True))
SERIES = _table(
    "series",
    _column("id", LONG, primary_key=True, autoincrement=False),
    _column("site", sa.String()), _column("device", sa.String()), _column("point", sa.String()),
)  # fmt: skip
GATEWAY = _table(
    "gateway",
    _column("id", LONG, primary_key=True, autoincrement=False),
    _column("site", sa.String()), _column("gateway", sa.String()),
)  # fmt: skip
QUALITY = _table(
    "quality",
    _column("code", LONG, primary_key=True, autoincrement=False),
    _column("quality", sa.String()), _column("reason", sa.String()),
)  # fmt: skip
BATCH = _table(
    "batch",
    _column("id", LONG, primary_key=True, autoincrement=False),
    _column("gateway", LONG, sa.ForeignKey("store_gateway.id")),
    _column("epoch", sa.String()), _column("seq", LONG), _column("digest", sa.String()),
    _column("readings", LONG), _column("events", LONG), _column("received_at", LONG), _column("stored_at", LONG),
    sa.UniqueConstraint("gateway", "epoch", "seq", name="uq_store_batch_name"),
    sa.Index("ix_store_batch_received_at", "received_at"),
)  # fmt: skip
EVENT = _table(
    "event",
    _column("id", LONG, primary_key=True),
    _column("observed_at", LONG), _column("site", sa.String()), _column("device", sa.String()),
    _column("kind", sa.String()), _column("data", sa.String()), _column("batch", LONG),
    _column("reason", sa.String()),
    sa.Index("ix_store_event_observed_at_batch_id", "observed_at", "batch", "id"),
    sa.Index("ix_store_event_site_device_observed_at", "site", "device", "observed_at"),
)  # fmt: skip
RANGE = _table(
    "range",
    _column("gateway", LONG), _column("epoch", sa.String()), _column("first", LONG), _column("last", LONG),
)  # fmt: skip
QUARANTINE = _table(
    "quarantine",
    _column("id", LONG, primary_key=True),
    _column("received_at", LONG), _column("gateway", LONG), _column("topic", sa.String()),
    _column("epoch", sa.String()), _column("seq", LONG, nullable=True), _column("digest", sa.String()),
    _column("reason", sa.String()), _column("detail", sa.String()), _column("size", LONG),
    _column("payload", sa.LargeBinary()),
)  # fmt: skip
REFUSED = _table(
    "refused",
    _column("id", LONG, primary_key=True),
    _column("received_at", LONG), _column("gateway", LONG), _column("epoch", sa.String()), _column("seq", LONG),
    _column("device", sa.String()), _column("point", sa.String()), _column("at", LONG), _column("value", sa.String()),
    _column("reason", sa.String()),
)  # fmt: skip
COUNTER = _table(
    "counter",
    _column("gateway", LONG, primary_key=True, autoincrement=False), _column("name", sa.String(), primary_key=True),
    _column("total", LONG),
)  # fmt: skip
FENCE = _table(
    "fence",
    _column("gateway", LONG, primary_key=True, autoincrement=False), _column("epoch", sa.String(), primary_key=True),
    _column("seq", LONG), _column("stored_digest", sa.String()), _column("other_digest", sa.String()),
    _column("fenced_at", LONG), _column("lifted_at", LONG, nullable=True),
)  # fmt: skip
# One row for each commit, by its last batch. Readings that the engine does not surely have on its disk yet:
BLOCK = _table("block", _column("id", LONG, primary_key=True, autoincrement=False), _column("body", sa.LargeBinary()))
# and which series it brought readings of, with the first and last instant on each day:
ARRIVAL = _table(
    "arrival", _column("id", LONG, primary_key=True, autoincrement=False), _column("body", sa.LargeBinary())
)
# Numbers of batches that are not to be given out, because the engine may have readings under them (ledger_void.py):
VOID = _table("void", _column("first", LONG, primary_key=True, autoincrement=False), _column("last", LONG))
# Only where several collectors share the ledger, one row each. What all of them must know before they may commit (who
# holds the row may, see ledger_shared.py), and how far the one that works the desk has come:
HEAD = _table(
    "head",
    _column("id", LONG, primary_key=True, autoincrement=False),
    _column("commits", LONG), _column("batch", LONG), _column("series", LONG), _column("gateways", LONG),
    _column("qualities", LONG), _column("fences", LONG), _column("quarantined", LONG), _column("folded", LONG),
    _column("waiting", LONG),
)  # fmt: skip
DESK = _table(
    "desk",
    _column("id", LONG, primary_key=True, autoincrement=False),
    _column("term", sa.String()),
    _column("followed", LONG),
)
MEMBER = _table(
    "member",
    _column("name", sa.String(), primary_key=True), _column("seen_at", LONG), _column("started_at", LONG),
    _column("batches", LONG), _column("readings", LONG),
)  # fmt: skip
TOLD = _table(
    "told",
    _column("id", LONG, primary_key=True),
    _column("member", sa.String()), _column("raised", LONG), _column("kind", sa.String()),
    _column("source", sa.String()), _column("args", sa.String()),
)  # fmt: skip
