"""VictoriaMetrics keeps a reading as samples of up to three series; here they become readings again. Pure.

It keys samples by milliseconds and keeps all that come, so a block that was sent twice is there twice. Samples that
say the same are one. Two readings of one series at one instant are both there; which of the two had which batch is
told only by the order in which they lie there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cloud.store.contract import Codes, Doubles, Longs
from cloud.store.line_protocol import batches, exact, qualities, with_value


class Samples(NamedTuple):
    """Samples of one series as they came, in any order."""

    at: Longs
    number: Doubles


class Paired(NamedTuple):
    """Readings of one series, by time."""

    at: Longs
    value: Doubles
    quality: Codes
    batch: Longs


NONE = Samples(np.empty(0, np.int64), np.empty(0, np.float64))


def pair(origin: Samples, value: Samples, rest: Samples) -> Paired:
    """The readings that these samples are. A value whose origin is not there yet is left for later."""
    at, numbered = _sorted(origin)
    marks = numbered.astype(np.int64)
    kept = np.ones(len(at), bool)
    kept[1:] = (at[1:] != at[:-1]) | (marks[1:] != marks[:-1])
    at, marks = at[kept], marks[kept]
    has = with_value(marks)
    numbers = np.full(len(at), np.nan)
    holder = np.flatnonzero(has)
    found, there = _given(value, at[holder])
    added, _ = _given(rest, at[holder])
    numbers[holder] = exact(marks[holder], found, np.nan_to_num(added))
    complete = ~has
    complete[holder] = there
    return Paired(at[complete], numbers[complete], qualities(marks[complete]), batches(marks[complete]))


def _sorted(samples: Samples) -> Samples:
    order = np.lexsort((samples.number, samples.at))
    return Samples(samples.at[order], samples.number[order])


def _given(samples: Samples, at: Longs) -> tuple[Doubles, np.typing.NDArray[np.bool_]]:
    """The number that belongs to each of ``at`` (sorted, perhaps with repetitions), and whether there is one."""
    if not len(samples.at) or not len(at):
        return np.full(len(at), np.nan), np.zeros(len(at), bool)
    order = np.argsort(samples.at, kind="stable")
    times, numbers = samples.at[order], samples.number[order]
    first = np.searchsorted(times, at, "left")
    count = np.searchsorted(times, at, "right") - first
    there = count > 0
    found = np.where(there, numbers[np.minimum(first, len(numbers) - 1)], np.nan)
    repeated = np.flatnonzero((np.diff(at, prepend=at[0] - 1) == 0) | (np.diff(at, append=at[-1] + 1) == 0))
    for instant in np.unique(at[repeated]).tolist():
        mine = np.flatnonzero(at == instant)
        here = numbers[first[mine[0]] : first[mine[0]] + count[mine[0]]].tolist()
        if here:
            found[mine] = _shared(here, len(mine))
    return found, there


def _shared(numbers: Sequence[float], readings: int) -> list[float]:
    """The numbers of several readings at one instant, each as often as it was meant."""
    if len(numbers) == readings:
        return list(numbers)
    if len(numbers) % readings == 0:  # sent several times, whole
        return sorted(numbers)[:: len(numbers) // readings]
    once = sorted(set(numbers))
    return [once[min(place, len(once) - 1)] for place in range(readings)]
