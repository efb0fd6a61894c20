"""One MQTT connection of the gateway. The only file of edge/ that imports aiomqtt and paho.

Used twice: by the uplink's session (`edge/session.py`) and by the driver of local devices (`edge/drivers/mqtt.py`).
What it adds to aiomqtt: acknowledgement when the caller says so and not before, a receive queue whose items cannot be
lost by cancelling the reader, one reason in plain words for every way a connection can fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import paho.mqtt.client as paho

from edge.contract import LinkMessage, Will
from edge.identity import Identity
from edge.mqtt_reasons import why_lost, why_refused
from protocols.alive import keep_cancellation
from protocols.errors import BadPayload, WireLost
from protocols.mqtt_url import MqttUrl

log = logging.getLogger(__name__)

# paho reports every lost socket as an error of its own; the reason is told once, by whoever catches WireLost.
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)

CONNECT_S = 15.0
"""Name lookup, TCP, TLS and CONNACK together."""
ANSWER_S = 10.0
"""How long a PUBACK or SUBACK may take before the connection counts as lost."""
CLOSE_S = 2.0
KEEPALIVE_S = 30
UNSENT_MS = 20_000
"""TCP_USER_TIMEOUT: sent bytes that nobody confirms for this long end the connection."""

PUBLISH_BYTES_MAX = 1_100_000
INCOMING_BYTES_MAX = 1_100_000
WAITING_MAX = 5_000
"""QoS 0 messages beyond this many waiting are dropped and counted; QoS 1 is bounded by the broker's own window."""


@dataclass(frozen=True, kw_only=True)
class MqttDialer:
    """Opens links to one broker. Constructing opens nothing; the password file is read at each call.

    With ``clean_session`` false the broker keeps subscriptions and unacknowledged messages of this client id.
    """

    url: MqttUrl
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    """Shown to a broker that asks for one, with ``key_file``, or both in one file. `identity` is not looked at then."""
    key_file: Path | None = None
    clean_session: bool = True
    keepalive_s: int = KEEPALIVE_S
    max_inflight: int = 64
    answer_s: float = ANSWER_S
    identity: Identity | None = None
    """Shows this gateway's certificate where it is enrolled, and trusts its authority alone unless ca_file is given."""

    async def __call__(self, *, client_id: str, will: Will | None = None) -> MqttLink:
        """Connect and return the open link; raises WireLost with the reason when that fails."""
        client = self._client(client_id, will)
        inbox = _Inbox(client)
        connecting = asyncio.get_running_loop().create_task(client.__aenter__(), name=f"mqtt-connect[{self.url}]")
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.shield(connecting)
        except TimeoutError:
            connecting.add_done_callback(lambda task: _abandon(client, task))
            raise WireLost(f"{self.url}: no answer within {CONNECT_S:g} s") from None
        except asyncio.CancelledError:
            # The connect runs in a thread that cannot be stopped: let it end by itself and drop its socket then.
            connecting.add_done_callback(lambda task: _abandon(client, task))
            raise
        except (aiomqtt.MqttError, ValueError) as error:
            _drop_socket(client)
            shown = "" if self.identity is None else self.identity.doubt()
            raise WireLost(f"{self.url}: {why_refused(error, self.url, self.ca_file)}{shown}") from error
        if self.identity is not None:
            self.identity.connected()
        return MqttLink(client, inbox, name=str(self.url), answer_s=self.answer_s)

    def _client(self, client_id: str, will: Will | None) -> aiomqtt.Client:
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_MS))
        client = aiomqtt.Client(
            self.url.host,
            self.url.port,
            identifier=client_id,
            username=self.username,
            password=self._password(),
            tls_context=self._tls() if self.url.tls else None,
            clean_session=self.clean_session,
            will=aiomqtt.Will(will.topic, will.payload, 1, will.retain) if will else None,
            keepalive=self.keepalive_s,
            timeout=self.answer_s,
            max_inflight_messages=self.max_inflight,
            socket_options=options,
            logger=_library_log,
        )
        client.pending_calls_threshold = 1 << 16
        # Before connecting: a broker that kept our session sends the first messages right behind its CONNACK.
        client._client.manual_ack_set(True)
        _hook(client)
        return client

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise WireLost(f"{self.url}: password file {self.password_file}: {error}") from error

    def _tls(self) -> ssl.SSLContext:
        context = _TlsContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        ca_file, pair = self.ca_file, self.certificate_file
        if pair is None and self.identity is not None and (shown := self.identity.next_shown()) is not None:
            ca_file, pair = ca_file or shown.ca, shown.pair
        try:
            if ca_file is None:
                context.load_default_certs()
            else:
                context.load_verify_locations(str(ca_file))
        except (OSError, ssl.SSLError) as error:
            raise WireLost(f"{self.url}: CA file {ca_file}: {error}") from error
        try:
            if pair is not None:
                context.load_cert_chain(
                    str(pair), None if self.key_file is None else str(self.key_file), _no_passphrase
                )
        except (OSError, ssl.SSLError, ValueError) as error:
            again = "; enrol the gateway again" if self.certificate_file is None else ""
            files = pair if self.key_file is None else f"{pair} and {self.key_file}"
            raise WireLost(f"{self.url}: {files}: {error}{again}") from error
        return context


