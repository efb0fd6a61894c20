"""Modbus TCP as a meter with an Ethernet port, or a gateway with several units behind one address, serves it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct

from protocols.clock import Clock
from simulators.ledger import Ledger
from simulators.wires.modbus_frames import MBAP_BYTES, PDU_MAX, tcp_frame
from simulators.wires.unit_rack import UnitRack

log = logging.getLogger(__name__)


class ModbusTcpServer:
    """Serves a rack on one port until closed. Requests of one connection are answered in order, one at a time."""

    def __init__(self, rack: UnitRack, ledger: Ledger, clock: Clock, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._rack, self._ledger, self._clock = rack, ledger, clock
        self._host, self._wanted_port = host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.connections = 0

    @property
    def rack(self) -> UnitRack:
        return self._rack

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def start(self) -> None:
        """Listen on the wanted port; when it is taken or none was asked for, on a free one."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._wanted_port)
        except OSError:
            self._server = await asyncio.start_server(self._serve, self._host, 0)

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        for writer in tuple(self._open):
            writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while True:
                header = await reader.readexactly(MBAP_BYTES)
                transaction, protocol, length, unit = struct.unpack(">HHHB", header)
                if protocol != 0 or not 2 <= length <= PDU_MAX + 1:
                    return
                await self._answer(transaction, unit, await reader.readexactly(length - 1), writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # The gateway closed the connection, or was killed: nothing is owed to it.
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, transaction: int, unit: int, pdu: bytes, writer: asyncio.StreamWriter) -> None:
        reply = self._rack.answer(unit, pdu)
        if reply.pdu is None:
            return
        if reply.delay_s:
            await self._clock.sleep(reply.delay_s)
        if writer.is_closing():
            self._ledger.undelivered(reply.answer_id)
            return
        writer.write(tcp_frame((transaction + reply.garbled) & 0xFFFF, unit, reply.pdu))
        await writer.drain()
