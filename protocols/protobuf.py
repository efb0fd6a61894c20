"""The wire format of Protocol Buffers, as far as Sparkplug needs it: fields written one by one, read one by one.

A message is a row of fields, each a key (number and wire type) and a value. Reading checks every length against what
is there, so that no input makes it take more memory than the input itself has.
Source: the encoding chapter of the Protocol Buffers documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from protocols.errors import BadPayload

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
VARINT_BYTES_MAX = 10
FIELD_NUMBER_MAX = (1 << 29) - 1
MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1

_double = struct.Struct("<d")
_float = struct.Struct("<f")


class Field(NamedTuple):
    """One field as it stands on the wire. ``value``: a number for VARINT, the raw bytes for all others."""

    number: int
    wire: int
    value: int | bytes


class Writer:
    """Appends fields; the caller keeps them in the order of their numbers."""

    def __init__(self) -> None:
        self._out = bytearray()

    def varint(self, number: int, value: int) -> None:
        """uint32, uint64, bool and enums; ``value`` is not negative."""
        self._out += key(number, VARINT) + varint(value)

    def text(self, number: int, value: str) -> None:
        self.chunk(number, value.encode("utf-8"))

    def chunk(self, number: int, value: bytes) -> None:
        """bytes, and messages inside this one."""
        self._out += key(number, BYTES) + varint(len(value))
        self._out += value

    def double(self, number: int, value: float) -> None:
        self._out += key(number, FIXED64) + _double.pack(value)

    def float(self, number: int, value: float) -> None:
        """Raises ValueError for what no 32-bit float can hold."""
        try:
            self._out += key(number, FIXED32) + _float.pack(value)
        except OverflowError:
            raise ValueError(f"{value!r} does not fit into a float") from None

    def done(self) -> bytes:
        """Everything written."""
        return bytes(self._out)


def key(number: int, wire: int) -> bytes:
    """What stands before each value."""
    return varint(number << 3 | wire)


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first. Raises ValueError outside 0 to 2**64-1."""
    if not 0 <= value <= MASK64:
        raise ValueError(f"{value} is no unsigned number of 64 bits")
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def fields(raw: bytes) -> Iterator[Field]:
    """Every field of a message in the order of the wire; raises BadPayload at the first that is broken."""
    at, end = 0, len(raw)
    while at < end:
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if not 0 < number <= FIELD_NUMBER_MAX:
            raise BadPayload("protobuf", f"field number {number} before byte {at}")
        if wire == VARINT:
            value, at = _varint(raw, at)
            yield Field(number, wire, value)
            continue
        if wire == BYTES:
            length, at = _varint(raw, at)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise BadPayload("protobuf", f"wire type {wire} before byte {at}")
        if length > end - at:
            raise BadPayload("protobuf", f"{length} bytes wanted at byte {at}, {end - at} are there")
        yield Field(number, wire, raw[at : at + length])
        at += length


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(VARINT_BYTES_MAX):
        if at + place >= len(raw):
            raise BadPayload("protobuf", f"ends inside the number at byte {at}")
        byte = raw[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & MASK64, at + place + 1
    raise BadPayload("protobuf", f"a number of more than {VARINT_BYTES_MAX} bytes at byte {at}")


def whole(field: Field) -> int:
    """The value of a uint64, uint32, bool or enum field; raises BadPayload when it is written as something else."""
    if not isinstance(field.value, int):
        raise BadPayload("protobuf", f"field {field.number} is no number")
    return field.value


def raw_bytes(field: Field) -> bytes:
    """The value of a bytes field or an inner message; raises BadPayload."""
    if field.wire != BYTES or not isinstance(field.value, bytes):
        raise BadPayload("protobuf", f"field {field.number} is no text and no message")
    return field.value


def text(field: Field) -> str:
    """The value of a string field; raises BadPayload, also for what is not UTF-8."""
    try:
        return raw_bytes(field).decode("utf-8")
    except UnicodeDecodeError:
        raise BadPayload("protobuf", f"field {field.number} is not UTF-8") from None


def real(field: Field) -> float:
    """The value of a double or float field; raises BadPayload."""
    if not isinstance(field.value, bytes) or field.wire not in (FIXED64, FIXED32):
        raise BadPayload("protobuf", f"field {field.number} is no floating-point number")
    unpacked: tuple[float] = (_double if field.wire == FIXED64 else _float).unpack(field.value)
    return unpacked[0]
