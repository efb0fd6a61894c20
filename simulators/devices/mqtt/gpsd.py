"""Receivers whose sentences are forwarded: gpsd's JSON reports, NMEA 0183, and the router that carries one."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce
from operator import xor
from typing import Any

from simulators.devices.mqtt.dialect import Dialect
from simulators.devices.mqtt.said import MS, Moment, Said, reads, spelled, text
from simulators.ledger import Expectation

KM_PER_NAUTICAL_MILE = 1.852


class GpsdReports(Dialect):
    """One JSON object per line of gpsd: a TPV, then a SKY. Without a fix mode is 1, and no position is there."""

    moves = tells_time = True
    report_s = 5.0

    def report(self, now: Moment) -> list[Said]:
        fix, used = self.fix(now), self.rng.randint(6, 12)
        said_ms = now.clock_ms // 10 * 10
        at = datetime.fromtimestamp(said_ms / MS, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{said_ms % MS:03d}Z"
        report: dict[str, Any] = {"class": "TPV", "device": "/dev/ttyACM0", "mode": 3 if now.has_fix else 1, "time": at}
        values: dict[str, float] = {}
        if now.has_fix:
            report |= {
                "ept": 0.005,
                "lat": round(fix.latitude, 9),
                "lon": round(fix.longitude, 9),
                "altHAE": round(fix.altitude_m - 9.1, 4),
                "altMSL": round(fix.altitude_m, 4),
                "epx": 4.1,
                "epy": 4.4,
                "track": round(fix.course_deg, 4),
                "speed": round(fix.speed_kmh / 3.6, 3),
                "climb": 0.0,
                "eph": 5.7,
            }
            values = {
                "latitude": report["lat"],
                "longitude": report["lon"],
                "altitude_m": report["altMSL"],
                "accuracy_m": report["eph"],
                "speed_kmh": report["speed"] * 3.6,
                "course_deg": report["track"],
            }
        sky = {"class": "SKY", "device": "/dev/ttyACM0", "time": at, "nSat": used + 3, "uSat": used, "hdop": 0.9}
        seen = reads(now.readings({"satellites": used, "hdop": 0.9}, said_ms))
        said = [Said(self.topic, spelled(report), reads(now.readings(values, said_ms)), 0, False, True)]
        # Without a fix the sky has no satellites that are used, and gpsd says nothing of them.
        return [*said, Said(self.topic, spelled(sky), seen, 0, False, True)] if now.has_fix else said


class NmeaReceiver(Dialect):
    """RMC and GGA of one second in one message. Without a fix: status V, quality 0, empty fields, HDOP 99.99."""

    moves = tells_time = True
    report_s = 5.0

    def report(self, now: Moment) -> list[Said]:
        fix, second = self.fix(now), datetime.fromtimestamp(now.clock_ms // MS, UTC)
        said_ms, clock, date = now.clock_ms // MS * MS, second.strftime("%H%M%S.00"), second.strftime("%d%m%y")
        used = self.rng.randint(6, 12)
        if not now.has_fix:
            rmc, gga = f"GPRMC,{clock},V,,,,,,,{date},,,N", f"GPGGA,{clock},,,,,0,00,99.99,,,,,,"
            expected = reads([now.reading("satellites", 0, said_ms), now.unknown("hdop", said_ms)])
        else:
            north, latitude = _minutes(fix.latitude, "NS", 2)
            east, longitude = _minutes(fix.longitude, "EW", 3)
            knots, course = f"{fix.speed_kmh / KM_PER_NAUTICAL_MILE:.2f}", f"{fix.course_deg:.1f}"
            height = f"{fix.altitude_m:.1f}"
            rmc = f"GPRMC,{clock},A,{north},{east},{knots},{course},{date},3.7,E,A"
            gga = f"GPGGA,{clock},{north},{east},1,{used:02d},0.9,{height},M,36.0,M,,"
            values = {
                "latitude": latitude,
                "longitude": longitude,
                "speed_kmh": float(knots) * KM_PER_NAUTICAL_MILE,
                "course_deg": float(course),
                "altitude_m": float(height),
                "satellites": used,
                "hdop": 0.9,
            }
            expected = reads(now.readings(values, said_ms))
        payload = "".join(
            f"${body}*{_checksum(body):02X}\r\n" for body in (rmc, gga, "GPGSA,A,3,,,,,,,,,,,,,1.5,0.9,1.2")
        )
        return [Said(self.topic, payload.encode(), expected, 0, False, True)]


class RutRouter(Dialect):
    """A Teltonika router: plain values, each an answer to whoever asked. Temperature is in tenths of a degree."""

    report_s = 60.0

    def report(self, now: Moment) -> list[Said]:
        tenths, signal, uptime = self.rng.randint(300, 480), -self.rng.randint(50, 105), int(now.uptime_s)
        told = (
            ("temperature", tenths, "temperature_c", tenths / 10),
            ("signal", signal, "signal_dbm", signal),
            ("uptime", uptime, "uptime_s", uptime),
            ("digital1", 1, "digital_input_1", 1),
            ("digital2", 0, "digital_input_2", 0),
        )
        answers = [
            text(f"{self.topic}/{name}", str(words), reads([now.reading(point, value)]))
            for name, words, point, value in told
        ]
        return [*answers, text(f"{self.topic}/operator", "CHINA MOBILE", Expectation())]


def _minutes(degrees: float, sides: str, width: int) -> tuple[str, float]:
    """ddmm.mmmmmm and its side, and the degrees that are so written."""
    whole = int(abs(degrees))
    minutes = f"{(abs(degrees) - whole) * 60:09.6f}"
    if minutes.startswith("60"):
        whole, minutes = whole + 1, "00.000000"
    meant = whole + float(minutes) / 60
    return f"{whole:0{width}d}{minutes},{sides[degrees < 0]}", -meant if degrees < 0 else meant


def _checksum(body: str) -> int:
    return reduce(xor, body.encode())
