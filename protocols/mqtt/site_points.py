"""Profiles of dialects whose topics say what they carry, but not which of our points it is: the site file says it.

Homie and Wiren Board devices have a topic for each value, named by whoever built the device. Such a profile has
messages with ``{point}`` in their topic; a device of the site file has a table that gives each of its points a place:

    [device.points]
    temperature_c = "sensors/temperature"
    active_energy_import_total = { at = "meter/energy", scale = 0.001 }
"""

import math
from collections.abc import Mapping

import msgspec

from protocols.mqtt.profile import MessageRule, MqttProfile, point_infos, point_rule
from protocols.mqtt.profile import decode as decode_profile
from protocols.mqtt.rows import SitePoint, SitePointRow
from protocols.points import VOCABULARY
from protocols.settings import Document

PLACE = "{point}"


def decode(document: Document) -> MqttProfile:
    """The profile in a file that says ``protocol = "mqtt"``, with the points whose places it knows; raises BadSettings
    with file, line and key."""
    profile = decode_profile(document)
    if not profile.places:
        return profile
    try:
        return msgspec.structs.replace(profile, points=with_site_points(profile, {}).points)
    except BadSitePoint as error:
        raise document.fail(
            ("places", error.point) if error.point else ("places",), error.message, error.allowed
        ) from None


class BadSitePoint(ValueError):
    """What is wrong with one of the points (``point``, "" when it is about all), and what would be right."""

    def __init__(self, point: str, message: str, allowed: str) -> None:
        super().__init__(message)
        self.point, self.message, self.allowed = point, message, allowed


def takes_site_points(profile: MqttProfile) -> bool:
    """True when devices of this profile need to say where their points are."""
    return any(rule.row.site_points is not None for rule in profile.messages)


def with_site_points(profile: MqttProfile, points: Mapping[str, SitePoint]) -> MqttProfile:
    """The profile of one device: each message with {point} in its topic once per point, those of the site file and
    those whose place the profile knows. Raises BadSitePoint."""
    if not takes_site_points(profile):
        if points:
            raise BadSitePoint("", f"{profile.id} knows where its points are", "leave it out")
        return profile
    points = {**profile.places, **points}
    if not points:
        example = '[device.points], then like temperature_c = "sensors/temperature"'
        raise BadSitePoint("", f"{profile.id} needs to know which topic is which point", example)
    taken: dict[str, str] = {}
    for name, point in points.items():
        if taken.setdefault(point.at, name) != name:
            raise BadSitePoint(name, f"{point.at!r} is already {taken[point.at]}", "one point per place")
    messages: list[MessageRule] = []
    for rule in profile.messages:
        if rule.row.site_points is None:
            messages.append(rule)
        else:
            messages += [_placed(rule, rule.row.site_points, name, point) for name, point in points.items()]
    return msgspec.structs.replace(
        profile, messages=tuple(messages), points=point_infos(tuple(messages), profile.stale_after_s)
    )


def _placed(rule: MessageRule, rows: SitePointRow, name: str, point: SitePoint) -> MessageRule:
    word = VOCABULARY.get(name)
    if word is None:
        raise BadSitePoint(name, "no such point in the vocabulary", "the names in protocols/points.toml")
    if not point.at or point.at != point.at.strip("/") or any(sign in point.at for sign in "+#\0$"):
        raise BadSitePoint(name, f"{point.at!r} is no place in a topic", "levels joined by /, without + # and $")
    if not math.isfinite(point.scale) or point.scale == 0 or not math.isfinite(point.offset):
        raise BadSitePoint(name, f"scale {point.scale:g}, offset {point.offset:g}", "numbers; the scale is not 0")
    row = rows.state if word.kind == "state" else rows.number
    if word.kind == "counter":
        row = rows.counter or row
    changed = msgspec.structs.replace(row, scale=point.scale, offset=point.offset, map=point.map or row.map)
    topic = rule.row.topic.replace(PLACE, point.at)
    return msgspec.structs.replace(
        rule,
        row=msgspec.structs.replace(rule.row, topic=topic, site_points=None),
        points=(point_rule(name, changed, ((),)),),
    )
