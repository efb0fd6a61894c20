"""More of Shelly Gen2: inputs, a meter without a relay, clamps that count for themselves, a BLE door sensor."""

from __future__ import annotations

from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import Moment, Said, reads, spelled
from simulators.devices.mqtt.shelly_gen2 import WH_PER_KWH, Component, Gen2, Points, ts_of
from simulators.ledger import Expectation


class ShellyPlusI4(Gen2):
    """Four inputs; the first is a door contact, the second a button, whose state nobody knows."""

    opens = True
    source = "shellyplusi4"

    def components(self, now: Moment) -> dict[str, Component]:
        states: tuple[bool | None, ...] = (self.is_open, None, False, False)
        return {f"input:{n}": {"id": n, "state": state} for n, state in enumerate(states)}

    def points(self, component: str) -> Points:
        return {"state": (f"digital_input_{int(component[-1]) + 1}", 1)}

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        return [*self.report(now), *(self._push(now) if is_open else [])]

    def _push(self, now: Moment) -> list[Said]:
        """The bell: down, up, and what it was; only the last is a press."""
        at = ts_of(now)
        events = [
            {"component": "input:1", "id": 1, "event": event, "ts": at}
            for event in ("btn_down", "btn_up", "single_push")
        ]
        told = now.event("button", {"input": "input:1", "detail": "single_push"}, round(at * 1000))
        return [self._notify(now, "NotifyEvent", {"events": events}, reads((), [told]))]


class ShellyPmMini(Gen2):
    """pm1:0, a meter and nothing else."""

    source = "shellypmmini"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._counter: tuple[int, Component] = (-1, {})

    def components(self, now: Moment) -> dict[str, Component]:
        minute = now.clock_ms // 60_000
        if minute != self._counter[0]:
            wh = round(self.figure(now, "active_energy_import_total") * WH_PER_KWH, 3)
            self._counter = (minute, {"total": wh, "by_minute": [0.0, 0.0, 0.0], "minute_ts": minute * 60})
        meter = {
            "id": 0,
            "voltage": round(self.figure(now, "voltage_l1_n"), 1),
            "current": round(self.figure(now, "current_l1"), 3),
            "apower": round(self.figure(now, "active_power_total"), 1),
            "freq": round(self.figure(now, "frequency"), 1),
            "aenergy": self._counter[1],
        }
        return {"pm1:0": meter}

    def points(self, component: str) -> Points:
        return {
            "apower": ("active_power_total", 1),
            "voltage": ("voltage_l1_n", 1),
            "current": ("current_l1", 1),
            "freq": ("frequency", 1),
            "aenergy.total": ("active_energy_import_total", WH_PER_KWH),
        }


class ShellyProEm(Gen2):
    """em1:0 and em1:1, two clamps with counters of their own (em1data), and a contactor."""

    source = "shellyproem50"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._counters: tuple[int, dict[str, Component]] = (-1, {})

    def components(self, now: Moment) -> dict[str, Component]:
        whole: dict[str, Component] = {}
        for n, phase in enumerate(("l1", "l2")):
            whole[f"em1:{n}"] = {
                "id": n,
                "current": round(self.figure(now, f"current_{phase}"), 3),
                "voltage": round(self.figure(now, f"voltage_{phase}_n"), 1),
                "act_power": round(self.figure(now, f"active_power_{phase}"), 1),
                "aprt_power": round(self.figure(now, f"apparent_power_{phase}"), 1),
                "pf": round(self.figure(now, f"power_factor_{phase}"), 2),
                "freq": round(self.figure(now, "frequency"), 1),
                "calibration": "factory",
            }
        minute = now.clock_ms // 60_000
        if minute != self._counters[0]:
            self._counters = (minute, {f"em1data:{n}": self._counter(now, n) for n in (0, 1)})
        return whole | self._counters[1] | {"switch:0": {"id": 0, "source": "init", "output": False}}

    def _counter(self, now: Moment, n: int) -> Component:
        wh = round(self.figure(now, f"active_energy_import_l{n + 1}") * WH_PER_KWH, 2)
        return {"id": n, "total_act_energy": wh, "total_act_ret_energy": 0.0}

    def points(self, component: str) -> Points:
        if component == "switch:0":
            return {"output": ("relay_on", 1)}
        phase = f"l{int(component[-1]) + 1}"
        if component.startswith("em1data"):
            return {
                "total_act_energy": (f"active_energy_import_{phase}", WH_PER_KWH),
                "total_act_ret_energy": (f"active_energy_export_{phase}", WH_PER_KWH),
            }
        points: Points = {
            "voltage": (f"voltage_{phase}_n", 1),
            "current": (f"current_{phase}", 1),
            "act_power": (f"active_power_{phase}", 1),
            "aprt_power": (f"apparent_power_{phase}", 1),
            "pf": (f"power_factor_{phase}", 1),
        }
        return points | ({"freq": ("frequency", 1)} if phase == "l1" else {})


class ShellyBluDoor(Dialect):
    """A BLE door sensor that two gateways forward with a script; a packet is known by its number (pid)."""

    opens = True
    report_s = 3600.0

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._pid = self.rng.randrange(256)

    def report(self, now: Moment) -> list[Said]:
        return self._packet(now)

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        return self._packet(now)

    def _packet(self, now: Moment) -> list[Said]:
        self._pid = (self._pid + 1) % 256
        said, lux = [], self.rng.randint(0, 400)
        for gateway in range(2):
            body: dict[str, Any] = {
                "encryption": False,
                "BTHome_version": 2,
                "pid": self._pid,
                "battery": 100,
                "illuminance": lux,
                "window": int(self.is_open),
                "rotation": 0.0,
                "rssi": -62 - 20 * gateway,
                "address": self.topic.rsplit("/", 1)[-1],
            }
            values = {
                "door_open": self.is_open,
                "battery_percent": 100,
                "illuminance_lux": lux,
                "signal_dbm": body["rssi"],
            }
            expected = reads(now.readings(values)) if not gateway else Expectation()
            said.append(Said(self.topic, spelled(body), expected))
        return said
