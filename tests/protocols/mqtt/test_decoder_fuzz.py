"""Whatever bytes somebody publishes: readings and events that are in order, or BadPayload. Nothing else."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import BadPayload
from protocols.events import check_event
from protocols.mqtt.message import Decoded
from protocols.reading import REASONS, Quality
from tests.protocols.mqtt.message_case import CASES, MessageCase, case_files, read_case

ALL = [read_case(path) for path in case_files()]
NOW = 1_795_000_000_000

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        ["nan", "inf", "-inf", "1e999", "1_000", "٣", "0x10", "true", "", " ", "location", "access", "MQTT"]
    ),
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=20,
)


def in_order(decoded: Decoded | None) -> None:
    if decoded is None:
        return
    for reading in decoded.readings:
        assert (reading.value is None) == (reading.quality == Quality.BAD)
        assert reading.value is None or math.isfinite(reading.value)
        assert (reading.reason == "") == (reading.quality == Quality.GOOD)
        assert not reading.reason or reading.reason in REASONS
        assert isinstance(reading.observed_at, int)
    for event in decoded.events:
        assert check_event(event) is None


def attempt(case: MessageCase, payload: bytes, retained: bool) -> None:
    with suppress(BadPayload):
        decoded = case.decoder().decode(case.values["topic"], payload, retained=retained, received_at=NOW)
        in_order(decoded)
        assert decoded is None or not (retained and decoded.events)


@settings(max_examples=150, deadline=None)
@given(case=st.sampled_from(ALL), payload=st.binary(max_size=300), retained=st.booleans())
def test_any_bytes(case: MessageCase, payload: bytes, retained: bool) -> None:
    attempt(case, payload, retained)


@settings(max_examples=150, deadline=None)
@given(case=st.sampled_from(ALL), document=documents)
def test_any_document(case: MessageCase, document: Any) -> None:
    attempt(case, json.dumps(document).encode(errors="surrogatepass"), retained=False)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), case=st.sampled_from([case for case in ALL if case.payload.startswith(b"{")]))
def test_a_real_message_with_any_value_in_any_place(data: st.DataObject, case: MessageCase) -> None:
    document = json.loads(case.payload)
    key = data.draw(st.sampled_from(sorted(document)))
    document[key] = data.draw(documents)
    attempt(case, json.dumps(document).encode(errors="surrogatepass"), data.draw(st.booleans()))


@settings(max_examples=100, deadline=None)
@given(case=st.sampled_from(ALL), cut=st.integers(0, 400), noise=st.binary(max_size=6))
def test_a_real_message_cut_or_with_noise(case: MessageCase, cut: int, noise: bytes) -> None:
    attempt(case, case.payload[:cut] + noise + case.payload[cut + len(noise) :], retained=False)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"\xff\xfe{", "not_utf8"),
        (b'{"_type":"location","lat":46.5,"lon":"\xc3\x28"}', "not_utf8"),
        (b"[" * 10_000 + b"]" * 10_000, "too_deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too_deep"),
        (b'{"_type":"location","lat":1e999,"lon":1}', "not_a_number"),
        (b'{"_type":"location","lat":' + b"9" * 5000 + b',"lon":1}', "not_json"),
        (b'{"_type":"location"' + b" " * 70_000 + b"}", "too_large"),
        (b"null", "unknown_message"),
        (b'"location"', "unknown_message"),
        (b'{"_type":["location"]}', "unknown_message"),
        (b'{"_type":"location","lat":true,"lon":1}', "not_a_number"),
        (b'{"_type":"location","lat":"nan","lon":1}', "not_a_number"),
        (b'{"_type":"location","lat":"1_0","lon":1}', "not_a_number"),
    ],
)
def test_a_payload_made_to_break_things_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    case = read_case(CASES / "owntracks-phone" / "location-full.toml")
    with pytest.raises(BadPayload) as refused:
        case.decoder().decode("owntracks/u/5t", payload, retained=False, received_at=NOW)
    assert refused.value.reason == reason


def test_a_duplicate_key_counts_by_its_last_value() -> None:
    case = read_case(CASES / "owntracks-phone" / "location-full.toml")
    payload = b'{"_type":"location","lat":1,"lon":2,"lat":3}'
    decoded = case.decoder().decode("owntracks/u/5t", payload, retained=False, received_at=NOW)
    assert decoded is not None
    assert decoded.readings[0].value == 3.0
