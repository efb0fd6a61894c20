"""What a simulated gateway stands on: its link over the simulated broker, and its buffer under the oracle's eyes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from edge.buffer import Change, Chunk, Committed, Opened, Retiming
from edge.buffer_sqlite import SqliteBuffer
from edge.contract import LinkMessage
from protocols.batch import Identity, peek
from protocols.errors import StoreUnavailable, WireLost
from tests.proof.sim_broker import Connection, Message
from tests.proof.sim_loop import Machine
from tests.proof.sim_truth import Truth

SITE, GATEWAY = "east", "g1"
UP = f"dayuan/1/{SITE}/{GATEWAY}/up"


class SimLink:
    """`edge.contract.Link` over a connection of the simulated broker."""

    def __init__(self, connection: Connection, machine: Machine, truth: Truth) -> None:
        self._connection = connection
        self._machine = machine
        self._truth = truth
        self._inbox: deque[LinkMessage] = deque()
        self._arrived = asyncio.Event()
        connection.on_message = self._put
        connection.on_lost = lambda _reason: self._arrived.set()

    async def subscribe(self, topic_filter: str) -> None:
        await self._connection.subscribe(topic_filter)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if self._machine.dead:
            raise WireLost("dead")
        if topic == UP:
            self._truth.published(peek(payload), payload)
        await self._connection.publish(topic, payload, retain=retain)

    def messages(self) -> SimLink:
        return self

    def __aiter__(self) -> SimLink:
        return self

    async def __anext__(self) -> LinkMessage:
        while not self._inbox:
            if self._connection.reason:
                raise WireLost(self._connection.reason)
            self._arrived.clear()
            await self._arrived.wait()
        return self._inbox.popleft()

    async def acknowledge(self, message: LinkMessage) -> None:
        if self._connection.reason:
            raise WireLost(self._connection.reason)
        self._connection.acknowledge(message.mid)

    async def close(self) -> None:
        if not self._machine.dead:
            self._connection.close()

    def _put(self, message: Message, mid: int) -> None:
        self._inbox.append(LinkMessage(message.topic, message.payload, 1, mid, message.retain, message.dup))
        self._arrived.set()


class WatchedBuffer(SqliteBuffer):
    """The buffer, with the oracle looking at what is committed and what is deleted."""

    truth: Truth
    refuses = ""

    async def open(self) -> Opened:
        if self.refuses:
            raise StoreUnavailable(self.refuses)
        return await super().open()

    def watched_commit(self, committed: Committed) -> Committed:
        self.truth.committed(committed.batches)
        self.truth.counts["readings retimed"] += sum(batch.readings for batch in committed.batches if committed.retimed)
        return committed

    async def commit(self, change: Change) -> Committed:
        self._deleted(change.release)
        if change.release:
            self.truth.counts["deletions"] += 1
        return self.watched_commit(await super().commit(change))

    async def retime(self, retiming: Retiming, *, sealed_at: int) -> Committed:
        return self.watched_commit(await super().retime(retiming, sealed_at=sealed_at))

    async def read(self, first: int, last: int, *, sealed_at: int) -> Chunk:
        if self.refuses:
            raise StoreUnavailable(self.refuses)
        chunk = await super().read(first, last, sealed_at=sealed_at)
        self.truth.committed(chunk.batches)
        return chunk

    def _deleted(self, release: Sequence[tuple[int, int]]) -> None:
        if self._state is None:
            return
        for first, last in release:
            for place in range(first, last + 1):
                epoch = [each for each in self._state.epochs if each.base < place][-1]
                self.truth.deleted(Identity(epoch.name, place - epoch.base))
