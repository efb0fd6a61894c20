"""What the apps send, from their documentation and from captures, and what is no position."""

import json

import pytest

from cloud.gps_in.contract import BadPosition, Position, fault_of, readings_of
from cloud.gps_in.osmand import parse_json, parse_parameters
from cloud.gps_in.owntracks import parse_message
from protocols.reading import Quality

AT = 1_790_000_000_000

OLD_CLIENT = {
    "id": "48241179",
    "timestamp": "1790000000",
    "lat": "30.2712",
    "lon": "120.1486",
    "speed": "10.0",
    "bearing": "92.5",
    "altitude": "12.0",
    "accuracy": "8.0",
    "batt": "84.0",
    "charge": "true",
}
NEW_CLIENT = {
    "location": {
        "timestamp": "2026-09-21T14:13:20.000Z",
        "coords": {
            "latitude": 30.2712,
            "longitude": 120.1486,
            "accuracy": 8.2,
            "speed": 5.0,
            "heading": 92.5,
            "altitude": 12.3,
        },
        "is_moving": True,
        "odometer": 12345.6,
        "event": "motionchange",
        "battery": {"level": 0.84, "is_charging": False},
        "activity": {"type": "in_vehicle"},
        "extras": {},
    },
    "device_id": "48241179",
}
OWNTRACKS = {
    "_type": "location",
    "BSSID": "b0:f2:8:45:94:33",
    "SSID": "compound",
    "acc": 6,
    "alt": 12,
    "batt": 84,
    "bs": 2,
    "conn": "w",
    "created_at": 1790000003,
    "lat": 30.2712,
    "lon": 120.1486,
    "m": 1,
    "t": "u",
    "tid": "p1",
    "topic": "owntracks/wang/phone",
    "tst": 1790000000,
    "vac": 3,
    "vel": 18,
}


def test_the_address_of_the_older_client_is_read_in_its_units() -> None:
    position = parse_parameters(OLD_CLIENT)
    assert (position.at, position.latitude, position.longitude) == (AT, 30.2712, 120.1486)
    assert position.points == {
        "accuracy_m": 8.0,
        "altitude_m": 12.0,
        "speed_kmh": pytest.approx(18.52),
        "course_deg": 92.5,
        "battery_percent": 84.0,
        "charging": 1.0,
    }


def test_the_json_of_the_newer_client_is_read_in_its_units() -> None:
    device, (position,) = parse_json(json.dumps(NEW_CLIENT).encode())
    assert (device, position.at) == ("48241179", AT)
    assert position.points == {
        "accuracy_m": 8.2,
        "altitude_m": 12.3,
        "speed_kmh": 18.0,
        "course_deg": 92.5,
        "moving": 1.0,
        "battery_percent": 84.0,
        "charging": 0.0,
    }


def test_a_list_of_locations_is_taken_in_its_order() -> None:
    locations = [{"timestamp": AT + n * 1000, "coords": {"latitude": 30.0, "longitude": 120.0}} for n in range(3)]
    _, positions = parse_json(json.dumps({"location": locations, "device_id": 7}).encode())
    assert [each.at for each in positions] == [AT, AT + 1000, AT + 2000]


def test_a_message_of_owntracks_is_read_in_its_units() -> None:
    position = parse_message(json.dumps(OWNTRACKS).encode())
    assert position is not None
    assert (position.at, position.doubt) == (AT, "")
    assert position.points == {
        "speed_kmh": 18.0,
        "accuracy_m": 6.0,
        "battery_percent": 84.0,
        "altitude_m": 12.0,
        "charging": 1.0,
    }


def test_a_ping_of_owntracks_is_not_believed_as_a_new_place() -> None:
    position = parse_message(json.dumps(OWNTRACKS | {"t": "p"}).encode())
    assert position is not None
    assert {each.quality for each in readings_of("phone-1", position, AT)} == {Quality.UNCERTAIN}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b'{"_type":"lwt","tst":1790000000}',
        b'{"_type":"status"}',
        b'{"_type":"transition","event":"enter"}',
    ],
)
def test_messages_without_a_position_are_taken_and_not_used(body: bytes) -> None:
    assert parse_message(body) is None


