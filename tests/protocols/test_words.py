"""Small contracts of the shared words: topics, addresses, acks, births, statuses, events, clock."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ack import Ack, Rejection, encode_ack, parse_ack
from protocols.birth import Birth, DeviceBirth, PointBirth, encode_birth, parse_birth
from protocols.clock import ManualClock
from protocols.errors import BadAck, UnknownPoint
from protocols.events import EVENT_KINDS, check_event
from protocols.mqtt_url import parse_mqtt_url
from protocols.points import VOCABULARY, point_word
from protocols.reading import Event
from protocols.status import ClockReport, Report, Status, encode_status, parse_status
from protocols.topics import Address, parse, topic


def test_a_topic_names_site_gateway_and_channel():
    assert topic("east", "b3", "up") == "dayuan/1/east/b3/up"
    assert parse("dayuan/1/east/b3/up") == Address("east", "b3", "up")


@pytest.mark.parametrize(
    "name", ["", "dayuan/1/east/b3", "dayuan/2/east/b3/up", "dayuan/1/ea#st/b3/up", "dayuan/1/+/b3/up", "a/b/c/d/e"]
)
def test_other_topics_are_not_ours(name):
    assert parse(name) is None


@pytest.mark.parametrize("part", ["#", "+", "", "a/b", "A", "-a", "x" * 33])
def test_no_topic_is_built_from_an_id_that_is_none(part):
    with pytest.raises(ValueError, match="no topic"):
        topic(part, "b3", "up")


def test_a_broker_address_is_read():
    assert parse_mqtt_url("mqtt://127.0.0.1") == ("127.0.0.1", 1883, False)
    assert parse_mqtt_url("mqtts://[::1]:9000") == ("::1", 9000, True)
    assert str(parse_mqtt_url("mqtts://[::1]:9000")) == "mqtts://[::1]:9000"


@pytest.mark.parametrize("text", ["", "127.0.0.1", "http://x", "mqtt://u:p@x", "mqtt://x:99999", "mqtt://x/y"])
def test_a_wrong_broker_address_says_what_is_right_and_never_repeats_a_password(text):
    with pytest.raises(ValueError, match=r"mqtt://|credentials") as error:
        parse_mqtt_url(text)
    assert "u:p" not in str(error.value)


def test_an_ack_comes_back_as_it_was():
    ack = Ack("e", [(1, 5), (7, 7)], [Rejection("00" * 8, "damaged", "cut", seq=6)], at=3)
    assert parse_ack(encode_ack(ack)) == ack


@given(st.binary(max_size=200))
def test_random_acks_births_and_statuses_are_refused_cleanly(payload):
    for parse_one in (parse_ack, parse_birth, parse_status):
        with pytest.raises(BadAck):
            parse_one(payload)


@pytest.mark.parametrize("wrong", [b'{"epoch":"e","stored":[[5,1]]}', b'{"epoch":"e","v":2}', b"[" * 100_000])
def test_a_wrong_ack_is_refused(wrong):
    with pytest.raises(BadAck):
        parse_ack(wrong)


def test_a_birth_and_a_status_come_back_as_they_were():
    point = PointBirth("frequency", "Hz", "gauge", 30.0)
    device = DeviceBirth("b3-main", "B3", "meter", "eastron/sdm630", "rs485-1", 10.0, 30.0, [point])
    birth = Birth(
        site="east", gateway="b3", name="B3", site_name="东院", time_zone="Asia/Shanghai", software="0.1.0",
        config_hash="ab", session=3, started_at=1, devices=[device],
    )  # fmt: skip
    assert parse_birth(encode_birth(birth)) == birth
    report = Report(
        epoch="e", backlog_batches=1, backlog_readings=50, backlog_bytes=400, buffer_max_bytes=10**9,
        oldest_unacked_s=0.5, live_in_flight=1, backlog_in_flight=0, acked_batches=9, resent_batches=0, quarantined=0,
        dropped_readings=0, dropped_events=0, untimed=0, clock=ClockReport("synced", 1),
    )  # fmt: skip
    status = Status(state="online", session=3, at=5, report=report)
    assert parse_status(encode_status(status)) == status


def test_every_point_has_both_languages_and_labels_in_both():
    for word in VOCABULARY.values():
        assert word.en
        assert word.zh
        assert len(word.labels_en) == len(word.labels_zh)
        assert bool(word.labels_en) == (word.kind == "state"), word.name
    with pytest.raises(UnknownPoint, match="vocabulary"):
        point_word("power")


def test_events_are_checked_against_their_declaration():
    assert check_event(Event("gate-north", "card_read", 1, {"card_key": "ab"})) is None
    assert "unknown event kind" in check_event(Event("gate-north", "nonsense", 1))
    assert "needs the field 'card_key'" in check_event(Event("gate-north", "card_read", 1))
    assert "must be a text" in check_event(Event("gate-north", "card_read", 1, {"card_key": 5}))
    assert "must be a count" in check_event(Event("gateway", "gap", 1, {"reason": "x", "from_seq": True}))
    assert "unknown field" in check_event(Event("gate-north", "button", 1, {"uid": "04A1"}))
    assert "longer" in check_event(Event("gate-north", "button", 1, {"detail": "x" * 600}))
    assert "finite" in check_event(Event("gate-north", "door_held", 1, {"open_s": float("inf")}))
    for name, kind in EVENT_KINDS.items():
        assert kind.en
        assert kind.zh
        assert set(kind.required) <= set(kind.fields), name


async def test_a_manual_clock_wakes_sleepers_in_order():
    clock = ManualClock()
    woken = []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    start, wall = clock.monotonic(), clock.now_ms()
    async with asyncio.TaskGroup() as group:
        for seconds in (3, 1, 2):
            group.create_task(sleeper(seconds))
        await clock.advance(2)
        assert woken == [(1, start + 1), (2, start + 2)]
        clock.step(-3_600_000)
        await clock.advance(1)
    assert woken[-1] == (3, start + 3)
    assert clock.now_ms() == wall + 3000 - 3_600_000
