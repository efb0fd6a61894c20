"""The payload of Sparkplug B: metrics with their types, as Protocol Buffers on the wire.

Source: Eclipse Sparkplug 3.0.0, chapter 6 (package org.eclipse.tahu.protobuf, syntax proto2: presence is explicit, so a
seq of 0 is written). Data sets, templates and nested property sets are kept as the bytes they came in; nothing of ours
makes any.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from math import isfinite
from typing import NamedTuple

from protocols.errors import BadPayload
from protocols.protobuf import (
    FIXED32,
    FIXED64,
    MASK32,
    MASK64,
    Field,
    Writer,
    fields,
    raw_bytes,
    real,
    text,
    whole,
)

PAYLOAD_MAX = 1024 * 1024
METRICS_MAX = 20_000
PROPERTIES_MAX = 200


class DataType(IntEnum):
    """The codes of chapter 6 that a metric or a property of ours, or one sent to us, may have."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    BYTES = 17


INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING, BYTES_, OTHER = (
    "int",
    "long",
    "float",
    "double",
    "boolean",
    "string",
    "bytes",
    "other",
)
"""The members of the ``oneof value``; ``other`` is a data set, template or extension, as raw bytes."""

_BITS = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
_UNSIGNED_BITS = {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATETIME: 64,
}
# UInt32 goes as a long although the table of the specification says int: the test kit takes nothing else.
_IN_LONG = {DataType.INT64, DataType.UINT32, DataType.UINT64, DataType.DATETIME}
_TEXTS = {DataType.STRING, DataType.TEXT, DataType.UUID}


class Carried(NamedTuple):
    """A value in the member of the ``oneof`` that carries it; whole numbers as unsigned, as on the wire."""

    carrier: str
    value: int | float | bool | str | bytes


class Property(NamedTuple):
    """One property of a metric. ``value`` None: it is null."""

    key: str
    type: int | None
    value: Carried | None


class Metric(NamedTuple):
    """One metric of a payload; None is what is not written. ``value`` None with ``is_null``: there is no value."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    value: Carried | None = None
    is_null: bool = False
    is_historical: bool = False
    is_transient: bool = False
    properties: tuple[Property, ...] = ()


class Payload(NamedTuple):
    """One message of a node, device or host. ``timestamp``: ms since 1970 UTC, when it was sent."""

    timestamp: int | None = None
    seq: int | None = None
    metrics: tuple[Metric, ...] = ()


def carried(datatype: int, value: float | str | bool | bytes) -> Carried:
    """A value as its type is carried: negative numbers as two's complement. Raises ValueError when it does not fit."""
    if datatype in _BITS or datatype in _UNSIGNED_BITS:
        kind = DataType(datatype)
        number = _whole(value)
        bits = _BITS.get(kind, 0)
        low, high = (-(1 << bits - 1), 1 << bits - 1) if bits else (0, 1 << _UNSIGNED_BITS[kind])
        if not low <= number < high:
            raise ValueError(f"{number} is no {kind.name}")
        long = kind in _IN_LONG
        return Carried(LONG if long else INT, number & (MASK64 if long else MASK32))
    if datatype in (DataType.FLOAT, DataType.DOUBLE) and isinstance(value, int | float):
        return Carried(FLOAT if datatype == DataType.FLOAT else DOUBLE, float(value))
    if datatype == DataType.BOOLEAN and isinstance(value, bool):
        return Carried(BOOLEAN, value)
    if datatype in _TEXTS and isinstance(value, str):
        return Carried(STRING, value)
    if datatype == DataType.BYTES and isinstance(value, bytes):
        return Carried(BYTES_, value)
    raise ValueError(f"{value!r} is no value of type {datatype}")


def plain(datatype: int, found: Carried) -> int | float | bool | str | bytes:
    """The value that `carried` was given. Raises ValueError when carrier and type do not belong together."""
    value = found.value
    if datatype in _BITS or datatype in _UNSIGNED_BITS:
        if found.carrier not in (INT, LONG) or not isinstance(value, int):
            raise ValueError(f"type {datatype} in {found.carrier}")
        bits = _BITS.get(DataType(datatype), 0)
        if bits:
            value &= (1 << bits) - 1
            return value - (1 << bits) if value >> bits - 1 else value
        return value
    wanted = {DataType.FLOAT: FLOAT, DataType.DOUBLE: DOUBLE, DataType.BOOLEAN: BOOLEAN, DataType.BYTES: BYTES_}
    if found.carrier != (STRING if datatype in _TEXTS else wanted.get(DataType(datatype), "")):
        raise ValueError(f"type {datatype} in {found.carrier}")
    return value


def encode_payload(payload: Payload) -> bytes:
    """The payload as published. Raises ValueError for a number that does not fit its field."""
    out = Writer()
    if payload.timestamp is not None:
        out.varint(1, payload.timestamp)
    for metric in payload.metrics:
        out.chunk(2, _metric(metric))
    if payload.seq is not None:
        out.varint(3, payload.seq)
    return out.done()


