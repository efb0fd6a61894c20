"""Finds anomalies in a series: cheap, explained by their facts, no learning behind them."""

from collections.abc import Callable, Iterator

import numpy as np

from cloud.analysis.anomaly import Anomaly, AnomalyRules, anomaly_of
from cloud.analysis.local_series import SLOTS, Bools, LocalSeries
from cloud.analysis.step import steps
from cloud.analysis.typical_day import MAD_TO_SIGMA, Expected, expected
from cloud.energy.contract import Doubles
from cloud.tariffs.contract import DAY_KINDS

OFF = (DAY_KINDS.index("weekend"), DAY_KINDS.index("holiday"))
COARSE_SHARE = 0.25
"""A meter that shows equal amounts for so much of the time counts too coarsely to be called frozen, unless ..."""

LONG = 192
"""... it does for two days on end."""

DIGITS = 20
"""An amount of fewer last digits of the register comes again and again by chance."""

Hours = Callable[[LocalSeries], Bools]
"""Which intervals lie in working hours (by the site's calendar)."""


def find_anomalies(
    series: LocalSeries, rules: AnomalyRules, working: Hours | None = None, baseline: Expected | None = None
) -> list[Anomaly]:
    """All anomalies, by their beginning. ``working``: without it schedule waste is not looked for."""
    base = expected(series) if baseline is None else baseline
    found = [
        *frozen(series, rules, base),
        *spikes(series, rules, base),
        *night_load(series, rules),
        *steps(series, rules),
        *(schedule_waste(series, rules, working(series), base) if working is not None else ()),
    ]
    return sorted(found, key=lambda each: (each.since, each.kind))


def frozen(series: LocalSeries, rules: AnomalyRules, base: Expected) -> Iterator[Anomaly]:
    """The same amount for hours. Of zeros only those where something was to be expected: a pump may rest."""
    least = round(rules.frozen_hours * 4)
    kwh = np.where(series.measured, series.kwh, np.nan)
    runs = [(low - 1, high) for low, high in _runs(np.append(False, kwh[1:] == kwh[:-1])) if high - low + 1 >= least]
    coarse = sum(high - low for low, high in runs) > COARSE_SHARE * max(1, int(np.isfinite(kwh).sum()))
    digit = _digit(kwh)
    for low, high in runs:
        value, usual, sigma = float(kwh[low]), base.kwh[low:high], base.sigma[low:high]
        if high - low < LONG and (coarse or 0 < value < DIGITS * digit):
            continue
        if coarse and _as_ever(value, usual[:LONG], sigma[:LONG]):
            continue
        if value == 0 and not float(np.nan_to_num(usual - 3 * sigma).sum()) > 0:
            continue
        extra = np.nan_to_num(value - usual)
        facts = {"kwh_each": value, "hours": (high - low) / 4}
        yield anomaly_of("frozen", series, np.arange(low, high), extra, facts)


def _as_ever(value: float, usual: Doubles, sigma: Doubles) -> bool:
    """Whether like days before were the same: a load that is always alike is not frozen. Also with no such days."""
    known = np.isfinite(usual)
    return not known.any() or float((np.abs(value - usual) <= sigma)[known].mean()) > 0.9


def _digit(kwh: Doubles) -> float:
    """What the last digit of the register is worth, as far as the amounts show it."""
    steps = np.diff(np.unique(np.round(kwh[np.isfinite(kwh)], 6)))
    return float(steps.min()) if len(steps) else 0.0


def spikes(series: LocalSeries, rules: AnomalyRules, base: Expected) -> Iterator[Anomaly]:
    """Far above what was to be expected, or above what the circuit can carry."""
    known = series.kwh[np.isfinite(series.kwh)]
    if not len(known):
        return
    usual = float(np.median(known))
    beyond = series.kwh - base.kwh
    high = (beyond > rules.spike_sigmas * base.sigma) & (beyond > rules.spike_share * np.maximum(base.kwh, usual))
    # A spike is short; what lasts is a new level, and ``steps`` tells it. What comes every few days is how it runs.
    over, short = _over(series, rules), _short(high, 8)
    if sum(1 for _ in _runs(short)) > rules.spike_weekly * max(1.0, len(series) / (7 * SLOTS)):
        short[:] = False
    for low, end in _runs(short | over):
        here = np.arange(low, end)
        extra = np.nan_to_num(beyond[here])
        peak = float(np.max(series.kw[here]))
        yield anomaly_of("spike", series, here, extra, {"kw": peak, "expected_kw": float(base.kwh[low] * 4)})


