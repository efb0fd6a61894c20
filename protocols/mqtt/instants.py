"""Times as devices write them, and when to believe them."""

import math
import re
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from protocols.mqtt.payload import as_text

AHEAD_MAX_MS = 5 * 60 * 1000
"""A device's clock may run ahead of ours by this much."""

_ISO = re.compile(
    r"(\d{4})[-.](\d\d)[-.](\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(Z|z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_CLOCK = re.compile(r"(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?", re.ASCII)
_YEAR_9999_MS = 253_402_300_799_999
_DAY_MS = 86_400_000


class Instant(NamedTuple):
    """When a value was true (ms since 1970 UTC). ``doubted``: the device said something else that cannot be true."""

    at: int
    doubted: bool
    too_old: bool = False


def read_instant(value: Any, form: str, zone: tzinfo, near: int = 0) -> int | None:
    """A device's time in ms since 1970 UTC; None when it is none. ``zone`` is for times written without one.

    near: time of receipt. What is written may stand for two instants (the hour that the end of summer time repeats) or
    for one of every day (``clock``); the nearest one is meant.
    """
    if form in ("iso", "local", "clock"):
        text = (as_text(value) or "").strip()
        return _clock(text, near) if form == "clock" else _iso(text, zone if form == "local" else UTC, near)
    number = _number(value, 16 if form == "epoch_hex" else 10)
    if number is None:
        return None
    at = number if form == "epoch_ms" else number * 1000
    return round(at) if abs(at) <= _YEAR_9999_MS else None


def judge(said_at: int | None, received_at: int, max_age_s: float) -> Instant:
    """The time to write down: the device's own when it lies in [received - max age, received + 5 min], else ours."""
    if said_at is None:
        return Instant(received_at, doubted=False)
    if said_at < received_at - max_age_s * 1000:
        return Instant(received_at, doubted=True, too_old=True)
    if said_at > received_at + AHEAD_MAX_MS:
        return Instant(received_at, doubted=True)
    return Instant(said_at, doubted=False)


def spell_instant(at: int) -> str:
    """ISO 8601 in UTC, for a person."""
    try:
        return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"{at} ms"


def _number(value: Any, base: int) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and base == 10:
        return value if abs(value) <= _YEAR_9999_MS else None
    if isinstance(value, float) and base == 10:
        return value if math.isfinite(value) else None
    text = as_text(value)
    if text is None or len(text) > 32:
        return None
    try:
        number = int(text, 16) if base == 16 else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _clock(text: str, near: int) -> int | None:
    """hhmmss in UTC, on the day that makes it nearest."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute, second, fraction = found.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        return None
    at = ((int(hour) * 60 + int(minute)) * 60 + int(second)) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
    days = round((near - at) / _DAY_MS)
    return at + days * _DAY_MS


def _iso(text: str, zone: tzinfo, near: int) -> int | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, offset = found.groups()
    year, month, day, hour, minute, second = (int(part) for part in parts)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    try:
        # A leap second is the first instant of the next minute; datetime has no word for it.
        moment = datetime(year, month, day, hour, minute, min(second, 59), micros, tzinfo=_offset(offset, zone))
        at = round(moment.timestamp() * 1000)
        if offset is None and zone is not UTC:
            again = round(moment.replace(fold=1).timestamp() * 1000)
            at = again if abs(again - near) < abs(at - near) else at
    except (ValueError, OverflowError, OSError):
        return None
    return at + (second - min(second, 59)) * 1000


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text in "Zz":
        return UTC
    parsed = datetime.strptime(text.replace(":", ""), "%z").tzinfo
    assert parsed is not None
    return parsed
