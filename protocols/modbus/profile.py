"""The Modbus part of a device profile: which registers a model has, and how they are to be read.

The TOML file is described in protocols/profiles/README.md. Decoding checks everything that can be checked without the
device: names against the vocabulary, addresses, types, that no value is wider than one request.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from protocols.errors import BadSettings
from protocols.modbus.limits import Range, plausible_range, possible_range
from protocols.modbus.registers import (
    ADDRESS_END,
    BIT_AREAS,
    BITS_PER_READ_MAX,
    REGISTERS_PER_READ_MAX,
    TYPES,
    Area,
    TypeName,
    WordOrder,
    value_of_bits,
)
from protocols.points import VOCABULARY, PointKind, PointWord
from protocols.profile_head import ProfileHead
from protocols.settings import Document, decode, duration

Times = Literal["", "ct", "pt", "ct*pt"]
Fold = Literal["", "magnitude", "four-quadrant"]
Fail = Callable[[tuple[str | int, ...], str, str], BadSettings]
"""Makes the error for (key, message, allowed): ``Document.fail``."""

GUESSED_PER_READ_MAX = 60
"""Registers per request where the vendor states no limit."""


class PointRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point as it stands in the file; what is left out comes from ``[modbus]``."""

    at: int
    type: TypeName = "uint16"
    scale: float = 1.0
    times: Times = ""
    area: Area | None = None
    word_order: WordOrder | None = None
    plus: tuple[int, ...] = ()
    scale_factor: int | None = None
    bit: int | None = None
    bits: int = 1
    fold: Fold = ""
    invalid: tuple[int, ...] | None = None
    plausible: Range | None = None
    extended: bool = False
    optional: bool = False
    kind: PointKind | None = None
    alternatives: tuple[int, ...] = ()
    note: str = ""


class ReadRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the device wants to be read."""

    area: Area = "holding"
    word_order: WordOrder = "big"
    max_registers: int = GUESSED_PER_READ_MAX
    max_gap: int = 0
    silence: str = "0 ms"
    invalid: dict[TypeName, tuple[int, ...]] = {}
    plausible: dict[str, Range] = {}
    sunspec_models: tuple[int, ...] = ()


class RatioRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A register with the ratio of a transformer, by which secondary-side values are multiplied."""

    at: int
    type: TypeName = "uint16"
    scale: float = 1.0
    area: Area | None = None


class SerialRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the device leaves the factory."""

    baud: int | None = None
    parity: Literal["N", "E", "O"] | None = None
    stop_bits: Literal[1, 2] | None = None
    unit: int | None = None


class IdentityRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Registers by which the model can be recognised; ``expect`` empty: informative only."""

    at: int
    type: Literal["uint16", "uint32", "float32", "string"]
    registers: int
    area: Area | None = None
    expect: tuple[int | float | str, ...] = ()
    note: str = ""


class ModbusFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole TOML file."""

    profile: ProfileHead
    modbus: ReadRules = msgspec.field(default_factory=ReadRules)
    serial: SerialRow = msgspec.field(default_factory=SerialRow)
    ratio: dict[Literal["ct", "pt"], RatioRow] = {}
    identity: tuple[IdentityRow, ...] = ()
    points: dict[str, PointRow]


class ModbusPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One point, complete: where it stands, how its bits become a value, and what the value may be.

    value = (raw + raw of each ``plus``) x scale x ratios named in ``times`` x 10^(register at ``scale_factor``),
    then ``fold``. ``invalid`` are raw values that mean "no value".
    """

    name: str
    unit: str
    kind: PointKind
    area: Area
    at: int
    type: TypeName
    word_order: WordOrder
    scale: float = 1.0
    times: tuple[str, ...] = ()
    plus: tuple[int, ...] = ()
    scale_factor: int | None = None
    bit: int | None = None
    bits: int = 1
    fold: Fold = ""
    invalid: tuple[int | float, ...] = ()
    plausible: Range
    possible: Range
    extended: bool = False
    optional: bool = False

    @property
    def words(self) -> int:
        """Registers (or bits, in a bit area) of one value."""
        return TYPES[self.type].words

    def span(self) -> tuple[int, int]:
        """First address and end (exclusive) of all that must be read in one request for this point."""
        starts = (self.at, *self.plus)
        first, end = min(starts), max(starts) + self.words
        if self.scale_factor is not None:
            first, end = min(first, self.scale_factor), max(end, self.scale_factor + 1)
        return first, end


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """Where the factor called ``name`` (ct or pt) is read."""

    name: str
    area: Area
    at: int
    type: TypeName
    word_order: WordOrder
    scale: float


class ModbusProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A model that speaks Modbus. ``points`` are in the file's order, extended ones included."""

    head: ProfileHead
    word_order: WordOrder
    max_registers: int
    max_gap: int
    silence_s: float
    sunspec_models: tuple[int, ...]
    serial: SerialRow
    ratios: tuple[Ratio, ...]
    identity: tuple[IdentityRow, ...]
    points: tuple[ModbusPoint, ...]

    @property
    def id(self) -> str:
        return self.head.id

    @property
    def kind(self) -> str:
        return self.head.kind

    def selected(self, *, extended: bool) -> tuple[ModbusPoint, ...]:
        """The points to read: the standard ones, and with ``extended`` also those only one source knows."""
        return tuple(point for point in self.points if extended or not point.extended)

    def with_word_order(self, word_order: WordOrder) -> "ModbusProfile":
        """The same model with its registers' order changed by a setting on the device."""
        return msgspec.structs.replace(
            self,
            word_order=word_order,
            points=tuple(msgspec.structs.replace(point, word_order=word_order) for point in self.points),
            ratios=tuple(msgspec.structs.replace(ratio, word_order=word_order) for ratio in self.ratios),
        )


def decode_modbus(document: Document) -> ModbusProfile:
    """The profile in a file that says ``protocol = "modbus"``; raises BadSettings with file, line and key."""
    return build_profile(decode(document, ModbusFile), document.fail)


def build_profile(file: ModbusFile, fail: Fail) -> ModbusProfile:
    """Turn a decoded file into a profile; raises what ``fail`` makes when something in it cannot be."""
    rules = file.modbus
    if not 1 <= rules.max_registers <= REGISTERS_PER_READ_MAX:
        raise fail(("modbus", "max_registers"), f"{rules.max_registers} registers per request", "1 to 125")
    try:
        silence_s = duration(rules.silence)
    except ValueError as error:
        raise fail(("modbus", "silence"), str(error), "") from None
    if not file.points:
        raise fail(("points",), "no point", "at least one")
    points = tuple(_point(name, row, rules, fail) for name, row in file.points.items())
    known = {ratio for point in points for ratio in point.times}
    if known - set(file.ratio):
        missing = ", ".join(sorted(known - set(file.ratio)))
        raise fail(("ratio",), f"points are multiplied by {missing}, which has no register", "[ratio.ct], [ratio.pt]")
    return ModbusProfile(
        head=file.profile,
        word_order=rules.word_order,
        max_registers=rules.max_registers,
        max_gap=rules.max_gap,
        silence_s=silence_s,
        sunspec_models=rules.sunspec_models,
        serial=file.serial,
        ratios=tuple(_ratio(name, row, rules, fail) for name, row in file.ratio.items()),
        identity=file.identity,
        points=points,
    )


def _point(name: str, row: PointRow, rules: ReadRules, fail: Fail) -> ModbusPoint:
    key = ("points", name)
    word = VOCABULARY.get(name)
    if word is None:
        raise fail(key, "no such point in the vocabulary", "the names in protocols/points.toml")
    area = row.area or rules.area
    if (area in BIT_AREAS) != (row.type == "bit"):
        raise fail((*key, "type"), f"{row.type} in area {area}", "bit in coil and discrete, the other types elsewhere")
    if row.bit is not None and not 0 <= row.bit < 16 * TYPES[row.type].words:
        raise fail((*key, "bit"), f"bit {row.bit} of a {row.type}", f"0 to {16 * TYPES[row.type].words - 1}")
    point = ModbusPoint(
        name=name,
        unit=word.unit,
        kind=row.kind or word.kind,
        area=area,
        at=row.at,
        type=row.type,
        word_order=row.word_order or rules.word_order,
        scale=row.scale,
        times=tuple(part for part in row.times.split("*") if part),
        plus=row.plus,
        scale_factor=row.scale_factor,
        bit=row.bit,
        bits=row.bits,
        fold=row.fold,
        invalid=_invalid(key, row, rules, fail),
        plausible=_plausible(word, row, rules),
        possible=possible_range(word),
        extended=row.extended,
        optional=row.optional,
    )
    first, end = point.span()
    if first < 0 or end > ADDRESS_END:
        raise fail((*key, "at"), f"registers {first} to {end - 1}", "0 to 65535")
    most = BITS_PER_READ_MAX if area in BIT_AREAS else rules.max_registers
    if end - first > most:
        raise fail(key, f"needs {end - first} registers in one request", f"at most {most}")
    return point


def _plausible(word: PointWord, row: PointRow, rules: ReadRules) -> Range:
    return row.plausible or plausible_range(word, rules.plausible)


def _invalid(key: tuple[str, ...], row: PointRow, rules: ReadRules, fail: Fail) -> tuple[int | float, ...]:
    if row.type == "bit":
        return ()
    patterns = rules.invalid.get(row.type, ()) if row.invalid is None else row.invalid
    try:
        values = tuple(value_of_bits(pattern, row.type) for pattern in patterns)
    except OverflowError:
        allowed = "unsigned patterns as wide as the type"
        raise fail((*key, "invalid"), f"a bit pattern does not fit into {row.type}", allowed) from None
    return tuple(value for value in values if value == value)  # NaN is never a value, whatever the profile says


def _ratio(name: str, row: RatioRow, rules: ReadRules, fail: Fail) -> Ratio:
    if row.scale <= 0 or row.type == "bit":
        raise fail(("ratio", name), "not a number register with a positive scale", "type = uint16, scale > 0")
    return Ratio(
        name=name, area=row.area or rules.area, at=row.at, type=row.type, word_order=rules.word_order, scale=row.scale
    )
