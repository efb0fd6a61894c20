"""At the desk of a group: who is a member, what certificate it gets, and what the broker must know of that.

A member makes its key itself and asks through the registry, which both have; nothing secret lies there. A first request
is taken within an invitation (``dayuan-cloud member add``), a later one when the key of a valid certificate signed it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cloud.audit.note import Note, about
from cloud.identity.authority import Authority
from cloud.identity.broker_files import refresh_access
from cloud.registry.member_book import MemberBook
from cloud.registry.tables_members import MemberRow
from cloud.settings import CloudSettings
from protocols.certificates import BadCertificate, Request, member_name, read_request, was_signed_by
from protocols.clock import MS_PER_S, Clock
from protocols.enrolment import decoded
from protocols.errors import Permanent, WireLost

log = logging.getLogger(__name__)

INVITED_S = 3600.0
CERTIFICATES_MAX = 5
"""Of one member at once; two are usual while one follows the other."""
REASON_MAX = 200
CUT_OFF_TRIES = 4
"""A revoked one is cut off at so many looks: the broker may read its new list late."""

Takeover = Callable[[str], Awaitable[None]]


class NotAMember(Permanent):
    """What is asked for of a member that cannot be; the message says why."""


def request_part(name: str, request: str) -> bytes:
    """What a member signs with the key it has, to get a certificate for the next one."""
    return f"dayuan member\n{name}\n{request}".encode()


class Members:
    """``add``, ``revoke`` and ``tell_broker`` beside a running desk; ``look`` is one round of it."""

    def __init__(self, settings: CloudSettings, authority: Authority, book: MemberBook, clock: Clock) -> None:
        self._settings, self._authority, self._book, self._clock = settings, authority, book, clock
        self.takeover: Takeover | None = None
        """Ends the session of one of that name at the broker; given by the wiring."""
        self._revoked: dict[str, int] = {}
        """Name -> how often it is to be cut off still."""
        self._known: frozenset[str] = frozenset()
        """Who was revoked at the last look; none at a start, as nobody may have cut them off meanwhile."""

    async def add(self, name: str, *, lasts_s: float = INVITED_S) -> None:
        """Let a member ask for a certificate, once. Raises NotAMember."""
        group = self._settings.group
        if group is None or not self._settings.own_certificate:
            raise NotAMember("members with certificates need name under [group], and own_certificate under [broker]")
        if name == "desk":
            raise NotAMember("desk is the one that `run` starts; it has the collector's certificate")
        try:
            member_name(name)
        except BadCertificate as error:
            raise NotAMember(str(error)) from None
        until = self._clock.now_ms() + int(lasts_s * MS_PER_S)
        await self._book.invite(name, group=group.name, until=until)

    async def revoke(self, name: str, reason: str = "") -> None:
        """Take a member's certificates back. Raises NotAMember when there is none of that name."""
        if not await self._book.revoke(name, " ".join(reason.split())[:REASON_MAX]):
            raise NotAMember(f"{name} is no member (see: dayuan-cloud member list)")
        log.warning("member %s of the group is revoked", name)

    async def names(self) -> list[str]:
        """Who the broker is to let in. Raises StoreUnavailable."""
        return [row.name for row in await self._book.all() if row.revoked_at is None]

    async def tell_broker(self) -> bool:
        """Bring its access list up to date; False when it could not be told. Raises BadAuthority, StoreUnavailable."""
        folder = self._settings.broker_files
        if folder is None:
            return False
        return await asyncio.to_thread(refresh_access, folder, await self.names())

    async def look(self) -> None:
        """The broker first, so that who gets a certificate is let in with it; who was revoked is cut off also when it
        cannot be told. Raises BadAuthority, StoreUnavailable."""
        rows = await self._book.all()
        if not rows:
            return
        is_told = False
        try:
            if self._settings.broker_files is not None:
                await self.tell_broker()
            is_told = True
            await asyncio.to_thread(self._authority.open)
            for row in rows:
                if row.request and row.request != row.answered and row.revoked_at is None:
                    await self._answer(row)
        finally:
            await self._cut_off(frozenset(row.name for row in rows if row.revoked_at is not None), is_told=is_told)

    async def _answer(self, row: MemberRow) -> None:
        try:
            request = read_request(row.request.encode("ascii", "replace"))
            held = await self._book.valid_certificates(row.name)
            is_known = any(was_signed_by(each, _signature(row), request_part(row.name, row.request)) for each in held)
            if not is_known and self._clock.now_ms() >= row.invited_until:
                raise NotAMember(f"its key is not known here; let it ask: dayuan-cloud member add {row.name}")
            if len(held) >= CERTIFICATES_MAX:
                raise NotAMember(f"{len(held)} certificates of it hold already")
        except (BadCertificate, NotAMember) as error:
            log.warning("member %s gets no certificate: %s", row.name, error)
            await self._book.refuse(row.name, row.request, str(error))
            return
        await self._issue(row, request)

    async def _issue(self, row: MemberRow, request: Request) -> None:
        certificate = self._authority.issue_gateway(request, member_name(row.name))
        with about(Note("member certificate", actor="collector", via="system")):
            given = await self._book.answer(row.name, row.request, certificate, self._authority.certificate.pem)
        if given:
            log.warning("member %s of the group has a certificate", row.name)

    async def _cut_off(self, revoked: frozenset[str], *, is_told: bool) -> None:
        """While the broker is not told they come back, so until then no try counts."""
        self._revoked |= dict.fromkeys(revoked - self._known, CUT_OFF_TRIES)
        self._known = revoked
        for name, tries in list(self._revoked.items()):
            if name not in revoked or tries == 0:
                del self._revoked[name]
                continue
            self._revoked[name] = tries - 1 if is_told else tries
            try:
                if self.takeover is not None:
                    await self.takeover(member_name(name))
            except WireLost as error:
                log.warning("the session of member %s may still stand: %s", name, error)


def _signature(row: MemberRow) -> bytes:
    return decoded(row.signature)
