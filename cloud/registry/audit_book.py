"""The records of the trail in the registry. Nothing changes one: they are added, read and in the end forgotten."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.chain import Record, Removed, Sealed, removed_of, seal_of
from cloud.registry.database import Database
from cloud.registry.tables_people import AuditHeadRow, AuditRow

PAGE = 1_000


class Head(NamedTuple):
    """The end of the chain: the last record's number and seal."""

    number: int
    seal: str


class Search(NamedTuple):
    """Which records are wanted; ``before`` is a number to page on from."""

    since: int = 0
    until: int = 1 << 62
    actor: str = ""
    action: str = ""
    site: str = ""
    before: int = 1 << 62


class AuditBook:
    """Adds records inside a transaction of the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: AsyncSession, key: bytes, record: Record) -> Head:
        """Seal the record as the next one (its number is given here) and add it.

        The head is written first: whoever else adds, in this process or another, waits until this commit.
        """
        await session.execute(update(AuditHeadRow).where(AuditHeadRow.id == 1).values(number=AuditHeadRow.number + 1))
        number, before = (await session.execute(select(AuditHeadRow.number, AuditHeadRow.seal))).one()
        numbered = record._replace(number=number)
        seal = seal_of(key, before, numbered)
        session.add(AuditRow(**numbered._asdict(), seal=seal))
        await session.execute(update(AuditHeadRow).where(AuditHeadRow.id == 1).values(seal=seal))
        return Head(number, seal)

    async def head(self) -> Head:
        """The end of the chain as it is on the disk."""
        async with self._database.reading() as session:
            row = (await session.execute(select(AuditHeadRow.number, AuditHeadRow.seal))).one()
        return Head(row[0], row[1])

    async def seal(self, number: int) -> str | None:
        """Of the record of that number; None when there is none."""
        async with self._database.reading() as session:
            found: str | None = await session.scalar(select(AuditRow.seal).where(AuditRow.number == number))
        return found

    async def removed(self) -> Removed:
        """Up to where records were forgotten."""
        async with self._database.reading() as session:
            row = (
                await session.execute(
                    select(AuditHeadRow.removed_number, AuditHeadRow.removed_seal, AuditHeadRow.removed_sign)
                )
            ).one()
        return Removed(*row)

    async def pages(self) -> AsyncIterator[list[Sealed]]:
        """All records in the order of their numbers, a thousand at a time."""
        last = -1
        while True:
            query = select(AuditRow).where(AuditRow.number > last).order_by(AuditRow.number).limit(PAGE)
            async with self._database.reading() as session:
                rows = [_sealed(row) for row in await session.scalars(query)]
            if not rows:
                return
            yield rows
            last = rows[-1].record.number

    async def search(self, wanted: Search, limit: int) -> list[Record]:
        """The newest that are wanted, newest first."""
        query = select(AuditRow).where(
            AuditRow.at >= wanted.since, AuditRow.at < wanted.until, AuditRow.number < wanted.before
        )
        if wanted.actor:
            query = query.where(AuditRow.actor == wanted.actor)
        if wanted.action:
            query = query.where(AuditRow.action.contains(wanted.action, autoescape=True))
        if wanted.site:
            query = query.where(AuditRow.site == wanted.site)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(AuditRow.number.desc()).limit(limit))
            return [_sealed(row).record for row in rows]

    async def forget_before(self, key: bytes, at: int, *, at_most: int) -> int:
        """Forget the oldest records as far as all of them are from before ``at``; returns how many went.

        What is forgotten is the beginning of the chain, and a signed statement says up to where.
        """
        async with self._database.writing() as session:
            oldest = select(AuditRow.number, AuditRow.seal, AuditRow.at).order_by(AuditRow.number).limit(at_most)
            rows = list(await session.execute(oldest))
            due = next((place for place, row in enumerate(rows) if row.at >= at), len(rows))
            if not due:
                return 0
            gone = removed_of(key, rows[due - 1].number, rows[due - 1].seal)
            await session.execute(delete(AuditRow).where(AuditRow.number <= gone.number))
            values = {"removed_number": gone.number, "removed_seal": gone.seal, "removed_sign": gone.sign}
            await session.execute(update(AuditHeadRow).where(AuditHeadRow.id == 1).values(**values))
        return due


def _sealed(row: AuditRow) -> Sealed:
    return Sealed(
        Record(
            number=row.number,
            at=row.at,
            actor=row.actor,
            via=row.via,
            client=row.client,
            action=row.action,
            site=row.site,
            reason=row.reason,
            facts=row.facts,
        ),
        row.seal,
    )
