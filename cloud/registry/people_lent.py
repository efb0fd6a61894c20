"""Cards of a person told apart: their own, and those that visitors carry one after the other."""

import msgspec
from sqlalchemy import ColumnElement, or_, select

from cloud.access.contract import Credential, Holder
from cloud.privacy.contract import Subject
from cloud.privacy.lent import Carried, Lent
from cloud.registry.database import Database
from cloud.registry.passes_book import pass_of
from cloud.registry.people_accounts import is_visitor
from cloud.registry.tables_access import AccessRecordRow
from cloud.registry.tables_places import PassRow


class LentCards:
    """Reads passes and cards. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told_apart(self, subject: Subject) -> Subject:
        """The same person; ``card`` are those that no pass lends, ``lent`` all others that they had or are named by."""
        by_card = PassRow.card_key.in_(sorted(subject.card))
        by_other = or_(
            PassRow.name.in_(sorted(subject.people)), PassRow.phone.in_(sorted(subject.phone)), PassRow.plate != ""
        )
        mine = {row.card_key for row in await self._passes(by_other) if is_visitor(row, subject)}
        rows = [*await self._passes(PassRow.card_key.in_(sorted(mine))), *await self._passes(by_card)]
        every = {row.id: Carried(pass_of(row), is_visitor(row, subject)) for row in rows}
        lent = Lent(tuple(every.values()))
        return subject._replace(
            card=subject.card - lent.cards, lent=lent._replace(owned=await self._owned(subject, lent.cards))
        )

    async def widened(self, subject: Subject) -> Subject:
        """The same person with the phones and plates of their visits and the cards they hold; too much rather than too
        little, as it is asked for what must stay."""
        async with self._database.reading() as session:
            visits = [row for row in await session.scalars(select(PassRow)) if is_visitor(row, subject)]
            records = list(await session.scalars(select(AccessRecordRow).where(AccessRecordRow.kind == "holder")))
            cards = list(await session.scalars(select(AccessRecordRow).where(AccessRecordRow.kind == "credential")))
        holders = [msgspec.json.decode(row.record, type=Holder) for row in records]
        mine = {(row.site, row.id) for row, each in zip(records, holders, strict=True) if each.name in subject.people}
        held = {row.id for row in cards if (row.site, msgspec.json.decode(row.record, type=Credential).holder) in mine}
        return await self.told_apart(
            subject._replace(
                phone=subject.phone | {row.phone for row in visits if row.phone},
                plate=subject.plate | {row.plate for row in visits if row.plate},
                card=subject.card | held,
            )
        )

    async def _passes(self, where: ColumnElement[bool]) -> list[PassRow]:
        async with self._database.reading() as session:
            return list(await session.scalars(select(PassRow).where(PassRow.card_key != "", where)))

    async def _owned(self, subject: Subject, cards: frozenset[str]) -> frozenset[tuple[str, str]]:
        """Of these cards those of which the person is the holder."""
        found = set()
        async with self._database.reading() as session:
            query = select(AccessRecordRow).where(
                AccessRecordRow.kind == "credential", AccessRecordRow.id.in_(sorted(cards))
            )
            for row in await session.scalars(query):
                owner = msgspec.json.decode(row.record, type=Credential).holder
                holder = await session.get(AccessRecordRow, (row.site, "holder", owner))
                name = msgspec.json.decode(holder.record, type=Holder).name if holder is not None else ""
                if name in subject.people or (not subject.people and row.id in subject.card):
                    found.add((row.site, row.id))
        return frozenset(found)
