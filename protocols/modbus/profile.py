"""The Modbus part of a device profile: which registers a model has, and how they are to be read.

The TOML file is described in protocols/profiles/README.md. Decoding checks everything that can be checked without the
device: names against the vocabulary, addresses, types, that no value is wider than one request, that what is written
can be written.
"""

import math

import msgspec

from protocols.modbus.limits import Range, plausible_range, possible_range
from protocols.modbus.outputs import Failsafe, build_failsafe, build_writes
from protocols.modbus.point import ModbusPoint, Ratio
from protocols.modbus.profile_file import Fail, IdentityRow, ModbusFile, PointRow, RatioRow, ReadRules, SerialRow
from protocols.modbus.registers import (
    ADDRESS_END,
    BIT_AREAS,
    BITS_PER_READ_MAX,
    REGISTERS_PER_READ_MAX,
    TYPES,
    WHOLE_TYPES,
    WordOrder,
    value_of_bits,
)
from protocols.modbus.texts import TextField, build_texts, check_identity
from protocols.modbus.writes import PointWrite
from protocols.points import VOCABULARY, PointWord
from protocols.profile_head import ProfileHead
from protocols.settings import Document, decode, duration

NO_MODEL = 0xFFFF
UNIT_MAX = 255

__all__ = ["Failsafe", "IdentityRow", "ModbusFile", "ModbusPoint", "ModbusProfile", "PointWrite", "Ratio", "TextField"]
__all__ += ["build_profile", "decode_modbus"]


class ModbusProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A model that speaks Modbus. ``points`` are in the file's order, extended ones included.

    ``texts``: what a device says of itself; with ``sunspec_models`` their addresses are offsets from the header of
    model 1, as those of the points are from the header of the first of ``sunspec_models`` that the device has: see
    ``find_model``, ``placed`` and ``placed_text`` in protocols.modbus.sunspec.
    ``writes``: by name of the point that can be written. ``failsafe`` None: the profile does not say.
    """

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
    texts: tuple[TextField, ...] = ()
    writes: dict[str, PointWrite] = {}
    failsafe: Failsafe | None = None

    @property
    def id(self) -> str:
        return self.head.id

    @property
    def kind(self) -> str:
        return self.head.kind

    def selected(self, *, extended: bool) -> tuple[ModbusPoint, ...]:
        """The points to read: the standard ones, and with ``extended`` also those only one source knows."""
        return tuple(point for point in self.points if extended or not point.extended)

    def point(self, name: str) -> ModbusPoint | None:
        """The point of that name, extended or not."""
        return next((point for point in self.points if point.name == name), None)

    def with_word_order(self, word_order: WordOrder) -> "ModbusProfile":
        """The same model with its registers' order changed by a setting on the device."""
        return msgspec.structs.replace(
            self,
            word_order=word_order,
            points=tuple(msgspec.structs.replace(point, word_order=word_order) for point in self.points),
            ratios=tuple(msgspec.structs.replace(ratio, word_order=word_order) for ratio in self.ratios),
            texts=tuple(msgspec.structs.replace(text, word_order=word_order) for text in self.texts),
            writes={name: msgspec.structs.replace(each, word_order=word_order) for name, each in self.writes.items()},
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
    if rules.max_gap < 0:
        raise fail(("modbus", "max_gap"), str(rules.max_gap), "0 or more")
    for pattern, bounds in rules.plausible.items():
        _check_range(("modbus", "plausible", pattern), bounds, fail)
    if any(not 1 <= model < NO_MODEL for model in rules.sunspec_models):
        raise fail(("modbus", "sunspec_models"), str(list(rules.sunspec_models)), f"1 to {NO_MODEL - 1}")
    if file.serial.unit is not None and not 0 <= file.serial.unit <= UNIT_MAX:
        raise fail(("serial", "unit"), str(file.serial.unit), f"0 to {UNIT_MAX}")
    if file.serial.baud is not None and file.serial.baud <= 0:
        raise fail(("serial", "baud"), str(file.serial.baud), "more than 0")
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
        identity=check_identity(file.identity, rules, fail),
        points=points,
        texts=build_texts(file.texts, rules, fail),
        writes=build_writes(file.writes, points, fail),
        failsafe=build_failsafe(file.failsafe, rules, fail),
    )


