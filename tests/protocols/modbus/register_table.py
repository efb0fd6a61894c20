"""The register list of a model as data of its own, and an encoder of its own: nothing here uses our decoder.

``registers.csv`` in a case folder was written from the makers' register lists, not from the profile. Its columns: the
point (or ``ct``, ``pt``: the ratio registers), where it stands, its type and word order, scale, the ratios it is
multiplied by, further registers to add, the register with its power of ten, how it is folded, its bit, the patterns
that mean "no value", and where other firmware has it.
"""

import csv
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

WIDTH = {
    "bit": 1,
    "uint16": 1,
    "int16": 1,
    "uint32": 2,
    "int32": 2,
    "uint64": 4,
    "int64": 4,
    "float32": 2,
    "float64": 4,
}
FLOATS = {"float32": ">f", "float64": ">d"}

Words = list[int]


class Row(NamedTuple):
    """One line of a table."""

    point: str
    area: str
    at: int
    type: str
    order: str
    scale: Fraction
    times: tuple[str, ...]
    plus: tuple[int, ...]
    scale_factor: int | None
    fold: str
    bit: tuple[int, int] | None
    invalid: tuple[str, ...]
    alternatives: tuple[int, ...]

    @property
    def width(self) -> int:
        return WIDTH[self.type]

    def words(self, raw: int | float) -> Words:
        """The registers that hold ``raw``."""
        if self.type == "bit":
            return [int(raw)]
        if self.type in FLOATS:
            return self.pattern(struct.pack(FLOATS[self.type], raw).hex())
        return self.pattern(f"{int(raw) % (1 << 16 * self.width):0{4 * self.width}x}")

    def pattern(self, digits: str) -> Words:
        """The registers that hold these hex digits, the first digit being the highest."""
        words = [int(digits[place : place + 4], 16) for place in range(0, len(digits), 4)]
        assert len(words) == self.width, (self.point, digits)
        if self.order.startswith("little"):
            words.reverse()
        if self.order.endswith("swapped"):
            words = [(word & 0xFF) << 8 | word >> 8 for word in words]
        return words

    def exact(self, raw: int | float) -> Fraction:
        """What the registers then hold: a float32 is not quite what one wanted to write."""
        if self.type in FLOATS:
            return Fraction(struct.unpack(FLOATS[self.type], struct.pack(FLOATS[self.type], raw))[0])
        return Fraction(raw)


def read_table(path: Path) -> list[Row]:
    """Every row of a ``registers.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file)]


def _row(line: dict[str, str]) -> Row:
    bit = tuple(int(part) for part in line["bit"].split(":")) if line["bit"] else ()
    return Row(
        line["point"],
        line["area"],
        int(line["at"]),
        line["type"],
        line["order"] or "big",
        Fraction(line["scale"] or "1"),
        tuple(part for part in line["times"].split("*") if part),
        tuple(int(part) for part in line["plus"].split("|") if part),
        int(line["scale_factor"]) if line["scale_factor"] else None,
        line["fold"],
        (bit[0], bit[1] if len(bit) > 1 else 1) if bit else None,
        tuple(part for part in line["invalid"].split("|") if part),
        tuple(int(part) for part in line.get("alternatives", "").split("|") if part),
    )


def raws(row: Row, ratio: Fraction, salt: int) -> Iterator[int | float]:
    """Raw values worth trying: usual ones, different for every row, and those that only the right type reads right."""
    if row.type == "bit":
        yield from (1, 0)
    elif row.bit is not None:
        first, count = row.bit
        yield from ((1 << count) - 1 << first, 0, (1 << 16 * row.width) - 1 ^ 1 << first)
    elif row.type in FLOATS:
        for target in _targets(row, salt):
            yield float(target / row.scale / ratio)
    else:
        low, high = (-(1 << 16 * row.width - 1), (1 << 16 * row.width - 1) - 1)
        if row.type.startswith("u"):
            low, high = 0, (1 << 16 * row.width) - 1
        for target in _targets(row, salt):
            yield min(max(round(target / row.scale / ratio) or 1 + salt, low), high - 2)
        if not row.fold:
            yield high - (1 << 16 * row.width - 2) - salt  # with the highest bit, when it has no sign


def _targets(row: Row, salt: int) -> list[Fraction]:
    step = Fraction(salt, 100)
    if row.point.startswith("power_factor"):
        magnitude = Fraction(61, 100) + step / 3
        return [magnitude, -magnitude, *([2 - magnitude, magnitude - 2] if row.fold == "four-quadrant" else [])]
    if row.point.startswith("frequency"):
        return [Fraction(50) + step]
    if row.point.startswith("voltage"):
        return [Fraction(231) + step]
    if "energy" in row.point or "count" in row.point or "odometer" in row.point:
        return [Fraction(48517) + step * 7, Fraction(1 + salt)]
    return [Fraction(17) + step, -Fraction(12) - step] if row.type.startswith(("int", "float")) else [17 + step]


def value_of(row: Row, raw: Fraction, ratio: Fraction) -> Fraction:
    """What a person computes from the raw value (of several registers: their sum)."""
    if row.bit is not None:
        first, count = row.bit
        return Fraction(int(raw) >> first) % (1 << count)
    value = raw * row.scale * ratio
    if row.fold == "four-quadrant" and abs(value) > 1:
        value = 2 - abs(value)
    return abs(value) if row.fold else value
