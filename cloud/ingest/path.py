"""The path of a batch through the collector, as one ordered list:

1. ``subscriber.py``: from the broker into the inbox (bounded)
2. ``message.py``: all that arrived while the last commit ran is the next group
3. ``prepare.py``: identity (new, repeated, conflict, fenced), then ``decode.py`` to arrays, then ``checks.py``
4. the store: readings, events and identities in one durable transaction
5. ``outbox.py``: acks to the gateways; then the broker may forget the messages
6. the handlers, in the order in which they are given to :class:`Ingest` (``cloud/app.py`` holds that list)
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from cloud.ingest.announced import Announced
from cloud.ingest.commit import GroupCommit
from cloud.ingest.contract import (
    AlarmArgs,
    AlarmSink,
    AnnouncementHandler,
    CommittedHandler,
    FenceView,
    GatewayCounters,
    IngestView,
)
from cloud.ingest.expired import Expiry
from cloud.ingest.follower import GroupFollower
from cloud.ingest.message import Inbox, Incoming
from cloud.ingest.outbox import AckOutbox
from cloud.ingest.prepare import Preparer
from cloud.ingest.subscriber import Announcement, BrokerSettings, Subscriber
from cloud.store.contract import GatewayKey, SeriesStore
from cloud.store.failpoint import fail_points
from cloud.store.ledger_desk import LedgerDesk
from cloud.store.series_book import QualityBook, SeriesBook
from protocols.alive import stop_if_cancelled
from protocols.birth import Birth, encode_birth, parse_birth
from protocols.clock import Clock
from protocols.errors import BadAck, StoreUnavailable
from protocols.status import Status, encode_status, parse_status
from protocols.topics import topic

log = logging.getLogger(__name__)

MAINTAIN_EVERY_S = 10.0


class Ingest:
    """The running path. ``open`` once after the store was opened, then ``run``; see ``contract.IngestPath``."""

    def __init__(
        self,
        store: SeriesStore,
        broker: BrokerSettings,
        clock: Clock,
        alarms: AlarmSink,
        *,
        handlers: Sequence[CommittedHandler] = (),
        announcement_handlers: Sequence[AnnouncementHandler] = (),
        rng: random.Random | None = None,
        inbox: Inbox | None = None,
        refusal: Callable[[GatewayKey], str | None] = lambda _: None,
        renewals: Callable[[GatewayKey, bytes], None] = lambda *_: None,
        expiry: Expiry | None = None,
    ) -> None:
        """With a ``LedgerDesk`` as store this is the desk of a group: others commit what gateways send, it follows."""
        self._store = store
        self._clock = clock
        self._announcement_handlers = announcement_handlers
        self._refusal = refusal
        """Why nothing of a gateway is taken, None when it is; also asked from the worker's thread."""
        self._renewals = renewals
        self._preparer = Preparer(store, clock, refusal)
        self._preparer.expiry = expiry
        self._inbox = inbox or Inbox()
        self._subscriber = Subscriber(broker, self._inbox, alarms, clock, rng or random.Random())
        self._outbox = AckOutbox(self._subscriber.publish, clock, fail_points())
        self._follower = GroupFollower(store, self._preparer, alarms, clock) if isinstance(store, LedgerDesk) else None
        shared = self._follower.commit if self._follower is not None else None
        self._commit = GroupCommit(self._preparer, store, self._inbox, self._outbox, handlers, alarms, clock, shared)
        self._alarms = alarms
        self._announced = Announced()
        self._announcement_failures = 0

    # --- life --------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Take up what the store remembers. Blocking. Raises StoreUnavailable."""
        if self._follower is not None:
            self._follower.open()
        else:
            self._preparer.load()
        for fence in self.fences():
            args: AlarmArgs = {"epoch": fence.epoch, "seq": fence.seq}
            self._alarms.raise_alarm("identity_conflict", f"{fence.key.site}/{fence.key.gateway}", args)

    async def run(self) -> None:
        """Work until cancelled. Survives a broker and a disk that are away."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._subscriber.run(), name="ingest-subscriber")
            tasks.create_task(self._commit.run(), name="ingest-commit")
            tasks.create_task(self._outbox.run(), name="ingest-acks")
            tasks.create_task(self._announcements(), name="ingest-announcements")
            tasks.create_task(self._maintain(), name="ingest-maintain")
            if self._follower is not None:
                tasks.create_task(self._follower.run(self._commit), name="ingest-follower")

    async def _announcements(self) -> None:
        while True:
            announcement = await self._subscriber.announcements.get()
            try:
                await self._announce(announcement)
            except BadAck as error:
                self._announcement_failures += 1
                log.warning("%s of %s/%s: %s", announcement.channel, *announcement.key, error)
            except Exception:  # task top: a handler's fault must not stop the announcements of other gateways
                self._announcement_failures += 1
                log.exception("a handler failed on the %s of %s/%s", announcement.channel, *announcement.key)
                stop_if_cancelled()

    async def _announce(self, announcement: Announcement) -> None:
        key, received_at, retained = announcement.key, announcement.received_at, announcement.retained
        if announcement.channel == "renew":
            if not retained:
                self._renewals(key, announcement.payload)
            return
        if self._refusal(key) is not None:
            return  # its batches say so; what it says of itself is not shown
        if announcement.channel == "birth":
            birth = parse_birth(announcement.payload)
            if (birth.site, birth.gateway) != key:
                raise BadAck("foreign", f"it says it is from {birth.site[:40]}/{birth.gateway[:40]}")
            self.announce(key, birth)
            for handler in self._announcement_handlers:
                await handler.birth(key, birth, received_at=received_at, retained=retained)
        elif announcement.channel == "status":
            status = parse_status(announcement.payload)
            for handler in self._announcement_handlers:
                await handler.status(key, status, received_at=received_at, retained=retained)

    async def _maintain(self) -> None:
        said, dropped = "", 0
        while True:
            await self._clock.sleep(MAINTAIN_EVERY_S)
            self._commit.fade_alarms()
            if self._subscriber.dropped > dropped:
                dropped = self._subscriber.dropped
                self._alarms.raise_alarm("messages_dropped", "collector", {"count": dropped})
            try:
                await self.maintain()
                if said:
                    said = ""
                    self._alarms.clear_alarm("store_unavailable", "upkeep")
            except StoreUnavailable as error:
                if str(error) != said:
                    said = str(error)
                    log.error("roll-ups and retention wait: %s", error)
                    self._alarms.raise_alarm("store_unavailable", "upkeep", {"detail": said[:300]})

    async def maintain(self) -> None:
        """One round of the store's upkeep; says what was lost. Raises StoreUnavailable."""
        for part in await self._store.maintain(self._clock.now_ms()):
            ends = [at for at in (part.from_at, part.to_at) if at is not None]
            days = [datetime.fromtimestamp(at / 1000, UTC).date() for at in ends]
            period = " - ".join(map(str, days))
            args: AlarmArgs = {"rows": part.rows, "table": part.table, "period": period or "?", "path": part.path}
            self._alarms.raise_alarm("store_part_lost", part.table, args)

    # --- batches of the collector's own -------------------------------------------------------------------------------

    @property
    def own_full(self) -> bool:
        """Whether no batch of the collector's own is taken now."""
        return self._inbox.full or self._commit.failing_since is not None

    def positions_from(self, now_ms: int) -> int:
        """Positions observed before this instant are too old to be kept: they are acknowledged and not stored."""
        expiry = self._preparer.expiry
        return -(2**63) if expiry is None else expiry.positions_from(now_ms)

    def next_own_seq(self, key: GatewayKey, epoch: str) -> int:
        """One more than the highest that is stored of this gateway and epoch."""
        return max((last for _, last in self.ranges(key).get(epoch, ())), default=0) + 1

    async def store_own(self, key: GatewayKey, epoch: str, seq: int, payload: bytes) -> None:
        """Bring a batch that the collector sealed itself through the path; returns when it is durable and handed on.

        Raises StoreUnavailable when the path did not store it (it lies in quarantine then).
        """
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def release() -> None:
            if not settled.done():
                settled.set_result(None)

        name = topic(key.site, key.gateway, "up")
        self._inbox.put(Incoming(key, name, payload, self._clock.now_ms(), release))
        await settled
        number = self._preparer.gateways.find(key)
        if number is None or not self._preparer.identities.holds((number, epoch, seq)):
            raise StoreUnavailable(f"batch {seq} of {key.site}/{key.gateway} was not stored; see the quarantine")

    async def announce_own(self, key: GatewayKey, birth: Birth | None, status: Status) -> None:
        """Tell those who hear announcements of a gateway of the collector's own; what it is only when that changed."""
        now = self._clock.now_ms()
        if birth is not None:
            await self._announce(Announcement(key, "birth", encode_birth(birth), now, retained=False))
        await self._announce(Announcement(key, "status", encode_status(status), now, retained=False))

    # --- what others ask ---------------------------------------------------------------------------------------------

    @property
    def series(self) -> SeriesBook:
        """Names of the series numbers in ``CommittedBatch``."""
        return self._preparer.series

    @property
    def qualities(self) -> QualityBook:
        """Names of the quality codes in ``CommittedBatch``."""
        return self._preparer.qualities

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to the broker; ``retain``: for those who come later. Raises WireLost."""
        await self._subscriber.publish(topic, payload, retain=retain)

    def announce(self, key: GatewayKey, birth: Birth) -> None:
        """Take a birth that was heard earlier (the registry's, at the start)."""
        self._announced.take(key, birth)

    def gateways(self) -> Sequence[GatewayKey]:
        return list(self._preparer.gateways.names())

    def counters(self, key: GatewayKey) -> GatewayCounters:
        number = self._preparer.gateways.find(key)
        if number is None:
            return GatewayCounters()
        counters = self._preparer.counters.of(number)
        seen = self._preparer.series_seen.get(number, set())
        counters.unannounced_series, counters.unknown_points = self._announced.odd_series(key, seen, self.series)
        return counters

    def ranges(self, key: GatewayKey) -> Mapping[str, Sequence[tuple[int, int]]]:
        number = self._preparer.gateways.find(key)
        return {} if number is None else self._preparer.identities.ranges(number)

    def holes(self, key: GatewayKey, epoch: str, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of seqs first..last that are not stored."""
        number = self._preparer.gateways.find(key)
        if number is None:
            return [(first, last)]
        return self._preparer.identities.stored_of((number, epoch)).holes(first, last)

    def first_stored(self, key: GatewayKey, epoch: str) -> int | None:
        """The lowest stored seq, None when there is none."""
        number = self._preparer.gateways.find(key)
        return None if number is None else self._preparer.identities.stored_of((number, epoch)).lowest()

    def is_fenced(self, key: GatewayKey, epoch: str) -> bool:
        """True while nobody has lifted the fence of this gateway and epoch."""
        number = self._preparer.gateways.find(key)
        return number is not None and self._preparer.identities.fenced((number, epoch))

    def current_at(self) -> float:
        """Everything that was committed up to this instant (monotonic) is known: in a group, of others too."""
        return self._clock.monotonic() if self._follower is None else self._follower.current_at

    def fences(self) -> Sequence[FenceView]:
        return [
            FenceView(
                key=self._preparer.gateways.name(fence.gateway),
                epoch=fence.epoch,
                seq=fence.seq,
                fenced_at=fence.fenced_at,
                lifted_at=fence.lifted_at,
            )
            for fence in self._preparer.identities.fences()
        ]

    async def unfence(self, key: GatewayKey, epoch: str | None = None) -> int:
        number = self._preparer.gateways.find(key)
        if number is None:
            return 0
        streams = [(fence.gateway, fence.epoch) for fence in self._preparer.identities.fences()]
        lifted = 0
        for stream in streams:
            if stream[0] == number and epoch in (None, stream[1]):
                lifted += await self._commit.lift_fence(stream)
        if not any(fence.key == key for fence in self.fences()):
            self._alarms.clear_alarm("identity_conflict", f"{key.site}/{key.gateway}")
        return lifted

    def is_unannounced(self, key: GatewayKey, device: str, point: str) -> bool:
        return self._announced.is_unannounced(key, device, point)

    def view(self) -> IngestView:
        messages, size = self._inbox.waiting
        return IngestView(
            broker=str(self._subscriber.settings.url),
            connected=self._subscriber.connected,
            queued_messages=messages,
            queued_bytes=size,
            commits=self._commit.commits,
            commit_ms_last=self._commit.commit_ms_last,
            ignored_messages=self._subscriber.ignored + self._commit.ignored,
            dropped_messages=self._subscriber.dropped,
            handler_failures=self._commit.handler_failures + self._announcement_failures,
            store_failing_since=self._commit.failing_since,
        )
