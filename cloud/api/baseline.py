"""Load by outdoor temperature: a model of a baseline period, how far it can be trusted, and what came afterwards."""

import asyncio
from datetime import date
from typing import Annotated, Any, NamedTuple

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from cloud.analysis.change_point import ChangePoint, DayModel, fit_days
from cloud.analysis.local_series import HOUR_MS, Hours, LocalSeries, hourly
from cloud.analysis.outdoor import Temperatures, beside, by_day, by_hour
from cloud.analysis.temperature_model import TemperatureModel, beyond, fit_temperature_model, modelled
from cloud.api.analysis import From, MeterQuery, SiteQuery, Until, series_of
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import energy_manager
from cloud.api.outdoor import read_file
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.energy.contract import Doubles
from cloud.registry.sessions import Principal
from cloud.store.contract import SeriesKey, SeriesStore
from cloud.tariffs.contract import DAY_KINDS

FIT = {"n": 8640, "parameters": 182, "coverage": 1.0, "r2": 0.94, "cv_rmse": 0.12, "nmbe": 0.0, "verdict": "passes"}
BASELINE: dict[str, Any] = {
    "site": "east-compound",
    "meter": "b3-main",
    "temperature": {"known": 0.998, "imported": 0.0, "low": -3.1, "high": 37.2},
    "hourly": {"model": "TOWT (LBNL-4944E)", "fit": FIT, "reason": ""},
    "daily": {
        "model": "change point",
        "days": 365,
        "r2": 0.91,
        "by_month": {**FIT, "n": 12, "parameters": 10},
        "workday": {
            "base": 820.0, "heating": 21.4, "cooling": 60.2, "heat_below": 10.5, "cool_above": 21.0, "parameters": 5,
        },
        "day_off": None,
    },
    "reporting": {
        "measured": 20310.5,
        "expected": 21988.1,
        "difference": -1677.6,
        "coverage": 0.99,
        "beyond": 0.01,
        "is_saving": False,
        "label": {
            "en": "measured difference: the model does not pass Guideline 14",
            "zh": "实测差值：模型未达到导则14要求",
        },
    },
    "columns": ["day", "celsius", "kwh", "expected"],
    "days": [["2026-03-02", 11.2, 812.0, 808.4]],
}  # fmt: skip
LABELS = {
    "passes": {
        "en": "difference from a model that passes Guideline 14; not verified",
        "zh": "与合格模型（导则14）的差值，未经核证",
    },
    "fails": {
        "en": "measured difference: the model does not pass Guideline 14",
        "zh": "实测差值：模型未达到导则14要求",
    },
    "none": {
        "en": "no model: load or temperature is not known for long enough",
        "zh": "没有模型：负荷或气温数据不足",
    },
}
"""Nothing is called a saving here: that takes somebody who has looked at what else changed."""
WEATHER_POINT = "temperature_c"

ReportFrom = Annotated[date | None, Query(description="first local day of what is compared with the model")]
ReportUntil = Annotated[date | None, Query(description="first local day that is not of it")]


class _Asked(NamedTuple):
    """Hours of a period with their temperatures; ``outdoor`` as it was read."""

    series: LocalSeries
    hours: Hours
    celsius: Doubles
    outdoor: Temperatures


def routes(services: Services) -> APIRouter:
    """``/api/v1/analysis/baseline``."""
    router = APIRouter(tags=["analysis"])
    assert services.features is not None

    @router.get("/api/v1/analysis/baseline", response_class=Response, responses=example(BASELINE))
    async def baseline(
        site: SiteQuery,
        meter: MeterQuery,
        since: From,
        until: Until,
        device: Annotated[str, Query(max_length=32, description="the sensor that measures outdoors")] = "weather",
        point: Annotated[str, Query(max_length=64)] = WEATHER_POINT,
        report_from: ReportFrom = None,
        report_until: ReportUntil = None,
    ) -> Response:
        """Fit the load of a baseline period to the outdoor temperature that a sensor of the site measured; for hours in
        which it did not, to what was brought in (`/api/v1/analysis/temperatures`): `imported` is their share.

        `hourly` is TOWT: hour of the week and temperature. `daily` has change points, for days on and off. Both carry
        their statistics by ASHRAE Guideline 14. With `report_from` and `report_until` the hours afterwards are
        compared: a difference, never called a saving. Without a model `reason` says what is missing.
        """
        periods = [(since, until), *_reported(report_from, report_until)]
        known = []
        for first, last in periods:
            series = await series_of(services, site, meter, first, last)
            known.append(_Asked(*_hours(series), await _outdoor(services, SeriesKey(site, device, point), series)))
        return json_answer({"site": site, "meter": meter, **await asyncio.to_thread(_answer, known)})

    @router.post("/api/v1/analysis/baseline", response_class=Response, responses=example(BASELINE))
    async def try_file(
        request: Request,
        site: SiteQuery,
        meter: MeterQuery,
        since: From,
        until: Until,
        _: Annotated[Principal, Depends(energy_manager)],
        report_from: ReportFrom = None,
        report_until: ReportUntil = None,
    ) -> Response:
        """The same with temperatures from a file, as CSV in the body: a head line, then time (ms, or ISO 8601 with
        zone) and °C, hourly or daily. Nothing of it is kept.
        """
        outdoor = await read_file(request)
        known = []
        for first, last in [(since, until), *_reported(report_from, report_until)]:
            series = await series_of(services, site, meter, first, last)
            known.append(_Asked(*_hours(series), outdoor))
        return json_answer({"site": site, "meter": meter, **await asyncio.to_thread(_answer, known)})

    return router


