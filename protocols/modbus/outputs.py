"""From ``[writes]`` and ``[failsafe]`` of a profile's file to what can be done with its outputs, checked."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from protocols.modbus.point import ModbusPoint
from protocols.modbus.profile_file import Fail, FailsafeRow, PlaceRow, PulseRow, ReadRules, WriteRow
from protocols.modbus.registers import ADDRESS_END, BIT_AREAS, TYPES, Area, TypeName
from protocols.modbus.writes import COIL, COILS, REGISTERS, PointWrite, Pulse, WriteFunction
from protocols.settings import duration

WORD_MAX = 0xFFFF
COIL_ON = 0xFF00

Key = tuple[str | int, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a setting of the module stands, for people; of several the first. ``unit``: what a step of it is worth."""

    area: Area
    at: int
    unit: str = ""
    note: str = ""


class Failsafe(msgspec.Struct, frozen=True, kw_only=True):
    """What the outputs do when the master is gone: with ``present`` they can go to a safe state by themselves.

    readback: whether reading a relay tells what was commanded or how its contact stands. The places are for people; the
    product writes none of them.
    """

    present: bool
    note: str
    readback: Literal["commanded", "contact"]
    timeout: Place | None = None
    status: Place | None = None
    clear: Place | None = None
    safe_values: Place | None = None
    power_on: Place | None = None


def build_failsafe(row: FailsafeRow | None, rules: ReadRules, fail: Fail) -> Failsafe | None:
    """None when the file does not say; raises what ``fail`` makes."""
    if row is None:
        return None

    def place(name: str, at: PlaceRow | None) -> Place | None:
        if at is None:
            return None
        _address(("failsafe", name, "at"), at.at, 1, fail)
        return Place(area=at.area or rules.area, at=at.at, unit=at.unit, note=at.note)

    return Failsafe(
        present=row.present,
        note=row.note,
        readback=row.readback,
        timeout=place("timeout", row.timeout),
        status=place("status", row.status),
        clear=place("clear", row.clear),
        safe_values=place("safe_values", row.safe_values),
        power_on=place("power_on", row.power_on),
    )


def build_writes(rows: Mapping[str, WriteRow], points: Sequence[ModbusPoint], fail: Fail) -> dict[str, PointWrite]:
    """How each point that can be written is written; raises what ``fail`` makes."""
    known = {point.name: point for point in points}
    found = {}
    for name, row in rows.items():
        if name not in known:
            raise fail(("writes", name), "no such point in this profile", ", ".join(known))
        found[name] = _write(("writes", name), row, known[name], fail)
    return found


def _write(key: Key, row: WriteRow, point: ModbusPoint, fail: Fail) -> PointWrite:
    area = row.area or point.area
    if area not in ("coil", "holding"):
        raise fail((*key, "area"), f"area {area} cannot be written", "coil, holding")
    kind: TypeName = row.type or (point.type if (point.type == "bit") == (area == "coil") else _plain(area))
    if (kind == "bit") != (area == "coil"):
        raise fail((*key, "type"), f"{kind} in area {area}", "bit in coil, the other types in holding")
    if point.bit is not None and row.at is None:
        raise fail(key, "the other bits of the register would be written too", "an address of its own: at")
    at = point.at if row.at is None else row.at
    _address((*key, "at"), at, TYPES[kind].words, fail)
    function = _function(key, row, area, kind, fail)
    write = PointWrite(
        point=point.name,
        kind=row.kind,
        function=function,
        at=at,
        type=kind,
        scale=point.scale if row.scale is None else row.scale,
        word_order=point.word_order,
        unit=point.unit,
        pulse=None if row.pulse is None else _pulse((*key, "pulse"), row.pulse, fail),
    )
    return _as_switch(key, row, write, fail) if row.kind == "switch" else _as_number(key, row, write, point, fail)


def _plain(area: Area) -> TypeName:
    return "bit" if area in BIT_AREAS else "uint16"


def _function(key: Key, row: WriteRow, area: Area, kind: TypeName, fail: Fail) -> WriteFunction:
    allowed: list[WriteFunction] = [5, 15] if area == "coil" else [6, 16] if TYPES[kind].words == 1 else [16]
    function = row.function or allowed[0]
    if function not in allowed:
        wanted = ", ".join(map(str, allowed))
        raise fail((*key, "function"), f"function {function} for a {kind} in area {area}", wanted)
    return function


