"""A playing scenario in the hands of a test: where its lines are, what it was asked, what it gave, what goes wrong."""

from __future__ import annotations

from typing import NamedTuple

from protocols.settings import duration
from simulators.devices.io_module import IoModule
from simulators.devices.mqtt.device import MqttDevice
from simulators.devices.mqtt.misbehaviour import MQTT_KINDS, offset_s
from simulators.faults import KINDS as MODBUS_KINDS
from simulators.faults import LINE_ONLY, Fault, kind_of, nearest
from simulators.hardware import Hardware, LineAddress
from simulators.ledger import Written
from simulators.scenario import Scenario
from simulators.wires.mqtt import BrokerAccount
from simulators.wires.unit_rack import Heard
from simulators.workshop import Workshop
from simulators.world_clock import world_of

DAY_MS = 86_400_000


class Asked(NamedTuple):
    """One request as it came over the wire, and what became of it: "ok", "silent", "exception 2" and the like.

    ``at`` in ms. ``values``: what a write carries. A request that cannot be read has function 0.
    """

    at: int
    unit: int
    function: int
    first: int
    quantity: int
    values: tuple[int, ...]
    outcome: str


class SimulatedHardware:
    """``addresses`` by line, ``devices`` by id; what follows is for all of them by their id."""

    def __init__(
        self, workshop: Workshop, scenario: Scenario, broker: BrokerAccount | None = None, *, talk: bool = True
    ) -> None:
        self._workshop, self.scenario = workshop, scenario
        self._asked: dict[str, list[Asked]] = {line.name: [] for line in scenario.line}
        self._lasting_s = duration(scenario.duration) if scenario.duration else None
        clock = world_of(workshop.clock, speed=scenario.speed, lasting_s=self._lasting_s)
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
            for name, line in hardware.modbus.lines.items():
                line.rack.on_heard = lambda heard, name=name: self._heard(name, heard)
            addresses = await hardware.start_lines()
            hardware.connect()
            if talk:
                hardware.start_talking()
            else:
                for device in hardware.mqtt.devices.values():
                    await device.greet()
            return hardware, addresses

        self._hardware, self.addresses = workshop.do(begin)

    def _heard(self, line: str, heard: Heard) -> None:
        what = heard.request
        if what is None:
            self._asked[line].append(Asked(heard.at_ms, heard.unit, 0, 0, 0, (), heard.outcome))
        else:
            asked = Asked(heard.at_ms, heard.unit, what.function, what.first, what.quantity, what.values, heard.outcome)
            self._asked[line].append(asked)

    @property
    def devices(self) -> tuple[str, ...]:
        """Ids of all devices of the scenario."""
        return (*self._hardware.modbus.devices, *self._hardware.mqtt.devices)

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

    def quiet(self) -> set[str]:
        """Devices that may have given nothing: those that speak when the test wants it, and units that were asked."""
        asked = {(line, request.unit) for line, requests in self._asked.items() for request in requests}
        meters = {row.id for row in self.scenario.meter if (row.line, row.unit) in asked}
        modules = {row.id for row in self.scenario.module if (row.line, row.unit) in asked}
        return set(self._hardware.mqtt.devices) | meters | modules

    def breaks(
        self, device: str, kind: str, *, delay_s: float = 2.0, code: int = 4, share: float = 1.0, offset: str = "0 s"
    ) -> None:
        """Make a device misbehave from now on. Raises ValueError for a fault that it cannot have."""
        known = kind_of(kind)
        if device in self._hardware.mqtt.devices:
            if kind not in MQTT_KINDS:
                raise ValueError(f"{kind!r} is no fault of a device that publishes; there are {', '.join(MQTT_KINDS)}")
            known = kind
        elif known is None or known in LINE_ONLY:
            there_are = ", ".join(word for word in MODBUS_KINDS if word not in LINE_ONLY)
            raise ValueError(f"{kind!r} is no fault of a Modbus device: {nearest(kind)}there are {there_are}")
        fault = Fault(known, delay_s, code, share, offset_s(offset))
        self._workshop.call(lambda: self._hardware.break_device(device, fault))

    def mends(self, device: str) -> None:
        """The device behaves again."""
        self._workshop.call(lambda: self._hardware.mend_device(device))

    def breaks_line(self, line: str, kind: str, *, delay_s: float = 2.0, share: float = 1.0) -> None:
        """Make every answer on a line go wrong, whichever unit gives it: noise, wrong_unit, late, closing ..."""
        known = kind_of(kind)
        if known is None:
            raise ValueError(f"{kind!r} is no fault of a line: {nearest(kind)}there are {', '.join(MODBUS_KINDS)}")
        fault = Fault(known, delay_s, share=share)
        self._workshop.call(lambda: self._hardware.break_device(line, fault))

    def mends_line(self, line: str) -> None:
        """The line is as it should be again."""
        self._workshop.call(lambda: self._hardware.mend_device(line))

    def writes(self, device: str) -> list[Written]:
        """Every write that reached a Modbus device, oldest first, also those that it refused."""
        return self._workshop.call(lambda: self._workshop.ledger.writes(device))

    def module(self, device: str) -> IoModule:
        """A module of relays and inputs; to be touched in the workshop's thread only."""
        return self._hardware.modbus.modules[device]

    def talker(self, device: str) -> MqttDevice:
        """A device that publishes; to be touched in the workshop's thread only."""
        return self._hardware.mqtt.devices[device]

    def lived(self, within_s: float = 120.0) -> None:
        """Wait until the devices that publish have lived through the scenario's ``duration``. Raises ValueError when it
        has none."""
        if self._lasting_s is None:
            raise ValueError('this scenario lives until its test ends: give it an end, like duration = "10 min"')
        self._workshop.do(self._hardware.lived, within_s)

    def halt(self) -> int:
        """No device says or answers anything new; how many messages could not be confirmed."""
        return self._workshop.do(self._hardware.halt)

    def close(self) -> None:
        """Everything ends, at once."""
        self._workshop.do(self._hardware.close)