def night_load(series: LocalSeries, rules: AnomalyRules) -> Iterator[Anomaly]:
    """The level of the last nights of days off: against the nights before, and against the workdays by day.

    Against the day only a load is judged that follows the day: what runs at all hours (servers), or by night (lights in
    the yard), is meant to. Such a load is odd when it takes more than in its own nights before.
    """
    hour = series.slot // 4
    night = (hour >= rules.night_from) & (hour < rules.night_until) & np.isin(series.kind, OFF)
    night &= np.isfinite(series.kwh)
    nights = np.unique(series.day[night])
    if len(nights) < 2 * rules.night_count:
        return
    levels = np.array([float(np.percentile(series.kw[night & (series.day == day)], 10)) for day in nights])
    last, first = levels[-rules.night_count :], levels[: -rules.night_count]
    now, before = float(np.median(last)), float(np.median(first))
    stray = float(np.median(np.abs(first - before))) * MAD_TO_SIGMA
    by_day = ~np.isin(series.kind, OFF) & (hour >= 9) & (hour < 17) & np.isfinite(series.kwh)
    day = float(np.median(series.kw[by_day])) if by_day.any() else None
    grown = before > 0 and now - before > max(rules.night_growth * before, rules.night_sigmas * stray)
    large = day is not None and day > 0 and rules.night_ratio * day < now < rules.night_steady * day
    if not grown and not large:
        return
    since = int(nights[-rules.night_count]) if grown else int(nights[0])
    usual = before if grown else rules.night_ratio * (day or 0.0)
    here = np.flatnonzero(night & (series.day >= since))
    extra = np.maximum(series.kwh[here] - usual / 4, 0)
    facts = {"night_kw": now, "before_kw": before, "nights": float(len(np.unique(series.day[here])))}
    if day is not None:
        facts |= {"day_kw": day, "share_of_day": now / day if day else 0.0}
    yield anomaly_of("night_load", series, here, extra, facts)


def schedule_waste(series: LocalSeries, rules: AnomalyRules, working: Bools, base: Expected) -> Iterator[Anomaly]:
    """Days on which the load outside of working hours stood well above idle, and above what it takes then on like days.

    A kitchen that starts at five each day keeps other hours than the office; that is no waste.
    """
    known = np.isfinite(series.kwh)
    off = known & ~working
    if not (known & working).any() or not off.any():
        return
    idle = float(np.percentile(series.kwh[off], 10))
    busy = float(series.kwh[known & working].mean())
    usual = np.maximum(idle, np.nan_to_num(base.kwh, nan=np.inf))
    margin = np.maximum(rules.waste_share * busy, rules.waste_sigmas * np.nan_to_num(base.sigma))
    high = off & (series.kwh > usual + margin)
    for day in np.unique(series.day[high]).tolist():
        here = np.flatnonzero(high & (series.day == day))
        extra = series.kwh[here] - usual[here]
        if float(extra.sum()) >= rules.waste_kwh:
            facts = {"idle_kw": idle * 4, "busy_kw": busy * 4, "hours": len(here) / 4}
            yield anomaly_of("schedule_waste", series, here, extra, facts)


def _over(series: LocalSeries, rules: AnomalyRules) -> Bools:
    if rules.rated_kw is None:
        return np.zeros(len(series), bool)
    over: Bools = series.kw > rules.rated_kw
    return over


def _short(flags: Bools, most: int) -> Bools:
    kept = np.zeros(len(flags), bool)
    for low, high in _runs(flags):
        kept[low:high] = high - low <= most
    return kept


def _runs(flags: Bools) -> Iterator[tuple[int, int]]:
    """Places [low, high) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
