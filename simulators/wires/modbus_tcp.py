"""Modbus over TCP connections: as a meter with an Ethernet port or a TCP gateway serves it, and the frames of a serial
line in a connection as a transparent serial server passes them on."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from abc import ABC, abstractmethod
from typing import NamedTuple

from protocols.clock import Clock
from simulators.ledger import Ledger
from simulators.wires.damage import OnTcp, on_line, on_tcp
from simulators.wires.modbus_frames import MBAP_BYTES, PDU_MAX, take_serial_request
from simulators.wires.unit_rack import Reply, UnitRack

READ_BYTES = 1024


class Manners(NamedTuple):
    """How a server treats connections: only one at a time, and none that is idle for so long (0: for ever)."""

    one_connection: bool = False
    idle_close_s: float = 0.0


class _Connection:
    """One connection: what came and was not used yet, and an answer that is held back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.held = b""


class _Server(ABC):
    """Serves a rack on one port until closed. Requests of one connection are answered in order, one at a time.

    port: 0 for any free one. exact: fail with OSError when the port is taken, rather than take another.
    """

    def __init__(
        self,
        rack: UnitRack,
        ledger: Ledger,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        exact: bool = False,
        manners: Manners = Manners(),
    ) -> None:
        self._rack, self._ledger, self._clock = rack, ledger, clock
        self._host, self._wanted_port, self._exact, self._manners = host, port, exact, manners
        self._server: asyncio.Server | None = None
        self._started = False
        self._open: set[asyncio.StreamWriter] = set()
        self.connections = 0

    @property
    def rack(self) -> UnitRack:
        return self._rack

    @property
    def wanted(self) -> tuple[str, int]:
        """Where it is to listen."""
        return self._host, self._wanted_port

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, also while the server is away; raises RuntimeError before the first `start`."""
        if not self._started:
            raise RuntimeError("the server is not started")
        return self._host, self._wanted_port

    async def start(self) -> None:
        """Listen; from then on the port is always the same, also after `close` and another start."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._wanted_port)
        except OSError:
            if self._exact:
                raise
            self._server = await asyncio.start_server(self._serve, self._host, 0)
        self._host, self._wanted_port = self._server.sockets[0].getsockname()[:2]
        self._exact = self._started = True

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for writer in tuple(self._open):
            writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._manners.one_connection and self._open:
            writer.close()
            return
        self._open.add(writer)
        try:
            await self._converse(_Connection(reader, writer))
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            pass  # The gateway closed the connection, was killed or said nothing: nothing is owed to it.
        finally:
            self._open.discard(writer)
            writer.close()

    @abstractmethod
    async def _converse(self, at: _Connection) -> None:
        """Answer what comes until the other side ends it; may raise what a broken connection raises."""

    async def _bytes(self, at: _Connection, exactly: int = 0) -> bytes:
        async with asyncio.timeout(self._manners.idle_close_s or None):
            return await (at.reader.readexactly(exactly) if exactly else at.reader.read(READ_BYTES))

    async def _send(self, at: _Connection, reply: Reply, frame: OnTcp) -> bool:
        """Write an answer, or hold it; False when the connection is at its end."""
        if reply.delay_s:
            await self._clock.sleep(reply.delay_s)
        if reply.late:
            at.held += frame.data
            return True
        if at.writer.is_closing():
            self._ledger.undelivered(reply.answer_id)
            return False
        at.writer.write(at.held + frame.data)
        at.held = b""
        await at.writer.drain()
        return not frame.close


class ModbusTcpServer(_Server):
    """Modbus TCP."""

    async def _converse(self, at: _Connection) -> None:
        while True:
            transaction, protocol, length, unit = struct.unpack(">HHHB", await self._bytes(at, MBAP_BYTES))
            if protocol != 0 or not 2 <= length <= PDU_MAX + 1:
                return
            reply = self._rack.answer(unit, await self._bytes(at, length - 1))
            if reply.close:
                return
            if reply.pdu is None:
                continue
            if not await self._send(at, reply, on_tcp(transaction, unit, reply.pdu, reply.damage)):
                return


class SerialServer(_Server):
    """Modbus RTU in a TCP connection: frames with their checksum and no header."""

    async def _converse(self, at: _Connection) -> None:
        received = bytearray()
        while came := await self._bytes(at):
            received += came
            while (request := take_serial_request(received)) is not None:
                unit, pdu = request
                reply = self._rack.answer(unit, pdu)
                if reply.close:
                    return
                if reply.pdu is None:
                    continue
                self._rack.speaks(unit)
                frame = OnTcp(on_line(unit, reply.pdu, reply.damage, self._rack.rng))
                if not await self._send(at, reply, frame):
                    return
