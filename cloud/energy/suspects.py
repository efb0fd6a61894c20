"""Which child, multiplier or direction explains a gap between a meter and its children.

If a child is entered wrongly, the gap has its shape: it rises and falls with what this child measures. With g the gap
of each hour and c the child's amount, g = b c fits, and b says what is wrong:

- b = -1: the child is not fed by this meter, or counted twice
- 1 + b = k or 1/k: its multiplier is wrong by k; 3 is also one current transformer of three that is reversed
- c below 0 and b = -2: the current transformers are reversed

A gap that follows the parent is a share that nobody measures, or a class error; a constant one is a base load.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from cloud.energy.balance import Metered, known
from cloud.energy.contract import MICRO, Doubles

HOUR = 4
HOURS_LEAST = 48
EXPLAINS_LEAST = 0.8
AHEAD = 2.0
"""How many times more the next explanation must leave over for the first one to be taken for certain."""
NEAR = 0.06
RATIOS = (math.sqrt(3), *(float(ratio) for ratio in (2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 30, 40, 60, 80, 100, 1000)))

Fault = Literal["double_counted", "multiplier", "reversed", "shape_only", "share_unmetered", "base_load"]


class Suspect(NamedTuple):
    """What may explain the gap.

    meter: the child, or the parent for ``share_unmetered`` and ``base_load``. slope: b. factor: what the child's
    multiplier must be multiplied by to make it right, where that is the fault. explains: the part of the gap's square
    that it takes away, 1 for all. certain: no other explanation comes near.
    """

    meter: str
    fault: Fault
    slope: float
    factor: float | None
    explains: float
    certain: bool = False


def suspects(parent: Metered, children: Sequence[Metered], since: int, until: int) -> list[Suspect]:
    """The best explanations first; empty when nothing explains the gap, or too little is known."""
    whole = known(parent, children, since, until)
    n = len(whole) // HOUR * HOUR
    hours = whole[:n].reshape(-1, HOUR).all(axis=1)
    if int(hours.sum()) < HOURS_LEAST or not children:
        return []

    def hourly(each: Metered) -> Doubles:
        micro = each.intervals.between(since, until).micro[:n].reshape(-1, HOUR).sum(axis=1)
        amounts: Doubles = micro[hours] / MICRO
        return amounts

    fed = hourly(parent)
    parts = [hourly(each) for each in children]
    gap = fed - np.sum(parts, axis=0)
    whole_square = float(gap @ gap)
    if whole_square <= 0:
        return []
    found = [_of_child(child.meter, gap, part, whole_square) for child, part in zip(children, parts, strict=True)]
    slope, explains = _fit(gap, fed, whole_square)
    if slope > 0:
        found.append(Suspect(parent.meter, "share_unmetered", slope, None, explains))
    mean = float(gap.mean())
    if mean > 0:
        found.append(Suspect(parent.meter, "base_load", mean, None, len(gap) * mean * mean / whole_square))
    ranked = sorted((each for each in found if each.explains >= EXPLAINS_LEAST), key=lambda each: -each.explains)
    if ranked and (len(ranked) == 1 or AHEAD * (1 - ranked[0].explains) < 1 - ranked[1].explains):
        ranked[0] = ranked[0]._replace(certain=True)
    return ranked


def _fit(gap: Doubles, part: Doubles, whole: float) -> tuple[float, float]:
    """The slope through the origin, and the part of the gap's square it takes away."""
    square = float(part @ part)
    if square <= 0:
        return 0.0, 0.0
    slope = float(gap @ part) / square
    rest = gap - slope * part
    return slope, 1 - float(rest @ rest) / whole


def _of_child(meter: str, gap: Doubles, part: Doubles, whole: float) -> Suspect:
    slope, explains = _fit(gap, part, whole)
    if float(part.sum()) < 0 and abs(slope + 2) < 2 * NEAR:
        return Suspect(meter, "reversed", slope, -1.0, explains)
    if abs(slope + 1) < NEAR / 4:
        return Suspect(meter, "double_counted", slope, None, explains)
    right = 1 + slope
    for ratio in (*RATIOS, *(1 / ratio for ratio in RATIOS)):
        if right > 0 and abs(right / ratio - 1) < NEAR:
            return Suspect(meter, "multiplier", slope, ratio, explains)
    if abs(slope + 1) < NEAR:
        return Suspect(meter, "double_counted", slope, None, explains)
    return Suspect(meter, "shape_only", slope, right if right > 0 else None, explains)
