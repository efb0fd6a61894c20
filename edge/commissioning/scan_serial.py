"""Scanning a serial line: its settings first, then the units, then what they are. Reads only."""

from __future__ import annotations

from collections.abc import Sequence

from edge.bus import DEAD_UNIT_QUIET_S
from edge.commissioning.scan_target import SerialSettings, rounds
from edge.commissioning.scan_unit import Asking, FoundUnit, name, probe, told
from edge.modbus_frames import ReadRequest
from edge.status_table import span

TIMEOUT_S = 0.3
NAMING_TIMEOUT_S = 1.0
PROBE_CHARACTERS = 17
"""On the wire for one question and its answer."""


class SerialScan:
    """One serial port. ``found`` and ``notes`` are good at any time, also when `run` is cancelled."""

    def __init__(self, port: str, settings: Sequence[SerialSettings], asking: Asking) -> None:
        self._port, self._settings, self._asking = port, tuple(settings), asking
        self._units, self._progress = asking.units, asking.progress
        self._timeout_s = asking.timeout_s or TIMEOUT_S
        self.found: list[FoundUnit] = []
        self.notes: list[str] = []
        self._good: dict[int, ReadRequest | None] = {}

    def plan(self) -> str:
        """What will be asked and how long it may take, said before the first question."""
        first = next(rounds(self._units))
        names = ", ".join(map(str, self._settings[:3])) + (", ..." if len(self._settings) > 3 else "")
        one = self._seconds(self._settings[:1], self._units)
        lines = [f"{self._port}: {len(self._settings)} serial settings ({names}), {len(self._units)} unit ids."]
        if len(self._settings) > 1:
            quick = self._seconds(self._settings, first)
            lines.append(
                f"Units {', '.join(map(str, first))} at every setting: {span(quick)}. Then the others where something "
                f"answered: {span(one)} at {self._settings[0]}. If nothing answers at all: "
                f"{span(self._seconds(self._settings, self._units))}."
            )
        else:
            lines.append(f"At most {span(one)} to find the units, then some seconds each to name them.")
        return "\n".join([*lines, "Nothing is written to any device."])

    async def run(self) -> None:
        """Find and name. Raises WireLost when the port cannot be opened."""
        settings = self._settings
        for units in rounds(self._units):
            left = [unit for unit in self._units if unit not in self._tried(units)]
            self._progress.expect(self._seconds(settings, units) + self._seconds(settings[:1], left))
            for each in settings:
                await self._search(each, units)
            if self.found:
                where = {found.where for found in self.found}
                settings = tuple(each for each in settings if self._where(each) in where)
        await self._name_all()
        if not self.found:
            self.notes.append(_nothing(self._port, self._asking.thorough))

    def _tried(self, units: Sequence[int]) -> set[int]:
        return set(self._units[: self._units.index(units[-1]) + 1])

    def _seconds(self, settings: Sequence[SerialSettings], units: Sequence[int]) -> float:
        return sum(self._worth_s(each) for each in settings) * len(units)

    def _worth_s(self, settings: SerialSettings) -> float:
        questions = 4 if self._asking.thorough else 1
        return questions * (self._timeout_s + DEAD_UNIT_QUIET_S + PROBE_CHARACTERS * settings.char_s)

    def _where(self, settings: SerialSettings) -> str:
        return f"{self._port} at {settings}"

    async def _search(self, settings: SerialSettings, units: Sequence[int]) -> None:
        where = self._where(settings)
        bus = self._asking.bus(settings.bus(self._port, self._timeout_s))
        try:
            for unit in units:
                self._progress.tries(f"{where}, unit {unit}", self._worth_s(settings))
                if any(found.unit == unit for found in self.found):
                    continue
                heard = await probe(bus, unit, self._asking)
                if heard is None:
                    continue
                if heard.good is None:
                    self.notes.append(_unreadable(where, unit, heard.how))
                    continue
                self._good[unit] = heard.good
                self.found.append(
                    FoundUnit(bus=settings.bus(self._port, NAMING_TIMEOUT_S), where=where, unit=unit, how=heard.how)
                )
                self._progress.finds(f"{where}: unit {unit} {heard.how}")
        finally:
            bus.close()

    async def _name_all(self) -> None:
        for where in dict.fromkeys(found.where for found in self.found):
            here = [found for found in self.found if found.where == where]
            settings = here[0].bus
            self._progress.says(f"{where}: asking {len(here)} {'unit' if len(here) == 1 else 'units'} what they are")
            bus = self._asking.bus(settings)
            try:
                for found in here:
                    self._progress.tries(f"{where}, naming unit {found.unit}", 0.0)
                    await name(bus, found, self._good[found.unit], self._asking)
                    self._progress.says(told(found))
            finally:
                bus.close()


def _unreadable(where: str, unit: int, how: str) -> str:
    return (
        f"{where}: bytes came when unit {unit} was asked, but {how}. Two devices with this unit id, another setting "
        f"of the line, swapped wires or missing termination; or a slow answer of another unit (try --timeout 1)"
    )


def _nothing(port: str, thorough: bool) -> str:
    more = "" if thorough else ", --thorough (asks with every reading function)"
    return (
        f"nothing answers on {port}. Check: A and B swapped, the meter powered, the right adapter; then try "
        f"--timeout 1 (slow devices){more}. Some modules leave the factory in another protocol"
    )
