"""The record of commands that wait for a second person. Who decided is written once and never changed."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.engine import CursorResult

from cloud.audit.note import tell
from cloud.registry.database import Database
from cloud.registry.tables_identity import ApprovalRow


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
        _tell(row)
        still = (ApprovalRow.id == row.id, ApprovalRow.state == "waiting", ApprovalRow.until > at)
        async with self._database.writing() as session:
            done = await session.execute(
                update(ApprovalRow).where(*still).values(state=state, decided_by=by, decided_at=at, opinion=opinion)
            )
            assert isinstance(done, CursorResult)
            return done.rowcount > 0

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


def _tell(row: ApprovalRow) -> None:
    to = f"{row.site}/{row.gateway}/{row.device}/{row.point}"
    tell(command=row.id, to=to, action=row.action, value=row.value, asked_by=row.asked_by, why=row.reason)
