"""Bookings at rest."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.registry.database import Database
from cloud.registry.tables_places import BookingRow
from cloud.rooms.booking import Booking
from protocols.errors import Permanent

ANSWER_MAX = 5_000


class RoomTaken(Permanent):
    """The room is somebody else's then; ``by`` are their bookings, the earliest first."""

    def __init__(self, by: Sequence[Booking]) -> None:
        self.by = tuple(by)
        super().__init__(f"the room is taken by {by[0].unit}")


class BookingChanged(Permanent):
    """The booking is not at the expected revision any more; ``now`` is how it is."""

    def __init__(self, now: Booking) -> None:
        self.now = now
        super().__init__(f"the booking is at revision {now.rev} now")


class BookingsBook:
    """Reads and writes bookings. Whether a room is free is asked and answered in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(
        self, site: str, since: int, until: int, *, room: str | None = None, limit: int = ANSWER_MAX
    ) -> list[Booking]:
        """Bookings that overlap [since, until), also cancelled ones, by their beginning."""
        query = (
            select(BookingRow)
            .where(BookingRow.site == site, BookingRow.from_at < until, BookingRow.until_at > since)
            .order_by(BookingRow.from_at, BookingRow.id)
            .limit(limit)
        )
        if room is not None:
            query = query.where(BookingRow.room == room)
        async with self._database.reading() as session:
            return [_booking(row) for row in await session.scalars(query)]

    async def made(self, site: str, since: int, until: int) -> list[Booking]:
        """Bookings that were made in [since, until)."""
        query = (
            select(BookingRow)
            .where(BookingRow.site == site, BookingRow.created_at >= since, BookingRow.created_at < until)
            .order_by(BookingRow.created_at)
            .limit(100_000)
        )
        async with self._database.reading() as session:
            return [_booking(row) for row in await session.scalars(query)]

    async def sites(self) -> list[str]:
        """Sites that ever had a booking."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(BookingRow.site).distinct().order_by(BookingRow.site)))

    async def find(self, booking: str) -> Booking | None:
        async with self._database.reading() as session:
            row = await session.get(BookingRow, booking)
            return _booking(row) if row is not None else None

    async def once(self, key: str) -> list[Booking]:
        """What was made under this key before, with what repeats it."""
        async with self._database.reading() as session:
            row = (await session.scalars(select(BookingRow).where(BookingRow.once == key))).one_or_none()
            if row is None:
                return []
            series = select(BookingRow).where(BookingRow.series == row.id, BookingRow.id != row.id)
            rows = await session.scalars(series.order_by(BookingRow.from_at))
            return [_booking(row), *(_booking(each) for each in rows)]

    async def add(self, bookings: Sequence[Booking], *, once: str | None) -> None:
        """All of them, or none and RoomTaken."""
        async with self._database.writing() as session:
            for booking in bookings:
                await _check_free(session, booking)
                row = BookingRow(**msgspec.structs.asdict(booking))
                row.once = once if booking is bookings[0] else None
                session.add(row)
                await session.flush()

    async def change(self, booking: Booking, *, was: int, extends: bool = False) -> Booking:
        """Write what is different; returns it with its new revision. Raises BookingChanged, RoomTaken."""
        async with self._database.writing() as session:
            row = await session.get(BookingRow, booking.id)
            if row is None or row.rev != was:
                raise BookingChanged(_booking(row) if row is not None else booking)
            if extends:
                await _check_free(session, booking)
            values = msgspec.structs.asdict(booking) | {"rev": was + 1}
            await session.execute(update(BookingRow).where(BookingRow.id == booking.id).values(**values))
        return msgspec.structs.replace(booking, rev=was + 1)

    async def forget_people(self, at: int, *, at_most: int = 5_000) -> int:
        """Empty names, phones and subjects of bookings that ended before, some at a time; units and times stay for the
        figures. How many."""
        told = or_(BookingRow.organiser != "", BookingRow.phone != "", BookingRow.subject != "")
        old = select(BookingRow.id).where(BookingRow.until_at < at, told).limit(at_most)
        async with self._database.writing() as session:
            ids = list(await session.scalars(old))
            if ids:
                empty = update(BookingRow).where(BookingRow.id.in_(ids)).values(organiser="", phone="", subject="")
                await session.execute(empty)
        return len(ids)


async def _check_free(session: AsyncSession, booking: Booking) -> None:
    rows = await session.scalars(
        select(BookingRow)
        .where(BookingRow.site == booking.site, BookingRow.room == booking.room, BookingRow.id != booking.id)
        .where(BookingRow.from_at < booking.until_at, BookingRow.until_at > booking.from_at)
        .order_by(BookingRow.from_at)
        .limit(100)
    )
    others = [_booking(row) for row in rows]
    taken = [each for each in others if each.holds and each.ends_at > booking.from_at]
    if taken:
        raise RoomTaken(taken)


def _booking(row: BookingRow) -> Booking:
    return Booking(**{name: getattr(row, name) for name in Booking.__struct_fields__})
