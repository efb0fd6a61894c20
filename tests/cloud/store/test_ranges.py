"""Sets of sequence numbers."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.store.ranges import SeqRanges

numbers = st.lists(st.integers(1, 40), max_size=60)


@given(numbers)
def test_a_set_of_ranges_is_a_set(added: list[int]) -> None:
    ranges = SeqRanges()
    for number in added:
        ranges.add(number)
    assert [number for number in range(42) if number in ranges] == sorted(set(added))
    assert ranges.count() == len(set(added))
    parts = list(ranges)
    assert all(first <= last for first, last in parts)
    assert all(parts[n][1] + 1 < parts[n + 1][0] for n in range(len(parts) - 1)), "ranges that touch are one range"


@given(numbers, numbers)
def test_ranges_made_from_parts_equal_ranges_grown_one_by_one(one: list[int], other: list[int]) -> None:
    grown = SeqRanges()
    for number in one + other:
        grown.add(number)
    made = SeqRanges([*((n, n) for n in one), *((n, n) for n in other)])
    assert list(made) == list(grown)
