"""Register types: how many 16-bit registers a value takes and how its bits are read.

``word_order`` says which register of a wider value comes first; bytes inside a register are high byte first, except in
the two ``-swapped`` orders, which some gateways and a few devices produce.
"""

import struct
from typing import Literal, NamedTuple

Area = Literal["coil", "discrete", "holding", "input"]
WordOrder = Literal["big", "little", "big-swapped", "little-swapped"]
TypeName = Literal["bit", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]

ORDERS: dict[WordOrder, tuple[str, bool]] = {
    "big": (">", False),
    "little": ("<", True),
    "big-swapped": (">", True),
    "little-swapped": ("<", False),
}
"""The struct byte order, and whether the bytes of every register are swapped before it."""

FUNCTION_CODES: dict[Area, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
BIT_AREAS: frozenset[Area] = frozenset({"coil", "discrete"})

REGISTERS_PER_READ_MAX = 125
BITS_PER_READ_MAX = 2000
ADDRESS_END = 0x10000


class RegisterType(NamedTuple):
    """``words`` registers, read with the struct format ``code`` (byte order apart)."""

    words: int
    code: str


TYPES: dict[TypeName, RegisterType] = {
    "bit": RegisterType(1, ""),
    "uint16": RegisterType(1, "H"),
    "int16": RegisterType(1, "h"),
    "uint32": RegisterType(2, "I"),
    "int32": RegisterType(2, "i"),
    "uint64": RegisterType(4, "Q"),
    "int64": RegisterType(4, "q"),
    "float32": RegisterType(2, "f"),
    "float64": RegisterType(4, "d"),
}

WHOLE_TYPES: frozenset[TypeName] = frozenset({"uint16", "int16", "uint32", "int32", "uint64", "int64"})


def value_of_bits(pattern: int, type_name: TypeName) -> int | float:
    """The value that the bit pattern ``pattern`` stands for; raises OverflowError when it has too many bits."""
    kind = TYPES[type_name]
    value: int | float = struct.unpack(">" + kind.code, pattern.to_bytes(2 * kind.words, "big"))[0]
    return value


def swap_words(payload: bytes) -> bytes:
    """Swap the two bytes of every register.

    A value sent low word first with high bytes first becomes plainly little-endian by this, so one swap of a whole
    answer replaces a reordering per value.
    """
    swapped = bytearray(len(payload))
    swapped[0::2] = payload[1::2]
    swapped[1::2] = payload[0::2]
    return bytes(swapped)
