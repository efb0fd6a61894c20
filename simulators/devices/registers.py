"""Registers as a data sheet lists them, and the bytes a meter puts into them.

Written by hand, apart from every decoder of ours: a mistake made twice must not hide.
"""

from __future__ import annotations

import csv
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

from simulators.devices.unit import (
    BIT_READS,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READ_HOLDING,
    READ_INPUT,
    Answer,
    Refusal,
)

WORDS = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
_CODES = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
_LIMITS = {
    "int16": (-(2**15), 2**15 - 2),
    "uint16": (0, 2**16 - 2),
    "int32": (-(2**31), 2**31 - 2),
    "uint32": (0, 2**32 - 2),
    "int64": (-(2**63), 2**63 - 2),
    "uint64": (0, 2**64 - 2),
}
FLOAT_COUNTER_END = 1_000_000.0
WIDE_COUNTER_END = 100_000_000.0
"""Where counters start again that no meter fills to the width of their type: six digits before the point of a display
for a float, eight for 64 bits."""
_STEP = 16
"""A float64 counter moves in steps of 1/16 of its raw unit, so that sums of tariffs are exact."""

Gaps = Literal["zero", "refuse", "whole"]
"""What a read over an unlisted address gets. zero: zeros. refuse: exception 2. whole: zeros, but a read that begins or
ends in the middle of a value gets exception 2."""


class Field(NamedTuple):
    """One quantity in the register table: where it lies and how a raw number becomes the value.

    value = raw x scale (x ratios named in ``times``, x 10 to the power of the register ``factor``)
    ``optional``: variants that do not measure it have no register there.
    """

    point: str
    address: int
    kind: str
    scale: Decimal
    times: tuple[str, ...] = ()
    factor: int | None = None
    optional: bool = False

    @property
    def end(self) -> int:
        return self.address + WORDS[self.kind]

    @property
    def rolls_at(self) -> float:
        """The value at which a counter in this field has run through its width and starts again from zero."""
        if self.kind.startswith("float"):
            return FLOAT_COUNTER_END
        if self.kind.endswith("int64"):
            return WIDE_COUNTER_END
        return float((_LIMITS[self.kind][1] + 2) * self.scale)


class Encoded(NamedTuple):
    """What a meter puts on the wire for one quantity, and the value it means by it (NaN: "no value")."""

    words: tuple[int, ...]
    value: float


class Ratio(NamedTuple):
    """A register that holds a transformer's ratio, as raw = ratio / scale, and the ratio of a meter as delivered."""

    address: int
    scale: Decimal = Decimal(1)
    usual: int = 1


class Serial(NamedTuple):
    """Where a meter keeps its serial number: as a number or as text, in how many registers."""

    function: int
    address: int
    registers: int = 2
    text: bool = False


Constants = Mapping[tuple[int, int], tuple[int, ...]]
"""(function, first register) to the words that stand there: texts, serial numbers, settings."""


