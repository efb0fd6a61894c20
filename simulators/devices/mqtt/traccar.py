"""A Traccar server that forwards positions: one topic for all vehicles, speeds in knots, three clocks in one record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import Moment, Said, reads, spelled

KM_PER_NAUTICAL_MILE = 1.852


class TraccarVehicle(Dialect):
    """Without a fix the server says valid = false with the last place, or repeats it as outdated, in turn."""

    moves = tells_time = True
    report_s = 10.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._number = self.rng.randint(1, 900)
        self._odometer_m = self.rng.randint(1_000_000, 90_000_000)
        self._last: tuple[int, float, float] = (0, 0.0, 0.0)
        self._sent_ms = self._lost = 0

    def report(self, now: Moment) -> list[Said]:
        fix = self.fix(now)
        if self._sent_ms:
            self._odometer_m += round(fix.speed_kmh / 3.6 * (now.at_ms - self._sent_ms) / 1000)
        self._sent_ms = now.at_ms
        outdated = False
        if now.has_fix or not self._last[0]:
            self._last = (now.clock_ms, round(fix.latitude, 6), round(fix.longitude, 6))
            self._lost = 0
        else:
            self._lost += 1
            outdated = self._lost % 2 == 0
        fix_ms = self._last[0] if outdated else now.clock_ms
        moving = fix.speed_kmh > 1
        attributes: dict[str, Any] = {
            "sat": self.rng.randint(6, 14) if now.has_fix else 0,
            "hdop": 0.9,
            "ignition": moving,
            "motion": moving,
            "odometer": self._odometer_m,
            "distance": 0.0,
            "totalDistance": 6_356_795.83,
            "power": 13.79 if moving else 12.41,
            "battery": 3.97,
            "batteryLevel": 95,
        }
        position: dict[str, Any] = {
            "id": 0,
            "attributes": attributes,
            "deviceId": self._number,
            "protocol": "teltonika",
            "serverTime": instant(now.at_ms + 200),
            "deviceTime": instant(now.clock_ms),
            "fixTime": instant(fix_ms),
            "outdated": outdated,
            "valid": now.has_fix,
            "latitude": self._last[1],
            "longitude": self._last[2],
            "altitude": round(fix.altitude_m, 1),
            "speed": round(fix.speed_kmh / KM_PER_NAUTICAL_MILE, 6) if now.has_fix else 0.0,
            "course": round(fix.course_deg, 1),
            "address": None,
            "accuracy": 0.0,
            "network": None,
        }
        # What was measured is true at the instant the device spoke, also when the place it repeats is older.
        values = {
            "odometer_km": attributes["odometer"] / 1000,
            "ignition": attributes["ignition"],
            "moving": attributes["motion"],
            "satellites": attributes["sat"],
            "supply_voltage": attributes["power"],
            "battery_voltage": attributes["battery"],
            "battery_percent": attributes["batteryLevel"],
        }
        if now.has_fix:
            values |= {"latitude": self._last[1], "longitude": self._last[2], "altitude_m": position["altitude"]}
            values |= {"speed_kmh": position["speed"] * KM_PER_NAUTICAL_MILE, "course_deg": position["course"]}
        told = now.readings(values, now.clock_ms)
        if now.has_fix:
            told += (now.unknown("accuracy_m", now.clock_ms),)  # 0 is "not known"
        body = {"position": position, "device": self._device(now)}
        return [Said(self.topic, spelled(body), reads(told), 1, False, True)]

    def _device(self, now: Moment) -> dict[str, Any]:
        return {
            "id": self._number,
            "attributes": {},
            "groupId": 0,
            "name": self.device,
            "uniqueId": self.place.ident,
            "status": "online",
            "lastUpdate": instant(now.at_ms),
            "positionId": 0,
            "category": None,
            "disabled": False,
        }


def instant(at_ms: int) -> str:
    """As Traccar's JSON library writes a time: milliseconds, and the offset with a colon."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
