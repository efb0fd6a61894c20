"""What things were, at rest: rows of the state log written in batches, and read back as the state at an instant."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import aliased

from cloud.registry.database import Database
from cloud.registry.tables_console import EntityLogRow

WHOLE_WITHIN_MS = 26 * 3_600_000
"""A thing that is shown is written down whole within so long, whether it changes or not."""

_encoder = msgspec.json.Encoder()


class Body(msgspec.Struct, omit_defaults=True):
    """What a row says: all of a thing, or what changed of it. ``observed_at`` is that of the moment it was written."""

    kind: str = ""
    name: str | None = None
    quality: str | None = None
    observed_at: int | None = None
    stale_after_s: float | None = None
    attributes: dict[str, msgspec.Raw] = {}


class LogEntry(NamedTuple):
    """A row. ``body`` is empty when the thing was shown no longer; ``entity`` at a start of the collector."""

    site: str
    entity: str
    at: int
    whole: bool
    body: str


class Was(msgspec.Struct):
    """What a thing was at an instant."""

    entity: str
    site: str
    kind: str
    name: str
    quality: str
    since: int
    """When it was last written down."""
    observed_at: int | None
    stale_after_s: float | None
    attributes: dict[str, msgspec.Raw]


class StateBook:
    """Reads and writes the state log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, entries: Sequence[LogEntry]) -> None:
        """In the order given."""
        async with self._database.writing() as session:
            await session.execute(insert(EntityLogRow), [entry._asdict() for entry in entries])

    async def at(self, at: int, site: str | None = None) -> list[Was]:
        """What every thing was at that instant, as far as it is kept."""
        log, later = EntityLogRow, aliased(EntityLogRow)
        start = select(func.max(log.at)).where(log.whole, log.entity == "", log.at <= at)
        async with self._database.reading() as session:
            started_at = await session.scalar(start) or 0
            whole = (
                select(log.entity, func.max(log.id).label("id"))
                .where(log.whole, log.at <= at, log.at >= max(at - WHOLE_WITHIN_MS, started_at), log.entity != "")
                .group_by(log.entity)
            )
            if site is not None:
                whole = whole.where(log.site == site)
            newest = whole.subquery()
            rows = await session.execute(
                select(later.entity, later.site, later.at, later.body)
                .join(newest, (later.entity == newest.c.entity) & (later.id >= newest.c.id))
                .where(later.at <= at)
                .order_by(later.id)
            )
            return _merged([(row[0], row[1], row[2], row[3]) for row in rows])

    async def of(self, entity: str, since: int, until: int, limit: int = 1_000) -> list[tuple[int, Body | None]]:
        """What changed of a thing with ``since <= at < until``, oldest first (the newest ``limit``); None: it went."""
        log = EntityLogRow
        query = (
            select(log.at, log.body, log.whole)
            .where(log.entity == entity, log.at >= since, log.at < until)
            .order_by(log.id.desc())
            .limit(limit)
        )
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        return [(row[0], msgspec.json.decode(row[1], type=Body) if row[1] else None) for row in reversed(rows)]

    async def activity(self, since: int, until: int, step_ms: int, site: str | None = None) -> dict[int, int]:
        """How many changes were noted in each step, by its number from ``since``."""
        log = EntityLogRow
        step = (log.at - since) // step_ms
        query = select(step, func.count()).where(log.at >= since, log.at < until, log.entity != "").group_by(step)
        if site is not None:
            query = query.where(log.site == site)
        async with self._database.reading() as session:
            return {int(row[0]): int(row[1]) for row in await session.execute(query)}

    async def earliest(self) -> int | None:
        """From when on states are kept; None for nothing."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.min(EntityLogRow.at)))

    async def forget_before(self, at: int, *, at_most: int = 5_000) -> int:
        """Forget what is older, some rows at a time; returns how many went."""
        old = select(EntityLogRow.id).where(EntityLogRow.at < at).limit(at_most)
        async with self._database.writing() as session:
            ids = list(await session.scalars(old))
            if ids:
                await session.execute(delete(EntityLogRow).where(EntityLogRow.id.in_(ids)))
        return len(ids)


def encode_body(body: Body) -> str:
    """As it is written down."""
    return _encoder.encode(body).decode()


def _merged(rows: Sequence[tuple[str, str, int, str]]) -> list[Was]:
    """The rows of each thing, whole first, laid one over the other."""
    found: dict[str, Was] = {}
    for entity, site, at, text in rows:
        if not text:
            found.pop(entity, None)
            continue
        body = msgspec.json.decode(text, type=Body)
        was = found.get(entity)
        if body.kind or was is None:
            found[entity] = Was(
                entity,
                site,
                body.kind,
                body.name or "",
                body.quality or "good",
                at,
                body.observed_at,
                body.stale_after_s,
                dict(body.attributes),
            )
            continue
        was.since, was.observed_at = at, body.observed_at
        was.name = was.name if body.name is None else body.name
        was.quality = was.quality if body.quality is None else body.quality
        was.attributes.update(body.attributes)
    return sorted(found.values(), key=lambda each: each.entity)
