"""An unknown block under every type and word order: what is plausible comes first."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.cli import main
from edge.commissioning.orders import orders
from edge.commissioning.orders_table import spans, table
from protocols.modbus.registers import ORDERS, TYPES, WordOrder, swap_words
from tests.edge.areas_line import at, text_words
from tests.peers.libmodbus import serving_tcp
from tests.protocols.modbus.register_case import CASES, read_case


def block(values: Sequence[float], kind: str, order: WordOrder, start: int = 100) -> dict[int, int]:
    """Values one behind the other, as a meter with that word order has them."""
    sign, swap = ORDERS[order]
    form = TYPES[kind].code  # type: ignore[index]
    raw = b"".join(struct.pack(sign + form, value) for value in values)
    raw = swap_words(raw) if swap else raw
    return at(start, [int.from_bytes(raw[place : place + 2], "big") for place in range(0, len(raw), 2)])


MEASURED = (230.1, 231.7, 229.6, 12.64, 8.45, 10.92, 0.952, 50.02)


@pytest.mark.parametrize("order", list(ORDERS))
def test_floats_are_found_in_every_word_order(order: WordOrder) -> None:
    found = orders(block(MEASURED, "float32", order))
    assert found.order == order
    likely = {sight.at: sight for sight in found.likely}
    assert [round(float(likely[100 + 2 * place].value or 0), 3) for place in range(8)] == list(MEASURED)
    assert "frequency" in likely[114].hint
    assert "voltage" in likely[100].hint
    assert "power factor" in likely[112].hint


@pytest.mark.parametrize("order", ["big", "little"])
def test_wide_integers_are_found_with_their_factor(order: WordOrder) -> None:
    found = orders(block([2301, 2317, 2296, 4003, 3988, 3995], "int32", order))
    assert found.order == order
    assert [sight.at for sight in found.likely] == [100, 102, 104, 106, 108, 110]
    assert found.likely[0].hint == "voltage x 0.1"


def test_single_registers_are_found_with_their_factor() -> None:
    found = orders(at(97, [2301, 2317, 2296, 5002]))
    assert [(sight.at, sight.type, sight.value) for sight in found.likely] == [
        (97, "uint16", 2301),
        (98, "uint16", 2317),
        (99, "uint16", 2296),
        (100, "uint16", 5002),
    ]
    assert "frequency x 0.01" in found.likely[3].hint


def test_a_counter_shows_by_growing_between_two_reads() -> None:
    first = block([485_061], "uint32", "little") | block([7213.0], "float32", "big", 110)
    later = block([485_064], "uint32", "little") | block([7213.0], "float32", "big", 110)
    found = orders(first, later)
    counter = next(sight for sight in found.sights[100] if sight.type == "uint32" and sight.word_order == "little")
    assert counter.hint == "grew by 3: a counter?"
    assert counter.later == 485_064


def test_text_is_found_and_floats_are_not_taken_for_it() -> None:
    assert [text.text for text in orders(at(20, text_words("METER-X 2000", 8))).texts] == ["METER-X 2000"]
    case = read_case(CASES / "eastron-sdm630" / "readings.toml")
    assert orders({place: word for place, word in case.registers["input"].items() if place < 80}).texts == ()


@pytest.mark.parametrize("name", ["eastron-sdm630", "schneider-iem3155", "carlo-gavazzi-em340", "janitza-umg96rm"])
def test_the_word_order_of_real_maps_is_found(name: str) -> None:
    case = read_case(CASES / name / "readings.toml")
    words = case.registers["input"] or case.registers["holding"]
    start = min(point.at for point in case.profile.points if point.name == "voltage_l1_n")
    found = orders({place: word for place, word in words.items() if start <= place < start + 60})
    assert found.order == case.profile.word_order


def test_every_type_and_order_is_there() -> None:
    found = orders(at(0, [1, 2, 3, 4]))
    assert len(found.sights[0]) == 2 * 2 + 6 * 4
    assert {(sight.type, sight.word_order) for sight in found.sights[0]} >= {
        (kind, order) for kind in ("float32", "uint64", "int64", "float64") for order in ORDERS
    }
    assert len(found.sights[3]) == 4
    text = table(found, at(0, [1, 2, 3, 4]), {9: 2}, [12, 13], everything=True)
    assert "uint64 little-swapped" in text
    assert "exception 2 (illegal address): 9" in text
    assert "no answer: 12-13" in text


def test_nothing_read_is_no_error() -> None:
    assert orders({}).sights == {}


def test_addresses_are_told_as_spans() -> None:
    assert spans([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"


def test_the_command_reads_from_a_server_that_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    held = block(MEASURED, "float32", "big", 0)
    with serving_tcp(inputs=held) as port:
        where = f"127.0.0.1:{port}"
        words = ["read", "--orders", where, "--unit", "1", "--area", "input", "--count", "16", "--apart", "0s"]
        assert main(words) == 0
        told = capsys.readouterr().out
        assert main([*words, "--json"]) == 0
    assert "most likely big" in told
    assert "looks like a frequency" in told
    whole = json.loads(capsys.readouterr().out)
    assert whole["word_order"] == "big"
    assert whole["words"]["0"] == held[0]


def test_a_device_of_a_site_file_is_read_and_an_unknown_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving_tcp(holding=block(MEASURED, "float32", "big", 10)) as port:
        site = tmp_path / "site.toml"
        site.write_text(
            '[gateway]\nsite = "s"\nid = "g"\n[uplink]\nurl = "mqtt://127.0.0.1:1883"\n'
            f'[[bus]]\nname = "net"\nkind = "modbus-tcp"\nhost = "127.0.0.1"\nport = {port}\n'
            '[[device]]\nid = "main"\nprofile = "eastron/sdm630"\nbus = "net"\nunit = 1\n'
        )
        words = [str(site), "--orders", "--at", "0x0A", "--count", "16", "--apart", "0s"]
        assert main(["read", words[0], "main", *words[1:]]) == 0
        assert "230.1" in capsys.readouterr().out
        assert main(["read", words[0], "net", "--unit", "7", *words[1:]]) == 0
        assert main(["read", words[0], "other", *words[1:]]) == 2
    assert "allowed: main" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["127.0.0.1"], ["127.0.0.1", "--unit", "1", "--count", "0"], ["127.0.0.1-9", "--unit", "1"]]
)
def test_what_cannot_be_read_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--orders", *words]) == 2
    assert "read --orders:" in capsys.readouterr().err
