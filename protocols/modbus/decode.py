"""From the bytes of an answer to readings, compiled once per request.

All values of a block are unpacked with one or two calls of ``struct``; per point remain a multiplication, one
comparison with its bounds and the making of the Reading. Everything unusual (no value, out of bounds, sums, scale
factors, bits) leaves that path.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from protocols.modbus.plan import Block
from protocols.modbus.point import ModbusPoint
from protocols.modbus.registers import BIT_AREAS, ORDERS, TYPES, TypeName, WordOrder, swap_words
from protocols.reading import Quality, Reading

Values = tuple[int | float, ...]
_Field = tuple[WordOrder, int, TypeName]

_EXPONENT_MAX = 10


class _Step(NamedTuple):
    """One point of the common kind: where its raw value is among the unpacked ones, and its bounds."""

    name: str
    place: int
    times: float
    over: float
    low: float
    high: float
    invalid: frozenset[int | float]
    point: ModbusPoint
    plain: bool


class BlockDecoder:
    """Decodes the answers to one block of one device. Made again when the device's ratios change."""

    def __init__(self, device: str, block: Block, ratios: Mapping[str, float] | None = None) -> None:
        self._device = device
        self._block = block
        self._bits = block.area in BIT_AREAS
        self._layout = _Layout(block)
        self._steps = tuple(self._step(point, ratios or {}) for point in block.points)

    def _step(self, point: ModbusPoint, ratios: Mapping[str, float]) -> _Step:
        factor = math.prod(ratios[name] for name in point.times)
        over = 1.0 / point.scale if point.scale else 1.0
        if point.scale < 1 and math.isclose(over, round(over), rel_tol=1e-12):
            # 2305 / 10 is 230.5; 2305 * 0.1 is not.
            times, over = factor, float(round(over))
        else:
            times, over = factor * point.scale, 1.0
        spread = math.prod(max(1.0, ratios[name]) for name in point.times)
        low, high = point.plausible
        unusual = point.plus or point.fold or self._bits or point.invalid_spans
        plain = not unusual and point.scale_factor is None and point.bit is None
        return _Step(
            point.name,
            0 if self._bits else self._layout.index[(point.word_order, point.at - self._block.start, point.type)],
            times,
            over,
            max(low * spread, point.possible[0]),
            min(high * spread, point.possible[1]),
            frozenset(point.invalid),
            point,
            plain,
        )

    def readings(self, payload: bytes, observed_at: int) -> list[Reading]:
        """One reading per point; ``payload`` has exactly the block's answer bytes (the caller has checked)."""
        device = self._device
        if self._bits:
            return [self._unusual(step, (), payload, observed_at) for step in self._steps]
        values = self._layout.unpack(payload)
        made = []
        for step in self._steps:
            name, place, times, over, low, high, invalid, _, plain = step
            if plain:
                raw = values[place]
                value = raw * times / over
                if low <= value <= high and raw not in invalid:
                    made.append(Reading(device, name, value, observed_at))
                    continue
            made.append(self._unusual(step, values, payload, observed_at))
        return made

    def raw(self, point: ModbusPoint, payload: bytes) -> str:
        """The point's own registers as four hex digits each, for people."""
        if self._bits:
            return str(_bit(payload, point.at - self._block.start))
        offset = 2 * (point.at - self._block.start)
        return payload[offset : offset + 2 * point.words].hex(" ", 2)

    def _unusual(self, step: _Step, values: Values, payload: bytes, observed_at: int) -> Reading:
        value = self._value(step, values, payload)
        if value is None:
            return Reading(self._device, step.name, None, observed_at, Quality.BAD, "sentinel")
        low, high = step.point.possible
        if not (math.isfinite(value) and low <= value <= high):
            return Reading(self._device, step.name, None, observed_at, Quality.BAD, "out_of_range")
        if step.low <= value <= step.high:
            return Reading(self._device, step.name, value, observed_at)
        return Reading(self._device, step.name, value, observed_at, Quality.UNCERTAIN, "out_of_range")

    def _value(self, step: _Step, values: Values, payload: bytes) -> float | None:
        """The value in the point's unit; None when the device says that there is none."""
        point = step.point
        if self._bits:
            return float(_bit(payload, point.at - self._block.start))
        raw = self._sum(step, values)
        if raw is None:
            return None
        if point.bit is not None:
            return float((int(raw) >> point.bit) & ((1 << point.bits) - 1))
        value = raw * step.times / step.over
        if point.scale_factor is not None:
            exponent = self._field(values, point, point.scale_factor, "int16")
            if not -_EXPONENT_MAX <= exponent <= _EXPONENT_MAX:
                return None
            value = value * 10**exponent if exponent >= 0 else value / 10**-exponent
        return fold(value, point.fold) if point.fold else value

    def _sum(self, step: _Step, values: Values) -> int | float | None:
        total: int | float = 0
        for at in (step.point.at, *step.point.plus):
            raw = self._field(values, step.point, at, step.point.type)
            if raw in step.invalid or (isinstance(raw, float) and math.isnan(raw)):
                return None
            if any(low <= raw <= high for low, high in step.point.invalid_spans):
                return None
            total += raw
        return total

    def _field(self, values: Values, point: ModbusPoint, at: int, kind: TypeName) -> int | float:
        return values[self._layout.index[(point.word_order, at - self._block.start, kind)]]


