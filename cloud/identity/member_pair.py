"""A member's own key and certificate towards the broker: made, asked for and renewed here, on the member's machine."""

import base64
import contextlib
import logging
from dataclasses import replace
from pathlib import Path

from cloud.identity.broker_files import is_ending
from cloud.identity.members import request_part
from cloud.identity.private_files import put
from cloud.ingest.subscriber import BrokerSettings, batches_of
from cloud.registry.member_book import MemberBook
from cloud.registry.tables_members import MemberRow
from protocols.certificates import (
    BadCertificate,
    Certificate,
    check_issued,
    make_request,
    member_name,
    new_key,
    public_key,
    read_certificate,
    read_request,
    sign_with,
)
from protocols.clock import Clock

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0


class MemberPair:
    """``ready`` before the first connection, ``look`` from time to time after it. The key never leaves the folder."""

    def __init__(self, folder: Path, member: str, book: MemberBook, clock: Clock) -> None:
        self._book, self._clock, self._member = book, clock, member
        name = member_name(member)
        self.path, self.ca_path = folder / f"{name}.pem", folder / f"{name}.ca.pem"
        """Key and certificate in one file, and whom to trust."""
        self._next = folder / f"{name}.next.key"
        self.share = ""
        """The name of the shared subscription; known once ``look`` said that all is there."""
        self._said = ""

    async def ready(self) -> None:
        """Wait until there is a certificate that holds. Raises StoreUnavailable."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while not await self.look():
            await self._clock.sleep(ASK_EVERY_S)

    async def look(self) -> bool:
        """Ask for the first or the next certificate when it is time, and take what was given; True when one holds.

        Raises StoreUnavailable.
        """
        row = await self._book.find(self._member)
        if row is None or row.revoked_at is not None:
            was = "was revoked" if row is not None else "is none of the group"
            self._say(f"{self._member} {was}; let it in: dayuan-cloud member add {self._member}")
            return False
        held = await self._held()
        if held is not None and not is_ending(held, self._clock.now_ms()):
            self._say("")
            self.share = row.share
            return True
        if taken := self._take(row):
            log.info("the certificate of %s is there", self._member)
            held = taken
        else:
            await self._ask(row, held)
            if row.refused and row.answered == row.request:
                self._say(f"the desk gives {self._member} no certificate: {row.refused}")
        self.share = row.share
        return held is not None and held.not_after > self._clock.now_ms()

    def shown_by(self, settings: BrokerSettings) -> BrokerSettings:
        """Settings of a connection with this certificate, to the group's shared subscription. After ``ready``."""
        return replace(
            settings,
            client_id=member_name(self._member),
            ca_file=self.ca_path,
            pair_file=lambda: self.path,
            filters=(batches_of(self.share),),
        )

    async def _held(self) -> Certificate | None:
        """What lies here, unless it was taken back."""
        try:
            content = self.path.read_bytes()
            found = read_certificate(content[content.index(b"-----BEGIN CERTIFICATE") :])
        except (OSError, ValueError, BadCertificate):
            return None
        valid = await self._book.valid_certificates(self._member)
        return found if any(found.serial == each.serial for each in valid) else None

    def _take(self, row: MemberRow) -> Certificate | None:
        """The certificate that was given for the key that waits; None when there is none."""
        with contextlib.suppress(OSError, BadCertificate):
            key, ca = self._next.read_bytes(), row.authority.encode()
            found = read_certificate(row.certificate.encode())
            check_issued(found, read_certificate(ca))
            if found.public_key == public_key(key) and found.name == member_name(self._member):
                put(self.ca_path, ca)
                put(self.path, key + found.pem)
                self._next.unlink()
                return found
        return None

    async def _ask(self, row: MemberRow, held: Certificate | None) -> None:
        if not self._next.exists():
            put(self._next, new_key())
        key = self._next.read_bytes()
        with contextlib.suppress(BadCertificate):
            if row.request and read_request(row.request.encode()).public_key == public_key(key):
                return
        request = make_request(key, member_name(self._member)).decode("ascii")
        signature = b""
        if held is not None:
            signature = sign_with(self.path.read_bytes(), request_part(self._member, request))
        await self._book.ask(self._member, request, base64.b64encode(signature).decode("ascii"))

    def _say(self, what: str) -> None:
        if what != self._said:
            self._said = what
            if what:
                log.warning("%s", what)