@pytest.mark.parametrize("name", ["speed", "bearing", "accuracy", "batt"])
def test_what_an_app_does_not_know_is_left_out(name: str) -> None:
    points = parse_parameters(OLD_CLIENT | {name: "-1"}).points
    assert len(points) == 5


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1790000000", AT),
        ("1790000000.5", AT + 500),
        ("1790000000123", AT + 123),
        ("2026-09-21T14:13:20Z", AT),
        ("2026-09-21T22:13:20+08:00", AT),
        ("2026-09-21 14:13:20", AT),
        ("", None),
    ],
)
def test_instants_are_read_in_every_form_the_protocol_has(text: str, at: int | None) -> None:
    assert parse_parameters(OLD_CLIENT | {"timestamp": text}).at == at


@pytest.mark.parametrize("seconds", [2**31 - 1, 2**31, 2**31 + 1, 4_102_444_800])
def test_seconds_are_seconds_after_january_2038_too(seconds: int) -> None:
    assert parse_parameters(OLD_CLIENT | {"timestamp": str(seconds)}).at == seconds * 1000
    assert parse_parameters(OLD_CLIENT | {"timestamp": str(seconds * 1000)}).at == seconds * 1000
    body = json.dumps({"location": NEW_CLIENT["location"] | {"timestamp": seconds}, "device_id": "x"})  # type: ignore[operator]
    assert parse_json(body.encode())[1][0].at == seconds * 1000


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"lat": "30"},
        {"lat": "30", "lon": "x"},
        {"lat": "nan", "lon": "1"},
        {"lat": "1", "lon": "inf"},
        {"location": "30"},
        OLD_CLIENT | {"timestamp": "yesterday"},
        OLD_CLIENT | {"timestamp": "1e400"},
        OLD_CLIENT | {"timestamp": "9" * 40},
        OLD_CLIENT | {"speed": "fast"},
    ],
)
def test_what_is_no_position_is_refused_with_words(said: dict[str, str]) -> None:
    with pytest.raises(BadPosition, match=r"\w{3}"):
        parse_parameters(said)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"location":{}}',
        b'{"location":{"timestamp":"x","coords":{"latitude":1,"longitude":1}}}',
        b'{"location":{"timestamp":1e300,"coords":{"latitude":1,"longitude":1}}}',
        b'{"location":' + b"[" * 5_000,
    ],
)
def test_json_that_is_no_position_is_refused(body: bytes) -> None:
    with pytest.raises(BadPosition):
        parse_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"_type":"location","lat":1}',
        b"[]",
        b'{"_type":"encrypted","data":"x"}',
        b'{"_type":"what"}',
        b'{"_type":"location","lat":1,"lon":1,"tst":1e300}',
    ],
)
def test_messages_of_owntracks_that_cannot_be_read_are_refused(body: bytes) -> None:
    with pytest.raises(BadPosition):
        parse_message(body)


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        (Position(AT, 91.0, 120.0), "out_of_range"),
        (Position(AT, 30.0, -181.0), "out_of_range"),
        (Position(AT, 0.0, 0.0), "sentinel"),
        (Position(AT, 30.0, 120.0, invalid=True), "device_flag"),
    ],
)
def test_a_place_that_is_none_has_no_value(position: Position, reason: str) -> None:
    readings = list(readings_of("phone-1", position, AT))
    assert [(each.point, each.value, each.reason) for each in readings] == [
        ("latitude", None, reason),
        ("longitude", None, reason),
    ]


def test_a_point_out_of_its_range_costs_only_itself() -> None:
    readings = {each.point: each for each in readings_of("p", Position(AT, 30.0, 120.0, {"speed_kmh": 9e9}), AT)}
    assert readings["speed_kmh"].value is None
    assert readings["latitude"].quality is Quality.GOOD


def test_a_position_without_a_time_says_that_its_time_is_uncertain() -> None:
    assert {each.reason for each in readings_of("p", Position(None, 30.0, 120.0), AT)} == {"clock"}


def test_instants_that_cannot_be_have_a_reason() -> None:
    assert fault_of(AT, AT) == ""
    assert "2000" in fault_of(5, AT)
    assert "ahead" in fault_of(AT + 86_400_001, AT)
