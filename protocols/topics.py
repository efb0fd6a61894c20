"""Names of the topics between gateway and collector: ``dayuan/1/{site}/{gateway}/{channel}``."""

from typing import NamedTuple

from protocols.reading import is_id

ROOT = "dayuan/1"
FROM_GATEWAYS = ("up", "birth", "status", "renew")
"""Channels on which a gateway speaks; ``renew`` asks for its next certificate."""
FROM_COLLECTOR = ("ack", "cmd", "config", "cert", "grants")
"""Channels on which the collector answers; ``cert`` brings that certificate, ``grants`` whom doors let in."""
CHANNELS = (*FROM_GATEWAYS, *FROM_COLLECTOR)

ALL_UP = f"{ROOT}/+/+/up"
ALL_BIRTH = f"{ROOT}/+/+/birth"
ALL_STATUS = f"{ROOT}/+/+/status"
ALL_RENEW = f"{ROOT}/+/+/renew"


class Address(NamedTuple):
    """Who a message is from or for, and on which channel."""

    site: str
    gateway: str
    channel: str


def topic(site: str, gateway: str, channel: str) -> str:
    """The topic of one channel of one gateway. Raises ValueError for an unknown channel or an id that is none."""
    if channel not in CHANNELS or not is_id(site) or not is_id(gateway):
        raise ValueError(f"no topic for site {site!r}, gateway {gateway!r}, channel {channel!r}")
    return f"{ROOT}/{site}/{gateway}/{channel}"


def parse(name: str) -> Address | None:
    """The address a topic names, or None when it is not one of ours."""
    parts = name.split("/")
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != ROOT or parts[4] not in CHANNELS:
        return None
    if not is_id(parts[2]) or not is_id(parts[3]):
        return None
    return Address(parts[2], parts[3], parts[4])
