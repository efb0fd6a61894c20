"""The record of site files: revisions and answers are only added, never changed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cloud.audit.note import tell
from cloud.registry.database import Database
from cloud.registry.tables_site_files import SiteFileAnswerRow, SiteFileRow, SiteFileToldRow
from cloud.store.contract import GatewayKey
from protocols.birth import SiteFileBirth
from protocols.site_config import sha256_of

BOX, COLLECTOR = "box", "collector"
BY_THE_BOX = "the box"

Also = Callable[[AsyncSession, SiteFileRow], Awaitable[None]]


class Running(NamedTuple):
    """What a gateway runs, and its newest revision."""

    sha256: str
    newest: int


class SiteFileBook:
    """Every revision of every gateway. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(
        self,
        key: GatewayKey,
        text: str,
        *,
        origin: str,
        bases: Sequence[str],
        by: str,
        why: str,
        at: int,
        not_before: int,
        confirm_within_s: int,
        after: int | None = None,
        also: Also | None = None,
    ) -> SiteFileRow | None:
        """Write the next revision down; None when ``after`` is not the newest any more.

        ``also`` is done in the same transaction, which is undone when it raises. Numbers go on above what the gateway
        has judged, whatever this registry remembers of it.
        """
        name = sha256_of(text.encode())
        async with self.database.writing() as session:
            newest = await session.scalar(select(func.max(SiteFileRow.revision)).where(*_of(SiteFileRow, key)))
            if after is not None and (newest or 0) != after:
                return None
            judged = await session.scalar(select(SiteFileToldRow.highest).where(*_of(SiteFileToldRow, key)))
            row = SiteFileRow(
                site=key.site,
                gateway=key.gateway,
                revision=max(newest or 0, (judged or 0) if origin == COLLECTOR else 0) + 1,
                origin=origin,
                sha256=name,
                text=text,
                bases=" ".join(bases),
                by=by,
                why=why,
                made_at=at,
                not_before=not_before,
                confirm_within_s=confirm_within_s,
            )
            tell(gateway=f"{key.site}/{key.gateway}", revision=row.revision, sha256=name)
            session.add(row)
            if also is not None:
                await also(session, row)
        return row

    async def answer(
        self,
        key: GatewayKey,
        revision: int,
        *,
        state: str,
        detail: str,
        setting: str,
        line: int,
        at: int,
        reason: str = "",
        devices: str = "",
    ) -> None:
        """What a gateway said of a revision. ``setting``: the key that is wrong."""
        async with self.database.writing() as session:
            session.add(
                SiteFileAnswerRow(
                    site=key.site,
                    gateway=key.gateway,
                    revision=revision,
                    state=state,
                    detail=detail,
                    key=setting,
                    line=line,
                    at=at,
                    reason=reason,
                    devices=devices,
                )
            )

    async def told(self, key: GatewayKey, said: SiteFileBirth, at: int) -> None:
        """What a gateway says that it runs."""
        async with self.database.writing() as session:
            await session.merge(
                SiteFileToldRow(
                    site=key.site,
                    gateway=key.gateway,
                    sha256=said.sha256,
                    source=said.source,
                    state=said.state,
                    revision=said.revision,
                    at=at,
                    highest=said.highest,
                )
            )

    async def judged(self, key: GatewayKey, highest: int) -> bool:
        """How far a gateway has judged; False when that was known."""
        async with self.database.writing() as session:
            row = await session.get(SiteFileToldRow, (key.site, key.gateway))
            if row is None or row.highest >= highest:
                return False
            row.highest = highest
            return True

    async def now(self, key: GatewayKey) -> SiteFileToldRow | None:
        """What it said last; None when it never did."""
        async with self.database.reading() as session:
            return await session.get(SiteFileToldRow, (key.site, key.gateway))

    async def revisions(self, key: GatewayKey, many: int) -> list[SiteFileRow]:
        """The newest first."""
        chosen = select(SiteFileRow).where(*_of(SiteFileRow, key)).order_by(SiteFileRow.revision.desc()).limit(many)
        async with self.database.reading() as session:
            return list(await session.scalars(chosen))

    async def find(self, key: GatewayKey, revision: int) -> SiteFileRow | None:
        """One of them."""
        chosen = select(SiteFileRow).where(*_of(SiteFileRow, key), SiteFileRow.revision == revision)
        async with self.database.reading() as session:
            return await session.scalar(chosen)

    async def of_text(self, key: GatewayKey, sha256: str) -> SiteFileRow | None:
        """The newest revision of a gateway with this text."""
        chosen = select(SiteFileRow).where(*_of(SiteFileRow, key), SiteFileRow.sha256 == sha256)
        async with self.database.reading() as session:
            return await session.scalar(chosen.order_by(SiteFileRow.revision.desc()).limit(1))

    async def all_running(self) -> list[tuple[GatewayKey, Running, str]]:
        """Every gateway that said which file it runs, where its text is known: that, and the text."""
        table, told = SiteFileRow, SiteFileToldRow
        other = aliased(SiteFileRow)
        same = (other.site == told.site, other.gateway == told.gateway)
        newest = select(func.max(other.revision)).where(*same).correlate(told).scalar_subquery()
        of_text = select(func.max(other.id)).where(*same, other.sha256 == told.sha256).correlate(told)
        chosen = select(told.site, told.gateway, told.sha256, newest, table.text)
        chosen = chosen.join(table, table.id == of_text.scalar_subquery())
        async with self.database.reading() as session:
            rows = await session.execute(chosen)
            return [(GatewayKey(row[0], row[1]), Running(row[2], row[3]), row[4]) for row in rows]

    async def answers(self, key: GatewayKey) -> dict[int, SiteFileAnswerRow]:
        """The last word on each revision."""
        chosen = select(SiteFileAnswerRow).where(*_of(SiteFileAnswerRow, key)).order_by(SiteFileAnswerRow.id)
        async with self.database.reading() as session:
            return {row.revision: row for row in await session.scalars(chosen)}

    async def wanted(self, after: int) -> list[SiteFileRow]:
        """Revisions of the collector's own with an id above ``after``, in the order they were made."""
        chosen = select(SiteFileRow).where(SiteFileRow.id > after, SiteFileRow.origin == COLLECTOR)
        async with self.database.reading() as session:
            return list(await session.scalars(chosen.order_by(SiteFileRow.id)))

    async def unanswered(self) -> list[SiteFileRow]:
        """Of each gateway the wanted revision, when nothing was heard of it."""
        newest = (
            select(func.max(SiteFileRow.id))
            .where(SiteFileRow.origin == COLLECTOR)
            .group_by(SiteFileRow.site, SiteFileRow.gateway)
        )
        answered = (
            select(SiteFileAnswerRow.id)
            .where(
                SiteFileAnswerRow.site == SiteFileRow.site,
                SiteFileAnswerRow.gateway == SiteFileRow.gateway,
                SiteFileAnswerRow.revision == SiteFileRow.revision,
            )
            .exists()
        )
        async with self.database.reading() as session:
            return list(await session.scalars(select(SiteFileRow).where(SiteFileRow.id.in_(newest), ~answered)))


def _of(table: type[SiteFileRow] | type[SiteFileAnswerRow] | type[SiteFileToldRow], key: GatewayKey):  # type: ignore[no-untyped-def]
    return table.site == key.site, table.gateway == key.gateway
