"""Enrolment, renewal and revocation: who may have a certificate. The keys are the authority's, the book is the
registry's.
"""

import base64
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from cloud.identity.authority import Authority
from cloud.registry.identity_book import Enrolled as EnrolledGateway
from cloud.registry.identity_book import IdentityBook
from cloud.registry.tables_identity import EnrolmentCodeRow
from cloud.store.contract import GatewayKey
from protocols.certificates import BadCertificate, Request, gateway_name, read_request, was_signed_by
from protocols.clock import MS_PER_S, Clock
from protocols.enrolment import (
    Enrolled,
    EnrolmentRequest,
    Greeting,
    RenewalRequest,
    Renewed,
    decoded,
    new_code,
    renewal_part,
    spell_code,
)
from protocols.errors import Permanent

log = logging.getLogger(__name__)

CODE_LASTS_S = 3600.0
CODE_LASTS_S_MAX = 24 * 3600.0
ATTEMPTS_MAX = 10
"""Requests with a wrong signature before a code counts no more."""
REASON_MAX = 200
CERTIFICATES_MAX = 5
"""Of one gateway at once; two are usual while one follows the other."""


class NotEnrolled(Permanent):
    """An enrolment, renewal or revocation that is refused. ``code`` is one stable word."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class NewCode(NamedTuple):
    """A code as it is shown, once."""

    code: str
    expires_at: int


class Enrolling:
    """The desk for identities. Every method opens the authority when it was not."""

    def __init__(self, authority: Authority, book: IdentityBook, clock: Clock) -> None:
        self._authority, self._book, self._clock = authority, book, clock
        self.enrolled: Callable[[], Awaitable[object]] | None = None
        """Called when a gateway has just been enrolled here, before it is told: it may send at once."""

    def greeting(self) -> Greeting:
        """Who we are, for anybody. Raises NotEnrolled while nobody was ever invited: a question makes no keys."""
        if not self._authority.exists:
            raise NotEnrolled("no_authority", "no gateway was ever invited here (dayuan-cloud gateway add)")
        self._authority.open()
        return Greeting(self._authority.certificate.pem.decode("ascii"), self._clock.now_ms())

    async def invite(self, key: GatewayKey, *, lasts_s: float = CODE_LASTS_S) -> NewCode:
        """A code with which one box becomes this gateway; a code it had before counts no more. Raises NotEnrolled."""
        if not 60 <= lasts_s <= CODE_LASTS_S_MAX:
            raise NotEnrolled("bad_time", "a code lasts from 1 min to 24 h")
        _named(key)
        self._authority.open()
        code = new_code(self._authority.certificate.fingerprint)
        expires_at = self._clock.now_ms() + int(lasts_s * MS_PER_S)
        await self._book.put_code(key, base64.b64encode(code.public).decode(), expires_at=expires_at)
        return NewCode(spell_code(code), expires_at)

    async def enrol(self, asked: EnrolmentRequest) -> Enrolled:
        """Give a certificate for a code. The same key asking again with the same code gets the same certificate, so an
        answer that was lost on the way costs nothing; any other key gets none. Raises NotEnrolled.
        """
        key = GatewayKey(asked.site, asked.gateway)
        name, request = _named(key), _request(asked.csr)
        code = await self._book.code(key)
        if code is None or code.attempts >= ATTEMPTS_MAX:
            raise _refused()
        if not asked.is_signed_by(decoded(code.public_key)):
            await self._book.count_attempt(key)
            log.warning("a wrong enrolment code for %s", name)
            raise _refused()
        self._authority.open()
        now = self._clock.now_ms()
        if code.used_at is None and now >= code.expires_at:
            raise NotEnrolled("code_expired", "this code is over; make a new one: dayuan-cloud gateway add " + name)
        if code.used_at is None:
            certificate = self._authority.issue_gateway(request, name)
            if await self._book.enrol(key, code.public_key, certificate):
                log.warning("gateway %s is enrolled", name)
                if self.enrolled is not None:
                    await self.enrolled()
                return self._answer(certificate.pem)
            code = await self._book.code(key)
            if code is None:
                raise _refused()
        given = await self._book.certificate(code.serial)
        is_over = now >= code.expires_at
        if given is None or is_over or given.public_key != request.public_key:
            text = f"this code was used already; if not by you, revoke it: dayuan-cloud gateway revoke {name}"
            raise NotEnrolled("code_used", text)
        return self._answer(given.pem)

    async def renew(self, key: GatewayKey, asked: RenewalRequest) -> Renewed:
        """The next certificate of a gateway, beside the one it has, for whoever holds the key of that one."""
        self._authority.open()
        try:
            name, request = _named(key), _request(asked.csr)
            message = renewal_part(key.site, key.gateway, asked.csr)
            signature = decoded(asked.signature)
            held = await self._book.valid_certificates(key)
            if not any(was_signed_by(each, signature, message) for each in held):
                raise NotEnrolled("not_yours", "only who holds a valid key of this gateway gets its next certificate")
            if len(held) >= CERTIFICATES_MAX:
                raise NotEnrolled("too_many", f"{len(held)} certificates of it hold already")
            again = next((each for each in held if each.public_key == request.public_key), None)
            certificate = again or self._authority.issue_gateway(request, name)
            if again is None and not await self._book.add_certificate(key, certificate):
                raise NotEnrolled("revoked", "this gateway was revoked")
        except NotEnrolled as refused:
            log.warning("no renewal for %s/%s: %s", *key, refused)
            return Renewed(refused=str(refused))
        if again is None:
            log.info("gateway %s has its next certificate", name)
        return Renewed(certificate.pem.decode("ascii"), self._authority.commands.pem.decode("ascii"))

    async def revoke(self, key: GatewayKey, reason: str = "") -> None:
        """Take a gateway's certificates back, and its code. Raises NotEnrolled when it is not enrolled."""
        if not await self._book.revoke(key, " ".join(reason.split())[:REASON_MAX]):
            raise NotEnrolled(
                "not_enrolled", f"{key.site}/{key.gateway} is not enrolled (see: dayuan-cloud gateway list)"
            )
        log.warning("gateway %s/%s is revoked", *key)

    async def listed(self) -> list[EnrolledGateway]:
        """All gateways that were ever enrolled, by name."""
        return await self._book.enrolled()

    async def codes(self) -> Sequence[EnrolmentCodeRow]:
        """Codes that were not used and are not over; none of them holds a secret."""
        return await self._book.codes()

    async def revocation_list(self) -> bytes:
        """For the broker, PEM."""
        self._authority.open()
        return self._authority.revocation_list(await self._book.revoked_serials())

    def _answer(self, certificate: bytes) -> Enrolled:
        authority = self._authority
        return Enrolled(
            certificate=certificate.decode("ascii"),
            ca=authority.certificate.pem.decode("ascii"),
            commands=authority.commands.pem.decode("ascii"),
            at=self._clock.now_ms(),
        )


def _named(key: GatewayKey) -> str:
    try:
        return gateway_name(*key)
    except BadCertificate as error:
        raise NotEnrolled("bad_name", str(error)) from None


def _request(csr: str) -> Request:
    try:
        return read_request(csr.encode("ascii", "replace"))
    except BadCertificate as error:
        raise NotEnrolled("bad_request", str(error)) from None


def _refused() -> NotEnrolled:
    text = "this code is not of this gateway, or is not known; make one: dayuan-cloud gateway add SITE/GATEWAY"
    return NotEnrolled("code_refused", text)
