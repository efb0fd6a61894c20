"""The MQTT half of the simulated hardware: every device that publishes, each with a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from functools import partial

from protocols.clock import Clock
from protocols.settings import duration
from simulators.devices.mqtt.device import MqttDevice
from simulators.devices.mqtt.dialects import DIALECTS
from simulators.devices.mqtt.fitting import Fitter, zone_of
from simulators.devices.mqtt.strike import Strike, Whereabouts
from simulators.faults import Fault
from simulators.ledger import Ledger
from simulators.plans_mqtt import DevicePlan, DoorPlan, VehiclePlan
from simulators.scenario import Scenario
from simulators.wires.mqtt import BrokerAccount
from simulators.world.people import make_people
from simulators.world_clock import began_ms

LAST_MESSAGE_S = 15.0
"""How long a device that was told to halt may take to get its last message confirmed."""
LATE_S = 60.0
"""How long the end of the world's time may find devices that have something left to say."""
DOORS, VEHICLES, DEVICES = "doors", "vehicles", "devices"
"""Names of the accounts that they have at the broker."""


class MqttHardware:
    """Every device of a scenario that publishes. Without ``account`` (no broker) there is none."""

    def __init__(
        self,
        scenario: Scenario,
        ledger: Ledger,
        clock: Clock,
        *,
        origin_ms: int,
        run: int = 0,
        account: Callable[[str], BrokerAccount] | None = None,
    ) -> None:
        self._scenario, self._ledger, self._clock = scenario, ledger, clock
        self._origin_ms, self._run = origin_ms, run
        self.doors: dict[str, MqttDevice] = {}
        self.vehicles: dict[str, MqttDevice] = {}
        self.devices: dict[str, MqttDevice] = {}
        """All of them, doors and vehicles too."""
        if account is not None:
            self._fit_all(account)
        self._connected = False
        self._halt = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._talking: list[asyncio.Task[None]] = []

    def _fit_all(self, account: Callable[[str], BrokerAccount]) -> None:
        scenario = self._scenario
        begins_ms = began_ms(self._clock)
        lasting = duration(scenario.duration) if scenario.duration else None
        fitter = Fitter(
            ledger=self._ledger,
            clock=self._clock,
            seed=scenario.seed,
            people=make_people(random.Random(f"{scenario.seed}:people"), scenario.people),
            zone=zone_of(scenario.time_zone),
            origin_ms=self._origin_ms,
            begins_ms=begins_ms,
            ends_ms=None if lasting is None else begins_ms + round(lasting * 1000),
            run=self._run,
        )
        rows = [
            (DOORS, self.doors, map(_door, scenario.door)),
            (VEHICLES, self.vehicles, map(_vehicle, scenario.vehicle)),
            (DEVICES, dict[str, MqttDevice](), scenario.device),
        ]
        for who, kept, plans in rows:
            for number, plan in enumerate(plans):
                faults = [fault for fault in scenario.fault if fault.device == plan.id]
                kept[plan.id] = fitter.fit(plan, number, account(who), faults)
            self.devices |= kept

    def hang_doors(self, is_on: Callable[[str, str], bool]) -> None:
        """Doors with a strike are opened by it. is_on: whether a relay (module, point) is on now."""
        insides = {plan.zone: set[str]() for plan in self._scenario.door if plan.zone}
        whereabouts = Whereabouts(self._clock.monotonic)
        by_id = {plan.id: plan for plan in self._scenario.door}
        for plan in self._scenario.door:
            door = by_id.get(plan.exit_of, plan)
            if door.strike:
                module, _, point = door.strike.partition("/")
                device = self.doors[plan.id]
                device.strike = Strike(
                    door.id,
                    partial(is_on, module, point),
                    plan.regulars,
                    insides.get(door.zone),
                    whereabouts,
                    leaves=plan is not door,
                )
                device.dialect.decides = False
                device.dialect.opens = plan is door

    def connect(self) -> None:
        """All connect to their broker, and say nothing by themselves."""
        if not self._connected:
            self._connected = True
            for name, device in self.devices.items():
                self._tasks.append(asyncio.create_task(device.wire.run(), name=f"device-connection[{name}]"))

    def start_talking(self) -> None:
        """All connect to their broker and begin to live; planned faults begin to count their time."""
        self.connect()
        for name, device in self.devices.items():
            self._talking.append(asyncio.create_task(device.run(self._halt), name=f"device[{name}]"))

    async def lived(self) -> None:
        """Wait until every device has lived through the scenario's duration, however late the machine is."""
        if self._talking and self._scenario.duration:
            await asyncio.wait(self._talking, timeout=LATE_S)

    def break_device(self, device: str, fault: Fault) -> None:
        """Make a device misbehave from now on; raises KeyError for one that is not here."""
        self.devices[device].break_down(fault)

    def mend_device(self, device: str) -> None:
        """The device behaves again; raises KeyError for one that is not here."""
        self.devices[device].mend()

    async def halt(self) -> int:
        """No new message; messages begun are finished. How many could not be confirmed in time."""
        self._halt.set()
        for device in self.devices.values():
            device.mend()
        if not self._talking:
            return 0
        _, left = await asyncio.wait(self._talking, timeout=LAST_MESSAGE_S)
        return len(left)

    async def close(self) -> None:
        """Everything ends, at once."""
        self._halt.set()
        for device in self.devices.values():
            device.mend()
        await _end(self._talking)
        await _end(self._tasks)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    tasks.clear()


def topics_of(plan: DevicePlan) -> tuple[str, ...]:
    """Filters of all topics on which a device publishes."""
    return DIALECTS[plan.dialect].speaks_on(plan.topic)


def _door(plan: DoorPlan) -> DevicePlan:
    return DevicePlan(
        id=plan.id,
        dialect="esp-rfid/reader",
        topic=plan.topic,
        name=plan.name,
        gateway=plan.gateway,
        tap_every=plan.swipe_every,
        by_the_clock=plan.by_the_clock,
        misuse=plan.misuse,
        qos=1,
    )


def _vehicle(plan: VehiclePlan) -> DevicePlan:
    return DevicePlan(
        id=plan.id,
        dialect="owntracks/phone",
        topic=plan.topic,
        name=plan.name,
        gateway=plan.gateway,
        every=plan.moving_every,
        parked_every=plan.parked_every,
        drives=plan.drives,
        retain=plan.retain,
    )
