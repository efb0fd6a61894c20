"""The record of commands that wait for a second person. Who decided is written once and never changed."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.note import tell
from cloud.registry.command_book import Beside
from cloud.registry.database import Database
from cloud.registry.tables_identity import ApprovalRow
from protocols.errors import Permanent


class AlreadyDecided(Permanent):
    """Somebody was faster, or it is over."""


class ApprovalBook:
    """Every approval that was ever asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, row: ApprovalRow, *, waiting_max: int, now_ms: int) -> bool:
        """Write down what is asked for; False when ``waiting_max`` wait already."""
        _tell(row)
        waits = (ApprovalRow.state == "waiting", ApprovalRow.until > now_ms)
        async with self._database.writing() as session:
            count = await session.scalar(select(func.count()).select_from(ApprovalRow).where(*waits))
            if (count or 0) >= waiting_max:
                return False
            session.add(row)
        return True

    async def decide(self, row: ApprovalRow, *, state: str, by: str, opinion: str, at: int) -> bool:
        """Decide what still waits; False when somebody was faster, or it is over."""
        async with self._database.writing() as session:
            return await _decide(session, row, state=state, by=by, opinion=opinion, at=at)

    def approving(self, row: ApprovalRow, *, by: str, at: int) -> Beside:
        """The approval as a part of the transaction of its command. It raises AlreadyDecided when somebody was faster,
        or it is over."""

        async def approve(session: AsyncSession) -> None:
            if not await _decide(session, row, state="approved", by=by, opinion="", at=at):
                raise AlreadyDecided(f"{row.id} does not wait any more")

        return approve

    async def find(self, number: str) -> ApprovalRow | None:
        """One of them."""
        async with self._database.reading() as session:
            return await session.get(ApprovalRow, number)

    async def waiting(self, now_ms: int, many: int) -> Sequence[ApprovalRow]:
        """What nobody decided and is not over, the oldest first."""
        chosen = select(ApprovalRow).where(ApprovalRow.state == "waiting", ApprovalRow.until > now_ms)
        async with self._database.reading() as session:
            return list(await session.scalars(chosen.order_by(ApprovalRow.asked_at, ApprovalRow.id).limit(many)))

    async def newest(self, *, site: str | None, many: int) -> Sequence[ApprovalRow]:
        """The newest first."""
        chosen = select(ApprovalRow).order_by(ApprovalRow.asked_at.desc(), ApprovalRow.id).limit(many)
        if site is not None:
            chosen = chosen.where(ApprovalRow.site == site)
        async with self._database.reading() as session:
            return list(await session.scalars(chosen))


async def _decide(session: AsyncSession, row: ApprovalRow, *, state: str, by: str, opinion: str, at: int) -> bool:
    _tell(row)
    still = (ApprovalRow.id == row.id, ApprovalRow.state == "waiting", ApprovalRow.until > at)
    decision = {"state": state, "decided_by": by, "decided_at": at, "opinion": opinion}
    done = await session.execute(update(ApprovalRow).where(*still).values(**decision))
    assert isinstance(done, CursorResult)
    return done.rowcount > 0


def _tell(row: ApprovalRow) -> None:
    to = f"{row.site}/{row.gateway}/{row.device}/{row.point}"
    tell(command=row.id, to=to, action=row.action, value=row.value, asked_by=row.asked_by, why=row.reason)
