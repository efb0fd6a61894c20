"""Identities while the collector runs: whose batches are refused, renewals, and the sessions of who was revoked.

What is decided by a command beside the collector is seen here within `LOOK_EVERY_S`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.broker_files import refresh_revocations
from cloud.identity.enrolling import Enrolling
from cloud.identity.members import Members
from cloud.registry.identity_book import IdentityBook
from cloud.settings import CloudSettings
from cloud.store.contract import GatewayKey
from protocols.clock import Clock
from protocols.enrolment import RenewalRequest
from protocols.errors import StoreUnavailable, WireLost
from protocols.topics import topic

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TAKEOVER_AFTER_S = (0.0, 5.0, 20.0, 45.0)
"""After a revocation its session is ended so often: the broker may read its new list late."""
RENEWALS_WAITING_MAX = 1000

Publish = Callable[[str, bytes], Awaitable[None]]
Takeover = Callable[[GatewayKey], Awaitable[None]]


class IdentityService:
    """``load`` before the first batch, ``run`` beside the rest; the wiring gives ``publish`` and ``takeover``."""

    def __init__(
        self, settings: CloudSettings, authority: Authority, enrolling: Enrolling, book: IdentityBook, clock: Clock
    ) -> None:
        self._settings, self._authority, self._enrolling = settings, authority, enrolling
        self._book, self._clock = book, clock
        self._enrolled: frozenset[GatewayKey] = frozenset()
        self._revoked: frozenset[GatewayKey] = frozenset()
        self._serials: tuple[int, ...] | None = None
        self._renewals: asyncio.Queue[tuple[GatewayKey, bytes]] = asyncio.Queue(RENEWALS_WAITING_MAX)
        """When it is full the newest is dropped: the gateway asks again."""
        self.publish: Publish | None = None
        self.takeover: Takeover | None = None
        self.members: Members | None = None
        """Of a group, at its desk."""
        self._fresh: set[GatewayKey] = set()
        """Revoked, and not cut off yet."""
        self._untold: set[GatewayKey] = set()
        """Cut off while the broker could not be told, so that they may be back: again when it is told."""
        self._troubles: set[str] = set()
        enrolling.enrolled = self.load

    def refusal(self, key: GatewayKey) -> str | None:
        """Why nothing of this gateway is taken: ``revoked``, ``not_enrolled`` or None. May be asked from any thread."""
        if key in self._revoked:
            return "revoked"
        if self._settings.require_enrolment and key not in self._enrolled:
            return "not_enrolled"
        return None

    def is_enrolled(self, key: GatewayKey) -> bool:
        """Whether the gateway has a certificate that holds, so that it knows our signature."""
        return key in self._enrolled

    async def load(self) -> None:
        """Read the book. Raises StoreUnavailable."""
        found = await self._book.enrolled()
        revoked = frozenset(each.key for each in found if each.revoked_at is not None)
        self._fresh |= revoked - self._revoked
        self._revoked = revoked
        self._enrolled = frozenset(each.key for each in found if each.revoked_at is None)

    def take_renewal(self, key: GatewayKey, payload: bytes) -> None:
        """A gateway asks for its next certificate."""
        try:
            self._renewals.put_nowait((key, payload))
        except asyncio.QueueFull:
            log.warning("too many renewals at once; %s/%s must ask again", *key)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._renew(), name="identity-renewals")
            while True:
                await self._clock.sleep(LOOK_EVERY_S)
                for key in await self._look():
                    tasks.create_task(self._cut_off(key), name=f"identity-cut-off[{key.site}/{key.gateway}]")

    async def _look(self) -> list[GatewayKey]:
        """Bring what the broker knows up to date; whose sessions are to be ended, whether or not that could be done."""
        await self._tried("who was revoked is not known now", self.load)
        told = await self._tried("the broker's list of revoked certificates is not up to date", self._tell_broker)
        if self.members is not None:
            await self._tried("members of the group are not looked after now", self.members.look)
        fresh, self._fresh = self._fresh, set()
        if told:
            fresh, self._untold = fresh | self._untold, set()
        else:
            self._untold |= fresh
        return sorted(fresh)

    async def _tried(self, trouble: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it could be done; that it cannot is logged once, and again when it can."""
        try:
            await work()
        except (StoreUnavailable, BadAuthority) as error:
            if trouble not in self._troubles:
                log.warning("%s: %s", trouble, error)
            self._troubles.add(trouble)
            return False
        if trouble in self._troubles:
            log.warning("no longer: %s", trouble)
            self._troubles.remove(trouble)
        return True

    async def _tell_broker(self) -> None:
        """Keep the broker's list as the book is; also certificates that end without a revoked gateway (a new box)."""
        folder = self._settings.broker_files
        if folder is None or not self._authority.exists:
            return
        serials = tuple(serial for serial, _ in await self._book.revoked_serials())
        if serials == self._serials:
            return
        crl = await self._enrolling.revocation_list()
        told = await asyncio.to_thread(refresh_revocations, folder, crl)
        self._serials = serials
        if not told and serials:
            log.warning("the broker could not be told of %s; let it read it again (systemctl reload)", folder)

    async def _cut_off(self, key: GatewayKey) -> None:
        """End the session of a revoked gateway: a client of its name takes its place for an instant."""
        if self.takeover is None:
            return
        waited_s = 0.0
        for after_s in TAKEOVER_AFTER_S:
            await self._clock.sleep(after_s - waited_s)
            waited_s = after_s
            if key not in self._revoked:
                return
            try:
                await self.takeover(key)
            except WireLost as error:
                log.warning("the session of %s/%s may still stand: %s", *key, error)

    async def _renew(self) -> None:
        while True:
            key, payload = await self._renewals.get()
            try:
                asked = msgspec.json.decode(payload, type=RenewalRequest)
                answer = await self._enrolling.renew(key, asked)
                if self.publish is not None:
                    await self.publish(topic(*key, "cert"), msgspec.json.encode(answer))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                log.warning("a renewal of %s/%s cannot be read: %s", *key, error)
            except (StoreUnavailable, BadAuthority, WireLost) as error:
                log.warning("%s/%s must ask again for its next certificate: %s", *key, error)
