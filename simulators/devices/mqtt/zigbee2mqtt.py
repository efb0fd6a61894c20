"""Zigbee2MQTT: one JSON per device that repeats the whole cached state. QoS 0, not retained; availability is.

The connection is the bridge's, and so is its will: it says nothing about one device.
"""

from __future__ import annotations

from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import Moment, Said, reads, spelled
from simulators.ledger import Expectation
from simulators.wires.mqtt import WillMessage


def js(value: float, digits: int = 2) -> float | int:
    """A number as JavaScript prints it: no ".0"."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


class _ZigbeeDevice(Dialect):
    report_s = 60.0

    @staticmethod
    def speaks_on(topic: str) -> tuple[str, ...]:
        return (f"{topic}/#", f"{topic.split('/', maxsplit=1)[0]}/bridge/state")

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"{self.topic.split('/')[0]}/bridge/state", spelled({"state": "offline"}), retain=True)

    def hello(self, now: Moment) -> list[Said]:
        bridge = f"{self.topic.split('/')[0]}/bridge/state"
        return [
            Said(bridge, spelled({"state": "online"}), retain=True),
            Said(f"{self.topic}/availability", spelled({"state": "online"}), retain=True),
        ]

    def said(self, body: dict[str, Any], expected: Expectation) -> Said:
        body["linkquality"] = self.rng.randint(60, 255)
        return Said(self.topic, spelled(dict(sorted(body.items()))), expected)


class ZigbeeContact(_ZigbeeDevice):
    """contact = true is CLOSED. A turn is told up to three times within a second, only linkquality changing."""

    opens = True
    report_s = 3600.0

    def report(self, now: Moment) -> list[Said]:
        return [self._state(now)]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        return [self._state(now) for _ in range(self.rng.randint(1, 3))]

    def _state(self, now: Moment) -> Said:
        body = {
            "battery": 100,
            "battery_low": False,
            "contact": not self.is_open,
            "device_temperature": self.rng.randint(17, 25),
            "power_outage_count": 5,
            "tamper": False,
            "voltage": self.rng.randint(3005, 3095),
        }
        values = {
            "door_open": self.is_open,
            "tamper": 0,
            "battery_percent": 100,
            "battery_voltage": body["voltage"] / 1000,
            "temperature_c": body["device_temperature"],
        }
        return self.said(body, reads(now.readings(values)))


class ZigbeeLock(_ZigbeeDevice):
    """Who unlocked is told as an action, and right behind it the same state with an empty action."""

    opens = True
    report_s = 3600.0

    def report(self, now: Moment) -> list[Said]:
        return [self._state(now, None)]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        return [self._state(now, "unlock" if is_open else "auto_lock"), self._state(now, "")]

    def _state(self, now: Moment, action: str | None) -> Said:
        body = {
            "action": action,
            "action_source_name": "keypad" if action == "unlock" else None,
            "action_user": self.rng.randint(1, 9) if action == "unlock" else None,
            "auto_relock": None,
            "battery": 100,
            "lock_state": "unlocked" if self.is_open else "locked",
            "pin_code": None,
            "sound_volume": "high_volume",
            "state": "UNLOCK" if self.is_open else "LOCK",
        }
        values = {"lock_state": int(self.is_open), "battery_percent": 100}
        told = {"action": action} | ({"source": "keypad"} if action == "unlock" else {})
        events = [now.event("lock_operated", told)] if action else []
        return self.said(body, reads(now.readings(values), events))


class ZigbeePlug(_ZigbeeDevice):
    """Settings stand among the measurements. The first message after a start knows nothing: every value is null."""

    report_s = 10.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._measured = False
        self._on = True

    def report(self, now: Moment) -> list[Said]:
        if not self._measured:
            self._measured = True
            none = dict.fromkeys(("current", "energy", "power", "state", "voltage"))
            return [self.said(dict[str, Any](none), Expectation())]
        body: dict[str, Any] = {
            "child_lock": "UNLOCK",
            "countdown": 0,
            "current": js(self.figure(now, "current_l1")) if self._on else 0,
            "energy": js(self.figure(now, "active_energy_import_total")),
            "identify": None,
            "indicator_mode": "off/on",
            "power": js(self.figure(now, "active_power_total"), 0) if self._on else 0,
            "power_outage_memory": "off",
            "state": "ON" if self._on else "OFF",
            "update": {"installed_version": 268449287, "latest_version": 268449287, "state": "idle"},
            "voltage": js(self.figure(now, "voltage_l1_n"), 0),
        }
        values = {
            "active_power_total": body["power"],
            "voltage_l1_n": body["voltage"],
            "current_l1": body["current"],
            "active_energy_import_total": body["energy"],
            "relay_on": self._on,
        }
        return [self.said(body, reads(now.readings(values)))]

    def switch(self, now: Moment, on: bool) -> list[Said]:
        """The relay; the state comes back at once, the measurements with the next report."""
        self._on = on
        return [self.said({"state": "ON" if on else "OFF"}, reads([now.reading("relay_on", on)]))]
