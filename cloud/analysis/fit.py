"""How well a model fits, by ASHRAE Guideline 14, and what may be said of it."""

from typing import Literal, NamedTuple

import numpy as np

from cloud.energy.contract import Doubles

Step = Literal["hour", "month"]
Verdict = Literal["passes", "scatters", "biased", "too_little"]

LIMITS: dict[Step, tuple[float, float]] = {"hour": (0.30, 0.10), "month": (0.15, 0.05)}
"""CV(RMSE) and NMBE at most, by Guideline 14."""

LEAST: dict[Step, int] = {"hour": 24 * 14, "month": 12}


class Fit(NamedTuple):
    """Statistics over ``n`` values with ``parameters`` that were fitted; None where they cannot be told.

    cv_rmse: root of the squared errors over (n - parameters), by the mean. nmbe: sum of (measured - modelled) over
    (n - parameters), by the mean: above 0 the model says too little. verdict: ``passes`` by Guideline 14; ``scatters``
    (CV(RMSE) too large), ``biased`` (NMBE too large), ``too_little`` data. A difference from a model that does not pass
    is a measured difference, not a saving.
    """

    n: int
    parameters: int
    coverage: float
    r2: float | None
    cv_rmse: float | None
    nmbe: float | None
    verdict: Verdict

    @property
    def passes(self) -> bool:
        return self.verdict == "passes"


def fit_of(measured: Doubles, modelled: Doubles, parameters: int, step: Step = "hour") -> Fit:
    """Over the values where both are known; ``coverage`` is their share."""
    both = np.isfinite(measured) & np.isfinite(modelled)
    n = int(both.sum())
    coverage = n / len(measured) if len(measured) else 0.0
    free = n - parameters
    mean = float(measured[both].mean()) if n else 0.0
    if free <= 0 or mean <= 0:
        return Fit(n, parameters, coverage, None, None, None, "too_little")
    errors = measured[both] - modelled[both]
    cv_rmse = float(np.sqrt((errors**2).sum() / free) / mean)
    nmbe = float(errors.sum() / free / mean)
    spread = float(((measured[both] - mean) ** 2).sum())
    r2 = 1 - float((errors**2).sum()) / spread if spread else None
    return Fit(n, parameters, coverage, r2, cv_rmse, nmbe, _verdict(n, cv_rmse, nmbe, step))


def _verdict(n: int, cv_rmse: float, nmbe: float, step: Step) -> Verdict:
    scatter, bias = LIMITS[step]
    if n < LEAST[step]:
        return "too_little"
    if cv_rmse > scatter:
        return "scatters"
    return "biased" if abs(nmbe) > bias else "passes"
