from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edge.ranges import Ranges

span = st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(st.tuples(st.sampled_from(["add", "remove"]), span), max_size=30), span)
def test_ranges_are_a_set_of_numbers(steps: list[tuple[str, tuple[int, int]]], window: tuple[int, int]) -> None:
    ranges, numbers = Ranges(), set[int]()
    for step, (first, last) in steps:
        getattr(ranges, step)(first, last)
        changed = set(range(first, last + 1))
        numbers = numbers | changed if step == "add" else numbers - changed
        found = list(ranges)
        assert {n for low, high in found for n in range(low, high + 1)} == numbers
        assert all(high + 1 < low for (_, high), (low, _) in itertools.pairwise(found))
        assert len(ranges) == len(numbers)
        assert bool(ranges) == bool(numbers)
    met = {n for low, high in ranges.meet(*window) for n in range(low, high + 1)}
    assert met == numbers & set(range(window[0], window[1] + 1))
    assert all((n in ranges) == (n in numbers) for n in range(60))
    assert (ranges.lowest() or (None,))[0] == min(numbers, default=None)


def test_a_backlog_of_millions_is_one_range() -> None:
    ranges = Ranges()
    for place in range(1, 100_001):
        ranges.add(place)
    assert list(ranges) == [(1, 100_000)]
    ranges.remove(50_000)
    assert list(ranges) == [(1, 49_999), (50_001, 100_000)]
