"""The MQTT half of the simulated hardware: doors and vehicles, each with a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from functools import partial

from protocols.clock import Clock
from protocols.settings import duration
from simulators.devices.door import EspRfidDoor
from simulators.devices.message import Mouth, Talks
from simulators.devices.vehicle import OwnTracksVehicle, will_of
from simulators.ledger import Ledger
from simulators.scenario import Scenario
from simulators.wires.mqtt import BrokerAccount, MqttWire, WillMessage
from simulators.world.people import make_people
from simulators.world.routes import make_timetable

LAST_MESSAGE_S = 15.0
"""How long a device that was told to halt may take to get its last message confirmed."""


class MqttHardware:
    """Every device of a scenario that publishes. Without ``account`` (no broker) there is none."""

    def __init__(
        self,
        scenario: Scenario,
        ledger: Ledger,
        clock: Clock,
        *,
        run: int = 0,
        account: Callable[[str], BrokerAccount] | None = None,
    ) -> None:
        self._scenario, self._ledger, self._clock, self._run = scenario, ledger, clock, run
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
        return random.Random(f"{self._scenario.seed}:{name}")

    def _make_talkers(self, account: Callable[[str], BrokerAccount]) -> None:
        people = make_people(self._rng("people"), self._scenario.people)
        clock = self._clock
        for number, door in enumerate(self._scenario.door):
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
        for number, car in enumerate(self._scenario.vehicle):
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

    def connect(self) -> None:
        """Doors and vehicles connect to their broker, and say nothing by themselves."""
        if not self._connected:
            self._connected = True
            self._tasks += [asyncio.create_task(wire.run(), name="device-connection") for wire in self._wires]

    def start_talking(self) -> None:
        """Doors and vehicles connect to their broker and begin to live."""
        self.connect()
        talkers: list[Talks] = [*self.doors.values(), *self.vehicles.values()]
        for talker in talkers:
            self._talking.append(asyncio.create_task(talker.run(self._halt), name=f"device[{talker.device}]"))

    async def halt(self) -> int:
        """No new message; messages begun are finished. How many could not be confirmed in time."""
        self._halt.set()
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


def _will_now(topic: str, clock: Clock) -> WillMessage:
    return will_of(topic, clock.now_ms())
