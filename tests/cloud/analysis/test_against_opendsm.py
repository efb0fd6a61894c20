"""Our temperature model beside OpenDSM's on the same hours (``opendsm_oracle.py`` says how its figures were got).

OpenDSM fits twelve models of three weighted months, we fit one: the fit may be a little worse, the year may not.
"""

import csv
import gzip
import json
from datetime import datetime
from io import StringIO
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cloud.analysis.local_series import HOUR_MS, Hours, offsets
from cloud.analysis.temperature_model import TemperatureModel, fit_temperature_model, modelled
from cloud.energy.contract import Doubles
from tests.cloud.analysis.opendsm_oracle import GOLDEN, HOURS

ORACLE = json.loads(GOLDEN.read_text("utf-8"))
EPOCH_DAY = 719_163


def hours_of(name: str) -> tuple[Hours, Doubles]:
    """Hours and temperatures (°C) of the baseline or the reporting year."""
    rows = list(csv.DictReader(StringIO(gzip.decompress(HOURS.read_bytes()).decode())))
    first = round(datetime.fromisoformat(ORACLE["first"]).timestamp() * 1000)
    at = first + HOUR_MS * np.arange(len(rows))
    since, until = (round(datetime.fromisoformat(each).timestamp() * 1000) for each in ORACLE[name])
    chosen = (at >= since) & (at < until)
    # As OpenDSM does: an hour of electricity of nothing is taken for one that was not measured.
    kwh = np.array([float(row["kwh"] or "nan") or np.nan for row in rows])[chosen]
    warm = (np.array([float(row["fahrenheit"] or "nan") for row in rows])[chosen] - 32) / 1.8
    at = at[chosen]
    local = at + offsets(at, ZoneInfo(ORACLE["zone"]))
    day = local // (24 * HOUR_MS) + EPOCH_DAY
    return Hours(at, kwh, day, local // HOUR_MS % 24, np.where((day - 1) % 7 >= 5, 1, 0)), warm


@pytest.fixture(scope="module")
def model() -> TemperatureModel:
    found = fit_temperature_model(*hours_of("baseline"))
    assert isinstance(found, TemperatureModel)
    return found


def test_both_fit_the_same_hours(model: TemperatureModel) -> None:
    assert model.fit.n == ORACLE["hours"]


def test_the_year_after_comes_to_the_same(model: TemperatureModel) -> None:
    said = modelled(model, *hours_of("reporting"))
    assert said.sum() == pytest.approx(ORACLE["reporting_predicted"], rel=0.005)


def test_the_months_of_the_year_after_come_to_much_the_same(model: TemperatureModel) -> None:
    hours, warm = hours_of("reporting")
    said = modelled(model, hours, warm)
    month = np.array([datetime.fromtimestamp(at / 1000, ZoneInfo("UTC")).strftime("%Y%m") for at in hours.starts])
    ours = np.array([said[month == name].sum() for name in ORACLE["reporting_months"]])
    theirs = np.array(list(ORACLE["reporting_months"].values()))
    assert np.abs(ours / theirs - 1).max() < 0.2
    assert np.abs(ours - theirs).sum() / theirs.sum() < 0.08


def test_the_fit_is_hardly_worse_and_both_would_not_pass(model: TemperatureModel) -> None:
    hours, warm = hours_of("baseline")
    errors = (hours.kwh - modelled(model, hours, warm))[np.isfinite(hours.kwh)]
    scatter = float(np.sqrt((errors**2).mean()) / np.nanmean(hours.kwh))
    assert scatter == pytest.approx(ORACLE["rmse_over_mean"], rel=0.1)
    assert model.fit.verdict == "scatters"
