"""Baselines and what may be said of them."""

import math

import numpy as np
import pytest

from cloud.analysis.fit import fit_of
from cloud.analysis.local_series import Hours
from cloud.analysis.temperature_model import (
    NotEnough,
    TemperatureModel,
    beyond,
    fit_temperature_model,
    hour_of_week,
    modelled,
)
from cloud.analysis.typical_day import expected
from tests.cloud.analysis.material import BERLIN, hours_of, series, temperatures, with_cooling

YEAR = hours_of("2026-01-01", 365)
WARM = temperatures(YEAR)
BUILDING = with_cooling(YEAR, WARM)


def model_of(hours: Hours = BUILDING, warm: np.ndarray = WARM) -> TemperatureModel:
    found = fit_temperature_model(hours, warm)
    assert isinstance(found, TemperatureModel)
    return found


# --- statistics ---


def test_the_statistics_are_those_of_guideline_14_worked_by_hand() -> None:
    """Measured 10, 12, 8, 10 and modelled 9, 12, 9, 11, one parameter: errors 1, 0, -1, -1; mean 10; n - p = 3.

    CV(RMSE) = sqrt(3 / 3) / 10 = 0.1; NMBE = -1 / 3 / 10; R2 = 1 - 3 / (0 + 4 + 4 + 0) = 0.625.
    """
    fit = fit_of(np.array([10.0, 12, 8, 10]), np.array([9.0, 12, 9, 11]), 1)
    assert fit.cv_rmse == pytest.approx(0.1)
    assert fit.nmbe == pytest.approx(-1 / 30)
    assert fit.r2 == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("factor", "noise", "verdict"),
    [(1.0, 0.1, "passes"), (1.0, 0.4, "scatters"), (1.2, 0.05, "biased"), (0.85, 0.05, "biased")],
)
def test_a_model_is_called_what_it_is(factor: float, noise: float, verdict: str) -> None:
    rng = np.random.default_rng(1)
    said = np.full(2000, 50.0)
    measured = said * factor * (1 + noise * rng.standard_normal(2000))
    fit = fit_of(measured, said, 10)
    assert (fit.verdict, fit.passes) == (verdict, verdict == "passes")


def test_little_data_never_passes_and_no_data_has_no_figures() -> None:
    assert fit_of(np.full(100, 5.0), np.full(100, 5.0), 1).verdict == "too_little"
    empty = fit_of(np.full(10, np.nan), np.full(10, 1.0), 1)
    assert (empty.n, empty.coverage, empty.cv_rmse, empty.nmbe, empty.verdict) == (0, 0.0, None, None, "too_little")


# --- typical day ---


def test_the_typical_day_works_from_four_like_days_on_and_not_before() -> None:
    load = series("2026-03-02", 21)
    base = expected(load)
    first = {
        kind: load.day[(load.kind == code) & np.isfinite(base.kwh)].min() for code, kind in enumerate(("work", "off"))
    }
    assert first["work"] - load.day[0] == 4
    assert first["off"] - load.day[0] == 19  # the fifth day off
    assert (base.fit.verdict, expected(series("2026-03-02", 28)).fit.verdict) == ("too_little", "passes")


def test_a_day_is_not_compared_with_itself() -> None:
    normal = expected(series("2026-03-02", 28))
    odd = expected(series("2026-03-02", 28, lambda at, kw: kw * 3 if at.day == 25 else kw))
    day = slice(23 * 96, 24 * 96)
    assert np.array_equal(normal.kwh[day], odd.kwh[day])


def test_one_odd_day_moves_the_baseline_hardly() -> None:
    normal = expected(series("2026-03-02", 28))
    odd = expected(series("2026-03-02", 28, lambda at, kw: kw * 3 if at.day == 20 else kw))
    assert np.nanmax(np.abs(odd.kwh / normal.kwh - 1)) < 0.1


def test_a_makeup_saturday_is_expected_to_be_worked() -> None:
    load = series("2026-09-07", 40)
    base = expected(load)
    october_10 = (load.day == load.day[0] + 33) & (load.slot == 44)
    assert base.kwh[october_10] == pytest.approx(12.5, rel=0.1)


