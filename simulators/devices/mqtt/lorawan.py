"""LoRaWAN sensors (a door, a room, a seat) through two servers, ChirpStack v4 and The Things Stack v3. QoS 0.

Servers leave out what is zero, write times with nine digits behind the second, and list every gateway that heard it.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import MS, UNCERTAIN, Moment, Said, reads, spelled
from simulators.ledger import Expectation

STATUS_EVERY = 8
FPORT = 10


class Uplink(NamedTuple):
    """A frame as it is sent by radio, what the server's codec makes of it, and what that means."""

    frame: bytes
    decoded: dict[str, Any]
    values: dict[str, float]
    doubted: frozenset[str] = frozenset()


class Lds02:
    """A Dragino LDS02 door sensor."""

    opens = True

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._times = dialect.rng.randint(0, 9000)
        self._minutes = 0

    def turned(self, is_open: bool) -> None:
        self._times += is_open

    def uplink(self, now: Moment) -> Uplink:
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
        values = {"door_open": float(is_open), "battery_voltage": millivolts / 1000}
        return Uplink(frame + b"\x00\x00\x00", decoded, values)


class ElsysEye:
    """An ELSYS room sensor: 0 empty, 1 somebody is coming or going, 2 occupied."""

    opens = False

    def __init__(self, dialect: Dialect) -> None:
        self._rng = dialect.rng

    def turned(self, is_open: bool) -> None:
        return

    def uplink(self, now: Moment) -> Uplink:
        rng = self._rng
        occupancy, vdd = rng.randint(0, 2), rng.randint(3550, 3680)
        decoded = {
            "temperature": round(rng.uniform(18, 25), 1),
            "humidity": rng.randint(30, 60),
            "light": rng.randint(0, 600),
            "motion": rng.randint(0, 40),
            "occupancy": occupancy,
            "vdd": vdd,
        }
        values = {
            "temperature_c": decoded["temperature"],
            "humidity_percent": decoded["humidity"],
            "illuminance_lux": decoded["light"],
            "motion_count": decoded["motion"],
            "occupancy": float(occupancy > 0),
            "battery_voltage": vdd / 1000,
        }
        frame = b"\x01" + round(decoded["temperature"] * 10).to_bytes(2, "big") + b"\x11" + bytes((occupancy,))
        return Uplink(frame, decoded, values, frozenset({"occupancy"} if occupancy == 1 else ()))


class MilesightSeat:
    """A Milesight VS34x seat sensor: words, and now and then the battery alone."""

    opens = False

    def __init__(self, dialect: Dialect) -> None:
        self._rng, self._occupied = dialect.rng, dialect.place.occupied
        self._uplinks = 0

    def turned(self, is_open: bool) -> None:
        return

    def uplink(self, now: Moment) -> Uplink:
        self._uplinks += 1
        occupied, battery = self._rng.random() < 0.5, self._rng.randint(85, 100)
        if (known := self._occupied(now.sensed_ms)) is not None:
            occupied = known
        decoded: dict[str, Any] = {"battery": battery}
        values: dict[str, float] = {"battery_percent": battery}
        if self._uplinks % 5:
            decoded["occupancy"] = "occupied" if occupied else "vacant"
            values["occupancy"] = float(occupied)
        return Uplink(bytes((0x01, 0x75, battery, 0x03, 0x00, int(occupied))), decoded, values)


Sensor = Lds02 | ElsysEye | MilesightSeat


class _LoRaWan(Dialect, ABC):
    """What the servers have in common: an uplink now and then, and at every turn of a door."""

    tells_time = True
    report_s = 1200.0
    sensor: ClassVar[type[Sensor]]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._sensor = self.sensor(self)
        self._frames = 0

    def report(self, now: Moment) -> list[Said]:
        return [self._up(now)]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        self._sensor.turned(is_open)
        return [self._up(now)]

    @abstractmethod
    def _up(self, now: Moment) -> Said:
        """One uplink as the network server puts it."""

    def _expected(self, now: Moment, uplink: Uplink, rssi: int) -> Expectation:
        told = list(
            now.readings({name: v for name, v in uplink.values.items() if name not in uplink.doubted}, now.clock_ms)
        )
        told += [now.reading(name, uplink.values[name], now.clock_ms, quality=UNCERTAIN) for name in uplink.doubted]
        # The strength of the signal is told with whatever the sensor was made for.
        return reads([*told, now.reading("signal_dbm", rssi, now.clock_ms, optional=len(uplink.values) < 2)])


