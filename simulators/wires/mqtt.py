"""MQTT for pretend gateways and for tests that listen: one connection, QoS 1, a message sent again until its PUBACK.

Devices speak by `mqtt_device.py`, which can also misbehave; the account and the will of both are declared here.

The only file of simulators/ that imports aiomqtt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from protocols.alive import keep_cancellation, stop_if_cancelled
from protocols.clock import Clock

log = logging.getLogger(__name__)

_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)

RETRY_S = (0.5, 5.0)
CONFIRM_S = 10.0
GOODBYE_S = 2.0
MESSAGES_MAX = 20_000


@dataclass(frozen=True, kw_only=True)
class BrokerAccount:
    """Where the broker is and who we are there. The password stays in its file until a connection is opened."""

    host: str
    port: int
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    """Who vouches for the broker; with it the connection is encrypted."""
    pair_file: Path | None = None
    """Key and certificate in one file, for a broker that asks for them."""

    def tls(self) -> ssl.SSLContext | None:
        """For one connection; None without ``ca_file``."""
        if self.ca_file is None:
            return None
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if self.pair_file is not None:
            context.load_cert_chain(str(self.pair_file))
        return context

    def password(self) -> str | None:
        return self.password_file.read_text(encoding="utf-8").strip() if self.password_file else None


@dataclass(frozen=True)
class WillMessage:
    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True)
class Received:
    topic: str
    payload: bytes
    retain: bool


class MqttWire:
    """Keeps one connection open while `run` runs; `publish` returns once the broker confirmed."""

    def __init__(
        self,
        account: BrokerAccount,
        client_id: str,
        clock: Clock,
        *,
        subscribe: tuple[str, ...] = (),
        inflight_max: int = 20,
        retry_s: tuple[float, float] = RETRY_S,
    ) -> None:
        self._account, self._client_id, self._clock = account, client_id, clock
        self._subscribe, self._inflight_max, self._retry_s = subscribe, inflight_max, retry_s
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._rng = random.Random(client_id)
        # Full only when nobody takes messages: the oldest ones wait, the reader stops reading the socket's queue.
        self._received: asyncio.Queue[Received] = asyncio.Queue(MESSAGES_MAX)
        self._wanted = asyncio.Event()
        self._wanted.set()
        self.connections = 0
        self.on_connected: Callable[[], None] = lambda: None
        self.on_lost: Callable[[], None] = lambda: None

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def stay_away(self) -> None:
        """Cut the connection as a network does, without goodbye, and connect again only after ``come_back``."""
        self._wanted.clear()
        handle = None if self._client is None else self._client._client.socket()
        if isinstance(handle, socket.socket):
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        """Connect again, at once."""
        self._wanted.set()

    async def wait_connected(self) -> None:
        await self._connected.wait()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled. A broker that is away is waited for."""
        while True:
            await self._wanted.wait()
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                async with self._new_client() as client:
                    try:
                        await self._take(client)
                    finally:
                        client.timeout = GOODBYE_S
            stop_if_cancelled()  # a goodbye that failed took the place of the cancellation
            if self._connected.is_set():
                self._connected.clear()
                self._client = None
                self.on_lost()
            if self._wanted.is_set():
                await self._clock.sleep(self._rng.uniform(*self._retry_s))

    async def _take(self, client: aiomqtt.Client) -> None:
        with keep_cancellation():
            for topic_filter in self._subscribe:
                await client.subscribe(topic_filter, qos=1)
        self._client = client
        self.connections += 1
        self._connected.set()
        self.on_connected()
        async for message in client.messages:
            await self._received.put(Received(str(message.topic), bytes(message.payload), bool(message.retain)))

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, on_attempt: Callable[[], None] | None = None
    ) -> None:
        """Send until confirmed; ``on_attempt`` is called before every time the message goes out."""
        while True:
            await self._connected.wait()
            client = self._client
            if client is None:
                continue
            if on_attempt is not None:
                on_attempt()
            try:
                with keep_cancellation():
                    await client.publish(topic, payload, qos=1, retain=retain, timeout=CONFIRM_S)
            except (aiomqtt.MqttError, OSError):  # a connection that is gone is noticed by who listens to it
                await self._clock.sleep(self._rng.uniform(0.1, 0.5))
            else:
                return

    async def messages(self) -> AsyncIterator[Received]:
        """Everything that arrives on the subscribed topics, over all connections."""
        while True:
            yield await self._received.get()

    def _new_client(self) -> aiomqtt.Client:
        client = aiomqtt.Client(
            self._account.host,
            self._account.port,
            identifier=self._client_id,
            username=self._account.username or None,
            password=self._account.password(),
            tls_context=self._account.tls(),
            clean_session=True,
            keepalive=30,
            max_inflight_messages=self._inflight_max,
            logger=_library_log,
        )
        client.pending_calls_threshold = 100_000
        return client
