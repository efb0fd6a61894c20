"""From an opened batch to arrays. The only place of the collector that knows how columns travel."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cloud.store.contract import Codes, Doubles, Ints, Longs
from cloud.store.series_book import QualityBook, SeriesBook
from protocols.batch import Batch
from protocols.columns import FLOAT32, FLOAT64, MILLI, Values
from protocols.errors import BadBatch

_AT_FIRST_MAX = 2**62


class Columns(NamedTuple):
    """The readings of one batch: series numbers (NO_SERIES where refused), times, values (NaN where bad), codes."""

    series: Ints
    at: Longs
    value: Doubles
    quality: Codes


def decode_columns(batch: Batch, site: str, series_book: SeriesBook, quality_book: QualityBook) -> Columns:
    """The batch's readings as arrays. Raises BadBatch."""
    count = batch.count
    if not count:
        return _NOTHING
    index = np.cumsum(_unshuffle(batch.index, "<i4"), dtype=np.int64)
    if index.min() < 0 or index.max() >= len(batch.series):
        raise BadBatch("series", f"a reading names a series outside the table of {len(batch.series)}")
    if not -_AT_FIRST_MAX < batch.at_first < _AT_FIRST_MAX:
        raise BadBatch("schema", f"first time {batch.at_first}")
    at = np.cumsum(_unshuffle(batch.at, "<i4" if batch.at_size == 4 else "<i8"), dtype=np.int64)
    at += batch.at_first
    value = _values(batch.values, count)
    quality = np.zeros(count, np.uint8)
    if batch.quality:
        codes = np.array([quality_book.code(word, reason) for word, reason in batch.quality_table], np.uint8)
        quality = codes[np.frombuffer(batch.quality, np.uint8)]
        bad = np.array([word == "bad" for word, _ in batch.quality_table])[np.frombuffer(batch.quality, np.uint8)]
        value[bad] = np.nan
    table = series_book.table(site, batch.series, batch.series_key)
    return Columns(table[index], at, value, quality)


def _unshuffle(planes: bytes, kind: str) -> npt.NDArray[np.signedinteger]:
    dtype = np.dtype(kind)
    bytes_by_item = np.frombuffer(planes, np.uint8).reshape(dtype.itemsize, -1).T
    found: npt.NDArray[np.signedinteger] = np.ascontiguousarray(bytes_by_item).view(dtype).reshape(-1)
    return found


def _floats(planes: bytes, kind: str) -> Doubles:
    dtype = np.dtype(kind)
    bytes_by_item = np.frombuffer(planes, np.uint8).reshape(dtype.itemsize, -1).T
    return np.ascontiguousarray(bytes_by_item).view(dtype).reshape(-1).astype(np.float64)


def _values(values: Values, count: int) -> Doubles:
    if not values.forms:
        if values.uniform == FLOAT32:
            return _floats(values.float32, "<f4")
        if values.uniform == MILLI:
            return _unshuffle(values.milli, "<i4") / 1000.0
        return _floats(values.float64, "<f8")
    forms = np.frombuffer(values.forms, np.uint8)
    merged = np.empty(count, np.float64)
    merged[forms == FLOAT32] = _floats(values.float32, "<f4")
    merged[forms == MILLI] = _unshuffle(values.milli, "<i4") / 1000.0
    merged[forms == FLOAT64] = _floats(values.float64, "<f8")
    return merged


_NOTHING = Columns(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))
