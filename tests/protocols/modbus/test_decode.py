"""Bits to values: types, orders, scales, sentinels, bounds."""

import math
import struct

import pytest

from protocols.modbus.decode import BlockDecoder, fold
from protocols.modbus.plan import plan_reads
from protocols.modbus.profile import decode_modbus
from protocols.reading import Quality, Reading
from protocols.settings import Document

HEAD = '[profile]\nid = "a/b"\nvendor = "A"\nmodel = "B"\nkind = "meter"\nprotocol = "modbus"\n'


def read_one(row: str, payload: bytes, rules: str = "", name: str = "active_power_total", **ratios: float) -> Reading:
    text = f"{HEAD}[modbus]\n{rules}\n[ratio]\nct = {{ at = 90 }}\npt = {{ at = 91 }}\n[points]\n{name} = {{ {row} }}\n"
    profile = decode_modbus(Document("t.toml", text))
    (block,) = plan_reads(profile, profile.points)
    assert block.answer_bytes == len(payload)
    (reading,) = BlockDecoder("m", block, ratios).readings(payload, 1234)
    return reading


@pytest.mark.parametrize(
    ("kind", "code", "value"),
    [
        ("uint16", "H", 65000),
        ("int16", "h", -1234),
        ("uint32", "I", 4_000_000_000),
        ("int32", "i", -2_000_000_000),
        ("uint64", "Q", 12_345_678),
        ("int64", "q", -12_345_678),
        ("float32", "f", -1.5),
        ("float64", "d", 1234.5678),
    ],
)
@pytest.mark.parametrize("order", ["big", "little", "big-swapped", "little-swapped"])
def test_every_type_is_read_in_every_order(kind: str, code: str, value: float, order: str) -> None:
    words = [struct.pack(f">{code}", value)[i : i + 2] for i in range(0, struct.calcsize(code), 2)]
    if order.startswith("little"):
        words.reverse()
    if order.endswith("swapped"):
        words = [word[::-1] for word in words]
    reading = read_one(f'at = 0, type = "{kind}", word_order = "{order}"', b"".join(words))
    assert reading == Reading("m", "active_power_total", value, 1234)


def test_a_decimal_scale_leaves_no_binary_dust() -> None:
    for raw in range(1, 5000, 7):
        assert read_one('at = 0, type = "uint16", scale = 0.1', raw.to_bytes(2, "big")).value == raw / 10


def test_kilowatts_become_watts() -> None:
    assert read_one('at = 0, type = "float32", scale = 1000', struct.pack(">f", 8.125)).value == 8125


def test_transformer_ratios_multiply_the_value_and_its_bounds() -> None:
    row = 'at = 0, type = "uint16", scale = 0.1, times = "pt", plausible = [80, 300]'
    reading = read_one(row, (2301).to_bytes(2, "big"), name="voltage_l1_n", ct=1, pt=100)
    assert (reading.value, reading.quality) == (23010, Quality.GOOD)
    row = 'at = 0, type = "int32", times = "ct*pt"'
    assert read_one(row, (-12).to_bytes(4, "big", signed=True), ct=40, pt=10).value == -4800


def test_a_sentinel_is_bad_and_has_no_value() -> None:
    rules = "invalid = { uint32 = [0xFFFFFFFF], int16 = [0x7FFF] }"
    for row, raw in (('at = 0, type = "uint32"', "FFFFFFFF"), ('at = 0, type = "int16"', "7FFF")):
        reading = read_one(row, bytes.fromhex(raw), rules)
        assert (reading.value, reading.quality, reading.reason) == (None, Quality.BAD, "sentinel")


@pytest.mark.parametrize("bits", ["7FC00000", "FFC00000", "7F800001"])
def test_not_a_number_is_bad(bits: str) -> None:
    reading = read_one('at = 0, type = "float32"', bytes.fromhex(bits))
    assert (reading.value, reading.quality, reading.reason) == (None, Quality.BAD, "sentinel")


