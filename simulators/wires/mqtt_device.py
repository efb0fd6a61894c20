"""MQTT 3.1.1 written by hand, as the firmware of a device speaks it, so that it can also behave badly.

A library would not let a connection die without a goodbye, or send a message again with the DUP flag because the
PUBACK never came. What is sent with QoS 1 is sent until confirmed; QoS 0 once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable

from protocols.clock import Clock
from simulators.wires.mqtt import BrokerAccount, WillMessage

CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, DISCONNECT = 0x10, 0x20, 0x30, 0x40, 0xC0, 0xE0
DUP, RETAIN = 0x08, 0x01
KEEP_ALIVE_S = 30
CONFIRM_S = 10.0
RETRY_S = (0.1, 0.8)
PACKET_IDS = 0xFFFF


class Refused(Exception):
    """The broker accepted the connection and not us."""


class DeviceWire:
    """Keeps one connection open while `run` runs. A connection that is `cut` ends without DISCONNECT: the will fires.

    on_connected is called after every CONNACK. ``away``: stays unconnected until it is set back to False.
    """

    def __init__(
        self,
        account: BrokerAccount,
        client_id: str,
        clock: Clock,
        *,
        will: Callable[[], WillMessage | None] | None = None,
        on_connected: Callable[[], None] | None = None,
    ) -> None:
        self._account, self._client_id, self._clock = account, client_id, clock
        self._will, self._on_connected = will, on_connected
        self._rng = random.Random(client_id)
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._back = asyncio.Event()
        self._back.set()
        self._ids = itertools.count(1)
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._cut_before_puback = False
        self.connections = 0
        self.resent = 0

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    async def wait_connected(self) -> None:
        await self._connected.wait()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled; then say goodbye. A broker that is away is waited for."""
        while True:
            await self._back.wait()
            with contextlib.suppress(OSError, Refused, asyncio.IncompleteReadError, TimeoutError):
                await self._one_connection()
            await self._clock.sleep(self._rng.uniform(*RETRY_S))

    def cut(self) -> None:
        """The connection is gone, as by a pulled plug. The broker publishes the will."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._gone()

    def go_away(self) -> None:
        """Cut, and stay away until `come_back`."""
        self._back.clear()
        self.cut()

    def come_back(self) -> None:
        self._back.set()

    def lose_next_puback(self) -> None:
        """The next QoS 1 message reaches the broker, but its PUBACK does not reach us: it is sent again with DUP."""
        self._cut_before_puback = True

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        on_attempt: Callable[[], None] | None = None,
    ) -> None:
        """Send; QoS 1 until confirmed. ``on_attempt`` is called before every time the message goes out."""
        packet_id = next(self._ids) % PACKET_IDS + 1 if qos else 0
        head = PUBLISH | (qos << 1) | (RETAIN if retain else 0)
        body = _text(topic) + (packet_id.to_bytes(2, "big") if qos else b"") + payload
        dup = 0
        while True:
            await self._connected.wait()
            writer = self._writer
            if writer is None:
                continue
            if on_attempt is not None:
                on_attempt()
            self.resent += bool(dup)
            if await self._send(writer, _packet(head | dup, body), packet_id):
                return
            dup = DUP if qos else 0

    async def _send(self, writer: asyncio.StreamWriter, packet: bytes, packet_id: int) -> bool:
        """True when the message is with the broker, as far as its QoS can tell."""
        confirmed = asyncio.get_running_loop().create_future()
        if packet_id:
            self._unconfirmed[packet_id] = confirmed
        try:
            writer.write(packet)
            await writer.drain()
            if not packet_id:
                return True
            async with asyncio.timeout(CONFIRM_S):
                await confirmed
        except (OSError, TimeoutError):
            if self._writer is writer:
                self.cut()
            return False
        finally:
            self._unconfirmed.pop(packet_id, None)
        return True

    async def _one_connection(self) -> None:
        reader, writer = await asyncio.open_connection(self._account.host, self._account.port)
        try:
            writer.write(self._hello())
            await _expect_connack(reader)
            self._writer = writer
            self.connections += 1
            if self._on_connected is not None:
                self._on_connected()
            self._connected.set()
            await self._listen(reader, writer)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                writer.write(_packet(DISCONNECT, b""))
                await writer.drain()
            raise
        finally:
            if self._writer is writer:
                self._gone()
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S / 2):
                    head = (await reader.readexactly(1))[0]
            except TimeoutError:
                writer.write(_packet(PINGREQ, b""))
                continue
            body = await reader.readexactly(await _length(reader))
            if head & 0xF0 == PUBACK:
                if self._cut_before_puback:
                    self._cut_before_puback = False
                    self.cut()
                    return
                waiting = self._unconfirmed.get(int.from_bytes(body[:2], "big"))
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)

    def _gone(self) -> None:
        self._writer = None
        self._connected.clear()
        for waiting in self._unconfirmed.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("connection lost before the PUBACK"))

    def _hello(self) -> bytes:
        will = self._will() if self._will else None
        flags = 0
        tail = _text(self._client_id)
        if will is not None:
            flags |= 0x04 | 0x08 | (0x20 if will.retain else 0)
            tail += _text(will.topic) + _binary(will.payload)
        if self._account.username:
            flags |= 0x80
            tail += _text(self._account.username)
        password = self._account.password()
        if password:
            flags |= 0x40
            tail += _text(password)
        return _packet(CONNECT, _text("MQTT") + bytes((4, flags)) + KEEP_ALIVE_S.to_bytes(2, "big") + tail)


async def _expect_connack(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(CONFIRM_S):
        answer = await reader.readexactly(4)
    if answer[0] != CONNACK or answer[3] != 0:
        raise Refused(f"the broker answered {answer.hex()}")


async def _length(reader: asyncio.StreamReader) -> int:
    size = shift = 0
    while True:
        part = (await reader.readexactly(1))[0]
        size |= (part & 0x7F) << shift
        if not part & 0x80:
            return size
        shift += 7


def _packet(head: int, body: bytes) -> bytes:
    size, spelled = len(body), bytearray()
    while True:
        size, part = size >> 7, size & 0x7F
        spelled.append(part | 0x80 if size else part)
        if not size:
            return bytes((head,)) + bytes(spelled) + body


def _text(text: str) -> bytes:
    return _binary(text.encode())


def _binary(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw
