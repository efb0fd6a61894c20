"""How Home Assistant calls what a point measures: its component, device class, state class and unit.

Device classes and the units each may have are those of Home Assistant's sensor and binary_sensor. A class that it does
not know makes it refuse the entity, so a quantity without an old and certain class (reactive energy) gets none.
"""

from __future__ import annotations

from typing import NamedTuple

from edge.site_file import Language
from protocols.birth import PointBirth
from protocols.points import VOCABULARY, PointWord

NOT_KNOWN = "None"
"""The payload that makes an entity `unknown`."""
ON, OFF = "1", "0"

UNITS = {"deg": "°"}
CLASS_BY_UNIT = {
    "V": "voltage",
    "A": "current",
    "W": "power",
    "var": "reactive_power",
    "VA": "apparent_power",
    "Hz": "frequency",
    "kWh": "energy",
    "°C": "temperature",
    "dBm": "signal_strength",
    "km": "distance",
    "m": "distance",
    "km/h": "speed",
    "lx": "illuminance",
    "s": "duration",
}
CLASS_BY_POINT = {
    "humidity_percent": "humidity",
    "battery_percent": "battery",
    "water_volume_total": "water",
    "gas_volume_total": "gas",
}
POWER_FACTOR = "power_factor"
BINARY_CLASS = {
    "door_open": "door",
    "tamper": "tamper",
    "occupancy": "occupancy",
    "moving": "moving",
    "online": "connectivity",
    "failsafe_tripped": "problem",
}
PROBLEMS = ("meter_", "output_overload_")
"""States with these beginnings say that something is wrong when they are 1."""
DIAGNOSTIC = frozenset({"signal_dbm", "uptime_s", "satellites", "hdop", "battery_voltage", "supply_voltage", "online"})


class Word(NamedTuple):
    """What a component of the discovery payload says of a point, beside its topic. options: texts of an enum."""

    platform: str
    settings: dict[str, object]
    options: tuple[str, ...] = ()


def word_of(point: PointBirth, language: Language) -> Word:
    """The component for a point."""
    known = VOCABULARY.get(point.name)
    settings: dict[str, object] = {"name": name_of(point, language)}
    if point.name in DIAGNOSTIC:
        settings["entity_category"] = "diagnostic"
    if point.kind == "state":
        return _state(point.name, known, settings, language)
    unit = UNITS.get(point.unit, point.unit)
    if unit:
        settings["unit_of_measurement"] = unit
    found = CLASS_BY_POINT.get(point.name) or CLASS_BY_UNIT.get(point.unit)
    if point.name.startswith(POWER_FACTOR):
        found = POWER_FACTOR
    if found:
        settings["device_class"] = found
    settings["state_class"] = _state_class(point)
    return Word("sensor", settings)


def name_of(point: PointBirth, language: Language) -> str:
    """The label of the vocabulary in the site's language."""
    known = VOCABULARY.get(point.name)
    if known is None:
        return point.name
    return known.zh if language == "zh" else known.en


def _state(name: str, known: PointWord | None, settings: dict[str, object], language: Language) -> Word:
    labels = () if known is None else known.labels_zh if language == "zh" else known.labels_en
    if len(labels) > 2:
        settings |= {"device_class": "enum", "options": list(labels)}
        return Word("sensor", settings, labels)
    found = BINARY_CLASS.get(name) or ("problem" if name.startswith(PROBLEMS) else "")
    if found:
        settings["device_class"] = found
    return Word("binary_sensor", settings | {"payload_on": ON, "payload_off": OFF})


def _state_class(point: PointBirth) -> str:
    if point.kind == "counter":
        return "total_increasing"
    return "total" if point.unit == "kWh" else "measurement"


def payload_of(value: float, word: Word) -> str:
    """A value as it is published; NOT_KNOWN for a state that has no such number."""
    if word.platform == "binary_sensor":
        return {0.0: OFF, 1.0: ON}.get(value, NOT_KNOWN)
    if word.options:
        at = int(value) if value.is_integer() else -1
        return word.options[at] if 0 <= at < len(word.options) else NOT_KNOWN
    return f"{value:.12g}"
