"""Columns of a batch: numbers of one kind side by side, little-endian, byte planes apart so that zstd finds more.

Times and series indices travel as differences; a value travels in the shortest of three exact forms
(float32, thousandths as int32, float64). Nothing is rounded: what does not fit a short form takes the long one.
"""

import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, compress

import msgspec

FLOAT32, MILLI, FLOAT64 = 0, 1, 2
"""Forms of a value: exact float32, exact thousandths in int32, float64."""

_INT32_MAX = 2**31 - 1
_MILLI = 1000.0


class Values(msgspec.Struct, frozen=True, array_like=True):
    """Values in their forms. ``forms`` holds one byte a value, or is empty when all have the form ``uniform``.

    ``float32``, ``milli`` and ``float64`` are shuffled columns of 4, 4 and 8 bytes a value.
    """

    uniform: int
    forms: bytes
    float32: bytes
    milli: bytes
    float64: bytes


def shuffle(raw: bytes, size: int) -> bytes:
    """Put the first bytes of all items first, then all second bytes, and so on."""
    return b"".join(raw[plane::size] for plane in range(size))


def unshuffle(planes: bytes, size: int) -> bytes:
    """Undo :func:`shuffle`; ``len(planes)`` is a multiple of ``size``."""
    count = len(planes) // size
    raw = bytearray(len(planes))
    for plane in range(size):
        raw[plane::size] = planes[plane * count : (plane + 1) * count]
    return bytes(raw)


def _to_bytes(column: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return shuffle(column.tobytes(), column.itemsize)


def _int_array(code: str, planes: bytes) -> "array[int]":
    column: array[int] = array(code)
    column.frombytes(unshuffle(planes, column.itemsize))
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _float_array(code: str, planes: bytes) -> "array[float]":
    column: array[float] = array(code)
    column.frombytes(unshuffle(planes, column.itemsize))
    if sys.byteorder == "big":
        column.byteswap()
    return column


def pack_deltas(numbers: Sequence[int], first: int) -> tuple[int, bytes]:
    """(item size 4 or 8, shuffled differences). The first difference is taken from ``first``."""
    deltas = [number - before for number, before in zip(numbers, [first, *numbers], strict=False)]
    try:
        return 4, _to_bytes(array("i", deltas))
    except OverflowError:
        return 8, _to_bytes(array("q", deltas))


def unpack_deltas(size: int, planes: bytes, first: int) -> list[int]:
    """The numbers given to :func:`pack_deltas`."""
    deltas = _int_array("i" if size == 4 else "q", planes)
    return list(accumulate(deltas, initial=first))[1:]


def pack_values(values: Sequence[float]) -> Values:
    """The shortest exact forms of ``values`` (NaN and infinities included, as float64)."""
    float32 = array("f", values)
    if float32.tolist() == values:
        return Values(FLOAT32, b"", _to_bytes(float32), b"", b"")
    forms = bytearray(len(values))
    shorts: list[float] = []
    millis: list[int] = []
    longs: list[float] = []
    for place, (value, short) in enumerate(zip(values, float32, strict=True)):
        if short == value:
            shorts.append(value)
            continue
        scaled = value * _MILLI
        milli = round(scaled) if -_INT32_MAX < scaled < _INT32_MAX else None
        if milli is not None and milli / _MILLI == value:
            forms[place] = MILLI
            millis.append(milli)
        else:
            forms[place] = FLOAT64
            longs.append(value)
    uniform = MILLI if len(millis) == len(values) else FLOAT64 if len(longs) == len(values) else FLOAT32
    mixed = b"" if uniform != FLOAT32 or not (millis or longs) else bytes(forms)
    return Values(
        uniform, mixed, _to_bytes(array("f", shorts)), _to_bytes(array("i", millis)), _to_bytes(array("d", longs))
    )


def check_values(values: Values, count: int) -> str | None:
    """None when the parts of ``values`` hold together ``count`` values, else what does not fit."""
    if values.uniform not in (FLOAT32, MILLI, FLOAT64):
        return f"unknown form {values.uniform} of values"
    wanted = [0, 0, 0]
    if values.forms:
        if len(values.forms) != count or max(values.forms) > FLOAT64:
            return "the forms of values do not fit their number"
        wanted = [values.forms.count(form) for form in (FLOAT32, MILLI, FLOAT64)]
    else:
        wanted[values.uniform] = count
    lengths = [len(values.float32) / 4, len(values.milli) / 4, len(values.float64) / 8]
    return None if lengths == wanted else f"{count} values announced, {lengths} found by form"


def unpack_values(values: Values, count: int) -> list[float]:
    """The values given to :func:`pack_values`; call :func:`check_values` first."""
    parts = (
        _float_array("f", values.float32).tolist(),
        [milli / _MILLI for milli in _int_array("i", values.milli)],
        _float_array("d", values.float64).tolist(),
    )
    if not values.forms:
        return parts[values.uniform]
    merged = [0.0] * count
    for form, part in enumerate(parts):
        for place, value in zip(compress(range(count), (f == form for f in values.forms)), part, strict=True):
            merged[place] = value
    return merged
