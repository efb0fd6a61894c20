"""The entities of each device for Home Assistant, and the discovery payload that declares them.

Ids are made of the ids of site and device and the name of the point, so they stay when a name, a profile's order or the
gateway changes. ``_`` parts them: ids hold none, and a point comes last.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from edge.northbound.current import Current
from edge.northbound.home_words import NOT_KNOWN, OFF, ON, Word, payload_of, word_of
from edge.settings import HomeSettings, Site
from protocols.birth import Birth, DeviceBirth, PointBirth
from protocols.reading import TIME_UNCERTAIN, Quality, Reading

POSITION, LATITUDE, LONGITUDE, ACCURACY = "position", "latitude", "longitude", "accuracy_m"
NO_POSITION = "{}"
"""Without coordinates a tracker is nowhere."""
UPLINK, LOST = "uplink", "devices_lost"
WORDS = {
    "zh": {POSITION: "位置", UPLINK: "与平台的连接", LOST: "失联设备"},
    "en": {POSITION: "Position", UPLINK: "Link to the collector", LOST: "Devices lost"},
}
ORIGIN = "Dayuan"


class Entity(NamedTuple):
    """One entity: where its value goes, what it says of itself, how its value is written.

    points: those whose readings make the value. limit_s: 0 when it never goes stale. nothing: written when not known.
    """

    key: str
    topic: str
    config: dict[str, object]
    points: tuple[str, ...]
    limit_s: float
    render: Callable[[Current], str]
    nothing: str = NOT_KNOWN


class HomeDevice(NamedTuple):
    """One device of Home Assistant. object_id: its last part of the discovery topic."""

    object_id: str
    about: dict[str, object]
    availability: tuple[str, ...]
    entities: tuple[Entity, ...]


class HomeNames:
    """Topics and ids of one gateway at one site."""

    def __init__(self, settings: HomeSettings, site: str, gateway: str) -> None:
        self.site = site
        self.gateway_object = f"gateway_{gateway}"
        self.node = f"dayuan_{site}"
        self.config_filter = f"{settings.prefix}/device/{self.node}/+/config"
        self.status = f"{settings.prefix}/status"
        self._prefix, self._root = settings.prefix, f"{settings.topic}/{site}"
        self.available = self.availability(self.gateway_object)

    def config(self, object_id: str) -> str:
        return f"{self._prefix}/device/{self.node}/{object_id}/config"

    def value(self, object_id: str, key: str) -> str:
        return f"{self._root}/{object_id}/{key}"

    def availability(self, object_id: str) -> str:
        return f"{self._root}/{object_id}/available"

    def is_ours(self, topic: object) -> bool:
        """True for topics that this site publishes values on."""
        return isinstance(topic, str) and topic.startswith(f"{self._root}/")

    def unique(self, object_id: str) -> str:
        return f"dayuan_{self.site}_{object_id}"


def devices_of(site: Site, birth: Birth, settings: HomeSettings, names: HomeNames) -> list[HomeDevice]:
    """The gateway first, then its devices in the order of the site file, but those without any point."""
    words = WORDS[settings.language]
    own = names.gateway_object
    of_gateway = (
        _own(names, UPLINK, "binary_sensor", {"device_class": "connectivity", "payload_on": ON, "payload_off": OFF}),
        _own(names, LOST, "sensor", {"state_class": "measurement"}),
    )
    found = [
        HomeDevice(
            own,
            {"name": birth.name, "manufacturer": ORIGIN, "model": "dayuan-edge", "sw_version": birth.software},
            (names.available,),
            tuple(each._replace(config={**each.config, "name": words[each.key]}) for each in of_gateway),
        )
    ]
    for device in birth.devices:
        head = site.profiles[device.profile].head
        about: dict[str, object] = {
            "name": device.name,
            "manufacturer": head.vendor,
            "model": head.model,
            "via_device": names.unique(own),
        }
        available = (names.available, names.availability(device.id))
        entities = _entities(device, settings, names)
        if entities:  # a card reader has events only
            found.append(HomeDevice(device.id, about, available, entities))
    return found


def discovery(device: HomeDevice, names: HomeNames, software: str, gone: dict[str, str]) -> bytes:
    """The payload for the device's discovery topic. gone: components to be removed, key to platform."""
    components: dict[str, Any] = {key: {"platform": platform} for key, platform in gone.items()}
    for entity in device.entities:
        components[entity.key] = {**entity.config, "unique_id": f"{names.unique(device.object_id)}_{entity.key}"}
    payload = {
        "device": {"identifiers": [names.unique(device.object_id)], **device.about},
        "origin": {"name": ORIGIN, "sw_version": software},
        "availability": [{"topic": topic} for topic in device.availability],
        "availability_mode": "all",
        "components": components,
    }
    return msgspec.json.encode(payload)


