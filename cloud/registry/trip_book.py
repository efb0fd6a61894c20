"""Trips and days of vehicles, and the fleet's settings, at rest."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, insert, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.assets.contract import AssetKey
from cloud.registry.database import Database
from cloud.registry.people_held import kept_of, of_others
from cloud.registry.people_holds import holding_of
from cloud.registry.tables_fleet import DayToRedoRow, FleetSettingsRow, TripRow, VehicleDayRow, VehicleServiceRow

KIND = "vehicle"


class StoredTrip(NamedTuple):
    """A trip; ``facts`` is JSON."""

    site: str
    vehicle: str
    started_at: int
    ended_at: int
    facts: str


class StoredDay(NamedTuple):
    """A day of a vehicle; JSON texts. ``trips``: those whose end was known in it."""

    site: str
    vehicle: str
    day: int
    done: str
    began: str
    findings: str
    trips: tuple[StoredTrip, ...] = ()


class StoredService(NamedTuple):
    """Why, by whom and since when a vehicle is out of service."""

    site: str
    vehicle: str
    reason: str
    by: str
    since: int


class StoredSettings(NamedTuple):
    """JSON of what a site changed."""

    settings: str
    rev: int


class TripBook:
    """Reads and writes what the fleet keeps. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, days: Sequence[StoredDay], redo: Sequence[tuple[AssetKey, int | None]] = ()) -> None:
        """Replace these days with their trips; note the days to be worked out again (None: there is none any more)."""
        async with self._database.writing() as session:
            for day in days:
                await _replace(session, day)
            for key, first in redo:
                if first is None:
                    of = (DayToRedoRow.site == key.site, DayToRedoRow.vehicle == key.id)
                    await session.execute(delete(DayToRedoRow).where(*of))
                else:
                    await session.merge(DayToRedoRow(site=key.site, vehicle=key.id, day=first))

    async def redo(self) -> dict[AssetKey, int]:
        """The first day to be worked out again, by vehicle."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(DayToRedoRow))
            return {AssetKey(row.site, KIND, row.vehicle): row.day for row in rows}

    async def last_days(self) -> list[StoredDay]:
        """The newest day of each vehicle, without its trips."""
        newest = (
            select(VehicleDayRow.site, VehicleDayRow.vehicle, func.max(VehicleDayRow.day).label("day"))
            .group_by(VehicleDayRow.site, VehicleDayRow.vehicle)
            .subquery()
        )
        query = select(VehicleDayRow).join(
            newest,
            (VehicleDayRow.site == newest.c.site)
            & (VehicleDayRow.vehicle == newest.c.vehicle)
            & (VehicleDayRow.day == newest.c.day),
        )
        async with self._database.reading() as session:
            return [_day_of(row) for row in await session.scalars(query)]

    async def day(self, key: AssetKey, day: int) -> StoredDay | None:
        """A vehicle's day, without its trips."""
        async with self._database.reading() as session:
            row = await session.get(VehicleDayRow, (key.site, key.id, day))
            return _day_of(row) if row else None

    async def days(self, site: str, since: int, until: int, vehicle: str | None = None) -> list[StoredDay]:
        """Days that begin in [since, until), by day and vehicle, without their trips."""
        query = select(VehicleDayRow).where(
            VehicleDayRow.site == site, VehicleDayRow.day >= since, VehicleDayRow.day < until
        )
        if vehicle is not None:
            query = query.where(VehicleDayRow.vehicle == vehicle)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(VehicleDayRow.day, VehicleDayRow.vehicle))
            return [_day_of(row) for row in rows]

    async def trips(
        self, site: str, since: int, until: int, *, vehicle: str | None = None, limit: int = 1000
    ) -> list[StoredTrip]:
        """Trips that overlap [since, until), by their beginning."""
        query = select(TripRow).where(TripRow.site == site, TripRow.started_at < until, TripRow.ended_at >= since)
        if vehicle is not None:
            query = query.where(TripRow.vehicle == vehicle)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(TripRow.started_at, TripRow.vehicle).limit(limit))
            return [_trip_of(row) for row in rows]

    async def trip(self, key: AssetKey, started_at: int) -> StoredTrip | None:
        """One trip; None when working it out anew took it away."""
        async with self._database.reading() as session:
            row = await session.get(TripRow, (key.site, key.id, started_at))
            return _trip_of(row) if row else None

    async def forget_before(self, at: int, *, at_most: int = 5_000) -> int:
        """Drop days that began before, with their trips: the oldest ``at_most``, and those that began with the last of
        them; how many. What is held stays, and so do days with a trip that is held."""
        kept = kept_of(await holding_of(self._database), "tracks")
        if kept is None:
            return 0
        trips = select(TripRow.day).where(
            TripRow.site == VehicleDayRow.site, TripRow.vehicle == VehicleDayRow.vehicle,
            TripRow.day == VehicleDayRow.day, not_(of_others(TripRow, kept, TripRow.facts)),
        )  # fmt: skip
        others = of_others(VehicleDayRow, kept), not_(trips.exists())
        oldest = select(VehicleDayRow.day).where(VehicleDayRow.day < at, *others).order_by(VehicleDayRow.day)
        async with self._database.writing() as session:
            last = await session.scalar(oldest.limit(1).offset(at_most - 1))
            at = at if last is None else last + 1
            gone = await session.execute(delete(VehicleDayRow).where(VehicleDayRow.day < at, *others))
            await session.execute(delete(TripRow).where(TripRow.day < at, of_others(TripRow, kept, TripRow.facts)))
            return int(getattr(gone, "rowcount", 0) or 0)

    async def settings(self) -> dict[str, StoredSettings]:
        """What each site changed."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(FleetSettingsRow))
            return {row.site: StoredSettings(row.settings, row.rev) for row in rows}

    async def put_settings(self, site: str, settings: str, rev: int) -> None:
        async with self._database.writing() as session:
            await session.merge(FleetSettingsRow(site=site, settings=settings, rev=rev))

    async def services(self) -> list[StoredService]:
        """Vehicles that are out of service."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(VehicleServiceRow))
            return [StoredService(row.site, row.vehicle, row.reason, row.by, row.since) for row in rows]

    async def put_service(self, key: AssetKey, service: StoredService | None) -> None:
        """Out of service, or (None) in it again."""
        async with self._database.writing() as session:
            if service is not None:
                await session.merge(VehicleServiceRow(**service._asdict()))
                return
            of = (VehicleServiceRow.site == key.site, VehicleServiceRow.vehicle == key.id)
            await session.execute(delete(VehicleServiceRow).where(*of))


async def _replace(session: AsyncSession, day: StoredDay) -> None:
    of = (TripRow.site == day.site, TripRow.vehicle == day.vehicle, TripRow.day == day.day)
    await session.execute(delete(TripRow).where(*of))
    for trip in day.trips:
        # A trip that goes on into another day when that is worked out anew: the newest account of it holds.
        same = (TripRow.site == trip.site, TripRow.vehicle == trip.vehicle, TripRow.started_at == trip.started_at)
        await session.execute(delete(TripRow).where(*same))
        await session.execute(insert(TripRow).values(**trip._asdict(), day=day.day))
    row = {name: value for name, value in day._asdict().items() if name != "trips"}
    await session.merge(VehicleDayRow(**row))


def _day_of(row: VehicleDayRow) -> StoredDay:
    return StoredDay(row.site, row.vehicle, row.day, row.done, row.began, row.findings)


def _trip_of(row: TripRow) -> StoredTrip:
    return StoredTrip(row.site, row.vehicle, row.started_at, row.ended_at, row.facts)
