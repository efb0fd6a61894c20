"""What travels: readings and events, with their quality and identities."""

import re
from enum import StrEnum
from typing import Annotated

import msgspec

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""Site, gateway and device ids: safe in a topic, a file name and a URL."""

ID_RULE = "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit"


def is_id(text: str) -> bool:
    """True when ``text`` may name a site, a gateway or a device."""
    return ID_PATTERN.fullmatch(text) is not None


class Quality(StrEnum):
    """How far a value can be trusted (after the severities of OPC UA status codes)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


REASONS = frozenset(
    {
        "clock",  # the time of the reading is not certain
        "counter_fell",  # lower than before: a restart, another meter, or a wrong reading
        "counter_jumped",  # higher than anything could have drawn since the last reading
        "device_error",  # the device answered with an error or not at all
        "device_flag",  # the device itself marked the value as doubtful
        "estimated",
        "out_of_range",  # outside what is physically plausible
        "retained",  # delivered from a broker's memory: true once, age unknown
        "sentinel",  # the device's own word for "no value"
    }
)
"""Reasons that may stand beside a quality that is not good."""

TIME_UNCERTAIN = "clock"


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The value of one point at one instant.

    ``value`` is None exactly when ``quality`` is bad: a missing value is never invented.
    ``observed_at`` is milliseconds since 1970 UTC, taken when the device's value was true.
    """

    device: str
    point: str
    value: float | None
    observed_at: int
    quality: Quality = Quality.GOOD
    reason: str = ""


Scalar = str | int | float | bool | None


class Event(msgspec.Struct, frozen=True):
    """Something that happened. ``kind`` and the fields of ``data`` are declared in :mod:`protocols.events`.

    ``reason``: why its time is not certain, one of ``REASONS``; "" when it is.
    """

    device: str
    kind: str
    at: int
    data: dict[str, Scalar] = msgspec.field(default_factory=dict)
    reason: Annotated[str, msgspec.Meta(max_length=64)] = ""