class _ChirpStack(_LoRaWan):
    """event/up at every turn and now and then without one; event/status with the battery's level."""

    def report(self, now: Moment) -> list[Said]:
        said = [self._up(now)]
        if self._frames % STATUS_EVERY == 1:
            said.append(self._status(now))
        return said

    def _up(self, now: Moment) -> Said:
        uplink = self._sensor.uplink(now)
        rssi = self.rng.randint(-118, -60)
        body = self._head(now) | {
            "devAddr": "00189440",
            "adr": True,
            "fCnt": self._frames,
            "fPort": FPORT,
            "data": base64.b64encode(uplink.frame).decode(),
            "object": uplink.decoded,
            "rxInfo": [
                {"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": rssi, "snr": 7.5},
                {"gatewayId": "0016c001f153a14d", "uplinkId": 17106255, "rssi": rssi - 9, "snr": -2.2},
            ],
            "txInfo": {"frequency": 867100000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7}}},
        }
        self._frames += 1
        return self._said(
            now, "up", {key: value for key, value in body.items() if value != 0}, self._expected(now, uplink, rssi)
        )

    def _status(self, now: Moment) -> Said:
        level = round(self.rng.uniform(80, 99), 1)
        expected = reads([now.reading("battery_percent", level, now.clock_ms)])
        return self._said(now, "status", self._head(now) | {"margin": 10, "batteryLevel": level}, expected)

    def _said(self, now: Moment, what: str, body: dict[str, Any], expected: Expectation) -> Said:
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


class _ThingsStack(_LoRaWan):
    """.../up with its time of receipt at the network server; the same sensors behind it."""

    def simulated(self, now: Moment) -> list[Said]:
        """An uplink that somebody made in the console: nobody may take it for a measurement."""
        said = self._up(now)
        return [said._replace(payload=said.payload[:-1] + b',"simulated":true}', expected=Expectation())]

    def _up(self, now: Moment) -> Said:
        uplink = self._sensor.uplink(now)
        rssi = self.rng.randint(-118, -60)
        said_at = nanoseconds(now.clock_ms, self.rng.randrange(400_000)) + "Z"
        message: dict[str, Any] = {
            "session_key_id": "AYJyWmbZaAS/afxNG6hOKw==",
            "f_port": FPORT,
            "frm_payload": base64.b64encode(uplink.frame).decode(),
            "decoded_payload": uplink.decoded,
            "rx_metadata": [
                {"gateway_ids": {"gateway_id": "roof-0", "eui": "DCA632FFFEA53817"}, "rssi": rssi, "snr": -4.75}
            ],
            "settings": {"data_rate": {"lora": {"bandwidth": 125000}}, "frequency": "868100000"},
            "received_at": said_at,
            "consumed_airtime": "0.061696s",
        }
        if self._frames:
            message["f_cnt"] = self._frames
        self._frames += 1
        body = {
            "end_device_ids": {"device_id": self.topic.rsplit("/", 1)[-1], "dev_eui": "A8404188A184579F"},
            "correlation_ids": [f"as:up:{self.rng.getrandbits(60):X}"],
            "received_at": nanoseconds(now.clock_ms + 207, 828_332 % 400_000) + "Z",
            "uplink_message": message,
        }
        return Said(f"{self.topic}/up", spelled(body), self._expected(now, uplink, rssi), 0, False, True)


class ChirpStackDoor(_ChirpStack):
    sensor, opens = Lds02, True


class ChirpStackRoom(_ChirpStack):
    sensor = ElsysEye


class ChirpStackSeat(_ChirpStack):
    sensor = MilesightSeat


class ThingsStackDoor(_ThingsStack):
    sensor, opens = Lds02, True


class ThingsStackRoom(_ThingsStack):
    sensor = ElsysEye


class ThingsStackSeat(_ThingsStack):
    sensor = MilesightSeat


def nanoseconds(at_ms: int, more_ns: int) -> str:
    """A time as Go and Rust print it: nine digits behind the second."""
    second = datetime.fromtimestamp(at_ms // MS, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{second}.{at_ms % MS:03d}{more_ns:06d}"


def _uuid(number: int) -> str:
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
