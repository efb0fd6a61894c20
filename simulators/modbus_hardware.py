"""The Modbus half of the simulated hardware: meters and modules, and the lines they are found on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import zlib
from pathlib import Path
from typing import NamedTuple

from protocols.clock import Clock
from protocols.errors import BadSettings
from protocols.settings import duration
from simulators.devices.io_module import IoModule
from simulators.devices.meter import Meter
from simulators.devices.models import MODELS, MODULES
from simulators.devices.unit import Unit
from simulators.energy_world import loads_of
from simulators.faults import FLAPPING, NO_FAULT, Fault
from simulators.ledger import Ledger
from simulators.plans_modbus import SHARES, LinePlan, MeterPlan, ModulePlan
from simulators.scenario import Scenario
from simulators.wires.modbus_rtu import ModbusRtuLine
from simulators.wires.modbus_tcp import Manners, ModbusTcpServer, SerialServer
from simulators.wires.unit_rack import Mode, UnitRack
from simulators.world.load import MeteredLoad

FLAP_S = 2.0
SERIALS_FROM, SERIALS = 20_000_000, 9_000_000
"""Serial numbers are made from the ids of devices, so that they stay the same."""

Line = ModbusTcpServer | SerialServer | ModbusRtuLine


class LineAddress(NamedTuple):
    """Where a gateway finds a line: host and port, or the path of a serial port."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""
    baud: int = 0


