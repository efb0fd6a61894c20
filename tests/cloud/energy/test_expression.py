"""Expressions of virtual meters, and what becomes of the quality of their parts."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.energy.contract import BASE_MS, MICRO, EnergyFault, Flag, Intervals, Source
from cloud.energy.expression import ExpressionFault, parse
from cloud.energy.virtual import combine


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("[a]", {"a": 1}),
        ("[b3-main] - [b3-hvac]", {"b3-main": 1, "b3-hvac": -1}),
        ("[a]-[b]*2 + 0.5*[c]", {"a": 1, "b": -2, "c": Fraction(1, 2)}),
        ("-([a] - ([b] + [a])/3)", {"a": Fraction(-2, 3), "b": Fraction(1, 3)}),
        ("2*3*[a]/4", {"a": Fraction(3, 2)}),
        ("[a] × 2 ÷ 5", {"a": Fraction(2, 5)}),
        ("[a] + [b] - [b]", {"a": 1}),
        ("[a] + 5 - 5", {"a": 1}),
        ("0.1*[a]", {"a": Fraction(1, 10)}),
    ],
)
def test_what_an_expression_counts(text: str, meaning: dict[str, object]) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 1, "ends where"),
        ("[a] +", 6, "ends where"),
        ("[a] [b]", 6, "not expected here"),
        ("[a] * [b]", 5, "one meter by another"),
        ("1 / [a]", 3, "divides by a meter"),
        ("[a] / (2 - 2)", 5, "divides by zero"),
        ("([a] + [b]", 11, "bracket of character 1 is not closed"),
        ("[a", 1, "not closed"),
        ("[A b]", 2, "no meter's id"),
        ("b3-main - [a]", 1, r"in brackets: \[b3-main\]"),
        ("[a] + 5", 1, "that no meter counts"),
        ("5", 1, "that no meter counts"),
        ("1 - 1", 1, "names no meter"),
        ("[a] ^ 2", 5, "means nothing here"),
        ("__import__('os')", 1, "means nothing here|in brackets"),
        ("(" * 200 + "[a]" + ")" * 200, 52, "more than 50"),
        ("-" * 200 + "[a]", 52, "more than 50"),
        ("[a]*1234567890123", 5, "digits"),
        ("[a]" + " " * 2000 + "+[b]", 1000, "longer than"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, position: int, says: str) -> None:
    with pytest.raises(ExpressionFault, match=says) as caught:
        parse(text)
    assert caught.value.position == position


@given(st.text(alphabet="[]ab1.+-*/() ", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    position = 1
    try:
        parse(text)
    except ExpressionFault as fault:
        position = fault.position
    assert 1 <= position <= len(text) + 1


def row(
    values: list[float | None], covered: int = BASE_MS, source: Source = Source.MEASURED, flags: int = 0
) -> Intervals:
    lacking = np.array([value is None for value in values])
    return Intervals(
        0,
        np.array([round((value or 0) * MICRO) for value in values], np.int64),
        np.where(lacking, 0, covered).astype(np.int32),
        np.where(lacking, Source.MISSING, source).astype(np.uint8),
        np.full(len(values), flags, np.uint8),
    )


def test_a_virtual_meter_is_the_sum_and_carries_the_worst_of_its_parts() -> None:
    parts = {"a": row([10, 20]), "b": row([1, 2], source=Source.ESTIMATED, flags=Flag.REPLACED)}
    found = combine(parse("[a] - 2*[b]"), parts, 0, 2 * BASE_MS)
    assert [each.value for each in found] == [8, 16]
    assert {each.source for each in found} == {Source.ESTIMATED}
    assert found[0].flags == Flag.REPLACED


def test_where_a_part_is_missing_nothing_is_known() -> None:
    found = combine(parse("[a] + [b]"), {"a": row([10, 20, 30]), "b": row([1, None])}, 0, 3 * BASE_MS)
    assert [each.value for each in found] == [11, None, None]


def test_parts_that_cover_an_interval_differently_make_it_uncertain() -> None:
    found = combine(parse("[a] + [b]"), {"a": row([10]), "b": row([1], covered=60_000)}, 0, BASE_MS)
    assert found[0].flags & Flag.UNCERTAIN
    assert found[0].covered_ms == 60_000


def test_it_is_rounded_once_half_to_even() -> None:
    parts = {"a": row([0.000001, 0.000003, 0.000005])}
    assert combine(parse("[a]/2"), parts, 0, 3 * BASE_MS).micro.tolist() == [0, 2, 2]
    assert combine(parse("-[a]/2"), parts, 0, 3 * BASE_MS).micro.tolist() == [0, -2, -2]


def test_large_sums_stay_exact() -> None:
    big = 9_000_000_000.123456
    found = combine(parse("[a]*1000/1000 - [b]"), {"a": row([big]), "b": row([big])}, 0, BASE_MS)
    assert found[0].value == Decimal(0)


def test_a_meter_that_is_not_there_is_named() -> None:
    with pytest.raises(EnergyFault, match="no meter 'b'"):
        combine(parse("[a] + [b]"), {"a": row([1])}, 0, BASE_MS)
