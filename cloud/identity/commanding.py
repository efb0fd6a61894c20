"""Commands to gateways: written down, signed, sent once, and answered by the gateway's own event."""

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from cloud.identity.authority import Authority
from cloud.ingest.contract import Committed
from cloud.registry.command_book import Beside, CommandBook
from cloud.registry.identity_book import IdentityBook
from cloud.registry.tables_identity import CommandRow
from cloud.store.contract import GatewayKey
from protocols.clock import MS_PER_S, Clock
from protocols.commands import LASTS_MS_MAX, Action, Order, new_id, seal_order
from protocols.errors import BadCommand, StoreUnavailable, WireLost
from protocols.topics import topic

log = logging.getLogger(__name__)

ANSWER_MS = 60_000
"""A gateway that says nothing so long after a command expired will hardly do."""
RESULTS = frozenset({"done", "refused", "unknown"})
DETAIL_MAX = 500

Publish = Callable[[str, bytes], Awaitable[None]]


class Approved(NamedTuple):
    """What two people stand for. ``number``: of the command; ``by``: the second of them; ``issuers``: both numbers;
    ``beside``: writes the approval down, in one transaction with the command."""

    number: str
    by: str
    issuers: tuple[int, int]
    beside: Beside


class Commanding:
    """``give`` sends a command; ``committed`` (a handler of the ingest path) takes the answers."""

    def __init__(
        self, authority: Authority, book: CommandBook, identities: IdentityBook, clock: Clock, publish: Publish
    ) -> None:
        self._authority, self._book, self._identities = authority, book, identities
        self._clock, self._publish = clock, publish

    async def check(self, key: GatewayKey, *, action: Action, value: float | None) -> None:
        """Raise BadCommand (``not_enrolled``, ``bad_command``) for what `give` would not send."""
        if value is not None and not math.isfinite(value):
            raise BadCommand("bad_command", "the value is no finite number")
        if (action == "set" and value is None) or (action in ("on", "off") and value is not None):
            raise BadCommand("bad_command", "set needs a value; on and off take none")
        enrolled = {each.key for each in await self._identities.enrolled() if each.revoked_at is None}
        if key not in enrolled:
            raise BadCommand("not_enrolled", f"{key.site}/{key.gateway} is not enrolled, so it obeys nobody")

    async def give(
        self,
        key: GatewayKey,
        *,
        device: str,
        point: str,
        action: Action,
        value: float | None,
        lasts_s: float,
        by: str,
        reason: str = "",
        approved: Approved | None = None,
    ) -> CommandRow:
        """Write a command down and send it, once. It is not repeated by anybody: whoever gave it looks at the answer.

        Raises BadCommand as `check` does, BadAuthority, StoreUnavailable, and what the approval raises; before it is
        written down nothing is sent.
        """
        await self.check(key, action=action, value=value)
        now = self._clock.now_ms()
        order = Order(
            id=approved.number if approved is not None else new_id(),
            nonce=new_id(),
            site=key.site,
            gateway=key.gateway,
            device=device,
            point=point,
            action=action,
            value=value,
            issued_at=now,
            expires_at=now + min(int(lasts_s * MS_PER_S), LASTS_MS_MAX),
            issuers=approved.issuers if approved is not None else (),
        )
        self._authority.open()
        payload = seal_order(order, self._authority.sign_command)
        if approved is None:
            await self._book.give(order, by, reason=reason)
        else:
            await self._book.give(order, by, approved_by=approved.by, reason=reason, beside=approved.beside)
        log.info("command %s by %s to %s/%s: %s: %s", order.id, by, *key, device, order.text)
        try:
            await self._publish(topic(*key, "cmd"), payload)
        except WireLost as error:
            detail = f"the broker did not confirm it: {error}"[:DETAIL_MAX]
            await self._book.answer(order.id, key, state="unknown", detail=detail, at=None)
        row = await self._book.find(order.id)
        assert row is not None
        return row

    async def find(self, number: str) -> CommandRow | None:
        """One command."""
        return await self._book.find(number)

    async def newest(self, *, site: str | None, many: int) -> Sequence[CommandRow]:
        """The newest first."""
        return await self._book.newest(site=site, many=many)

    def state_of(self, row: CommandRow) -> str:
        """``no_answer`` for one of which nothing was heard in time: nobody knows what became of it."""
        over = row.expires_at + ANSWER_MS < self._clock.now_ms()
        return "no_answer" if row.state == "sent" and over else row.state

    async def committed(self, committed: Committed) -> None:
        """Take the answers among the events of a commit."""
        for batch in committed.batches:
            for event in batch.events:
                number, result = event.data.get("id"), event.data.get("result")
                if event.kind != "command_result" or not isinstance(number, str) or result not in RESULTS:
                    continue
                key = GatewayKey(batch.site, batch.gateway)
                detail = str(event.data.get("detail") or "")[:DETAIL_MAX]
                try:
                    await self._book.answer(number, key, state=str(result), detail=detail, at=batch.stored_at)
                except StoreUnavailable as error:
                    log.warning("the answer to command %s is stored as an event only: %s", number[:40], error)
