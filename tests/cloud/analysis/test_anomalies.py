"""Anomalies: each planted fault is found, with its energy; a building without faults has none."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cloud.analysis.anomalies import find_anomalies, schedule_waste
from cloud.analysis.anomaly import Anomaly, AnomalyRules
from cloud.analysis.local_series import Bools, LocalSeries
from cloud.analysis.typical_day import expected
from cloud.analysis.worth import worth
from cloud.tariffs.tariff_file import read_tariff, samples
from tests.cloud.analysis.material import DAYS, SHANGHAI, series, usual_kw

RULES = AnomalyRules(rated_kw=200)
SINCE, LENGTH = "2026-03-02", 56


def working(which: LocalSeries) -> Bools:
    """07:00 to 19:00 of days on which people work."""
    hour = which.slot // 4
    return np.isin(which.kind, (0, 3)) & (hour >= 7) & (hour < 19)


def found(change=None, **more) -> list[Anomaly]:
    return find_anomalies(series(SINCE, LENGTH, change, **more), RULES, working)


def at(anomaly: Anomaly) -> str:
    return datetime.fromtimestamp(anomaly.since / 1000, SHANGHAI).isoformat()[:16]


@pytest.mark.parametrize("seed", range(5))
def test_a_building_without_faults_has_no_anomalies(seed: int) -> None:
    assert found(seed=seed) == []


def test_holidays_and_makeup_days_are_no_anomalies() -> None:
    assert find_anomalies(series("2026-09-01", 60), RULES, working) == []


def test_a_slow_drift_is_no_step() -> None:
    start = date.fromisoformat(SINCE)
    kinds = {each.kind for each in found(lambda t, kw: kw * (1 + 0.004 * (t.date() - start).days))}
    assert "step" not in kinds


def test_lights_left_on_over_night_are_schedule_waste_with_their_energy() -> None:
    """15 kW more from 20:00 to 24:00 on 20 April: 60 kWh."""
    (one,) = found(lambda t, kw: kw + 15 if (t.month, t.day) == (4, 20) and t.hour >= 20 else kw)
    assert (one.kind, at(one)) == ("schedule_waste", "2026-04-20T20:00")
    assert one.kwh == pytest.approx(60, rel=0.05)
    assert one.facts["hours"] == 4


def test_a_night_load_that_grew_is_found_with_the_nights_it_lasts() -> None:
    """8 kW more in all nights of days off from 11 April on: 5 weekend nights and the first of May are not in it."""
    grown = found(lambda t, kw: kw + 8 if t.date() >= date(2026, 4, 11) and t.hour < 5 and t.weekday() >= 5 else kw)
    nights = [each for each in grown if each.kind == "night_load"]
    assert len(nights) == 1
    one = nights[0]
    assert one.facts["night_kw"] == pytest.approx(18, rel=0.05)
    assert one.facts["before_kw"] == pytest.approx(10, rel=0.05)
    assert one.kwh == pytest.approx(8 * 5 * one.facts["nights"], rel=0.1)


def constant(kw: float, since: str = SINCE, days: int = 42, more: float = 0.0, noise: float = 0.01) -> list[Anomaly]:
    """A load at all hours alike; ``more`` kW of it in the last week."""
    from_ = date.fromisoformat(since) + timedelta(days=days - 7)
    made = series(since, days, lambda t, was: kw * was / usual_kw(t) + (more if t.date() >= from_ else 0), noise=noise)
    return find_anomalies(made, RULES, working)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("since", ["2026-03-02", "2026-09-07"])
def test_servers_that_run_at_all_hours_are_no_anomaly_also_over_holidays(since: str, noise: float) -> None:
    assert constant(8.0, since, noise=noise) == []


def test_what_runs_at_all_hours_and_takes_more_since_a_week_is_found() -> None:
    """2 kW more at all hours: 48 kWh a day, 336 kWh in the week."""
    (step,) = [each for each in constant(8.0, more=2.0) if each.kind == "step"]
    assert at(step) == "2026-04-06T00:00"
    assert step.kwh == pytest.approx(336, rel=0.05)


def test_lights_that_are_meant_to_burn_by_night_are_no_anomaly() -> None:
    def lights(t: datetime, kw: float) -> float:
        return (4.0 if t.hour >= 18 or t.hour < 6 else 0.1) * kw / usual_kw(t)

    assert found(lights) == []


def test_a_kitchen_that_starts_at_five_each_day_wastes_nothing() -> None:
    early = found(lambda t, kw: kw + 20 if t.hour in (5, 6) and usual_kw(t.replace(hour=9)) > 10 else kw)
    assert "schedule_waste" not in {each.kind for each in early}


def test_nights_that_take_more_than_half_of_the_day_are_found_where_the_load_follows_the_day() -> None:
    lit = found(lambda t, kw: 30 * kw / usual_kw(t) if t.hour < 7 or t.hour >= 19 or t.weekday() >= 5 else kw)
    (one,) = [each for each in lit if each.kind == "night_load"]
    assert one.facts["share_of_day"] == pytest.approx(0.6, rel=0.05)


def test_nights_that_always_strayed_by_so_much_have_not_grown() -> None:
    def restless(t: datetime, kw: float) -> float:
        return kw * (1 + 0.6 * ((t.date().toordinal() * 7919) % 5) / 4)

    assert "night_load" not in {each.kind for each in found(restless)}


def test_what_comes_every_day_at_another_hour_is_no_spike() -> None:
    def begins(t: datetime, kw: float) -> float:
        return 140.0 if (t.hour, t.minute) == (8 + t.toordinal() * 7 % 10, 30) else kw

    assert "spike" not in {each.kind for each in found(begins)}


def test_a_small_load_of_few_digits_is_not_frozen() -> None:
    small = series(SINCE, LENGTH, lambda t, kw: round(kw / 50, 1) + 0.2)
    assert [each for each in find_anomalies(small, RULES) if each.kind == "frozen"] == []


def test_a_new_level_is_a_step_with_its_day_and_its_size() -> None:
    """From 30 March on 12 kW more, day and night: 288 kWh a day."""
    stepped = found(lambda t, kw: kw + 12 if t.date() >= date(2026, 3, 30) else kw)
    (one,) = [each for each in stepped if each.kind == "step"]
    assert at(one) == "2026-03-30T00:00"
    assert one.facts["kwh_per_day"] == pytest.approx(288, rel=0.05)
    assert one.kwh == pytest.approx(288 * one.facts["days"], rel=0.05)


def test_a_step_down_has_energy_below_nothing() -> None:
    (one,) = [
        each for each in found(lambda t, kw: kw * 0.6 if t.date() >= date(2026, 4, 1) else kw) if each.kind == "step"
    ]
    assert one.kwh < 0
    assert at(one) == "2026-04-01T00:00"


def test_a_week_away_is_no_step() -> None:
    away = found(lambda t, kw: kw * 0.3 if date(2026, 3, 23) <= t.date() < date(2026, 3, 30) else kw)
    assert "step" not in {each.kind for each in away}


def test_a_figure_that_stays_the_same_is_frozen() -> None:
    stuck = found(lambda t, kw: 31.0 if (t.month, t.day) == (4, 22) and 9 <= t.hour < 17 else kw)
    (one,) = [each for each in stuck if each.kind == "frozen"]
    assert (at(one), one.facts["hours"]) == ("2026-04-22T09:00", 8)
    assert one.kwh == pytest.approx(-19 * 8, rel=0.05)


def test_zeros_are_frozen_only_where_something_was_to_be_expected() -> None:
    def dead(t: datetime, kw: float) -> float:
        return 0.0 if (t.month, t.day) == (4, 22) else kw

    assert [each.kind for each in found(dead)] == ["frozen"]
    resting = series(SINCE, LENGTH, lambda t, kw: kw if 8 <= t.hour < 18 else 0.0)
    assert [each for each in find_anomalies(resting, RULES) if each.kind == "frozen"] == []


def test_a_meter_that_counts_coarsely_is_not_called_frozen_every_night() -> None:
    coarse = series(SINCE, LENGTH, lambda t, kw: round(kw / 20) * 20.0 + 20)
    assert [each for each in find_anomalies(coarse, RULES) if each.kind == "frozen"] == []


def test_a_short_peak_is_a_spike_and_says_what_was_to_be_expected() -> None:
    (one,) = [
        each
        for each in found(lambda t, kw: 140.0 if (t.month, t.day, t.hour, t.minute) == (4, 21, 10, 30) else kw)
        if each.kind == "spike"
    ]
    assert at(one) == "2026-04-21T10:30"
    assert (one.facts["kw"], one.facts["expected_kw"]) == (140, pytest.approx(50, rel=0.1))
    assert one.kwh == pytest.approx(22.5, rel=0.1)


def test_more_than_the_circuit_can_carry_is_a_spike_however_long() -> None:
    long = found(lambda t, kw: 230.0 if (t.month, t.day) == (4, 21) and 9 <= t.hour < 15 else kw)
    assert [each.facts["kw"] for each in long if each.kind == "spike"] == [230.0]


def test_what_is_missing_makes_no_anomaly() -> None:
    assert found(lambda t, kw: None if (t.month, t.day) in ((4, 20), (4, 21)) or t.hour == 3 else kw) == []


def test_too_little_data_makes_no_anomaly() -> None:
    for length in (0, 1, 3):
        assert find_anomalies(series(SINCE, length), RULES, working) == []
    assert find_anomalies(series(SINCE, 14, lambda t, kw: None), RULES, working) == []


def test_an_anomaly_is_worth_what_its_energy_costs_in_its_bands() -> None:
    """Liaoning in April, 15 kW from 20:00 to 24:00: 15 kWh at peak 0.98 until 21:00, 15 at flat 0.65 until 22:00, 30 at
    valley 0.33: 14.70 + 9.75 + 9.90 = 34.35."""
    on = series(SINCE, LENGTH, lambda t, kw: kw + 15 if (t.month, t.day) == (4, 20) and t.hour >= 20 else kw, noise=0.0)
    (one,) = schedule_waste(on, RULES, working(on), expected(on))
    tariff = read_tariff(samples()["liaoning-one-part"])
    assert worth(one, tariff, DAYS, SHANGHAI) == Decimal("34.35")
