"""A link without a broker: the test sees what is published and decides when the PUBACK comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from edge.contract import LinkMessage, Will
from protocols.batch import Identity, peek
from protocols.errors import WireLost


class FakeLink:
    """Everything published is in `published`; `lose` ends the link as a broken connection does."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, bool]] = []
        self.subscribed: list[str] = []
        self.acknowledged: list[LinkMessage] = []
        self.closed = False
        self.pubacks = asyncio.Event()
        self.pubacks.set()
        self._inbox: asyncio.Queue[LinkMessage] = asyncio.Queue()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._mid = 0

    async def subscribe(self, topic_filter: str) -> None:
        self._check()
        self.subscribed.append(topic_filter)

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        self._check()
        self.published.append((topic, payload, retain))
        puback = asyncio.ensure_future(self.pubacks.wait())
        try:
            await asyncio.wait({puback, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            puback.cancel()
        self._check()

    async def messages(self) -> AsyncIterator[LinkMessage]:
        while True:
            getting = asyncio.ensure_future(self._inbox.get())
            try:
                await asyncio.wait({getting, self._lost}, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    self._check()
                yield getting.result()
            finally:
                getting.cancel()

    async def acknowledge(self, message: LinkMessage) -> None:
        self._check()
        self.acknowledged.append(message)

    async def close(self) -> None:
        self.closed = True

    # For the test

    def deliver(self, topic: str, payload: bytes) -> None:
        self._mid += 1
        self._inbox.put_nowait(LinkMessage(topic, payload, 1, self._mid, False, False))

    def lose(self, reason: str = "cut by the test") -> None:
        if not self._lost.done():
            self._lost.set_exception(WireLost(reason))
            self._lost.exception()

    def sent(self, topic: str = "up") -> list[Identity]:
        """Identities of the batches published, in order."""
        return [peek(payload) for where, payload, _ in self.published if where.endswith(topic)]

    def _check(self) -> None:
        if self._lost.done():
            raise WireLost("cut by the test")


class FakeBroker:
    """Dials fake links; `refuse` set to a text makes it a broker that is down."""

    def __init__(self) -> None:
        self.refuse = ""
        self.links: list[FakeLink] = []
        self.wills: list[Will] = []
        self.client_ids: list[str] = []
        self.dials = 0

    async def __call__(self, *, client_id: str, will: Will) -> FakeLink:
        self.dials += 1
        self.client_ids.append(client_id)
        if self.refuse:
            raise WireLost(self.refuse)
        self.wills.append(will)
        self.links.append(FakeLink())
        return self.links[-1]
