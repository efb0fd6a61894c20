"""Shelly Gen2 and later: JSON-RPC over MQTT. Notifications hold only what changed; after a connect comes everything.

Before the first answer of an NTP server ``ts`` is the uptime. Status notifications (a whole component on status/...,
without a time) are off, as they are from the factory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import MS, Moment, Said, reads, spelled, text
from simulators.ledger import Expectation
from simulators.wires.mqtt import WillMessage

WH_PER_KWH = 1000
Component = dict[str, Any]
Points = dict[str, tuple[str, float]]
"""Key of a component -> the point it stands for and what to divide it by."""


class Gen2(Dialect, ABC):
    """What all of them do: a will, everything after a connect, and then what changed."""

    tells_time = True
    report_s = 10.0
    source = "shellyplus"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._told: dict[str, Component] = {}
        self._src = f"{self.source}-{self.rng.randrange(1 << 48):012x}"

    @abstractmethod
    def components(self, now: Moment) -> dict[str, Component]:
        """Everything it measures, by component, as it stands now."""

    @abstractmethod
    def points(self, component: str) -> Points:
        """What the keys of a component mean."""

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"{self.topic}/online", b"false", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        whole = self.components(now)
        self._told = whole
        return [
            text(f"{self.topic}/online", "true", qos=1, retain=True),
            self._notify(now, "NotifyStatus", {"mqtt": {"connected": True}}, Expectation()),
            self._notify(now, "NotifyFullStatus", whole, self._expected(now, whole)),
        ]

    def report(self, now: Moment) -> list[Said]:
        whole = self.components(now)
        changed: dict[str, Component] = {}
        for name, component in whole.items():
            before = self._told.get(name, {})
            delta = {key: value for key, value in component.items() if before.get(key) != value}
            if delta:
                changed[name] = {"id": component["id"], **delta}
        self._told = whole
        if not changed:
            return []
        return [self._notify(now, "NotifyStatus", changed, self._expected(now, changed))]

    def _notify(self, now: Moment, method: str, params: dict[str, Any], expected: Expectation) -> Said:
        body = {
            "src": self._src,
            "dst": f"{self.topic}/events",
            "method": method,
            "params": {"ts": ts_of(now), **params},
        }
        return Said(f"{self.topic}/events/rpc", spelled(body), expected, 1, False, True)

    def _expected(self, now: Moment, components: dict[str, Component]) -> Expectation:
        said_ms, told = round(ts_of(now) * MS), []
        for name, component in components.items():
            for key, (point, divisor) in self.points(name).items():
                value: Any = component
                for step in key.split("."):
                    value = value.get(step) if isinstance(value, dict) else None
                if value is not None:
                    told.append(now.reading(point, value / divisor if divisor != 1 else value, said_ms))
        return reads(told)


class ShellyPlusSwitch(Gen2):
    """One relay with a meter, one input. The counter is told once a minute, the rest as it changes."""

    source = "shellyplus1pm"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._on, self._pressed = True, False
        self._counter: tuple[int, Component] = (-1, {})

    def components(self, now: Moment) -> dict[str, Component]:
        minute = now.clock_ms // 60_000
        wh = round(self.figure(now, "active_energy_import_total") * WH_PER_KWH, 3)
        if minute != self._counter[0]:
            counter = {"total": wh, "by_minute": [0.0, 0.0, 0.0], "minute_ts": minute * 60}
            self._counter = (minute, counter)
        switch = {
            "id": 0,
            "source": "init",
            "output": self._on,
            "apower": round(self.figure(now, "active_power_total"), 1) if self._on else 0.0,
            "voltage": round(self.figure(now, "voltage_l1_n"), 1),
            "current": round(self.figure(now, "current_l1"), 3) if self._on else 0.0,
            "aenergy": self._counter[1],
            "temperature": {"tC": 39.2, "tF": 102.5},
        }
        return {"switch:0": switch, "input:0": {"id": 0, "state": self._pressed}}

    def points(self, component: str) -> Points:
        if component == "input:0":
            return {"state": ("input_on", 1)}
        return {
            "output": ("relay_on", 1),
            "apower": ("active_power_total", 1),
            "voltage": ("voltage_l1_n", 1),
            "current": ("current_l1", 1),
            "aenergy.total": ("active_energy_import_total", WH_PER_KWH),
            "temperature.tC": ("temperature_c", 1),
        }

    def switch(self, now: Moment, on: bool) -> list[Said]:
        """The relay."""
        self._on = on
        return self.report(now)

    def press(self, now: Moment, pressed: bool) -> list[Said]:
        """The input."""
        self._pressed = pressed
        return self.report(now)


class ShellyPro3Em(Gen2):
    """em:0 as it changes, emdata:0 once a minute; no neutral current transformer: null."""

    source = "shellypro3em"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._counters: tuple[int, Component] = (-1, {})

    def components(self, now: Moment) -> dict[str, Component]:
        em: Component = {"id": 0}
        for letter, phase in (("a", "l1"), ("b", "l2"), ("c", "l3")):
            wired = f"voltage_{phase}_n" in self.measured(now)
            em |= {
                f"{letter}_current": round(self.figure(now, f"current_{phase}"), 3),
                f"{letter}_voltage": round(self.figure(now, f"voltage_{phase}_n"), 1),
                f"{letter}_act_power": round(self.figure(now, f"active_power_{phase}"), 1),
                f"{letter}_aprt_power": round(self.figure(now, f"apparent_power_{phase}"), 1),
                f"{letter}_pf": round(self.figure(now, f"power_factor_{phase}"), 2),
                f"{letter}_freq": round(self.figure(now, "frequency"), 1) if wired else 0.0,
            }
        em |= {
            "n_current": None,
            "total_current": round(self.figure(now, "current_sum"), 3),
            "total_act_power": round(self.figure(now, "active_power_total"), 3),
            "total_aprt_power": round(self.figure(now, "apparent_power_total"), 3),
            "user_calibrated_phase": [],
        }
        minute = now.clock_ms // 60_000
        if minute != self._counters[0]:
            self._counters = (minute, self._emdata(now))
        return {"em:0": em, "emdata:0": self._counters[1]}

    def _emdata(self, now: Moment) -> Component:
        data: Component = {"id": 0}
        for letter, phase in (("a", "l1"), ("b", "l2"), ("c", "l3")):
            data[f"{letter}_total_act_energy"] = round(
                self.figure(now, f"active_energy_import_{phase}") * WH_PER_KWH, 2
            )
            data[f"{letter}_total_act_ret_energy"] = 0.0
        data["total_act"] = round(self.figure(now, "active_energy_import_total") * WH_PER_KWH, 2)
        return data | {"total_act_ret": 0.0}

    def points(self, component: str) -> Points:
        if component == "emdata:0":
            data: Points = {
                "total_act": ("active_energy_import_total", WH_PER_KWH),
                "total_act_ret": ("active_energy_export_total", WH_PER_KWH),
            }
            for letter, phase in (("a", "l1"), ("b", "l2"), ("c", "l3")):
                data[f"{letter}_total_act_energy"] = (f"active_energy_import_{phase}", WH_PER_KWH)
                data[f"{letter}_total_act_ret_energy"] = (f"active_energy_export_{phase}", WH_PER_KWH)
            return data
        em: Points = {
            "total_current": ("current_total", 1),
            "total_act_power": ("active_power_total", 1),
            "total_aprt_power": ("apparent_power_total", 1),
            "a_freq": ("frequency", 1),
        }
        for letter, phase in (("a", "l1"), ("b", "l2"), ("c", "l3")):
            em |= {
                f"{letter}_current": (f"current_{phase}", 1),
                f"{letter}_voltage": (f"voltage_{phase}_n", 1),
                f"{letter}_act_power": (f"active_power_{phase}", 1),
                f"{letter}_aprt_power": (f"apparent_power_{phase}", 1),
                f"{letter}_pf": (f"power_factor_{phase}", 1),
            }
        return em


def ts_of(now: Moment) -> float:
    """The time as a notification has it: seconds with two decimals."""
    return round(now.clock_ms / MS, 2)
