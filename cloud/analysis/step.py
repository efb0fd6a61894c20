"""A new level: the cumulated sum of daily residuals (CUSUM) says where it began, robust deviation whether it is one."""

from collections.abc import Iterator

import numpy as np

from cloud.analysis.anomaly import Anomaly, AnomalyRules, anomaly_of
from cloud.analysis.local_series import SLOTS, Bools, LocalSeries
from cloud.analysis.typical_day import MAD_TO_SIGMA
from cloud.energy.contract import Doubles, Longs
from cloud.tariffs.contract import DAY_KINDS

_REST = (DAY_KINDS.index("weekend"), DAY_KINDS.index("holiday"))


def steps(series: LocalSeries, rules: AnomalyRules) -> Iterator[Anomaly]:
    """The largest step of the series, if there is one; give it some weeks, not years: seasons are no steps.

    It has to be seen at once (the ``step_days`` before and after differ) and to last until the end: a slow drift and a
    week away are none.
    """
    days, first, row = np.unique(series.day, return_index=True, return_inverse=True)
    totals = _totals(series, row, len(days))
    rest = np.isin(series.kind[first], _REST) if len(days) else np.zeros(0, bool)
    good = np.flatnonzero(np.isfinite(totals))
    if len(good) < 4 * rules.step_days:
        return
    residual = totals - _typical(totals, rest)
    at = _split(residual[good], rules.step_days)
    before, after = good[:at], good[at:]
    # Residuals against days of the same sort before the step: what is usual must not be learnt from what is new.
    usual = np.where(rest, _median(totals[before][rest[before]]), _median(totals[before][~rest[before]]))
    moved = totals - usual
    shift = _median(moved[after])
    sigma = _median(np.abs(moved[before])) * MAD_TO_SIGMA
    level = _median(usual[after])
    near = _median(moved[after][: rules.step_days]) - _median(moved[before][-rules.step_days :])
    last = _median(moved[after][-rules.step_days :])
    if not np.isfinite([shift, sigma, near, last]).all() or abs(shift) < rules.step_share * level:
        return
    if abs(shift) < rules.step_sigmas * sigma or near * shift <= 0 or last * shift <= 0:
        return
    if min(abs(near), abs(last)) < abs(shift) / 2:
        return
    expected = _shape(series, row, rest, before)
    here = np.flatnonzero((row >= after[0]) & np.isfinite(series.kwh) & np.isfinite(expected))
    facts = {"kwh_per_day": shift, "usual_kwh_per_day": level, "days": float(len(after))}
    yield anomaly_of("step", series, here, series.kwh[here] - expected[here], facts)


def _totals(series: LocalSeries, row: Longs, count: int) -> Doubles:
    known = np.isfinite(series.kwh)
    kwh = np.bincount(row, weights=np.where(known, series.kwh, 0.0), minlength=count)
    return np.where(np.bincount(row, weights=known, minlength=count) >= SLOTS * 0.9, kwh, np.nan)


def _typical(totals: Doubles, rest: Bools) -> Doubles:
    return np.where(rest, _median(totals[rest & np.isfinite(totals)]), _median(totals[~rest & np.isfinite(totals)]))


def _median(values: Doubles) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _split(residual: Doubles, least: int) -> int:
    """Where the cumulated sum is furthest from nothing: the first place after the step."""
    run = np.abs(np.cumsum(residual - residual.mean()))
    return int(np.argmax(run[least - 1 : -least])) + least


def _shape(series: LocalSeries, row: Longs, rest: Bools, before: Longs) -> Doubles:
    """What each interval would be by the days before the step of the same sort."""
    found = np.full(len(series), np.nan)
    for sort in (True, False):
        days = before[rest[before] == sort]
        chosen = np.isin(row, days) & np.isfinite(series.kwh)
        if not chosen.any():
            continue
        typical = np.full(SLOTS, np.nan)
        for slot in range(SLOTS):
            values = series.kwh[chosen & (series.slot == slot)]
            typical[slot] = _median(values)
        mine = rest[row] == sort
        found[mine] = typical[series.slot[mine]]
    return found
