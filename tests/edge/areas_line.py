"""A line whose devices keep coils, contacts, inputs and holding registers apart, and that records every function asked.

Who asks with a function that writes is found in `functions`, and has changed nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from tests.edge.modbus_line import Asked, ModbusLine, checksum

AREAS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}

Held = Mapping[str, Mapping[int, int]]


class AreasLine(ModbusLine):
    """``devices``: by unit, by area, by address. ``words_max``: longer requests are refused with exception 3.

    gateway: a unit that is not there is answered for with exception 11, as a Modbus gateway does. alone: words that are
    given only when exactly that register is asked for, as Carlo Gavazzi's meters do with their code.
    """

    def __init__(self, devices: Mapping[int, Held], *, framing: str = "tcp", gateway: bool = False) -> None:
        super().__init__({}, framing=framing)
        self.devices = devices
        self.units = _All() if gateway else {unit: {} for unit in devices}
        self.words_max = 125
        self.alone: dict[int, int] = {}

    @property
    def functions(self) -> set[int]:
        return {asked.function for asked in self.asked}

    def _frame(self, asked: Asked, frame: bytes, fault: str, argument: str) -> bytes:
        pdu = self._exception(asked, int(argument)) if fault == "exception" else self._pdu(asked)
        unit = asked.unit + 1 if fault == "unit" else asked.unit
        if self.framing == "tcp":
            return frame[:4] + struct.pack(">HB", len(pdu) + 1, unit) + pdu
        body = bytes((unit,)) + pdu
        check = checksum(body)
        return body + (bytes((check[0] ^ 1, check[1])) if fault == "checksum" else check)

    def _pdu(self, asked: Asked) -> bytes:
        device = self.devices.get(asked.unit)
        if device is None:
            return self._exception(asked, 11)
        held = device.get(AREAS.get(asked.function, ""))
        if held is None:
            return self._exception(asked, 1)
        addresses = range(asked.start, asked.start + asked.words)
        if asked.function >= 3 and asked.words > self.words_max:
            return self._exception(asked, 3)
        if asked.words == 1 and asked.start in self.alone:
            held = {asked.start: self.alone[asked.start]}
        if not all(address in held for address in addresses):
            return self._exception(asked, 2)
        if asked.function <= 2:
            bits = sum(bool(held[address]) << place for place, address in enumerate(addresses))
            data = bits.to_bytes((asked.words + 7) // 8, "little")
        else:
            data = struct.pack(f">{asked.words}H", *(held[address] for address in addresses))
        return bytes((asked.function, len(data))) + data

    def _exception(self, asked: Asked, code: int) -> bytes:
        return bytes((asked.function | 0x80, code))


class _All(dict[int, Mapping[int, int]]):
    def __contains__(self, unit: object) -> bool:
        return True


def text_words(text: str, registers: int) -> list[int]:
    """A text as registers, two letters to each, filled up with NUL."""
    raw = text.encode().ljust(2 * registers, b"\0")
    return [int.from_bytes(raw[place : place + 2], "big") for place in range(0, 2 * registers, 2)]


def at(start: int, words: list[int]) -> dict[int, int]:
    """Registers from ``start`` on."""
    return {start + place: word for place, word in enumerate(words)}
