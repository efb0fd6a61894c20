"""What a device says of itself, and whether it is the model the profile is for."""

import struct

import pytest

from protocols.errors import BadSettings
from protocols.modbus.sunspec import placed_text
from protocols.modbus.texts import decode_text, identity_matches, identity_value
from tests.protocols.modbus.profile_text import profile_from

POINT = "[points]\nfrequency = { at = 0 }\n"


def text_of(row: str, payload: bytes, rules: str = "") -> str:
    (field,) = profile_from(f"[modbus]\n{rules}\n{POINT}[texts]\nmodel = {{ at = 9, {row} }}\n").texts
    assert len(payload) == 2 * field.registers
    return decode_text(field, payload)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"SDM630\0\0", "SDM630"),
        (b"  EM340 ", "EM340"),
        (b"\0\0\0\0\0\0\0\0", ""),
        (b"\xff" * 8, ""),
        (b"        ", ""),
        (b"\0S\0O\0C\0O", "SOCO"),
        (b"S\0O\0C\0O\0", "SOCO"),
        (b"AB\0old\0\0", "AB"),
        (b"A\x07B\x80CD\0\0", "A\ufffdB\ufffdCD"),
        ("电表".encode() + b"\0\0", "电表"),
    ],
)
def test_a_text_is_read_without_its_padding(payload: bytes, text: str) -> None:
    assert text_of('type = "string", registers = 4', payload) == text
    assert text_of('type = "string", registers = 4', payload, 'word_order = "little"') == text


def test_swapped_bytes_of_a_text_are_put_right() -> None:
    assert text_of('type = "string", registers = 2, word_order = "big-swapped"', b"BA\0C") == "ABC"


@pytest.mark.parametrize(
    ("row", "payload", "text"),
    [
        ('type = "uint32"', struct.pack(">I", 4_012_345_678), "4012345678"),
        ('type = "uint32", word_order = "little"', bytes.fromhex("E240 0001"), "123456"),
        ('type = "uint64"', struct.pack(">Q", 12_345_678_901), "12345678901"),
        ('type = "uint16", format = "version"', bytes.fromhex("0204"), "2.4"),
        ('type = "uint32", format = "version"', bytes.fromhex("00010203"), "1.2.3"),
        ('type = "uint16", format = "hex"', bytes.fromhex("00A7"), "00A7"),
        ('type = "float32"', struct.pack(">f", 1.25), "1.25"),
        ('type = "float32"', bytes.fromhex("7FC00000"), ""),
        ('type = "uint32"', b"\0\0\0\0", ""),
        ('type = "uint32"', b"\xff\xff\xff\xff", ""),
    ],
)
def test_a_number_becomes_the_text_that_people_know(row: str, payload: bytes, text: str) -> None:
    assert text_of(row, payload) == text


def test_a_text_of_a_coil_module_is_in_holding_registers() -> None:
    text = '[modbus]\narea = "coil"\n[points]\nrelay_1 = { at = 0, type = "bit" }\n[texts]\nfirmware = { at = 9, '
    (field,) = profile_from(text + 'type = "uint16" }\n').texts
    assert (field.name, field.area, field.registers) == ("firmware", "holding", 1)


def test_a_sunspec_text_is_counted_from_the_common_model() -> None:
    (field,) = profile_from(f"{POINT}[texts]\nvendor = {{ at = 2, registers = 16 }}\n").texts
    assert placed_text(field, 40002).at == 40004


IDENTITY = POINT + "[[identity]]\nat = 5\n"


@pytest.mark.parametrize(
    ("row", "payload", "value", "fits"),
    [
        ('type = "uint16"\nregisters = 1\nexpect = [112, 121]', b"\0\x70", 112, True),
        ('type = "uint16"\nregisters = 1\nexpect = [112, 121]', b"\0\x71", 113, False),
        ('type = "uint16"\nregisters = 1', b"\0\x71", 113, True),
        ('type = "uint32"\nregisters = 2\nexpect = [1400204883]', b"SunS", 1400204883, True),
        ('type = "float32"\nregisters = 2\nexpect = [0.0]', b"\0\0\0\0", 0.0, True),
        ('type = "float32"\nregisters = 2\nexpect = [0.0]', struct.pack(">f", 230.0), 230.0, False),
        ('type = "string"\nregisters = 4\nexpect = ["Hager"]', b"HAGER SA", "HAGER SA", True),
        ('type = "string"\nregisters = 4\nexpect = ["SOCO"]', b"\0S\0O\0C\0O", "SOCO", True),
        ('type = "string"\nregisters = 4\nexpect = ["SOCO"]', b"\0\0\0\0\0\0\0\0", "", False),
    ],
)
def test_the_model_is_known_by_its_registers(row: str, payload: bytes, value: float | str, fits: bool) -> None:
    (identity,) = profile_from(f"{IDENTITY}{row}\n").identity
    assert identity_value(identity, payload, "big") == value
    assert identity_matches(identity, value) is fits


def test_an_identity_of_low_word_first_is_read_so() -> None:
    (identity,) = profile_from(f'{IDENTITY}type = "uint32"\nregisters = 2\n').identity
    assert identity_value(identity, bytes.fromhex("0002 0001"), "little") == 0x10002


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (POINT + '[texts]\nname = { at = 0, type = "uint16" }\n', "texts"),
        (POINT + "[texts]\nmodel = { at = 0 }\n", "texts.model.registers: a string of how many registers"),
        (
            POINT + '[texts]\nmodel = { at = 0, type = "uint32", registers = 1 }\n',
            "1 registers of a uint32 (allowed: 2)",
        ),
        (POINT + '[texts]\nmodel = { at = 0, registers = 4, format = "hex" }\n', "texts.model.format: hex of a string"),
        (
            POINT + '[texts]\nmodel = { at = 0, registers = 4, area = "coil" }\n',
            "texts.model.area: a text in area coil",
        ),
        (POINT + "[texts]\nmodel = { at = 65535, registers = 4 }\n", "texts.model.at: registers 65535 to 65538"),
        (POINT + "[texts]\nmodel = { at = 0, registers = 61 }\n", "61 registers in one request (allowed: at most 60)"),
        (IDENTITY + 'type = "uint32"\nregisters = 1\n', "identity[0].registers: 1 registers of a uint32"),
        (
            IDENTITY + 'type = "uint16"\nregisters = 1\nexpect = ["A"]\n',
            "identity[0].expect: not what a uint16 can hold",
        ),
        (IDENTITY + 'type = "string"\nregisters = 1\nexpect = [""]\n', "every text begins with an empty one"),
        ("[points]\nfrequency = { at = 0, bits = 2 }\n", "points.frequency.bits: 2 bits"),
        ("[points]\nfrequency = { at = 0, bit = 15, bits = 2 }\n", "points.frequency.bits: 2 bits"),
        ('[points]\nfrequency = { at = 0, type = "float32", bit = 1 }\n', "points.frequency.bit: bit 1 of a float32"),
        ("[points]\nfrequency = { at = 0, alternatives = [65536] }\n", "points.frequency.at: registers 65536"),
        ("[points]\nfrequency = { at = 0, plus = [1], alternatives = [7] }\n", "points.frequency.alternatives"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(BadSettings) as caught:
        profile_from(text)
    assert says in str(caught.value)
    assert str(caught.value).startswith("t.toml:")
