"""A collector in a simulated day: subscriber, preparer, group commit and outbox as the process wires them.

Only the library below the subscriber and the store's file are pretended. The store keeps what was committed over
deaths and refuses when it is told to.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import aiomqtt

from cloud.ingest.commit import GroupCommit
from cloud.ingest.contract import AlarmArgs, Committed
from cloud.ingest.message import Inbox
from cloud.ingest.outbox import AckOutbox
from cloud.ingest.prepare import Preparer
from cloud.ingest.subscriber import BrokerSettings, Subscriber
from cloud.store.contract import (
    CommitRefused,
    CommitWork,
    FenceRow,
    GatewayKey,
    QualityWord,
    Remembered,
    SeriesKey,
    SeriesStore,
    StoredRange,
)
from cloud.store.ranges import SeqRanges
from protocols.ack import parse_ack
from protocols.batch import Identity
from protocols.clock import Clock
from protocols.errors import StoreUnavailable, WireLost
from protocols.mqtt_url import MqttUrl
from protocols.reading import Quality, Reading
from protocols.status import parse_status
from tests.proof.sim_broker import Connection, Message, SimBroker
from tests.proof.sim_loop import Machine, SimClock, Trace
from tests.proof.sim_truth import Truth

CLIENT_ID = "dayuan-collector"


class SimStore:
    """What a series store remembers and answers to the ingest path; tells the oracle of every commit."""

    def __init__(self, truth: Truth, reach: Callable[[str], None]) -> None:
        self._truth = truth
        self._reach = reach
        self.refuses = ""
        """``unavailable`` or ``work``: what it says to commits."""
        self._series: list[SeriesKey] = []
        self._gateways: list[GatewayKey] = []
        self._qualities: dict[int, QualityWord] = {}
        self._digests: dict[tuple[int, str, int], str] = {}
        self._fences: dict[tuple[int, str], FenceRow] = {}
        self.counters: dict[tuple[int, str], int] = {}
        self._quarantined: list[tuple[int, str]] = []
        self._next_batch = 1

    def commit(self, work: CommitWork) -> None:
        if self.refuses == "unavailable":
            self._truth.counts["commits refused by the store"] += 1
            raise StoreUnavailable("the disk is full")
        if self.refuses == "work":
            self.refuses = ""
            self._truth.counts["commits refused by the store"] += 1
            raise CommitRefused("told to refuse this work")
        self._reach("before_commit")
        self._series += [key for _, key in work.new_series]
        self._gateways += [key for _, key in work.new_gateways]
        self._qualities.update(work.new_qualities)
        self.counters.update(work.counters)
        self._fences.update({(fence.gateway, fence.epoch): fence for fence in work.fences})
        self._quarantined += [(row.gateway, row.digest) for row in work.quarantined]
        for row in work.quarantined:
            self._truth.violated(f"I1: batch {row.epoch}/{row.seq} is in quarantine: {row.reason} {row.detail}")
        self._keep_batches(work)
        self._reach("after_commit")

    def _keep_batches(self, work: CommitWork) -> None:
        readings: dict[int, list[Reading]] = {row.id: [] for row in work.batches}
        if work.readings is not None:
            columns = (column.tolist() for column in (
                work.readings.batch, work.readings.series, work.readings.at, work.readings.value, work.readings.quality
            ))  # fmt: skip
            for batch, series, at, value, code in zip(*columns, strict=True):
                key, word = self._series[series], self._qualities.get(code, QualityWord("good", ""))
                number = None if word.quality == "bad" else value
                readings[batch].append(
                    Reading(key.device, key.point, number, at, Quality(word.quality), word.reason)
                )  # fmt: skip
        refused = len(work.refused)
        for row in work.batches:
            self._next_batch = max(self._next_batch, row.id + 1)
            self._digests[(row.gateway, row.epoch, row.seq)] = row.digest
            events = [each.event for each in work.events if each.batch == row.id]
            self._truth.stored(Identity(row.epoch, row.seq), readings[row.id], events, refused)
            refused = 0

    def digests(self, wanted: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], str]:
        if self.refuses == "unavailable":
            raise StoreUnavailable("the disk is full")
        return {name: self._digests[name] for name in wanted if name in self._digests}

    def remembered(self) -> Remembered:
        streams: dict[tuple[int, str], SeqRanges] = {}
        for gateway, epoch, seq in self._digests:
            streams.setdefault((gateway, epoch), SeqRanges()).add(seq)
        return Remembered(
            series=list(enumerate(self._series)),
            gateways=list(enumerate(self._gateways)),
            qualities=list(self._qualities.items()),
            ranges=[StoredRange(*stream, *part) for stream, ranges in streams.items() for part in ranges],
            fences=list(self._fences.values()),
            counters=dict(self.counters),
            quarantined=list(self._quarantined),
            next_batch=self._next_batch,
        )


class SimMqttClient:
    """What `Subscriber` uses of aiomqtt and of the library below it, over the simulated broker."""

    def __init__(self, machine: SimCollector) -> None:
        self._machine = machine
        self._connection: Connection | None = None
        self._lost = asyncio.Event()
        self.under = SimpleNamespace(ack=self._ack, socket=lambda: None, on_message=None)
        self._client = self.under

    @property
    def messages(self) -> AsyncIterator[Any]:
        return self

    async def __aenter__(self) -> SimMqttClient:
        try:
            self._connection = await self._machine.broker.dial(CLIENT_ID, None, clean=False)
        except WireLost as error:
            raise aiomqtt.MqttError(str(error)) from None
        self._machine.connection = self._connection
        self._connection.on_message = self._put
        self._connection.on_lost = lambda _reason: self._lost.set()
        if self._connection.reason:
            raise aiomqtt.MqttError(self._connection.reason)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None and not self._machine.dead:
            self._connection.close()

    async def subscribe(self, topics: list[tuple[str, int]]) -> None:
        assert self._connection is not None
        for topic_filter, _ in topics:
            try:
                await self._connection.subscribe(topic_filter)
            except WireLost as error:
                raise aiomqtt.MqttError(str(error)) from None

    async def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        del qos
        if self._connection is None or self._machine.dead:
            raise aiomqtt.MqttCodeError(4)
        try:
            await self._connection.publish(topic, payload, retain=retain)
        except WireLost as error:
            raise aiomqtt.MqttError(str(error)) from None

    def __aiter__(self) -> SimMqttClient:
        return self

    async def __anext__(self) -> Any:
        await self._lost.wait()
        raise aiomqtt.MqttError("Disconnected during message iteration")

    def _put(self, message: Message, mid: int) -> None:
        heard = SimpleNamespace(topic=message.topic, payload=message.payload, qos=1, mid=mid, retain=message.retain)
        self.under.on_message(None, None, heard)

    def _ack(self, mid: int, _qos: int) -> None:
        if self._connection is not None:
            self._connection.acknowledge(mid)


class SimSubscriber(Subscriber):
    """The subscriber on a simulated connection."""

    machine: SimCollector

    def _make_client(self) -> aiomqtt.Client:
        made = cast("Any", SimMqttClient(self.machine))
        made.under.on_message = partial(self._on_message, made)
        return cast("aiomqtt.Client", made)


class Alarms:
    """Remembers what stands."""

    def __init__(self) -> None:
        self.standing: dict[tuple[str, str], AlarmArgs] = {}

    def raise_alarm(self, kind: str, source: str, args: AlarmArgs) -> None:
        self.standing[(kind, source)] = args

    def clear_alarm(self, kind: str, source: str) -> None:
        self.standing.pop((kind, source), None)


class SimCollector(Machine):
    """See the module."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, rng: random.Random, trace: Trace, broker: SimBroker, truth: Truth
    ) -> None:
        super().__init__("collector", rng, trace)
        self.clock = SimClock(loop)
        self.broker = broker
        self.truth = truth
        self.store = SimStore(truth, self.reach)
        self.alarms = Alarms()
        self.connection: Connection | None = None
        self._closing = asyncio.Event()

    def stop(self) -> None:
        self._closing.set()

    def set_clock(self, offset_ms: int) -> None:
        self.clock.offset_ms = offset_ms

    def on_death(self) -> None:
        if self.connection is not None:
            self.broker.gone(self.connection)
            self.connection.reason = self.connection.reason or "dead"

    async def life(self) -> None:
        """From the start of the process to its end."""
        self._closing = asyncio.Event()
        self.alarms = Alarms()
        clock: Clock = self.clock
        store = cast("SeriesStore", self.store)
        inbox = Inbox()
        settings = BrokerSettings(url=MqttUrl("broker", 1883, False), client_id=CLIENT_ID)
        subscriber = SimSubscriber(settings, inbox, self.alarms, clock, random.Random(self.rng.random()))
        subscriber.machine = self
        preparer = Preparer(store, clock)
        preparer.load()

        async def publish(topic: str, payload: bytes) -> None:
            ack = parse_ack(payload)
            for first, last in ack.stored:
                self.truth.ack_leaves(ack.epoch, first, last)
            await subscriber.publish(topic, payload)

        outbox = AckOutbox(publish, clock, self.reach)
        commit = GroupCommit(preparer, store, inbox, outbox, [self], self.alarms, clock)
        self.preparer, self.subscriber, self.inbox = preparer, subscriber, inbox
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(subscriber.run(), name="ingest-subscriber"),
                group.create_task(commit.run(), name="ingest-commit"),
                group.create_task(outbox.run(), name="ingest-acks"),
                group.create_task(self._announcements(subscriber), name="ingest-announcements"),
            ]
            await self._closing.wait()
            for task in tasks:
                task.cancel()
        self.trace("collector closes")

    async def committed(self, committed: Committed) -> None:
        """As a handler: nothing may come twice, and nothing that is not stored."""
        for batch in committed.batches:
            self.trace(f"collector stored {batch.epoch}/{batch.seq} with {len(batch.at)} and {len(batch.events)}")
            if Identity(batch.epoch, batch.seq) not in self.truth.batches:
                self.truth.violated(f"I5: handlers get {batch.epoch}/{batch.seq}, which is not stored")

    async def _announcements(self, subscriber: Subscriber) -> None:
        while True:
            announcement = await subscriber.announcements.get()
            if announcement.channel == "status":
                self.truth.counts[f"statuses {parse_status(announcement.payload).state}"] += 1
