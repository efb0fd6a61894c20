"""A Modbus profile as it stands in its TOML file: the tables and keys of protocols/profiles/README.md."""

from collections.abc import Callable
from typing import Literal

import msgspec

from protocols.errors import BadSettings
from protocols.modbus.limits import Range
from protocols.modbus.registers import Area, TypeName, WordOrder
from protocols.points import PointKind
from protocols.profile_head import ProfileHead

Times = Literal["", "ct", "pt", "ct*pt"]
Fold = Literal["", "magnitude", "four-quadrant"]
TextName = Literal["vendor", "model", "serial_number", "firmware", "hardware"]
TextType = Literal["string", "uint16", "uint32", "uint64", "float32"]
TextFormat = Literal["", "hex", "version"]
WriteKind = Literal["switch", "number"]
Patterns = int | tuple[int, int]
"""A bit pattern, or the first and the last of many."""
Fail = Callable[[tuple[str | int, ...], str, str], BadSettings]
"""Makes the error for (key, message, allowed): ``Document.fail``."""

GUESSED_PER_READ_MAX = 60
"""Registers per request where the vendor states no limit."""


class PointRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point as it stands in the file; what is left out comes from ``[modbus]``."""

    at: int
    type: TypeName = "uint16"
    scale: float = 1.0
    times: Times = ""
    area: Area | None = None
    word_order: WordOrder | None = None
    plus: tuple[int, ...] = ()
    scale_factor: int | None = None
    bit: int | None = None
    bits: int = 1
    fold: Fold = ""
    invalid: tuple[Patterns, ...] | None = None
    plausible: Range | None = None
    extended: bool = False
    optional: bool = False
    kind: PointKind | None = None
    alternatives: tuple[int, ...] = ()
    note: str = ""


class ReadRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the device wants to be read."""

    area: Area = "holding"
    word_order: WordOrder = "big"
    max_registers: int = GUESSED_PER_READ_MAX
    max_gap: int = 0
    silence: str = "0 ms"
    invalid: dict[TypeName, tuple[Patterns, ...]] = {}
    plausible: dict[str, Range] = {}
    sunspec_models: tuple[int, ...] = ()


class RatioRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A register with the ratio of a transformer, by which secondary-side values are multiplied."""

    at: int
    type: TypeName = "uint16"
    scale: float = 1.0
    area: Area | None = None


class SerialRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the device leaves the factory."""

    baud: int | None = None
    parity: Literal["N", "E", "O"] | None = None
    stop_bits: Literal[1, 2] | None = None
    unit: int | None = None


class IdentityRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Registers by which the model can be recognised; ``expect`` empty: informative only."""

    at: int
    type: Literal["uint16", "uint32", "float32", "string"]
    registers: int
    area: Area | None = None
    expect: tuple[int | float | str, ...] = ()
    note: str = ""


class TextRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the device says of itself; read when it is first met, never each poll. ``registers`` only of a string."""

    at: int
    type: TextType = "string"
    registers: int | None = None
    area: Area | None = None
    word_order: WordOrder | None = None
    format: TextFormat = ""
    note: str = ""


class PulseRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the module is told to make a pulse and to end it by itself.

    ``word``: "time" (the length in ``unit``, from ``min`` to ``max``) or what is written when the module has a length
    of its own. ``words``: the same for function 16.
    """

    function: Literal[5, 6, 16]
    at: int
    word: int | Literal["time"] | None = None
    words: tuple[int | Literal["time"], ...] = ()
    unit: str = ""
    min: str = ""
    max: str = ""
    note: str = ""


class WriteRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a point is written; ``area``, ``at``, ``type`` and ``scale`` are the point's own where left out."""

    kind: WriteKind
    area: Area | None = None
    at: int | None = None
    type: TypeName | None = None
    scale: float | None = None
    function: Literal[5, 6, 15, 16] | None = None
    on: int | None = None
    off: int | None = None
    min: float | None = None
    max: float | None = None
    pulse: PulseRow | None = None
    note: str = ""


class PlaceRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a setting of the module stands, for people: the product neither reads nor writes it."""

    at: int
    area: Area | None = None
    unit: str = ""
    note: str = ""


class FailsafeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the outputs do when the master is gone, and where that is set."""

    present: bool
    note: str
    readback: Literal["commanded", "contact"] = "commanded"
    timeout: PlaceRow | None = None
    status: PlaceRow | None = None
    clear: PlaceRow | None = None
    safe_values: PlaceRow | None = None
    power_on: PlaceRow | None = None


class ModbusFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole TOML file."""

    profile: ProfileHead
    modbus: ReadRules = msgspec.field(default_factory=ReadRules)
    serial: SerialRow = msgspec.field(default_factory=SerialRow)
    ratio: dict[Literal["ct", "pt"], RatioRow] = {}
    identity: tuple[IdentityRow, ...] = ()
    texts: dict[TextName, TextRow] = {}
    points: dict[str, PointRow]
    writes: dict[str, WriteRow] = {}
    failsafe: FailsafeRow | None = None
