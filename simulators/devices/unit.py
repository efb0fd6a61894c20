"""What stands behind one unit id of a Modbus address space: a meter or an IO module, seen from the wire."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from simulators.faults import Fault

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
DEVICE_BUSY = 6
GATEWAY_TARGET_SILENT = 11

READ_COILS, READ_DISCRETES, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
BIT_READS = (READ_COILS, READ_DISCRETES)
READS = (READ_COILS, READ_DISCRETES, READ_HOLDING, READ_INPUT)
WRITES = (WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS)


class Refusal(NamedTuple):
    """A Modbus exception code instead of registers."""

    code: int


class Answer(NamedTuple):
    """Registers (or bits, one per item) for one read, and the points wholly contained in them with the value each one
    means."""

    words: tuple[int, ...]
    points: tuple[str, ...]
    values: tuple[float, ...]


class Unit(Protocol):
    """One unit id. Time is given with every call and never runs backwards inside a unit."""

    device: str
    unit: int
    model: str
    fault: Fault
    silence_s: float
    """On a serial line it answers no request that comes sooner than this after its last answer."""

    def read(self, function: int, first: int, count: int, at_ms: int) -> Answer | Refusal:
        """Registers or bits as they stand at ``at_ms``, or the exception code this model answers with."""
        ...

    def write(self, function: int, first: int, values: tuple[int, ...], at_ms: int) -> Refusal | None:
        """Take a write; ``values`` are registers, for function 15 bits, for 5 the one raw word. None: done."""
        ...

    def misbehave(self, fault: Fault, at_ms: int) -> None:
        """Begin to misbehave, or with `NO_FAULT` to behave again."""
        ...
