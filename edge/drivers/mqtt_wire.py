"""One connection of the MQTT driver, kept open: connect, subscribe, read, and all of it again when it is lost."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, Protocol

from edge.contract import LinkMessage, Will
from edge.drivers.mqtt_session import SessionMark
from edge.mqtt_link import MqttLink
from protocols.clock import Clock
from protocols.errors import WireLost

log = logging.getLogger(__name__)

RETRY_MIN_S, RETRY_MAX_S = 1.0, 60.0
STEADY_S = 60.0
"""A connection that lasted this long starts the waiting anew when it is lost."""
TURN = 64
"""Messages after which other tasks get their turn."""
STRANGERS_KEPT = 256

QUEUED_S = 5.0
"""A message of a kept session that comes this soon after connecting may have waited at the broker."""


class Arrival(NamedTuple):
    """How a message came. wire: by which connection; session: its number; kept: the broker had kept it, so what it
    retains was known before; queued: the message may have waited there."""

    wire: str = ""
    session: bytes = b""
    kept: bool = False
    queued: bool = False


Accept = Callable[[MqttLink, LinkMessage, Arrival], Awaitable[bool]]
"""Takes one message in -> some device listens to its topic."""


class DialsLink(Protocol):
    """Opens a link: `edge.mqtt_link.MqttDialer`, or a fake in tests."""

    async def __call__(self, *, client_id: str, will: Will | None = None) -> MqttLink: ...


class MqttWire:
    """Listens to ``filters`` until cancelled, with one session that the broker keeps under ``client_id``."""

    def __init__(
        self,
        dial: DialsLink,
        accept: Accept,
        *,
        bus: str,
        client_id: str,
        filters: tuple[str, ...],
        mark: SessionMark,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._dial, self._accept, self._clock, self._rng = dial, accept, clock, rng
        self._mark = mark
        self._bus = bus
        self.client_id = client_id
        self._filters = filters
        self._subscribed = False
        self._strangers: set[str] = set()
        self._delay_s = RETRY_MIN_S
        self.state: Literal["connecting", "up", "down"] = "connecting"
        self.up_since_s = 0.0
        self.last_error = ""
        self.messages = 0
        self.losses = 0
        self.dropped = 0

    async def run(self) -> None:
        """Never returns; a broker that is away is tried again after 1 s, later up to 60 s, with jitter."""
        while True:
            started_s = self._clock.monotonic()
            try:
                link = await self._dial(client_id=self.client_id)
                try:
                    await self._serve(link)
                finally:
                    self.dropped += link.dropped.total()
                    await link.close()
            except WireLost as error:
                self._lost(str(error))
            if self._clock.monotonic() - started_s > STEADY_S:
                self._delay_s = RETRY_MIN_S
            await self._clock.sleep(self._delay_s * self._rng.uniform(0.5, 1.0))
            self._delay_s = min(RETRY_MAX_S, 2 * self._delay_s)

    async def _serve(self, link: MqttLink) -> None:
        kept = link.session_present
        if not kept:
            self._mark.renew()
        if not (kept and self._subscribed):
            # Subscribing again makes the broker send all retained messages again, so only when it is needed.
            for topic_filter in self._filters:
                await link.subscribe(topic_filter)
            self._subscribed = True
        if self.last_error:
            log.info("bus %s: connected", self._bus)
        self.state, self.last_error, self.up_since_s = "up", "", self._clock.monotonic()
        async for message in link.messages():
            self.messages += 1
            settled = message.qos == 0 or self._clock.monotonic() - self.up_since_s > QUEUED_S
            arrival = Arrival(self.client_id, self._mark.value, kept, queued=kept and not settled)
            if not await self._accept(link, message, arrival) and message.topic not in self._strangers:
                await self._unsubscribe(link, message.topic)
            if self.messages % TURN == 0:
                await self._clock.sleep(0)

    async def _unsubscribe(self, link: MqttLink, topic: str) -> None:
        """A device that was taken out of the site file still stands in the session the broker keeps."""
        if len(self._strangers) < STRANGERS_KEPT:
            self._strangers.add(topic)
        log.info("bus %s: no device has the topic %r: unsubscribed", self._bus, topic[:200])
        await link.unsubscribe(topic)

    def _lost(self, reason: str) -> None:
        if self.state == "up":
            self.losses += 1
        if reason != self.last_error:
            log.warning("bus %s: %s", self._bus, reason)
        self.state, self.last_error = "down", reason
