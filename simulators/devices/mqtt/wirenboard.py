"""Wiren Board: /devices/<id>/controls/<name>, text, retained, QoS 1; names hold blanks, topics begin with a slash.

At the start of its driver every counter is told as 0 and every other value as nothing, before the first read.
"""

from __future__ import annotations

from typing import ClassVar

from simulators.devices.mqtt.dialect import Dialect
from simulators.devices.mqtt.said import Moment, Said, reads, spelled, text
from simulators.ledger import Expectation
from simulators.wires.mqtt import WillMessage

Controls = dict[str, tuple[str, str]]
"""Name of a control -> its type and our point."""

MERCURY: Controls = {
    "Total consumption": ("power_consumption", "active_energy_import_total"),
    "P": ("power", "active_power_total"),
    "Urms L1": ("voltage", "voltage_l1_n"),
    "Irms L1": ("current", "current_l1"),
}


class WirenBoardMeter(Dialect):
    """A meter on the serial port of a controller."""

    report_s = 10.0
    controls: ClassVar[Controls] = MERCURY
    places: ClassVar[dict[str, str]] = {point: name for name, (_, point) in MERCURY.items()}

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"{self.topic}/meta/error", b"r", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        title = {"driver": "wb-mqtt-serial", "title": {"en": self.device}}
        said = [
            Said(f"{self.topic}/meta", spelled(title), qos=1, retain=True),
            text(f"{self.topic}/meta/error", "", qos=1, retain=True),
        ]
        for order, (name, (kind, point)) in enumerate(self.controls.items(), 1):
            about = spelled({"order": order, "readonly": kind != "switch", "type": kind})
            said.append(Said(f"{self.topic}/controls/{name}/meta", about, qos=1, retain=True))
            # Nothing was read yet: a counter of 0 and an empty text are no values.
            if kind == "power_consumption":
                said.append(self._control(name, "0", reads([now.unknown(point)])))
            elif kind != "switch":
                said.append(self._control(name, ""))
        return [*said, *self.report(now)]

    def report(self, now: Moment) -> list[Said]:
        return [self._value(now, name) for name in self.controls if self.controls[name][1] in self.measured(now)]

    def _value(self, now: Moment, name: str) -> Said:
        point = self.controls[name][1]
        value = round(self.figure(now, point), 3)
        words = f"{value:g}" if abs(value) < 1000 else f"{value:.2f}"
        expected = [now.unknown(point)] if not float(words) else [now.reading(point, float(words))]
        return self._control(name, words, reads(expected))

    def _control(self, name: str, words: str, expected: Expectation = Expectation()) -> Said:
        return text(f"{self.topic}/controls/{name}", words, expected, qos=1, retain=True)


class WirenBoardMap3e(WirenBoardMeter):
    """WB-MAP3E: three phases with totals."""

    controls: ClassVar[Controls] = {
        **{f"Urms L{n}": ("voltage", f"voltage_l{n}_n") for n in (1, 2, 3)},
        **{f"Irms L{n}": ("current", f"current_l{n}") for n in (1, 2, 3)},
        **{f"P L{n}": ("power", f"active_power_l{n}") for n in (1, 2, 3)},
        "Total P": ("power", "active_power_total"),
        "Total AP energy": ("power_consumption", "active_energy_import_total"),
        "Frequency": ("value", "frequency"),
    }
    places: ClassVar[dict[str, str]] = {}


class WirenBoardRelays(WirenBoardMeter):
    """WB-MR6C: six relays and inputs. Its door is the first input: 1 is closed contact."""

    opens = True
    controls: ClassVar[Controls] = {
        **{f"K{n}": ("switch", f"relay_{n}") for n in range(1, 7)},
        **{f"Input {n}": ("switch", f"digital_input_{n}") for n in range(1, 7)},
    }
    places: ClassVar[dict[str, str]] = {}

    def report(self, now: Moment) -> list[Said]:
        return [self._value(now, name) for name in self.controls]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        return [self._value(now, "Input 1")]

    def _value(self, now: Moment, name: str) -> Said:
        value = int(self.is_open) if name == "Input 1" else int(name == "K2")
        return self._control(name, str(value), reads([now.reading(self.controls[name][1], value)]))
