"""What happened, written down in batches: a note costs its caller nothing and waits for nothing."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.registry.database import Database
from cloud.registry.tables_console import JournalRow
from cloud.registry.write_behind import WriteBehind
from protocols.clock import Clock

WRITE_EVERY_S = 0.5
WAITING_MAX = 100_000
"""Notes that wait while the disk does not take them; beyond it the oldest are dropped, counted and logged."""


class Note(NamedTuple):
    """One entry. ``id`` is 0 until it is written."""

    site: str
    entity: str
    kind: str
    at: int
    facts: Mapping[str, object]
    id: int = 0


class _Replacement(NamedTuple):
    site: str
    entity: str
    kinds: tuple[str, ...]
    since: int
    until: int


class JournalBook:
    """See ``cloud.assets.contract.Journal``. ``run`` writes; reading writes first what still waits."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._waiting: WriteBehind[Note | _Replacement] = WriteBehind(
            self._write, clock, every_s=WRITE_EVERY_S, most=WAITING_MAX, what="notes of the journal"
        )

    @property
    def dropped(self) -> int:
        """Notes that were never written."""
        return self._waiting.dropped

    def note(self, site: str, entity: str, kind: str, at: int, facts: Mapping[str, object]) -> None:
        """Write it down soon; never blocks, never raises."""
        self._waiting.add(Note(site, entity, kind, at, dict(facts)))

    def replace(
        self,
        site: str,
        entity: str,
        kinds: Sequence[str],
        since: int,
        until: int,
        rows: Sequence[tuple[str, int, Mapping[str, object]]],
    ) -> None:
        """What was noted of these kinds in [since, until) gives way to (kind, at, facts)."""
        self._waiting.add(_Replacement(site, entity, tuple(kinds), since, until))
        for kind, at, facts in rows:
            self._waiting.add(Note(site, entity, kind, at, dict(facts)))

    async def run(self) -> None:
        """Write until cancelled. Survives a disk that takes nothing."""
        await self._waiting.run()

    async def flush(self) -> None:
        """Write what waits. Raises StoreUnavailable, and then it still waits."""
        await self._waiting.flush()

    async def of(
        self, entity: str, since: int, until: int, *, kinds: Sequence[str] = (), limit: int = 1_000
    ) -> list[Note]:
        """The newest of an entity with ``since <= at < until``, oldest first."""
        await self.flush()
        query = select(JournalRow).where(JournalRow.entity == entity, JournalRow.at >= since, JournalRow.at < until)
        if kinds:
            query = query.where(JournalRow.kind.in_(kinds))
        query = query.order_by(JournalRow.at.desc(), JournalRow.id.desc()).limit(limit)
        async with self._database.reading() as session:
            return [_note_of(row) for row in await session.scalars(query)][::-1]

    async def activity(self, since: int, until: int, step_ms: int, site: str | None = None) -> dict[int, int]:
        """How many notes there are of each step, by its number from ``since``."""
        await self.flush()
        step = (JournalRow.at - since) // step_ms
        query = select(step, func.count()).where(JournalRow.at >= since, JournalRow.at < until).group_by(step)
        if site is not None:
            query = query.where(JournalRow.site == site)
        async with self._database.reading() as session:
            return {int(row[0]): int(row[1]) for row in await session.execute(query)}

    async def forget_before(self, at: int, *, at_most: int = 5_000) -> int:
        """Forget what is older, some rows at a time; returns how many went."""
        old = select(JournalRow.id).where(JournalRow.at < at).limit(at_most)
        async with self._database.writing() as session:
            ids = list(await session.scalars(old))
            if ids:
                await session.execute(delete(JournalRow).where(JournalRow.id.in_(ids)))
        return len(ids)

    async def _write(self, taken: Sequence[Note | _Replacement]) -> None:
        async with self._database.writing() as session:
            for noted, group in groupby(taken, key=lambda each: isinstance(each, Note)):
                if noted:
                    await session.execute(insert(JournalRow), [_row(each) for each in group])
                else:
                    for each in group:
                        await _forget(session, each)


def _row(note: object) -> dict[str, object]:
    assert isinstance(note, Note)
    return {
        "site": note.site,
        "entity": note.entity,
        "kind": note.kind,
        "at": note.at,
        "facts": msgspec.json.encode(note.facts).decode(),
    }


def _note_of(row: JournalRow) -> Note:
    return Note(row.site, row.entity, row.kind, row.at, msgspec.json.decode(row.facts, type=dict[str, object]), row.id)


async def _forget(session: AsyncSession, what: object) -> None:
    assert isinstance(what, _Replacement)
    await session.execute(
        delete(JournalRow).where(
            JournalRow.entity == what.entity,
            JournalRow.kind.in_(what.kinds),
            JournalRow.at >= what.since,
            JournalRow.at < what.until,
        )
    )