def _no_passphrase() -> str:
    """OpenSSL would ask at the terminal."""
    raise ValueError("the key is locked by a passphrase; a gateway that starts alone needs it without")


class MqttLink:
    """One open connection; never reused after it was lost. The contract is `edge.contract.Link`.

    ``dropped`` counts received messages that were thrown away, by reason. ``session_present``: the broker had kept this
    client's subscriptions, and messages for it, since the last time.
    """

    def __init__(self, client: aiomqtt.Client, inbox: _Inbox, *, name: str, answer_s: float) -> None:
        self._client = client
        self._paho = client._client
        self._name = name
        self._answer_s = answer_s
        self._loss: str | None = None
        self._inbox = inbox
        self.dropped = inbox.dropped
        self.session_present = self._paho.user_data_get() is True
        if self._paho.socket() is None:
            # Lost between CONNACK and here; aiomqtt forgets that.
            self._lose("the broker closed the connection at once (another client with the same id?)")
        else:
            client._disconnected.add_done_callback(self._on_disconnected)

    async def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Subscribe; returns after the broker granted it, raises WireLost when it does not."""
        self._check()
        try:
            with keep_cancellation():
                codes = await self._client.subscribe(topic_filter, qos=qos)
        except aiomqtt.MqttError as error:
            raise self._lose(f"subscribing to {topic_filter!r}: {self._tell(error, 'SUBACK')}") from error
        if any((code if isinstance(code, int) else code.value) >= 128 for code in codes):
            raise self._lose(f"the broker refused the subscription to {topic_filter!r} (access list?)")

    async def unsubscribe(self, topic_filter: str) -> None:
        """Take a subscription back, also one of an earlier life of a kept session."""
        self._check()
        try:
            with keep_cancellation():
                await self._client.unsubscribe(topic_filter)
        except aiomqtt.MqttError as error:
            raise self._lose(f"unsubscribing from {topic_filter!r}: {self._tell(error, 'UNSUBACK')}") from error

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish; with QoS 1 returns after the PUBACK. May be called many times at once.

        Raises BadPayload above PUBLISH_BYTES_MAX: a broker with a packet limit would drop the connection, again and
        again, and block every later message.
        """
        self._check()
        if len(payload) > PUBLISH_BYTES_MAX:
            raise BadPayload("too_large", f"{len(payload)} bytes to {topic}, at most {PUBLISH_BYTES_MAX} are sent")
        try:
            with keep_cancellation():
                await self._client.publish(topic, payload, qos=qos, retain=retain)
        except aiomqtt.MqttError as error:
            raise self._lose(f"publishing to {topic}: {self._tell(error, 'PUBACK')}") from error

    async def messages(self) -> AsyncIterator[LinkMessage]:
        """All messages in order of arrival, those received before a loss included; then WireLost. One reader only.

        A reader may be cancelled at any instant: no message is lost by it, the next call goes on where it stopped.
        """
        inbox = self._inbox
        while True:
            while inbox.waiting:
                yield inbox.waiting.popleft()
            if self._loss is not None:
                raise WireLost(f"{self._name}: {self._loss}")
            inbox.arrived.clear()
            await inbox.arrived.wait()

    async def acknowledge(self, message: LinkMessage) -> None:
        """Send the PUBACK of a message of this link. QoS 0 needs none; after a loss the broker sends it again."""
        self._check()
        if message.qos > 0:
            self._paho.ack(message.mid, message.qos)

    async def close(self) -> None:
        """Disconnect cleanly, so that the will is not sent. May be called again, also after a loss; never raises."""
        if self._loss is None:
            self._lose("closed")
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._client.__aexit__(None, None, None)
        _drop_socket(self._client)

    async def __aenter__(self) -> MqttLink:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _check(self) -> None:
        if self._loss is not None:
            raise WireLost(f"{self._name}: {self._loss}")

    def _on_disconnected(self, future: asyncio.Future[None]) -> None:
        error = None if future.cancelled() else future.exception()
        self._lose("the connection was closed" if error is None else why_lost(error))

    def _lose(self, reason: str) -> WireLost:
        if self._loss is None:
            self._loss = reason
            self._inbox.arrived.set()
        return WireLost(f"{self._name}: {self._loss}")

    def _tell(self, error: aiomqtt.MqttError, answer: str) -> str:
        if "timed out" in str(error):
            return f"no {answer} within {self._answer_s:g} s"
        return why_lost(error)


