"""Naming a model: sure where it says so itself, candidates where sister models overlap, never a wrong name."""

from __future__ import annotations

import functools
import random
import struct

import pytest

from edge.commissioning.scan_catalog import Catalog, load_catalog
from edge.commissioning.scan_finding import Recognition
from edge.commissioning.scan_model import recognise
from edge.commissioning.scan_registers import UnitRegisters
from edge.drivers.modbus import open_bus
from edge.settings import BusSettings
from protocols.modbus.profile import IdentityRow, ModbusProfile
from tests.edge.areas_line import AreasLine, Held, at, text_words
from tests.edge.hasty_clock import HastyClock
from tests.protocols.modbus.register_case import CASES, read_case

Registers = dict[str, dict[int, int]]


@functools.cache
def catalog() -> Catalog:
    return load_catalog()


def device(name: str, **more: dict[int, int]) -> Registers:
    """The registers of a case, and ``more`` by area."""
    case = read_case(CASES / name / "readings.toml")
    held = {area: dict(words) for area, words in case.registers.items() if words}
    for area, words in more.items():
        held.setdefault(area, {}).update(words)
    return held


def says_who(profile: ModbusProfile) -> Registers:
    """The identity registers of a model as it would have them."""
    held: Registers = {}
    for row in profile.identity:
        if row.expect:
            area = row.area or profile.points[0].area
            held.setdefault(area, {}).update(at(row.at, _words(row)))
    return held


def _words(row: IdentityRow) -> list[int]:
    value = row.expect[0]
    if isinstance(value, str):
        return text_words(value, row.registers)
    if row.type == "float32":
        return list(struct.unpack(">HH", struct.pack(">f", value)))
    return list(struct.unpack(f">{row.registers}H", int(value).to_bytes(2 * row.registers, "big")))


async def recognised(held: Held, *, alone: dict[int, int] | None = None) -> tuple[Recognition, AreasLine]:
    line = AreasLine({5: held})
    line.alone = alone or {}
    async with line.on_tcp() as port:
        settings = BusSettings(name="x", kind="modbus-tcp", timeout_s=1.0, host="127.0.0.1", tcp_port=port)
        bus = open_bus(settings, HastyClock(), random.Random(1))
        try:
            found = await recognise(UnitRegisters(bus, 5, HastyClock()), catalog())
        finally:
            bus.close()
    assert line.functions <= {1, 2, 3, 4}
    return found, line


def cases_with_mains() -> list[str]:
    names = []
    for path in sorted(CASES.glob("*/readings.toml")):
        text = path.read_text("utf-8")
        if "voltage_l1_n" in text and "sunspec" not in text:
            names.append(path.parent.name)
    return names


@pytest.mark.parametrize("name", cases_with_mains())
async def test_a_model_is_named_or_is_among_the_candidates_and_never_another_one_is_named(name: str) -> None:
    case = read_case(CASES / name / "readings.toml")
    for held in (device(name, **says_who(case.profile)), device(name)):
        found, _ = await recognised(held)
        possible = {found.profile} if found.profile else {each.profile for each in found.candidates}
        assert case.profile.id in possible, found
        if found.sure:
            assert held != device(name), "nothing in the registers says who it is"


@pytest.mark.parametrize("name", cases_with_mains())
async def test_a_model_that_says_who_it_is_is_sure_after_few_requests(name: str) -> None:
    profile = read_case(CASES / name / "readings.toml").profile
    telling = says_who(profile)
    found, line = await recognised(device(name, **telling))
    assert found.sure is bool(telling)
    if telling:
        assert found.profile == profile.id
        assert len(line.asked) < 40


async def test_the_two_sdm72_are_told_apart() -> None:
    newer, _ = await recognised(device("eastron-sdm72d-m-v2", holding={0xFC02: 0x89}))
    assert (newer.profile, newer.sure) == ("eastron/sdm72d-m-v2", True)
    older, _ = await recognised(device("eastron-sdm72d-m", input={0: 0, 1: 0}))
    assert not older.sure
    assert older.profile == ""
    assert [each.profile for each in older.candidates] == ["eastron/sdm72d-m"]


