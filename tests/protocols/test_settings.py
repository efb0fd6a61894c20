"""Settings files: an error names the file, the line, the key and what would be right."""

import contextlib
from enum import StrEnum
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import BadSettings
from protocols.settings import decode, duration, load_toml, size
from protocols.toml_lines import key_lines


class Parity(StrEnum):
    NONE = "N"
    EVEN = "E"


class Bus(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    kind: Literal["modbus-tcp", "mqtt"]
    port: int = 502
    parity: Parity = Parity.NONE


class Site(msgspec.Struct, forbid_unknown_fields=True):
    gateway: dict[str, str] = {}
    bus: list[Bus] = []


GOOD = """\
# a site
[gateway]
site = "east"

[[bus]]
name = "one"
kind = "mqtt"

[[bus]]
name = "two"
kind = "modbus-tcp"
"""


def error_of(tmp_path, text):
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(BadSettings) as error:
        decode(load_toml(path), Site)
    return error.value


def test_a_good_file_becomes_structs(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    assert [bus.name for bus in decode(load_toml(path), Site).bus] == ["one", "two"]


@pytest.mark.parametrize(
    ("wrong", "line", "key", "says", "allowed"),
    [
        (GOOD + "prot = 1\n", 12, "bus[1].prot", "did you mean 'port'", "port"),
        (GOOD + 'port = "x"\n', 12, "bus[1].port", "int", ""),
        (GOOD + 'parity = "X"\n', 12, "bus[1].parity", "not allowed", "N, E"),
        (GOOD.replace('"modbus-tcp"', '"modbus"'), 11, "bus[1].kind", "not allowed", "modbus-tcp, mqtt"),
        (GOOD.replace('name = "one"\n', ""), 5, "bus[0].name", "missing", ""),
        (GOOD.replace('"east"', "3"), 3, "gateway.site", "str", ""),
        (GOOD + "x = \n", 12, "", "not TOML", ""),
        (GOOD + "port = 1\nport = 2\n", 13, "", "not TOML", ""),
        ("[buss]\n", 1, "buss", "did you mean 'bus'", "bus, gateway"),
    ],
)
def test_an_error_says_what_where_and_what_is_right(tmp_path, wrong, line, key, says, allowed):
    error = error_of(tmp_path, wrong)
    assert (error.line, error.key) == (line, key)
    assert says in str(error)
    assert allowed in error.allowed
    assert str(error).startswith(f"{tmp_path}/site.toml:{line}: ")


def test_a_file_that_is_absent_binary_or_huge_is_an_error_of_its_own(tmp_path):
    with pytest.raises(BadSettings, match="cannot be read"):
        load_toml(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(BadSettings, match=r":2: not UTF-8"):
        load_toml(tmp_path / "binary.toml")
    (tmp_path / "huge.toml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(BadSettings, match="larger"):
        load_toml(tmp_path / "huge.toml")
    for text in ("a = " + "[" * 10_000 + "]" * 10_000, "a = " + "9" * 5000, "b = 1\n[a" + ".a" * 20_000 + "]"):
        (tmp_path / "deep.toml").write_text(text)
        with pytest.raises(BadSettings):
            load_toml(tmp_path / "deep.toml")


def test_lines_are_found_in_every_shape_of_table():
    lines = key_lines(
        "a.b = 1\n[t]\n'quoted key' = 2\n[[d]]\nid = 1\n[d.deadband]\nx = 1\n[[d]]\nm = {p = 1, q = 2}\n"
        's = """\nid = 9\n"""\nlast = 1\n[[d.c]]\nz = 1\n'
    )
    assert lines["a", "b"] == 1
    assert lines["t", "quoted key"] == 3
    assert lines["d", 0, "deadband", "x"] == 7
    assert lines["d", 1, "m", "q"] == 9
    assert lines["d", 1, "last"] == 13
    assert lines["d", 1, "c", 0, "z"] == 15
    assert ("d", 1, "id") not in lines


def test_durations_and_sizes_are_read_and_wrong_ones_explained():
    assert duration("500 ms") == 0.5
    assert duration("1.5 h") == 5400
    assert size("512 MiB") == 512 * 2**20
    for wrong in ("10", "s", "-1 s", "1 year", ""):
        with pytest.raises(ValueError, match="like '10 s'"):
            duration(wrong)
        with pytest.raises(ValueError, match="like '512 MiB'"):
            size(wrong)


@given(st.text(max_size=200))
def test_any_text_is_a_document_or_an_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(BadSettings):
        load_toml(path)
