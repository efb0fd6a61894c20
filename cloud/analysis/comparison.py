"""Two periods side by side, aligned by kind of day: a month with one working day more is no waste."""

from typing import NamedTuple

import numpy as np

from cloud.analysis.local_series import LocalSeries
from cloud.tariffs.contract import DAY_KINDS

WHOLE_DAY = 0.95
"""A day counts for a mean from this share of it on; what is missing of it is taken as the rest of that day."""


class KindShare(NamedTuple):
    """Days of one kind in both periods. Means (kWh a day) are None without a day that is known well enough."""

    kind: str
    days: int
    reference_days: int
    mean: float | None
    reference_mean: float | None


class Comparison(NamedTuple):
    """A period against a reference (同比: the same of last year; 环比: the one before).

    aligned: what the reference would have used with this period's days. Change is ``used / reference - 1``; None where
    one of them cannot be told. comparable: False when a kind of day has no reference or too little is known.
    """

    used: float
    reference: float
    aligned: float | None
    change: float | None
    aligned_change: float | None
    coverage: float
    reference_coverage: float
    kinds: tuple[KindShare, ...]
    comparable: bool
    note: str


def compare(period: LocalSeries, reference: LocalSeries, least_coverage: float = 0.9) -> Comparison:
    """``used`` and ``reference`` are what is known of each; look at the coverage beside them."""
    used, before = float(np.nansum(period.kwh)), float(np.nansum(reference.kwh))
    kinds = _kinds(period, reference)
    notes = []
    for share in kinds:
        if share.days and share.reference_mean is None:
            notes.append(f"the reference has no known {share.kind}")
    for name, series in (("the period", period), ("the reference", reference)):
        if series.coverage < least_coverage:
            notes.append(f"{series.coverage:.1%} of {name} is known")
    whole = all(share.reference_mean is not None for share in kinds if share.days)
    aligned = sum(share.days * (share.reference_mean or 0.0) for share in kinds) if whole and kinds else None
    now = sum(share.days * (share.mean or 0.0) for share in kinds)
    told = all(share.mean is not None for share in kinds if share.days)
    return Comparison(
        used,
        before,
        aligned,
        _change(used, before),
        _change(now, aligned) if told else None,
        period.coverage,
        reference.coverage,
        kinds,
        not notes and aligned is not None,
        "; ".join(notes),
    )


def _change(now: float, before: float | None) -> float | None:
    return now / before - 1 if before else None


def _kinds(period: LocalSeries, reference: LocalSeries) -> tuple[KindShare, ...]:
    found = []
    for code, kind in enumerate(DAY_KINDS):
        days, mean = _mean_day(period, code)
        before, before_mean = _mean_day(reference, code)
        if days or before:
            found.append(KindShare(kind, days, before, mean, before_mean))
    return tuple(found)


def _mean_day(series: LocalSeries, code: int) -> tuple[int, float | None]:
    """How many days of the kind, and the mean of those that are known well enough."""
    chosen = series.kind == code
    if not chosen.any():
        return 0, None
    numbers, row = np.unique(series.day[chosen], return_inverse=True)
    known = np.isfinite(series.kwh[chosen])
    all_of = np.bincount(row)
    got = np.bincount(row, weights=known)
    kwh = np.bincount(row, weights=np.where(known, series.kwh[chosen], 0.0))
    enough = got >= WHOLE_DAY * all_of
    if not enough.any():
        return len(numbers), None
    return len(numbers), float((kwh[enough] * all_of[enough] / got[enough]).mean())
