"""Everything that pretends to be hardware, built from a scenario and served on its wires."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from protocols.clock import Clock
from protocols.settings import duration
from simulators.devices.door import EspRfidDoor
from simulators.devices.message import Mouth, Talks
from simulators.devices.meter import Meter
from simulators.devices.models import MODELS
from simulators.devices.vehicle import OwnTracksVehicle, will_of
from simulators.faults import NO_FAULT, Fault
from simulators.ledger import Ledger
from simulators.scenario import FaultPlan, LinePlan, Scenario
from simulators.wires.modbus_rtu import ModbusRtuLine
from simulators.wires.modbus_tcp import ModbusTcpServer
from simulators.wires.mqtt import BrokerAccount, MqttWire, WillMessage
from simulators.wires.unit_rack import Mode, UnitRack
from simulators.world.load import MeteredLoad
from simulators.world.people import make_people
from simulators.world.routes import make_timetable

log = logging.getLogger(__name__)

LAST_MESSAGE_S = 15.0
"""How long a device that was told to halt may take to get its last message confirmed."""


class LineAddress(NamedTuple):
    """Where a gateway finds a line: host and port, or the path of a serial port."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""
    baud: int = 0


class Hardware:
    """All simulated devices of a scenario.

    origin_ms: when the meters were installed; give the same on every start, and no counter goes back.
    run: a number that differs between runs, so that people do not walk through the same doors again.
    """

    def __init__(
        self,
        scenario: Scenario,
        ledger: Ledger,
        clock: Clock,
        *,
        directory: Path,
        origin_ms: int,
        run: int = 0,
        account: Callable[[str], BrokerAccount] | None = None,
        ports: dict[str, int] | None = None,
    ) -> None:
        self.scenario, self._ledger, self._clock = scenario, ledger, clock
        self._directory, self._origin_ms, self._run = directory, origin_ms, run
        self._account = account
        self._wanted_ports = dict(ports or {})
        self.meters = {plan.id: self._meter(plan.id) for plan in scenario.meter}
        self._lines: dict[str, ModbusTcpServer | ModbusRtuLine] = {
            line.name: self._line(line) for line in scenario.line
        }
        self._wires: list[MqttWire] = []
        self.doors: dict[str, EspRfidDoor] = {}
        self.vehicles: dict[str, OwnTracksVehicle] = {}
        if account is not None:
            self._make_talkers(account)
        self._connected = False
        self._halt = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._talking: list[asyncio.Task[None]] = []

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self.scenario.seed}:{name}")

    def _meter(self, device: str) -> Meter:
        plan = next(plan for plan in self.scenario.meter if plan.id == device)
        load = MeteredLoad(
            self._rng(device), watts=plan.watts, phases=plan.phases, origin_ms=self._origin_ms, exports=plan.exports
        )
        return Meter(device, MODELS[plan.model], load, unit=plan.unit)

    def _line(self, line: LinePlan) -> ModbusTcpServer | ModbusRtuLine:
        meters = [self.meters[plan.id] for plan in self.scenario.meter if plan.line == line.name]
        rack = UnitRack(meters, self._ledger, self._clock, knows_absent=line.kind == "modbus-tcp")
        if line.kind == "modbus-tcp":
            port = self._wanted_ports.get(line.name, line.port)
            return ModbusTcpServer(rack, self._ledger, self._clock, host=line.host, port=port)
        path = Path(line.path) if line.path else self._directory / "lines" / line.name
        return ModbusRtuLine(rack, self._clock, path=path, baud=line.baud)

    def _make_talkers(self, account: Callable[[str], BrokerAccount]) -> None:
        people = make_people(self._rng("people"), self.scenario.people)
        clock = self._clock
        for number, door in enumerate(self.scenario.door):
            wire = MqttWire(account("doors"), f"esp-rfid-{door.id}", clock)
            self._wires.append(wire)
            self.doors[door.id] = EspRfidDoor(
                Mouth(door.id, wire, self._ledger, clock),
                topic=door.topic,
                people=people,
                rng=self._rng(f"{door.id}:{self._run}"),
                number=number,
                swipe_every_s=duration(door.swipe_every),
            )
        for number, car in enumerate(self.scenario.vehicle):
            topic = car.topic
            wire = MqttWire(account("vehicles"), f"owntracks-{car.id}", clock, will=partial(_will_now, topic, clock))
            self._wires.append(wire)
            self.vehicles[car.id] = OwnTracksVehicle(
                Mouth(car.id, wire, self._ledger, clock),
                topic=topic,
                timetable=make_timetable(self._rng(f"route:{car.id}"), bay=number, drives=car.drives),
                rng=self._rng(f"{car.id}:{self._run}"),
                moving_s=duration(car.moving_every),
                parked_s=duration(car.parked_every),
                retain=car.retain,
            )

    async def start_lines(self) -> dict[str, LineAddress]:
        """Serve every meter; where each line is found."""
        for line in self._lines.values():
            await line.start()
        return self.addresses()

    def addresses(self) -> dict[str, LineAddress]:
        """Where each line is found; only after `start_lines`."""
        found: dict[str, LineAddress] = {}
        for plan in self.scenario.line:
            line = self._lines[plan.name]
            if isinstance(line, ModbusTcpServer):
                host, port = line.address
                found[plan.name] = LineAddress("modbus-tcp", host, port)
            else:
                found[plan.name] = LineAddress("modbus-rtu", path=str(line.path), baud=plan.baud)
        return found

    def connect(self) -> None:
        """Doors and vehicles connect to their broker, and say nothing by themselves."""
        if not self._connected:
            self._connected = True
            self._tasks += [asyncio.create_task(wire.run(), name="device-connection") for wire in self._wires]

    def start_talking(self) -> None:
        """Doors and vehicles connect to their broker and begin to live; faults begin to count their time."""
        self.connect()
        talkers: list[Talks] = [*self.doors.values(), *self.vehicles.values()]
        for talker in talkers:
            self._talking.append(asyncio.create_task(talker.run(self._halt), name=f"device[{talker.device}]"))
        for fault in self.scenario.fault:
            self._tasks.append(asyncio.create_task(self._misbehave(fault), name=f"fault[{fault.device}]"))

    async def halt(self, mode: Mode = "busy") -> int:
        """No new message, no new poll; messages begun are finished. How many could not be confirmed in time."""
        self._halt.set()
        for line in self._lines.values():
            if line.rack.mode != "busy":
                line.rack.mode = mode
        if not self._talking:
            return 0
        _, left = await asyncio.wait(self._talking, timeout=LAST_MESSAGE_S)
        return len(left)

    async def close(self) -> None:
        """Everything ends, at once."""
        self._halt.set()
        for task in (*self._talking, *self._tasks):
            task.cancel()
        for task in (*self._talking, *self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._talking.clear()
        self._tasks.clear()
        for line in self._lines.values():
            await line.close()

    @property
    def answers_served(self) -> int:
        return sum(line.rack.served for line in self._lines.values())

    async def _misbehave(self, plan: FaultPlan) -> None:
        await self._clock.sleep(duration(plan.after))
        meter = self.meters[plan.device]
        meter.fault = Fault(plan.kind, duration(plan.delay), plan.code)
        lasting = duration(plan.lasting)
        if lasting:
            await self._clock.sleep(lasting)
            meter.fault = NO_FAULT


def _will_now(topic: str, clock: Clock) -> WillMessage:
    return will_of(topic, clock.now_ms())
