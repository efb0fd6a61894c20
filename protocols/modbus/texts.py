"""What a device says of itself: its texts (maker, model, serial number, ...) and the registers that tell the model."""

import math
import struct
from collections.abc import Mapping, Sequence

import msgspec

from protocols.modbus.profile_file import Fail, IdentityRow, ReadRules, TextFormat, TextName, TextRow, TextType
from protocols.modbus.registers import ADDRESS_END, BIT_AREAS, ORDERS, TYPES, Area, TypeName, WordOrder, swap_words

_NUMBERS: dict[str, TypeName] = {"uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "float32": "float32"}
_FLOAT_TOLERANCE = 1e-6


class TextField(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device keeps the text ``name`` (vendor, model, serial_number, firmware, hardware)."""

    name: str
    area: Area
    at: int
    registers: int
    type: TextType
    word_order: WordOrder
    format: TextFormat = ""


def decode_text(field: TextField, payload: bytes) -> str:
    """The text for people in the field's registers; "" when the device has none (all zero, all ones, blanks).

    Strings may stand one or two characters to a register; what cannot be printed becomes U+FFFD.
    """
    if not any(payload) or all(byte == 0xFF for byte in payload):
        return ""
    if field.type == "string":
        return _string(payload, field.word_order)
    value = _number(payload, _NUMBERS[field.type], field.word_order)
    if isinstance(value, float):
        return f"{value:g}" if math.isfinite(value) else ""
    if field.format == "hex":
        return f"{value:0{4 * field.registers}X}"
    if field.format == "version":
        return ".".join(str(byte) for byte in value.to_bytes(2 * field.registers, "big")).removeprefix("0.")
    return str(value)


def identity_value(row: IdentityRow, payload: bytes, word_order: WordOrder) -> int | float | str:
    """What stands in an identity row's registers."""
    if row.type == "string":
        return _string(payload, word_order)
    return _number(payload, row.type, word_order)


def identity_matches(row: IdentityRow, value: float | str) -> bool:
    """Whether ``value`` is one of those the row expects, or it expects none; a text need only begin like it."""
    return not row.expect or any(_same(expected, value) for expected in row.expect)


def _same(expected: float | str, value: float | str) -> bool:
    if isinstance(expected, str) or isinstance(value, str):
        return isinstance(expected, str) and isinstance(value, str) and value.lower().startswith(expected.lower())
    return math.isclose(expected, value, rel_tol=_FLOAT_TOLERANCE, abs_tol=_FLOAT_TOLERANCE)


def _number(payload: bytes, kind: TypeName, word_order: WordOrder) -> int | float:
    order, swap = ORDERS[word_order]
    value: int | float = struct.unpack(order + TYPES[kind].code, swap_words(payload) if swap else payload)[0]
    return value


def _string(payload: bytes, word_order: WordOrder) -> str:
    """Characters come in the order of the registers whatever the word order; only swapped bytes are put right."""
    raw = swap_words(payload) if word_order.endswith("swapped") else payload
    for half in (raw[0::2], raw[1::2]):
        if len(raw) > 2 and not any(half):  # one character to a register
            raw = raw[1::2] if half == raw[0::2] else raw[0::2]
            break
    text = raw.strip(b"\0 \xff").split(b"\0")[0].decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def build_texts(rows: Mapping[TextName, TextRow], rules: ReadRules, fail: Fail) -> tuple[TextField, ...]:
    """The texts of a profile; raises what ``fail`` makes."""
    return tuple(_field(name, row, rules, fail) for name, row in rows.items())


def _field(name: str, row: TextRow, rules: ReadRules, fail: Fail) -> TextField:
    key = ("texts", name)
    area = row.area or _registers_of(rules)
    if area in BIT_AREAS:
        raise fail((*key, "area"), f"a text in area {area}", "holding, input")
    registers = _registers(key, row.type, row.registers, fail)
    if registers > rules.max_registers:
        raise fail((*key, "registers"), f"{registers} registers in one request", f"at most {rules.max_registers}")
    if row.format and row.type not in ("uint16", "uint32", "uint64"):
        raise fail((*key, "format"), f"{row.format} of a {row.type}", "a format only of uint16, uint32, uint64")
    _place(key, row.at, registers, fail)
    return TextField(
        name=name,
        area=area,
        at=row.at,
        registers=registers,
        type=row.type,
        word_order=row.word_order or rules.word_order,
        format=row.format,
    )


def check_identity(rows: Sequence[IdentityRow], rules: ReadRules, fail: Fail) -> tuple[IdentityRow, ...]:
    """The rows, each with its area; raises what ``fail`` makes when one of them cannot be read or could never fit."""
    for index, row in enumerate(rows):
        key = ("identity", index)
        _registers(key, row.type, row.registers, fail)
        _place(key, row.at, row.registers, fail)
        if any(isinstance(each, str) != (row.type == "string") for each in row.expect):
            raise fail((*key, "expect"), f"not what a {row.type} can hold", "texts of a string, else numbers")
        if "" in row.expect:
            raise fail((*key, "expect"), "every text begins with an empty one", "the beginning of the text")
    return tuple(msgspec.structs.replace(row, area=row.area or _registers_of(rules)) for row in rows)


def _registers_of(rules: ReadRules) -> Area:
    return "holding" if rules.area in BIT_AREAS else rules.area


def _registers(key: tuple[str | int, ...], kind: TextType, given: int | None, fail: Fail) -> int:
    if kind == "string":
        if given is None or not 1 <= given <= 125:
            raise fail((*key, "registers"), f"a string of {given or 'how many'} registers", "1 to 125")
        return given
    words = TYPES[_NUMBERS[kind]].words
    if given not in (None, words):
        raise fail((*key, "registers"), f"{given} registers of a {kind}", str(words))
    return words


def _place(key: tuple[str | int, ...], at: int, registers: int, fail: Fail) -> None:
    if at < 0 or at + registers > ADDRESS_END:
        raise fail((*key, "at"), f"registers {at} to {at + registers - 1}", "0 to 65535")
