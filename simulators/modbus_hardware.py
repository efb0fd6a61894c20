"""The Modbus half of the simulated hardware: meters, and the lines they are found on."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

from protocols.clock import Clock
from simulators.devices.meter import Meter
from simulators.devices.models import MODELS
from simulators.faults import NO_FAULT, Fault
from simulators.ledger import Ledger
from simulators.plans_modbus import LinePlan
from simulators.scenario import Scenario
from simulators.wires.modbus_rtu import ModbusRtuLine
from simulators.wires.modbus_tcp import ModbusTcpServer
from simulators.wires.unit_rack import Mode, UnitRack
from simulators.world.load import MeteredLoad


class LineAddress(NamedTuple):
    """Where a gateway finds a line: host and port, or the path of a serial port."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""
    baud: int = 0


class ModbusHardware:
    """Every meter of a scenario, served on its line."""

    def __init__(
        self,
        scenario: Scenario,
        ledger: Ledger,
        clock: Clock,
        *,
        directory: Path,
        origin_ms: int,
        ports: dict[str, int] | None = None,
    ) -> None:
        self._scenario, self._ledger, self._clock = scenario, ledger, clock
        self._directory, self._origin_ms = directory, origin_ms
        self._wanted_ports = dict(ports or {})
        self.meters = {plan.id: self._meter(plan.id) for plan in scenario.meter}
        self._lines: dict[str, ModbusTcpServer | ModbusRtuLine] = {
            line.name: self._line(line) for line in scenario.line
        }

    def _meter(self, device: str) -> Meter:
        plan = next(plan for plan in self._scenario.meter if plan.id == device)
        rng = random.Random(f"{self._scenario.seed}:{device}")
        load = MeteredLoad(rng, watts=plan.watts, phases=plan.phases, origin_ms=self._origin_ms, exports=plan.exports)
        return Meter(device, MODELS[plan.model].installed(), load, unit=plan.unit)

    def _line(self, line: LinePlan) -> ModbusTcpServer | ModbusRtuLine:
        meters = [self.meters[plan.id] for plan in self._scenario.meter if plan.line == line.name]
        rack = UnitRack(meters, self._ledger, self._clock, knows_absent=line.kind == "modbus-tcp")
        if line.kind == "modbus-tcp":
            port = self._wanted_ports.get(line.name, line.port)
            return ModbusTcpServer(rack, self._ledger, self._clock, host=line.host, port=port)
        path = Path(line.path) if line.path else self._directory / "lines" / line.name
        return ModbusRtuLine(rack, self._clock, path=path, baud=line.baud)

    @property
    def devices(self) -> frozenset[str]:
        """Ids of the devices that live here."""
        return frozenset(self.meters)

    async def start(self) -> None:
        """Serve every line."""
        for line in self._lines.values():
            await line.start()

    def addresses(self) -> dict[str, LineAddress]:
        """Where each line is found; only after `start`."""
        found: dict[str, LineAddress] = {}
        for plan in self._scenario.line:
            line = self._lines[plan.name]
            if isinstance(line, ModbusTcpServer):
                host, port = line.address
                found[plan.name] = LineAddress("modbus-tcp", host, port)
            else:
                found[plan.name] = LineAddress("modbus-rtu", path=str(line.path), baud=plan.baud)
        return found

    def break_device(self, device: str, fault: Fault) -> None:
        """Make a device misbehave from now on; raises KeyError for one that is not here."""
        self.meters[device].misbehave(fault, self._clock.now_ms())

    def mend_device(self, device: str) -> None:
        self.break_device(device, NO_FAULT)

    def halt(self, mode: Mode) -> None:
        """Begin no poll any more; a busy rack stays busy."""
        for line in self._lines.values():
            if line.rack.mode != "busy":
                line.rack.mode = mode

    async def close(self) -> None:
        for line in self._lines.values():
            await line.close()

    @property
    def answers_served(self) -> int:
        return sum(line.rack.served for line in self._lines.values())
