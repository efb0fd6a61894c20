"""Teltonika trackers, Codec JSON over MQTT: numeric AVL ids as keys, nested or flat, numbers or texts, by firmware."""

from __future__ import annotations

from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import Moment, Said, reads, spelled

FIX_ON, FIX_NONE = 1, 2


class TeltonikaTracker(Dialect):
    """Half of them nest the record as the AWS shadow does, half send it flat with numbers as texts.

    Without a fix: latlng 0,0 and no satellites; the inputs go on being true.
    """

    moves = tells_time = True
    report_s = 10.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._nested = self.rng.random() < 0.5
        self._odometer_m = self.rng.randint(1_000_000, 90_000_000)
        self._sent_ms = 0

    def report(self, now: Moment) -> list[Said]:
        fix = self.fix(now)
        if self._sent_ms:
            self._odometer_m += round(fix.speed_kmh / 3.6 * (now.at_ms - self._sent_ms) / 1000)
        self._sent_ms = now.at_ms
        moving = int(fix.speed_kmh > 1)
        inputs = {"239": moving, "240": moving, "66": 13_800 if moving else 12_350, "67": 4_110, "16": self._odometer_m}
        record: dict[str, Any] = {
            "ts": now.clock_ms,
            "pr": 0,
            "latlng": f"{fix.latitude:.6f},{fix.longitude:.6f}" if now.has_fix else "0.000000,0.000000",
            "alt": round(fix.altitude_m) if now.has_fix else 0,
            "ang": round(fix.course_deg) % 360 if now.has_fix else 0,
            "sat": self.rng.randint(7, 15) if now.has_fix else 0,
            "sp": round(fix.speed_kmh) if now.has_fix else 0,
            "evt": 240,
            "69": FIX_ON if now.has_fix else FIX_NONE,
            "21": 4,
            "17": 45,
            "18": -11 if self._nested else 65_525,
            "19": 988,
            "113": 100,
            "238": "0x0000000000000000" if self._nested else 0,
            **inputs,
        }
        said = self._shaped(record)
        values = {
            "satellites": record["sat"],
            "ignition": record["239"],
            "moving": record["240"],
            "supply_voltage": record["66"] / 1000,
            "battery_voltage": record["67"] / 1000,
            "battery_percent": record["113"],
            "odometer_km": record["16"] / 1000,
        }
        if now.has_fix:
            latitude, longitude = str(record["latlng"]).split(",")
            values |= {"latitude": float(latitude), "longitude": float(longitude)}
            values |= {"altitude_m": record["alt"], "speed_kmh": record["sp"], "course_deg": record["ang"]}
        expected = reads(now.readings(values, record["ts"]))
        return [Said(f"{self.topic}/data", spelled(said), expected, 1, False, True)]

    def _shaped(self, record: dict[str, Any]) -> dict[str, Any]:
        if self._nested:
            return {"state": {"reported": record}}
        latitude, longitude = (float(part) for part in str(record["latlng"]).split(","))
        texts = {key: str(record[key]) for key in ("alt", "ang", "sat", "sp")}
        return {**record, **texts, "latlng": f"{latitude!r},{longitude!r}" if latitude else "0,0"}
