"""Acks on their way out. What waits for one gateway and epoch goes out as one message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from cloud.ingest.contract import OWN_GATEWAY
from cloud.ingest.prepared import Answer
from cloud.store.contract import GatewayKey
from cloud.store.ranges import SeqRanges
from protocols.ack import Ack, Rejection, encode_ack
from protocols.clock import Clock
from protocols.errors import WireLost
from protocols.topics import topic

log = logging.getLogger(__name__)

RANGES_PER_ACK = 5_000
REJECTIONS_PER_ACK = 500
"""More than this is not told now: the gateway offers the batch again and is told then."""

STREAMS_MAX = 10_000
"""Beyond so many gateways and epochs the oldest answers are dropped."""
RETRY_S = (0.1, 1.0)
SENDERS = 16
"""So many acks may be on their way to the broker: one after the other, each would wait for the broker's word to the one
before, behind whatever somebody floods it with."""

Publish = Callable[[str, bytes], Awaitable[None]]


@dataclass(slots=True)
class _Waiting:
    stored: SeqRanges = field(default_factory=SeqRanges)
    rejected: dict[tuple[int | None, str], Rejection] = field(default_factory=dict)


class AckOutbox:
    """At most one entry per gateway and epoch, and one ack of each on its way: what is added meanwhile goes as one.

    When the link is down acks wait here and go out as soon as it is back: a gateway whose own link stood would not
    send its batches again before its timeout. An ack that is lost all the same (with the broker, by a kill, beyond
    ``STREAMS_MAX``) costs a gateway that timeout and nothing else: what comes again is answered again.
    """

    def __init__(self, publish: Publish, clock: Clock, reach: Callable[[str], None]) -> None:
        self._publish = publish
        self._clock = clock
        self._reach = reach
        self._waiting: dict[tuple[GatewayKey, str], _Waiting] = {}
        self._filled = asyncio.Event()
        self._on_way: set[tuple[GatewayKey, str]] = set()
        self._lost = False

    def add(self, answers: Sequence[Answer]) -> None:
        """Queue answers to batches that are durable, or rejected."""
        self._put([answer for answer in answers if answer.key.gateway != OWN_GATEWAY])
        if self._waiting:
            self._filled.set()

    def _put(self, answers: Sequence[Answer]) -> None:
        for key, epoch, seq, rejection in answers:
            waiting = self._waiting.setdefault((key, epoch), _Waiting())
            if rejection is None:
                assert seq is not None
                waiting.stored.add(seq)
            elif len(waiting.rejected) < REJECTIONS_PER_ACK:
                waiting.rejected[(seq, rejection.digest)] = rejection
        while len(self._waiting) > STREAMS_MAX:
            del self._waiting[next(iter(self._waiting))]

    @property
    def waiting(self) -> int:
        """Gateways and epochs with an answer that the broker does not have yet."""
        return len(self._waiting.keys() | self._on_way)

    async def run(self) -> None:
        """Publish until cancelled."""
        async with asyncio.TaskGroup() as senders:
            for number in range(SENDERS):
                senders.create_task(self._send_what_waits(), name=f"acks[{number}]")

    async def _send_what_waits(self) -> None:
        pause_s = RETRY_S[0]
        while True:
            await self._filled.wait()
            stream = next((each for each in self._waiting if each not in self._on_way), None)
            if stream is None:  # another sender was faster, or has an ack of the same stream on its way
                self._filled.clear()
                continue
            entry = self._waiting.pop(stream)
            self._on_way.add(stream)
            try:
                await self._send(*stream, entry)
            except WireLost as error:
                if not self._lost:
                    log.info("acks wait for the broker: %s", error)
                self._lost = True
                self._put_back(stream, entry)
            else:
                pause_s, self._lost = RETRY_S[0], False
                continue
            finally:
                self._on_way.discard(stream)
                if self._waiting:
                    self._filled.set()
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_S[1])

    def _put_back(self, stream: tuple[GatewayKey, str], entry: _Waiting) -> None:
        """What came meanwhile goes with it; of a part that was sent already, a gateway hears twice."""
        newer = self._waiting.pop(stream, _Waiting())
        entry.stored = SeqRanges([*entry.stored, *newer.stored])
        for name, rejection in newer.rejected.items():
            if len(entry.rejected) < REJECTIONS_PER_ACK:
                entry.rejected[name] = rejection
        self._waiting = {stream: entry, **self._waiting}

    async def _send(self, key: GatewayKey, epoch: str, entry: _Waiting) -> None:
        ranges = list(entry.stored)
        rejected = list(entry.rejected.values())
        self._reach("before_ack")
        for begin in range(0, max(1, len(ranges)), RANGES_PER_ACK):
            part = ranges[begin : begin + RANGES_PER_ACK]
            ack = Ack(epoch, part, rejected if begin == 0 else [], self._clock.now_ms())
            await self._publish(topic(key.site, key.gateway, "ack"), encode_ack(ack))
        self._reach("after_ack")
