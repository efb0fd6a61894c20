"""What Home Assistant takes as a discovery payload of a device, by the schemas of its own source.

`check` is the strict reading: what it would refuse, drop with a warning, or show wrongly is an error here.
"""

from __future__ import annotations

import json
import re
from typing import Any

DISCOVERY_TOPIC = re.compile(r"homeassistant/device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")
DEVICE_KEYS = {"identifiers", "name", "manufacturer", "model", "via_device", "sw_version"}
OF_ALL = {"platform", "name", "unique_id", "device_class", "entity_category"}
OF_PLATFORM = {
    "sensor": {"state_topic", "unit_of_measurement", "state_class", "expire_after", "options"},
    "binary_sensor": {"state_topic", "payload_on", "payload_off", "expire_after"},
    "device_tracker": {"json_attributes_topic", "source_type"},
}
STATE_CLASSES = {"measurement", "total", "total_increasing"}


def check(topic: str, payload: bytes) -> dict[str, Any]:
    """The payload, when it is one that every entity of comes from."""
    assert DISCOVERY_TOPIC.fullmatch(topic), topic
    said: dict[str, Any] = json.loads(payload)
    assert set(said) == {"device", "origin", "availability", "availability_mode", "components"}
    device = said["device"]
    assert set(device) <= DEVICE_KEYS
    assert device["identifiers"]
    assert all(isinstance(text, str) and text for text in [*device["identifiers"], device["name"]])
    assert set(said["origin"]) <= {"name", "sw_version"}
    assert said["origin"]["name"]
    assert said["availability_mode"] in ("all", "any", "latest")
    assert all(set(row) == {"topic"} for row in said["availability"])
    for key, component in said["components"].items():
        check_component(key, component)
    ids = [component["unique_id"] for component in said["components"].values()]
    assert len(ids) == len(set(ids))
    return said


def check_component(key: str, component: dict[str, Any]) -> None:
    platform = component["platform"]
    assert set(component) <= OF_ALL | OF_PLATFORM[platform], key
    assert component["unique_id"] and component["name"], key
    topics = [value for name, value in component.items() if name.endswith("topic")]
    assert len(topics) == 1, key
    assert not any(sign in topics[0] for sign in "+#"), key
    if "expire_after" in component:
        assert isinstance(component["expire_after"], int), key
        assert component["expire_after"] > 0, key
    if platform == "sensor":
        is_enum = component.get("device_class") == "enum"
        assert is_enum is ("options" in component), key
        assert is_enum is ("state_class" not in component), key
        assert is_enum or component["state_class"] in STATE_CLASSES, key
        assert not (is_enum and "unit_of_measurement" in component), key


def declaration_of(device: str, *, gateway: str) -> str:
    """A declaration that this gateway once made of a device it has no more."""
    topics = [f"dayuan-home/east/{gateway}/available", f"dayuan-home/east/{device}/available"]
    return json.dumps(
        {
            "device": {"identifiers": [f"dayuan_east_{device}"]},
            "availability": [{"topic": topic} for topic in topics],
            "components": {},
        }
    )
