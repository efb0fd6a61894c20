"""Handles to single simulated devices: what a test calls to make them speak, fail, and say what they gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulators.devices.mqtt.dialect import GRANTING
from simulators.devices.mqtt.dialects import DIALECTS
from simulators.ledger import Written
from simulators.workshop import Workshop
from simulators.workshop_hardware import Asked, SimulatedHardware
from simulators.world.people import Person

WIRES = {"tcp": "modbus-tcp", "rtu": "modbus-rtu", "rtu-tcp": "modbus-rtu-tcp"}
CARD_READERS = {
    "esp-rfid": "esp-rfid/reader",
    "tasmota": "tasmota/pn532",
    "esphome": "esphome/tag",
    "ha-tag": "homeassistant/tag",
}
"""Short names of dialects."""


ANOTHER_TAP_S = 1.2


class SimulatedDevice:
    """``id`` is its name at a gateway; ``hardware`` is the scenario it plays in."""

    def __init__(self, hardware: SimulatedHardware, device: str) -> None:
        self.hardware, self.id = hardware, device

    def breaks(
        self, kind: str, *, delay_s: float = 2.0, code: int = 4, share: float = 1.0, offset: str = "0 s"
    ) -> None:
        """Misbehave from now on, in a ``share`` of all answers. Raises ValueError that names the faults there are."""
        self.hardware.breaks(self.id, kind, delay_s=delay_s, code=code, share=share, offset=offset)

    def mends(self) -> None:
        """Behave again."""
        self.hardware.mends(self.id)


class SimulatedUnit(SimulatedDevice):
    """One unit id of a line: ``host`` and ``port``, or ``path`` of a serial port; ``unit``."""

    def __init__(self, hardware: SimulatedHardware, device: str, unit: int, line: str) -> None:
        super().__init__(hardware, device)
        self.unit, self._line = unit, line
        where = hardware.addresses[line]
        self.host, self.port, self.path = where.host, where.port, where.path

    @property
    def asked(self) -> list[Asked]:
        """Every request to this unit, oldest first."""
        return [request for request in self.hardware.asked(self._line) if request.unit == self.unit]

    def served(self, point: str) -> list[float]:
        """Every value of a point that was put into an answer, oldest first."""
        return self.hardware.served(self.id, point)

    @property
    def written(self) -> list[Written]:
        """Every write that reached it, oldest first: ``function``, ``address``, ``values``, ``refused`` (the exception
        code, or 0), ``at`` in ms."""
        return self.hardware.writes(self.id)


class SimulatedMeter(SimulatedUnit):
    """One meter."""


class SimulatedModule(SimulatedUnit):
    """One module of relays and inputs, numbered from 1. Its pulses run by its own clock."""

    def __init__(self, workshop: Workshop, hardware: SimulatedHardware, device: str, unit: int, line: str) -> None:
        super().__init__(hardware, device, unit, line)
        self._workshop, self._module = workshop, hardware.module(device)

    def relay_on(self, number: int) -> bool:
        """How a relay stands now, whatever was asked or answered."""
        return self._workshop.call(lambda: self._module.relay_on(number, self._workshop.clock.now_ms()))

    def input_on(self, number: int) -> bool:
        """How an input stands now."""
        return self._workshop.call(lambda: self._module.input_on(number, self._workshop.clock.now_ms()))

    def set_input(self, number: int, on: bool) -> None:
        """Somebody opens a door or pushes a button. An input that followed a relay follows it no more."""
        self._workshop.call(lambda: self._module.set_input(number, on, self._workshop.clock.now_ms()))

    def wait_relay(self, number: int, on: bool, within_s: float = 10.0) -> None:
        """Wait until a relay stands so; raises an AssertionError that lists what was written to the module."""
        __tracebackhide__ = True
        self._workshop.until(
            lambda: self.relay_on(number) == on,
            within_s,
            lambda: (
                f"relay {number} of {self.id} is {'on' if on else 'off'}; written to it: {self.written or 'nothing'}"
            ),
        )


class SimulatedBus:
    """One line with several units: ``bus[7]`` is the one with unit id 7. ``host`` and ``port``, or ``path``."""

    def __init__(self, workshop: Workshop, hardware: SimulatedHardware, line: str, units: Mapping[int, str]) -> None:
        self.hardware, self._line = hardware, line
        where = hardware.addresses[line]
        self.host, self.port, self.path, self.baud = where.host, where.port, where.path, where.baud
        modules = {row.id for row in hardware.scenario.module}
        self._units: dict[int, SimulatedMeter | SimulatedModule] = {
            unit: SimulatedModule(workshop, hardware, device, unit, line)
            if device in modules
            else SimulatedMeter(hardware, device, unit, line)
            for unit, device in units.items()
        }

    def __getitem__(self, unit: int) -> Any:
        if unit not in self._units:
            raise KeyError(f"no unit {unit} on this line; there are {', '.join(map(str, self._units))}")
        return self._units[unit]

    @property
    def units(self) -> tuple[int, ...]:
        return tuple(self._units)

    @property
    def asked(self) -> list[Asked]:
        """Every request on the line, oldest first, also those to units that are not there."""
        return self.hardware.asked(self._line)

    def breaks(self, kind: str, *, delay_s: float = 2.0, share: float = 1.0) -> None:
        """Every answer on the line goes wrong, whichever unit gives it."""
        self.hardware.breaks_line(self._line, kind, delay_s=delay_s, share=share)

    def mends(self) -> None:
        """The line is as it should be again."""
        self.hardware.mends_line(self._line)


class SimulatedTalker(SimulatedDevice):
    """One device that publishes below ``topic`` in its ``dialect``, when the test wants it."""

    def __init__(self, workshop: Workshop, hardware: SimulatedHardware, device: str, topic: str, dialect: str) -> None:
        super().__init__(hardware, device)
        self._workshop, self.topic, self.dialect = workshop, topic, dialect
        self._device = hardware.talker(device)
        self._tapped_at: dict[str, float] = {}

    def published(self) -> int:
        """Messages of this device that the broker has confirmed."""
        return self.hardware.published(self.id)

    def report(self) -> None:
        """Say now what it says by itself every so often; returns when the broker has it."""
        self._workshop.do(self._device.report)

    def tap(self, card: str, *, name: str = "Tester", access: str = "Always", known: bool = True) -> None:
        """Hold a card to its reader; returns when the broker has it. Raises ValueError when it reads no cards.

        card: hex digits of the UID, as on the card. access: as a reader with a list of its own stores it ("Always",
        "Admin", "Expired", "Disabled"); known false: a card that it has never seen. Readers tell a card that stays
        before them again and again, so that one card twice within a second is one tap to who listens: the second waits.
        """
        if not DIALECTS[self.dialect].taps:
            raise ValueError(f"{self.dialect} reads no cards; these do: {', '.join(sorted(card_dialects()))}")
        person = Person(name, _uid(card), access)

        async def tap() -> None:
            await self._workshop.clock.sleep_until(self._tapped_at.get(person.card, 0.0) + ANOTHER_TAP_S)
            await self._device.tap(person, known=known)
            self._tapped_at[person.card] = self._workshop.clock.monotonic()

        self._workshop.do(tap)

    def opens(self) -> None:
        """Its door is opened; returns when the broker has it. Raises ValueError when it knows no door."""
        self._turn(is_open=True)

    def closes(self) -> None:
        """Its door is closed; returns when the broker has it."""
        self._turn(is_open=False)

    def swipe(self, card: str, *, access: str = "Always") -> None:
        """Hold a card to it; accepted, the door is opened and closed again."""
        self.tap(card, access=access)
        if access in GRANTING:
            self.opens()
            self.closes()

    def _turn(self, *, is_open: bool) -> None:
        if not DIALECTS[self.dialect].opens:
            doors = ", ".join(sorted(name for name, kind in DIALECTS.items() if kind.opens))
            raise ValueError(f"{self.dialect} knows no door; these do: {doors}")
        self._workshop.do(lambda: self._device.turn(is_open))


def card_dialects() -> list[str]:
    """Dialects of devices that read cards."""
    return [name for name, kind in DIALECTS.items() if kind.taps]


def _uid(card: str) -> str:
    digits = card.replace(":", "").replace("-", "").replace(" ", "").upper()
    try:
        bytes.fromhex(digits)
    except ValueError:
        raise ValueError(f"{card!r} is no card number: hex digits, two to a byte, like '04A1B2C3D4E5F6'") from None
    return digits