class _Layout:
    """Where each value lies in a block, as a few ``struct`` formats whose results are laid end to end.

    Values that overlap (two readings of one register as different types) go to different formats.
    """

    def __init__(self, block: Block) -> None:
        self.index: dict[_Field, int] = {}
        self._formats: list[tuple[bool, struct.Struct]] = []
        fields = set() if block.area in BIT_AREAS else _fields(block.points, block.start)
        position = 0
        for order, (_, swap) in ORDERS.items():
            rest = sorted(field for field in fields if field[0] == order)
            while rest:
                layer, rest = _without_overlap(rest)
                for field in layer:
                    self.index[field] = position
                    position += 1
                self._formats.append((swap, _format(layer, block.count)))

    def unpack(self, payload: bytes) -> Values:
        if len(self._formats) == 1:
            swap, only = self._formats[0]
            values: Values = only.unpack(swap_words(payload) if swap else payload)
            return values
        swapped = swap_words(payload)
        values = ()
        for swap, form in self._formats:
            values += form.unpack(swapped if swap else payload)
        return values


def _fields(points: Sequence[ModbusPoint], start: int) -> set[_Field]:
    fields: set[_Field] = set()
    for point in points:
        for at in (point.at, *point.plus):
            fields.add((point.word_order, at - start, point.type))
        if point.scale_factor is not None:
            fields.add((point.word_order, point.scale_factor - start, "int16"))
    return fields


def _without_overlap(fields: Sequence[_Field]) -> tuple[list[_Field], list[_Field]]:
    layer: list[_Field] = []
    rest: list[_Field] = []
    reach = 0
    for field in fields:
        if field[1] >= reach:
            layer.append(field)
            reach = field[1] + TYPES[field[2]].words
        else:
            rest.append(field)
    return layer, rest


def _format(layer: Sequence[_Field], count: int) -> struct.Struct:
    text = ORDERS[layer[0][0]][0]
    reach = 0
    for _, offset, kind in layer:
        text += f"{2 * (offset - reach)}x{TYPES[kind].code}"
        reach = offset + TYPES[kind].words
    return struct.Struct(f"{text}{2 * (count - reach)}x")


def _bit(payload: bytes, offset: int) -> int:
    return payload[offset // 8] >> (offset % 8) & 1


def fold(value: float, how: str) -> float:
    """A power factor's magnitude. Its sign means direction for one vendor and leading or lagging for another.

    ``four-quadrant`` (Schneider): values beyond 1 are folded back first, 2 - x or -2 - x.
    """
    if how == "four-quadrant":
        if value > 1:
            value = 2 - value
        elif value < -1:
            value = -2 - value
    return abs(value)


def decode_ratio(payload: bytes, kind: TypeName, word_order: WordOrder, scale: float) -> float:
    """The factor in a ratio register; the caller judges whether it can be."""
    code = TYPES[kind].code
    order, swap = ORDERS[word_order]
    (raw,) = struct.unpack(order + code, swap_words(payload) if swap else payload)
    return float(raw) * scale