@pytest.mark.parametrize("bits", ["7F800000", "FF800000", "7F7FFFFF"])
def test_what_cannot_be_is_bad(bits: str) -> None:
    reading = read_one('at = 0, type = "float32"', bytes.fromhex(bits))
    assert (reading.value, reading.quality, reading.reason) == (None, Quality.BAD, "out_of_range")


def test_what_cannot_be_is_bad_even_where_the_profile_finds_it_plausible() -> None:
    row = 'at = 0, type = "float32", plausible = [0, 1e30]'
    reading = read_one(row, struct.pack(">f", 1e20), name="voltage_l1_n")
    assert (reading.value, reading.reason) == (None, "out_of_range")


def test_what_is_unlikely_is_passed_on_as_uncertain() -> None:
    reading = read_one('at = 0, type = "float32"', struct.pack(">f", 12.0), name="frequency")
    assert (reading.value, reading.quality, reading.reason) == (12.0, Quality.UNCERTAIN, "out_of_range")


def test_a_counter_below_zero_is_bad() -> None:
    reading = read_one('at = 0, type = "int32"', struct.pack(">i", -5), name="active_energy_import_total")
    assert (reading.value, reading.reason) == (None, "out_of_range")


def test_registers_are_summed_and_one_without_a_value_spoils_the_sum() -> None:
    row = 'at = 0, type = "float64", plus = [4], scale = 0.001'
    name = "active_energy_import_total"
    assert read_one(row, struct.pack(">dd", 1500, 2500), name=name).value == 4
    assert read_one(row, struct.pack(">dd", 1500, math.nan), name=name).quality is Quality.BAD


def test_a_scale_factor_register_is_a_power_of_ten() -> None:
    row = 'at = 0, type = "int16", scale_factor = 2'
    assert read_one(row, struct.pack(">hhh", 123, 0, 2)).value == 12300
    assert read_one(row, struct.pack(">hhh", 123, 0, -2)).value == 1.23
    assert read_one(row, struct.pack(">hhh", 123, 0, -32768)).quality is Quality.BAD


def test_bits_of_a_register_are_cut_out() -> None:
    row = 'at = 0, type = "uint16", bit = 4, bits = 3'
    assert read_one(row, b"\x00\x50", name="door_open").value == 5


def test_coils_are_bits_of_the_answer() -> None:
    text = f'{HEAD}[modbus]\narea = "coil"\n[points]\ndoor_open = {{ at = 3, type = "bit" }}\n'
    text += 'tamper = { at = 12, type = "bit" }\n[modbus.invalid]\n'
    profile = decode_modbus(Document("t.toml", text.replace('area = "coil"', 'area = "coil"\nmax_gap = 20')))
    (block,) = plan_reads(profile, profile.points)
    assert (block.start, block.count, block.answer_bytes) == (3, 10, 2)
    assert [r.value for r in BlockDecoder("m", block).readings(b"\x01\x00", 1)] == [1, 0]
    assert [r.value for r in BlockDecoder("m", block).readings(b"\x00\x02", 1)] == [0, 1]


@pytest.mark.parametrize(("raw", "value"), [(0.9, 0.9), (-0.9, 0.9), (1.1, 0.9), (-1.1, 0.9), (1.0, 1.0), (2.0, 0.0)])
def test_a_four_quadrant_power_factor_is_folded_to_its_magnitude(raw: float, value: float) -> None:
    assert fold(raw, "four-quadrant") == pytest.approx(value)


def test_raw_registers_are_shown_as_they_came() -> None:
    profile = decode_modbus(Document("t.toml", f'{HEAD}[points]\nfrequency = {{ at = 7, type = "float32" }}\n'))
    (block,) = plan_reads(profile, profile.points)
    assert BlockDecoder("m", block).raw(profile.points[0], bytes.fromhex("42480000")) == "4248 0000"
