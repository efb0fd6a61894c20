"""Modbus frames from the server's side, framed for TCP and for serial lines. Written from the standard."""

from __future__ import annotations

import struct
from typing import NamedTuple

from simulators.devices.unit import (
    BIT_READS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READS,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
)

MBAP_BYTES = 7
PDU_MAX = 253
REGISTERS_MAX, BITS_MAX = 125, 2000
COILS_WRITTEN_MAX, REGISTERS_WRITTEN_MAX = 1968, 123
_SHORT_BYTES = 8
"""Unit, function, two words and checksum: every request but those that write several."""
_SHORTEST_BYTES = 4


class Request(NamedTuple):
    """One request. ``values`` are what a write carries: registers, for function 15 bits, for 5 the one raw word."""

    unit: int
    function: int
    first: int
    quantity: int
    values: tuple[int, ...] = ()


def registers_pdu(function: int, words: tuple[int, ...]) -> bytes:
    """The answer to a read: function, byte count, registers with the high byte first."""
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


def bits_pdu(function: int, bits: tuple[int, ...]) -> bytes:
    """The answer to a read of coils or inputs: the first one is the lowest bit of the first byte."""
    packed = sum(bool(bit) << place for place, bit in enumerate(bits)).to_bytes((len(bits) + 7) // 8, "little")
    return bytes((function, len(packed))) + packed


def answer_pdu(request: Request, words: tuple[int, ...]) -> bytes:
    """The answer to a read of any kind."""
    return (bits_pdu if request.function in BIT_READS else registers_pdu)(request.function, words)


def exception_pdu(function: int, code: int) -> bytes:
    return bytes((function & 0x7F | 0x80, code))


def written_pdu(pdu: bytes) -> bytes:
    """The answer to a write that was done: the head of the request."""
    return pdu[:5]


def parse_pdu(unit: int, pdu: bytes) -> Request | int:
    """A request, or the exception code to answer with."""
    function = pdu[0] if pdu else 0
    if function in READS and len(pdu) == 5:
        first, count = struct.unpack(">HH", pdu[1:])
        most = BITS_MAX if function in BIT_READS else REGISTERS_MAX
        return Request(unit, function, first, count) if 1 <= count <= most else ILLEGAL_VALUE
    if function in (WRITE_COIL, WRITE_REGISTER) and len(pdu) == 5:
        first, value = struct.unpack(">HH", pdu[1:])
        return Request(unit, function, first, 1, (value,))
    if function in (WRITE_COILS, WRITE_REGISTERS) and len(pdu) >= 7:
        return _parse_many(unit, pdu)
    return ILLEGAL_FUNCTION


def _parse_many(unit: int, pdu: bytes) -> Request | int:
    function, first, count, size = struct.unpack(">BHHB", pdu[:6])
    body = pdu[6:]
    if function == WRITE_REGISTERS:
        if not (1 <= count <= REGISTERS_WRITTEN_MAX and size == 2 * count == len(body)):
            return ILLEGAL_VALUE
        return Request(unit, function, first, count, struct.unpack(f">{count}H", body))
    if not (1 <= count <= COILS_WRITTEN_MAX and size == (count + 7) // 8 == len(body)):
        return ILLEGAL_VALUE
    packed = int.from_bytes(body, "little")
    return Request(unit, function, first, count, tuple(packed >> place & 1 for place in range(count)))


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction & 0xFFFF, 0, len(pdu) + 1, unit) + pdu


def checksum(frame: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first as it goes on the line."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def serial_frame(unit: int, pdu: bytes) -> bytes:
    frame = bytes((unit,)) + pdu
    return frame + checksum(frame)


def take_serial_request(buffer: bytearray) -> tuple[int, bytes] | None:
    """Cut the first whole request (unit, PDU) out of ``buffer``; bytes that begin no valid one are dropped."""
    while len(buffer) >= _SHORTEST_BYTES:
        size = _SHORT_BYTES
        if buffer[1] in (WRITE_COILS, WRITE_REGISTERS):
            size = 9 + buffer[6] if len(buffer) > 6 else _SHORT_BYTES + 1
        if len(buffer) < size:
            return None
        frame = bytes(buffer[:size])
        if checksum(frame[:-2]) == frame[-2:]:
            del buffer[:size]
            return frame[0], frame[1:-2]
        del buffer[0]
    return None