@dataclass(frozen=True)
class RegisterMap:
    """The register table of one meter model, with the manners its maker gave it.

    gaps: what a read gets that covers unlisted addresses too; one of unlisted addresses alone always gets exception 2.
    identity: answered only to a read of exactly that place and length. constants: registers like all others.
    sums: points that are the sum of others (tariffs); given when all parts are in one answer.
    lacks: quantities that it has registers for and no value. quiet_flags: bits that are never set, and the first of the
    two registers they stand in.
    """

    profile: str
    fields: tuple[Field, ...]
    functions: tuple[int, ...] = (READ_INPUT,)
    low_word_first: bool = False
    gaps: Gaps = "zero"
    read_max: int = 125
    even_only: bool = False
    silence_s: float = 0.0
    phases: int = 3
    no_value: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    identity: Constants = field(default_factory=dict)
    constants: Constants = field(default_factory=dict)
    ratios: Mapping[str, Ratio] = field(default_factory=dict)
    serial: Serial | None = None
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    quiet_flags: Mapping[str, int] = field(default_factory=dict)

    @property
    def points(self) -> tuple[str, ...]:
        return (*(item.point for item in self.fields), *self.sums, *self.quiet_flags)

    def installed(self, serial_number: int = 20_260_001, **ratios: int) -> RegisterMap:
        """One meter of this model, behind transformers: ratio by name (ct, pt), 0 or left out: as delivered.

        Fields that a reader must multiply hold secondary-side values; others are not touched.
        """
        set_to = {name: ratios.get(name) or ratio.usual for name, ratio in self.ratios.items()}
        fields = tuple(
            item._replace(scale=item.scale * math.prod(set_to[name] for name in item.times), times=())
            for item in self.fields
        )
        constants = dict(self.constants)
        for name, ratio in self.ratios.items():
            for function in self.functions:
                constants[function, ratio.address] = (int(set_to[name] / ratio.scale),)
        if self.serial is not None:
            function, address, registers, text = self.serial
            number = text_words(str(serial_number), registers) if text else divmod(serial_number, 0x10000)
            constants[function, address] = number
        return replace(self, fields=fields, constants=constants, ratios={}, serial=None)

    def encode(self, item: Field, truth: float | None) -> Encoded:
        """The words for ``truth``; None means that this meter does not measure it."""
        absent = self.no_value.get(item.kind)
        if truth is None or item.point in self.lacks:
            if absent is not None:
                return Encoded(absent, math.nan)
            truth = 0.0
        packed, value = _pack(item, truth)
        words = struct.unpack(f">{WORDS[item.kind]}H", packed)
        ordered = tuple(reversed(words)) if self.low_word_first else words
        return Encoded(ordered, math.nan if ordered == absent else value)

    def read(self, function: int, first: int, count: int, truth: Mapping[str, float | None]) -> Answer | Refusal:
        """Answer a read of ``count`` registers from ``first`` as this model would."""
        known = self.identity.get((function, first))
        if known is not None and len(known) == count:
            return Answer(known, (), ())
        constants = {start: words for (area, start), words in self.constants.items() if area == function}
        fields = self.fields if function in self.functions else ()
        if function in BIT_READS or not (fields or constants):
            return Refusal(ILLEGAL_FUNCTION)
        if not 1 <= count <= self.read_max:
            return Refusal(ILLEGAL_VALUE)
        if self.even_only and fields and (first % 2 or count % 2):
            return Refusal(ILLEGAL_ADDRESS)
        return self._registers(fields, constants, first, first + count, truth)

    def _registers(
        self,
        fields: Sequence[Field],
        constants: Mapping[int, tuple[int, ...]],
        first: int,
        end: int,
        truth: Mapping[str, float | None],
    ) -> Answer | Refusal:
        words: list[int | None] = [None] * (end - first)
        for start, fixed in constants.items():
            _lay(words, first, start, fixed)
        found: dict[str, float] = {}
        for item in fields:
            if item.end <= first or item.address >= end:
                continue
            known = truth.get(item.point)
            if known is None and item.optional:
                continue
            whole = first <= item.address and item.end <= end
            if not whole and self.gaps != "zero":
                return Refusal(ILLEGAL_ADDRESS)
            encoded = self.encode(item, known)
            _lay(words, first, item.address, encoded.words)
            if whole:
                found[item.point] = encoded.value
        if words.count(None) == len(words) or (self.gaps == "refuse" and None in words):
            return Refusal(ILLEGAL_ADDRESS)
        if fields:
            found.update({point: 0.0 for point, at in self.quiet_flags.items() if first <= at and at + 2 <= end})
        for point, parts in self.sums.items():
            if all(part in found for part in parts):
                found[point] = self._sum(point, parts, found)
        return Answer(tuple(word or 0 for word in words), tuple(found), tuple(found.values()))

    def _sum(self, point: str, parts: Sequence[str], found: Mapping[str, float]) -> float:
        """The exact sum of the parts as they stand in the registers, then scaled as each of them is."""
        scale = next(Fraction(item.scale) for item in self.fields if item.point == parts[0])
        if any(math.isnan(found[part]) for part in parts):
            return math.nan
        steps = sum(round(Fraction(found[part]) / scale * _STEP) for part in parts)
        return float(Fraction(steps, _STEP) * scale)


def _lay(words: list[int | None], first: int, address: int, part: Sequence[int]) -> None:
    for place, word in enumerate(part, address - first):
        if 0 <= place < len(words):
            words[place] = word


def _pack(item: Field, truth: float) -> tuple[bytes, float]:
    """The bytes of a number, high word first, and the value they mean."""
    code = _CODES[item.kind]
    if item.kind.startswith("float"):
        raw = truth if item.scale == 1 else truth / float(item.scale)
        if item.kind == "float64":
            raw = round(raw * _STEP) / _STEP
        packed = struct.pack(code, raw)
        kept = float(struct.unpack(code, packed)[0])
        return packed, kept if item.scale == 1 else float(Fraction(kept) * Fraction(item.scale))
    low, high = _LIMITS[item.kind]
    number = min(high, max(low, round(truth / float(item.scale))))
    return struct.pack(code, number), float(Decimal(number) * item.scale)


def text_words(text: str, registers: int) -> tuple[int, ...]:
    """A text as registers, two characters each, filled up with zeros."""
    return struct.unpack(f">{registers}H", text.encode("ascii").ljust(2 * registers, b"\0"))


def float_words(value: float) -> tuple[int, ...]:
    """A setting that is kept as a float32."""
    return struct.unpack(">2H", struct.pack(">f", value))


def load_fields(path: Path) -> tuple[Field, ...]:
    """The table of one model: a CSV file with the columns point, address, type, scale and, where the model needs them,
    times (ct, pt, ct*pt), factor (register of a power of ten) and optional."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows: Sequence[dict[str, str]] = list(csv.DictReader(lines))
    return tuple(
        Field(
            row["point"],
            int(row["address"]),
            row["type"],
            Decimal(row["scale"]),
            tuple(row["times"].split("*")) if row.get("times") else (),
            int(row["factor"]) if row.get("factor") else None,
            bool(row.get("optional")),
        )
        for row in rows
    )


__all__ = [
    "READ_HOLDING",
    "READ_INPUT",
    "Answer",
    "Constants",
    "Encoded",
    "Field",
    "Ratio",
    "Refusal",
    "RegisterMap",
    "Serial",
    "float_words",
    "load_fields",
    "text_words",
]
