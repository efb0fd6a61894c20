"""What people say of meters, at rest: structures with every revision, records, and what must be worked out anew."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, select

from cloud.energy.contract import EnergyFault, Recorded
from cloud.energy.structure import Structure
from cloud.registry.database import Database
from cloud.registry.tables_energy import (
    EnergyDayRow,
    EnergyDirtyRow,
    EnergyRecordRow,
    EnergyStructureRow,
    EnergyThroughRow,
)
from cloud.registry.upsert import put

THROUGH = "readings"


class Record(NamedTuple):
    """A record with who entered it, when and why; ``revoked_at`` None while it holds."""

    id: int
    site: str
    meter: str
    what: Recorded
    entered_at: int
    entered_by: str
    why: str
    revoked_at: int | None = None
    revoked_by: str = ""
    revoked_why: str = ""


class Stretch(NamedTuple):
    """[since, until) of a meter."""

    site: str
    meter: str
    since: int
    until: int


class StoredStructure(NamedTuple):
    """A structure with the number of its revision."""

    structure: Structure
    rev: int


class EnergyBook:
    """Reads and writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- structures ---

    async def structures(self) -> dict[str, StoredStructure]:
        """The newest of each site."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(EnergyStructureRow).order_by(EnergyStructureRow.rev))
            return {row.site: StoredStructure(msgspec.json.decode(row.body, type=Structure), row.rev) for row in rows}

    async def put_structure(
        self,
        site: str,
        structure: Structure,
        dirty: Sequence[Stretch],
        *,
        rev: int,
        now: int,
        by: str,
        why: str = "",
    ) -> int:
        """Write it after revision ``rev``; the new revision. Raises EnergyFault when another came in between."""
        async with self._database.writing() as session:
            newest = await session.scalar(
                select(EnergyStructureRow.rev)
                .where(EnergyStructureRow.site == site)
                .order_by(EnergyStructureRow.rev.desc())
                .limit(1)
            )
            if (newest or 0) != rev:
                raise EnergyFault(f"somebody changed it meanwhile: revision {newest or 0}, not {rev}; load it again")
            body = msgspec.json.encode(structure).decode()
            session.add(EnergyStructureRow(site=site, rev=rev + 1, changed_at=now, changed_by=by, why=why, body=body))
            session.add_all(EnergyDirtyRow(**stretch._asdict()) for stretch in dirty)
        return rev + 1

    # --- records ---

    async def records(
        self, site: str | None = None, meter: str | None = None, *, revoked: bool = False
    ) -> list[Record]:
        """By number; with ``revoked`` also those that hold no more."""
        query = select(EnergyRecordRow).order_by(EnergyRecordRow.id)
        if site is not None:
            query = query.where(EnergyRecordRow.site == site)
        if meter is not None:
            query = query.where(EnergyRecordRow.meter == meter)
        if not revoked:
            query = query.where(EnergyRecordRow.revoked_at.is_(None))
        async with self._database.reading() as session:
            return [_record_of(row) for row in await session.scalars(query)]

    async def add_record(
        self, site: str, meter: str, what: Recorded, dirty: Stretch, *, now: int, by: str, why: str
    ) -> int:
        """Write down what a person says, and that it must be worked in; its number."""
        async with self._database.writing() as session:
            body = msgspec.json.encode(what).decode()
            row = EnergyRecordRow(site=site, meter=meter, body=body, entered_at=now, entered_by=by, why=why)
            session.add(row)
            session.add(EnergyDirtyRow(**dirty._asdict()))
            await session.flush()
            return row.id

    async def revoke_record(self, record: int, dirty: Stretch, *, now: int, by: str, why: str) -> None:
        """It holds no more. Raises EnergyFault when it does not already."""
        async with self._database.writing() as session:
            row = await session.get(EnergyRecordRow, record)
            if row is None or row.revoked_at is not None:
                raise EnergyFault(f"there is no record {record} that holds")
            row.revoked_at, row.revoked_by, row.revoked_why = now, by, why
            session.add(EnergyDirtyRow(**dirty._asdict()))

    # --- what is to be done ---

    async def dirty(self) -> list[tuple[int, Stretch]]:
        """What people's deeds left to be worked out, with its number."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(EnergyDirtyRow).order_by(EnergyDirtyRow.id))
            return [(row.id, Stretch(row.site, row.meter, row.since, row.until)) for row in rows]

    async def through(self) -> int:
        """The batch up to which everything is worked out."""
        async with self._database.reading() as session:
            row = await session.get(EnergyThroughRow, THROUGH)
            return row.batch if row is not None else 0

    async def noted(self, name: str) -> int | None:
        """A number that was kept under a name."""
        async with self._database.reading() as session:
            row = await session.get(EnergyThroughRow, name)
            return row.batch if row is not None else None

    async def note(self, name: str, number: int) -> None:
        """Keep a number under a name."""
        async with self._database.writing() as session:
            await put(session, EnergyThroughRow, [{"name": name, "batch": number}], by=("name",))

    async def begin_anew(self, site: str, meters: Sequence[str], name: str, number: int) -> None:
        """Take all days of a site away, leave its meters to be worked out from their readings, and keep a number under
        a name: all of it or nothing."""
        async with self._database.writing() as session:
            await session.execute(delete(EnergyDayRow).where(EnergyDayRow.site == site))
            session.add_all(EnergyDirtyRow(site=site, meter=meter, since=0, until=2**53) for meter in meters)
            await put(session, EnergyThroughRow, [{"name": name, "batch": number}], by=("name",))

    async def done(self, through: int, dirty: Sequence[int]) -> None:
        """Everything up to a batch is worked out, and these stretches are."""
        async with self._database.writing() as session:
            await put(session, EnergyThroughRow, [{"name": THROUGH, "batch": through}], by=("name",))
            if dirty:
                await session.execute(delete(EnergyDirtyRow).where(EnergyDirtyRow.id.in_(dirty)))


def _record_of(row: EnergyRecordRow) -> Record:
    what: Recorded = msgspec.json.decode(row.body, type=Recorded)
    return Record(
        row.id,
        row.site,
        row.meter,
        what,
        row.entered_at,
        row.entered_by,
        row.why,
        row.revoked_at,
        row.revoked_by,
        row.revoked_why,
    )