async def test_zero_where_a_model_has_zero_names_nobody() -> None:
    zeros = dict.fromkeys(range(2000), 0)
    found, _ = await recognised({"holding": zeros, "input": zeros})
    assert found.profile == ""


async def test_a_dtsu666_h_is_no_dtsu666() -> None:
    """The -H of an inverter maker: floats without a factor at 2102 and on, nothing at 0x2000."""
    volts = [word for value in (231.0, 230.5, 229.9) for word in struct.unpack(">HH", struct.pack(">f", value))]
    found, _ = await recognised(
        {"holding": at(2110, volts) | at(2126, list(struct.unpack(">HH", struct.pack(">f", 50))))}
    )
    assert found.profile == ""


async def test_a_single_phase_ddsu666_is_no_dtsu666() -> None:
    """It has volts where the DTSU666 has tenths of volts."""
    held = dict.fromkeys(range(0x2000, 0x2050), 0) | at(0x2000, list(struct.unpack(">HH", struct.pack(">f", 231.0))))
    held |= at(0x200E, list(struct.unpack(">HH", struct.pack(">f", 50.0))))
    found, _ = await recognised({"holding": held})
    assert found.profile != "chint/dtsu666"


async def test_an_unknown_code_of_a_known_family_is_said() -> None:
    found, _ = await recognised(device("eastron-sdm630", holding={0xFC02: 999}))
    assert not found.sure
    assert any("999" in text for each in found.candidates for text in each.evidence) or not found.profile


async def test_an_early_em340_with_its_high_word_first_is_named_with_its_word_order() -> None:
    held = device("carlo-gavazzi-em340")
    words = held["input"]
    for point in read_case(CASES / "carlo-gavazzi-em340" / "readings.toml").profile.points:
        if point.words == 2 and point.at in words:
            words[point.at], words[point.at + 1] = words[point.at + 1], words[point.at]
    found, _ = await recognised(held, alone={11: 340})
    assert (found.profile, found.word_order) == ("carlo-gavazzi/em340", "big")


async def test_an_identity_that_its_values_contradict_is_only_a_candidate() -> None:
    """Register 0xFC02 holds 112 by chance; where an SDM630 has volts stands something else."""
    found, _ = await recognised({"holding": {0xFC02: 112}, "input": dict.fromkeys(range(400), 0x4F12)})
    assert found.profile == ""


async def test_coils_alone_are_a_module_that_nobody_names_for_sure() -> None:
    bits = dict.fromkeys(range(8), 1)
    found, _ = await recognised({"coil": bits, "discrete": bits})
    assert found.profile == ""
    assert "answers coils and contacts only" in found.evidence[0]


async def test_a_silent_unit_is_given_up_soon() -> None:
    line = AreasLine({5: {}})
    line.fault = lambda asked: "silent"
    async with line.on_tcp() as port:
        settings = BusSettings(name="x", kind="modbus-tcp", timeout_s=0.02, host="127.0.0.1", tcp_port=port)
        bus = open_bus(settings, HastyClock(), random.Random(1))
        found = await recognise(UnitRegisters(bus, 5, HastyClock()), catalog())
        bus.close()
    assert found.profile == ""
    assert len(line.asked) < 12


async def test_nothing_but_reading_functions_can_be_asked() -> None:
    bus = open_bus(BusSettings(name="x", kind="modbus-tcp", timeout_s=1, host="-"), HastyClock(), random.Random(1))
    with pytest.raises(ValueError, match="does not read"):
        await UnitRegisters(bus, 1, HastyClock()).read(6, 0, 1)


async def test_a_module_is_among_the_candidates_and_the_one_that_fits_whole_comes_first() -> None:
    eight = dict.fromkeys(range(8), 0)
    found, _ = await recognised({"coil": eight, "discrete": eight})
    assert "waveshare/relay-d" in {each.profile for each in found.candidates}
    assert "no more" in found.candidates[0].evidence[0]
    assert "others" in found.candidates[-1].evidence[0]
