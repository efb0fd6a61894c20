"""The rows of a scenario file that belong to no one wire."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario file. A key that is no field is an error."""


class FaultPlan(Row, frozen=True, kw_only=True):
    """A device, or a whole Modbus line, misbehaves ``after`` so long and ``lasting`` so long ("0 s": to the end).

    ``share``: of its answers. See `simulators.faults` for the kinds, and what delay, code and offset are for.
    """

    kind: str
    device: str = ""
    line: str = ""
    after: str = "0 s"
    lasting: str = "0 s"
    delay: str = "2 s"
    code: int = 4
    share: float = 1.0
    offset: str = "0 s"


class GatewayPlan(Row, frozen=True, kw_only=True):
    """A gateway of the demo. ``every``: poll interval of its meters."""

    id: str
    name: str = ""
    every: str = "5 s"
    max_silence: str = "30 s"
