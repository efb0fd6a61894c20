"""What makes a request a good one, and the good requests of routes for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tests.cloud.api.conftest import START


class Sound(NamedTuple):
    """What makes a request to a route a good one."""

    path: Mapping[str, str] = MappingProxyType({})
    query: Mapping[str, str] = MappingProxyType({})
    body: bytes | None = None
    kind: str = "application/json"


def json_sound(body: object, query: dict[str, str] | None = None) -> Sound:
    """With a JSON body."""
    return Sound({}, query or {}, json.dumps(body).encode())


def outward(noun: str, tracker: str, feed: str, now_ms: int) -> Sound:
    """A phone's position, a calendar's address, or a question in PromQL."""
    if noun == "calendars":
        return Sound(query={"token": feed})
    if noun == "gps-in":
        here = {"latitude": 30.2712, "longitude": 120.1486}
        sent = {"location": {"timestamp": now_ms, "coords": here}, "device_id": tracker}
        return json_sound(sent, {"id": tracker, "lat": "30.2712", "lon": "120.1486"})
    span = {"start": str(START // 1000), "end": str(START // 1000 + 3_600), "step": "60"}
    asked = {"query": "sum(dayuan_active_power_total)", "match[]": '{site="east"}', **span}
    return Sound({"name": "device"}, asked)
