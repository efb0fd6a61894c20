"""Columns as bytes for the ledger: blocks of readings, and what arrived. Pure."""

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cloud.store.contract import Ints, Longs, ReadingColumns
from cloud.store.rollup import DAY_MS

_KINDS = (np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f8"), np.dtype("u1"), np.dtype("<i8"))
_LEVEL = 1


class BadBlock(ValueError):
    """Bytes that are no block."""


class Arrivals(NamedTuple):
    """For each series and day (UTC) the first and last instant that came."""

    series: Ints
    from_at: Longs
    to_at: Longs


def pack(columns: ReadingColumns) -> bytes:
    """Readings as bytes, a column after the other: equal things lie together and shrink."""
    parts = (columns.series, columns.at, columns.value, columns.quality, columns.batch)
    return _packed(parts, _KINDS)


def unpack(body: bytes) -> ReadingColumns:
    """The readings again. Raises BadBlock."""
    series, at, value, quality, batch = _unpacked(body, _KINDS)
    return ReadingColumns(series=series, at=at, value=value, quality=quality, batch=batch)


def arrivals_of(columns: ReadingColumns) -> Arrivals:
    """What a commit brought, for ``arrived``."""
    return _least(columns.series, columns.at, columns.at)


def merged(parts: list[Arrivals]) -> Arrivals:
    """Several commits as one."""
    return _least(*(np.concatenate([part[n] for part in parts]) for n in range(3)))


def pack_arrivals(found: Arrivals) -> bytes:
    """As bytes."""
    kinds = (_KINDS[0], _KINDS[1], _KINDS[1])
    return _packed(found, kinds)


def unpack_arrivals(body: bytes) -> Arrivals:
    """From bytes. Raises BadBlock."""
    return Arrivals(*_unpacked(body, (_KINDS[0], _KINDS[1], _KINDS[1])))


def _least(series: Ints, from_at: Longs, to_at: Longs) -> Arrivals:
    order = np.lexsort((from_at // DAY_MS, series))
    series, from_at, to_at = series[order], from_at[order], to_at[order]
    if not len(series):
        return Arrivals(series, from_at, to_at)
    day = from_at // DAY_MS
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(series) != 0) | (np.diff(day) != 0)]))
    return Arrivals(series[begins], np.minimum.reduceat(from_at, begins), np.maximum.reduceat(to_at, begins))


def _packed(parts: Sequence["np.typing.NDArray[Any]"], kinds: Sequence["np.dtype[Any]"]) -> bytes:
    whole = b"".join(np.asarray(part, kind).tobytes() for part, kind in zip(parts, kinds, strict=True))
    return len(parts[0]).to_bytes(4, "little") + zlib.compress(whole, _LEVEL)


def _unpacked(body: bytes, kinds: Sequence["np.dtype[Any]"]) -> list["np.typing.NDArray[Any]"]:
    try:
        whole = zlib.decompress(body[4:])
    except zlib.error as error:
        raise BadBlock(str(error)) from None
    count = int.from_bytes(body[:4], "little")
    if len(whole) != count * sum(kind.itemsize for kind in kinds):
        raise BadBlock(f"{len(whole)} bytes for {count} rows")
    found, begin = [], 0
    for kind in kinds:
        end = begin + count * kind.itemsize
        found.append(np.frombuffer(whole[begin:end], kind))
        begin = end
    return found
