"""Registers as a data sheet lists them, and the bytes a meter puts into them.

Written by hand, apart from every decoder of ours: a mistake made twice must not hide.
"""

from __future__ import annotations

import csv
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_COUNT = 3
DEVICE_FAILURE = 4
DEVICE_BUSY = 6
GATEWAY_TARGET_SILENT = 11

WORDS = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4}
_CODES = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f", "int64": ">q", "uint64": ">Q"}
_LIMITS = {
    "int16": (-(2**15), 2**15 - 2),
    "uint16": (0, 2**16 - 2),
    "int32": (-(2**31), 2**31 - 2),
    "uint32": (0, 2**32 - 2),
    "int64": (-(2**63), 2**63 - 2),
    "uint64": (0, 2**64 - 2),
}


class Field(NamedTuple):
    """One quantity in the register table: where it lies and how a raw number becomes the value (raw x scale)."""

    point: str
    address: int
    kind: str
    scale: Decimal

    @property
    def end(self) -> int:
        return self.address + WORDS[self.kind]


class Encoded(NamedTuple):
    """What a meter puts on the wire for one quantity, and the value it means by it (NaN: "no value")."""

    words: tuple[int, ...]
    value: float


class Refusal(NamedTuple):
    """A Modbus exception code instead of registers."""

    code: int


class Answer(NamedTuple):
    """Registers for one read, and the points wholly contained in them with the value each one means."""

    words: tuple[int, ...]
    points: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class RegisterMap:
    """The register table of one meter model, with the manners its maker gave it."""

    profile: str
    fields: tuple[Field, ...]
    functions: tuple[int, ...] = (4,)
    low_word_first: bool = False
    gaps_read_zero: bool = True
    read_max: int = 125
    even_only: bool = False
    no_value: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    identity: Mapping[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)

    @property
    def points(self) -> tuple[str, ...]:
        return tuple(item.point for item in self.fields)

    def encode(self, item: Field, truth: float | None) -> Encoded:
        """The words for ``truth``; None means that this meter does not measure it."""
        if truth is None:
            absent = self.no_value.get(item.kind)
            if absent is not None:
                return Encoded(absent, math.nan)
            truth = 0.0
        if item.kind == "float32":
            packed = struct.pack(">f", truth)
            value = float(struct.unpack(">f", packed)[0])
        else:
            low, high = _LIMITS[item.kind]
            raw = min(high, max(low, round(truth / float(item.scale))))
            packed = struct.pack(_CODES[item.kind], raw)
            value = float(Decimal(raw) * item.scale)
        words = struct.unpack(f">{WORDS[item.kind]}H", packed)
        return Encoded(tuple(reversed(words)) if self.low_word_first else words, value)

    def read(self, function: int, first: int, count: int, truth: Mapping[str, float | None]) -> Answer | Refusal:
        """Answer a read of ``count`` registers from ``first`` as this model would."""
        known = self.identity.get((function, first))
        if known is not None and len(known) == count:
            return Answer(known, (), ())
        if function not in self.functions:
            return Refusal(ILLEGAL_FUNCTION)
        if first >= max(item.end for item in self.fields):
            return Refusal(ILLEGAL_ADDRESS)
        if not 1 <= count <= self.read_max:
            return Refusal(ILLEGAL_COUNT)
        if self.even_only and (first % 2 or count % 2):
            return Refusal(ILLEGAL_ADDRESS)
        return self._registers(first, first + count, truth)

    def _registers(self, first: int, end: int, truth: Mapping[str, float | None]) -> Answer | Refusal:
        words: list[int | None] = [None] * (end - first)
        points: list[str] = []
        values: list[float] = []
        for item in self.fields:
            if item.end <= first or item.address >= end:
                continue
            whole = first <= item.address and item.end <= end
            if not whole and not self.gaps_read_zero:
                return Refusal(ILLEGAL_ADDRESS)
            encoded = self.encode(item, truth.get(item.point))
            for offset, word in enumerate(encoded.words):
                if first <= item.address + offset < end:
                    words[item.address + offset - first] = word
            if whole:
                points.append(item.point)
                values.append(encoded.value)
        if not self.gaps_read_zero and None in words:
            return Refusal(ILLEGAL_ADDRESS)
        return Answer(tuple(word or 0 for word in words), tuple(points), tuple(values))


def load_fields(path: Path) -> tuple[Field, ...]:
    """The table of one model: a CSV file with the columns point, address, type, scale."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows: Sequence[dict[str, str]] = list(csv.DictReader(lines))
    return tuple(Field(row["point"], int(row["address"]), row["type"], Decimal(row["scale"])) for row in rows)
