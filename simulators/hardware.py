"""Everything that pretends to be hardware, built from a scenario and served on its wires: the life of it.

What is served is in `modbus_hardware` and `mqtt_hardware`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from protocols.clock import Clock
from protocols.settings import duration
from simulators.devices.meter import Meter
from simulators.devices.mqtt.device import MqttDevice
from simulators.faults import Fault, kind_of
from simulators.ledger import Ledger
from simulators.modbus_hardware import LineAddress, ModbusHardware
from simulators.mqtt_hardware import LAST_MESSAGE_S, MqttHardware
from simulators.plans import FaultPlan
from simulators.scenario import Scenario
from simulators.wires.mqtt import BrokerAccount
from simulators.wires.unit_rack import Mode

__all__ = ["LAST_MESSAGE_S", "Hardware", "LineAddress"]


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
        self.scenario, self._clock = scenario, clock
        self.modbus = ModbusHardware(scenario, ledger, clock, directory=directory, origin_ms=origin_ms, ports=ports)
        self.mqtt = MqttHardware(scenario, ledger, clock, origin_ms=origin_ms, run=run, account=account)
        self.mqtt.hang_doors(self.modbus.relay_on)
        self._faults: list[asyncio.Task[None]] = []

    @property
    def meters(self) -> dict[str, Meter]:
        return self.modbus.meters

    @property
    def doors(self) -> dict[str, MqttDevice]:
        return self.mqtt.doors

    @property
    def vehicles(self) -> dict[str, MqttDevice]:
        return self.mqtt.vehicles

    async def start_lines(self) -> dict[str, LineAddress]:
        """Serve every meter; where each line is found."""
        await self.modbus.start()
        return self.addresses()

    def addresses(self) -> dict[str, LineAddress]:
        """Where each line is found; only after `start_lines`."""
        return self.modbus.addresses()

    def connect(self) -> None:
        """Doors and vehicles connect to their broker, and say nothing by themselves."""
        self.mqtt.connect()

    def start_talking(self) -> None:
        """Doors and vehicles connect to their broker and begin to live; faults begin to count their time."""
        self.mqtt.start_talking()
        for fault in self.scenario.fault:
            if fault.device in self.mqtt.devices:
                continue  # such a device has its faults on its own timetable
            name = f"fault[{fault.device or fault.line}]"
            self._faults.append(asyncio.create_task(self._misbehave(fault), name=name))

    @property
    def breakable(self) -> frozenset[str]:
        """Ids of devices and names of lines that can be made to misbehave."""
        return self.modbus.devices | self.modbus.lines.keys() | frozenset(self.mqtt.devices)

    def break_device(self, device: str, fault: Fault) -> None:
        """Make a device misbehave from now on; raises KeyError for one that is not here."""
        if device in self.mqtt.devices:
            self.mqtt.break_device(device, fault)
        else:
            self.modbus.break_device(device, fault)

    def mend_device(self, device: str) -> None:
        """The device behaves again; raises KeyError for one that is not here."""
        if device in self.mqtt.devices:
            self.mqtt.mend_device(device)
        else:
            self.modbus.mend_device(device)

    async def lived(self) -> None:
        """Wait until the devices that publish have lived through the scenario's duration."""
        await self.mqtt.lived()

    async def halt(self, mode: Mode = "busy") -> int:
        """No new message, no new poll; messages begun are finished. How many could not be confirmed in time."""
        self.modbus.halt(mode)
        return await self.mqtt.halt()

    async def close(self) -> None:
        """Everything ends, at once."""
        for task in self._faults:
            task.cancel()
        for task in self._faults:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._faults.clear()
        await self.mqtt.close()
        await self.modbus.close()

    @property
    def answers_served(self) -> int:
        return self.modbus.answers_served

    async def _misbehave(self, plan: FaultPlan) -> None:
        await self._clock.sleep(duration(plan.after))
        name = plan.device or plan.line
        self.break_device(name, Fault(kind_of(plan.kind) or plan.kind, duration(plan.delay), plan.code, plan.share))
        lasting = duration(plan.lasting)
        if lasting:
            await self._clock.sleep(lasting)
            self.mend_device(name)
