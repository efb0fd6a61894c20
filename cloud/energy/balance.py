"""What went into a meter's part of the network against what its children measured, and whether the gap means anything.

Every meter has an error; a gap smaller than twice what the errors together may be says nothing. Only intervals count in
which the parent and all children are known in full: a missing child is no loss.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cloud.energy.contract import BASE_MS, Intervals, Source

COVERAGE_LEAST = 0.9
SKEW_MS = 5_000
"""By how much the clocks behind two meters may differ."""

Verdict = Literal["balanced", "gap", "children_exceed", "too_little_known"]


class Metered(NamedTuple):
    """A meter with its intervals; accuracy: its class in percent."""

    meter: str
    intervals: Intervals
    accuracy: Decimal


class Balance(NamedTuple):
    """Amounts in millionths, over the intervals in which all are known.

    gap: parent minus children. uncertainty: one standard uncertainty of the gap; beyond two the gap is real.
    coverage: the part of the time that counts. verdict ``children_exceed``: something is entered wrongly, as energy
    does not come out of nothing.
    """

    parent: int
    children: int
    gap: int
    share: float | None
    uncertainty: float
    coverage: float
    verdict: Verdict

    @property
    def significant(self) -> bool:
        return abs(self.gap) > 2 * self.uncertainty


def balance(parent: Metered, children: Sequence[Metered], since: int, until: int) -> Balance:
    """The balance of [since, until), both on the grid."""
    whole = known(parent, children, since, until)
    n = len(whole)
    amounts = [int(each.intervals.between(since, until).micro[whole].sum()) for each in (parent, *children)]
    coverage = float(whole.sum()) / n if n else 0.0
    fed, used = amounts[0], sum(amounts[1:])
    gap = fed - used
    span_ms = int(whole.sum()) * BASE_MS
    u = _uncertainty([parent, *children], amounts, span_ms)
    verdict: Verdict = "balanced"
    if coverage < COVERAGE_LEAST:
        verdict = "too_little_known"
    elif abs(gap) > 2 * u:
        verdict = "gap" if gap > 0 else "children_exceed"
    return Balance(fed, used, gap, gap / fed if fed else None, u, coverage, verdict)


def known(parent: Metered, children: Sequence[Metered], since: int, until: int) -> npt.NDArray[np.bool_]:
    """Which intervals are known in full of all of them."""
    found = np.ones((until - since) // BASE_MS, bool)
    for each in (parent, *children):
        part = each.intervals.between(since, until)
        found &= (part.source != Source.MISSING) & (part.covered_ms == BASE_MS)
    return found


def _uncertainty(meters: Sequence[Metered], amounts: Sequence[int], span_ms: int) -> float:
    """The class is the bound of an error that may lie anywhere within it; clocks apart shift energy at both ends."""
    squares = 0.0
    for each, amount in zip(meters, amounts, strict=True):
        squares += (float(each.accuracy) / 100 * amount / math.sqrt(3)) ** 2
        if span_ms:
            squares += 2 * (SKEW_MS / span_ms * amount / math.sqrt(3)) ** 2
    return math.sqrt(squares)
