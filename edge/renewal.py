"""The next certificate, asked for over the live link while the present one still holds.

The key of the next one is made here. The request is signed with the key of the present one, so nothing depends on what
the broker lets through. When the answer is on disk the link is closed and made anew with it; batches on their way are
sent again as after any loss.
"""

from __future__ import annotations

import asyncio
import base64
import logging

import msgspec

from edge.contract import Link, LinkMessage
from edge.identity import Identity
from protocols.certificates import BadCertificate, gateway_name, make_request, sign_with
from protocols.clock import Clock
from protocols.enrolment import ANSWER_BYTES_MAX, RenewalRequest, Renewed, renewal_part
from protocols.errors import WireLost
from protocols.topics import topic

log = logging.getLogger(__name__)

LOOK_EVERY_S = 3600.0
AGAIN_S = (60.0, 6 * 3600.0)
"""Between two requests without a good answer: doubling from the first to the last."""


class Renewal:
    """`run` beside each link; `hear` takes what comes on the channel ``cert``."""

    def __init__(self, identity: Identity, clock: Clock, *, site: str, gateway: str) -> None:
        self._identity, self._clock = identity, clock
        self._site, self._gateway = site, gateway
        self._answered = asyncio.Event()
        self._renewed = False
        self._asking = False
        self.trouble = ""
        """Why the last request brought no certificate; "" when it did, or none was made."""

    async def run(self, link: Link) -> None:
        """Renew when it is time; raises WireLost to have the link made anew with the new certificate."""
        pause_s = AGAIN_S[0]
        while True:
            due_s = self._identity.due_s()
            if due_s is None or due_s > 0:
                await self._clock.sleep(min(LOOK_EVERY_S, due_s or LOOK_EVERY_S))
                continue
            if await self._ask(link):
                raise WireLost("connecting anew with the renewed certificate")
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_S[1])
            if self._renewed:  # the answer came after all
                self._renewed = False
                raise WireLost("connecting anew with the renewed certificate")

    async def hear(self, message: LinkMessage) -> None:
        """Take an answer. What is not good is logged and changes nothing."""
        if message.retain or not self._asking or len(message.payload) > ANSWER_BYTES_MAX:
            return
        files = self._identity.files
        try:
            answer = msgspec.json.decode(message.payload, type=Renewed)
            if answer.refused:
                self.trouble = f"the collector gives no next one: {answer.refused}"
                log.error("the collector gives no next certificate: %s", answer.refused)
                return
            held = files.held()
            commands = answer.commands.encode("utf-8", "replace")
            certificate = answer.certificate.encode("utf-8", "replace")
            found = files.take(files.next_key(), certificate, held.authority.pem, commands, name=self._name())
        except (msgspec.DecodeError, UnicodeDecodeError, BadCertificate, OSError) as error:
            self.trouble = f"the next one cannot be taken: {error}"
            log.error("the next certificate cannot be taken: %s", error)
            return
        finally:
            self._answered.set()
        log.info("the next certificate is here, serial %x", found.serial)
        self._asking, self._renewed, self.trouble = False, True, ""

    async def _ask(self, link: Link) -> bool:
        """One request and its answer; True when the next certificate is on disk."""
        held = self._identity.held()
        if held is None:
            return False
        try:
            csr = make_request(self._identity.files.next_key(), self._name()).decode("ascii")
        except (BadCertificate, OSError) as error:
            self.trouble = f"no key for the next one: {error}"
            log.error("no key for the next certificate: %s", error)
            return False
        signature = sign_with(held.key, renewal_part(self._site, self._gateway, csr))
        request = RenewalRequest(csr, base64.b64encode(signature).decode())
        self._answered.clear()
        self._renewed, self._asking = False, True
        await link.publish(topic(self._site, self._gateway, "renew"), msgspec.json.encode(request))
        waiting = asyncio.get_running_loop().create_task(self._answered.wait(), name="renewal-answer")
        giving_up = asyncio.get_running_loop().create_task(self._clock.sleep(AGAIN_S[0]), name="renewal-patience")
        try:
            await asyncio.wait({waiting, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            giving_up.cancel()
        renewed, self._renewed = self._renewed, False
        if not renewed and not self._answered.is_set():
            self.trouble = "the collector does not answer a request for the next one"
        return renewed

    def _name(self) -> str:
        return gateway_name(self._site, self._gateway)
