"""Loads with a shape: live meters go on where history ends, a main measures what it feeds, faults do what they say."""

import json
import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cloud.tariffs.china_days import china_days
from protocols.errors import BadSettings
from simulators.east_compound import PLANTED, east_compound
from simulators.energy_world import EnergyWorld, loads_of
from simulators.history import write_papers
from simulators.history_readings import History, resolution
from simulators.scenario import load_scenario
from simulators.world.china_days import is_off
from simulators.world.grid import KNOT_S, grid
from simulators.world.shapes import SHAPES, power
from simulators.world.walk import Walk, energy_at

ORIGIN_MS = 1_795_330_000_000
ZONE = "Asia/Shanghai"
IMPORT = "active_energy_import_total"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def world() -> EnergyWorld:
    return EnergyWorld(east_compound(1), ORIGIN_MS)


@pytest.fixture(scope="module")
def loads():
    return loads_of(east_compound(1), ORIGIN_MS)


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_both_tables_of_chinese_days_say_the_same(year: int) -> None:
    named = {each.day: each.works for each in china_days(year)}
    day = date(year, 1, 1)
    while day.year == year:
        assert is_off(day) is not named.get(day, day.weekday() < 5), day
        day = date.fromordinal(day.toordinal() + 1)


def test_energy_of_a_load_is_the_integral_of_its_power() -> None:
    walk = Walk(1, ZONE, "x", lambda when: power("x", SHAPES["kitchen"], 30.0, when), ORIGIN_MS / 1000, 1.0)
    began = ORIGIN_MS / 1000 + 40_000
    summed = sum(walk.kw(began + second + 0.5) for second in range(3_000)) / 3_600
    assert walk.kwh(began + 3_000) - walk.kwh(began) == pytest.approx(summed, rel=1e-6)
    assert walk.kwh(ORIGIN_MS / 1000) == 0


def test_columns_and_a_walk_are_the_same_load_but_for_what_wobbles() -> None:
    first = ORIGIN_MS // 1000 // KNOT_S
    when = grid(1, ZONE, first, 200)
    kw = power("x", SHAPES["office"], 10.0, when)
    walk = Walk(1, ZONE, "x", lambda when: power("x", SHAPES["office"], 10.0, when), float(first * KNOT_S), 0.0)
    at = np.array([first * KNOT_S + 77.0, first * KNOT_S + 100_000.0])
    assert energy_at(first, kw, at).tolist() == pytest.approx([walk.kwh(each) for each in at.tolist()])


@pytest.mark.parametrize("shape", SHAPES)
def test_no_load_is_ever_below_nothing_and_each_has_a_day(shape: str) -> None:
    when = grid(1, ZONE, 1_990_000, 96 * 365)
    kw = power("x", SHAPES[shape], 10.0, when)
    assert kw.min() > 0
    assert kw.max() < 16
    assert kw.max() > 1.05 * kw.mean()


def test_a_workday_has_its_morning_its_lunch_and_its_evening_and_a_holiday_has_none(world: EnergyWorld) -> None:
    def mean_kw(day: str, since: str, until: str) -> float:
        first, last = (_knot(f"{day}T{clock}") for clock in (since, until))
        return float(world.own_kw("b3-floor-2", grid(1, ZONE, first, last - first)).mean())

    ordinary, makeup, holiday = "2026-10-14", "2026-10-10", "2026-10-02"
    for day in (ordinary, makeup):
        morning, lunch, night = (
            mean_kw(day, "09:30", "11:30"),
            mean_kw(day, "12:20", "13:10"),
            mean_kw(day, "01:00", "05:00"),
        )
        assert lunch < 0.8 * morning
        assert night < 0.25 * morning
    assert mean_kw(holiday, "09:30", "11:30") < 0.3 * mean_kw(ordinary, "09:30", "11:30")


def test_chillers_follow_the_summer_and_the_outdoor_temperature_is_that_of_a_town(world: EnergyWorld) -> None:
    year = grid(1, ZONE, _knot("2025-07-01T00:00"), 96 * 365)
    assert -12 < year.outdoor.min() < 0
    assert 33 < year.outdoor.max() < 42
    kw = world.own_kw("b3-chiller-1", year)
    warm, mild = year.outdoor > 30, (year.outdoor > 14) & (year.outdoor < 20)
    assert kw[warm].mean() > 5 * kw[mild].mean()


def test_a_main_measures_all_that_it_feeds_and_a_little_more(world: EnergyWorld, loads) -> None:
    at = ORIGIN_MS + 5 * HOUR_MS + 123
    for main, children in world.children.items():
        whole = loads[main].at(at)["active_power_total"]
        fed = sum(_straight(loads[child], at) for child in children)
        assert 0 < whole - fed < 0.25 * whole


def _straight(load, at: int) -> float:
    """What passes, whichever way its transformers look."""
    truth = load.at(at)
    return sum(abs(truth[f"active_power_l{n}"]) for n in (1, 2, 3) if f"active_power_l{n}" in truth)


def test_live_meters_go_on_where_the_history_ends(world: EnergyWorld, loads) -> None:
    for meter, load in loads.items():
        quarter = world.register(meter, np.array([ORIGIN_MS - 900_000]))[0]
        now = load.at(ORIGIN_MS)[IMPORT]
        assert now == pytest.approx(world.register_now(meter))
        assert 0 < now - quarter < world.full_kw(meter)


