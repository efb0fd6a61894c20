"""Readings as line protocol, which VictoriaMetrics and InfluxDB both take. Pure: opens nothing.

One line for each reading: ``dayuan,site=..,device=..,point=.. value=..,rest=..,origin=.. time``.

Readings of some points may carry the UTC day of their instant as a further tag, so that each day of them is a series:
an engine that deletes whole series only can then delete them by their age.

``origin`` is one whole number below 2**53, so that it survives as a float: which batch brought the reading, which of
several at one instant it is, whether it has a value, whether that is a 32-bit float, and the code of its quality. A
reading without a value has no ``value``.

An engine may keep no more than 11 digits of a value. So a 32-bit float (what most registers hold) is marked as such
and rounded back to it; any other value that needs more digits is split into the first 11 and a ``rest``.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from cloud.store.contract import Codes, Doubles, Longs, ReadingColumns, SeriesKey

MEASUREMENT = "dayuan"
DIGITS = 11
DAY_MS = 86_400_000
_QUALITY = 256
_HAS_VALUE = 256
_IS_FLOAT32 = 512
_RANK = 1024
RANKS = 4
"""So many readings of one series at one instant in one batch are told apart; further ones count as the last."""
_BATCH = _RANK * RANKS
BATCH_MAX = 2**53 // _BATCH - 1
"""A thousand batches a second for 69 years."""

_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\\": "\\\\"})


def tags(key: SeriesKey) -> str:
    """How a line of this series begins."""
    return f"{MEASUREMENT},site={_tag(key.site)},device={_tag(key.device)},point={_tag(key.point)}"


def _tag(text: str) -> str:
    if "\n" in text or "\r" in text or not text:
        raise ValueError(f"{text!r} cannot name a series")
    return text.translate(_ESCAPES)


def origins(columns: ReadingColumns) -> Longs:
    """The ``origin`` of each reading. Raises ValueError for a batch number that does not fit."""
    if len(columns.batch) and (int(columns.batch.max()) > BATCH_MAX or int(columns.batch.min()) < 0):
        raise ValueError(f"batch {int(columns.batch.max())} does not fit; the greatest is {BATCH_MAX}")
    has = ~np.isnan(columns.value)
    with np.errstate(over="ignore", invalid="ignore"):
        short = has & (columns.value.astype(np.float32).astype(np.float64) == columns.value)
    marks: Longs = columns.batch * _BATCH + ranks(columns) * _RANK + has * _HAS_VALUE + short * _IS_FLOAT32
    return marks + columns.quality


def ranks(columns: ReadingColumns) -> Longs:
    """Which of several readings of one series at one instant in one batch each is: the same whenever it is sent."""
    order = np.lexsort((columns.at, columns.series, columns.batch))
    fresh = np.zeros(len(order), bool)
    for each in (columns.batch, columns.series, columns.at):
        sorted_one = each[order]
        differs = np.concatenate([[True], sorted_one[1:] != sorted_one[:-1]])[: len(order)]
        fresh |= differs
    begins = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
    ranks = np.zeros(len(order), np.int64)
    ranks[order] = np.minimum(np.arange(len(order)) - begins, RANKS - 1)
    return ranks


def lines(
    columns: ReadingColumns,
    names: Sequence[SeriesKey],
    times: Longs,
    *,
    whole: str = "",
    by_day: Collection[str] = (),
) -> bytes:
    """All lines. ``times`` stands behind each; ``whole`` behind whole numbers (InfluxDB wants an ``i``). Readings of
    the points ``by_day`` have their day as a tag."""
    heads = _heads(columns, names, by_day)
    found = []
    origin = origins(columns)
    split = (origin & (_HAS_VALUE | _IS_FLOAT32)) == _HAS_VALUE
    numbers = zip(heads, columns.value.tolist(), split.tolist(), origin.tolist(), times.tolist(), strict=True)
    for head, value, needs, mark, time in numbers:
        if value != value:
            fields = f"origin={mark}{whole}"
        elif needs and (most := float(f"{value:.{DIGITS - 1}e}")) != value:
            fields = f"value={most!r},rest={value - most!r},origin={mark}{whole}"
        else:
            fields = f"value={value!r},origin={mark}{whole}"
        found.append(f"{head} {fields} {time}\n")
    return "".join(found).encode()


def day_of(at: int) -> str:
    """The UTC day of an instant, as in ``2026-11-22``."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%d")


def _heads(columns: ReadingColumns, names: Sequence[SeriesKey], by_day: Collection[str]) -> Iterator[str]:
    """How the line of each reading begins."""
    heads = [tags(name) for name in names]
    dated = [name.point in by_day for name in names]
    days: dict[int, str] = {}
    for series, day in zip(columns.series.tolist(), (columns.at // DAY_MS).tolist(), strict=True):
        if not dated[series]:
            yield heads[series]
        else:
            if day not in days:
                days[day] = day_of(day * DAY_MS)
            yield f"{heads[series]},day={days[day]}"


def batches(origin: Longs) -> Longs:
    """Which batch brought each."""
    return origin // _BATCH


def qualities(origin: Longs) -> Codes:
    """The codes of quality."""
    return (origin % _QUALITY).astype(np.uint8)


def with_value(origin: Longs) -> np.typing.NDArray[np.bool_]:
    """Which of them have a value."""
    has: np.typing.NDArray[np.bool_] = (origin & _HAS_VALUE) != 0
    return has


def exact(origin: Longs, value: Doubles, rest: Doubles) -> Doubles:
    """The values as they were sent, from what an engine kept of them (``rest`` is 0 where there is none)."""
    short = (origin & _IS_FLOAT32) != 0
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(short, value.astype(np.float32).astype(np.float64), value + rest)
