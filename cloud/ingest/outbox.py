"""Acks on their way out. What waits for one gateway and epoch goes out as one message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

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

Publish = Callable[[str, bytes], Awaitable[None]]


@dataclass(slots=True)
class _Waiting:
    stored: list[int] = field(default_factory=list)
    rejected: dict[tuple[int | None, str], Rejection] = field(default_factory=dict)


class AckOutbox:
    """At most one entry per gateway and epoch. When the link is down acks are dropped: batches come again."""

    def __init__(self, publish: Publish, clock: Clock, reach: Callable[[str], None]) -> None:
        self._publish = publish
        self._clock = clock
        self._reach = reach
        self._waiting: dict[tuple[GatewayKey, str], _Waiting] = {}
        self._filled = asyncio.Event()

    def add(self, answers: Sequence[Answer]) -> None:
        """Queue answers to batches that are durable, or rejected."""
        for key, epoch, seq, rejection in answers:
            waiting = self._waiting.setdefault((key, epoch), _Waiting())
            if rejection is None:
                assert seq is not None
                waiting.stored.append(seq)
            elif len(waiting.rejected) < REJECTIONS_PER_ACK:
                waiting.rejected[(seq, rejection.digest)] = rejection
        if self._waiting:
            self._filled.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            waiting, self._waiting = self._waiting, {}
            try:
                for (key, epoch), entry in waiting.items():
                    await self._send(key, epoch, entry)
            except WireLost as error:
                log.info("acks not sent, their batches will come again: %s", error)

    async def _send(self, key: GatewayKey, epoch: str, entry: _Waiting) -> None:
        ranges = list(SeqRanges((seq, seq) for seq in entry.stored))
        rejected = list(entry.rejected.values())
        self._reach("before_ack")
        for begin in range(0, max(1, len(ranges)), RANGES_PER_ACK):
            part = ranges[begin : begin + RANGES_PER_ACK]
            ack = Ack(epoch, part, rejected if begin == 0 else [], self._clock.now_ms())
            await self._publish(topic(key.site, key.gateway, "ack"), encode_ack(ack))
        self._reach("after_ack")
