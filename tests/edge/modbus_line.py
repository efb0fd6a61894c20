"""A Modbus line that a test can make lie: devices with registers, and a fault for any request.

Frames are made here by hand, so that nothing is shared with the code under test.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import tty
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from protocols.clock import Clock
from tests.edge.memory_link import MemoryLink


class Asked(NamedTuple):
    """One request as it arrived; ``number`` counts from 0. ``words``: how many, or the value of a function 5 or 6."""

    number: int
    unit: int
    function: int
    start: int
    words: int


Fault = str
"""What goes wrong with one answer: "", "silent", "late S", "exception N", "unit", "function", "short", "long",
"checksum", "id", "noise", "echo", "twice", "close", "half", "chopped S" (in three parts, S apart), "stale S" (sent
again S later), "unanswered" (done, but the answer is lost), "unanswered close" (done, then the connection closed)."""


WRITES_ONE = (5, 6)
WRITES_SEVERAL = (15, 16)


def checksum(frame: bytes) -> bytes:
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


class ModbusLine:
    """Units with registers (the same for functions 3 and 4). A unit that is not there is silent.

    Bits (functions 1, 2, 5, 15) are the same registers, true when not 0. ``written``: the PDUs of all writes that were
    carried out. ``char_s``: how long a character takes on a line in memory; ``turnaround_s``: until a unit answers.
    """

    def __init__(
        self,
        units: Mapping[int, Mapping[int, int]],
        *,
        framing: str = "tcp",
        char_s: float = 0.0,
        turnaround_s: float = 0.0,
    ) -> None:
        self.units = {unit: dict(held) for unit, held in units.items()}
        self.char_s, self.turnaround_s = char_s, turnaround_s
        self.written: list[bytes] = []
        self.framing = framing
        self.fault: Callable[[Asked], Fault] = lambda asked: ""
        self.asked: list[Asked] = []
        self.connections = 0
        self.now_open: set[asyncio.StreamWriter] = set()
        self.refuse_missing = True
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def on_tcp(self) -> AsyncIterator[int]:
        """Serve on a free TCP port; yields it."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.drop_connections()
            for task in list(self._tasks):
                task.cancel()

    def drop_connections(self) -> None:
        for writer in list(self.now_open):
            writer.transport.abort()

    @asynccontextmanager
    async def on_pty(self) -> AsyncIterator[str]:
        """Serve on a pseudo-terminal; yields its path."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        path = os.ttyname(slave)
        buffer = bytearray()
        loop = asyncio.get_running_loop()

        def readable() -> None:
            try:
                buffer.extend(os.read(master, 4096))
            except OSError:
                return
            self._take(buffer, lambda data: os.write(master, data), lambda: None)

        loop.add_reader(master, readable)
        try:
            yield path
        finally:
            for task in list(self._tasks):
                task.cancel()
            loop.remove_reader(master)
            os.close(master)
            os.close(slave)

    def in_memory(self, clock: Clock) -> MemoryLink:
        """Serve a link in memory, in the time of the running loop."""
        buffer = bytearray()

        def carried(frame: bytes) -> None:
            buffer.extend(frame)
            self._take(buffer, link.receive, link.drop)

        link = MemoryLink(clock, self.char_s, carried)
        return link

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.now_open.add(writer)
        buffer = bytearray()
        try:
            while data := await reader.read(4096):
                buffer += data
                self._take(buffer, writer.write, writer.transport.abort)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.now_open.discard(writer)
            writer.transport.abort()

    def _take(self, buffer: bytearray, send: Callable[[bytes], object], close: Callable[[], None]) -> None:
        while size := self._size(buffer):
            frame = bytes(buffer[:size])
            del buffer[:size]
            body = frame[6:] if self.framing == "tcp" else frame[:-2]
            asked = Asked(len(self.asked), *struct.unpack(">BBHH", body[:6]))
            self.asked.append(asked)
            task = asyncio.ensure_future(self._answer(asked, frame, body, send, close))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _size(self, buffer: bytearray) -> int:
        """Bytes of the first request, 0 while it is not complete."""
        if self.framing == "tcp":
            size = 6 + int.from_bytes(buffer[4:6], "big") if len(buffer) >= 6 else 12
        else:
            size = 9 + buffer[6] if len(buffer) > 6 and buffer[1] in WRITES_SEVERAL else 8
        return size if len(buffer) >= size else 0

    async def _answer(
        self,
        asked: Asked,
        frame: bytes,
        body: bytes,
        send: Callable[[bytes], object],
        close: Callable[[], None],
    ) -> None:
        fault, _, argument = self.fault(asked).partition(" ")
        if fault == "close":
            close()
            return
        if fault == "silent" or asked.unit not in self.units:
            return
        if self.turnaround_s:
            await asyncio.sleep(self.turnaround_s)
        if fault == "late":
            await asyncio.sleep(float(argument))
        answer = self._frame(asked, frame, body, fault, argument)
        if fault == "unanswered":
            if argument == "close":
                close()
            return
        await self._send(answer, frame, fault, argument, send)
        if fault == "half" and self.framing == "tcp":
            close()

    async def _send(
        self, answer: bytes, frame: bytes, fault: str, argument: str, send: Callable[[bytes], object]
    ) -> None:
        if fault == "noise":
            answer = b"\x00\xff" + answer
        elif fault == "echo":
            answer = frame + answer
        elif fault == "twice":
            answer *= 2
        elif fault == "half":
            answer = answer[: len(answer) // 2]
        elif fault == "chopped":
            third = len(answer) // 3
            for part in (answer[:third], answer[third : 2 * third]):
                send(part)
                await asyncio.sleep(float(argument))
            answer = answer[2 * third :]
        send(answer)
        if fault == "stale":
            await asyncio.sleep(float(argument))
            send(answer)

    def _frame(self, asked: Asked, frame: bytes, body: bytes, fault: str, argument: str) -> bytes:
        unit = asked.unit + 1 if fault == "unit" else asked.unit
        function = asked.function ^ 7 if fault == "function" else asked.function
        held = self.units[asked.unit]
        one = asked.function in WRITES_ONE
        addresses = range(asked.start, asked.start + (1 if one else asked.words))
        if fault == "exception":
            pdu = bytes((function | 0x80, int(argument)))
        elif self.refuse_missing and not one and not all(address in held for address in addresses):
            pdu = bytes((function | 0x80, 2))
        elif one or asked.function in WRITES_SEVERAL:
            self._write(asked, body, held)
            pdu = body[1:6]
        elif asked.function <= 2:
            bits = sum(1 << place for place, address in enumerate(addresses) if held.get(address))
            pdu = bytes((function, (asked.words + 7) // 8)) + bits.to_bytes((asked.words + 7) // 8, "little")
        else:
            words = [held.get(address, 0) for address in addresses]
            if fault == "short":
                words.pop()
            if fault == "long":
                words.append(0)
            pdu = struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)
        if self.framing == "tcp":
            transaction = int.from_bytes(frame[:2], "big") + (1 if fault == "id" else 0)
            return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu
        body = bytes((unit,)) + pdu
        check = checksum(body)
        return body + (bytes((check[0] ^ 1, check[1])) if fault == "checksum" else check)

    def _write(self, asked: Asked, body: bytes, held: dict[int, int]) -> None:
        self.written.append(body[1:])
        if asked.function == 5:
            if asked.words in (0, 0xFF00):
                held[asked.start] = int(asked.words != 0)
        elif asked.function == 6:
            held[asked.start] = asked.words
        elif asked.function == 15:
            bits = int.from_bytes(body[7:], "little")
            held.update({asked.start + place: bits >> place & 1 for place in range(asked.words)})
        else:
            words = struct.unpack(f">{asked.words}H", body[7:])
            held.update({asked.start + place: word for place, word in enumerate(words)})


def telling(unit: int, addresses: range) -> dict[int, int]:
    """Registers whose content says which unit and address they are of."""
    return {address: random.Random(unit * 65536 + address).randrange(65536) for address in addresses}
