"""Many Modbus TCP devices in one process: ``python -m tests.bench.far_tcp PORTS_FILE --devices 100``.

Each listens on a port of its own on the loopback address and answers reads of registers at once; the ports are written
to PORTS_FILE as JSON when all listen. Register values differ from answer to answer, as float32.
"""

import argparse
import asyncio
import functools
import itertools
import json
import os
import struct
import sys
from pathlib import Path

HEADER = struct.Struct(">HHHB")
READ = struct.Struct(">HHHBBHH")
VARIANTS = 64


def payload(registers: int, variant: int) -> bytes:
    """Big-endian float32 that look measured; an odd register at the end is 0."""
    floats = (230.0 + place * 1.7 + (variant * 7919 + place * 104729) % 977 / 97 for place in range(registers // 2))
    return b"".join(struct.pack(">f", value) for value in floats) + bytes(2 * (registers % 2))


@functools.cache
def payloads(registers: int) -> list[bytes]:
    """Answers to one request, told apart."""
    return [payload(registers, variant) for variant in range(VARIANTS)]


class Device(asyncio.Protocol):
    """One connection of one device."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._turn = itertools.count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= READ.size:
            transaction, _, _, unit, function, _, registers = READ.unpack_from(self._buffer)
            del self._buffer[: READ.size]
            if function not in (3, 4) or not 1 <= registers <= 125:
                pdu = bytes((function | 0x80, 1))
            else:
                pdu = bytes((function, 2 * registers)) + payloads(registers)[next(self._turn) % VARIANTS]
            self._transport.write(HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu)


async def serve(ports_file: Path, devices: int) -> None:
    """Until the process is ended."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Device, "127.0.0.1", 0) for _ in range(devices)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    half_done = ports_file.with_suffix(".part")
    half_done.write_text(json.dumps(ports), encoding="utf-8")
    os.replace(half_done, ports_file)
    await asyncio.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="far_tcp")
    parser.add_argument("ports_file", type=Path)
    parser.add_argument("--devices", type=int, default=100)
    options = parser.parse_args()
    asyncio.run(serve(options.ports_file, options.devices))
    return 0


if __name__ == "__main__":
    sys.exit(main())
