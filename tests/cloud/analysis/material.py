"""A pretend office building: by local time, kind of day and temperature, from a seed."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from math import cos, pi
from zoneinfo import ZoneInfo

import numpy as np

from cloud.analysis.local_series import Hours, LocalSeries, hourly, localised
from cloud.energy.contract import BASE_MS, MICRO, Doubles, Intervals, Source, missing
from cloud.tariffs.china_days import china_days
from cloud.tariffs.days import DayTable
from cloud.tariffs.layout import midnight

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DAYS = DayTable([*china_days(2025), *china_days(2026)])

Change = Callable[[datetime, float], float | None]


def usual_kw(at: datetime) -> float:
    """10 kW by night and on days off, 50 kW from 08:00 to 18:00 of days on which people work."""
    return 50.0 if DAYS.kind(at.date()) in ("workday", "makeup") and 8 <= at.hour < 18 else 10.0


def office(
    since: str, days: int, change: Change | None = None, zone: ZoneInfo = SHANGHAI, noise: float = 0.03, seed: int = 1
) -> Intervals:
    """Intervals of the building; ``change`` gets local time and kW and says what it was instead (None: missing)."""
    first = date.fromisoformat(since)
    found = missing(midnight(first, zone), midnight(first + timedelta(days=days), zone))
    rng = np.random.default_rng(seed)
    factors = 1 + noise * rng.standard_normal(len(found))
    for place, start in enumerate(found.starts.tolist()):
        at = datetime.fromtimestamp(start / 1000, zone)
        kw: float | None = usual_kw(at) * max(0.1, factors[place])
        if change is not None:
            kw = change(at, kw)
        if kw is not None:
            found.micro[place] = round(kw / 4 * MICRO)
            found.covered_ms[place] = BASE_MS
            found.source[place] = Source.MEASURED
    return found


def series(since: str, days: int, change: Change | None = None, **more: object) -> LocalSeries:
    zone = more.get("zone", SHANGHAI)
    return localised(office(since, days, change, **more), zone, DAYS)


def local(which: LocalSeries, place: int, zone: ZoneInfo = SHANGHAI) -> str:
    return datetime.fromtimestamp(int(which.starts[place]) / 1000, zone).isoformat()[:16]


def temperatures(hours: Hours, zone: ZoneInfo = SHANGHAI, seed: int = 2) -> Doubles:
    """A year from 2 °C in January to 30 in July, 4 degrees warmer by day, some weather on top."""
    rng = np.random.default_rng(seed)
    weather = np.zeros(len(hours))
    for place in range(1, len(hours)):
        weather[place] = 0.95 * weather[place - 1] + rng.standard_normal() * 0.8
    found = []
    for start in hours.starts.tolist():
        at = datetime.fromtimestamp(start / 1000, zone)
        season = -cos((at.timetuple().tm_yday - 15) / 365 * 2 * pi)
        found.append(16 + 14 * season - 4 * cos((at.hour - 3) / 24 * 2 * pi))
    return np.array(found) + weather


def with_cooling(hours: Hours, warm: Doubles, noise: float = 1.0, seed: int = 3) -> Hours:
    """The building with 3 kW for each degree above 22 while in use, 0.8 by night, and 2 kW below 8."""
    rng = np.random.default_rng(seed)
    used = np.isin(hours.kind, (0, 3)) & (hours.hour >= 8) & (hours.hour < 18)
    kwh = np.where(used, 50.0, 10.0) + np.where(used, 3.0, 0.8) * np.maximum(warm - 22, 0) + 2 * np.maximum(8 - warm, 0)
    return Hours(hours.starts, kwh + noise * rng.standard_normal(len(hours)), hours.day, hours.hour, hours.kind)


def hours_of(since: str, days: int, zone: ZoneInfo = SHANGHAI) -> Hours:
    return hourly(series(since, days, zone=zone))
