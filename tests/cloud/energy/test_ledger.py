"""Closing, reversing, and reproducing what was said at any version."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.energy.contract import BASE_MS, MICRO, EnergyFault, Intervals, Source, missing
from cloud.energy.ledger import (
    DayKey,
    DayPage,
    Deed,
    Entry,
    amend,
    check_numbers,
    close,
    differences,
    standing,
    sum_of,
)
from cloud.energy.pages import add, pack, total_of, unpack

DAY = 86_400_000


def page(amount: int, day: int = 0) -> DayPage:
    intervals = Intervals(
        day,
        np.full(96, amount, np.int64),
        np.full(96, BASE_MS, np.int32),
        np.zeros(96, np.uint8),
        np.zeros(96, np.uint8),
    )
    return DayPage(pack(intervals), total_of(intervals))


def deed(version: int, kind: str = "close") -> Deed:
    return Deed(version, 1000 + version, "wang", "end of month", kind)  # type: ignore[arg-type]


KEYS = [DayKey("b3-main", 0), DayKey("b3-main", DAY)]


def test_an_amendment_reverses_the_old_entry_and_makes_a_new_one() -> None:
    book = close({}, dict(zip(KEYS, (page(10), page(20)), strict=True)), deed(1), 1)
    book += amend(standing(book), {KEYS[1]: page(25)}, deed(2, "amend"), 3)
    assert [(entry.number, entry.kind, entry.micro) for entry in book] == [
        (1, "posting", 960),
        (2, "posting", 1920),
        (3, "reversal", -1920),
        (4, "correction", 2400),
    ]
    assert sum_of(book, 1) == 2880
    assert sum_of(book) == 3360
    assert unpack(standing(book, 1)[KEYS[1]].page).micro[0] == 20
    assert unpack(standing(book)[KEYS[1]].page).micro[0] == 25


def test_what_is_known_otherwise_now_is_told_and_changes_nothing_by_itself() -> None:
    book = close({}, {KEYS[0]: page(10)}, deed(1), 1)
    assert differences(standing(book), {KEYS[0]: page(11)}) == {KEYS[0]: 96}
    assert differences(standing(book), {KEYS[0]: page(10)}) == {}
    assert sum_of(book) == 960


def test_a_day_is_closed_once() -> None:
    book = close({}, {KEYS[0]: page(10)}, deed(1), 1)
    with pytest.raises(EnergyFault, match="already closed"):
        close(standing(book), {KEYS[0]: page(10)}, deed(2), 2)


def test_only_a_closed_day_is_amended() -> None:
    with pytest.raises(EnergyFault, match="not closed"):
        amend({}, {KEYS[0]: page(10)}, deed(1, "amend"), 1)


def test_nobody_changes_the_ledger_without_a_name_and_a_reason() -> None:
    for by, why in (("", "x"), ("wang", " ")):
        with pytest.raises(EnergyFault, match="says why"):
            close({}, {KEYS[0]: page(1)}, Deed(1, 0, by, why, "close"), 1)


def test_a_line_taken_out_of_the_ledger_is_noticed() -> None:
    book = close({}, dict(zip(KEYS, (page(1), page(2)), strict=True)), deed(1), 1)
    check_numbers(book)
    with pytest.raises(EnergyFault, match="no entry 2"):
        check_numbers([book[0], book[1]._replace(number=3)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, 5), st.integers(0, 9), min_size=1), min_size=1, max_size=8))
def test_any_version_can_be_told_again(changes: list[dict[int, int]]) -> None:
    """What stands at a version, and the sum of all entries up to it, is what was known when it was made."""
    book: list[Entry] = []
    known: dict[DayKey, int] = {}
    remembered: list[dict[DayKey, int]] = []
    for version, change in zip(count(1), changes, strict=False):
        days = {DayKey("m", day * DAY): amount for day, amount in change.items()}
        new = {key: page(amount) for key, amount in days.items() if key not in known}
        old = {key: page(amount) for key, amount in days.items() if key in known}
        if new:
            book += close(standing(book), new, deed(version), len(book) + 1)
        if old:
            book += amend(standing(book), old, deed(version, "amend"), len(book) + 1)
        known |= days
        remembered.append(dict(known))
    check_numbers(book)
    for version, then in enumerate(remembered, 1):
        stood = standing(book, version)
        assert {key: entry.micro for key, entry in stood.items()} == {key: 96 * each for key, each in then.items()}
        assert sum_of(book, version) == 96 * sum(then.values())


def test_a_day_at_rest_is_what_it_was_and_damage_is_noticed() -> None:
    intervals = missing(DAY, 2 * DAY)
    intervals.micro[3], intervals.covered_ms[3], intervals.source[3], intervals.flags[3] = -5, 7, Source.MANUAL, 9
    text = pack(intervals)
    back = unpack(text)
    assert list(back) == list(intervals)
    assert pack(back) == text
    for damaged in (text[:-3], text[:5], b"\x09" + text[1:], text[:1] + b"\x05" + text[2:]):
        with pytest.raises(EnergyFault, match="day"):
            unpack(damaged)


def test_a_total_says_how_much_of_it_was_measured_and_never_takes_missing_for_zero() -> None:
    intervals = missing(0, 4 * BASE_MS)
    assert total_of(intervals).micro is None
    intervals.micro[:2], intervals.covered_ms[:2] = [3 * MICRO, 5 * MICRO], BASE_MS
    intervals.source[:2] = [Source.MEASURED, Source.ESTIMATED]
    total = total_of(intervals)
    assert (total.micro, total.measured, total.coverage, total.source) == (8 * MICRO, 3 * MICRO, 0.5, Source.ESTIMATED)
    both = add([total, total_of(missing(0, 4 * BASE_MS))])
    assert (both.micro, both.coverage) == (8 * MICRO, 0.25)
    assert add([]).micro is None
