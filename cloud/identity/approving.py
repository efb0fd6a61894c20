"""Dangerous points: a command waits until a second person has approved it, and only then is signed and sent.

Both are people with a login; a token is nobody. The gateway holds to it by itself: it refuses an order for such a point
that one person stands for. So what is decided here can be refused there, and never the other way round.
"""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from cloud.identity.commanding import Approved, Commanding
from cloud.registry.approval_book import AlreadyDecided, ApprovalBook
from cloud.registry.roles import Right, may
from cloud.registry.tables_identity import ApprovalRow, CommandRow
from cloud.registry.users import Users
from cloud.store.contract import GatewayKey
from protocols.clock import MS_PER_S, Clock
from protocols.commands import Action, new_id
from protocols.errors import Permanent

log = logging.getLogger(__name__)

WAITS_MS = 300 * MS_PER_S
"""How long a second person has; the order itself is issued, and begins to expire, when it is approved."""
WAITING_MAX = 100


class Person(NamedTuple):
    """Who asks or decides. ``number``: of the user, which goes into the order."""

    name: str
    number: int


class NotApproved(Permanent):
    """What cannot be asked for or decided. ``code`` is one stable word."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Approving:
    """`ask`, then `approve` by another person or `reject` by anybody who may command."""

    def __init__(
        self,
        book: ApprovalBook,
        commanding: Commanding,
        users: Users,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """``changed`` is told when something is asked for or decided."""
        self._book, self._commanding, self._users, self._clock = book, commanding, users, clock
        self._changed = changed

    async def ask(
        self,
        key: GatewayKey,
        *,
        device: str,
        point: str,
        action: Action,
        value: float | None,
        lasts_s: float,
        reason: str,
        by: Person,
    ) -> ApprovalRow:
        """Have a command wait for a second person. Raises BadCommand as `Commanding.check`, and NotApproved
        (``too_many``)."""
        await self._commanding.check(key, action=action, value=value)
        now = self._clock.now_ms()
        row = ApprovalRow(
            id=new_id(),
            site=key.site,
            gateway=key.gateway,
            device=device,
            point=point,
            action=action,
            value=value,
            lasts_ms=int(lasts_s * MS_PER_S),
            reason=reason,
            asked_by=by.name,
            asked_by_id=by.number,
            asked_at=now,
            until=now + WAITS_MS,
            state="waiting",
        )
        if not await self._book.ask(row, waiting_max=WAITING_MAX, now_ms=now):
            raise NotApproved("too_many", f"{WAITING_MAX} commands wait for a second person already")
        self._changed()
        log.info("command %s of %s waits for a second person", row.id, by.name)
        return row

    async def approve(self, number: str, by: Person) -> CommandRow:
        """Sign and send it, once, in the names of both. It is approved when its command is written down, and waits on
        when that cannot be done.

        Raises NotApproved: ``unknown_approval``, ``same_person``, ``asker_may_not`` (shut out, or of another role by
        now), ``decided`` and ``expired``; and what `Commanding.give` raises.
        """
        row = await self._waiting(number)
        if row.asked_by_id == by.number:
            raise NotApproved("same_person", "whoever asked cannot approve; it takes another person")
        asker = await self._users.find(row.asked_by)
        still = asker is not None and asker.id == row.asked_by_id and not asker.disabled
        if asker is None or not still or not may(asker.grants, Right.DISPATCH, row.site):
            raise NotApproved("asker_may_not", f"{row.asked_by} may not give commands at {row.site} any more")
        key, action = GatewayKey(row.site, row.gateway), cast(Action, row.action)
        await self._commanding.check(key, action=action, value=row.value)
        beside = self._book.approving(row, by=by.name, at=self._clock.now_ms())
        try:
            given = await self._commanding.give(
                key,
                device=row.device,
                point=row.point,
                action=action,
                value=row.value,
                lasts_s=row.lasts_ms / MS_PER_S,
                by=row.asked_by,
                reason=row.reason,
                approved=Approved(row.id, by.name, (row.asked_by_id, by.number), beside),
            )
        except AlreadyDecided:
            raise await self._faster(number) from None
        finally:
            self._changed()
        log.info("command %s of %s is approved by %s", row.id, row.asked_by, by.name)
        return given

    async def reject(self, number: str, by: Person, opinion: str) -> ApprovalRow:
        """It will not be sent; whoever asked may also take it back by this. Raises NotApproved as `approve`."""
        row = await self._waiting(number)
        if not await self._book.decide(row, state="rejected", by=by.name, opinion=opinion, at=self._clock.now_ms()):
            raise await self._faster(number)
        self._changed()
        log.info("command %s of %s is rejected by %s", row.id, row.asked_by, by.name)
        found = await self._book.find(number)
        assert found is not None
        return found

    async def find(self, number: str) -> ApprovalRow | None:
        """One, decided or not."""
        return await self._book.find(number)

    async def newest(self, *, site: str | None, many: int) -> Sequence[ApprovalRow]:
        """The newest first."""
        return await self._book.newest(site=site, many=many)

    def state_of(self, row: ApprovalRow) -> str:
        """``expired`` for one that nobody decided in time."""
        return "expired" if row.state == "waiting" and row.until <= self._clock.now_ms() else row.state

    async def _waiting(self, number: str) -> ApprovalRow:
        row = await self._book.find(number)
        if row is None:
            raise NotApproved("unknown_approval", f"nothing of the number {number} was asked for")
        state = self.state_of(row)
        if state == "expired":
            raise NotApproved("expired", "nobody approved it in time; ask again")
        if state != "waiting":
            raise NotApproved("decided", f"it is {state} already, by {row.decided_by}")
        return row

    async def _faster(self, number: str) -> NotApproved:
        """Why it could not be decided."""
        try:
            await self._waiting(number)
        except NotApproved as error:
            return error
        return NotApproved("decided", "somebody was faster")
