"""What the registry holds of people, by its age: counted, and forgotten some rows at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, update

from cloud.privacy.plates import rough_plate
from cloud.registry.database import Database
from cloud.registry.people_accounts import NO_BOOKING, NO_PASS, empty_request
from cloud.registry.people_held import Kept, of_others
from cloud.registry.people_told import ToldRetention
from cloud.registry.tables_fleet import TripRow, VehicleDayRow
from cloud.registry.tables_places import BookingRow, PassRow
from cloud.registry.tables_requests import RequestRow

AT_MOST = 500


class PeopleRetention:
    """Each ``count_*`` says how many rows are due, each ``forget_*`` forgets at most ``AT_MOST`` and says how many.

    What is forgotten is a name, a trip, a position; times, units, mileage and counts stay. Raises StoreUnavailable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.told = ToldRetention(database)
        self.emptied: Callable[[Sequence[str]], None] = lambda _: None
        """Told the ids of passes whose people are gone: somebody holds them in memory."""

    async def count_tracks(self, before: int, kept: Kept) -> int:
        return await self._count(TripRow, _trips(before, kept))

    async def forget_tracks(self, before: int, kept: Kept) -> int:
        """Trips, and what the days of vehicles say of where they were; their mileage stays."""
        async with self._database.writing() as session:
            old = select(TripRow).where(_trips(before, kept)).limit(AT_MOST)
            rows = list(await session.scalars(old))
            for row in rows:
                await session.delete(row)
            newest = select(func.max(VehicleDayRow.day)).scalar_subquery()
            told = or_(VehicleDayRow.began != "", VehicleDayRow.findings != "[]")
            days = and_(VehicleDayRow.day < before, VehicleDayRow.day < newest, told, of_others(VehicleDayRow, kept))
            await session.execute(update(VehicleDayRow).where(days).values(began="", findings="[]"))
        return len(rows)

    async def count_visitors(self, before: int, kept: Kept) -> int:
        passes = await self._count(PassRow, _passes(before, kept))
        return passes + await self._count(BookingRow, _bookings(before, kept))

    async def forget_visitors(self, before: int, kept: Kept) -> int:
        """Who came to whom, and who booked a room; when, how many and of which unit stays."""
        passes = await self._empty(PassRow, _passes(before, kept), NO_PASS)
        self.emptied(passes)
        return len(passes) + len(await self._empty(BookingRow, _bookings(before, kept), NO_BOOKING))

    async def count_requests(self, before: int, kept: Kept) -> int:
        return await self._count(RequestRow, _requests(before, kept))

    async def forget_requests(self, before: int, kept: Kept) -> int:
        """Who asked, drove and judged; what was needed, when and how it went stays."""
        async with self._database.writing() as session:
            rows = list(await session.scalars(select(RequestRow).where(_requests(before, kept)).limit(AT_MOST)))
            for row in rows:
                await empty_request(session, row)
        return len(rows)

    async def _count(self, table: Any, where: ColumnElement[bool]) -> int:
        async with self._database.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(table).where(where)) or 0)

    async def _empty(self, table: Any, where: ColumnElement[bool], empty: dict[str, str]) -> list[str]:
        async with self._database.writing() as session:
            ids = list(await session.scalars(select(table.id).where(where).limit(AT_MOST)))
            if ids:
                await session.execute(update(table).where(table.id.in_(ids)).values(**empty, once=None))
        return ids


def _trips(before: int, kept: Kept) -> ColumnElement[bool]:
    return and_(TripRow.ended_at < before, of_others(TripRow, kept, TripRow.facts))


def _passes(before: int, kept: Kept) -> ColumnElement[bool]:
    named = PassRow.name, PassRow.phone, PassRow.plate, PassRow.card_key, PassRow.host, PassRow.created_by
    told = or_(*(column != "" for column in named))
    others = [not_(PassRow.plate.ilike(rough_plate(plain))) for plain in sorted(kept.plates)]
    return and_(PassRow.until_at < before, told, of_others(PassRow, kept, *named), *others)


def _bookings(before: int, kept: Kept) -> ColumnElement[bool]:
    named = BookingRow.organiser, BookingRow.phone, BookingRow.created_by
    told = or_(*(column != "" for column in (*named, BookingRow.subject)))
    return and_(BookingRow.until_at < before, told, of_others(BookingRow, kept, *named))


def _requests(before: int, kept: Kept) -> ColumnElement[bool]:
    old = RequestRow.ended_at.is_not(None), RequestRow.ended_at < before, RequestRow.created_by != ""
    return and_(*old, of_others(RequestRow, kept, RequestRow.created_by, RequestRow.body))
