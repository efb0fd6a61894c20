"""Counters that fall or jump are told, never changed, and believed again when they go on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.pipeline import Pipeline
from edge.plausible import CounterStage
from edge.retime import Timing
from protocols.clock import ManualClock
from protocols.reading import REASONS, Quality, Reading

AT = 1_795_000_000_000
ENERGY = "active_energy_import_total"


def energy(value: float | None, at_s: float, quality: Quality = Quality.GOOD, reason: str = "") -> Reading:
    return Reading("meter", ENERGY, value, AT + int(at_s * 1000), quality, reason)


def through(*readings: Reading, stage: CounterStage | None = None) -> list[str]:
    """What stands beside each value; "" for a good one."""
    stage = stage or CounterStage()
    passed = [each for reading in readings for each in stage([reading])]
    assert [each.value for each in passed] == [each.value for each in readings]
    assert all(each.reason in REASONS | {""} for each in passed)
    return [each.reason if each.quality is not Quality.GOOD else "" for each in passed]


def test_a_counter_that_rises_or_stands_is_good() -> None:
    assert through(*(energy(value, n) for n, value in enumerate([5.0, 5.0, 5.1, 30.0]))) == ["", "", "", ""]


def test_a_meter_that_starts_again_is_uncertain_for_one_reading() -> None:
    said = through(*(energy(value, 10 * n) for n, value in enumerate([1000.0, 1000.1, 0.0, 0.1, 0.2])))
    assert said == ["", "", "counter_fell", "", ""]


def test_a_single_wrong_reading_is_uncertain_and_so_is_the_way_back() -> None:
    said = through(*(energy(value, 10 * n) for n, value in enumerate([1000.0, 900_000.0, 1000.1, 1000.2])))
    assert said == ["", "counter_jumped", "counter_fell", ""]


def test_a_jump_is_more_than_a_hundred_megawatt_could_draw_since_the_last_reading() -> None:
    hour_of_100_mw = 100_000.0
    assert through(energy(0.0, 0), energy(hour_of_100_mw, 3600)) == ["", ""]
    assert through(energy(0.0, 0), energy(hour_of_100_mw + 1, 3600)) == ["", "counter_jumped"]
    # After a week without answers a counter may have gone far.
    assert through(energy(0.0, 0), energy(100 * hour_of_100_mw, 7 * 86_400)) == ["", ""]


def test_what_is_missing_or_late_is_passed_by() -> None:
    said = through(
        energy(10.0, 100), energy(None, 101, Quality.BAD, "device_error"), energy(9.0, 50), energy(10.5, 102)
    )
    assert said == ["", "device_error", "", ""]


def test_a_reading_that_is_uncertain_already_keeps_its_reason() -> None:
    assert through(energy(10.0, 0), energy(9.0, 1, Quality.UNCERTAIN, "clock"), energy(9.1, 2)) == ["", "clock", ""]


def test_gauges_may_do_what_they_like_also_those_that_only_the_profile_calls_so() -> None:
    stage = CounterStage({("meter", ENERGY): "gauge"})
    assert through(energy(10.0, 0), energy(-9.0, 1), energy(1e9, 2), stage=stage) == ["", "", ""]
    power = [Reading("meter", "active_power_total", value, AT + n) for n, value in enumerate([5.0, -5.0, 1e8])]
    assert list(CounterStage()(power)) == power


def test_series_do_not_know_of_each_other() -> None:
    stage = CounterStage()
    readings = [Reading(device, ENERGY, value, AT) for device, value in (("a", 100.0), ("b", 1.0), ("a", 100.0))]
    assert stage(readings) is readings


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=30))
def test_of_two_readings_in_a_row_the_second_is_good_when_it_goes_on_from_the_first(values: list[float]) -> None:
    stage = CounterStage()
    for n, value in enumerate(values):
        stage([energy(value, 2 * n)])
        assert stage([energy(value, 2 * n + 1)])[0].quality is Quality.GOOD


def test_the_pipeline_has_the_stage_and_what_the_profiles_say() -> None:
    timing = Timing(ManualClock(), boot="b")
    timing.start(0)
    pipeline = Pipeline([], timing, {("other", ENERGY): "gauge"})
    pipeline([energy(10.0, 0)])
    assert [reading.reason for reading in pipeline([energy(9.0, 1)])] == ["counter_fell"]
    pipeline([Reading("other", ENERGY, 10.0, AT)])
    assert [reading.reason for reading in pipeline([Reading("other", ENERGY, 9.0, AT + 1)])] == [""]
