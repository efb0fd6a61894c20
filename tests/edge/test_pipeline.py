"""The stages between drivers and buffer."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from edge.deadband import DeadbandStage
from edge.pipeline import DistinctInstants, Pipeline, be_honest
from edge.retime import Timing
from edge.settings import Deadband, DeviceSettings
from protocols.clock import ManualClock
from protocols.reading import Quality, Reading

AT = 1_795_000_000_000
POWER, ENERGY = "active_power_total", "active_energy_import_total"


def meter(**bands: Deadband) -> DeviceSettings:
    return DeviceSettings(
        id="meter", name="", profile="x/y", kind="meter", bus="b", every_s=1.0, max_silence_s=60.0, deadband=bands
    )


def power(value: float | None, at: int = 0, quality: Quality = Quality.GOOD, reason: str = "") -> Reading:
    return Reading("meter", POWER, value, AT + at * 1000, quality, reason)


def through(stage: DeadbandStage, *readings: Reading) -> list[float | None]:
    return [reading.value for one in readings for reading in stage([one])]


def test_the_first_value_passes_and_small_changes_do_not() -> None:
    stage = DeadbandStage([meter(**{POWER: Deadband(absolute=5.0)})])
    values = [100.0, 104.0, 105.0, 105.5, 101.0, 100.4]
    assert through(stage, *(power(value, n) for n, value in enumerate(values))) == [100.0, 105.5, 100.4]
    assert stage.left_out == 3


def test_the_band_lies_around_the_last_value_sent_so_that_slow_drift_is_seen() -> None:
    stage = DeadbandStage([meter(**{POWER: Deadband(absolute=5.0)})])
    sent = through(stage, *(power(100.0 + n, n) for n in range(21)))
    assert sent == [100.0, 106.0, 112.0, 118.0]


def test_a_percentage_is_of_the_last_value_sent() -> None:
    stage = DeadbandStage([meter(**{POWER: Deadband(percent=10.0)})])
    assert through(stage, power(-200.0, 0), power(-219.0, 1), power(-221.0, 2), power(-200.0, 3)) == [-200.0, -221.0]


def test_after_max_silence_the_same_value_is_sent_again() -> None:
    stage = DeadbandStage([meter(**{POWER: Deadband(absolute=5.0)})])
    sent = [n for n in range(130) if stage([power(100.0, n)])]
    assert sent == [0, 60, 120]


def test_a_change_of_quality_or_of_its_reason_always_passes() -> None:
    stage = DeadbandStage([meter(**{POWER: Deadband(absolute=5.0)})])
    steps = [
        power(100.0, 0),
        power(None, 1, Quality.BAD, "device_error"),
        power(None, 2, Quality.BAD, "device_error"),
        power(None, 3, Quality.BAD, "sentinel"),
        power(100.0, 4),
        power(100.0, 5, Quality.UNCERTAIN, "clock"),
    ]
    assert len(through(stage, *steps)) == 5


def test_time_going_back_sends_the_value() -> None:
    stage = DeadbandStage([meter(**{POWER: Deadband(absolute=5.0)})])
    assert len(through(stage, power(100.0, 100), power(100.0, 50), power(100.0, 51))) == 2


def test_a_point_without_a_deadband_always_passes() -> None:
    stage = DeadbandStage([meter(**{ENERGY: Deadband(absolute=5.0)})])
    assert len(through(stage, power(1.0), power(1.0, 1))) == 2


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(0.0, 1e5))
def test_what_is_left_out_never_differs_from_what_was_sent_by_more_than_the_band(
    values: list[float], band: float
) -> None:
    stage = DeadbandStage([meter(**{POWER: Deadband(absolute=band)})])
    shown: float | None = None
    for n, value in enumerate(values):
        for reading in stage([power(value, n)]):
            shown = reading.value
        assert shown is not None
        assert abs(shown - value) <= band


def test_a_bad_reading_has_no_value_and_a_value_is_finite() -> None:
    readings = [
        power(5.0, 0, Quality.BAD, "sentinel"),
        power(None, 1),
        power(math.nan, 2),
        power(math.inf, 3, Quality.UNCERTAIN, "clock"),
        power(1.0, 4),
    ]
    honest = be_honest(readings)
    assert [(r.value, r.quality.value, r.reason) for r in honest] == [
        (None, "bad", "sentinel"),
        (None, "bad", "device_error"),
        (None, "bad", "out_of_range"),
        (None, "bad", "out_of_range"),
        (1.0, "good", ""),
    ]
    assert be_honest(honest) is honest


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_readings_of_a_series_in_a_row_never_share_an_instant(times: list[int]) -> None:
    stage = DistinctInstants()
    before: int | None = None
    for at in times:
        (moved,) = stage([Reading("meter", POWER, 1.0, at)])
        assert moved.observed_at != before
        assert moved.observed_at >= at
        before = moved.observed_at


def test_other_series_keep_their_instants() -> None:
    readings = [Reading(device, point, 1.0, AT) for device in ("a", "b") for point in (POWER, ENERGY)]
    assert DistinctInstants()(readings) is readings


def test_a_burst_at_one_instant_becomes_a_row_of_milliseconds() -> None:
    moved = DistinctInstants()([power(float(n)) for n in range(4)])
    assert [reading.observed_at - AT for reading in moved] == [0, 1, 2, 3]


def test_the_pipeline_counts_what_it_takes_and_gives() -> None:
    timing = Timing(ManualClock(), boot="b")
    timing.start(0)
    pipeline = Pipeline([meter(**{POWER: Deadband(absolute=5.0)})], timing)
    pipeline([power(1.0, 0), power(2.0, 1)])
    assert (pipeline.taken, pipeline.passed) == (2, 1)
