"""One simulated meter: a load, the register map of its model, a unit id, and a place for a fault."""

from __future__ import annotations

from simulators.devices.registers import Answer, Refusal, RegisterMap
from simulators.faults import NO_FAULT, Fault
from simulators.world.load import MeteredLoad


class Meter:
    """Answers reads with what its load draws at that instant. Time never runs backwards inside a meter."""

    def __init__(self, device: str, model: RegisterMap, load: MeteredLoad, *, unit: int) -> None:
        self.device, self.model, self.unit = device, model, unit
        self.fault: Fault = NO_FAULT
        self._load = load
        self._at_ms = 0

    def read(self, function: int, first: int, count: int, at_ms: int) -> Answer | Refusal:
        """Registers as they stand at ``at_ms``, or the exception code this model answers with."""
        self._at_ms = max(self._at_ms, at_ms)
        return self.model.read(function, first, count, self._load.at(self._at_ms))
