"""What a scan says of a unit."""

from __future__ import annotations

import msgspec

from protocols.modbus.registers import WordOrder


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a unit could be, and why."""

    profile: str
    score: float
    evidence: tuple[str, ...]


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit is. ``profile`` "": unknown, see ``candidates`` (the best first). ``sure``: it says so itself.

    word_order: when it differs from the profile's. texts: what the device says of itself, like its serial_number.
    extended: the profile has only points known from one source. hint: what to do next, for people.
    """

    profile: str = ""
    sure: bool = False
    word_order: WordOrder | None = None
    evidence: tuple[str, ...] = ()
    texts: dict[str, str] = {}
    candidates: tuple[Candidate, ...] = ()
    extended: bool = False
    hint: str = ""
