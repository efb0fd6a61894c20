"""Meshtastic: a node in a vehicle, heard by two gateways that both publish every packet as JSON."""

from __future__ import annotations

from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import MS, Moment, Said, reads, spelled
from simulators.ledger import Expectation

GATEWAYS = ("!7efeee00", "!32962f10")
EVERYBODY = 4_294_967_295


class MeshtasticNode(Dialect):
    """The topic ends with the gateway, the vehicle is ``from``. A packet that comes twice is one packet.

    Without satellites latitude_i and longitude_i are 0 or left out, in turn. Now and then a node tells its name.
    """

    moves = tells_time = True
    report_s = 30.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._packet = self.rng.randrange(1 << 31)
        self._said = 0

    def report(self, now: Moment) -> list[Said]:
        self._packet += self.rng.randrange(1, 9)
        self._said += 1
        fix, fixed_s = self.fix(now), now.clock_ms // MS
        payload: dict[str, Any] = {"time": fixed_s}
        if now.has_fix:
            payload |= {
                "latitude_i": round(fix.latitude * 1e7),
                "longitude_i": round(fix.longitude * 1e7),
                "altitude": round(fix.altitude_m),
                "ground_speed": round(fix.speed_kmh / 3.6),
                "sats_in_view": self.rng.randint(6, 14),
                "precision_bits": 32,
                "PDOP": 180,
            }
        elif self._said % 2:
            payload |= {"latitude_i": 0, "longitude_i": 0}
        values = {}
        if now.has_fix:
            values = {
                "latitude": payload["latitude_i"] / 1e7,
                "longitude": payload["longitude_i"] / 1e7,
                "altitude_m": payload["altitude"],
                "speed_kmh": payload["ground_speed"] * 3.6,
                "satellites": payload["sats_in_view"],
            }
        expected = reads(now.readings(values, fixed_s * MS))
        said = self._heard_by_all(now, payload, "position", expected)
        if self._said % 10 == 0:
            name = {"hardware": 43, "id": f"!{int(self.place.ident):08x}", "longname": self.device, "shortname": "V"}
            said += self._heard_by_all(now, name, "nodeinfo", Expectation())
        return said

    def _heard_by_all(self, now: Moment, payload: dict[str, Any], what: str, expected: Expectation) -> list[Said]:
        said = []
        for number, gateway in enumerate(GATEWAYS):
            body = {
                "channel": 0,
                "from": int(self.place.ident),
                "hop_start": 3,
                "hops_away": number,
                "id": self._packet,
                "payload": payload,
                "rssi": -60 - 25 * number,
                "sender": gateway,
                "snr": 6.25 - number,
                "timestamp": now.at_ms // MS,
                "to": EVERYBODY,
                "type": what,
            }
            once = expected if not number else Expectation()
            said.append(Said(f"{self.topic}/{gateway}", spelled(body), once, 0, False, True))
        return said