class ModbusHardware:
    """Every meter and module of a scenario, served on its line."""

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
        self._loads = loads_of(scenario, origin_ms)
        self.meters = {plan.id: self._meter(plan) for plan in scenario.meter}
        self.modules = {plan.id: _module(plan) for plan in scenario.module}
        self._plans = {plan.name: plan for plan in scenario.line}
        self._lines: dict[str, Line] = {line.name: self._line(line) for line in scenario.line}
        self._flapping: dict[str, asyncio.Task[None]] = {}

    def _meter(self, plan: MeterPlan) -> Meter:
        model = MODELS[plan.model]
        load = self._loads.get(plan.id) or MeteredLoad(
            random.Random(f"{self._scenario.seed}:{plan.id}"),
            watts=plan.watts,
            phases=plan.phases or model.phases,
            origin_ms=self._origin_ms,
            exports=plan.exports,
        )
        serial_number = SERIALS_FROM + zlib.crc32(plan.id.encode()) % SERIALS
        return Meter(plan.id, model.installed(serial_number, ct=plan.ct, pt=plan.pt), load, unit=plan.unit)

    def _line(self, line: LinePlan) -> Line:
        rows: list[MeterPlan | ModulePlan] = [*self._scenario.meter, *self._scenario.module]
        units = [self.units[row.id] for row in rows if row.line == line.name]
        rack = UnitRack(
            units,
            self._ledger,
            self._clock,
            knows_absent=line.kind == "modbus-tcp",
            serial=line.kind != "modbus-tcp",
            always=[Fault(kind, share=getattr(line, kind)) for kind in SHARES if getattr(line, kind)],
            rng=random.Random(f"{self._scenario.seed}:{line.name}"),
        )
        if line.kind == "modbus-rtu":
            path = Path(line.path) if line.path else self._directory / "lines" / line.name
            return ModbusRtuLine(rack, self._clock, path=path, baud=line.baud)
        remembered = self._wanted_ports.get(line.name)
        server = ModbusTcpServer if line.kind == "modbus-tcp" else SerialServer
        return server(
            rack,
            self._ledger,
            self._clock,
            host=line.host,
            port=line.port if remembered is None else remembered,
            exact=remembered is None and line.port != 0,
            manners=Manners(line.one_connection, duration(line.idle_close)),
        )

    @property
    def units(self) -> dict[str, Unit]:
        """Every meter and module by its id."""
        return {**self.meters, **self.modules}

    def relay_on(self, module: str, point: str) -> bool:
        """Whether a relay (``relay_1``) of a module is on now."""
        return self.modules[module].relay_on(int(point.rpartition("_")[2]), self._clock.now_ms())

    @property
    def devices(self) -> frozenset[str]:
        """Ids of the devices that live here."""
        return frozenset(self.units)

    @property
    def lines(self) -> dict[str, Line]:
        return dict(self._lines)

    async def start(self) -> None:
        """Serve every line. Raises BadSettings where a port is in use or a path cannot be made."""
        for name, line in self._lines.items():
            try:
                await line.start()
            except OSError as error:
                raise BadSettings(_why_not(line, error), file=f"line {name}") from None
            period_s = duration(self._plans[name].flapping)
            if period_s:
                self.break_line(name, Fault(FLAPPING, period_s))

    def addresses(self) -> dict[str, LineAddress]:
        """Where each line is found; only after `start`."""
        found: dict[str, LineAddress] = {}
        for plan in self._scenario.line:
            line = self._lines[plan.name]
            if isinstance(line, ModbusRtuLine):
                found[plan.name] = LineAddress(plan.kind, path=str(line.path), baud=plan.baud)
            else:
                found[plan.name] = LineAddress(plan.kind, *line.address)
        return found

    def break_device(self, device: str, fault: Fault) -> None:
        """Make a device or a line misbehave from now on; raises KeyError for one that is not here."""
        if device not in self.units:
            self.break_line(device, fault)
            return
        self._tell(device, fault)
        self.units[device].misbehave(fault, self._clock.now_ms())

    def mend_device(self, device: str) -> None:
        """A device or a line behaves again; what a line does all the time stays."""
        self.break_device(device, NO_FAULT)

    def break_line(self, name: str, fault: Fault) -> None:
        """Make a line misbehave from now on, for every unit on it; raises KeyError for one that is not here."""
        line = self._lines[name]
        self._tell(name, fault)
        line.rack.fault = NO_FAULT if fault.kind == FLAPPING else fault
        running = self._flapping.pop(name, None)
        if running is not None:
            running.cancel()
        if fault.kind == FLAPPING or running is not None:
            period_s = (fault.delay_s or FLAP_S) if fault.kind == FLAPPING else 0.0
            self._flapping[name] = asyncio.create_task(self._flap(line, period_s, running), name=f"flap[{name}]")

    async def _flap(self, line: Line, period_s: float, before: asyncio.Task[None] | None) -> None:
        """Away for a period, back for a period; with 0 only back."""
        if before is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await before
        while period_s:
            await line.close()
            try:
                await self._clock.sleep(period_s)
            finally:
                await line.start()
            await self._clock.sleep(period_s)

    def _tell(self, name: str, fault: Fault) -> None:
        what = "misbehaves" if fault.kind else "behaves again"
        self._ledger.happened(self._clock.now_ms(), what, name, fault.kind)

    def halt(self, mode: Mode) -> None:
        """Begin no poll any more; a busy rack stays busy."""
        for line in self._lines.values():
            if line.rack.mode != "busy":
                line.rack.mode = mode

    async def close(self) -> None:
        for task in self._flapping.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._flapping.clear()
        for line in self._lines.values():
            await line.close()

    @property
    def answers_served(self) -> int:
        return sum(line.rack.served for line in self._lines.values())


def _module(plan: ModulePlan) -> IoModule:
    follows = {_number(contact): _number(relay) for contact, relay in plan.follows.items()}
    return IoModule(plan.id, MODULES[plan.model], unit=plan.unit, follows=follows)


def _number(name: str) -> int:
    return int(name.rsplit("_", 1)[1])


def _why_not(line: Line, error: OSError) -> str:
    if isinstance(line, ModbusRtuLine):
        return f"cannot make the serial port {line.path}: {error.strerror or error}; choose another path"
    host, port = line.wanted
    reason, hint = error.strerror or str(error), "choose another address"
    if error.errno == errno.EADDRINUSE:
        reason, hint = "the port is in use", "end what listens there, or choose another port"
    elif error.errno == errno.EACCES:
        reason, hint = "ports below 1024 need rights that this user has not", "choose a higher port"
    return f"cannot listen on {host}:{port}: {reason}; {hint}"
