"""Outdoor temperature as people and sensors have it, brought to the hours and days of a series.

The mean of what was read in the hour; up to ``BRIDGED`` hours without any are drawn in a straight line. A source that
tells only one or two figures a day has days, and no hours.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import NamedTuple

import numpy as np

from cloud.analysis.local_series import HOUR_MS, Bools, Hours
from cloud.energy.contract import Doubles, Longs

BRIDGED = 3
HOURS_OF_DAY_LEAST = 18
ROWS_MAX = 60_000
LOWEST, HIGHEST = -60.0, 60.0


class Temperatures(NamedTuple):
    """Readings in time order, °C; NaN where the source had no value."""

    at: Longs
    celsius: Doubles
    brought: Bools = np.zeros(0, bool)
    """Which of them came from a file beside a sensor; empty for none."""


class BadTemperatures(ValueError):
    """A file that cannot be read; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(f"line {line}: {message}")


def read_temperatures(text: str) -> Temperatures:
    """CSV with a head line and two columns: time (ms UTC, or ISO 8601 with zone) and °C; hourly or daily.

    An empty figure is one that is not known. Raises BadTemperatures.
    """
    rows = _rows(text.removeprefix("\ufeff"))
    at: list[int] = []
    celsius: list[float] = []
    for line, row in enumerate(rows, 1):
        if line == 1 or not row:
            continue
        if len(at) >= ROWS_MAX:
            raise BadTemperatures(line, f"more than {ROWS_MAX} rows")
        if len(row) < 2:
            raise BadTemperatures(line, "a time and a temperature are wanted")
        at.append(_instant(line, row[0].strip()))
        celsius.append(_degrees(line, row[1].strip()))
    order = np.argsort(np.array(at, np.int64), kind="stable")
    return Temperatures(np.array(at, np.int64)[order], np.array(celsius, np.float64)[order])


def beside(measured: Temperatures, brought: Temperatures) -> Temperatures:
    """What a sensor measured, and what was brought in for hours in which it did not."""
    hours = np.unique(measured.at[np.isfinite(measured.celsius)] // HOUR_MS)
    more = ~np.isin(brought.at // HOUR_MS, hours)
    at = np.concatenate([measured.at, brought.at[more]])
    celsius = np.concatenate([measured.celsius, brought.celsius[more]])
    from_file = np.concatenate([np.zeros(len(measured.at), bool), np.ones(int(more.sum()), bool)])
    order = np.argsort(at, kind="stable")
    return Temperatures(at[order], celsius[order], from_file[order])


def by_hour(known: Temperatures, hours: Hours) -> Doubles:
    """A temperature for each hour of a series, NaN where none is known."""
    good = np.isfinite(known.celsius)
    hour, celsius = known.at[good] // HOUR_MS, known.celsius[good]
    wanted = hours.starts // HOUR_MS
    if not len(hour) or not len(wanted):
        return np.full(len(wanted), np.nan)
    seen, row = np.unique(hour, return_inverse=True)
    means = np.bincount(row, weights=celsius) / np.bincount(row)
    found = np.interp(wanted, seen, means, left=np.nan, right=np.nan)
    after = np.searchsorted(seen, wanted)
    gap = seen[np.minimum(after, len(seen) - 1)] - seen[np.maximum(after - 1, 0)]
    inside = np.isin(wanted, seen) | ((after > 0) & (after < len(seen)) & (gap <= BRIDGED + 1))
    return np.where(inside, found, np.nan)


def by_day(known: Temperatures, hours: Hours, hourly: Doubles) -> Doubles:
    """The mean temperature of each local day of a series, in the order of ``np.unique(hours.day)``.

    Of a source with one or two figures a day it is their mean.
    """
    days, row = np.unique(hours.day, return_inverse=True)
    good = np.isfinite(hourly)
    count = np.bincount(row, weights=good, minlength=len(days))
    sums = np.bincount(row, weights=np.where(good, hourly, 0.0), minlength=len(days))
    means = np.where(count >= HOURS_OF_DAY_LEAST, sums / np.maximum(count, 1), np.nan)
    place = np.searchsorted(hours.starts, known.at, side="right") - 1
    kept = (place >= 0) & np.isfinite(known.celsius)
    kept &= known.at < (hours.starts[np.maximum(place, 0)] + HOUR_MS if len(hours) else 0)
    figures = np.bincount(row[place[kept]], minlength=len(days))
    whole = np.bincount(row[place[kept]], weights=known.celsius[kept], minlength=len(days))
    few = (figures > 0) & (figures <= 2) & ~np.isfinite(means)
    return np.where(few, whole / np.maximum(figures, 1), means)


def _rows(text: str) -> Iterator[list[str]]:
    """Of a table whose lines end in any way. Raises BadTemperatures where it is none."""
    rows = csv.reader(StringIO(text, newline=None))
    try:
        yield from rows
    except csv.Error as error:
        raise BadTemperatures(rows.line_num, str(error)) from None


def _instant(line: int, text: str) -> int:
    if text.isascii() and text.lstrip("-").isdecimal() and len(text) < 16:
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadTemperatures(line, f"{text[:40]!r} is no time; ms since 1970, or 2026-07-01T13:00+08:00") from None
    if when.tzinfo is None:
        raise BadTemperatures(line, f"{text[:40]!r} has no zone; as in 2026-07-01T13:00+08:00")
    return round(when.timestamp() * 1000)


def _degrees(line: int, text: str) -> float:
    if not text:
        return float("nan")
    try:
        celsius = float(text)
    except ValueError:
        celsius = float("inf")
    if not LOWEST <= celsius <= HIGHEST:
        raise BadTemperatures(line, f"{text[:40]!r} is no outdoor temperature in °C")
    return celsius


__all__: Sequence[str] = ("BadTemperatures", "Temperatures", "beside", "by_day", "by_hour", "read_temperatures")
