"""Somebody on the broker who hears everything under a topic, in the order of the wire, and may publish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from edge.contract import LinkMessage, Will
from edge.mqtt_link import MqttDialer, MqttLink
from protocols.errors import WireLost
from protocols.mqtt_url import MqttUrl

_numbers = iter(range(1_000_000))


class Listener:
    def __init__(self, link: MqttLink) -> None:
        self.link = link
        self.heard: list[LinkMessage] = []

    def on(self, part: str) -> list[LinkMessage]:
        return [message for message in self.heard if part in message.topic]

    async def say(self, topic: str, payload: bytes | str, *, qos: int = 0, retain: bool = False) -> None:
        raw = payload.encode() if isinstance(payload, str) else payload
        await self.link.publish(topic, raw, qos=qos, retain=retain)

    async def _listen(self) -> None:
        with suppress(WireLost):
            async for message in self.link.messages():
                self.heard.append(message)
                await self.link.acknowledge(message)


@asynccontextmanager
async def listening(url: MqttUrl, *filters: str, will: Will | None = None) -> AsyncIterator[Listener]:
    link = await MqttDialer(url=url)(client_id=f"listener-{next(_numbers)}", will=will)
    listener = Listener(link)
    for topic_filter in filters:
        await link.subscribe(topic_filter)
    task = asyncio.create_task(listener._listen())
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await link.close()
