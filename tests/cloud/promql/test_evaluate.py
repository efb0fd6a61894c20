"""Values at instants, against what is worked out by hand and by a slow and simple second way."""

import math
import random

import numpy as np
import pytest

from cloud.promql.catalogue import Series
from cloud.promql.evaluate import Line, Readings, evaluate, spelled
from cloud.promql.parse import parse_query
from cloud.promql.syntax import BadQuery, Select
from cloud.store.contract import SeriesKey

NAN = math.nan
STALE = 60_000


def series(device: str, at: list[int], value: list[float], *, counter: bool = False) -> Readings:
    labels = {"__name__": "dayuan_p", "site": "east", "device": device}
    one = Series(SeriesKey("east", device, "p"), labels, counter, STALE)
    return Readings(one, np.array(at, np.int64), np.array(value, np.float64))


def work(text: str, instants: list[int], *known: Readings) -> list[Line] | float:
    return evaluate(parse_query(text), np.array(instants, np.int64), lambda _: known)


def values(text: str, instants: list[int], *known: Readings) -> list[list[float | None]]:
    made = work(text, instants, *known)
    assert isinstance(made, list)
    return [[None if value != value else value for value in line.values.tolist()] for line in made]


def test_a_value_holds_until_it_is_stale_and_not_longer() -> None:
    one = series("a", [0, 100_000], [1.0, 2.0])
    instants = [-1, 0, 60_000, 60_001, 99_999, 100_000, 160_000, 160_001]
    assert values("dayuan_p", instants, one) == [[None, 1.0, 1.0, None, None, 2.0, 2.0, None]]


def test_a_reading_without_a_value_ends_the_one_before() -> None:
    one = series("a", [0, 10_000, 20_000], [1.0, NAN, 3.0])
    assert values("dayuan_p", [5_000, 10_000, 15_000, 20_000], one) == [[1.0, None, None, 3.0]]


def test_a_range_is_open_at_its_beginning_and_leaves_out_what_has_no_value() -> None:
    one = series("a", [0, 10_000, 20_000, 30_000], [1.0, NAN, 3.0, 8.0])
    at = [20_000, 30_000, 100_000]
    assert values("avg_over_time(dayuan_p[20s])", at, one) == [[3.0, 5.5, None]]
    assert values("min_over_time(dayuan_p[30s])", at, one) == [[1.0, 3.0, None]]
    assert values("max_over_time(dayuan_p[30s])", at, one) == [[3.0, 8.0, None]]
    assert values("count_over_time(dayuan_p[1m])", at, one) == [[2.0, 3.0, None]]
    assert values("last_over_time(dayuan_p[1m])", at, one) == [[3.0, 8.0, None]]
    assert values("sum_over_time(dayuan_p[1m])", at, one) == [[4.0, 12.0, None]]


def test_a_counter_that_fell_adds_nothing_where_it_fell_and_nothing_is_extrapolated() -> None:
    one = series("a", [0, 10_000, 20_000, 30_000], [100.0, 110.0, 4.0, 9.0], counter=True)
    assert values("increase(dayuan_p[1m])", [0, 10_000, 30_000], one) == [[None, 10.0, 15.0]]
    assert values("rate(dayuan_p[1m])", [10_000, 30_000], one) == [[1.0, 0.5]]


def test_only_a_counter_counts() -> None:
    with pytest.raises(BadQuery, match="is of counters"):
        work("rate(dayuan_p[1m])", [0], series("a", [0], [1.0]))


def test_series_are_put_together_by_their_labels_and_one_without_a_value_counts_for_nothing() -> None:
    a, b = series("a", [0, 50_000], [1.0, 2.0]), series("b", [0], [10.0])
    at = [0, 70_000, 200_000]
    assert values("sum(dayuan_p)", at, a, b) == [[11.0, 2.0, None]]
    assert values("avg(dayuan_p)", at, a, b) == [[5.5, 2.0, None]]
    assert values("count(dayuan_p)", at, a, b) == [[2.0, 1.0, None]]
    assert values("max(dayuan_p) - 1", at, a, b) == [[9.0, 1.0, None]]
    by = work("min by (device) (dayuan_p)", at, a, b)
    assert isinstance(by, list)
    assert [dict(line.labels) for line in by] == [{"device": "a"}, {"device": "b"}]
    without = work("sum without (device) (dayuan_p)", at, a, b)
    assert isinstance(without, list)
    assert [dict(line.labels) for line in without] == [{"site": "east"}]


def test_numbers_stay_numbers_and_the_metric_goes_when_a_value_is_another() -> None:
    assert work("1 + 2", [0]) == 3.0
    made = work("dayuan_p * 2", [0], series("a", [0], [4.0]))
    assert isinstance(made, list)
    assert (dict(made[0].labels), made[0].values.tolist()) == ({"site": "east", "device": "a"}, [8.0])
    assert values("100 / dayuan_p", [0], series("a", [0], [4.0])) == [[25.0]]


def test_two_series_that_would_be_called_the_same_are_no_answer() -> None:
    one = series("a", [0], [1.0])
    with pytest.raises(BadQuery, match="same labels"):
        work("dayuan_p * 2", [0], one, one)


def test_too_many_cells_are_refused() -> None:
    with pytest.raises(BadQuery, match="longer step"):
        work("dayuan_p", list(range(11_000)), *[series(str(n), [0], [1.0]) for n in range(400)])


@pytest.mark.parametrize("seed", range(20))
def test_functions_over_ranges_agree_with_a_slow_and_simple_way(seed: int) -> None:
    rng = random.Random(seed)
    at = sorted(rng.sample(range(0, 100_000, 500), rng.randint(0, 60)))
    value = [NAN if rng.random() < 0.2 else round(rng.uniform(-5, 5), 2) for _ in at]
    one = series("a", at, value)
    instants, range_s = list(range(0, 120_000, 3_500)), rng.choice((1, 7, 30, 200))
    slow = {
        "avg_over_time": lambda held: sum(held) / len(held),
        "sum_over_time": sum,
        "min_over_time": min,
        "max_over_time": max,
        "count_over_time": len,
        "last_over_time": lambda held: held[-1],
    }
    for name, simple in slow.items():
        (fast,) = values(f"{name}(dayuan_p[{range_s}s])", instants, one)
        for instant, got in zip(instants, fast, strict=True):
            inside = [v for t, v in zip(at, value, strict=True) if instant - range_s * 1000 < t <= instant and v == v]
            assert got == (pytest.approx(simple(inside), abs=1e-9) if inside else None), (name, instant)


def test_values_are_spelled_as_prometheus_does() -> None:
    assert [spelled(value) for value in (1.0, 8123.5, NAN, math.inf, -math.inf, 1e20)] == [
        "1", "8123.5", "NaN", "+Inf", "-Inf", "1e+20",
    ]  # fmt: skip


def test_a_range_by_itself_has_no_value() -> None:
    with pytest.raises(BadQuery, match="put a function around it"):
        evaluate(Select((), 5), np.array([0], np.int64), lambda _: [])
