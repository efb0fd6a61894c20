"""Homie 4 and 5: a tree of retained topics that describes itself. A meter with a relay as an example of one."""

from __future__ import annotations

from typing import ClassVar

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import Moment, Said, reads, spelled, text
from simulators.ledger import Expectation
from simulators.wires.mqtt import WillMessage

PROPERTIES = {
    "meter/power": ("active_power_total", "float", "W"),
    "meter/energy": ("active_energy_import_total", "float", "kWh"),
    "meter/voltage": ("voltage_l1_n", "float", "V"),
    "relay/on": ("relay_on", "boolean", ""),
}


class Homie4(Dialect):
    """One topic per attribute. init, then the description, then ready, then the values; the will says lost."""

    report_s = 10.0
    places: ClassVar[dict[str, str]] = {point: place for place, (point, _, _) in PROPERTIES.items()}

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._on = True

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"{self.topic}/$state", b"lost", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        state = f"{self.topic}/$state"
        ready = [self._kept("$state", "ready")]
        return [text(state, "init", qos=1, retain=True), *self.description(), *ready, *self.report(now)]

    def description(self) -> list[Said]:
        said = [self._kept("$homie", "4.0.0"), self._kept("$name", self.device), self._kept("$nodes", "meter,relay")]
        said += [self._kept("meter/$properties", "power,energy,voltage"), self._kept("relay/$properties", "on")]
        for place, (_, datatype, unit) in PROPERTIES.items():
            said.append(self._kept(f"{place}/$datatype", datatype))
            said += [self._kept(f"{place}/$unit", unit)] if unit else [self._kept(f"{place}/$settable", "true")]
        return said

    def report(self, now: Moment) -> list[Said]:
        said = []
        for place, (point, datatype, _) in PROPERTIES.items():
            if datatype == "boolean":
                words, value = ("true", 1.0) if self._on else ("false", 0.0)
            else:
                words = f"{self.figure(now, point):.3f}"
                value = float(words)
            said.append(self._kept(place, words, reads([now.reading(point, value)])))
        return said

    def switch(self, now: Moment, on: bool) -> list[Said]:
        """The relay."""
        self._on = on
        return [self._kept("relay/on", "true" if on else "false", reads([now.reading("relay_on", on)]))]

    def _kept(self, place: str, words: str, expected: Expectation = Expectation()) -> Said:
        return text(f"{self.topic}/{place}", words, expected, qos=1, retain=True)


class Homie5(Homie4):
    """Version 5: the description is one JSON, the root has the version in it."""

    def description(self) -> list[Said]:
        nodes: dict[str, dict[str, object]] = {}
        for place, (point, datatype, unit) in PROPERTIES.items():
            node, name = place.split("/")
            about = {"name": point, "datatype": datatype, "settable": not unit} | ({"unit": unit} if unit else {})
            properties = nodes.setdefault(node, {"name": node, "properties": {}})["properties"]
            assert isinstance(properties, dict)
            properties[name] = about
        body = {"homie": "5.0", "name": self.device, "version": 1681234567890, "nodes": nodes}
        return [Said(f"{self.topic}/$description", spelled(body), qos=1, retain=True)]