class _Inbox:
    """What paho hands over, kept until the reader comes. Runs in the event loop, inside paho's read call."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._paho = client._client
        self.waiting: deque[LinkMessage] = deque()
        self.arrived = asyncio.Event()
        self.dropped: Counter[str] = Counter()
        client._client.on_message = self._put

    def _put(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self._drop("topic_not_utf8", message)
            return
        payload = bytes(message.payload)
        if len(payload) > INCOMING_BYTES_MAX:
            self._drop("too_large", message)
        elif message.qos == 0 and len(self.waiting) >= WAITING_MAX:
            self._drop("queue_full", message)
        else:
            self.waiting.append(LinkMessage(topic, payload, message.qos, message.mid, message.retain, message.dup))
            self.arrived.set()

    def _drop(self, reason: str, message: paho.MQTTMessage) -> None:
        # Acknowledged all the same: it would come back for ever and take a place in the broker's window.
        self.dropped[reason] += 1
        if self.dropped[reason] == 1:
            log.warning("mqtt: dropped a message of %d bytes: %s", len(message.payload), reason)
        self._paho.ack(message.mid, message.qos)


class _TlsContext(ssl.SSLContext):
    """Verifies certificate and host name, and keeps the socket: paho leaves it open when the handshake fails."""

    wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, *arguments: Any, **keywords: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*arguments, **keywords)
        return self.wrapped


def _hook(client: aiomqtt.Client) -> None:
    """What aiomqtt does not do: fail at once when closed before the CONNACK, tell whether the session was kept."""
    tell_connect, tell_disconnect = client._client.on_connect, client._client.on_disconnect
    assert tell_connect is not None
    assert tell_disconnect is not None

    def on_connect(*arguments: Any) -> None:
        client._client.user_data_set(bool(arguments[2].session_present))
        tell_connect(*arguments)

    def on_disconnect(*arguments: Any) -> None:
        tell_disconnect(*arguments)
        if not client._connected.done():
            client._connected.set_exception(aiomqtt.MqttError("closed before an answer"))

    client._client.on_connect = on_connect
    client._client.on_disconnect = on_disconnect


def _abandon(client: aiomqtt.Client, task: asyncio.Task[aiomqtt.Client]) -> None:
    if not task.cancelled():
        task.exception()
    _drop_socket(client)


def _drop_socket(client: aiomqtt.Client) -> None:
    """Close whatever socket is left; after a failed read aiomqtt leaves it open and registered."""
    client._client._sock_close()
    context = client._client._ssl_context
    if isinstance(context, _TlsContext) and context.wrapped is not None:
        context.wrapped.close()
