"""The rows of a scenario file that describe Modbus lines and what hangs on them."""

from __future__ import annotations

from typing import Literal

from simulators.plans import Row

LineKind = Literal["modbus-tcp", "modbus-rtu"]


class LinePlan(Row, frozen=True, kw_only=True):
    """A Modbus address space: a TCP port (several units behind it: a TCP gateway) or a line on a pseudo-terminal."""

    name: str
    kind: LineKind
    gateway: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    path: str = ""
    baud: int = 38400


class MeterPlan(Row, frozen=True, kw_only=True):
    """A meter. ``exports`` false: this variant does not measure exported energy and says so with its own "no value"."""

    id: str
    model: str
    line: str
    unit: int
    name: str = ""
    every: str = ""
    watts: float = 8_000.0
    phases: int = 3
    exports: bool = True
