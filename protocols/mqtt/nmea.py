"""NMEA 0183 sentences as a document: the last whole RMC and the GGA of the same second, checksums verified.

    {"RMC": {"time", "clock", "status", "latitude", "longitude", "speed_knots", "course"},
     "GGA": {"clock", "quality", "latitude", "longitude", "satellites", "hdop", "altitude"},
     "other": "GSA", "damaged": 1}

Every key is there only when its field is. Fields keep their text, coordinates are degrees with a sign. ``time`` is
ISO in UTC, and needs the date; ``clock`` is the time of day. ``damaged``: sentences that were cut, or changed on the
way. Which of it to believe (status V, a date of 1980) is the profile's business.
"""

import re
from functools import reduce
from operator import xor
from typing import Any

from protocols.errors import BadPayload

DAMAGED = "damaged"
CENTURY_AT = 80
"""Two digits of a year from here on are of the last century: receivers begin in 1980, before their first fix."""

_SENTENCE = re.compile(r"\$([A-Z]{2}([A-Z]{3}),[^$*]{0,200})\*([0-9A-Fa-f]{2})", re.ASCII)
_PLACE = re.compile(r"(\d{1,3})(\d\d(?:\.\d{1,12})?)", re.ASCII)
_CLOCK = re.compile(r"(\d\d)(\d\d)(\d\d)(\.\d{1,9})?", re.ASCII)
_DATE = re.compile(r"(\d\d)(\d\d)(\d\d)", re.ASCII)

RMC = ("clock", "status", "", "", "", "", "speed_knots", "course")
GGA = ("clock", "", "", "", "", "quality", "satellites", "hdop", "altitude")
RMC_PLACE, GGA_PLACE, RMC_DATE = 2, 1, 8


def read_nmea(text: str) -> dict[str, Any]:
    """The document of all sentences in ``text``; raises BadPayload ``not_nmea``, or ``checksum`` when none is whole."""
    document: dict[str, Any] = {}
    whole = 0
    for found in _SENTENCE.finditer(text):
        body, kind, checksum = found.groups()
        if reduce(xor, body.encode("utf-8")) != int(checksum, 16):
            continue
        whole += 1
        fields = [field.strip() for field in body.split(",")[1:]]
        if kind == "RMC":
            document["RMC"] = _rmc(fields)
        elif kind == "GGA":
            document["GGA"] = _fields(fields, GGA) | _position(fields, GGA_PLACE)
        else:
            document["other"] = kind
    begun = text.count("$")
    if not whole:
        raise BadPayload("checksum", "no whole sentence") if begun else BadPayload("not_nmea", "no sentence with $")
    if begun > whole:
        document[DAMAGED] = begun - whole
    if "RMC" in document and document.get("GGA", {}).get("clock") != document["RMC"].get("clock"):
        document.pop("GGA", None)  # of another second: its height is not the height of this place
    return document


def _rmc(fields: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = _fields(fields, RMC) | _position(fields, RMC_PLACE)
    time = _time(found.get("clock", ""), fields[RMC_DATE] if len(fields) > RMC_DATE else "")
    return found | {"time": time} if time else found


def _fields(fields: list[str], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: field for name, field in zip(names, fields, strict=False) if name and field}


def _position(fields: list[str], at: int) -> dict[str, Any]:
    if len(fields) < at + 4:
        return {}
    latitude = _degrees(fields[at], fields[at + 1], "N", "S")
    longitude = _degrees(fields[at + 2], fields[at + 3], "E", "W")
    if latitude is None or longitude is None:
        return {}
    return {"latitude": latitude, "longitude": longitude}


def _degrees(text: str, side: str, positive: str, negative: str) -> float | None:
    """ddmm.mmmm as degrees."""
    found = _PLACE.fullmatch(text)
    if found is None or side not in (positive, negative):
        return None
    degrees = int(found.group(1)) + float(found.group(2)) / 60
    return degrees if side == positive else -degrees


def _time(clock: str, date: str) -> str:
    at, day = _CLOCK.fullmatch(clock), _DATE.fullmatch(date)
    if at is None or day is None:
        return ""
    hour, minute, second, fraction = at.groups(default="")
    year = int(day.group(3))
    century = 19 if year >= CENTURY_AT else 20
    return f"{century}{year:02d}-{day.group(2)}-{day.group(1)}T{hour}:{minute}:{second}{fraction}Z"
