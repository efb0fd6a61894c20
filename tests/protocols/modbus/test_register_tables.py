"""Every point of every model, extended ones too, against the makers' register lists (``registers.csv``).

One point at a time stands in registers that are otherwise full of a pattern nobody wrote, so that a wrong address,
type, word order, scale, ratio, sum, bit or area in a profile gives a wrong value here.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from protocols.modbus.decode import BlockDecoder, decode_ratio
from protocols.modbus.plan import plan_reads
from protocols.modbus.point import ModbusPoint
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.registers import TYPES, WordOrder
from protocols.reading import Quality, Reading
from tests.protocols.modbus.register_case import CASES
from tests.protocols.modbus.register_table import Row, Words, raws, read_table, value_of
from tests.protocols.modbus.shipped import shipped

FILLER = 0x5A5B
RATIOS = {"ct": Fraction(40), "pt": Fraction(5)}
EXPONENTS = (-2, 0, 1)
IDS = list(shipped())


class Rack:
    """A device's registers: what was put there, and the filler everywhere else."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, int], int] = {}

    def put(self, area: str, at: int, words: Words) -> None:
        self.held.update({(area, at + offset): word for offset, word in enumerate(words)})

    def answer(self, area: str, start: int, count: int) -> bytes:
        words = [self.held.get((area, start + offset), FILLER) for offset in range(count)]
        if area in ("coil", "discrete"):
            bits = sum((word & 1) << offset for offset, word in enumerate(words))
            return bits.to_bytes((count + 7) // 8, "little")
        return b"".join(word.to_bytes(2, "big") for word in words)


class Reader:
    """Reads one point as the product does, in the requests planned for the whole model."""

    def __init__(self, profile: ModbusProfile) -> None:
        self.profile = profile
        self.blocks = {
            point.name: block
            for block in plan_reads(profile, profile.selected(extended=True))
            for point in block.points
        }
        self.decoders: dict[tuple[object, ...], BlockDecoder] = {}

    def read(self, name: str, rack: Rack) -> Reading:
        block = self.blocks[name]
        ratios = {
            ratio.name: decode_ratio(
                rack.answer(ratio.area, ratio.at, TYPES[ratio.type].words), ratio.type, ratio.word_order, ratio.scale
            )
            for ratio in self.profile.ratios
        }
        key = (block.area, block.start, *ratios.values())
        if key not in self.decoders:
            self.decoders[key] = BlockDecoder("m", block, ratios)
        made = self.decoders[key].readings(rack.answer(block.area, block.start, block.count), 1)
        return next(reading for reading in made if reading.point == name)


def table_of(profile_id: str) -> tuple[list[Row], list[Row]]:
    """The rows of the points, and those of the ratio registers."""
    rows = read_table(table_path(profile_id))
    return [row for row in rows if row.point not in RATIOS], [row for row in rows if row.point in RATIOS]


def table_path(profile_id: str) -> Path:
    return CASES / profile_id.replace("/", "-") / "registers.csv"


def racks(row: Row, ratio_rows: list[Row], salt: int) -> Iterator[tuple[Rack, Fraction, str]]:
    """Registers to read the point from, the value that must come out, and what was tried."""
    ratio = Fraction(1)
    for name in row.times:
        ratio *= RATIOS[name]
    for exponent in EXPONENTS if row.scale_factor is not None else (0,):
        power = Fraction(10) ** exponent
        for raw in raws(row, ratio * power, salt):
            rack = Rack()
            for each in ratio_rows:
                rack.put(each.area, each.at, each.words(int(RATIOS[each.point] / each.scale)))
            total = Fraction(0)
            for at in (row.at, *row.plus):
                rack.put(row.area, at, row.words(raw))
                total += row.exact(raw)
            if row.scale_factor is not None:
                rack.put(row.area, row.scale_factor, [exponent % 65536])
            yield rack, value_of(row, total, ratio * power), f"{row.point} raw {raw} x 10^{exponent}"


def beyond_all_bounds(row: Row, value: Fraction) -> bool:
    """Whether the value is such that no reading of it is made at all."""
    if row.point.startswith("frequency"):
        return not 0 <= value <= 500
    return abs(value) > (10**6 if row.point.startswith(("voltage", "current", "phase", "supply")) else 10**10)


def wrong(profile: ModbusProfile) -> dict[str, str]:
    """By name the points that are not read as the table of the model has them, with the first try that failed."""
    reader = Reader(profile)
    rows, ratio_rows = table_of(profile.id)
    found: dict[str, str] = {}
    for salt, row in enumerate(rows):
        read = 0
        for rack, value, what in racks(row, ratio_rows, salt):
            reading = reader.read(row.point, rack)
            if reading.value is None and reading.reason == "out_of_range" and beyond_all_bounds(row, value):
                continue
            read += 1
            if reading.value != pytest.approx(float(value), rel=1e-12, abs=1e-12):
                found.setdefault(row.point, f"{what}: {reading.value} {reading.reason}, not {float(value)}")
        if not read:
            found.setdefault(row.point, "never read")
    return found


@pytest.mark.parametrize("profile_id", IDS)
def test_every_point_is_read_from_where_the_maker_s_list_has_it(profile_id: str) -> None:
    assert wrong(shipped()[profile_id]) == {}


FLIPPED: dict[WordOrder, WordOrder] = {"big": "little", "little": "big"}


def sign_counts(point: ModbusPoint) -> bool:
    """Whether a value with the highest bit set can be one at all."""
    return point.bit is None and (1 << 16 * point.words - 1) * point.scale <= point.possible[1]


def mistaken(point: ModbusPoint, mistake: str) -> ModbusPoint | None:
    """The point with a mistake in it; None when the mistake cannot be made in it."""
    change: dict[str, object] = {}
    if mistake == "one address too high":
        change = {"at": point.at + 1}
    elif mistake == "ten times the scale" and point.type != "bit" and point.bit is None:
        change = {"scale": point.scale * 10}
    elif mistake == "the other word order" and point.words > 1:
        change = {"word_order": FLIPPED[point.word_order]}
    elif mistake == "a sign where there is none" and point.type in ("uint16", "uint32") and sign_counts(point):
        change = {"type": point.type.removeprefix("u")}
    elif mistake == "no ratio" and point.times:
        change = {"times": ()}
    elif mistake == "one register of a sum" and point.plus:
        change = {"plus": ()}
    elif mistake == "another power of ten" and point.scale_factor is not None:
        change = {"scale_factor": point.scale_factor + 1}
    elif mistake == "the next bit" and point.bit is not None:
        change = {"bit": point.bit + 1}
    return msgspec.structs.replace(point, **change) if change else None


MISTAKES = [
    *("one address too high", "ten times the scale", "the other word order", "a sign where there is none", "no ratio"),
    *("one register of a sum", "another power of ten", "the next bit"),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_sweep_finds_a_mistake_in_whichever_point_it_is_made(mistake: str) -> None:
    made = 0
    for profile in shipped().values():
        points = tuple(mistaken(point, mistake) or point for point in profile.points)
        planted = {point.name for point, before in zip(points, profile.points, strict=True) if point != before}
        made += len(planted)
        if not planted:
            continue
        assert set(wrong(msgspec.structs.replace(profile, points=points))) == planted, profile.id
    assert made > 0


@pytest.mark.parametrize("profile_id", IDS)
def test_what_means_no_value_is_never_a_value(profile_id: str) -> None:
    profile = shipped()[profile_id]
    reader = Reader(profile)
    rows, ratio_rows = table_of(profile_id)
    for row in rows:
        for digits in row.invalid:
            for place in (row.at, *row.plus):
                rack, _, _ = next(racks(row, ratio_rows, 1))
                rack.put(row.area, place, row.pattern(digits))
                reading = reader.read(row.point, rack)
                assert (reading.value, reading.quality, reading.reason) == (None, Quality.BAD, "sentinel"), row
        if row.scale_factor is not None:
            rack, _, _ = next(racks(row, ratio_rows, 1))
            rack.put(row.area, row.scale_factor, [0x8000])
            assert reader.read(row.point, rack).quality is Quality.BAD, row


@pytest.mark.parametrize("profile_id", IDS)
def test_the_list_and_the_profile_have_the_same_points(profile_id: str) -> None:
    profile = shipped()[profile_id]
    rows, ratio_rows = table_of(profile_id)
    assert {(row.point, row.alternatives) for row in rows} == {(p.name, p.alternatives) for p in profile.points}
    assert {row.point for row in ratio_rows} == {ratio.name for ratio in profile.ratios}
