"""What the ledger answers by itself: identities, events, what was refused, what arrived, sizes."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from cloud.store.contract import (
    EVENT_COLUMNS,
    QUARANTINE_COLUMNS,
    REFUSED_COLUMNS,
    Arrived,
    EventsQuery,
    FenceRow,
    GatewayKey,
    Page,
    QualityWord,
    Remembered,
    SeriesKey,
    StoredRange,
)
from cloud.store.ledger_blocks import merged, unpack_arrivals
from cloud.store.ledger_tables import (
    ARRIVAL,
    BATCH,
    COUNTER,
    EVENT,
    FENCE,
    GATEWAY,
    QUALITY,
    QUARANTINE,
    RANGE,
    REFUSED,
    SERIES,
    VOID,
)
from cloud.store.page_place import Place, advance, page_size
from cloud.store.ranges import SeqRanges

STORED_COUNTERS = ("stored_batches", "stored_readings", "stored_events")
"""Counted from the batches; ``store_counter`` holds under these names only what retention folded away."""
AT_ONCE = 500
Origin = tuple[object, object, object, object]
"""(gateway, epoch, seq, received_at) of a batch."""


def recall(connection: sa.Connection) -> Remembered:
    """Everything the ingest path needs to go on."""
    series = connection.execute(sa.select(SERIES).order_by(SERIES.c.id))
    gateways = connection.execute(sa.select(GATEWAY).order_by(GATEWAY.c.id))
    qualities = connection.execute(sa.select(QUALITY).order_by(QUALITY.c.code))
    return Remembered(
        series=[(row[0], SeriesKey(*row[1:])) for row in series],
        gateways=[(row[0], GatewayKey(*row[1:])) for row in gateways],
        qualities=[(row[0], QualityWord(*row[1:])) for row in qualities],
        ranges=ranges(connection),
        fences=[FenceRow(**row._mapping) for row in connection.execute(sa.select(FENCE))],
        counters=_counters(connection),
        quarantined=[
            (row[0], row[1]) for row in connection.execute(sa.select(QUARANTINE.c.gateway, QUARANTINE.c.digest))
        ],
        next_batch=next_batch(connection),
    )


def next_batch(connection: sa.Connection) -> int:
    """The number of the next batch."""
    newest = connection.execute(sa.select(sa.func.max(BATCH.c.id))).scalar() or 0
    arrived = connection.execute(sa.select(sa.func.max(ARRIVAL.c.id))).scalar() or 0
    void = connection.execute(sa.select(sa.func.max(VOID.c.last))).scalar() or 0
    return int(max(newest, arrived, void)) + 1


def received_around(connection: sa.Connection, key: GatewayKey, epoch: str, first: int, last: int) -> tuple[int, int]:
    """When the batches around seqs first..last were received, see ``cloud.store.batch_dates``."""
    mine = sa.and_(GATEWAY.c.site == key.site, GATEWAY.c.gateway == key.gateway, BATCH.c.epoch == epoch)
    both = sa.select(BATCH.c.received_at).join(GATEWAY, GATEWAY.c.id == BATCH.c.gateway).where(mine)
    before = connection.execute(both.where(BATCH.c.seq < first).order_by(BATCH.c.seq.desc()).limit(1)).scalar()
    after = connection.execute(both.where(BATCH.c.seq > last).order_by(BATCH.c.seq).limit(1)).scalar()
    return int(before or 0), int(after or 0)


def ranges(connection: sa.Connection, *, before: int | None = None) -> list[StoredRange]:
    """The stored seqs as ranges; with ``before`` only those of batches received before it, and what was folded."""
    row = sa.func.row_number().over(partition_by=(BATCH.c.gateway, BATCH.c.epoch), order_by=BATCH.c.seq)
    inner = sa.select(BATCH.c.gateway, BATCH.c.epoch, BATCH.c.seq, (BATCH.c.seq - row).label("island"))
    if before is not None:
        inner = inner.where(BATCH.c.received_at < before)
    part = inner.subquery()
    islands = sa.select(
        part.c.gateway, part.c.epoch, sa.func.min(part.c.seq), sa.func.max(part.c.seq)
    ).group_by(part.c.gateway, part.c.epoch, part.c.island)  # fmt: skip
    collected: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for query in (islands, sa.select(RANGE)):
        for gateway, epoch, first, last in connection.execute(query):
            collected.setdefault((gateway, epoch), []).append((first, last))
    return [
        StoredRange(*stream, first, last)
        for stream, parts in sorted(collected.items())
        for first, last in SeqRanges(parts)
    ]


def _counters(connection: sa.Connection) -> dict[tuple[int, str], int]:
    totals = {(row.gateway, row.name): row.total for row in connection.execute(sa.select(COUNTER))}
    for gateway, *sums in connection.execute(counted()):
        for name, total in zip(STORED_COUNTERS, sums, strict=True):
            totals[(gateway, name)] = totals.get((gateway, name), 0) + int(total)
    return totals


def counted() -> "sa.Select[Any]":
    """Batches, readings and events of each gateway."""
    sums = (sa.func.count(), sa.func.sum(BATCH.c.readings), sa.func.sum(BATCH.c.events))
    return sa.select(BATCH.c.gateway, *sums).group_by(BATCH.c.gateway)


def digests(connection: sa.Connection, wanted: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], str]:
    """Digests of stored batches by (gateway, epoch, seq)."""
    found: dict[tuple[int, str, int], str] = {}
    columns = (BATCH.c.gateway, BATCH.c.epoch, BATCH.c.seq)
    for begin in range(0, len(wanted), AT_ONCE):
        named = sa.tuple_(*columns).in_(list(wanted[begin : begin + AT_ONCE]))
        for gateway, epoch, seq, digest in connection.execute(sa.select(*columns, BATCH.c.digest).where(named)):
            found[(gateway, epoch, seq)] = digest
    return found


def origins(connection: sa.Connection, batches: Sequence[int]) -> dict[int, Origin]:
    """Where batches came from."""
    found: dict[int, Origin] = {}
    wanted = sorted(set(batches))
    query = sa.select(
        BATCH.c.id, GATEWAY.c.gateway, BATCH.c.epoch, BATCH.c.seq, BATCH.c.received_at
    ).join(GATEWAY, GATEWAY.c.id == BATCH.c.gateway)  # fmt: skip
    for begin in range(0, len(wanted), AT_ONCE):
        for row in connection.execute(query.where(BATCH.c.id.in_(wanted[begin : begin + AT_ONCE]))):
            found[row[0]] = (row[1], row[2], row[3], row[4])
    return found


def events(connection: sa.Connection, query: EventsQuery, through: int | None = None) -> Page:
    """EVENT_COLUMNS, oldest or newest first."""
    size = page_size(query.limit)
    start = Place.parse(query.next) if query.next else None
    table = EVENT.c
    asked = sa.select(
        table.observed_at, table.site, table.device, table.kind, table.data, table.batch, table.reason
    ).where(table.observed_at >= query.from_at, table.observed_at < query.to_at)  # fmt: skip
    if through is not None:
        asked = asked.where(table.batch <= through)
    for column, wanted in ((table.site, query.site), (table.device, query.device), (table.kind, query.kind)):
        if wanted is not None:
            asked = asked.where(column == wanted)
    if start is not None:
        place, here = sa.tuple_(table.observed_at, table.batch), sa.tuple_(sa.literal(start[0]), sa.literal(start[1]))
        asked = asked.where(place <= here if query.newest_first else place >= here)
    order = [column.desc() if query.newest_first else column for column in (table.observed_at, table.batch, table.id)]
    found = connection.execute(asked.order_by(*order).limit(size + 1).offset(start[2] if start else 0)).fetchall()
    following = advance(found, size, 5, start)
    found = found[:size]
    known = origins(connection, [row.batch for row in found])
    rows: list[tuple[object, ...]] = [
        (at, site, device, kind, json.loads(text), *known.get(batch, (None, None, None, None)), reason)
        for at, site, device, kind, text, batch, reason in found
    ]
    return Page(EVENT_COLUMNS, rows, str(following) if following else None)


def quarantine(connection: sa.Connection, limit: int) -> Page:
    """QUARANTINE_COLUMNS, newest first."""
    table = QUARANTINE.c
    asked = sa.select(
        table.received_at, GATEWAY.c.site, GATEWAY.c.gateway, table.topic, table.epoch, table.seq, table.digest,
        table.reason, table.detail, table.size, table.payload,
    ).join(GATEWAY, GATEWAY.c.id == table.gateway)  # fmt: skip
    ordered = asked.order_by(table.received_at.desc(), table.id.desc()).limit(page_size(limit))
    return Page(QUARANTINE_COLUMNS, [tuple(row) for row in connection.execute(ordered)])


def refused(connection: sa.Connection, gateway: GatewayKey | None, limit: int) -> Page:
    """REFUSED_COLUMNS, newest first."""
    table = REFUSED.c
    asked = sa.select(
        table.received_at, GATEWAY.c.site, GATEWAY.c.gateway, table.epoch, table.seq, table.device, table.point,
        table.at, table.value, table.reason,
    ).join(GATEWAY, GATEWAY.c.id == table.gateway)  # fmt: skip
    if gateway is not None:
        asked = asked.where(GATEWAY.c.site == gateway.site, GATEWAY.c.gateway == gateway.gateway)
    ordered = asked.order_by(table.received_at.desc(), table.id.desc()).limit(page_size(limit))
    return Page(REFUSED_COLUMNS, [tuple(row) for row in connection.execute(ordered)])


def arrived(
    connection: sa.Connection, wanted: Sequence[tuple[int, int]], after_batch: int, last: int | None = None
) -> Arrived:
    """What came since a batch, up to ``last``; ``wanted``: (place, series number)."""
    newest = connection.execute(sa.select(sa.func.max(BATCH.c.id))).scalar() or 0 if last is None else last
    asked = sa.select(ARRIVAL.c.body).where(ARRIVAL.c.id > after_batch, ARRIVAL.c.id <= newest)
    bodies = connection.execute(asked).scalars().all()
    through = max(int(newest), after_batch)
    if not bodies or not wanted:
        nothing = np.empty(0, np.int64)
        return Arrived(through=through, place=np.empty(0, np.int32), from_at=nothing, to_at=nothing)
    found = merged([unpack_arrivals(body) for body in bodies])
    numbers = np.array([series for _, series in wanted], np.int64)
    places = np.array([place for place, _ in wanted], np.int32)
    order = np.argsort(numbers, kind="stable")
    numbers, places = numbers[order], places[order]
    where = np.minimum(np.searchsorted(numbers, found.series), len(numbers) - 1)
    mine = numbers[where] == found.series
    place, from_at, to_at = places[where[mine]], found.from_at[mine], found.to_at[mine]
    order = np.lexsort((from_at, place))
    return Arrived(through=through, place=place[order], from_at=from_at[order], to_at=to_at[order])
