"""The times between recorded changes of a register: which register is read, and what one last digit is worth."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from cloud.energy.contract import (
    MICRO,
    Confirmed,
    EnergyFault,
    HandRead,
    Ratio,
    Recorded,
    Register,
    Replaced,
    Struck,
)

COUNT_MAX = 2**52
"""Counts beyond it are no readings: floats tell no last digit there."""
FLOAT32_SHIFT = 22
"""Many registers are 32-bit floats: the last digit of a large number is worth more than the register's says."""
UNLIMITED = 1e30
AMOUNT_MAX = 2**53
"""More was never used between two readings (9 thousand GWh); it keeps all sums within 64 bits."""
FACTOR_MAX = 10**12


TIME_MAX = 253_370_764_800_000
CONFIRM_MAX, JITTER_MAX = 100, 1_000_000
DIGITS_MOST = 15


def is_plain(value: Decimal | None) -> bool:
    """A number that a register or a form can hold: finite, at most 15 digits on either side of the point."""
    if value is None:
        return True
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -DIGITS_MOST and value.adjusted() <= DIGITS_MOST


class Era(NamedTuple):
    """From ``since`` on (None: always) the register counts so.

    factor: millionths of the medium's unit per last digit. change: the replacement with which it begins.
    rate: counts a millisecond that can be believed (1.2 of what is rated). modulus: in counts.
    """

    since: int | None
    register: Register
    factor: int
    rate: float
    modulus: int | None
    change: Replaced | None = None

    def count(self, reading: Decimal) -> int:
        """The reading in last digits."""
        return int((reading / self.register.resolution).to_integral_value())

    def reading(self, count: int) -> Decimal:
        """What the register shows at a count."""
        return count * self.register.resolution

    def limit(self, ms: int) -> float:
        """The most counts it can make in so many milliseconds."""
        return min(float(math.floor(ms * self.rate)), float(AMOUNT_MAX // self.factor))

    def tolerance(self, count: int) -> int:
        """By how many counts it may fall without meaning it."""
        return self.register.jitter + (abs(count) >> FLOAT32_SHIFT)


class Eras:
    """All eras of a meter, in order, with what else was recorded."""

    def __init__(self, register: Register, records: Iterable[Recorded] = ()) -> None:
        """Raises EnergyFault when the records contradict each other or cannot be counted with."""
        taken = list(records)
        _check_register(register)
        for record in taken:
            _check(record)
        changes = [each for each in taken if isinstance(each, Replaced | Ratio)]
        changes.sort(key=lambda each: (each.at, isinstance(each, Ratio)))
        self.confirmed = [each for each in taken if isinstance(each, Confirmed)]
        self.struck = [each for each in taken if isinstance(each, Struck)]
        self.hand_read = sorted((each for each in taken if isinstance(each, HandRead)), key=lambda each: each.at)
        ratio = Decimal(1)
        self._eras = [_era(None, register, ratio, None)]
        for change in changes:
            last = self._eras[-1]
            same = last.since == change.at
            if isinstance(change, Replaced):
                if same:
                    raise EnergyFault("two replacements of the register at the same instant; one of them is wrong")
                register = change.register or register
                self._eras.append(_era(change.at, register, ratio, change))
            else:
                if change.ct <= 0 or change.pt <= 0:
                    raise EnergyFault(f"a ratio of {change.ct} x {change.pt} counts nothing; both are above 0")
                ratio = change.ct * change.pt
                began_with = last.change if same else None
                era = _era(change.at, register, ratio, began_with)
                self._eras[-1 if same else len(self._eras) :] = [era]
        self._starts = [era.since for era in self._eras[1:] if era.since is not None]

    def begun_before(self, at: int) -> int:
        """The number of the era that holds the instant before this one."""
        return bisect_left(self._starts, at)

    def __getitem__(self, place: int) -> Era:
        return self._eras[place]

    def __len__(self) -> int:
        return len(self._eras)

    @property
    def starts(self) -> Sequence[int]:
        """When each era but the first begins."""
        return self._starts

    def is_confirmed(self, since: int, until: int) -> bool:
        """Whether a person said that the advance between two readings is true."""
        return any(each.since <= since and until <= each.until for each in self.confirmed)


def _check(record: Recorded) -> None:
    """Raises EnergyFault for times and numbers that nothing can be worked out with."""
    moments = [record.since, record.until] if isinstance(record, Confirmed | Struck) else [record.at]
    if not all(0 <= at <= TIME_MAX for at in moments) or moments[0] > moments[-1]:
        raise EnergyFault(f"the time {moments[0]} to {moments[-1]} is none; milliseconds since 1970 UTC, in order")
    numbers: tuple[Decimal, ...] = ()
    match record:
        case Replaced():
            numbers = (record.final, record.initial)
            if record.register is not None:
                _check_register(record.register)
        case Ratio():
            numbers = (record.ct, record.pt)
        case HandRead():
            numbers = (record.reading,)
    for number in numbers:
        if not is_plain(number):
            raise EnergyFault(f"{number} is no number of at most {DIGITS_MOST} digits before and after the point")


def _check_register(register: Register) -> None:
    for name in ("resolution", "modulus", "rated", "multiplier"):
        if not is_plain(getattr(register, name)):
            raise EnergyFault(
                f"{name} {getattr(register, name)}: at most {DIGITS_MOST} digits before and after the point"
            )
    if not 1 <= register.confirm <= CONFIRM_MAX or not 0 <= register.jitter <= JITTER_MAX:
        raise EnergyFault(f"confirm is 1 to {CONFIRM_MAX}, jitter 0 to {JITTER_MAX}")


def _era(since: int | None, register: Register, ratio: Decimal, change: Replaced | None) -> Era:
    resolution = register.resolution
    worth = resolution * register.multiplier * ratio * MICRO
    if resolution <= 0 or worth <= 0:
        raise EnergyFault(f"resolution {resolution} and multiplier {register.multiplier}: both must be above 0")
    factor = int(worth)
    if factor > FACTOR_MAX:
        raise EnergyFault(f"a last digit is worth {worth / MICRO:.0f}: resolution or multiplier is too large")
    if factor != worth:
        raise EnergyFault(
            f"a last digit is worth {worth / MICRO}: more than 6 decimals are not counted. "
            "Use a resolution ten times coarser, or a multiplier with fewer decimals"
        )
    if register.rated is not None and register.rated <= 0:
        raise EnergyFault(f"rated {register.rated}: above 0, or left out when it is not known")
    modulus = None if register.modulus is None else int(register.modulus / resolution)
    if modulus is not None and modulus < 1:
        raise EnergyFault(f"modulus {register.modulus}: the reading at which the register begins again at 0")
    # 1.2 x rated an hour is a third of rated in millionths a millisecond.
    rate = UNLIMITED if register.rated is None else float(register.rated) / 3 / factor
    return Era(since, register, factor, rate, modulus, change)
