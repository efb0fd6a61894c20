"""The words of energy: what a register did, what was used in each quarter of an hour, and how far that can be trusted.

Call order. Each step is a pure function of the one before, in event time, and can be worked out anew:

1. readings and recorded events -> ``Track`` (``counter`` for registers, ``power`` for meters that only show power)
2. ``Track`` -> ``Intervals``, 15 minutes by UTC (``intervals``; the shape of long gaps from ``shape``)
3. ``Intervals`` -> day pages and the versioned ledger (``ledger``)
4. pages -> totals, virtual meters, balance (``totals``, ``virtual``, ``balance``); cost elsewhere (``cloud.tariffs``)

``Reckoner`` keeps steps 1 to 3 at rest up to what the store holds; it alone reads and writes.

Amounts are whole numbers of millionths of the medium's unit (1 = 0.000001 kWh), not floats: sums are exact in any
order, and intervals add up to the difference of the register to the last digit. 64 bits hold 9 million GWh. What
stands on a register (resolution, multiplier, rated maximum) is Decimal as people write it. Every offset of a civil
clock in use is a multiple of 15 minutes, so an interval never lies across a local hour or midnight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, IntFlag
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from protocols.errors import Permanent

Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]

MICRO = 1_000_000
BASE_MS = 900_000

Medium = Literal["electricity", "water", "gas", "heat"]
UNITS: dict[str, str] = {"electricity": "kWh", "water": "m³", "gas": "m³", "heat": "GJ"}


class EnergyFault(Permanent):
    """What was asked cannot be worked out from what was entered; the message says what would be right."""


class Source(IntEnum):
    """Where an amount comes from; of several the worst, which is the greatest."""

    MEASURED = 0
    INTERPOLATED = 1
    """The register was read on both sides, further apart than an interval, at most ``MAX_GAP_MS``."""
    MANUAL = 2
    """Spread between readings that a person took."""
    ESTIMATED = 3
    """A long gap: the total is exact, its shape is that of like days; or a lower bound after a reset."""
    MISSING = 4
    """Nothing is known. Never zero."""


class Flag(IntFlag):
    """What else must be said of an amount."""

    UNCERTAIN = 1
    """A reading that made it was itself uncertain."""
    ROLLOVER = 2
    REPLACED = 4
    LOWER_BOUND = 8
    """The register was reset: what it had counted before is not known."""
    SUSPECT = 16
    """An advance that the meter cannot have made is held back: not counted until somebody confirms or corrects it."""
    CONFIRMED = 32
    """A suspect advance that a person confirmed."""


DOUBTFUL = Flag.UNCERTAIN | Flag.LOWER_BOUND | Flag.SUSPECT


class Interval(NamedTuple):
    """What was used in [start, start + 15 min). ``micro`` is None where nothing is known; it is never zero for that.

    With ``covered_ms`` below ``BASE_MS`` it is only what was used in the covered part.
    """

    start: int
    micro: int | None
    covered_ms: int
    source: Source
    flags: Flag = Flag(0)

    @property
    def value(self) -> Decimal | None:
        """In the medium's unit."""
        return None if self.micro is None else Decimal(self.micro) / MICRO

    @property
    def end(self) -> int:
        return self.start + BASE_MS

    @property
    def coverage(self) -> float:
        return self.covered_ms / BASE_MS

    @property
    def quality(self) -> str:
        """``good``, ``uncertain`` or ``bad`` (nothing is known)."""
        if self.micro is None:
            return "bad"
        whole = self.covered_ms == BASE_MS and self.source is Source.MEASURED
        return "good" if whole and not self.flags & DOUBTFUL else "uncertain"


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals that follow one another from ``first`` on, as columns of equal length.

    Where ``source`` is MISSING, ``micro`` and ``covered_ms`` are 0 and mean nothing.
    """

    first: int
    micro: Longs
    covered_ms: Ints
    source: Bytes
    flags: Bytes

    def __len__(self) -> int:
        return len(self.micro)

    def __iter__(self) -> Iterator[Interval]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Interval:
        source = Source(int(self.source[place]))
        micro = None if source is Source.MISSING else int(self.micro[place])
        start = self.first + place * BASE_MS
        return Interval(start, micro, int(self.covered_ms[place]), source, Flag(int(self.flags[place])))

    @property
    def end(self) -> int:
        return self.first + len(self) * BASE_MS

    @property
    def starts(self) -> Longs:
        return self.first + BASE_MS * np.arange(len(self), dtype=np.int64)

    def between(self, since: int, until: int) -> "Intervals":
        """Those that start in [since, until), with MISSING where none are known. Both on the grid."""
        taken = missing(since, until)
        taken.lay(self)
        return taken

    def lay(self, other: "Intervals") -> None:
        """Put others over these, where they overlap."""
        low, high = max(self.first, other.first), min(self.end, other.end)
        if low < high:
            here = slice((low - self.first) // BASE_MS, (high - self.first) // BASE_MS)
            there = slice((low - other.first) // BASE_MS, (high - other.first) // BASE_MS)
            self.micro[here] = other.micro[there]
            self.covered_ms[here] = other.covered_ms[there]
            self.source[here] = other.source[there]
            self.flags[here] = other.flags[there]


def missing(since: int, until: int) -> Intervals:
    """[since, until) of which nothing is known. Both on the grid."""
    n = max(0, (until - since) // BASE_MS)
    return Intervals(
        since,
        np.zeros(n, np.int64),
        np.zeros(n, np.int32),
        np.full(n, Source.MISSING, np.uint8),
        np.zeros(n, np.uint8),
    )


# --- what is known of a register -------------------------------------------------------------------------------------


class Register(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a register counts. Changes of it are ``Replaced`` and ``Ratio``.

    resolution: what its last digit is worth, in the unit it shows. multiplier: what that unit is in the medium's unit,
    with what never changes of the transformers; the rest is ``Ratio``. modulus: the reading at which it begins at 0
    again; None when it is not known, then nothing is taken for a rollover. rated: the most it can count in an hour, in
    the medium's unit, behind all multipliers (kW); None believes any advance. jitter: by how many last digits it may
    fall without meaning it. confirm: how many readings that agree make a doubtful level true.
    """

    resolution: Decimal = Decimal("0.01")
    modulus: Decimal | None = None
    rated: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    jitter: int = 2
    confirm: int = 3