def _reported(since: date | None, until: date | None) -> list[tuple[date, date]]:
    if since is None and until is None:
        return []
    if since is None or until is None:
        raise ApiError(422, "bad_period", "report_from and report_until belong together", "both, or none")
    return [(since, until)]


def store_of(services: Services) -> SeriesStore:
    """Where sensors' readings are."""
    return services.store


async def _outdoor(services: Services, key: SeriesKey, series: LocalSeries) -> Temperatures:
    since, until = int(series.starts[0]), int(series.starts[-1]) + 3_600_000
    samples = await store_of(services).samples([(key, since)], until)
    measured = Temperatures(samples.at, samples.value)
    assert services.features is not None
    brought = await services.features.reports_of_energy.outdoor.between(key.site, since, until)
    at, celsius = np.array([each[0] for each in brought], np.int64), np.array([each[1] for each in brought], float)
    return beside(measured, Temperatures(at, celsius))


def _hours(series: LocalSeries) -> tuple[LocalSeries, Hours, Doubles]:
    hours = hourly(series)
    return series, hours, np.zeros(0)


def _answer(known: list[_Asked]) -> dict[str, object]:
    known = [each._replace(celsius=by_hour(each.outdoor, each.hours)) for each in known]
    base = known[0]
    fitted = fit_temperature_model(base.hours, base.celsius)
    model = fitted if isinstance(fitted, TemperatureModel) else None
    days, told = _days(base)
    warm = base.celsius[np.isfinite(base.celsius)]
    temperature = {
        "known": round(len(warm) / len(base.celsius), 4) if len(base.celsius) else 0.0,
        "imported": _imported(base),
        "low": float(warm.min()) if len(warm) else None,
        "high": float(warm.max()) if len(warm) else None,
    }
    hourly_told = {
        "model": "TOWT (LBNL-4944E)",
        "fit": model.fit._asdict() if model else None,
        "reason": "" if model else getattr(fitted, "reason", ""),
    }
    return {
        "temperature": temperature,
        "hourly": hourly_told,
        "daily": _shown(days),
        "reporting": _reporting(model, known[1]) if len(known) > 1 else None,
        "columns": BASELINE["columns"],
        "days": told,
    }


def _imported(base: _Asked) -> float:
    """The share of the hours whose temperature was brought in as a file beside a sensor."""
    which = base.outdoor.brought
    brought = base.outdoor.at[which] // HOUR_MS if len(which) else base.outdoor.at[:0]
    return round(float(np.isin(base.hours.starts // HOUR_MS, brought).mean()), 4) if len(base.hours) else 0.0


def _days(base: _Asked) -> tuple[DayModel, list[list[object]]]:
    days, first, row = np.unique(base.hours.day, return_index=True, return_inverse=True)
    whole = np.bincount(row, weights=np.isfinite(base.hours.kwh), minlength=len(days)) == np.bincount(row)
    sums = np.bincount(row, weights=np.nan_to_num(base.hours.kwh), minlength=len(days))
    kwh = np.where(whole, sums, np.nan)
    celsius = by_day(base.outdoor, base.hours, base.celsius)
    rest = np.isin(base.hours.kind[first], [DAY_KINDS.index("weekend"), DAY_KINDS.index("holiday")])
    dates = [date.fromordinal(day) for day in days.tolist()]
    month = np.array([each.year * 12 + each.month for each in dates], np.int64)
    model = fit_days(kwh, celsius, rest, month)
    said = model.at(celsius, rest)
    rows = zip(dates, _numbers(celsius), _numbers(kwh), _numbers(said), strict=True)
    return model, [list(each) for each in rows]


def _shown(model: DayModel) -> dict[str, object]:
    def line(each: ChangePoint | None) -> dict[str, object] | None:
        return each._asdict() if each is not None else None

    return {
        "model": "change point",
        "days": model.days,
        "r2": model.r2,
        "by_month": model.by_month._asdict(),
        "workday": line(model.work),
        "day_off": line(model.off),
    }


def _reporting(model: TemperatureModel | None, after: _Asked) -> dict[str, object]:
    empty = {"measured": None, "expected": None, "difference": None, "coverage": 0.0, "beyond": None}
    if model is None:
        return {**empty, "is_saving": False, "label": LABELS["none"]}
    said = modelled(model, after.hours, after.celsius)
    both = np.isfinite(after.hours.kwh) & np.isfinite(said)
    label = LABELS["passes" if model.fit.passes else "fails"]
    if not both.any():
        return {**empty, "is_saving": False, "label": label}
    measured, expected = float(after.hours.kwh[both].sum()), float(said[both].sum())
    return {
        "measured": round(measured, 3),
        "expected": round(expected, 3),
        "difference": round(measured - expected, 3),
        "coverage": round(float(both.mean()), 4),
        "beyond": round(beyond(model, after.celsius), 4),
        "is_saving": False,
        "label": label,
    }


def _numbers(values: Doubles) -> list[float | None]:
    return [round(value, 3) if np.isfinite(value) else None for value in values.tolist()]
