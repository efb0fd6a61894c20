"""Whatever bytes somebody publishes: readings and events that are in order, or BadPayload. Nothing else."""

import json
import math
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.batch import open_batch, seal
from protocols.errors import BadPayload
from protocols.events import check_event
from protocols.mqtt.message import Decoded
from protocols.reading import REASONS, Quality
from tests.protocols.mqtt.message_case import CASES, MessageCase, case_files, read_case

ALL = [read_case(path) for path in case_files()]
DIALECTS: dict[str, list[MessageCase]] = {}
for _case in ALL:
    DIALECTS.setdefault(_case.profile.id, []).append(_case)
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


@st.composite
def payloads(draw: st.DrawFn, case: MessageCase) -> bytes:
    """Any bytes, any document, or the case's own payload with a hole, noise, or any value in any place of it."""
    way = draw(st.integers(0, 3))
    if way == 0:
        return draw(st.binary(max_size=300))
    if way == 1:
        return json.dumps(draw(documents)).encode(errors="surrogatepass")
    if way == 2 or not (case.payload.startswith(b"{") and case.values.get("refused") != "not_json"):
        cut, noise = draw(st.integers(0, 400)), draw(st.binary(max_size=6))
        return case.payload[:cut] + noise + case.payload[cut + len(noise) :]
    document = json.loads(case.payload)
    place = document
    while True:
        key = draw(st.sampled_from(sorted(place)))
        if not (isinstance(place[key], dict) and place[key] and draw(st.booleans())):
            break
        place = place[key]
    place[key] = draw(documents)
    return json.dumps(document).encode(errors="surrogatepass")


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), retained=st.booleans())
def test_any_payload_of_a_dialect(data: st.DataObject, dialect: str, retained: bool) -> None:
    case = data.draw(st.sampled_from(DIALECTS[dialect]))
    attempt(case, data.draw(payloads(case)), retained)


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


def test_half_of_a_surrogate_pair_reaches_no_batch() -> None:
    """JSON can carry it and nothing can store it; whoever cut a text in its middle did not mean to."""
    case = read_case(CASES / "esp-rfid-reader-v1" / "v1-granted.toml")
    payload = json.dumps({**json.loads(case.payload), "access": "Li \ud83d"}).encode()
    decoded = case.decoder().decode(case.values["topic"], payload, retained=False, received_at=NOW)
    assert decoded is not None
    in_order(decoded)
    assert any("Li ?" in event.data.values() for event in decoded.events)
    assert open_batch(seal("e", 1, [], decoded.events, gateway="g", sealed_at=NOW)).events == list(decoded.events)
