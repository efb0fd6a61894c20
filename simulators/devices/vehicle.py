"""A vehicle with a phone that runs OwnTracks: JSON locations over MQTT, retained as the app does by default.

``vel``, ``cog`` and the like are left out when they are zero; the will is on the same topic as the positions.
"""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from simulators.devices.message import Mouth, pause
from simulators.ledger import Expectation, ExpectedReading
from simulators.wires.mqtt import WillMessage
from simulators.world.routes import Timetable

MS = 1000


class OwnTracksVehicle:
    """Reports every ``moving_s`` on the road and every ``parked_s`` in the yard."""

    def __init__(
        self,
        mouth: Mouth,
        *,
        topic: str,
        timetable: Timetable,
        rng: random.Random,
        moving_s: float = 5.0,
        parked_s: float = 30.0,
        retain: bool = True,
    ) -> None:
        self._mouth, self._topic, self._timetable, self._rng = mouth, topic, timetable, rng
        self._moving_s, self._parked_s, self._retain = moving_s, parked_s, retain
        self._battery = rng.uniform(55, 100)
        self._last_fix_s = 0

    @property
    def device(self) -> str:
        return self._mouth.device

    async def run(self, halt: asyncio.Event) -> None:
        """Report until told to halt."""
        going = await pause(self._mouth.clock, self._rng.uniform(0.0, 4.0), halt)
        while going:
            await self.report()
            moving = self._timetable.moving(self._mouth.clock.now_ms())
            wait_s = self._moving_s if moving else self._parked_s
            going = await pause(self._mouth.clock, wait_s * self._rng.uniform(0.9, 1.1), halt)

    async def report(self) -> None:
        """Publish where the vehicle is at this second; a second is reported once."""
        fix_s = self._mouth.clock.now_ms() // MS
        if fix_s <= self._last_fix_s:
            return
        self._last_fix_s = fix_s
        body, expected = self._location(fix_s)
        await self._mouth.say(self._topic, body, expected, retain=self._retain)

    def _location(self, fix_s: int) -> tuple[dict[str, Any], Expectation]:
        fix = self._timetable.fix_at(fix_s * MS)
        self._battery = max(20.0, self._battery - self._rng.uniform(0, 0.01))
        body: dict[str, Any] = {
            "_type": "location",
            "lat": round(fix.latitude, 7),
            "lon": round(fix.longitude, 7),
            "tst": fix_s,
            "tid": self.device[-2:],
            "batt": int(self._battery),
            "conn": "m",
            "t": "v" if fix.speed_kmh > 1 else "p",
            "acc": self._rng.randint(4, 12),
        }
        named = (("alt", fix.altitude_m), ("vel", fix.speed_kmh), ("cog", fix.course_deg))
        body.update({key: round(value) for key, value in named if round(value)})
        return body, Expectation(readings=expected_readings(body))


def expected_readings(body: dict[str, Any]) -> tuple[ExpectedReading, ...]:
    """What a location must become. A speed or course that was left out may be stored as 0 or not at all."""
    at = body["tst"] * MS
    always = {"latitude": "lat", "longitude": "lon", "accuracy_m": "acc", "battery_percent": "batt"}
    expected = [ExpectedReading(point, float(body[key]), at) for point, key in always.items()]
    for point, key in {"altitude_m": "alt", "speed_kmh": "vel", "course_deg": "cog"}.items():
        expected.append(ExpectedReading(point, float(body.get(key, 0)), at, key not in body))
    return tuple(expected)


def will_of(topic: str, connected_at_ms: int) -> WillMessage:
    """The app's last will: the time of the connect, not of the loss."""
    return WillMessage(topic, json.dumps({"_type": "lwt", "tst": connected_at_ms // MS}).encode(), retain=False)
