"""Every point of the vocabulary as an entity that Home Assistant takes."""

from __future__ import annotations

import pytest

from edge.northbound.home_words import NOT_KNOWN, payload_of, word_of
from protocols.birth import PointBirth
from protocols.points import VOCABULARY, PointWord

# Home Assistant's DEVICE_CLASS_UNITS and DEVICE_CLASS_STATE_CLASSES, as far as we name them.
UNITS = {
    "voltage": {"V"},
    "current": {"A"},
    "power": {"W"},
    "reactive_power": {"var"},
    "apparent_power": {"VA"},
    "frequency": {"Hz"},
    "energy": {"kWh"},
    "temperature": {"°C"},
    "humidity": {"%"},
    "battery": {"%"},
    "signal_strength": {"dBm"},
    "distance": {"km", "m"},
    "speed": {"km/h"},
    "illuminance": {"lx"},
    "duration": {"s"},
    "water": {"m³"},
    "gas": {"m³"},
    "power_factor": {None, "%"},
    "enum": {None},
}
TOTALS_ONLY = {"energy", "water", "gas"}
BINARY = {"door", "tamper", "occupancy", "moving", "connectivity", "problem"}


def point(word: PointWord) -> PointBirth:
    return PointBirth(word.name, word.unit, word.kind, 30.0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_point_has_a_class_that_goes_with_its_unit_and_its_kind(language: str) -> None:
    for known in VOCABULARY.values():
        word = word_of(point(known), language)  # type: ignore[arg-type]
        settings = word.settings
        assert settings["name"] == (known.zh if language == "zh" else known.en)
        found = settings.get("device_class")
        if word.platform == "binary_sensor":
            assert known.kind == "state"
            assert found is None or found in BINARY
            continue
        assert found is None or settings.get("unit_of_measurement") in UNITS[str(found)], known.name
        if found in TOTALS_ONLY:
            assert settings["state_class"] in ("total", "total_increasing"), known.name
        if found == "enum":
            assert "state_class" not in settings
            assert settings["options"] == list(known.labels_zh if language == "zh" else known.labels_en)
        else:
            assert settings["state_class"] == (
                "total_increasing" if known.kind == "counter" else settings["state_class"]
            )


def test_energy_that_may_fall_is_a_total() -> None:
    word = word_of(point(VOCABULARY["active_energy_net_total"]), "en")
    assert word.settings["state_class"] == "total"


def test_a_lock_says_its_word_and_a_number_without_one_is_not_known() -> None:
    word = word_of(point(VOCABULARY["lock_state"]), "zh")
    assert payload_of(0.0, word) == VOCABULARY["lock_state"].labels_zh[0]
    assert payload_of(9.0, word) == payload_of(0.5, word) == NOT_KNOWN


def test_numbers_are_written_as_they_are() -> None:
    word = word_of(point(VOCABULARY["active_energy_import_total"]), "en")
    assert [payload_of(value, word) for value in (0.0, 12345678.123, -0.5, 100.0)] == [
        "0",
        "12345678.123",
        "-0.5",
        "100",
    ]


def test_a_point_of_a_profile_of_its_own_keeps_its_name() -> None:
    word = word_of(PointBirth("own_point", "bar", "gauge", 0.0), "zh")
    assert (word.settings["name"], word.settings["unit_of_measurement"]) == ("own_point", "bar")
