"""A broker that lets everybody in and then hears nothing more: it reads no byte until it ends."""

from __future__ import annotations

import asyncio
import socket
import struct
from types import TracebackType

from protocols.mqtt_url import MqttUrl

_CONNECT, _SUBSCRIBE = 1, 8
_CONNACK = b"\x20\x02\x00\x00"


class DeafBroker:
    """``async with``; ``url`` is where it listens. Of a connection it reads and answers up to the first SUBSCRIBE."""

    def __init__(self) -> None:
        self.url = MqttUrl("127.0.0.1", 0, False)
        self.came = 0
        """Connections that subscribed."""
        self._open: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> DeafBroker:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=4096)
        self.url = MqttUrl("127.0.0.1", self._server.sockets[0].getsockname()[1], False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._open:
            handle = writer.get_extra_info("socket")
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        while True:
            kind, body = await _packet(reader)
            if kind == _CONNECT:
                writer.write(_CONNACK)
            elif kind == _SUBSCRIBE:
                writer.write(b"\x90\x03" + body[:2] + b"\x01")
                self.came += 1
                return  # the stream's buffer is bounded: once it is full nothing more is read


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        part = (await reader.readexactly(1))[0]
        length |= (part & 127) << shift
        shift += 7
        if part < 128:
            return first >> 4, await reader.readexactly(length)