def _point(name: str, row: PointRow, rules: ReadRules, fail: Fail) -> ModbusPoint:
    key = ("points", name)
    word = VOCABULARY.get(name)
    if word is None:
        raise fail(key, "no such point in the vocabulary", "the names in protocols/points.toml")
    area = row.area or rules.area
    if (area in BIT_AREAS) != (row.type == "bit"):
        raise fail((*key, "type"), f"{row.type} in area {area}", "bit in coil and discrete, the other types elsewhere")
    width = 16 * TYPES[row.type].words
    if row.bit is not None and (not 0 <= row.bit < width or row.type not in WHOLE_TYPES):
        raise fail((*key, "bit"), f"bit {row.bit} of a {row.type}", f"0 to {width - 1} of an integer")
    if row.bits != 1 and (row.bit is None or not 1 <= row.bits <= width - row.bit):
        raise fail((*key, "bits"), f"{row.bits} bits from bit {row.bit}", "bit, and as many as the type has from there")
    if not math.isfinite(row.scale) or not row.scale:
        raise fail((*key, "scale"), f"{row.scale}", "a number other than 0")
    invalid = _invalid(key, row, rules, fail)
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
        invalid=tuple(low for low, high in invalid if low == high),
        invalid_spans=tuple((low, high) for low, high in invalid if low != high),
        plausible=_plausible(word, row, rules),
        possible=possible_range(word),
        extended=row.extended,
        optional=row.optional,
        alternatives=row.alternatives,
    )
    _check_range((*key, "plausible"), point.plausible, fail)
    first, end = point.span()
    for at in (first, *(first - row.at + other for other in row.alternatives)):
        if at < 0 or at + end - first > ADDRESS_END:
            raise fail((*key, "at"), f"registers {at} to {at + end - first - 1}", "0 to 65535")
    if row.alternatives and (row.plus or row.scale_factor is not None):
        raise fail(
            (*key, "alternatives"), "with plus or scale_factor it is not said where those would be", "one register"
        )
    most = BITS_PER_READ_MAX if area in BIT_AREAS else rules.max_registers
    if end - first > most:
        raise fail(key, f"needs {end - first} registers in one request", f"at most {most}")
    return point


def _check_range(key: tuple[str, ...], bounds: Range, fail: Fail) -> None:
    if not bounds[0] <= bounds[1]:
        raise fail(key, f"from {bounds[0]:g} to {bounds[1]:g}", "[lowest, highest]")


def _plausible(word: PointWord, row: PointRow, rules: ReadRules) -> Range:
    return row.plausible or plausible_range(word, rules.plausible)


def _invalid(
    key: tuple[str, ...], row: PointRow, rules: ReadRules, fail: Fail
) -> list[tuple[int | float, int | float]]:
    """First and last raw value of each range that means "no value"."""
    if row.type == "bit":
        return []
    patterns = rules.invalid.get(row.type, ()) if row.invalid is None else row.invalid
    try:
        spans = [(each, each) if isinstance(each, int) else each for each in patterns]
        values = [(value_of_bits(first, row.type), value_of_bits(last, row.type)) for first, last in spans]
    except OverflowError:
        allowed = "unsigned patterns as wide as the type"
        raise fail((*key, "invalid"), f"a bit pattern does not fit into {row.type}", allowed) from None
    if any(low > high for low, high in values):
        raise fail((*key, "invalid"), "the last of a range is below its first", "[first, last]")
    return [(low, high) for low, high in values if low == low]  # NaN is never a value, whatever the profile says


def _ratio(name: str, row: RatioRow, rules: ReadRules, fail: Fail) -> Ratio:
    if not 0 < row.scale < math.inf or row.type == "bit":
        raise fail(("ratio", name), "not a number register with a positive scale", "type = uint16, scale > 0")
    return Ratio(
        name=name, area=row.area or rules.area, at=row.at, type=row.type, word_order=rules.word_order, scale=row.scale
    )
