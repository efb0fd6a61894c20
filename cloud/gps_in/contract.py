"""A position as a phone's app means it, and the readings that are made of it."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from protocols.errors import Permanent, Retryable
from protocols.reading import Quality, Reading

EARLIEST_MS = 946_684_800_000
"""2000-01-01: no phone was anywhere before."""
AHEAD_MAX_MS = 86_400_000
ZERO_DEG = 1e-9
POSITIONS_MAX = 1_000
"""In one request."""

RANGES: Mapping[str, tuple[float, float]] = {
    "latitude": (-90, 90),
    "longitude": (-180, 180),
    "accuracy_m": (0, 100_000),
    "altitude_m": (-1_000, 20_000),
    "speed_kmh": (0, 1_500),
    "course_deg": (0, 360),
    "battery_percent": (0, 100),
    "charging": (0, 2),
    "moving": (0, 1),
    "hdop": (0, 1_000),
}
"""What a tracker may tell: points of the vocabulary, and between what they lie."""


class BadPosition(Permanent):
    """A request that holds no position; the message says what it should hold."""


class Overloaded(Retryable):
    """Not now: the app keeps the position and sends it again."""


class TooFast(Retryable):
    """This tracker sends more than it may; ``wait_s`` from now on it may again."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(f"more positions than a tracker may send; again in {math.ceil(wait_s)} s")


class Position(NamedTuple):
    """Where a phone was. ``at``: ms, None when it did not say. ``points``: what else it told, within RANGES or not.

    ``invalid``: the phone itself says that it does not know. ``doubt``: a reason why the place is uncertain.
    """

    at: int | None
    latitude: float
    longitude: float
    points: Mapping[str, float] = {}
    invalid: bool = False
    doubt: str = ""


TOO_OLD = "older than positions may be kept"
"""Why a position is refused that retention would delete at once (``[retention] tracks_days``)."""


class Refused(NamedTuple):
    """A position that can never be taken, and why."""

    at: int
    why: str


class Taken(NamedTuple):
    """What became of a request's positions, durably. ``expired``: so many of the refused were ``TOO_OLD``."""

    stored: int
    repeated: int
    refused: tuple[Refused, ...] = ()
    expired: int = 0


def fault_of(at: int, now: int) -> str:
    """Why an instant cannot be, or nothing."""
    if at < EARLIEST_MS:
        return "before the year 2000"
    return "more than a day ahead" if at > now + AHEAD_MAX_MS else ""


def readings_of(device: str, position: Position, at: int) -> Iterator[Reading]:
    """Readings of one instant: always latitude and longitude, so that the instant is known to be stored.

    A place that is none has no value: out of WGS-84, at 0, 0 (where receivers are that know nothing), or said to be
    invalid by the phone.
    """
    place = {"latitude": position.latitude, "longitude": position.longitude}
    reason = _no_place(position)
    for name, value in place.items():
        if reason:
            yield Reading(device, name, None, at, Quality.BAD, reason)
        else:
            yield _doubted(Reading(device, name, value, at), position)
    for name, value in position.points.items():
        low, high = RANGES[name]
        if low <= value <= high:
            yield _doubted(Reading(device, name, value, at), position)
        else:
            yield Reading(device, name, None, at, Quality.BAD, "out_of_range")


def _no_place(position: Position) -> str:
    if position.invalid:
        return "device_flag"
    if abs(position.latitude) < ZERO_DEG and abs(position.longitude) < ZERO_DEG:
        return "sentinel"
    inside = all(RANGES[name][0] <= getattr(position, name) <= RANGES[name][1] for name in ("latitude", "longitude"))
    return "" if inside else "out_of_range"


def _doubted(reading: Reading, position: Position) -> Reading:
    doubt = position.doubt or ("clock" if position.at is None else "")
    if not doubt:
        return reading
    return Reading(reading.device, reading.point, reading.value, reading.observed_at, Quality.UNCERTAIN, doubt)
