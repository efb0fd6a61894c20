"""From what stands in a payload to a number or a field of an event."""

import math
from typing import Any

from protocols.events import COUNT, FLAG, NUMBER, TEXT_MAX
from protocols.mqtt.payload import as_text
from protocols.mqtt.profile import PointRule
from protocols.reading import Scalar

LIST_MAX = 16
POSITION = frozenset({"latitude", "longitude"})
WITH_POSITION = POSITION | {"altitude_m", "accuracy_m", "course_deg", "speed_kmh"}
"""Without a fix none of these is true."""

_TRUE, _FALSE = frozenset({"true", "1", "on", "yes"}), frozenset({"false", "0", "off", "no"})


def has_fix(values: dict[str, tuple[float | None, str]]) -> bool:
    """Both coordinates, and not one of the places that mean "no fix": 0,0 and latitude 90."""
    latitude, longitude = values.get("latitude", (None, ""))[0], values.get("longitude", (None, ""))[0]
    if latitude is None or longitude is None:
        return False
    return not (latitude == 0 and longitude == 0) and abs(latitude) < 90


def point_value(raw: Any, point: PointRule) -> tuple[float | None, str]:
    """A point's value and, when it is None, why: ``not_a_number``, ``sentinel``, ``out_of_range``, ``absent``,
    ``device_error``."""
    row = point.row
    if row.split and isinstance(raw, str):
        raw = raw.split(row.split)
    # One value or a list of them under one key, by the number of channels: a lone value is the first.
    parts = raw if isinstance(raw, list) else [raw]
    if row.item >= len(parts) or parts[row.item] is None:
        return None, "absent"
    raw = parts[row.item]
    if row.bad and as_text(raw) in row.bad:
        return None, "device_error"
    mapped = row.map.get(as_text(raw) or "") if row.map else None
    if mapped is not None:
        return mapped, ""
    number = _number(raw, is_state=point.kind == "state")
    if number is None:
        return None, "not_a_number"
    if number in row.invalid:
        return None, "sentinel"
    if row.map:
        return None, "not_a_number"
    if row.signed_bits and number >= 1 << (row.signed_bits - 1):
        number -= 1 << row.signed_bits
    value = (number / point.divisor if point.divisor > 1 else number * row.scale) + row.offset
    if not math.isfinite(value):
        return None, "not_a_number"
    if row.range and not row.range[0] <= value <= row.range[1]:
        return None, "out_of_range"
    return value, ""


def _number(raw: Any, *, is_state: bool) -> float | None:
    if isinstance(raw, bool):
        return float(raw) if is_state else None
    if isinstance(raw, int | float):
        try:
            number = float(raw)
        except OverflowError:
            return None
    elif isinstance(raw, str) and len(raw) <= 64:
        # float() also reads "nan", "1_000" and digits of other scripts: none of them is a number here.
        text = raw.strip()
        if not text.isascii() or "_" in text:
            return None
        try:
            number = float(text)
        except ValueError:
            return None
    else:
        return None
    return number if math.isfinite(number) else None


def field_value(raw: Any, wanted: str) -> Scalar:
    """``raw`` as a field of an event, None when it cannot be one. A list of texts is joined."""
    if wanted == FLAG:
        word = (as_text(raw) or "").lower()
        return True if word in _TRUE else False if word in _FALSE else None
    if wanted in (COUNT, NUMBER):
        number = _number(raw, is_state=False)
        return number if number is None or wanted == NUMBER else int(number)
    if isinstance(raw, list):
        texts = [as_text(part) for part in raw[:LIST_MAX]]
        return ", ".join(text for text in texts if text)[:TEXT_MAX]
    text = as_text(raw)
    return None if text is None else text[:TEXT_MAX]
