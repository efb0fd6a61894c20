"""The far ends of measurements say what they should: otherwise a figure would be of something else."""

import asyncio
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.modbus_frames import ReadRequest, RtuFraming, crc16
from protocols.clock import SystemClock
from protocols.mqtt.decoder import MqttDecoder
from protocols.mqtt.profile import MqttProfile
from protocols.profile import load_profile
from tests.bench import far_mqtt, far_rtu, far_tcp
from tests.bench.far_rtu import Exchange, Wire
from tests.bench.rtu_share import share
from tests.bench.thingsboard import PATHS, mqtt_devices, rtu_devices

WIRE = Wire(baud=9600, bits=10, turnaround_s=0.005)


def back_to_back(count: int, idle_s: float = 0.0) -> list[Exchange]:
    now, found = 100.0, []
    for _ in range(count):
        exchange = Exchange(now, 0.0, 1, 3, 60, 125)
        ended = now + WIRE.exchange_s(exchange)
        found.append(exchange._replace(ended=ended))
        now = ended + WIRE.gap_s + idle_s
    return found


def test_a_line_without_a_pause_is_used_by_100_percent() -> None:
    found = share(back_to_back(50), WIRE)
    assert found.used == pytest.approx(1.0)
    assert found.hasty == 0


def test_a_pause_as_long_as_an_exchange_halves_the_share() -> None:
    pause_s = WIRE.exchange_s(back_to_back(1)[0]) + WIRE.gap_s
    assert share(back_to_back(50, pause_s), WIRE).used == pytest.approx(0.5)


def test_a_frame_before_the_gap_is_over_is_seen() -> None:
    assert share(back_to_back(50, -0.001), WIRE).hasty == 49


def test_a_pause_that_a_device_wants_is_not_the_masters() -> None:
    found = share(back_to_back(50, 0.060 - WIRE.gap_s), WIRE, {1: 0.060})
    assert found.used == pytest.approx(1.0)
    assert found.bare < 0.9


def test_the_far_end_of_a_line_answers_as_our_framing_wants_it() -> None:
    framing = RtuFraming()
    request = framing.frame(ReadRequest(7, 3, 0, 60))
    pdu = framing.take(bytearray(far_rtu.answer(request)))
    assert pdu is not None
    assert pdu[2:] == far_rtu.REGISTER.to_bytes(2, "big") * 60
    assert far_rtu.checksum(request) == crc16(request)


def test_the_far_end_of_a_connection_gives_as_many_registers_as_were_asked_for() -> None:
    sent: list[bytes] = []

    class Transport(asyncio.Transport):
        def write(self, data: object) -> None:
            assert isinstance(data, bytes)
            sent.append(data)

    device = far_tcp.Device()
    device.connection_made(Transport())
    device.data_received(far_tcp.READ.pack(9, 0, 6, 1, 3, 0, 100))
    assert sent[0][:9] == bytes((0, 9, 0, 0, 0, 203, 1, 3, 200))
    assert len(sent[0]) == 209


@pytest.mark.parametrize("number", range(1, 9))
def test_a_message_gives_as_many_readings_as_its_dialect_says_and_tells_its_number(number: int) -> None:
    dialect = far_mqtt.DIALECTS[number % len(far_mqtt.DIALECTS)]
    profile = load_profile(dialect.profile)
    assert isinstance(profile, MqttProfile)
    which, place = number % len(far_mqtt.DIALECTS), number // len(far_mqtt.DIALECTS)
    decoder = MqttDecoder(
        profile,
        device=far_mqtt.device_id(which, place),
        topic=dialect.topic(place),
        ident="",
        card="",
        zone=ZoneInfo("Asia/Shanghai"),
        key_card=lambda number, form: number,
    )
    now = SystemClock().now_ms()
    topic, payload = far_mqtt.message(number, now / 1000)
    decoded = decoder.decode(topic, payload, retained=False, received_at=now, clock_set=True)
    assert decoded is not None
    assert len(decoded.readings) == dialect.points
    assert [found for found in map(far_mqtt.number_of, decoded.readings) if found is not None] == [number]


def test_the_peer_is_asked_for_the_same_values() -> None:
    mappings = mqtt_devices(1883)["mapping"]
    assert isinstance(mappings, list)
    assert [len(mapping["converter"]["timeseries"]) for mapping in mappings] == [
        dialect.points for dialect in far_mqtt.DIALECTS
    ]
    assert set(PATHS) == {dialect.profile for dialect in far_mqtt.DIALECTS}
    assert '"unitId": 8' in json.dumps(rtu_devices(Path("/dev/null"), 8, 30, 0.1))
