"""A tree at many instants, on arrays. No value is carried past its point's own stale rule, and none is extrapolated."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cloud.promql.catalogue import Series
from cloud.promql.parse import arithmetic
from cloud.promql.syntax import Aggregate, BadQuery, Binary, Call, Node, Number, Select
from cloud.store.contract import Doubles, Longs

CELLS_MAX = 4_000_000
"""Series times instants of one query."""

Labels = Mapping[str, str]


class Line(NamedTuple):
    """One series of an answer; NaN where there is no value at that instant."""

    labels: Labels
    values: Doubles


class Readings(NamedTuple):
    """Readings of one series, by time. NaN: the device gave no value."""

    series: Series
    at: Longs
    value: Doubles


Read = Callable[[Select], Sequence[Readings]]


def selects(node: Node) -> list[Select]:
    """All selectors of a tree."""
    match node:
        case Select():
            return [node]
        case Call(_, of) | Aggregate(_, _, _, of):
            return selects(of)
        case Binary(_, left, right):
            return selects(left) + selects(right)
        case _:
            return []


def evaluate(node: Node, instants: Longs, read: Read) -> list[Line] | float:
    """Lines, or the number of a tree without series. Raises BadQuery."""
    match node:
        case Number(value):
            return value
        case Select():
            if node.range_ms:
                raise BadQuery("a range has no value by itself; put a function around it, as in avg_over_time(...[5m])")
            return [Line(one.series.labels, newest(one, instants)) for one in _bounded(read(node), instants)]
        case Call(name, of):
            lines = [
                Line(_unnamed(one.series.labels), _over_time(name, one, instants, of.range_ms))
                for one in _bounded(read(of), instants)
            ]
            return _distinct(lines)
        case Aggregate():
            return _aggregated(node, evaluate(node.of, instants, read), len(instants))
        case Binary(operator, left, right):
            return _combined(operator, evaluate(left, instants, read), evaluate(right, instants, read))


def newest(one: Readings, instants: Longs) -> Doubles:
    """The value that holds at each instant: of the newest reading by then, unless it is stale or has no value."""
    place = np.searchsorted(one.at, instants, side="right") - 1
    known = place >= 0
    found = np.full(len(instants), np.nan)
    fresh = known.copy()
    fresh[known] = instants[known] - one.at[place[known]] <= one.series.stale_ms
    found[fresh] = one.value[place[fresh]]
    return found


def _bounded(found: Sequence[Readings], instants: Longs) -> Sequence[Readings]:
    if len(found) * len(instants) > CELLS_MAX:
        raise BadQuery(f"{len(found)} series at {len(instants)} instants; select fewer, or ask with a longer step")
    return found


def _over_time(name: str, one: Readings, instants: Longs, range_ms: int) -> Doubles:
    """Over the readings with ``instant - range < at <= instant``; those without a value are left out."""
    has_value = np.isfinite(one.value)
    at, value = one.at[has_value], one.value[has_value]
    first = np.searchsorted(at, instants - range_ms, side="right")
    end = np.searchsorted(at, instants, side="right")
    count = end - first
    if name in ("increase", "rate"):
        return _grown(name, one, at, value, first, end)
    found = np.full(len(instants), np.nan)
    some = count > 0
    if not some.any():
        return found
    first, end, count = first[some], end[some], count[some]
    if name == "count_over_time":
        found[some] = count
    elif name == "last_over_time":
        found[some] = value[end - 1]
    elif name in ("min_over_time", "max_over_time"):
        least = np.minimum if name == "min_over_time" else np.maximum
        padded = np.append(value, value[-1])  # an end may lie behind the last one
        found[some] = least.reduceat(padded, np.stack([first, end], axis=1).ravel())[::2]
    else:
        sums = np.concatenate([[0.0], np.cumsum(value - value[0])])
        total = sums[end] - sums[first] + count * value[0]
        found[some] = total if name == "sum_over_time" else total / count
    return found


def _grown(name: str, one: Readings, at: Longs, value: Doubles, first: Longs, end: Longs) -> Doubles:
    """What a counter counted between the first and the last reading of each range. Where it fell nothing is added:
    nobody knows what it counted until it began anew."""
    if not one.series.counter:
        metric = one.series.labels["__name__"]
        raise BadQuery(f"{name} is of counters; {metric} is none", "execution")
    found = np.full(len(first), np.nan)
    some = end - first > 1
    if some.any():
        steps = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(value), 0.0))])
        last, begin = end[some] - 1, first[some]
        grown = steps[last] - steps[begin]
        found[some] = grown if name == "increase" else grown / ((at[last] - at[begin]) / 1000)
    return found


def _aggregated(node: Aggregate, inner: list[Line] | float, instants: int) -> list[Line]:
    if isinstance(inner, float):
        raise BadQuery(f"{node.name} takes series, not a number")
    groups: dict[tuple[tuple[str, str], ...], list[Doubles]] = {}
    for line in inner:
        kept = {
            name: value
            for name, value in line.labels.items()
            if name != "__name__" and (name in node.labels) is not node.without
        }
        groups.setdefault(tuple(sorted(kept.items())), []).append(line.values)
    return [Line(dict(labels), _together(node.name, values, instants)) for labels, values in groups.items()]


def _together(name: str, values: Sequence[Doubles], instants: int) -> Doubles:
    """Of those that have a value at each instant; none where none has."""
    total, count = np.zeros(instants), np.zeros(instants)
    extreme = np.full(instants, np.nan)
    for one in values:
        there = ~np.isnan(one)
        count += there
        total[there] += one[there]
        if name in ("min", "max"):
            extreme = np.fmin(extreme, one) if name == "min" else np.fmax(extreme, one)
    made = {"sum": total, "avg": total / np.maximum(count, 1), "count": count}.get(name, extreme)
    return np.where(count > 0, made, np.nan)


def _combined(operator: str, left: list[Line] | float, right: list[Line] | float) -> list[Line] | float:
    if isinstance(left, float) and isinstance(right, float):
        return arithmetic(operator, left, right)
    work = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[operator]
    with np.errstate(all="ignore"):
        if isinstance(left, list) and isinstance(right, float):
            made = [Line(_unnamed(line.labels), work(line.values, right)) for line in left]
        elif isinstance(left, float) and isinstance(right, list):
            made = [Line(_unnamed(line.labels), work(left, line.values)) for line in right]
        else:
            raise BadQuery(f"{operator} between two sets of series is not done here; one side must be a number")
    return _distinct(made)


def _unnamed(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name != "__name__"}


def _distinct(lines: list[Line]) -> list[Line]:
    """Without their metric two series may be called the same; then the answer would be a riddle."""
    seen = {tuple(sorted(line.labels.items())) for line in lines}
    if len(seen) != len(lines):
        raise BadQuery("two series have the same labels but for their metric; select one metric", "execution")
    return lines


def spelled(value: float) -> str:
    """A value as Prometheus writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
