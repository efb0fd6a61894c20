"""Who is meant: people as the records of the registry name them, found by a part of a name, phone, plate or card key.

What is found is what ``cloud.privacy.contract.subject_of`` reads; somebody chooses among it, as two may have one name.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.access.contract import Credential, Holder
from cloud.dispatch.request import Request
from cloud.privacy.contract import WORD_MAX
from cloud.registry.database import Database
from cloud.registry.tables import UserRow
from cloud.registry.tables_access import AccessRecordRow
from cloud.registry.tables_assets import AssetRow
from cloud.registry.tables_places import BookingRow, PassRow
from cloud.registry.tables_requests import RequestRow

OF_A_SOURCE_MAX = 20
ROWS_MAX = 300
"""Looked at of a table, the newest."""
_PEOPLE_THINGS = ("guard", "technician", "vehicle")


class Known(NamedTuple):
    """Somebody as records of one kind (``of``: a source's name) name them: ``words`` are one person's.

    ``site``: empty for all. ``at``: the newest such record, ms; None where it has no time.
    """

    words: tuple[str, ...]
    of: str
    site: str
    at: int | None


class PeopleSearch:
    """Reads; changes nothing. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, text: str) -> list[Known]:
        """Who is known by something that holds this text, whatever its case; the newest first within a source, at
        most ``OF_A_SOURCE_MAX`` of each."""
        wanted = text.strip()
        async with self._database.reading() as session:
            found = []
            for ask in (_users, _holders, _visitors, _bookers, _requesters, _things):
                found += await ask(session, wanted)
        return found


async def _users(session: AsyncSession, text: str) -> list[Known]:
    query = select(UserRow).where(_holds(text, UserRow.name)).order_by(UserRow.name).limit(OF_A_SOURCE_MAX)
    return [Known((f"user:{row.name}",), "account", "", None) for row in await session.scalars(query)]


async def _holders(session: AsyncSession, text: str) -> list[Known]:
    """Holders with their cards; a card key leads to its holder."""
    named = AccessRecordRow.kind == "holder", _holds(text, AccessRecordRow.record)
    keyed = AccessRecordRow.kind == "credential", _holds(text, AccessRecordRow.id)
    found: list[Known] = []
    seen: set[tuple[str, str]] = set()
    for row in [*await session.scalars(select(AccessRecordRow).where(*named).limit(ROWS_MAX)),
                *await session.scalars(select(AccessRecordRow).where(*keyed).limit(ROWS_MAX))]:  # fmt: skip
        holder: Any = row
        if row.kind == "credential":
            owner = msgspec.json.decode(row.record, type=Credential).holder
            holder = await session.get(AccessRecordRow, (row.site, "holder", owner))
        if holder is None or (holder.site, holder.id) in seen or len(found) >= OF_A_SOURCE_MAX:
            continue
        one = msgspec.json.decode(holder.record, type=Holder)
        if row.kind == "holder" and text.casefold() not in one.name.casefold():
            continue
        seen.add((holder.site, holder.id))
        cards = select(AccessRecordRow).where(
            AccessRecordRow.site == holder.site, AccessRecordRow.kind == "credential",
            AccessRecordRow.record.contains(f'"holder":"{one.id}"', autoescape=True),
        )  # fmt: skip
        keys = [f"card:{card.id}" for card in await session.scalars(cards.limit(10))]
        found.append(Known((f"name:{one.name}", *keys), "holders", holder.site, holder.changed_at))
    return found


async def _visitors(session: AsyncSession, text: str) -> list[Known]:
    """A card leads to those who carried it, and is no word of theirs: others had it before and after."""
    columns = PassRow.name, PassRow.phone, PassRow.plate, PassRow.card_key
    query = select(PassRow).where(_holds(text, *columns)).order_by(PassRow.created_at.desc()).limit(ROWS_MAX)
    return _distinct(
        Known(_said(name=row.name, phone=row.phone, plate=row.plate), "visits", row.site, row.created_at)
        for row in await session.scalars(query)
    )  # fmt: skip


async def _bookers(session: AsyncSession, text: str) -> list[Known]:
    columns = BookingRow.organiser, BookingRow.phone
    query = select(BookingRow).where(_holds(text, *columns)).order_by(BookingRow.created_at.desc()).limit(ROWS_MAX)
    return _distinct(
        Known(_said(name=row.organiser, phone=row.phone), "bookings", row.site, row.created_at)
        for row in await session.scalars(query)
    )


async def _requesters(session: AsyncSession, text: str) -> list[Known]:
    query = select(RequestRow.body).where(_holds(text, RequestRow.body)).order_by(RequestRow.created_at.desc())
    found = []
    for body in await session.scalars(query.limit(ROWS_MAX)):
        request = msgspec.json.decode(body, type=Request)
        people = [(request.requester.name, request.requester.phone)]
        if request.assigned is not None:
            people.append((request.assigned.driver, request.assigned.phone))
        found += [
            Known(_said(name=name, phone=phone), "requests", request.site, request.created_at)
            for name, phone in people
            if text.casefold() in name.casefold() or text in phone
        ]
    return _distinct(found)


async def _things(session: AsyncSession, text: str) -> list[Known]:
    query = select(AssetRow).where(AssetRow.kind.in_(_PEOPLE_THINGS), _holds(text, AssetRow.name))
    return [
        Known((f"plate:{row.name}" if row.kind == "vehicle" else f"name:{row.name}",), "things", row.site,
              row.changed_at)
        for row in await session.scalars(query.order_by(AssetRow.name).limit(OF_A_SOURCE_MAX))
    ]  # fmt: skip


def _holds(text: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _said(**words: str) -> tuple[str, ...]:
    return tuple(f"{kind}:{word}" for kind, word in words.items() if word and len(word) <= WORD_MAX)


def _distinct(found: Iterable[Known]) -> list[Known]:
    def first_of_each() -> Iterator[Known]:
        seen: set[tuple[object, ...]] = set()
        for each in found:
            if each.words and (each.words, each.site) not in seen:
                seen.add((each.words, each.site))
                yield each

    return [each for _, each in zip(range(OF_A_SOURCE_MAX), first_of_each(), strict=False)]
