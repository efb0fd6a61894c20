"""Every model's register list, encoded by hand, comes out as the values it was encoded from."""

from pathlib import Path

import pytest

from protocols.modbus.texts import decode_text, identity_matches, identity_value
from protocols.reading import Quality
from tests.protocols.modbus.register_case import CASES, case_files, read_case
from tests.protocols.modbus.shipped import shipped

FILES = list(case_files())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_registers_of_a_case_become_its_readings(path: Path) -> None:
    case = read_case(path)
    readings = case.readings()
    for name, value in case.expected.items():
        assert readings[name].value == pytest.approx(value, rel=1e-9, abs=1e-9), name
        assert readings[name].quality is Quality.GOOD, name
    for name, reason in case.reason.items():
        assert (readings[name].value, readings[name].quality, readings[name].reason) == (None, Quality.BAD, reason), (
            name
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_case_says_what_comes_of_every_point_it_encodes(path: Path) -> None:
    case = read_case(path)
    named = set(case.expected) | set(case.reason)
    assert named <= {point.name for point in case.profile.points}
    if path.stem == "readings":
        assert named == {point.name for point in case.profile.points}


TEXTS = [path for path in FILES if path.stem == "texts"]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_a_device_tells_its_texts_and_is_known_as_its_model(path: Path) -> None:
    case = read_case(path)
    found = {
        text.name: decode_text(text, case.payload(text.area, text.at, text.registers)) for text in case.profile.texts
    }
    assert found == case.texts
    for row in case.profile.identity:
        assert row.area is not None
        value = identity_value(row, case.payload(row.area, row.at, row.registers), case.profile.word_order)
        assert identity_matches(row, value), row
        assert not row.expect or not identity_matches(row, "another" if row.type == "string" else 9)


def test_every_model_that_tells_of_itself_has_a_case_of_it() -> None:
    told = {each for each, profile in shipped().items() if profile.texts}
    assert {read_case(path).profile.id for path in TEXTS} == told


def test_every_modbus_model_has_a_case() -> None:
    missing = [each for each in shipped() if not (CASES / each.replace("/", "-") / "readings.toml").exists()]
    assert not missing, f"no tests/cases/<vendor>-<model>/readings.toml for: {', '.join(missing)}"
