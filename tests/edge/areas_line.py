"""A line whose devices keep coils, contacts, inputs and holding registers apart, and that records every function asked.

Who asks with a function that writes is found in `functions`, and has changed nothing. Frames are made here by hand.
"""

from __future__ import annotations

import asyncio
import os
import struct
import tty
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

AREAS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}

Held = Mapping[str, Mapping[int, int]]


class Asked(NamedTuple):
    """One request as it arrived."""

    unit: int
    function: int
    start: int
    words: int


class AreasLine:
    """``devices``: by unit, by area, by address; a unit that is not there is silent.

    gateway: a unit that is not there is answered for with exception 11, as a Modbus gateway does. alone: words that are
    given only when exactly that register is asked for, as Carlo Gavazzi's meters do with their code. fault: what goes
    wrong with an answer: "", "silent", "checksum", "late S".
    """

    def __init__(self, devices: Mapping[int, Held], *, framing: str = "tcp", gateway: bool = False) -> None:
        self.devices, self.framing, self.gateway = devices, framing, gateway
        self.fault: Callable[[Asked], str] = lambda asked: ""
        self.alone: dict[int, int] = {}
        self.words_max = 125
        self.asked: list[Asked] = []
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def functions(self) -> set[int]:
        return {asked.function for asked in self.asked}

    @asynccontextmanager
    async def on_tcp(self) -> AsyncIterator[int]:
        """Serve on a free TCP port; yields it."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for writer in list(self._writers):
                writer.transport.abort()

    @asynccontextmanager
    async def on_pty(self) -> AsyncIterator[str]:
        """Serve on a pseudo-terminal; yields its path."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        loop = asyncio.get_running_loop()
        buffer = bytearray()

        def readable() -> None:
            try:
                buffer.extend(os.read(master, 4096))
            except OSError:
                return
            self._serve(buffer, lambda answer: os.write(master, answer))

        loop.add_reader(master, readable)
        try:
            yield os.ttyname(slave)
        finally:
            loop.remove_reader(master)
            os.close(master)
            os.close(slave)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        buffer = bytearray()
        try:
            while data := await reader.read(4096):
                buffer += data
                self._serve(buffer, writer.write)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def _serve(self, buffer: bytearray, send: Callable[[bytes], object]) -> None:
        size = 12 if self.framing == "tcp" else 8
        while len(buffer) >= size:
            frame = bytes(buffer[:size])
            del buffer[:size]
            asked = Asked(*struct.unpack(">BBHH", frame[6:] if self.framing == "tcp" else frame[:6]))
            self.asked.append(asked)
            fault, _, argument = self.fault(asked).partition(" ")
            if fault == "silent" or (asked.unit not in self.devices and not self.gateway):
                continue
            answer = self._frame(asked, frame, fault)
            if fault == "late":
                asyncio.get_running_loop().call_later(float(argument), send, answer)
            else:
                send(answer)

    def _frame(self, asked: Asked, frame: bytes, fault: str) -> bytes:
        pdu = self._pdu(asked)
        if self.framing == "tcp":
            return frame[:4] + struct.pack(">HB", len(pdu) + 1, asked.unit) + pdu
        body = bytes((asked.unit,)) + pdu
        check = checksum(body)
        return body + (bytes((check[0] ^ 1, check[1])) if fault == "checksum" else check)

    def _pdu(self, asked: Asked) -> bytes:
        device = self.devices.get(asked.unit)
        if device is None:
            return refusal(asked, 11)
        held = device.get(AREAS.get(asked.function, ""))
        if held is None:
            return refusal(asked, 1)
        if asked.function >= 3 and asked.words > self.words_max:
            return refusal(asked, 3)
        if asked.words == 1 and asked.start in self.alone:
            held = {asked.start: self.alone[asked.start]}
        addresses = range(asked.start, asked.start + asked.words)
        if not all(address in held for address in addresses):
            return refusal(asked, 2)
        if asked.function <= 2:
            bits = sum(bool(held[address]) << place for place, address in enumerate(addresses))
            data = bits.to_bytes((asked.words + 7) // 8, "little")
        else:
            data = struct.pack(f">{asked.words}H", *(held[address] for address in addresses))
        return bytes((asked.function, len(data))) + data


def refusal(asked: Asked, code: int) -> bytes:
    return bytes((asked.function | 0x80, code))


def checksum(frame: bytes) -> bytes:
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def text_words(text: str, registers: int) -> list[int]:
    """A text as registers, two letters to each, filled up with NUL."""
    raw = text.encode().ljust(2 * registers, b"\0")
    return [int.from_bytes(raw[place : place + 2], "big") for place in range(0, 2 * registers, 2)]


def at(start: int, words: list[int]) -> dict[int, int]:
    """Registers from ``start`` on."""
    return {start + place: word for place, word in enumerate(words)}
