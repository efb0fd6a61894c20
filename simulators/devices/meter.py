"""One simulated meter: a load, the register map of its model, a unit id, and a place for a fault."""

from __future__ import annotations

from simulators.devices.derived import complete
from simulators.devices.registers import Field, RegisterMap
from simulators.devices.unit import ILLEGAL_FUNCTION, Answer, Refusal
from simulators.faults import COUNTER_RESET, COUNTER_ROLLOVER, NO_FAULT, STUCK, Fault
from simulators.world.load import MeteredLoad


class Meter:
    """Answers reads with what its load draws at that instant. Time never runs backwards inside a meter."""

    def __init__(self, device: str, model: RegisterMap, load: MeteredLoad, *, unit: int) -> None:
        self.device, self.map, self.unit = device, model, unit
        self.model, self.silence_s = model.profile, model.silence_s
        self.fault: Fault = NO_FAULT
        self._load = load
        self._at_ms = 0
        self._stopped_ms: int | None = None
        self._counters = {item.point: item for item in model.fields if "_energy_" in item.point}
        self._moved: dict[str, float] = {}

    def read(self, function: int, first: int, count: int, at_ms: int) -> Answer | Refusal:
        """Registers as they stand at ``at_ms``, or the exception code this model answers with."""
        self._at_ms = max(self._at_ms, at_ms)
        at = self._at_ms if self._stopped_ms is None else self._stopped_ms
        return self.map.read(function, first, count, self._truth(at))

    def write(self, function: int, first: int, values: tuple[int, ...], at_ms: int) -> Refusal | None:
        """Nothing of a simulated meter can be set."""
        del function, first, values, at_ms
        return Refusal(ILLEGAL_FUNCTION)

    def misbehave(self, fault: Fault, at_ms: int) -> None:
        """From now on so. A counter that was reset or ran over goes on from there when the fault ends."""
        self._at_ms = max(self._at_ms, at_ms)
        self.fault = fault
        self._stopped_ms = self._at_ms if fault.kind == STUCK else None
        if fault.kind == COUNTER_RESET:
            self._move(self._at_ms, dict.fromkeys(self._counters, 0.0))
        elif fault.kind == COUNTER_ROLLOVER:
            ends = {point: item.rolls_at for point, item in self._counters.items()}
            self._move(self._at_ms + round(fault.delay_s * 1000), ends)

    def _move(self, at_ms: int, wanted: dict[str, float]) -> None:
        """Shift every counter so that it shows ``wanted`` at that instant."""
        truth = complete(self._load.at(at_ms), self.map.points)
        for point, value in wanted.items():
            now = truth.get(point)
            if now is not None:
                self._moved[point] = value - now

    def _truth(self, at_ms: int) -> dict[str, float | None]:
        truth = complete(self._load.at(at_ms), self.map.points)
        for point, shift in self._moved.items():
            now = truth.get(point)
            if now is not None:
                truth[point] = _within(self._counters[point], now + shift)
        return truth


def _within(item: Field, value: float) -> float:
    """A counter that reaches the end of its width starts again from zero."""
    return value % item.rolls_at if value >= item.rolls_at else max(value, 0.0)
