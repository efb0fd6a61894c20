"""A collector for tests of the uplink: real broker, real acks, and it does what the test says with each batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge.contract import LinkMessage
from edge.mqtt_link import MqttDialer, MqttLink
from protocols.ack import Ack, Rejection, encode_ack
from protocols.batch import Identity, digest, open_batch, peek
from protocols.errors import WireLost
from protocols.mqtt_url import MqttUrl
from protocols.reading import Event, Reading
from protocols.topics import parse, topic

Verdict = Ack | None
"""What to answer; None is silence."""


def store_all(identity: Identity, _payload: bytes) -> Verdict:
    return Ack(identity.epoch, stored=[(identity.seq, identity.seq)])


def reject(identity: Identity, payload: bytes, *, hold: bool = False) -> Ack:
    rejection = Rejection(digest(payload), "schema", "told to", seq=identity.seq, hold=hold)
    return Ack(identity.epoch, rejected=[rejection])


class ScriptedCollector:
    """Keeps every payload by identity; two different payloads of one identity are kept in `altered`."""

    def __init__(self, url: MqttUrl, site: str, gateway: str, judge: Callable[[Identity, bytes], Verdict] = store_all):
        self._dial = MqttDialer(url=url)
        self._site, self._gateway = site, gateway
        self.judge = judge
        self.stored: dict[Identity, bytes] = {}
        self.altered: list[Identity] = []
        self.arrivals: list[Identity] = []
        self.others: list[LinkMessage] = []
        self._link: MqttLink | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._link = await self._dial(client_id=f"collector-{id(self)}")
        for channel in ("up", "birth", "status"):
            await self._link.subscribe(topic(self._site, self._gateway, channel))
        self._task = asyncio.create_task(self._run(self._link), name="scripted-collector")

    async def stop(self) -> None:
        if self._task is not None and self._link is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._link.close()
            self._task = None

    async def _run(self, link: MqttLink) -> None:
        try:
            async for message in link.messages():
                address = parse(message.topic)
                assert address is not None
                if address.channel == "up":
                    await self._take(link, message.payload)
                else:
                    self.others.append(message)
                await link.acknowledge(message)
        except WireLost:
            return

    async def _take(self, link: MqttLink, payload: bytes) -> None:
        identity = peek(payload)
        self.arrivals.append(identity)
        if self.stored.setdefault(identity, payload) != payload:
            self.altered.append(identity)
        verdict = self.judge(identity, payload)
        if verdict is not None:
            await link.publish(topic(self._site, self._gateway, "ack"), encode_ack(verdict), qos=0)

    def readings(self) -> list[Reading]:
        return [reading for payload in self.stored.values() for reading in open_batch(payload).readings()]

    def events(self) -> list[Event]:
        return [event for payload in self.stored.values() for event in open_batch(payload).events]
