"""What makes a request a good one, and the good requests of routes for other programs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

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


async def of_privacy(entry: tuple[str, str], ask: Callable[..., Awaitable[Any]]) -> Sound:
    """Of somebody who was never here."""
    if entry[0] == "GET":
        return Sound()
    hold = {"class": "access", "reason": "case 7"}
    if entry[0] == "DELETE":
        made = await ask("POST", "/api/v1/privacy/holds", hold)
        return Sound(path={"number": str(made["hold"]["id"])})
    if entry[1].endswith("searches"):
        return json_sound({"text": "nobody"})
    return json_sound(hold if entry[1].endswith("holds") else {"person": ["user:nobody"], "reason": "asked for"})


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
