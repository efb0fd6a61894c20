"""One collector of a group that takes in batches: broker -> inbox -> shared ledger -> acks. No page, no live state.

The wiring of ``dayuan-cloud ingest``. What is stored reaches people through the one at the desk (``dayuan-cloud run``
on the same settings), which follows the ledger.
"""

import asyncio
import logging
import random
import signal
from collections.abc import Callable

from cloud.identity.authority import Authority
from cloud.identity.enrolling import Enrolling
from cloud.identity.member_pair import MemberPair
from cloud.identity.service import LOOK_EVERY_S, IdentityService
from cloud.ingest.commit import GroupCommit
from cloud.ingest.contract import AlarmArgs
from cloud.ingest.message import Inbox
from cloud.ingest.outbox import AckOutbox
from cloud.ingest.prepare import Preparer
from cloud.ingest.shared import SharedCommit
from cloud.ingest.subscriber import BrokerSettings, Subscriber, batches_of
from cloud.registry.identity_book import IdentityBook
from cloud.registry.member_book import MemberBook
from cloud.registry.opening import registry_of
from cloud.settings import CloudSettings
from cloud.store.failpoint import fail_points
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_member import MemberLedger, Telling
from cloud.version import version
from protocols.clock import Clock
from protocols.errors import BadSettings, StoreUnavailable

log = logging.getLogger(__name__)

BEAT_EVERY_S = 2.0
TELLINGS_MAX = 1_000
KEEPALIVE_S = 10
"""The broker hands batches to one that stands still until it notices; they come again after the gateways' patience."""
DESK = "desk"


class Member:
    """``open``, then ``run`` until cancelled; ``close`` always."""

    def __init__(self, settings: CloudSettings, clock: Clock) -> None:
        group, registry = settings.group, settings.registry_server
        if group is None or registry is None:
            raise BadSettings(
                "these settings name no group; set name under [group]", file=str(settings.path or "defaults")
            )
        if group.member == DESK:
            raise BadSettings(
                "who is this one? `desk` is the one that `run` starts; write --member c1, another for each",
                file="command line",
                key="--member",
            )
        self.name = group.member
        self._clock = clock
        self._database = registry_of(settings, clock)
        self._ledger = MemberLedger(LedgerFile(registry, shared=True))
        book, authority = IdentityBook(self._database, clock), Authority(settings.identity_path, clock)
        self._identities = IdentityService(settings, authority, Enrolling(authority, book, clock), book, clock)
        self._pair: MemberPair | None = None
        if settings.own_certificate:
            self._pair = MemberPair(settings.identity_path, group.member, MemberBook(self._database, clock), clock)
        self._told: list[Telling] = []
        self._started_at = clock.now_ms()
        self.batches = self.readings = 0
        inbox = Inbox()
        preparer = Preparer(self._ledger, clock, self._identities.refusal)
        self._shared = SharedCommit(preparer, self._ledger.shared)
        broker = BrokerSettings(
            url=settings.broker,
            client_id=f"dayuan-{group.name}-{group.member}",
            username=settings.broker_username,
            password=settings.broker_password(),
            ca_file=settings.broker_ca_file,
            filters=(batches_of(group.name),),
            lasting=False,
            keepalive_s=KEEPALIVE_S,
        )
        self.subscriber = Subscriber(broker, inbox, self, clock, random.Random())
        self._outbox = AckOutbox(self.subscriber.publish, clock, fail_points())
        self._commit = GroupCommit(
            preparer, self._ledger, inbox, self._outbox, (), self, clock, self._shared, stored=self._count
        )

    async def open(self) -> None:
        """Take up what the group stored; a member with a certificate waits for it first. Raises StoreUnavailable,
        LedgerInUse and what a registry raises."""
        await self._database.open()
        await self._identities.load()
        if self._pair is not None:
            await self._pair.ready()
            self.subscriber.settings = self._pair.shown_by(self.subscriber.settings)
        await asyncio.to_thread(self._ledger.open)
        await asyncio.to_thread(self._shared.open)

    async def run(self) -> None:
        """Work until cancelled. Survives broker and servers that are away."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.subscriber.run(), name="member-subscriber")
            tasks.create_task(self._commit.run(), name="member-commit")
            tasks.create_task(self._outbox.run(), name="member-acks")
            tasks.create_task(self._look(), name="member-identities")
            tasks.create_task(self._beat(), name="member-beat")

    async def close(self) -> None:
        """May be called after a failed ``open``."""
        await asyncio.to_thread(self._ledger.close)
        await self._database.close()

    def raise_alarm(self, kind: str, source: str, args: AlarmArgs) -> None:
        """An ``AlarmSink``: the one at the desk is told. Beyond ``TELLINGS_MAX`` that wait the newest is left out."""
        if len(self._told) < TELLINGS_MAX:
            self._told.append((True, kind, source, dict(args)))

    def clear_alarm(self, kind: str, source: str) -> None:
        if len(self._told) < TELLINGS_MAX:
            self._told.append((False, kind, source, {}))

    def _count(self, batches: int, readings: int) -> None:
        self.batches += batches
        self.readings += readings

    async def _look(self) -> None:
        said = ""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                await self._identities.load()
                if self._pair is not None:
                    await self._pair.look()
                said = ""
            except StoreUnavailable as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("who was revoked is not known now: %s", error)

    async def _beat(self) -> None:
        while True:
            self._commit.fade_alarms()
            telling, self._told = self._told, []
            try:
                await asyncio.to_thread(self._tell, telling)
            except StoreUnavailable:  # the commits say so already
                self._told = (telling + self._told)[:TELLINGS_MAX]
            await self._clock.sleep(BEAT_EVERY_S)

    def _tell(self, alarms: list[Telling]) -> None:
        now = self._clock.now_ms()
        self._ledger.tell(
            self.name, seen_at=now, started_at=self._started_at, batches=self.batches, readings=self.readings,
            alarms=alarms,
        )  # fmt: skip


async def run_member(settings: CloudSettings, clock: Clock, *, say: Callable[[str], None]) -> None:
    """Run one until SIGINT or SIGTERM."""
    member = Member(settings, clock)
    stopping = asyncio.Event()
    try:
        await member.open()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, stopping.set)
        say(f"Dayuan collector {version()}, {member.name} of a group; broker {settings.broker}")
        running = asyncio.create_task(member.run(), name="member")
        stop = asyncio.create_task(stopping.wait(), name="stop")
        await asyncio.wait([running, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not running.done():
            running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()
    finally:
        await member.close()
