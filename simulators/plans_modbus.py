"""The rows of a scenario file that describe Modbus lines and what hangs on them."""

from __future__ import annotations

from typing import Literal

import msgspec

from simulators.plans import Row

LineKind = Literal["modbus-tcp", "modbus-rtu", "modbus-rtu-tcp"]


class LinePlan(Row, frozen=True, kw_only=True):
    """A Modbus address space: a TCP port (several units behind it: a TCP gateway), a line on a pseudo-terminal, or a
    line behind a transparent serial server (modbus-rtu-tcp).

    one_connection: a second one is closed at once. idle_close: a connection that is silent for so long is closed.
    noise, late, wrong_unit, silent, closing: the share of answers, 0 to 1, that this happens to all the time.
    flapping: the line is there for so long, then away for so long, and so on.
    """

    name: str
    kind: LineKind
    gateway: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    path: str = ""
    baud: int = 38400
    one_connection: bool = False
    idle_close: str = "0 s"
    noise: float = 0.0
    late: float = 0.0
    wrong_unit: float = 0.0
    silent: float = 0.0
    closing: float = 0.0
    flapping: str = "0 s"


SHARES = ("noise", "late", "wrong_unit", "silent", "closing")
"""The keys of a line that are shares; each is also a kind of fault."""


class MeterPlan(Row, frozen=True, kw_only=True):
    """A meter. ``exports`` false: this variant does not measure exported energy and says so with its own "no value".

    shape: how its load goes through the day (`world/shapes.py`), ``watts`` at its fullest; "": waves around ``watts``.
    parent: the meter through which its energy comes; that one measures it, too, beside its own ``watts``.
    phases: of its load, 0 for what the model has. ct, pt: ratios of the transformers before a meter that leaves the
    multiplication to its reader; 0: as delivered.
    """

    id: str
    model: str
    line: str
    unit: int
    name: str = ""
    every: str = ""
    watts: float = 8_000.0
    shape: str = ""
    parent: str = ""
    phases: int = 0
    exports: bool = True
    ct: int = 0
    pt: int = 0


class ModulePlan(Row, frozen=True, kw_only=True):
    """A module of relays and inputs.

    follows: inputs that are contacts behind a relay, as in { digital_input_1 = "relay_1" }: the door that it opens.
    """

    id: str
    model: str
    line: str
    unit: int
    name: str = ""
    every: str = ""
    follows: dict[str, str] = msgspec.field(default_factory=dict)