@pytest.mark.parametrize("days", [2, 12, 25])
def test_a_short_history_of_a_demo_ends_where_its_meters_go_on_whatever_was_planted_before_it(
    loads, tmp_path, days: int
) -> None:
    history = History(east_compound(1), days=days, until_ms=ORIGIN_MS, faults=True)
    for column in history.columns():
        if column.point == IMPORT:
            missing = loads[column.device].at(ORIGIN_MS)[IMPORT] - column.value[-1]
            assert -0.2 < missing < history.world.full_kw(column.device), column.device
    write_papers(history, tmp_path)
    told = {each["kind"] for each in json.loads((tmp_path / "truth.json").read_text("utf-8"))["faults"]}
    assert len(told) == sum(plan.days_ago < days for plan in PLANTED), "only what is in it"


def test_counters_never_fall_but_where_a_meter_was_exchanged(world: EnergyWorld) -> None:
    history = History(east_compound(1), days=60, until_ms=ORIGIN_MS)
    for column in history.columns():
        if column.point != "temperature_c":
            falls = int((np.diff(column.value) < 0).sum())
            assert falls == (column.device == "b3-pumps"), column.device
            assert column.value.min() >= 0


def test_what_a_register_shows_is_what_its_model_can_show() -> None:
    history = History(east_compound(1), days=2, until_ms=ORIGIN_MS, other_media=False)
    columns = {column.device: column for column in history.columns()}
    floors, chillers = columns["b3-floor-1"].value, columns["b3-chiller-1"].value
    assert (floors == floors.astype(np.float32)).all()
    assert [math.isclose(each * 10, round(each * 10)) for each in chillers.tolist()] == [True] * len(chillers)
    assert str(resolution(history.world.plans["b3-chiller-1"])) == "0.1"


def test_an_outage_is_a_working_day_and_takes_all_meters_of_its_gateway() -> None:
    history = History(east_compound(1), days=60, until_ms=ORIGIN_MS)
    outage = history.world.fault("outage", "b3-main")
    assert outage is not None
    assert not is_off(datetime.fromtimestamp(outage.since / 1000, ZoneInfo(ZONE)).date())
    for column in history.columns():
        gaps = int((np.diff(column.at) > HOUR_MS).sum())
        assert gaps == (column.gateway == "b3-plant-room" and column.device in outage.meters)


def test_a_turned_transformer_counts_a_third(world: EnergyWorld, loads) -> None:
    assert world.counted_share("b2-canteen") == pytest.approx(1 / 3, abs=0.005)
    before, after = (loads["b2-canteen"].at(ORIGIN_MS + hours * HOUR_MS) for hours in (20, 30))
    passed = world_energy(loads, "b2-main", "b2-canteen", 20, 30)
    assert after[IMPORT] - before[IMPORT] == pytest.approx(passed / 3, rel=0.02)
    assert after["active_power_l3"] < 0
    assert after["active_energy_export_l3"] > before["active_energy_export_l3"]


def world_energy(loads, main: str, meter: str, since_h: int, until_h: int) -> float:
    """What passed through a meter of which two phases are the right way round."""
    del main
    first, last = (loads[meter].at(ORIGIN_MS + hours * HOUR_MS) for hours in (since_h, until_h))
    phases = [f"active_energy_import_l{n}" for n in (1, 2)] + ["active_energy_export_l3"]
    return sum(last[each] - first[each] for each in phases)


def test_what_is_left_on_by_night_is_gone_before_it_was_left_on(world: EnergyWorld) -> None:
    fault = world.fault("night_load", "b1-floor-3")
    assert fault is not None
    first = fault.since // 1000 // KNOT_S
    before, after = (grid(1, ZONE, first + shift * 96, 7 * 96) for shift in (-7, 1))
    night = (before.minute < 300, after.minute < 300)
    levels = [
        float(world.own_kw("b1-floor-3", when)[dark].mean()) for when, dark in zip((before, after), night, strict=True)
    ]
    assert levels[1] > 2.5 * levels[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('shape = "office"', 'shape = "ofice"'), "corridor"),
        (('parent = "m1"', 'parent = "m3"'), "both have a shape"),
        (('parent = "m1"', 'parent = "m2"'), "feeds itself"),
        (("days_ago = 9", "days_ago = 0"), "1 to 700"),
        (('at = "10:12"', 'at = "25:12"'), "04:20"),
        (('device = "m2"', 'device = "m9"'), "no meter"),
    ],
)
def test_what_a_scenario_says_wrongly_of_loads_is_told(tmp_path, change, told: str) -> None:
    text = """
[[line]]
name = "tcp"
kind = "modbus-tcp"
[[meter]]
id = "m1"
model = "abb/b23"
line = "tcp"
unit = 1
shape = "corridor"
[[meter]]
id = "m2"
model = "abb/b23"
line = "tcp"
unit = 2
shape = "office"
parent = "m1"
[[planted]]
kind = "meter_change"
device = "m2"
days_ago = 9
at = "10:12"
"""
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    assert load_scenario(path).meter[1].parent == "m1"
    path.write_text(text.replace(*change))
    with pytest.raises(BadSettings) as caught:
        load_scenario(path)
    assert told in str(caught.value)


def _knot(local: str) -> int:
    return round(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) // KNOT_S
