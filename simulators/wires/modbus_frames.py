"""Modbus frames from the server's side: reads only, framed for TCP and for serial lines. Written from the standard."""

from __future__ import annotations

import struct
from typing import NamedTuple

from simulators.devices.registers import ILLEGAL_FUNCTION

READ_HOLDING = 3
READ_INPUT = 4
REQUEST_BYTES = 8
"""Unit, function, address, count and checksum of a read on a serial line."""
MBAP_BYTES = 7
PDU_MAX = 253


class Request(NamedTuple):
    unit: int
    function: int
    first: int
    words: int


def registers_pdu(function: int, words: tuple[int, ...]) -> bytes:
    """The answer to a read: function, byte count, registers with the high byte first."""
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


def exception_pdu(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))


def parse_pdu(unit: int, pdu: bytes) -> Request | int:
    """A read request, or the exception code to answer with."""
    if len(pdu) != 5 or pdu[0] not in (READ_HOLDING, READ_INPUT):
        return ILLEGAL_FUNCTION
    function, first, words = struct.unpack(">BHH", pdu)
    return Request(unit, function, first, words)


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


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
    """Cut the first whole read request (unit, PDU) out of ``buffer``; bytes that begin no valid one are dropped."""
    while len(buffer) >= REQUEST_BYTES:
        frame = bytes(buffer[:REQUEST_BYTES])
        if checksum(frame[:-2]) == frame[-2:]:
            del buffer[:REQUEST_BYTES]
            return frame[0], frame[1:-2]
        del buffer[0]
    return None
