"""One point of a Modbus model: where it stands and how its bits become a value."""

import msgspec

from protocols.modbus.limits import Range
from protocols.modbus.profile_file import Fold
from protocols.modbus.registers import TYPES, Area, TypeName, WordOrder
from protocols.points import PointKind


class ModbusPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One point, complete: where it stands, how its bits become a value, and what the value may be.

    value = (raw + raw of each ``plus``) x scale x ratios named in ``times`` x 10^(register at ``scale_factor``),
    then ``fold``. ``invalid`` are raw values that mean "no value", ``invalid_spans`` the first and last of many such.
    ``alternatives``: where other firmware has it; tried in turn when the device refuses ``at``.
    """

    name: str
    unit: str
    kind: PointKind
    area: Area
    at: int
    type: TypeName
    word_order: WordOrder
    scale: float = 1.0
    times: tuple[str, ...] = ()
    plus: tuple[int, ...] = ()
    scale_factor: int | None = None
    bit: int | None = None
    bits: int = 1
    fold: Fold = ""
    invalid: tuple[int | float, ...] = ()
    invalid_spans: tuple[Range, ...] = ()
    plausible: Range
    possible: Range
    extended: bool = False
    optional: bool = False
    alternatives: tuple[int, ...] = ()

    @property
    def words(self) -> int:
        """Registers (or bits, in a bit area) of one value."""
        return TYPES[self.type].words

    def span(self) -> tuple[int, int]:
        """First address and end (exclusive) of all that must be read in one request for this point."""
        starts = (self.at, *self.plus)
        first, end = min(starts), max(starts) + self.words
        if self.scale_factor is not None:
            first, end = min(first, self.scale_factor), max(end, self.scale_factor + 1)
        return first, end


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """Where the factor called ``name`` (ct or pt) is read."""

    name: str
    area: Area
    at: int
    type: TypeName
    word_order: WordOrder
    scale: float
