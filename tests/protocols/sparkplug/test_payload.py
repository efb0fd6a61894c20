"""The Sparkplug payload against Google's library, in both directions, and against everything a wire can carry."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import BadPayload
from protocols.protobuf import varint
from protocols.sparkplug import (
    BOOLEAN,
    BYTES_,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    METRICS_MAX,
    OTHER,
    STRING,
    Carried,
    DataType,
    Metric,
    Payload,
    Property,
    carried,
    decode_payload,
    encode_payload,
    plain,
)
from tests.protocols.sparkplug.reference import payload_class

Reference = payload_class()

u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.floats(width=32, allow_nan=False)
doubles = st.floats(allow_nan=False)
basic = st.one_of(
    st.builds(Carried, st.just(INT), u32),
    st.builds(Carried, st.just(LONG), u64),
    st.builds(Carried, st.just(FLOAT), floats),
    st.builds(Carried, st.just(DOUBLE), doubles),
    st.builds(Carried, st.just(BOOLEAN), st.booleans()),
    st.builds(Carried, st.just(STRING), texts),
)
values = st.one_of(basic, st.builds(Carried, st.just(BYTES_), st.binary(max_size=12)))
properties = st.builds(Property, texts, st.none() | u32, st.none() | basic)
metrics = st.builds(
    Metric,
    st.none() | texts,
    st.none() | u64,
    st.none() | u64,
    st.none() | u32,
    st.none() | values,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.lists(properties, max_size=3).map(tuple),
)
payloads = st.builds(Payload, st.none() | u64, st.none() | u64, st.lists(metrics, max_size=4).map(tuple))


def seen_by_google(raw: bytes) -> Payload:
    message = Reference.FromString(raw)
    return Payload(_one(message, "timestamp"), _one(message, "seq"), tuple(_metric(each) for each in message.metrics))


def _one(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _value(message: Any) -> Carried | None:
    member = message.WhichOneof("value")
    return Carried(member.removesuffix("_value"), getattr(message, member)) if member else None


def _metric(message: Any) -> Metric:
    found = message.properties
    return Metric(
        _one(message, "name"),
        _one(message, "alias"),
        _one(message, "timestamp"),
        _one(message, "datatype"),
        _value(message),
        message.is_null,
        message.is_historical,
        message.is_transient,
        tuple(
            Property(key, _one(value, "type"), _value(value))
            for key, value in zip(found.keys, found.values, strict=True)
        ),
    )


def made_by_google(payload: Payload) -> bytes:
    message = Reference()
    _set(message, "timestamp", payload.timestamp)
    _set(message, "seq", payload.seq)
    for metric in payload.metrics:
        made = message.metrics.add()
        for name in ("name", "alias", "timestamp", "datatype"):
            _set(made, name, getattr(metric, name))
        for name in ("is_null", "is_historical", "is_transient"):
            if getattr(metric, name):
                setattr(made, name, True)
        if metric.value is not None:
            setattr(made, f"{metric.value.carrier}_value", metric.value.value)
        for each in metric.properties:
            made.properties.keys.append(each.key)
            value = made.properties.values.add()
            _set(value, "type", each.type)
            if each.value is None:
                value.is_null = True
            else:
                setattr(value, f"{each.value.carrier}_value", each.value.value)
    raw: bytes = message.SerializeToString()
    return raw


def _set(message: Any, name: str, value: object) -> None:
    if value is not None:
        setattr(message, name, value)


@settings(max_examples=150, deadline=None)
@given(payloads)
def test_what_we_write_google_reads_and_writes_the_same_bytes(payload: Payload) -> None:
    raw = encode_payload(payload)
    assert seen_by_google(raw) == payload
    assert made_by_google(payload) == raw


@settings(max_examples=150, deadline=None)
@given(payloads)
def test_what_google_writes_we_read(payload: Payload) -> None:
    assert decode_payload(made_by_google(payload)) == payload


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_refused(raw: bytes) -> None:
    try:
        decode_payload(raw)
    except BadPayload:
        pass


@settings(max_examples=300, deadline=None)
@given(payloads, st.data())
def test_a_damaged_payload_is_read_or_refused(payload: Payload, data: st.DataObject) -> None:
    raw = bytearray(encode_payload(payload))
    for _ in range(data.draw(st.integers(1, 4))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        decode_payload(cut)
    except BadPayload:
        pass


def test_zero_is_written_because_presence_is_explicit() -> None:
    raw = encode_payload(Payload(0, 0, (Metric("a", 0, 0, 3, Carried(INT, 0)),)))
    message = Reference.FromString(raw)
    assert message.HasField("seq")
    assert message.metrics[0].WhichOneof("value") == "int_value"


def test_a_known_payload_is_these_bytes() -> None:
    raw = encode_payload(Payload(1, 2, (Metric("ab", 300, None, 10, Carried(DOUBLE, 1.5)),)))
    inner = b"\x0a\x02ab" + b"\x10\xac\x02" + b"\x20\x0a" + b"\x69" + struct.pack("<d", 1.5)
    assert raw == b"\x08\x01" + b"\x12" + bytes([len(inner)]) + inner + b"\x18\x02"


@pytest.mark.parametrize(
    ("datatype", "value", "carrier", "wire"),
    [
        (DataType.INT8, -1, INT, 2**32 - 1),
        (DataType.INT32, -2, INT, 2**32 - 2),
        (DataType.INT64, -1, LONG, 2**64 - 1),
        (DataType.UINT32, 2**32 - 1, LONG, 2**32 - 1),
        (DataType.UINT16, 7, INT, 7),
        (DataType.DATETIME, 1_790_000_000_000, LONG, 1_790_000_000_000),
        (DataType.DOUBLE, -0.5, DOUBLE, -0.5),
        (DataType.BOOLEAN, False, BOOLEAN, False),
        (DataType.STRING, "门", STRING, "门"),
        (DataType.BYTES, b"\0", BYTES_, b"\0"),
    ],
)
def test_a_type_has_its_carrier(datatype: DataType, value: Any, carrier: str, wire: Any) -> None:
    found = carried(datatype, value)
    assert found == Carried(carrier, wire)
    assert plain(datatype, found) == value


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (DataType.INT8, 128),
        (DataType.UINT8, -1),
        (DataType.INT32, 1.5),
        (DataType.INT32, math.inf),
        (DataType.BOOLEAN, 1),
        (DataType.STRING, 1),
        (16, 1),
    ],
)
def test_what_does_not_fit_is_refused(datatype: int, value: Any) -> None:
    with pytest.raises(ValueError):
        carried(datatype, value)


def test_an_unsigned_number_of_a_host_may_come_in_either_carrier() -> None:
    assert plain(DataType.UINT32, Carried(INT, 7)) == plain(DataType.UINT32, Carried(LONG, 7)) == 7
    with pytest.raises(ValueError):
        plain(DataType.UINT32, Carried(STRING, "7"))


def test_data_sets_and_templates_are_kept_as_bytes_and_unknown_fields_are_skipped() -> None:
    metric = b"\x8a\x01\x02\x08\x01"  # field 17, two bytes
    raw = b"\x12" + varint(len(metric)) + metric + b"\x2a\x01x" + b"\xfa\x01\x01y"
    assert decode_payload(raw).metrics == (Metric(value=Carried(OTHER, b"\x08\x01")),)


def test_keys_without_values_are_refused() -> None:
    properties = b"\x0a\x01a"
    metric = b"\x4a" + varint(len(properties)) + properties
    with pytest.raises(BadPayload, match="1 property names, 0 values"):
        decode_payload(b"\x12" + varint(len(metric)) + metric)


@pytest.mark.parametrize(
    "raw", [b"\x12\x7f\x0a\x01a", b"\x12\x02\x0a\x05", b"\x08\x80", b"\x08" + b"\x80" * 11, b"\x0b", b"\x00\x00"]
)
def test_what_ends_too_early_or_is_no_field_is_refused(raw: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_payload(raw)


def test_too_many_metrics_are_refused() -> None:
    with pytest.raises(BadPayload, match="metrics"):
        decode_payload(b"\x12\x00" * (METRICS_MAX + 1))


def test_infinities_travel() -> None:
    raw = encode_payload(Payload(metrics=(Metric(value=Carried(DOUBLE, math.inf)),)))
    assert decode_payload(raw).metrics[0].value == Carried(DOUBLE, math.inf)
