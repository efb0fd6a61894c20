"""Instants as people and programs write them in a query."""

import re
from datetime import datetime

from cloud.api.answers import ApiError

TIME_MAX_MS = 253_370_764_800_000
"""The end of the year 9998: a day or a year later, and in every zone, it is still a date that can be worked with."""

_MS = re.compile(r"-?\d{1,16}")
_HINT = "milliseconds since 1970 UTC, or ISO 8601 with a zone: 2026-11-22T08:00:00+08:00"


def parse_instant(name: str, text: str | None, otherwise: int) -> int:
    """Milliseconds since 1970; raises ApiError 422 that names the parameter."""
    if text is None or text == "":
        return otherwise
    if _MS.fullmatch(text):
        return _within(name, int(text))
    try:
        # A plus sign in an address that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if _ends_in_zone(text) else text.strip())
    except ValueError:
        raise ApiError(422, "bad_time", f"{name}: {text[:60]!r} is no instant", _HINT) from None
    if moment.tzinfo is None:
        raise ApiError(422, "bad_time", f"{name}: {text[:60]!r} has no zone", _HINT)
    return _within(name, round(moment.timestamp() * 1000))


def parse_period(from_: str | None, to: str | None, now_ms: int, default_s: int = 86_400) -> tuple[int, int]:
    """Half-open bounds; by default the last ``default_s`` seconds up to now."""
    to_at = parse_instant("to", to, now_ms + 1)
    from_at = parse_instant("from", from_, to_at - default_s * 1000)
    if from_at >= to_at:
        raise ApiError(422, "bad_period", f"from ({from_at}) is not before to ({to_at})", "from <= at < to")
    return from_at, to_at


def _ends_in_zone(text: str) -> bool:
    return re.search(r"T.* \d\d:?\d\d$", text) is not None


def _within(name: str, value: int) -> int:
    if not 0 <= value <= TIME_MAX_MS:
        raise ApiError(422, "bad_time", f"{name}: {value} is not between the years 1970 and 9998", _HINT)
    return value
