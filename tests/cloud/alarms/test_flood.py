"""Floods, and figures of alarms."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud.alarms.figures import figures
from cloud.alarms.flood import BEGINS_ABOVE, ENDS_BELOW, WINDOW_MS, Flood, floods
from cloud.registry.alarm_book import Begun

MINUTE = 60_000


def test_eleven_alarms_in_ten_minutes_are_a_flood_and_ten_are_not() -> None:
    ten = [MINUTE * n for n in range(10)]
    assert floods(ten, 10 * MINUTE) == []
    assert floods([*ten, 9 * MINUTE + 1], 10 * MINUTE) == [Flood(0, None, 11)]


def test_a_flood_ends_when_fewer_than_five_began_in_ten_minutes() -> None:
    begins = [1000 * n for n in range(12)]
    (flood,) = floods(begins, 60 * MINUTE)
    assert flood == Flood(0, 7 * 1000 + WINDOW_MS, 12), "then only 8 to 11 are within ten minutes"
    assert floods([*begins, 60 * MINUTE], 61 * MINUTE) == [flood]


@given(st.lists(st.integers(0, 4 * WINDOW_MS), max_size=80))
def test_floods_agree_with_counting_every_window_by_hand(given_begins: list[int]) -> None:
    begins = sorted(given_begins)
    found = floods(begins, 9 * WINDOW_MS)
    for at in begins:
        n = sum(at - WINDOW_MS < other <= at for other in begins)
        inside = any(flood.since <= at < (flood.until or 10**18) for flood in found)
        if n > BEGINS_ABOVE:
            assert inside
    for flood in found:
        assert flood.until is not None
        assert sum(flood.until - WINDOW_MS < other <= flood.until for other in begins) < ENDS_BELOW
        assert flood.alarms == sum(flood.since <= at < flood.until for at in begins)
    assert all(a.until is not None and a.until <= b.since + WINDOW_MS for a, b in pairwise(found))


def test_figures_say_how_many_an_hour_and_what_comes_most_often() -> None:
    begun = [Begun("device_lost", "east/m1", 2, n * MINUTE // 2, None) for n in range(12)]
    begun += [Begun("door_forced", "east/d", 1, 61 * MINUTE, None)]
    of = figures(begun, 0, 120 * MINUTE)
    assert (of.total, of.per_hour, of.by_priority) == (13, 6.5, {1: 1, 2: 12, 3: 0})
    assert of.hours == [(0, 12), (3_600_000, 1)]
    assert (of.frequent[0].source, of.frequent[0].times, of.frequent[0].share) == ("east/m1", 12, 0.923)
    assert of.in_floods == 12
    assert figures([], 0, 1).frequent == []
