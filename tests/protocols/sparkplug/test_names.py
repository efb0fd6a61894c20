"""Topics, ids and STATE, each by the assertion that asks for it."""

from __future__ import annotations

import pytest

from protocols.errors import BadPayload
from protocols.sparkplug_names import NodeTopics, State, is_sparkplug_id, parse_state, state_topic

TOPICS = NodeTopics("east", "b3")


def test_topics_have_their_shape() -> None:
    """topic-structure, topic-structure-namespace-a, -device-id-associated and -non-associated-message-types"""
    assert TOPICS.of_node("NBIRTH") == "spBv1.0/east/NBIRTH/b3"
    assert TOPICS.of_device("DDATA", "meter-1") == "spBv1.0/east/DDATA/b3/meter-1"
    assert state_topic("scada") == "spBv1.0/STATE/scada"


@pytest.mark.parametrize("text", ["", "a/b", "a+", "#", "a\n", "x" * 101, "a\0"])
def test_what_may_not_be_in_a_topic_is_no_id(text: str) -> None:
    """topic-structure-namespace-valid-group-id, -valid-edge-node-id, -valid-device-id, intro-*-chars"""
    assert not is_sparkplug_id(text)


def test_other_texts_are_ids() -> None:
    """intro-group-id-string, intro-edge-node-id-string"""
    assert is_sparkplug_id("大院 east_1.0")


def test_state_is_read() -> None:
    assert parse_state(b'{"online": true, "timestamp": 1790000000000}') == State(True, 1_790_000_000_000)


@pytest.mark.parametrize(
    "payload",
    [
        b"ONLINE",
        b"",
        b"{}",
        b'{"online":"true","timestamp":1}',
        b'{"online":true,"timestamp":1.5}',
        b"\xff",
        b"[" * 4000,
    ],
)
def test_what_is_no_state_is_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        parse_state(payload)
