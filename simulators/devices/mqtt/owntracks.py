"""OwnTracks: the phone app, and Queclink trackers through qtripp. JSON on one base topic; the will is on it too."""

from __future__ import annotations

from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import GOOD, MS, UNCERTAIN, Moment, Said, reads, spelled
from simulators.ledger import ExpectedReading
from simulators.wires.mqtt import WillMessage

PARKED_TIMES = 6
"""A parked phone speaks so much more rarely than one on the road."""


class OwnTracksPhone(Dialect):
    """Retained by default; ``vel``, ``cog``, ``alt`` are left out when they are zero.

    Without satellites the app repeats the last place as a ping with a new time.
    """

    moves = tells_time = True
    report_s = 5.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._battery = self.rng.uniform(55, 100)
        self._last: dict[str, Any] = {}

    def will(self, now: Moment) -> WillMessage | None:
        """Fixed at the connect: its time is that, not the time of the loss."""
        return WillMessage(self.topic, spelled({"_type": "lwt", "tst": now.clock_ms // MS}))

    def pause_s(self, now: Moment, every_s: float) -> float:
        moving = self.fix(now).speed_kmh > 1
        return every_s if moving else self.place.parked_s or every_s * PARKED_TIMES

    def report(self, now: Moment) -> list[Said]:
        tst = now.clock_ms // MS
        if tst == self._last.get("tst"):
            return []  # a second has one place
        self._battery = max(20.0, self._battery - self.rng.uniform(0, 0.01))
        body = self._place(now) if now.has_fix or not self._last else {**self._last, "t": "p"}
        body |= {"tst": tst, "batt": int(self._battery)}
        self._last = body
        return [Said(self.topic, spelled(body), reads(self._expected(now, body)), 1, True, True)]

    def _place(self, now: Moment) -> dict[str, Any]:
        fix = self.fix(now)
        body: dict[str, Any] = {
            "_type": "location",
            "lat": round(fix.latitude, 7),
            "lon": round(fix.longitude, 7),
            "tid": self.device[-2:],
            "conn": "m",
            "bs": 1,
            "acc": self.rng.randint(4, 12),
        }
        if fix.speed_kmh > 1:
            body["t"] = "v"
        named = (("alt", fix.altitude_m), ("vel", fix.speed_kmh), ("cog", fix.course_deg))
        return body | {key: round(value) for key, value in named if round(value)}

    def _expected(self, now: Moment, body: dict[str, Any]) -> list[ExpectedReading]:
        said_ms = body["tst"] * MS
        # A ping's time is now, its place may be old: nobody may take it for a fresh fix.
        doubt = UNCERTAIN if body.get("t") == "p" else GOOD
        told = [
            now.reading("latitude", body["lat"], said_ms, quality=doubt),
            now.reading("longitude", body["lon"], said_ms, quality=doubt),
            now.reading("accuracy_m", body["acc"], said_ms, quality=doubt),
            now.reading("battery_percent", body["batt"], said_ms),
            now.reading("charging", body["bs"] - 1, said_ms),
        ]
        if "alt" in body:
            told.append(now.reading("altitude_m", body["alt"], said_ms, quality=doubt))
        for point, key in {"speed_kmh": "vel", "course_deg": "cog"}.items():
            left_out = key not in body
            quality = "" if left_out else GOOD
            told.append(now.reading(point, body.get(key, 0), said_ms, optional=left_out, quality=quality))
        return told


class Queclink(Dialect):
    """A wired tracker behind the converter qtripp: hex texts, a counter that is a text, the vehicle's own signals."""

    moves = tells_time = True
    report_s = 15.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._count = 0
        self._odometer_km = round(self.rng.uniform(5_000, 90_000), 1)
        self._sent_ms = 0

    def report(self, now: Moment) -> list[Said]:
        fix, tst = self.fix(now), now.clock_ms // MS
        self._count += 1
        if self._sent_ms:
            self._odometer_km += fix.speed_kmh * (now.at_ms - self._sent_ms) / 3_600_000
        self._sent_ms = now.at_ms
        moving = fix.speed_kmh > 1
        body: dict[str, Any] = {
            "topic": self.topic,
            "_type": "location",
            "lat": round(fix.latitude, 6) if now.has_fix else 0.0,
            "lon": round(fix.longitude, 6) if now.has_fix else 0.0,
            "vel": round(fix.speed_kmh) if now.has_fix else 0,
            "cog": round(fix.course_deg) % 360 if now.has_fix else 0,
            "alt": round(fix.altitude_m, 1) if now.has_fix else 0,
            "acc": 10,
            "tst": tst,
            "sent": tst + self.rng.randint(0, 2),
            "count": f"{self._count % 0x10000:04X}",
            "mcc": 460,
            "mnc": 0,
            "lac": "4F4D",
            "cid": "673A",
            "t": "L",
            "ign": moving,
            "motion": moving,
            "odometer": round(self._odometer_km, 1),
            "uext": round(13.8 if moving else 12.4, 2),
            "ubatt": 4.1,
            "tid": self.device[-2:].upper(),
        }
        said_ms = tst * MS
        values = {
            "ignition": body["ign"],
            "moving": body["motion"],
            "odometer_km": body["odometer"],
            "supply_voltage": body["uext"],
            "battery_voltage": body["ubatt"],
        }
        if now.has_fix:
            keys = {"latitude": "lat", "longitude": "lon", "speed_kmh": "vel", "course_deg": "cog"}
            values |= {point: body[key] for point, key in keys.items()}
            values |= {"altitude_m": body["alt"], "accuracy_m": body["acc"]}
        return [Said(self.topic, spelled(body), reads(now.readings(values, said_ms)), 1, True, True)]
