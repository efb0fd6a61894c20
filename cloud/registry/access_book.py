"""Records of access at rest, and the lists that gateways were given."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.access.contract import TYPES, AccessChange, ChangedMeanwhile, Record, RecordKey, key_of
from cloud.registry.database import Database
from cloud.registry.tables_access import AccessChangesRow, AccessListRow, AccessRecordRow, GatewayDoorsRow
from cloud.registry.upsert import put
from cloud.store.contract import GatewayKey
from protocols.birth import DoorBirth
from protocols.clock import Clock
from protocols.errors import Retryable

AT_ONCE = 500


class Written(NamedTuple):
    """A record with how often it was written, when last, and by whom."""

    site: str
    record: Record
    rev: int
    changed_at: int
    changed_by: str


class GivenList(NamedTuple):
    """A list on its way. ``digest``: of what it says beside its number and times."""

    key: GatewayKey
    number: int
    digest: str
    cards: int
    doors: int
    issued_at: int
    expires_at: int


class WrittenElsewhere(Retryable):
    """Another process wrote since: read again, and plan the change on what is there."""


class AccessBook:
    """Reads and writes what ``AccessRegister`` keeps in RAM, and the state of lists."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def records(self) -> list[Written]:
        """All of all sites."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(AccessRecordRow))
            return [_written(row) for row in rows if row.kind in TYPES]

    async def changes(self) -> int:
        """How often anything was written, by whatever process."""
        async with self._database.reading() as session:
            return await _sum(session)

    async def write(self, change: AccessChange, *, seen: int) -> int:
        """All of it or nothing. Returns ``changes`` as they are then. ``seen``: as they were when the change was
        planned. Raises ChangedMeanwhile, and WrittenElsewhere when somebody wrote since."""
        now, site = self._clock.now_ms(), change.site
        mine = (AccessRecordRow.site == site,)
        async with self._database.writing() as session:
            changes = await _counted(session, site)
            if changes != seen + 1:
                raise WrittenElsewhere(f"access was written {changes - 1} times, not {seen}")
            for key, rev in change.expect.items():
                row = await session.get(AccessRecordRow, (site, key.kind, key.id))
                if (row.rev if row is not None else 0) != rev:
                    raise ChangedMeanwhile(key, row.rev if row is not None else 0)
            for kind in TYPES:
                gone = [key.id for key in change.removed if key.kind == kind]
                for start in range(0, len(gone), AT_ONCE):
                    ids = gone[start : start + AT_ONCE]
                    await session.execute(
                        delete(AccessRecordRow).where(*mine, AccessRecordRow.kind == kind, AccessRecordRow.id.in_(ids))
                    )
            revs = await self._revs(session, site, [key_of(each) for each in change.put])
            rows = [
                {
                    "site": site,
                    "kind": key_of(each).kind,
                    "id": each.id,
                    "record": msgspec.json.encode(each).decode(),
                    "rev": revs.get(key_of(each), 0) + 1,
                    "changed_at": now,
                    "changed_by": change.by,
                }
                for each in change.put
            ]
            await put(session, AccessRecordRow, rows, by=("site", "kind", "id"))
            return changes

    async def _revs(self, session: AsyncSession, site: str, keys: Sequence[RecordKey]) -> dict[RecordKey, int]:
        found: dict[RecordKey, int] = {}
        for kind in {key.kind for key in keys}:
            ids = [key.id for key in keys if key.kind == kind]
            for start in range(0, len(ids), AT_ONCE):
                query = select(AccessRecordRow.id, AccessRecordRow.rev).where(
                    AccessRecordRow.site == site,
                    AccessRecordRow.kind == kind,
                    AccessRecordRow.id.in_(ids[start : start + AT_ONCE]),
                )
                found |= {RecordKey(kind, name): rev for name, rev in (await session.execute(query)).all()}
        return found

    # --- doors of gateways, and their lists ---

    async def doors(self) -> dict[GatewayKey, list[DoorBirth]]:
        """What each gateway said it has."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(GatewayDoorsRow))
            return {
                GatewayKey(row.site, row.gateway): msgspec.json.decode(row.doors, type=list[DoorBirth]) for row in rows
            }

    async def put_doors(self, key: GatewayKey, doors: Sequence[DoorBirth]) -> None:
        """What a gateway has now."""
        text = msgspec.json.encode(doors).decode()
        async with self._database.writing() as session:
            await session.merge(GatewayDoorsRow(site=key.site, gateway=key.gateway, doors=text))

    async def lists(self) -> dict[GatewayKey, AccessListRow]:
        """Of each gateway that was ever given one."""
        async with self._database.reading() as session:
            return {GatewayKey(row.site, row.gateway): row for row in await session.scalars(select(AccessListRow))}

    async def give(self, given: GivenList) -> None:
        """Write down a list before it is sent. Raises StoreUnavailable; then it must not be sent."""
        values = {
            "number": given.number,
            "digest": given.digest,
            "cards": given.cards,
            "doors": given.doors,
            "issued_at": given.issued_at,
            "expires_at": given.expires_at,
            "published_at": None,
        }
        row = {"site": given.key.site, "gateway": given.key.gateway, "refused": "", **values}
        async with self._database.writing() as session:
            await put(session, AccessListRow, [row], by=("site", "gateway"), change=tuple(values))

    async def sent(self, key: GatewayKey, number: int) -> None:
        """The broker has it."""
        async with self._database.writing() as session:
            await session.execute(
                update(AccessListRow)
                .where(*_of(key), AccessListRow.number == number)
                .values(published_at=self._clock.now_ms())
            )

    async def held(self, key: GatewayKey, number: int, expires_at: int | None, at: int, *, refused: str = "") -> None:
        """The gateway says which it holds (0: none), and why it did not take another."""
        values = {"held_number": number, "held_expires_at": expires_at, "told_at": at, "refused": refused[:300]}
        async with self._database.writing() as session:
            await session.execute(update(AccessListRow).where(*_of(key)).values(**values))


async def _sum(session: AsyncSession) -> int:
    return int(await session.scalar(select(func.sum(AccessChangesRow.changes))) or 0)


async def _counted(session: AsyncSession, site: str) -> int:
    """Count a change of a site; returns how many there are. Who counts holds the row: another writer of the site waits
    here until this one is done."""
    await put(session, AccessChangesRow, [{"site": site, "changes": 0}], by=("site",), change=())
    mine = update(AccessChangesRow).where(AccessChangesRow.site == site)
    await session.execute(mine.values(changes=AccessChangesRow.changes + 1))
    return await _sum(session)


def _of(key: GatewayKey) -> tuple[ColumnElement[bool], ...]:
    return (AccessListRow.site == key.site, AccessListRow.gateway == key.gateway)


def _written(row: AccessRecordRow) -> Written:
    record = msgspec.json.decode(row.record, type=TYPES[row.kind])
    return Written(row.site, record, row.rev, row.changed_at, row.changed_by)
