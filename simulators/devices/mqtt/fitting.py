"""Fits the devices of a scenario: gives each its place in the simulated world, its wire, and its planned faults."""

from __future__ import annotations

import random
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import partial

from protocols.clock import Clock
from protocols.settings import duration
from simulators.devices.mqtt.device import MqttDevice, PlannedFault
from simulators.devices.mqtt.dialect import Place
from simulators.devices.mqtt.dialects import DIALECTS
from simulators.devices.mqtt.misbehaviour import offset_s
from simulators.faults import Fault, kind_of
from simulators.ledger import Ledger
from simulators.plans import FaultPlan
from simulators.plans_mqtt import DevicePlan
from simulators.wires.mqtt import BrokerAccount, WillMessage
from simulators.wires.mqtt_device import DeviceWire
from simulators.world.day import busy
from simulators.world.driver import Driver
from simulators.world.load import MeteredLoad
from simulators.world.people import Person
from simulators.world.rooms import Room
from simulators.world.rounds import walker
from simulators.world.routes import make_timetable
from simulators.world_clock import machine_of

WORLD_EPOCH_MS = 1_767_571_200_000
"""The instant of the simulated world at which devices are fitted: a Monday, so that one seed gives one world however
late it is started."""
MS = 1000


@dataclass(frozen=True, kw_only=True)
class Fitter:
    """What all devices of one scenario share.

    origin_ms: when they were fitted; the same on every start, and no counter goes back. begins_ms, ends_ms: of this
    run, in the world's time; None: until it is ended. run: a number that differs between runs.
    """

    ledger: Ledger
    clock: Clock
    seed: int
    people: Sequence[Person]
    zone: tzinfo
    origin_ms: int
    begins_ms: int
    ends_ms: int | None = None
    run: int = 0

    def fit(
        self, plan: DevicePlan, number: int, account: BrokerAccount, faults: Sequence[FaultPlan] = ()
    ) -> MqttDevice:
        """One device; ``number`` tells its parking bay."""
        shift_ms = WORLD_EPOCH_MS - self.origin_ms
        kind = DIALECTS[plan.dialect]
        load = MeteredLoad(
            random.Random(f"{self.seed}:{plan.id}"),
            watts=plan.watts,
            phases=plan.phases,
            origin_ms=WORLD_EPOCH_MS,
        )
        driver, room = self._driver(plan, number, shift_ms), Room()
        place = Place(
            device=plan.id,
            topic=plan.topic,
            rng=random.Random(f"{self.seed}:{plan.id}:{self.run}:words"),
            ident=plan.ident,
            zone=self.zone,
            parked_s=duration(plan.parked_every) if plan.parked_every else 0.0,
            measured=lambda at_ms: load.at(at_ms + shift_ms),
            fix=driver.fix_at,
            occupied=room.occupied if plan.meets else lambda at_ms: None,
        )
        wire_clock = machine_of(self.clock)

        def wire(will: Callable[[], WillMessage | None], connected: Callable[[], None]) -> DeviceWire:
            client_id = f"{plan.dialect.replace('/', '-')}-{plan.id}"
            return DeviceWire(account, client_id, wire_clock, will=will, on_connected=connected)

        device = MqttDevice(
            plan.id,
            kind(place),
            wire,
            self.ledger,
            self.clock,
            wire_clock,
            rng=random.Random(f"{self.seed}:{plan.id}:{self.run}"),
            people=self.people,
            every_s=duration(plan.every) if plan.every else 0.0,
            tap_every_s=duration(plan.tap_every),
            begins_ms=self.begins_ms,
            ends_ms=self.ends_ms,
            faults=[self._planned(fault) for fault in faults],
            qos=plan.qos,
            retain=plan.retain,
            misuse=plan.misuse,
            busy=partial(busy, zone=self.zone) if plan.by_the_clock else None,
        )
        device.driver, device.room = driver, room
        return device

    def _driver(self, plan: DevicePlan, number: int, shift_ms: int) -> Driver:
        """Of a vehicle by its timetable; a guard of the sample site walks the rounds."""
        walks = walker(plan.id, self.zone)
        if walks is not None:
            return Driver(walks, walks(0), walking=True)
        rng = random.Random(f"{self.seed}:route:{plan.id}")
        table = make_timetable(rng, bay=number, drives=plan.drives, vehicle=plan.id)
        return Driver(lambda at_ms: table.place_at(at_ms + shift_ms), table.home)

    def _planned(self, plan: FaultPlan) -> PlannedFault:
        from_ms = self.begins_ms + round(duration(plan.after) * MS)
        lasting_ms = round(duration(plan.lasting) * MS)
        fault = Fault(kind_of(plan.kind) or plan.kind, duration(plan.delay), plan.code, offset_s=offset_s(plan.offset))
        return PlannedFault(from_ms, from_ms + lasting_ms if lasting_ms else None, fault)


def zone_of(name: str) -> tzinfo:
    """The zone that devices without one in their messages go by."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
