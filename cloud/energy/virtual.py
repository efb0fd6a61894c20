"""Virtual meters: sums of others, interval by interval, with what is known of their parts."""

from collections.abc import Mapping
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from cloud.energy.contract import BASE_MS, EnergyFault, Flag, Intervals, Longs, Source, missing
from cloud.energy.expression import Linear


def combine(linear: Linear, parts: Mapping[str, Intervals], since: int, until: int) -> Intervals:
    """The intervals in [since, until) of a meter made of others.

    Nothing is known where a part is missing: what is left would be a wrong number, not a smaller one. Coverage is the
    least of the parts', source the worst; parts that cover an interval differently make it uncertain. Worked out in
    whole numbers and rounded once, half to even. May be negative: then the parts contradict each other.
    """
    found = missing(since, until)
    lacking = [meter for meter in linear if meter not in parts]
    if lacking:
        raise EnergyFault(f"there is no meter {lacking[0]!r}")
    if not len(found):
        return found
    below = lcm(*(weight.denominator for weight in linear.values()))
    whole = {meter: int(weight * below) for meter, weight in linear.items()}
    total: npt.NDArray[Any] = np.zeros(len(found), np.int64 if _fits(whole, below, parts) else object)
    covered = np.full(len(found), BASE_MS, np.int32)
    uneven = np.zeros(len(found), bool)
    found.source[:] = Source.MEASURED
    for number, meter in enumerate(linear):
        part = parts[meter].between(since, until)
        total += part.micro.astype(total.dtype) * whole[meter]
        if number:
            uneven |= part.covered_ms != covered
        np.minimum(covered, part.covered_ms, out=covered)
        np.maximum(found.source, part.source, out=found.source)
        np.bitwise_or(found.flags, part.flags, out=found.flags)
    found.flags[uneven] |= np.uint8(Flag.UNCERTAIN)
    found.micro[:] = _divide(total, below)
    found.covered_ms[:] = covered
    nothing = found.source == Source.MISSING
    found.micro[nothing] = 0
    found.covered_ms[nothing] = 0
    return found


def _fits(weights: Mapping[str, int], below: int, parts: Mapping[str, Intervals]) -> bool:
    """Whether every sum stays within 64 bits; beyond it numbers without end are used, ten times slower."""
    largest = (abs(weight) * _largest(parts[meter]) for meter, weight in weights.items())
    return max(below, sum(largest)) < 2**62


def _largest(part: Intervals) -> int:
    """Of an amount, and at least 1."""
    return max(1, int(part.micro.max()), -int(part.micro.min())) if len(part) else 1


def _divide(total: npt.NDArray[Any], below: int) -> Longs:
    """Rounded, half to even."""
    if below == 1:
        return total.astype(np.int64)
    whole, rest = total // below, total % below
    up = (rest * 2 > below) | ((rest * 2 == below) & (whole % 2 == 1))
    rounded: Longs = (whole + up.astype(whole.dtype)).astype(np.int64)
    return rounded