def _own(names: HomeNames, key: str, platform: str, config: dict[str, object]) -> Entity:
    topic = names.value(names.gateway_object, key)
    said = {"platform": platform, "state_topic": topic, "entity_category": "diagnostic", **config}
    return Entity(key, topic, said, (), 0.0, lambda _: NOT_KNOWN)


def _entities(device: DeviceBirth, settings: HomeSettings, names: HomeNames) -> tuple[Entity, ...]:
    points = {point.name: point for point in device.points}
    found: list[Entity] = []
    inside: set[str] = set()
    if LATITUDE in points and LONGITUDE in points:
        inside = {LATITUDE, LONGITUDE, ACCURACY}
        found.append(_tracker(device.id, points, settings, names))
    found += [_entity(device.id, point, settings, names) for point in device.points if point.name not in inside]
    return tuple(found)


def _entity(device: str, point: PointBirth, settings: HomeSettings, names: HomeNames) -> Entity:
    word = word_of(point, settings.language)
    topic = names.value(device, point.name)
    config: dict[str, object] = {"platform": word.platform, "state_topic": topic, **word.settings}
    if point.stale_after_s:
        config["expire_after"] = math.ceil(point.stale_after_s)
    key = (device, point.name)
    return Entity(
        point.name, topic, config, (point.name,), point.stale_after_s, lambda current: _value(current.fresh(key), word)
    )


def _tracker(device: str, points: dict[str, PointBirth], settings: HomeSettings, names: HomeNames) -> Entity:
    topic = names.value(device, POSITION)
    config: dict[str, object] = {
        "platform": "device_tracker",
        "name": WORDS[settings.language][POSITION],
        "json_attributes_topic": topic,
        "source_type": "gps",
    }
    said = {LATITUDE: "latitude", LONGITUDE: "longitude", ACCURACY: "gps_accuracy"}
    used = tuple(name for name in said if name in points)

    def position(current: Current) -> str:
        at = {name: current.fresh((device, name)) for name in used}
        latitude, longitude = at[LATITUDE], at[LONGITUDE]
        if not (_is_shown(latitude) and _is_shown(longitude) and latitude and longitude):
            return NO_POSITION
        if latitude.observed_at != longitude.observed_at:
            return ""  # the other half is on its way
        of_now = {
            said[name]: reading.value
            for name, reading in at.items()
            if reading and _is_shown(reading) and reading.observed_at == latitude.observed_at
        }
        return msgspec.json.encode(of_now).decode()

    limit_s = points[LATITUDE].stale_after_s
    return Entity(POSITION, topic, config, used, limit_s, position, NO_POSITION)


def _value(reading: Reading | None, word: Word) -> str:
    if reading is None or not _is_shown(reading) or reading.value is None:
        return NOT_KNOWN
    return payload_of(reading.value, word)


def _is_shown(reading: Reading | None) -> bool:
    """Good readings only. One whose time alone is not certain is shown: it is of now, whatever the clock says."""
    if reading is None:
        return False
    return reading.quality is Quality.GOOD or (
        reading.quality is Quality.UNCERTAIN and reading.reason == TIME_UNCERTAIN
    )