# --- temperature ---


def test_the_model_finds_how_the_building_goes_with_the_temperature() -> None:
    """3 kW a degree above 22 in use, 0.8 by night, 2 kW a degree below 8."""
    model = model_of()
    used = np.isin(BUILDING.kind, (0, 3)) & (BUILDING.hour >= 8) & (BUILDING.hour < 18)
    assert model.fit.passes
    assert model.fit.cv_rmse < 0.1
    assert model.fit.r2 > 0.95
    line = {in_use: dict(zip((*model.knots[in_use], math.inf), model.slopes[in_use], strict=True)) for in_use in (0, 1)}
    assert line[1][math.inf if 30 not in model.knots[1] else 30] == pytest.approx(3, abs=0.4)
    assert line[0][math.inf if 30 not in model.knots[0] else 30] == pytest.approx(0.8, abs=0.3)
    assert line[1][5] == pytest.approx(-2, abs=0.4)
    assert (model.in_use[hour_of_week(BUILDING)] == used).mean() > 0.97


def test_a_saving_is_what_the_building_would_have_used_in_this_weather() -> None:
    """The model of 2025 on 2026, in which everything takes a tenth less: 10 % saved."""
    hours = hours_of("2025-01-01", 365)
    warm = temperatures(hours, seed=8)
    model = model_of(with_cooling(hours, warm, seed=9), warm)
    now = Hours(BUILDING.starts, BUILDING.kwh * 0.9, BUILDING.day, BUILDING.hour, BUILDING.kind)
    would = modelled(model, now, WARM)
    assert 1 - now.kwh.sum() / would.sum() == pytest.approx(0.1, abs=0.01)


def test_the_model_has_no_bias_on_what_it_was_fitted_to() -> None:
    assert abs(model_of().fit.nmbe) < 1e-9


def test_a_load_that_does_as_it_likes_does_not_pass() -> None:
    rng = np.random.default_rng(5)
    wild = Hours(YEAR.starts, rng.exponential(30, len(YEAR)), YEAR.day, YEAR.hour, YEAR.kind)
    assert model_of(wild).fit.verdict == "scatters"


def test_without_enough_hours_there_is_no_model_but_a_reason() -> None:
    few = np.where(np.arange(len(WARM)) < 300, WARM, np.nan)
    found = fit_temperature_model(BUILDING, few)
    assert found == NotEnough("300 hours with load and temperature are known; 672 are wanted")


def test_hours_without_temperature_or_never_seen_are_not_modelled() -> None:
    warm = WARM.copy()
    warm[100:200] = np.nan
    model = model_of(BUILDING, warm)
    said = modelled(model, BUILDING, warm)
    assert np.isnan(said[100:200]).all()
    assert np.isfinite(said[200:]).all()
    weekdays = np.where(np.isin(BUILDING.kind, (0, 3)), BUILDING.kwh, np.nan)
    working = model_of(Hours(BUILDING.starts, weekdays, BUILDING.day, BUILDING.hour, BUILDING.kind))
    assert np.isnan(modelled(working, BUILDING, WARM)[np.isin(BUILDING.kind, (1, 2))]).all()


def test_weather_that_the_model_never_saw_is_told() -> None:
    model = model_of()
    assert beyond(model, WARM) == 0
    assert beyond(model, WARM + 20) > 0.2


def test_temperatures_must_be_one_for_each_hour() -> None:
    with pytest.raises(ValueError, match="8760 hours and 3 temperatures"):
        fit_temperature_model(BUILDING, np.zeros(3))


def test_the_change_of_clocks_keeps_hours_and_days_of_the_week_together() -> None:
    hours = hours_of("2026-10-19", 14, BERLIN)
    assert len(hours) == 14 * 24 + 1
    week = hour_of_week(hours)
    assert week[0] == 0
    assert (np.bincount(week, minlength=168) == 2).sum() >= 100
