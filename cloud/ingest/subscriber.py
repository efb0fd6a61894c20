"""The collector's connection to the broker. The only file of the collector that imports aiomqtt.

aiomqtt's own queue is not used. It is unbounded, and bounding it throws messages away after they were acknowledged;
so messages are taken where paho hands them over, and acknowledged to the broker only when they are durable (paho's
``manual_ack``; aiomqtt has no public way to it). Nothing here depends on MQTT 5.
"""

import asyncio
import logging
import random
import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiomqtt

from cloud.ingest.contract import OWN_GATEWAY, AlarmSink
from cloud.ingest.message import Inbox, Incoming
from cloud.store.contract import GatewayKey
from protocols.alive import keep_cancellation, stop_if_cancelled
from protocols.clock import Clock
from protocols.errors import WireLost
from protocols.mqtt_url import MqttUrl
from protocols.topics import ALL_BIRTH, ALL_RENEW, ALL_STATUS, ALL_UP, Address, parse

log = logging.getLogger(__name__)

RECONNECT_FIRST_S = 0.5
RECONNECT_LAST_S = 3.0
"""There is one collector: trying often costs nobody anything, and every gateway waits for it."""
ALL = (ALL_UP, ALL_BIRTH, ALL_STATUS, ALL_RENEW)
BESIDE_BATCHES = (ALL_BIRTH, ALL_STATUS, ALL_RENEW)
"""Of the one at the desk of a group."""
KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 10.0
ADDRESSES_CACHED = 10_000
ANNOUNCEMENTS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Where the broker is and who we are. ``client_id`` must be this collector's own: the broker keeps its session."""

    url: MqttUrl
    client_id: str
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    pair_file: Callable[[], Path] | None = None
    """Where our own key and certificate are, asked at each connection; None when the broker asks for none."""
    filters: tuple[str, ...] = ALL
    """What is subscribed, all at QoS 1."""
    lasting: bool = True
    """Whether the broker keeps our session while we are away. One of a group has none: what the broker kept for it
    would wait for it, while the others have nothing to do."""
    keepalive_s: int = KEEPALIVE_S


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message on a ``birth``, ``status`` or ``renew`` topic, undecoded."""

    key: GatewayKey
    channel: str
    payload: bytes
    received_at: int
    retained: bool


def batches_of(group: str) -> str:
    """The filter by which the broker hands each batch to one collector of the group."""
    return f"$share/{group}/{ALL_UP}"


class Subscriber:
    """Keeps the connection up. Batches go to the inbox, births and statuses to ``announcements``."""

    def __init__(
        self, settings: BrokerSettings, inbox: Inbox, alarms: AlarmSink, clock: Clock, rng: random.Random
    ) -> None:
        self.settings = settings
        self._inbox = inbox
        self._alarms = alarms
        self._clock = clock
        self._rng = rng
        self._client: aiomqtt.Client | None = None
        self._lost: asyncio.Future[None] | None = None
        """Done when the connection of ``_client`` is over."""
        self._addresses: OrderedDict[str, Address | None] = OrderedDict()
        self._paused = False
        self.announcements: asyncio.Queue[Announcement] = asyncio.Queue(ANNOUNCEMENTS_MAX)
        """When it is full the newest is dropped and counted: gateways repeat their status, the broker their births."""
        self.connected = False
        self.dropped = 0
        self.ignored = 0
        inbox.on_space = self._resume

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        pause = RECONNECT_FIRST_S
        said = ""
        while True:
            try:
                # Known before it is entered: what waited for our session comes before our subscriptions are answered.
                self._client = client = self._make_client()
                self._lost = asyncio.get_running_loop().create_future()
                async with client:
                    with keep_cancellation():
                        await client.subscribe([(each, 1) for each in self.settings.filters])
                    self.connected, pause, said = True, RECONNECT_FIRST_S, ""
                    log.info("connected to the broker at %s", self.settings.url)
                    self._alarms.clear_alarm("broker_lost", "collector")
                    try:
                        async for _ in client.messages:  # nothing comes this way; it ends when the connection does
                            pass
                    finally:
                        self._lost.set_result(None)
            except (aiomqtt.MqttError, OSError, ssl.SSLError) as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("no connection to the broker at %s: %s", self.settings.url, error)
                detail = f"{self.settings.url}: {error}"[:300]
                self._alarms.raise_alarm("broker_lost", "collector", {"detail": detail})
                stop_if_cancelled()  # a goodbye that failed takes the place of the cancellation
            finally:
                self._client, self.connected, self._paused = None, False, False
            await self._clock.sleep(pause * self._rng.uniform(0.7, 1.3))
            pause = min(RECONNECT_LAST_S, pause * 2)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to the broker (QoS 1), which keeps a retained one for who comes later. Raises WireLost, at
        once when the connection ends meanwhile."""
        client, lost = self._client, self._lost
        if client is None or lost is None or not self.connected or lost.done():
            raise WireLost("not connected to the broker")
        # aiomqtt would wait for the PUBACK of a dead connection until its timeout, and everything behind it, too.
        publishing = asyncio.ensure_future(client.publish(topic, payload, qos=1, retain=retain))
        try:
            await asyncio.wait({publishing, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not publishing.done():
                raise WireLost("the connection ended before the broker confirmed")
            publishing.result()
        except aiomqtt.MqttError as error:
            raise WireLost(str(error)) from error
        finally:
            publishing.cancel()

    def _make_client(self) -> aiomqtt.Client:
        settings = self.settings
        context = None
        if settings.url.tls:
            context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
            if settings.pair_file is not None:
                context.load_cert_chain(str(settings.pair_file()))
        client = aiomqtt.Client(
            settings.url.host,
            settings.url.port,
            identifier=settings.client_id,
            username=settings.username,
            password=settings.password,
            clean_session=not settings.lasting,
            keepalive=settings.keepalive_s,
            timeout=CONNECT_TIMEOUT_S,
            tls_context=context,
        )
        client._client.manual_ack_set(True)
        client._client.on_message = partial(self._on_message, client)
        return client

    def _on_message(self, client: aiomqtt.Client, _paho: object, _userdata: object, message: Any) -> None:
        """Called by paho in the event loop for every message. Must not raise and must not wait."""
        topic, payload, qos = message.topic, message.payload, message.qos
        release = partial(self._release, client, message.mid, qos)
        address = self._address(topic)
        if address is None or not payload:
            self.ignored += 1
            release()
            return
        key = GatewayKey(address.site, address.gateway)
        if address.channel == "up":
            if (qos == 0 and self._inbox.full) or not self._inbox.has_room_for(key, len(payload)):
                self.dropped += 1
                release()
                return
            self._inbox.put(Incoming(key, topic, payload, self._clock.now_ms(), release))
            if self._inbox.full and not self._paused:
                self._pause(client)
            return
        try:
            announcement = Announcement(key, address.channel, payload, self._clock.now_ms(), bool(message.retain))
            self.announcements.put_nowait(announcement)
        except asyncio.QueueFull:
            self.dropped += 1
        release()

    def _address(self, topic: str) -> Address | None:
        if topic in self._addresses:
            return self._addresses[topic]
        address = parse(topic)
        if address is not None and address.gateway == OWN_GATEWAY:
            address = None
        self._addresses[topic] = address
        if len(self._addresses) > ADDRESSES_CACHED:
            self._addresses.popitem(last=False)
        return address

    def _release(self, client: aiomqtt.Client, mid: int, qos: int) -> None:
        """Tell the broker that it may forget a message; not on another connection than it came from."""
        if qos and client is self._client:
            client._client.ack(mid, qos)

    def _pause(self, client: aiomqtt.Client) -> None:
        """Stop reading the socket: the broker keeps what it has, and TCP tells it to stop sending."""
        handle = client._client.socket()
        if handle is not None:
            self._paused = True
            asyncio.get_running_loop().remove_reader(handle.fileno())

    def _resume(self) -> None:
        client = self._client
        if client is None or not self._paused:
            return
        self._paused = False
        handle = client._client.socket()
        if handle is not None:
            asyncio.get_running_loop().add_reader(handle.fileno(), self._reader(client, handle))

    @staticmethod
    def _reader(client: aiomqtt.Client, handle: Any) -> Callable[[], None]:
        """What aiomqtt itself does when the socket has something to read."""

        def read() -> None:
            paho, disconnected = client._client, client._disconnected
            try:
                paho.loop_read()
                while hasattr(handle, "pending") and handle.pending() > 0:
                    paho.loop_read()
            except Exception as error:  # noqa: BLE001  # task top: a callback of the loop, as in aiomqtt
                if not disconnected.done():
                    disconnected.set_exception(aiomqtt.MqttError(str(error)))

        return read
