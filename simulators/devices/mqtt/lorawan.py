"""LoRaWAN sensors through two network servers: ChirpStack v4 and The Things Stack v3. QoS 0, nothing retained.

Servers leave out what is zero, write times with nine digits behind the second, and list every gateway that heard it.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import MS, Moment, Said, reads, spelled
from simulators.ledger import Expectation

STATUS_EVERY = 8
FPORT = 10


class Lds02:
    """A Dragino LDS02 door sensor: what it measured, and the frame and the decoded object of one uplink."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._times = dialect.rng.randint(0, 9000)
        self._minutes = 0

    def opened(self) -> None:
        self._times += 1

    def uplink(self) -> tuple[bytes, dict[str, Any]]:
        """The frame as it is sent by radio, and what a codec makes of it."""
        millivolts, is_open = self._dialect.rng.randint(2900, 3020), self._dialect.is_open
        head = millivolts | (0x8000 if is_open else 0)
        frame = head.to_bytes(2, "big") + b"\x01" + self._times.to_bytes(3, "big") + self._minutes.to_bytes(3, "big")
        decoded = {
            "ALARM": 0,
            "BAT_V": millivolts / 1000,
            "DOOR_OPEN_STATUS": int(is_open),
            "DOOR_OPEN_TIMES": self._times,
            "LAST_DOOR_OPEN_DURATION": self._minutes,
            "MOD": 1,
        }
        return frame + b"\x00\x00\x00", decoded


class ChirpStackDoor(Dialect):
    """event/up at every turn and now and then without one; event/status with the battery's level."""

    opens = tells_time = True
    report_s = 1200.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._sensor = Lds02(self)
        self._frames = 0

    def report(self, now: Moment) -> list[Said]:
        said = [self._up(now)]
        if self._frames % STATUS_EVERY == 1:
            said.append(self._status(now))
        return said

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        if is_open:
            self._sensor.opened()
        return [self._up(now)]

    def _up(self, now: Moment) -> Said:
        frame, decoded = self._sensor.uplink()
        rssi = self.rng.randint(-118, -60)
        body = self._head(now) | {
            "devAddr": "00189440",
            "adr": True,
            "fCnt": self._frames,
            "fPort": FPORT,
            "data": base64.b64encode(frame).decode(),
            "object": decoded,
            "rxInfo": [
                {"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": rssi, "snr": 7.5},
                {"gatewayId": "0016c001f153a14d", "uplinkId": 17106255, "rssi": rssi - 9, "snr": -2.2},
            ],
            "txInfo": {"frequency": 867100000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7}}},
        }
        self._frames += 1
        values = {
            "door_open": decoded["DOOR_OPEN_STATUS"],
            "battery_voltage": decoded["BAT_V"],
            "signal_dbm": rssi,
        }
        return self._said(now, "up", {key: value for key, value in body.items() if value != 0}, values)

    def _status(self, now: Moment) -> Said:
        level = round(self.rng.uniform(80, 99), 1)
        return self._said(
            now, "status", self._head(now) | {"margin": 10, "batteryLevel": level}, {"battery_percent": level}
        )

    def _said(self, now: Moment, what: str, body: dict[str, Any], values: dict[str, float]) -> Said:
        expected = reads(now.readings(values, now.clock_ms))
        return Said(f"{self.topic}/event/{what}", spelled(body), expected, 0, False, True)

    def _head(self, now: Moment) -> dict[str, Any]:
        parts = self.topic.split("/")
        return {
            "deduplicationId": _uuid(self.rng.getrandbits(128)),
            "time": nanoseconds(now.clock_ms, self.rng.randrange(400_000)) + "+00:00",
            "deviceInfo": {
                "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
                "tenantName": "ChirpStack",
                "applicationId": parts[1] if len(parts) > 3 else "",
                "applicationName": "doors",
                "deviceProfileName": "LDS02",
                "deviceName": self.device,
                "devEui": parts[-1],
                "tags": {},
            },
        }


class ThingsStackDoor(Dialect):
    """.../up with its time of receipt at the network server; the same sensor behind it."""

    opens = tells_time = True
    report_s = 1200.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._sensor = Lds02(self)
        self._frames = 0

    def report(self, now: Moment) -> list[Said]:
        return [self._up(now)]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        if is_open:
            self._sensor.opened()
        return [self._up(now)]

    def simulated(self, now: Moment) -> list[Said]:
        """An uplink that somebody made in the console: nobody may take it for a measurement."""
        said = self._up(now)
        return [said._replace(payload=said.payload[:-1] + b',"simulated":true}', expected=Expectation())]

    def _up(self, now: Moment) -> Said:
        frame, decoded = self._sensor.uplink()
        rssi = self.rng.randint(-118, -60)
        said_at = nanoseconds(now.clock_ms, self.rng.randrange(400_000)) + "Z"
        uplink: dict[str, Any] = {
            "session_key_id": "AYJyWmbZaAS/afxNG6hOKw==",
            "f_port": FPORT,
            "frm_payload": base64.b64encode(frame).decode(),
            "decoded_payload": decoded,
            "rx_metadata": [
                {"gateway_ids": {"gateway_id": "roof-0", "eui": "DCA632FFFEA53817"}, "rssi": rssi, "snr": -4.75}
            ],
            "settings": {"data_rate": {"lora": {"bandwidth": 125000}}, "frequency": "868100000"},
            "received_at": said_at,
            "consumed_airtime": "0.061696s",
        }
        if self._frames:
            uplink["f_cnt"] = self._frames
        self._frames += 1
        body = {
            "end_device_ids": {"device_id": self.topic.rsplit("/", 1)[-1], "dev_eui": "A8404188A184579F"},
            "correlation_ids": [f"as:up:{self.rng.getrandbits(60):X}"],
            "received_at": nanoseconds(now.clock_ms + 207, 828_332 % 400_000) + "Z",
            "uplink_message": uplink,
        }
        values = {
            "door_open": decoded["DOOR_OPEN_STATUS"],
            "battery_voltage": decoded["BAT_V"],
            "signal_dbm": rssi,
        }
        expected = reads(now.readings(values, now.clock_ms))
        return Said(f"{self.topic}/up", spelled(body), expected, 0, False, True)


def nanoseconds(at_ms: int, more_ns: int) -> str:
    """A time as Go and Rust print it: nine digits behind the second."""
    second = datetime.fromtimestamp(at_ms // MS, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{second}.{at_ms % MS:03d}{more_ns:06d}"


def _uuid(number: int) -> str:
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
