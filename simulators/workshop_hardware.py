"""Handles to simulated devices: what a test calls to make them speak, fail and say what they gave."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from typing import NamedTuple

from simulators.faults import KINDS, Fault
from simulators.hardware import Hardware, LineAddress
from simulators.scenario import Scenario
from simulators.wires.mqtt import BrokerAccount
from simulators.wires.unit_rack import Reply, UnitRack
from simulators.workshop import Workshop
from simulators.world.people import Person

DAY_MS = 86_400_000
WIRES = {"tcp": "modbus-tcp", "rtu": "modbus-rtu", "rtu-tcp": "modbus-rtu-tcp"}


class Asked(NamedTuple):
    """One request as it came from the wire. ``first`` and ``quantity`` are those of a read; ``pdu`` is all of it."""

    at: int
    unit: int
    function: int
    first: int
    quantity: int
    pdu: bytes


class SimulatedHardware:
    """A playing scenario: where its lines are, what its devices gave, and handles to its doors and vehicles."""

    def __init__(
        self, workshop: Workshop, scenario: Scenario, broker: BrokerAccount | None = None, *, talk: bool = True
    ) -> None:
        self._workshop, self.scenario = workshop, scenario
        self._asked: dict[str, list[Asked]] = {line.name: [] for line in scenario.line}
        clock = workshop.clock
        folder = workshop.folder / workshop.new_name("hardware")

        async def begin() -> tuple[Hardware, dict[str, LineAddress]]:
            account = None if broker is None else (lambda _: broker)
            hardware = Hardware(
                scenario,
                workshop.ledger,
                clock,
                directory=folder,
                origin_ms=clock.now_ms() - DAY_MS,
                account=account,
            )
            for name, line in hardware.modbus._lines.items():
                self._write_down(line.rack, self._asked[name])
            addresses = await hardware.start_lines()
            hardware.connect()
            if talk:
                hardware.start_talking()
            return hardware, addresses

        self._hardware, self.addresses = workshop.do(begin)

    def _write_down(self, rack: UnitRack, asked: list[Asked]) -> None:
        """Keep every request of a rack before it is answered."""
        answer, clock = rack.answer, self._workshop.clock

        def noted(unit: int, pdu: bytes) -> Reply:
            first, quantity = struct.unpack(">HH", pdu[1:5]) if len(pdu) >= 5 else (0, 0)
            asked.append(Asked(clock.now_ms(), unit, pdu[0] if pdu else 0, first, quantity, bytes(pdu)))
            return answer(unit, pdu)

        rack.answer = noted  # type: ignore[method-assign]  # the rack itself keeps no requests

    def asked(self, line: str) -> list[Asked]:
        """Every request that came over a line, oldest first."""
        return list(self._asked[line])

    def served(self, device: str, point: str) -> list[float]:
        """Every value of a point that was put into an answer, oldest first."""
        ledger = self._workshop.ledger
        return self._workshop.call(lambda: [v.value for v in ledger.served() if (v.device, v.point) == (device, point)])

    def published(self, device: str = "") -> int:
        """Messages that the broker has confirmed, of one device or of all of this scenario."""
        wanted = {device} if device else set(self.devices)
        ledger = self._workshop.ledger
        return self._workshop.call(
            lambda: sum(m.confirmed_at is not None and m.device in wanted for m in ledger.published())
        )

    @property
    def devices(self) -> tuple[str, ...]:
        """Ids of all devices of the scenario."""
        plan = self.scenario
        return (*(m.id for m in plan.meter), *(d.id for d in plan.door), *(v.id for v in plan.vehicle))

    def quiet(self) -> set[str]:
        """Devices that may have given nothing: those that speak when the test wants it, and units that were asked."""
        units = {meter.id for meter in self.scenario.meter}
        asked = {(line, request.unit) for line, requests in self._asked.items() for request in requests}
        return (set(self.devices) - units) | {m.id for m in self.scenario.meter if (m.line, m.unit) in asked}

    def breaks(self, device: str, kind: str, *, delay_s: float = 2.0, code: int = 4) -> None:
        """Make a device misbehave from now on; raises ValueError for a fault that there is not."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no fault of a device; there are {', '.join(KINDS)}")
        self._workshop.call(lambda: self._hardware.break_device(device, Fault(kind, delay_s, code)))

    def mends(self, device: str) -> None:
        """The device behaves again."""
        self._workshop.call(lambda: self._hardware.mend_device(device))

    def swipe(self, door: str, card: str, *, access: str = "Always") -> None:
        """Hold a card to a door's reader; returns when the broker has everything the controller says of it."""
        person = Person("Tester", card.upper(), access)
        self._workshop.do(lambda: self._hardware.doors[door].swipe(asyncio.Event(), person))

    def report(self, vehicle: str) -> None:
        """Make a vehicle publish where it is; returns when the broker has it."""
        self._workshop.do(self._hardware.vehicles[vehicle].report)

    def halt(self) -> int:
        """No device says or answers anything new; how many messages could not be confirmed."""
        return self._workshop.do(self._hardware.halt)

    def close(self) -> None:
        self._workshop.do(self._hardware.close)


