"""A day's load by its mean temperature: flat between two temperatures, a line below the one and above the other.

The change-point models of ASHRAE Guideline 14 by least squares: 5 parameters with both lines, 3 with one, 1 with none;
the simplest that is not clearly worse is taken. Working days and days off have a model each.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cloud.analysis.fit import Fit, fit_of
from cloud.analysis.local_series import Bools
from cloud.energy.contract import Doubles, Longs

DAYS_LEAST = 20
SPACING = 0.5
BEYOND_LEAST = 8
"""Days that must lie beyond a change point."""

BETTER = 0.9
"""A model with more parameters must leave this part of the other's squared errors, or less."""


class ChangePoint(NamedTuple):
    """kWh of a day at ``t``: base + heating x max(0, heat_below - t) + cooling x max(0, t - cool_above).

    None for a line that there is not. parameters: how many were fitted.
    """

    base: float
    heating: float
    cooling: float
    heat_below: float | None
    cool_above: float | None
    parameters: int

    def at(self, celsius: Doubles) -> Doubles:
        """kWh of days of these mean temperatures."""
        found = np.full(len(celsius), self.base)
        if self.heat_below is not None:
            found = found + self.heating * np.maximum(self.heat_below - celsius, 0)
        if self.cool_above is not None:
            found = found + self.cooling * np.maximum(celsius - self.cool_above, 0)
        return np.where(np.isfinite(celsius), found, np.nan)


class DayModel(NamedTuple):
    """``work`` and ``off``: by sort of day, None where too few days of it are known.

    by_month: Guideline 14 over calendar months; a year is wanted for it.
    """

    work: ChangePoint | None
    off: ChangePoint | None
    days: int
    r2: float | None
    by_month: Fit

    def at(self, celsius: Doubles, rest: Bools) -> Doubles:
        """kWh of days; NaN where there is no model for that sort of day."""
        nothing = np.full(len(celsius), np.nan)
        work = self.work.at(celsius) if self.work else nothing
        return np.where(rest, self.off.at(celsius) if self.off else nothing, work)


def fit_days(kwh: Doubles, celsius: Doubles, rest: Bools, month: Longs) -> DayModel:
    """Fit to days. ``rest``: nobody works. ``month``: a number for each calendar month."""
    known = np.isfinite(kwh) & np.isfinite(celsius)
    work, off = (_fit(kwh[known & (rest == sort)], celsius[known & (rest == sort)]) for sort in (False, True))
    model = DayModel(work, off, int(known.sum()), None, fit_of(np.zeros(0), np.zeros(0), 0, "month"))
    said = model.at(celsius, rest)
    both = known & np.isfinite(said)
    if not both.any():
        return model
    spread = float(((kwh[both] - kwh[both].mean()) ** 2).sum())
    r2 = 1 - float(((kwh[both] - said[both]) ** 2).sum()) / spread if spread else None
    parameters = sum(each.parameters for each in (work, off) if each is not None)
    return model._replace(r2=r2, by_month=_months(kwh, said, both, month, parameters))


def _months(kwh: Doubles, said: Doubles, both: Bools, month: Longs, parameters: int) -> Fit:
    names, row = np.unique(month[both], return_inverse=True)
    if not len(names):
        return fit_of(np.zeros(0), np.zeros(0), 0, "month")
    # Months are compared as means of their days: one of which days are missing is not smaller for that.
    count = np.bincount(row)
    measured, modelled = (np.bincount(row, weights=each[both]) / count for each in (kwh, said))
    return fit_of(measured, modelled, min(parameters, max(0, len(names) - 1)), "month")


def _fit(kwh: Doubles, celsius: Doubles) -> ChangePoint | None:
    if len(kwh) < DAYS_LEAST:
        return None
    best = ChangePoint(float(kwh.mean()), 0.0, 0.0, None, None, 1)
    least = float(((kwh - kwh.mean()) ** 2).sum())
    for parameters in (3, 5):
        tried = [_solve(kwh, celsius, *pair) for pair in _pairs(celsius, parameters)]
        good = [each for each in tried if each is not None]
        if not good:
            continue
        error, found = min(good, key=lambda each: each[0])
        if error < BETTER * least:
            least, best = error, found
    return best


def _pairs(celsius: Doubles, parameters: int) -> Iterator[tuple[float | None, float | None]]:
    ordered = np.sort(celsius)
    low, high = float(ordered[BEYOND_LEAST - 1]), float(ordered[-BEYOND_LEAST])
    points = np.arange(np.ceil(low / SPACING) * SPACING, high + 1e-9, SPACING).tolist()
    if parameters == 3:
        yield from ((point, None) for point in points)
        yield from ((None, point) for point in points)
        return
    for place, below in enumerate(points[::2]):
        yield from ((below, above) for above in points[2 * place :: 2])


def _solve(
    kwh: Doubles, celsius: Doubles, below: float | None, above: float | None
) -> tuple[float, ChangePoint] | None:
    """Squared errors and the model; None when a line leads the wrong way: less for heating when it is colder."""
    columns = [np.ones(len(kwh))]
    if below is not None:
        columns.append(np.maximum(below - celsius, 0))
    if above is not None:
        columns.append(np.maximum(celsius - above, 0))
    design = np.stack(columns, axis=1)
    found, *_ = np.linalg.lstsq(design, kwh, rcond=None)
    slopes = found[1:].tolist()
    if any(slope <= 0 for slope in slopes) or found[0] < 0:
        return None
    errors = kwh - design @ found
    heating = slopes.pop(0) if below is not None else 0.0
    cooling = slopes.pop(0) if above is not None else 0.0
    parameters = 1 + 2 * (len(columns) - 1)
    return float(errors @ errors), ChangePoint(float(found[0]), heating, cooling, below, above, parameters)
