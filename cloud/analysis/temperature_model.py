"""TOWT: load by the time of the week and the outdoor temperature (LBNL-4944E), by plain least squares.

Each hour of the week has a coefficient, and the temperature a line that bends at fixed knots; hours in which the
building is in use have another line than those in which it is not. Which hours are is found as in CalTRACK: where the
load is above a simple degree-hour model most of the time.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from cloud.analysis.fit import Fit, fit_of
from cloud.analysis.local_series import Bools, Hours
from cloud.energy.contract import Doubles, Longs
from cloud.tariffs.contract import DAY_KINDS

WEEK = 168
MAKEUP_AS, HOLIDAY_AS = 4, 6
"""A make-up Saturday is taken as a Friday, a holiday as a Sunday."""

IN_USE_SHARE = 0.65
HEATING_BELOW, COOLING_ABOVE = 10.0, 18.3
KNOTS = (-5.0, 5.0, 12.0, 18.0, 24.0, 30.0)
"""Where the line may bend (°C). A knot is left out when fewer than ``BIN_LEAST`` hours lie on one side of it."""

BIN_LEAST = 20
CELL_LEAST = 2


class TemperatureModel(NamedTuple):
    """A fitted model. ``hours``: the coefficient of each hour of the week, NaN where it was never seen.

    slopes: by line, not in use first. low, high: the temperatures it was fitted on; outside it is a guess.
    """

    hours: Doubles
    in_use: Bools
    knots: tuple[tuple[float, ...], tuple[float, ...]]
    slopes: tuple[Doubles, Doubles]
    low: float
    high: float
    fit: Fit


class NotEnough(NamedTuple):
    """Why there is no model."""

    reason: str


def fit_temperature_model(hours: Hours, temperature: Doubles, least: int = WEEK * 4) -> TemperatureModel | NotEnough:
    """Fit to hours with their outdoor temperature (°C, NaN where it is not known).

    Wants ``least`` hours of both; below it says what is missing.
    """
    if len(temperature) != len(hours):
        raise ValueError(f"{len(hours)} hours and {len(temperature)} temperatures: there must be one for each hour")
    known = np.isfinite(hours.kwh) & np.isfinite(temperature)
    if known.sum() < least:
        return NotEnough(f"{int(known.sum())} hours with load and temperature are known; {least} are wanted")
    week = hour_of_week(hours)
    load, warm, when = hours.kwh[known], temperature[known], week[known]
    seen = np.bincount(when, minlength=WEEK) >= CELL_LEAST
    in_use = _in_use(load, warm, when, seen)
    lines = tuple(_knots(warm[in_use[when] == used]) for used in (False, True))
    keep = seen[when]
    columns = np.flatnonzero(seen)
    design = np.hstack([_cells(when[keep], columns), _bends(warm[keep], in_use[when[keep]], (lines[0], lines[1]))])
    # By the normal equations: the columns are hours and degrees, well conditioned, and it is much faster.
    found, _, rank, _ = np.linalg.lstsq(design.T @ design, design.T @ load[keep], rcond=1e-13)
    by_hour = np.full(WEEK, np.nan)
    by_hour[columns] = found[: len(columns)]
    width = len(lines[0]) + 1
    rest: Doubles = found[len(columns) :].astype(np.float64)
    model = TemperatureModel(
        by_hour,
        in_use,
        (lines[0], lines[1]),
        (rest[:width], rest[width:]),
        float(warm.min()),
        float(warm.max()),
        fit_of(load, load, 0),
    )
    return model._replace(fit=fit_of(hours.kwh, modelled(model, hours, temperature), int(rank)))


def modelled(model: TemperatureModel, hours: Hours, temperature: Doubles) -> Doubles:
    """What the model says for each hour (kWh); NaN where the temperature or the hour of the week is not known."""
    week = hour_of_week(hours)
    used = model.in_use[week]
    bends = _bends(np.nan_to_num(temperature), used, model.knots)
    said = model.hours[week] + bends @ np.concatenate(model.slopes)
    return np.where(np.isfinite(temperature), said, np.nan)


def beyond(model: TemperatureModel, temperature: Doubles) -> float:
    """The share of the temperatures outside of those that the model was fitted on."""
    known = temperature[np.isfinite(temperature)]
    return float(((known < model.low) | (known > model.high)).mean()) if len(known) else 0.0


def hour_of_week(hours: Hours) -> Longs:
    """0 is Monday 00:00. Holidays and make-up days go where they belong by what people do."""
    weekday = (hours.day - 1) % 7
    weekday = np.where(hours.kind == DAY_KINDS.index("makeup"), MAKEUP_AS, weekday)
    weekday = np.where(hours.kind == DAY_KINDS.index("holiday"), HOLIDAY_AS, weekday)
    week: Longs = weekday * 24 + hours.hour
    return week


def _in_use(load: Doubles, warm: Doubles, when: Longs, seen: Bools) -> Bools:
    degrees = np.stack(
        [np.ones_like(warm), np.maximum(HEATING_BELOW - warm, 0), np.maximum(warm - COOLING_ABOVE, 0)], axis=1
    )
    found, *_ = np.linalg.lstsq(degrees, load, rcond=None)
    above = load > degrees @ found
    count = np.maximum(np.bincount(when, minlength=WEEK), 1)
    used: Bools = (np.bincount(when, weights=above, minlength=WEEK) / count > IN_USE_SHARE) & seen
    return used


def _knots(warm: Doubles) -> tuple[float, ...]:
    """Only knots with enough hours between each other and towards both ends."""
    kept: list[float] = []
    edge = -np.inf
    for knot in KNOTS:
        if ((warm > edge) & (warm <= knot)).sum() >= BIN_LEAST and (warm > knot).sum() >= BIN_LEAST:
            kept.append(knot)
            edge = knot
    return tuple(kept)


def _cells(when: Longs, columns: Longs) -> Doubles:
    cells = np.zeros((len(when), len(columns)))
    cells[np.arange(len(when)), np.searchsorted(columns, when)] = 1
    return cells


def _bends(warm: Doubles, used: Bools, knots: tuple[tuple[float, ...], tuple[float, ...]]) -> Doubles:
    """The temperature cut at the knots, one column a piece, in the columns of the line that holds."""
    parts = []
    for in_use, line in ((False, knots[0]), (True, knots[1])):
        pieces = [_piece(warm, low, high) for low, high in pairwise((-np.inf, *line, np.inf))]
        parts.append(np.where((used == in_use)[:, None], np.stack(pieces, axis=1), 0.0))
    return np.hstack(parts)


def _piece(warm: Doubles, low: float, high: float) -> Doubles:
    """The part of the temperature between two knots, 0 at the knot where it begins (the lowest piece: ends)."""
    anchor = low if np.isfinite(low) else high if np.isfinite(high) else 0.0
    cut: Doubles = np.clip(warm, low, high) - anchor
    return cut