def decode_payload(raw: bytes) -> Payload:
    """Read a payload; raises BadPayload. Fields that are not known are skipped, as Protocol Buffers want it."""
    if len(raw) > PAYLOAD_MAX:
        raise BadPayload("too_large", f"{len(raw)} bytes")
    timestamp = seq = None
    metrics: list[Metric] = []
    for field in fields(raw):
        if field.number == 1:
            timestamp = whole(field)
        elif field.number == 2:
            if len(metrics) >= METRICS_MAX:
                raise BadPayload("too_large", f"more than {METRICS_MAX} metrics")
            metrics.append(_read_metric(raw_bytes(field)))
        elif field.number == 3:
            seq = whole(field)
    return Payload(timestamp, seq, tuple(metrics))


def _whole(value: float | str | bool | bytes) -> int:
    if isinstance(value, bool | str | bytes) or not isfinite(value) or value != int(value):
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _metric(metric: Metric) -> bytes:
    out = Writer()
    if metric.name is not None:
        out.text(1, metric.name)
    for number, value in ((2, metric.alias), (3, metric.timestamp), (4, metric.datatype)):
        if value is not None:
            out.varint(number, value)
    for number, flag in ((5, metric.is_historical), (6, metric.is_transient), (7, metric.is_null)):
        if flag:
            out.varint(number, 1)
    if metric.properties:
        out.chunk(9, _properties(metric.properties))
    if metric.value is not None:
        _write_value(out, 10, metric.value)
    return out.done()


def _properties(properties: Sequence[Property]) -> bytes:
    out = Writer()
    for each in properties:
        out.text(1, each.key)
    for each in properties:
        inner = Writer()
        if each.type is not None:
            inner.varint(1, each.type)
        if each.value is None:
            inner.varint(2, 1)
        else:
            _write_value(inner, 3, each.value)
        out.chunk(2, inner.done())
    return out.done()


_CARRIERS = (INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING, BYTES_)
"""In the order of their field numbers, from the first of the ``oneof`` on; a property has no bytes."""


def _write_value(out: Writer, first: int, found: Carried) -> None:
    carrier, value = found
    if carrier not in _CARRIERS:
        raise ValueError(f"a value of the kind {carrier!r} is only read, never written")
    number = first + _CARRIERS.index(carrier)
    if isinstance(value, str):
        out.text(number, value)
    elif isinstance(value, bytes):
        out.chunk(number, value)
    elif carrier == DOUBLE:
        out.double(number, value)
    elif carrier == FLOAT:
        out.float(number, value)
    else:
        out.varint(number, int(value))


def _read_metric(raw: bytes) -> Metric:
    name = alias = timestamp = datatype = None
    flags = {5: False, 6: False, 7: False}
    value: Carried | None = None
    properties: tuple[Property, ...] = ()
    for field in fields(raw):
        number = field.number
        if number == 1:
            name = text(field)
        elif number == 2:
            alias = whole(field)
        elif number == 3:
            timestamp = whole(field)
        elif number == 4:
            datatype = whole(field) & MASK32
        elif number in flags:
            flags[number] = bool(whole(field))
        elif number == 9:
            properties = _read_properties(raw_bytes(field))
        elif 10 <= number <= 19:
            value = _read_value(field, 10, len(_CARRIERS))
    return Metric(name, alias, timestamp, datatype, value, flags[7], flags[5], flags[6], properties)


def _read_properties(raw: bytes) -> tuple[Property, ...]:
    keys: list[str] = []
    values: list[tuple[int | None, Carried | None]] = []
    for field in fields(raw):
        if field.number == 1:
            keys.append(text(field))
        elif field.number == 2:
            values.append(_read_property(raw_bytes(field)))
    if len(keys) != len(values):
        raise BadPayload("sparkplug", f"{len(keys)} property names, {len(values)} values")
    if len(keys) > PROPERTIES_MAX:
        raise BadPayload("too_large", f"{len(keys)} properties, at most {PROPERTIES_MAX}")
    return tuple(Property(key, *value) for key, value in zip(keys, values, strict=True))


def _read_property(raw: bytes) -> tuple[int | None, Carried | None]:
    kind: int | None = None
    value: Carried | None = None
    for field in fields(raw):
        if field.number == 1:
            kind = whole(field) & MASK32
        elif 3 <= field.number <= 11:
            value = _read_value(field, 3, len(_CARRIERS) - 1)
    return kind, value


def _read_value(field: Field, first: int, known: int) -> Carried:
    place = field.number - first
    if place >= known:
        return Carried(OTHER, raw_bytes(field))
    carrier = _CARRIERS[place]
    if carrier == STRING:
        return Carried(carrier, text(field))
    if carrier == BYTES_:
        return Carried(carrier, raw_bytes(field))
    if carrier in (DOUBLE, FLOAT):
        if field.wire != (FIXED64 if carrier == DOUBLE else FIXED32):
            raise BadPayload("protobuf", f"field {field.number} is no {carrier}")
        return Carried(carrier, real(field))
    number = whole(field)
    if carrier == BOOLEAN:
        return Carried(carrier, bool(number))
    return Carried(carrier, number & MASK32 if carrier == INT else number)
