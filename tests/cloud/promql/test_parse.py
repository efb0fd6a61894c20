"""The grammar: what is taken, and what is refused with words."""

import math

import pytest

from cloud.promql.catalogue import _pattern
from cloud.promql.parse import parse_duration, parse_query, parse_selector
from cloud.promql.syntax import Aggregate, BadQuery, Binary, Call, Matcher, Number, Select

POWER = Select((Matcher("__name__", "=", "dayuan_active_power_total"),))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1+1", Number(2.0)),
        ("2 * (3 - 1) / 4", Number(1.0)),
        ("-dayuan_active_power_total", Binary("*", Number(-1.0), POWER)),
        ("dayuan_active_power_total", POWER),
        (
            'dayuan_active_power_total{site="east",device!="a\\"b",name=~"B3|B4",unit!~`k.*`,}',
            Select(
                (
                    *POWER.matchers,
                    Matcher("site", "=", "east"),
                    Matcher("device", "!=", 'a"b'),
                    Matcher("name", "=~", "B3|B4"),
                    Matcher("unit", "!~", "k.*"),
                )
            ),
        ),
        ("avg_over_time(dayuan_active_power_total[1h30m])", Call("avg_over_time", POWER._replace(range_ms=5_400_000))),
        ("sum by (site, kind) (dayuan_active_power_total)", Aggregate("sum", ("site", "kind"), False, POWER)),
        ("avg(dayuan_active_power_total) without (device)", Aggregate("avg", ("device",), True, POWER)),
        ("max(dayuan_active_power_total / 1000)", Aggregate("max", (), False, Binary("/", POWER, Number(1000.0)))),
        ("sum", Select((Matcher("__name__", "=", "sum"),))),
    ],
)
def test_a_query_is_read_as_prometheus_reads_it(text: str, tree: object) -> None:
    assert parse_query(text) == tree


def test_a_division_by_zero_is_what_floating_point_says() -> None:
    assert [parse_query(text).value for text in ("1/0", "-1/0")] == [math.inf, -math.inf]  # type: ignore[union-attr]
    assert math.isnan(parse_query("0/0").value)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a value should be"),
        ("1 +", "a value should be"),
        ("histogram_quantile(0.9, x)", "no such function here; there are avg_over_time"),
        ("topk(3, x)", "no such function"),
        ("rate(x)", "takes a range"),
        ("sum(x[5m])", "not a range"),
        ("x[5m] * 2", "not a range"),
        ("x + y", "one side must be a number"),
        ("x == 1", "here should be the end"),
        ("x offset 5m", "here should be the end"),
        ("x @ 5", "here should be the end"),
        ("x[5m:1m]", "here should be"),
        ("avg_over_time(x[5])", "should be a duration"),
        ("x{site}", "one of = !="),
        ('x{site="east"', "'}'"),
        ("x{site='a}", "nothing this understands"),
        ("{}", "a metric"),
        ("(" * 40 + "1" + ")" * 40, "nested deeper"),
        ("1+" * 300 + "1", "at most 200"),
        ("x" * 5_000, "at most 4000"),
        ("sum by (a b) (x)", "')'"),
    ],
)
def test_what_is_not_taken_is_refused_with_what_would_be(text: str, says: str) -> None:
    with pytest.raises(BadQuery) as refused:
        parse_query(text)
    assert says in str(refused.value)


def test_only_series_are_a_selector() -> None:
    assert parse_selector('{site="east"}').matchers == (Matcher("site", "=", "east"),)
    for text in ("1", "sum(x)", "x[5m]"):
        with pytest.raises(BadQuery):
            parse_selector(text)


@pytest.mark.parametrize(("text", "ms"), [("30s", 30_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("5ms", 5)])
def test_durations_are_added_up(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("pattern", ["(a+)+$", "[a-z]*", "a{2,}", "(?=x)", "\\w+", "x" * 3_000, ".*" * 6, "a**", "("])
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(BadQuery):
        _pattern(pattern)


@pytest.mark.parametrize("pattern", ["b3-main|b4-main", "(b3|b4)-.*", ".+", "1\\.5", "西门|东门", ""])
def test_patterns_as_grafana_makes_them_are_taken(pattern: str) -> None:
    assert _pattern(pattern)
