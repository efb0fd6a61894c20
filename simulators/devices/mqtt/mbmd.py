"""mbmd, the Modbus meter daemon: every value on its own topic, three decimals, in no certain order."""

from __future__ import annotations

from simulators.devices.mqtt.dialect import Dialect
from simulators.devices.mqtt.said import Moment, Said, reads, text
from simulators.wires.mqtt import WillMessage

TOTALS = {
    "Power": "active_power_total",
    "Import": "active_energy_import_total",
    "Export": "active_energy_export_total",
    "Sum": "active_energy_sum_total",
    "Cosphi": "power_factor_total",
    "Frequency": "frequency",
}
PHASES = {
    "Power": "active_power",
    "Voltage": "voltage",
    "Current": "current",
    "Import": "active_energy_import",
    "Export": "active_energy_export",
    "Cosphi": "power_factor",
}


class MbmdMeter(Dialect):
    """The will speaks of the daemon only; a dead meter just stops."""

    report_s = 10.0

    @staticmethod
    def speaks_on(topic: str) -> tuple[str, ...]:
        return (f"{topic}/#", f"{topic.rsplit('/', 1)[0]}/status")

    @property
    def _status(self) -> str:
        return f"{self.topic.rsplit('/', 1)[0]}/status"

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(self._status, b"disconnected", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        return [text(self._status, "connected", retain=True)]

    def report(self, now: Moment) -> list[Said]:
        points = dict(TOTALS)
        for number in (1, 2, 3):
            for name, point in PHASES.items():
                points[f"{name}/L{number}"] = f"{point}_l{number}{'_n' if name == 'Voltage' else ''}"
        truth, said = self.measured(now), []
        for name, point in points.items():
            if point in truth:
                words = f"{self.figure(now, point):.3f}"
                said.append(text(f"{self.topic}/{name}", words, reads([now.reading(point, float(words))])))
        self.rng.shuffle(said)
        return said