def _as_switch(key: Key, row: WriteRow, write: PointWrite, fail: Fail) -> PointWrite:
    if row.min is not None or row.max is not None:
        raise fail(key, "min and max of a switch", 'kind = "number", or neither')
    if TYPES[write.type].words > 1:
        raise fail((*key, "type"), f"a switch of type {write.type}", "bit, uint16, int16")
    most = 1 if write.function == COILS else WORD_MAX
    on = row.on if row.on is not None else COIL_ON if write.function == COIL else 1
    off = row.off if row.off is not None else 0
    for name, word in (("on", on), ("off", off)):
        if not 0 <= word <= most:
            raise fail((*key, name), f"{word} is not one word", f"0 to {most}")
    if on == off:
        raise fail((*key, "on"), "the same as off", "two words")
    return msgspec.structs.replace(write, on=on, off=off)


def _as_number(key: Key, row: WriteRow, write: PointWrite, point: ModbusPoint, fail: Fail) -> PointWrite:
    if row.on is not None or row.off is not None or row.pulse is not None:
        raise fail(key, "on, off and pulse are for a switch", 'kind = "switch", or none of them')
    if write.type == "bit":
        raise fail((*key, "type"), "a number in one bit", "a register in area holding")
    if point.plus or point.times or point.scale_factor is not None or point.fold:
        raise fail(key, "a value made of several registers cannot be written", "a point of one register")
    if not write.scale:
        raise fail((*key, "scale"), "0", "another number than 0")
    if row.min is None or row.max is None or not row.min <= row.max:
        raise fail(key, "which numbers the device takes is not said", "min and max, in the point's unit")
    low, high = sorted((row.min / write.scale, row.max / write.scale))
    first, last = _raw_range(write.type)
    if not (first <= round(low) and round(high) <= last):
        raise fail(
            (*key, "max"), f"{row.min:g} to {row.max:g} does not fit into {write.type}", f"{first:g} to {last:g} raw"
        )
    return msgspec.structs.replace(write, low=row.min, high=row.max)


def _raw_range(kind: TypeName) -> tuple[float, float]:
    bits = 16 * TYPES[kind].words
    if kind.startswith("uint"):
        return 0, 2**bits - 1
    if kind.startswith("int"):
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return (-3.4e38, 3.4e38) if kind == "float32" else (-1.7e308, 1.7e308)


def _pulse(key: Key, row: PulseRow, fail: Fail) -> Pulse:
    several = row.function == REGISTERS
    given = row.words if several else (row.word,)
    if several == (row.word is not None) or several != bool(row.words) or None in given:
        raise fail(key, f"what function {row.function} writes is not said", "words of function 16, else word")
    words = tuple(None if word == "time" else word for word in given)
    if any(word is not None and not 0 <= word <= WORD_MAX for word in words):
        raise fail((*key, "words" if several else "word"), "not words of 16 bits", '0 to 65535, or "time"')
    _address((*key, "at"), row.at, len(words), fail)
    timed = words.count(None)
    if timed > 1:
        raise fail((*key, "words"), "the time stands in several words", 'one "time"')
    unit_s, shortest_s, longest_s = (_seconds(key, name, getattr(row, name), bool(timed), fail) for name in _LENGTHS)
    if timed and not unit_s * 0.999 <= shortest_s <= longest_s <= WORD_MAX * unit_s * 1.001:
        raise fail((*key, "max"), f"{row.min} to {row.max} in steps of {row.unit}", "unit <= min <= max <= 65535 units")
    return Pulse(
        function=row.function, at=row.at, words=words, unit_s=unit_s, shortest_s=shortest_s, longest_s=longest_s
    )


_LENGTHS = ("unit", "min", "max")


def _seconds(key: Key, name: str, text: str, timed: bool, fail: Fail) -> float:
    if not timed:
        if text:
            raise fail((*key, name), "no word of this pulse is the time", 'word = "time", or no unit, min and max')
        return 0.0
    try:
        seconds = duration(text)
    except ValueError as error:
        raise fail((*key, name), str(error), "") from None
    if seconds <= 0:
        raise fail((*key, name), "no time", "more than 0 s")
    return seconds


def _address(key: Key, at: int, count: int, fail: Fail) -> None:
    if at < 0 or at + count > ADDRESS_END:
        raise fail(key, f"address {at}", f"0 to {ADDRESS_END - count}")
