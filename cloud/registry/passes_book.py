"""Passes of visitors at rest, and when they were seen at a gate."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select, update

from cloud.registry.database import Database
from cloud.registry.tables import AlarmRow
from cloud.registry.tables_places import PassageRow, PassRow
from cloud.registry.upsert import put
from cloud.visitors.visit import Pass, Passage
from protocols.errors import Permanent

ANSWER_MAX = 5_000
PASSAGES_MAX = 500


class PassChanged(Permanent):
    """The pass is not at the expected revision any more; ``now`` is how it is."""

    def __init__(self, now: Pass) -> None:
        self.now = now
        super().__init__(f"the pass is at revision {now.rev} now")


class PassesBook:
    """Reads and writes passes and passages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, site: str | None, since: int, until: int, *, limit: int = ANSWER_MAX) -> list[Pass]:
        """Passes whose window overlaps [since, until), by their beginning."""
        query = (
            select(PassRow)
            .where(PassRow.from_at < until, PassRow.until_at > since)
            .order_by(PassRow.from_at, PassRow.id)
            .limit(limit)
        )
        if site is not None:
            query = query.where(PassRow.site == site)
        async with self._database.reading() as session:
            return [pass_of(row) for row in await session.scalars(query)]

    async def begun(self, until: int) -> list[Pass]:
        """Passes of people whose window ended before and who were seen at a gate."""
        seen = select(PassageRow.pass_id).where(PassageRow.pass_id == PassRow.id).exists()
        query = select(PassRow).where(PassRow.until_at <= until, PassRow.name != "", seen).order_by(PassRow.from_at)
        async with self._database.reading() as session:
            return [pass_of(row) for row in await session.scalars(query)]

    async def nameless(self, kind: str) -> list[Pass]:
        """Passes that were emptied and of which an alarm of this kind is still up."""
        source = PassRow.site + "/visitor:" + PassRow.id
        up = select(AlarmRow.id).where(AlarmRow.kind == kind, AlarmRow.ended_at.is_(None), AlarmRow.source == source)
        async with self._database.reading() as session:
            rows = await session.scalars(select(PassRow).where(PassRow.name == "", up.exists()))
            return [pass_of(row) for row in rows]

    async def made(self, site: str, since: int, until: int) -> list[int]:
        """When passes were made, in [since, until)."""
        query = (
            select(PassRow.created_at)
            .where(PassRow.site == site, PassRow.created_at >= since, PassRow.created_at < until)
            .limit(100_000)
        )
        async with self._database.reading() as session:
            return list(await session.scalars(query))

    async def find(self, name: str) -> Pass | None:
        async with self._database.reading() as session:
            row = await session.get(PassRow, name)
            return pass_of(row) if row is not None else None

    async def once(self, key: str) -> Pass | None:
        """What was made under this key before."""
        async with self._database.reading() as session:
            row = (await session.scalars(select(PassRow).where(PassRow.once == key))).one_or_none()
            return pass_of(row) if row is not None else None

    async def add(self, given: Pass, *, once: str | None) -> None:
        async with self._database.writing() as session:
            row = PassRow(**msgspec.structs.asdict(given))
            row.once = once
            session.add(row)

    async def change(self, given: Pass, *, was: int) -> Pass:
        """Write what is different; returns it with its new revision. Raises PassChanged."""
        async with self._database.writing() as session:
            row = await session.get(PassRow, given.id)
            if row is None or row.rev != was:
                raise PassChanged(pass_of(row) if row is not None else given)
            values = msgspec.structs.asdict(given) | {"rev": was + 1}
            await session.execute(update(PassRow).where(PassRow.id == given.id).values(**values))
        return msgspec.structs.replace(given, rev=was + 1)

    async def passages(self, passes: Sequence[str]) -> dict[str, list[Passage]]:
        """Of these passes, sorted."""
        found: dict[str, list[Passage]] = {}
        async with self._database.reading() as session:
            for start in range(0, len(passes), 500):
                query = select(PassageRow).where(PassageRow.pass_id.in_(passes[start : start + 500]))
                for row in await session.scalars(query):
                    found.setdefault(row.pass_id, []).append(Passage(row.at, row.way, row.gate, row.means))
        return {name: sorted(each) for name, each in found.items()}

    async def put_passages(self, passages: Sequence[tuple[str, Passage]]) -> None:
        """Write them down; those that are known already change nothing."""
        rows = [
            {"pass_id": name, "at": each.at, "way": each.way, "gate": each.gate, "means": each.means}
            for name, each in passages
        ]
        async with self._database.writing() as session:
            await put(session, PassageRow, rows, by=("pass_id", "at", "way"), change=())

    async def forget_before(self, before: int) -> None:
        """Forget passes that ended before, whole."""
        async with self._database.writing() as session:
            old = select(PassRow.id).where(PassRow.until_at < before)
            await session.execute(delete(PassageRow).where(PassageRow.pass_id.in_(old)))
            await session.execute(delete(PassRow).where(PassRow.until_at < before))


def pass_of(row: PassRow) -> Pass:
    """The pass as it stands there."""
    return Pass(**{name: getattr(row, name) for name in Pass.__struct_fields__})
