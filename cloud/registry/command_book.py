"""The record of commands: who gave them, and what became of them. An answer is written once and never changed."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.note import tell
from cloud.registry.database import Database
from cloud.registry.tables_identity import CommandRow
from cloud.store.contract import GatewayKey
from protocols.commands import Order

Beside = Callable[[AsyncSession], Awaitable[None]]
"""What is written in the transaction of a command; when it raises, neither is."""


class CommandBook:
    """Every command that was ever given."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(
        self, order: Order, by: str, *, approved_by: str = "", reason: str = "", beside: Beside | None = None
    ) -> None:
        """Write a command down before it is sent. Raises StoreUnavailable, and what ``beside`` raises; then it must not
        be sent."""
        to = f"{order.site}/{order.gateway}/{order.device}/{order.point}"
        tell(command=order.id, to=to, action=order.action, value=order.value, **({"why": reason} if reason else {}))
        async with self._database.writing() as session:
            if beside is not None:
                await beside(session)
            session.add(
                CommandRow(
                    id=order.id,
                    site=order.site,
                    gateway=order.gateway,
                    device=order.device,
                    point=order.point,
                    action=order.action,
                    value=order.value,
                    by=by,
                    issued_at=order.issued_at,
                    expires_at=order.expires_at,
                    state="sent",
                    approved_by=approved_by,
                    reason=reason,
                )
            )

    async def answer(self, number: str, key: GatewayKey, *, state: str, detail: str, at: int | None) -> bool:
        """What became of a command of this gateway; False when it is none of its, or was answered before.

        Without ``at`` it is no answer of the gateway, which may still come.
        """
        mine = (CommandRow.id == number, CommandRow.site == key.site, CommandRow.gateway == key.gateway)
        async with self._database.writing() as session:
            done = await session.execute(
                update(CommandRow)
                .where(*mine, CommandRow.answered_at.is_(None))
                .values(state=state, detail=detail, answered_at=at)
            )
            assert isinstance(done, CursorResult)
            return done.rowcount > 0

    async def find(self, number: str) -> CommandRow | None:
        """One of them."""
        async with self._database.reading() as session:
            return await session.get(CommandRow, number)

    async def newest(self, *, site: str | None, many: int) -> Sequence[CommandRow]:
        """The newest first."""
        chosen = select(CommandRow).order_by(CommandRow.issued_at.desc(), CommandRow.id).limit(many)
        if site is not None:
            chosen = chosen.where(CommandRow.site == site)
        async with self._database.reading() as session:
            return list(await session.scalars(chosen))
