"""How a simulated device misbehaves, for as long as somebody asks it to."""

from __future__ import annotations

from typing import NamedTuple

SILENT = "silent"
SLOW = "slow"
WRONG = "wrong"
REFUSING = "refusing"
KINDS = (SILENT, SLOW, WRONG, REFUSING)


class Fault(NamedTuple):
    """silent: no answer at all. slow: the answer comes ``delay_s`` late. wrong: the answer is garbled (a bad checksum
    on a line, another transaction's number on TCP). refusing: exception ``code`` instead of registers."""

    kind: str = ""
    delay_s: float = 0.0
    code: int = 4
    offset_s: float = 0.0


NO_FAULT = Fault()
