"""The profile that protocols/mqtt/PROFILES.md works out is one: it loads, and does what is said there."""

import textwrap
from pathlib import Path

import pytest

import protocols.mqtt
from protocols.mqtt.decoder import MqttDecoder
from protocols.mqtt.profile import MqttProfile
from protocols.profile import read_profile
from tests.protocols.mqtt.message_case import spelled

GUIDE = Path(protocols.mqtt.__file__).parent / "PROFILES.md"
NOW = 1_795_000_002_000


@pytest.fixture
def decoder(tmp_path: Path) -> MqttDecoder:
    lines = GUIDE.read_text("utf-8").splitlines()
    first = lines.index("    [profile]")
    last = next(n for n in range(first, len(lines)) if lines[n] and not lines[n].startswith("    "))
    path = tmp_path / "reader.toml"
    path.write_text(textwrap.dedent("\n".join(lines[first:last])), "utf-8")
    profile = read_profile(path, "acme/reader")
    assert isinstance(profile, MqttProfile)
    return MqttDecoder(profile, device="north", topic="readers/north", key_card=spelled)


def test_the_tap_of_the_guide_is_an_event_and_two_readings(decoder: MqttDecoder) -> None:
    payload = b'{"tag":"94D8FC5F","door":"shut","volts":"3.05","at":1795000000}'
    assert payload.decode() in GUIDE.read_text("utf-8")
    told = decoder.decode("readers/north/state", payload, retained=False, received_at=NOW)
    assert told is not None
    assert {(reading.point, reading.value, reading.observed_at) for reading in told.readings} == {
        ("door_open", 0.0, 1_795_000_000_000),
        ("battery_voltage", 3.05, 1_795_000_000_000),
    }
    assert [(event.kind, event.data) for event in told.events] == [("card_read", {"card_key": "uid:94d8fc5f"})]
    again = decoder.decode("readers/north/state", payload, retained=True, received_at=NOW)
    assert again is not None
    assert not again.events


def test_its_will_says_that_it_is_gone(decoder: MqttDecoder) -> None:
    told = decoder.decode("readers/north/alive", b"gone", retained=True, received_at=NOW)
    assert told is not None
    assert told.online is False
