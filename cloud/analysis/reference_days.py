"""Another period laid beside this one, day by day of the same kind: what it used on such days at the same time."""

import numpy as np

from cloud.analysis.local_series import SLOTS, LocalSeries
from cloud.analysis.typical_day import LIKE
from cloud.energy.contract import Doubles
from cloud.tariffs.contract import DAY_KINDS


def aligned(series: LocalSeries, reference: LocalSeries) -> Doubles:
    """For each interval of the series (kWh): the mean of the reference's days of the same kind in the same quarter.

    A kind that the reference does not have is taken from the kinds that are alike; NaN where there is none.
    """
    found = np.full(len(series), np.nan)
    means = {code: _mean(reference, code) for code in range(len(DAY_KINDS))}
    for code, kind in enumerate(DAY_KINDS):
        here = series.kind == code
        if not here.any():
            continue
        mean = means[code]
        for other in LIKE[kind]:
            if mean is None:
                mean = means[DAY_KINDS.index(other)]
        if mean is not None:
            found[here] = mean[series.slot[here]]
    return found


def _mean(reference: LocalSeries, code: int) -> Doubles | None:
    chosen = (reference.kind == code) & np.isfinite(reference.kwh)
    if not chosen.any():
        return None
    sums = np.bincount(reference.slot[chosen], weights=reference.kwh[chosen], minlength=SLOTS)
    count = np.bincount(reference.slot[chosen], minlength=SLOTS)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)