class Replaced(msgspec.Struct, frozen=True, kw_only=True, tag="replaced"):
    """From ``at`` on another register is read: the old one ended with ``final``, the new one began with ``initial``.

    Also a reset that was meant (``initial`` 0). ``register``: how the new one counts; as the old one when None.
    """

    at: int
    final: Decimal
    initial: Decimal
    register: Register | None = None


class Ratio(msgspec.Struct, frozen=True, kw_only=True, tag="ratio"):
    """From ``at`` on the register counts for ct x pt (times the unit, when it shows another one)."""

    at: int
    ct: Decimal = Decimal(1)
    pt: Decimal = Decimal(1)


class Confirmed(msgspec.Struct, frozen=True, kw_only=True, tag="confirmed"):
    """A person says that what the register advanced between two readings within [since, until] is true."""

    since: int
    until: int


class Struck(msgspec.Struct, frozen=True, kw_only=True, tag="struck"):
    """A person says that readings within [since, until] are wrong: they count as not read."""

    since: int
    until: int


class HandRead(msgspec.Struct, frozen=True, kw_only=True, tag="hand_read"):
    """A person read the register."""

    at: int
    reading: Decimal


Recorded = Replaced | Ratio | Confirmed | Struck | HandRead
"""What people wrote down of a meter, in event time. Who, when and why stands beside it at rest (``Record``)."""

RegisterEventKind = Literal[
    "first", "dip", "glitch", "rollover", "replacement", "reset", "suspect", "ratio", "record_conflict"
]


class RegisterEvent(NamedTuple):
    """Something other than an ordinary advance.

    first: the first reading, which counts nothing. dip: fell by jitter, held at the highest. glitch: readings that were
    not believed and did not stay. rollover, replacement, ratio: as they say. reset: fell to a new level without a
    record; what is counted is a lower bound, and a record is wanted. suspect: rose by more than the meter can count (or
    fell and nothing can be said); not counted. record_conflict: a recorded final reading that is below what was read.

    since: the last believed reading before it. at: the reading that made it true. before, after: register readings.
    micro: what was counted, or for ``suspect`` what was not.
    """

    kind: RegisterEventKind
    since: int
    at: int
    before: Decimal | None
    after: Decimal | None
    micro: int
    readings: int = 1


class State(msgspec.Struct, frozen=True):
    """What the counter rule remembers after a reading; everything later follows from it and later readings.

    at, count: the last believed reading (the high-water mark, in last digits); ``at`` None before the first.
    marks: what is said of it, 1 doubtful, 2 read by a person. pending: (at, count, marks) of readings that are not
    believed yet.
    """

    at: int | None = None
    count: int = 0
    marks: int = 0
    pending: tuple[tuple[int, int, int], ...] = ()


class Readings(NamedTuple):
    """Readings of one register in time order, each instant once, none without a value.

    doubtful: 1 where the reading is of quality ``uncertain``; manual: 1 where a person took it.
    """

    at: Longs
    value: Doubles
    doubtful: Bytes
    manual: Bytes

    @classmethod
    def of(cls, at: Sequence[int], value: Sequence[float]) -> "Readings":
        n = len(at)
        return cls(np.array(at, np.int64), np.array(value, np.float64), np.zeros(n, np.uint8), np.zeros(n, np.uint8))


class SegmentKind(IntEnum):
    """What lies between two knots of a track."""

    KNOWN = 0
    """``micro`` was used, at a rate that is not known further."""
    UNKNOWN = 1
    """Nothing is known."""


class Track(NamedTuple):
    """What a meter is known to have used: knots in time, and between two the amount.

    ``at`` has one more than ``micro``, ``kind`` and ``flags``, which belong to the segments between; all are empty
    without a knot. manual: 1 where one end of the segment was read by a person.
    """

    at: Longs
    micro: Longs
    kind: Bytes
    flags: Bytes
    manual: Bytes
    events: tuple[RegisterEvent, ...]
    state: State
    """After the last reading; a later call goes on from it."""
