"""Assets, days and maps at rest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.assets.contract import Asset, AssetKey, Binding
from cloud.registry.database import Database
from cloud.registry.tables_assets import (
    AssetRow,
    BindingRow,
    CalendarDayRow,
    FloorPlanRow,
    MapRow,
    SiteChangesRow,
    UnitRow,
)
from protocols.clock import Clock


class CalendarDay(NamedTuple):
    """A day (ISO) that is a ``holiday`` or a ``workday`` whatever its weekday says."""

    site: str
    day: str
    type: str
    name: str


class StoredMap(NamedTuple):
    """A map as it was put, with the number of its revision."""

    document: dict[str, object]
    rev: int


class FloorPlan(NamedTuple):
    """An image and its bounds: south, west, north, east."""

    media_type: str
    image: bytes
    bounds: tuple[float, float, float, float]
    changed_at: int = 0


class SiteChange(NamedTuple):
    """What one transaction writes. ``days``, ``units`` and ``document`` of None stay as they are."""

    site: str
    put: Sequence[Asset] = ()
    removed: Sequence[AssetKey] = ()
    days: Sequence[CalendarDay] | None = None
    units: Sequence[str] | None = None
    document: Mapping[str, object] | None = None


class AssetBook:
    """Reads and writes what ``cloud.assets`` keeps in RAM."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def assets(self) -> list[tuple[Asset, int]]:
        """All assets with their revisions, by key."""
        async with self._database.reading() as session:
            bound: defaultdict[AssetKey, list[Binding]] = defaultdict(list)
            for row in await session.scalars(select(BindingRow).order_by(BindingRow.place)):
                bound[AssetKey(row.site, row.kind, row.asset)].append(Binding(row.role, row.device))
            rows = await session.scalars(select(AssetRow).order_by(AssetRow.site, AssetRow.kind, AssetRow.id))
            found = []
            for asset in rows:
                key = AssetKey(asset.site, asset.kind, asset.id)
                facts = msgspec.json.decode(asset.facts, type=dict[str, object])
                known = Asset(key=key, name=asset.name, unit=asset.unit, facts=facts, bindings=tuple(bound[key]))
                found.append((known, asset.rev))
            return found

    async def days(self) -> list[CalendarDay]:
        """All days that are not what their weekday says."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(CalendarDayRow).order_by(CalendarDayRow.site, CalendarDayRow.day))
            return [CalendarDay(row.site, row.day, row.type, row.name) for row in rows]

    async def maps(self) -> dict[str, StoredMap]:
        """The map of each site that has one."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(MapRow))
            return {
                row.site: StoredMap(msgspec.json.decode(row.document, type=dict[str, object]), row.rev) for row in rows
            }

    async def units(self) -> dict[str, list[str]]:
        """The units of each site, in the order they were named."""
        async with self._database.reading() as session:
            found: dict[str, list[str]] = {}
            for row in await session.scalars(select(UnitRow).order_by(UnitRow.site, UnitRow.place)):
                found.setdefault(row.site, []).append(row.name)
            return found

    async def changes(self) -> int:
        """How often anything was written, by whatever process."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.sum(SiteChangesRow.changes))) or 0

    async def write(self, change: SiteChange) -> int:
        """All of it or nothing. Returns ``changes`` as they are then."""
        now = self._clock.now_ms()
        async with self._database.writing() as session:
            for key in change.removed:
                await _forget(session, key)
            for asset in change.put:
                await _put(session, asset, now)
            if change.days is not None:
                await session.execute(delete(CalendarDayRow).where(CalendarDayRow.site == change.site))
                session.add_all(
                    CalendarDayRow(site=day.site, day=day.day, type=day.type, name=day.name) for day in change.days
                )
            if change.units is not None:
                await session.execute(delete(UnitRow).where(UnitRow.site == change.site))
                session.add_all(
                    UnitRow(site=change.site, name=name, place=place) for place, name in enumerate(change.units)
                )
            if change.document is not None:
                known = await session.get(MapRow, change.site)
                text = msgspec.json.encode(change.document).decode()
                rev = known.rev + 1 if known else 1
                await session.merge(MapRow(site=change.site, document=text, rev=rev, changed_at=now))
            before = await session.get(SiteChangesRow, change.site)
            await session.merge(SiteChangesRow(site=change.site, changes=before.changes + 1 if before else 1))
            await session.flush()
            return await session.scalar(select(func.sum(SiteChangesRow.changes))) or 0

    async def floor_plan(self, site: str) -> FloorPlan | None:
        """The image of a site; None when it has none."""
        async with self._database.reading() as session:
            row = await session.get(FloorPlanRow, site)
            if row is None:
                return None
            bounds = msgspec.json.decode(row.bounds, type=tuple[float, float, float, float])
            return FloorPlan(row.media_type, row.image, bounds, row.changed_at)

    async def floor_plan_bounds(self, site: str) -> tuple[tuple[float, float, float, float], int] | None:
        """Where the image of a site lies and when it was put, without the image."""
        query = select(FloorPlanRow.bounds, FloorPlanRow.changed_at).where(FloorPlanRow.site == site)
        async with self._database.reading() as session:
            row = (await session.execute(query)).first()
            if row is None:
                return None
            return msgspec.json.decode(row[0], type=tuple[float, float, float, float]), row[1]

    async def put_floor_plan(self, site: str, plan: FloorPlan | None) -> None:
        """Keep the image of a site, or forget it."""
        async with self._database.writing() as session:
            if plan is None:
                await session.execute(delete(FloorPlanRow).where(FloorPlanRow.site == site))
                return
            bounds = msgspec.json.encode(plan.bounds).decode()
            now = self._clock.now_ms()
            row = FloorPlanRow(site=site, media_type=plan.media_type, image=plan.image, bounds=bounds, changed_at=now)
            await session.merge(row)


async def _put(session: AsyncSession, asset: Asset, now: int) -> None:
    key = asset.key
    known = await session.get(AssetRow, (key.site, key.kind, key.id))
    await session.merge(
        AssetRow(
            site=key.site,
            kind=key.kind,
            id=key.id,
            name=asset.name,
            unit=asset.unit,
            facts=msgspec.json.encode(asset.facts).decode(),
            rev=known.rev + 1 if known else 1,
            changed_at=now,
        )
    )
    await _unbind(session, key)
    session.add_all(
        BindingRow(site=key.site, kind=key.kind, asset=key.id, place=place, role=each.role, device=each.device)
        for place, each in enumerate(asset.bindings)
    )


async def _forget(session: AsyncSession, key: AssetKey) -> None:
    await session.execute(
        delete(AssetRow).where(AssetRow.site == key.site, AssetRow.kind == key.kind, AssetRow.id == key.id)
    )
    await _unbind(session, key)


async def _unbind(session: AsyncSession, key: AssetKey) -> None:
    await session.execute(
        delete(BindingRow).where(BindingRow.site == key.site, BindingRow.kind == key.kind, BindingRow.asset == key.id)
    )