class SimulatedMeter:
    """One meter or module. ``host`` and ``port``, or ``path`` of a serial port, ``unit`` and ``id``."""

    def __init__(self, hardware: SimulatedHardware, device: str, unit: int, line: str) -> None:
        self.hardware, self.id, self.unit, self._line = hardware, device, unit, line
        where = hardware.addresses[line]
        self.host, self.port, self.path = where.host, where.port, where.path

    @property
    def asked(self) -> list[Asked]:
        """Every request to this unit, oldest first."""
        return [request for request in self.hardware.asked(self._line) if request.unit == self.unit]

    def served(self, point: str) -> list[float]:
        """Every value of a point that was put into an answer, oldest first."""
        return self.hardware.served(self.id, point)

    def breaks(self, kind: str, *, delay_s: float = 2.0, code: int = 4) -> None:
        """Misbehave from now on: silent, slow, wrong, refusing ...: see `simulators.faults`."""
        self.hardware.breaks(self.id, kind, delay_s=delay_s, code=code)

    def mends(self) -> None:
        """Behave again."""
        self.hardware.mends(self.id)


class SimulatedBus:
    """One line with several units: ``bus[7]`` is the one with unit id 7. ``host`` and ``port``, or ``path``."""

    def __init__(self, hardware: SimulatedHardware, line: str, units: Mapping[int, str]) -> None:
        self.hardware, self._line = hardware, line
        where = hardware.addresses[line]
        self.host, self.port, self.path, self.baud = where.host, where.port, where.path, where.baud
        self._units = {unit: SimulatedMeter(hardware, device, unit, line) for unit, device in units.items()}

    def __getitem__(self, unit: int) -> SimulatedMeter:
        return self._units[unit]

    @property
    def units(self) -> tuple[int, ...]:
        return tuple(self._units)

    @property
    def asked(self) -> list[Asked]:
        """Every request on the line, oldest first, also those to units that are not there."""
        return self.hardware.asked(self._line)


class SimulatedTalker:
    """One device that publishes. It says nothing by itself."""

    def __init__(self, hardware: SimulatedHardware, device: str, topic: str) -> None:
        self.hardware, self.id, self.topic = hardware, device, topic

    def published(self) -> int:
        """Messages of this device that the broker has confirmed."""
        return self.hardware.published(self.id)


class SimulatedDoor(SimulatedTalker):
    """A door with an ESP-RFID controller."""

    def swipe(self, card: str, *, access: str = "Always") -> None:
        """Hold a card to its reader. Accepted, the door opens and closes (some seconds); returns after all of it."""
        self.hardware.swipe(self.id, card, access=access)


class SimulatedVehicle(SimulatedTalker):
    """A vehicle with OwnTracks."""

    def report(self) -> None:
        """Publish where it is now; returns when the broker has it."""
        self.hardware.report(self.id)
