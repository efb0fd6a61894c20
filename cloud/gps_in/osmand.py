"""What Traccar Client and OsmAnd send: parameters in the address or a form, and the JSON of Traccar Client 9.

Parameters: https://www.traccar.org/osmand/ (``speed`` in knots, ``timestamp`` in s, ms or ISO 8601 UTC). JSON: the
format of the background location SDK, ``{"location": {"timestamp", "coords": {...}, ...}, "device_id"}``; with batches
switched on ``location`` is a list.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from cloud.gps_in.contract import POSITIONS_MAX, BadPosition, Position

KNOT_KMH = 1.852
SECONDS_BELOW = 10**11
"""A number below this is seconds (up to the year 5138), else milliseconds (from March 1973 on)."""
_WORDS = {"true": True, "1": True, "false": False, "0": False}


def parse_parameters(said: Mapping[str, str]) -> Position:
    """One position. Raises BadPosition."""
    latitude, longitude = said.get("lat"), said.get("lon")
    if "location" in said:
        latitude, _, longitude = said["location"].partition(",")
    if not latitude or not longitude:
        raise BadPosition("lat and lon are missing: ...?id=TOKEN&lat=30.27&lon=120.15&timestamp=1790000000")
    points: dict[str, float] = {}
    _put(points, "accuracy_m", _number("accuracy", said.get("accuracy")), above=0)
    _put(points, "altitude_m", _number("altitude", said.get("altitude")))
    _put(points, "speed_kmh", _number("speed", said.get("speed")), scale=KNOT_KMH, least=0)
    course = said.get("bearing", said.get("heading"))
    _put(points, "course_deg", _number("bearing", course), least=0)
    _put(points, "battery_percent", _number("batt", said.get("batt")), least=0)
    _put(points, "hdop", _number("hdop", said.get("hdop")), above=0)
    charge = _WORDS.get(said.get("charge", "").lower())
    if charge is not None:
        points["charging"] = float(charge)
    return Position(
        _instant(said.get("timestamp")),
        _needed("lat", latitude),
        _needed("lon", longitude),
        points,
        invalid=_WORDS.get(said.get("valid", "").lower()) is False,
    )


class _Coords(msgspec.Struct):
    latitude: float
    longitude: float
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None
    altitude: float | None = None


class _Battery(msgspec.Struct):
    level: float | None = None
    is_charging: bool | None = None


class _Location(msgspec.Struct):
    timestamp: str | int | float
    coords: _Coords
    is_moving: bool | None = None
    battery: _Battery | None = None
    mock: bool | None = None


class _Sent(msgspec.Struct):
    location: _Location | list[_Location]
    device_id: Any = ""


_decoder = msgspec.json.Decoder(_Sent, strict=False)


def parse_json(body: bytes) -> tuple[str, list[Position]]:
    """The device's id as it says it, and its positions. Raises BadPosition."""
    try:
        sent = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPosition(f"no position as Traccar Client sends it: {error}") from None
    locations = sent.location if isinstance(sent.location, list) else [sent.location]
    if len(locations) > POSITIONS_MAX:
        raise BadPosition(f"{len(locations)} positions in one request; at most {POSITIONS_MAX}")
    return str(sent.device_id)[:200], [_of_location(each) for each in locations]


def _of_location(sent: _Location) -> Position:
    coords, points = sent.coords, dict[str, float]()
    _put(points, "accuracy_m", coords.accuracy, above=0)
    _put(points, "altitude_m", coords.altitude)
    _put(points, "speed_kmh", coords.speed, scale=3.6, least=0)
    _put(points, "course_deg", coords.heading, least=0)
    if sent.is_moving is not None:
        points["moving"] = float(sent.is_moving)
    if sent.battery is not None:
        _put(points, "battery_percent", sent.battery.level, scale=100, least=0)
        if sent.battery.is_charging is not None:
            points["charging"] = float(sent.battery.is_charging)
    return Position(_instant(str(sent.timestamp)), coords.latitude, coords.longitude, points)


def _put(
    points: dict[str, float],
    name: str,
    value: float | None,
    *,
    scale: float = 1.0,
    least: float = -math.inf,
    above: float = -math.inf,
) -> None:
    """Apps say -1, some 0, for what they do not know."""
    if value is not None and math.isfinite(value) and value >= least and value > above:
        points[name] = round(value * scale, 9)


def _number(name: str, text: str | None) -> float | None:
    return None if text is None or text == "" else _needed(name, text)


def _needed(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadPosition(f"{name}: {text[:40]!r} is no number") from None
    if not math.isfinite(value):
        raise BadPosition(f"{name}: {text[:40]!r} is no number")
    return value


def _instant(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    try:
        value = float(text)
    except ValueError:
        pass
    else:
        if not math.isfinite(value) or abs(value) >= 2**53:
            raise BadPosition(f"timestamp: {text[:40]!r} is no instant")
        return round(value * 1000) if abs(value) < SECONDS_BELOW else round(value)
    try:
        moment = datetime.fromisoformat(text)
        # Without a zone it is UTC, as the protocol has it.
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        hint = "seconds or milliseconds since 1970, or ISO 8601: 2026-11-22T08:00:00Z"
        raise BadPosition(f"timestamp: {text[:40]!r} is no instant ({hint})") from None
