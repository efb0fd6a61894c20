"""Rules set by people: pure steps, and at work on committed readings."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud.alarms.rule import Rule, Watched, passed, step, times

HIGH = Rule(id="v", name="V", site="east", point="voltage_l1_n", condition="high", limit=250, deadband=2, delay_s=60)


def over(rule: Rule, readings: list[tuple[int, float]]) -> list[bool]:
    """Whether it is raised after each of these (seconds, value)."""
    state, found = Watched(), []
    for at, value in readings:
        state = step(rule, state, at * 1000, value)
        found.append(state.raised)
    return found


def test_a_limit_is_raised_after_its_delay_and_ends_a_deadband_below() -> None:
    readings = [(0, 251.0), (30, 249.5), (59, 251), (60, 251), (70, 249), (80, 248), (90, 249)]
    assert over(HIGH, readings) == [False, False, False, True, True, False, False]


def test_a_short_excursion_raises_nothing_and_a_silence_lets_the_delay_run() -> None:
    assert over(HIGH, [(0, 251), (50, 240), (70, 251), (120, 251)]) == [False] * 4
    state = step(HIGH, Watched(), 0, 251)
    assert not passed(HIGH, state, 59_999).raised
    assert passed(HIGH, state, 60_000).raised


def test_rate_state_low_and_stale() -> None:
    rate = Rule(id="t", name="T", site="east", point="temperature", condition="rate", limit=5)
    assert over(rate, [(0, 20), (60, 24), (120, 30), (180, 24), (240, 24)]) == [False, False, True, True, False]
    door = Rule(id="d", name="D", site="east", point="door_open", condition="state", limit=1, delay_s=600)
    assert over(door, [(0, 1), (599, 1), (600, 1), (601, 0)]) == [False, False, True, False]
    low = Rule(id="f", name="F", site="east", point="frequency", condition="low", limit=49.5, deadband=0.1)
    assert over(low, [(0, 49.4), (1, 49.55), (2, 49.6)]) == [True, True, False]
    stale = Rule(id="s", name="S", site="east", point="x", condition="stale", delay_s=100)
    state = step(stale, Watched(), 0, 1)
    assert not passed(stale, state, 99_999).raised
    state = passed(stale, state, 100_000)
    assert state.raised
    assert not step(stale, state, 100_001, 1).raised


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(240, 260)), max_size=40))
def test_what_is_older_than_the_newest_changes_nothing(given_readings: list[tuple[int, float]]) -> None:
    newest, kept = -1, []
    for at, value in given_readings:
        if at > newest:
            kept.append((at, value))
            newest = at
    rule = Rule(id="v", name="V", site="east", point="p", condition="high", limit=250, deadband=1, delay_s=10)
    all_of_them, only_newer = over(rule, given_readings), over(rule, kept)
    assert (all_of_them or [False])[-1] == (only_newer or [False])[-1]
    raised = sum(b and not a for a, b in zip([False, *only_newer], only_newer, strict=False))
    assert times(rule, [(at * 1000, value) for at, value in kept], 50_000) >= raised


def test_rules_that_cannot_be_are_told_what_is_missing() -> None:
    assert HIGH.fault() is None
    for condition, words in (("high", "limit"), ("stale", "delay_s"), ("rate", "limit")):
        fault = Rule(id="x", name="x", site="e", point="p", condition=condition).fault()  # type: ignore[arg-type]
        assert fault is not None
        assert words in fault


def test_a_nan_is_not_a_reading() -> None:
    assert not step(HIGH, Watched(), 0, float(np.nan)).raised
