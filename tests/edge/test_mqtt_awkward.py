"""Awkward devices with a real broker: each change is told once, and nothing that only looks the same is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.mqtt_link import MqttLink
from protocols.mqtt.rows import SitePoint
from protocols.reading import Quality
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.mqtt_site import CAR, Site, device
from tests.waiting import until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


TAG = device("tag", "homeassistant/tag", "gate/tag")
LOCK = device("lock", "zigbee2mqtt/lock", "zigbee2mqtt/front door")
NODE = device("node", "meshtastic/position", "msh/2/json/LongFast", ident="287454020")
SWITCH = device("switch", "tasmota/switch", "strike")
SHELLY = device("shelly", "shelly/plus-switch", "shellies/plus1pm")


async def everything_taken(site: Site, hand: MqttLink, messages: int) -> None:
    """All messages published so far went through the driver."""
    await until(lambda: site.driver.report().requests == messages)
    await until(lambda: site.driver._events.empty() and site.driver._telemetry.empty())


def kinds(site: Site) -> list[str]:
    return [event.kind for event in site.sink.stored]


async def test_a_tap_told_three_times_is_one_event_and_another_card_is_another(broker: Mosquitto) -> None:
    site = Site(broker, TAG)
    async with site.running(), site.hand() as hand:
        for card in ("94D8FC5F", "94D8FC5F", "94D8FC5F", "11223344", "11223344"):
            await hand.publish("gate/tag", card.encode())
        await everything_taken(site, hand, 5)
        await until(lambda: len(site.sink.stored) == 2)
    assert kinds(site) == ["card_read", "card_read"]
    assert site.driver._devices[0].left_out == {"repeated_event": 3}


async def test_the_first_ring_after_the_broker_lost_our_session_is_not_the_first_ring_before(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """Same bytes, no time, packet id 1 both times; the second is delivered twice and stored only after that."""
    folder = tmp_path / "profiles" / "test"
    folder.mkdir(parents=True)
    bell = '[profile]\nid = "test/bell"\nvendor = "t"\nmodel = "t"\nkind = "door"\nprotocol = "mqtt"\n'
    (folder / "bell.toml").write_text(
        bell + '[[message]]\ntopic = "{topic}"\npayload = "text"\nevent = [{ kind = "button" }]\n'
    )
    site = Site(broker, device("bell", "test/bell", "bell"), profile_dirs=(tmp_path / "profiles",))
    async with site.running():
        async with site.hand() as hand:
            await hand.publish("bell", b"ring")
        await until(lambda: len(site.sink.stored) == 1)
        broker.kill()
        await until(lambda: site.driver.report().state == "down")
        broker.start()
        await site.up()
        site.sink.events_open.clear()
        async with site.hand() as hand:
            await hand.publish("bell", b"ring")
        await until(lambda: site.driver.report().requests == 2)
    assert len(site.sink.stored) == 1
    site.sink.events_open.set()
    site.driver = site.make_driver()
    async with site.running():
        await until(lambda: len(site.sink.stored) == 2)
    assert len(site.sink.origins) == 2


async def test_a_tap_that_was_stored_and_not_acknowledged_is_one_event_in_the_next_process(broker: Mosquitto) -> None:
    site = Site(broker, TAG)

    async def die(_pending: object) -> None:
        """Instead of the acknowledgement."""

    async with site.running(), site.hand() as hand:
        site.driver._hand_over = die  # type: ignore[method-assign, assignment]
        await hand.publish("gate/tag", b"94D8FC5F")
        await until(lambda: len(site.sink.stored) == 1)
    site.driver = site.make_driver()
    async with site.running(), site.hand() as hand:
        await hand.publish("gate/tag", b"11223344")
        await until(lambda: len(site.sink.stored) == 2)
        assert site.driver.report().requests == 2, "the broker had kept it"
    assert len({event.data["card_key"] for event in site.sink.stored}) == 2


async def test_what_a_bridge_repeats_from_its_cache_is_no_new_event(broker: Mosquitto) -> None:
    site = Site(broker, LOCK)
    said = [
        {"action": "unlock", "action_source_name": "keypad", "state": "UNLOCK"},
        {"action": "unlock", "action_source_name": "keypad", "state": "UNLOCK", "battery": 91},
        {"action": "", "state": "UNLOCK"},
        {"action": "auto_lock", "state": "UNLOCK"},
        {"battery": 91, "linkquality": 40},
        {"action": "auto_lock", "state": "LOCK"},
    ]
    async with site.running(), site.hand() as hand:
        for body in said:
            await hand.publish("zigbee2mqtt/front door", json.dumps(body).encode())
        await everything_taken(site, hand, len(said))
        await until(lambda: len(site.sink.stored) == 3)
    assert [event.data["action"] for event in site.sink.stored] == ["unlock", "auto_lock", "auto_lock"]


async def test_one_packet_through_several_gateways_is_taken_once(broker: Mosquitto) -> None:
    site = Site(broker, NODE)
    now_s = site.clock.now_ms() // 1000
    packet: dict[str, object] = {"from": 287454020, "id": 39321, "type": "position", "timestamp": now_s}
    packet["payload"] = {"time": now_s, "latitude_i": 374208000, "longitude_i": -1221981000}
    async with site.running(), site.hand() as hand:
        for gateway, rssi in (("!11223344", -85), ("!55667788", -110), ("!99aabbcc", -60)):
            body = {**packet, "sender": gateway, "rssi": rssi}
            await hand.publish(f"msh/2/json/LongFast/{gateway}", json.dumps(body).encode())
        await everything_taken(site, hand, 3)
    assert len(site.sink.taken) == 2
    assert site.driver._devices[0].left_out["same_packet"] == 2


async def test_a_change_told_on_two_topics_is_one_reading_where_one_topic_says_it_all(broker: Mosquitto) -> None:
    site = Site(broker, SWITCH)
    async with site.running(), site.hand() as hand:
        await hand.publish("stat/strike/RESULT", b'{"POWER":"ON"}')
        await hand.publish("stat/strike/POWER", b"ON")
        await until(lambda: site.sink.taken)
    assert [(reading.point, reading.value) for reading in site.sink.taken] == [("relay_on", 1.0)]
    assert site.driver.report().requests == 1


async def test_a_push_told_as_event_and_as_status_is_one_event(broker: Mosquitto) -> None:
    site = Site(broker, SHELLY)
    now_s = site.clock.now_ms() / 1000
    push = {"ts": now_s, "events": [{"component": "input:0", "id": 0, "event": "single_push", "ts": now_s}]}
    state = {"ts": now_s, "switch:0": {"id": 0, "output": True}}
    async with site.running(), site.hand() as hand:
        rpc = "shellies/plus1pm/events/rpc"
        for _ in range(2):
            await hand.publish(rpc, json.dumps({"method": "NotifyEvent", "params": push}).encode())
        await hand.publish(rpc, json.dumps({"method": "NotifyStatus", "params": state}).encode())
        await hand.publish("shellies/plus1pm/status/switch:0", b'{"id":0,"output":true}')
        await everything_taken(site, hand, 4)
        await until(lambda: site.sink.stored)
    assert kinds(site) == ["button"]
    assert {(reading.point, reading.value) for reading in site.sink.taken} == {("relay_on", 1.0)}


async def test_a_partial_update_says_nothing_of_what_it_leaves_out(broker: Mosquitto) -> None:
    site = Site(broker, SHELLY)
    async with site.running(), site.hand() as hand:
        now_s = site.clock.now_ms() / 1000
        parts: list[dict[str, object]] = [{"output": True, "apower": 918.6}, {"voltage": 232.7}, {"apower": None}]
        for n, part in enumerate(parts):
            body = {"method": "NotifyStatus", "params": {"ts": now_s + n, "switch:0": {"id": 0, **part}}}
            await hand.publish("shellies/plus1pm/events/rpc", json.dumps(body).encode())
        await everything_taken(site, hand, 3)
    said = [(reading.point, reading.value) for reading in site.sink.taken]
    assert said == [("relay_on", 1.0), ("active_power_total", 918.6), ("voltage_l1_n", 232.7)]


async def test_an_ambiguous_card_is_counted_and_named_and_keyed_once_the_reader_is_known(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(broker, TAG)
    async with site.running(), site.hand() as hand:
        await hand.publish("gate/tag", b"D8FC5F")
        await hand.publish("gate/tag", b"D8FC5F")
        await until(lambda: site.driver.device_reports()[0].refused == 2)
        report = site.driver.device_reports()[0]
    assert 'card = "wiegand26-hex"' in report.last_error
    assert len([line for line in caplog.messages if "refused" in line]) == 1
    assert not site.sink.stored
    assert "d8fc5f" not in (caplog.text + report.last_error).lower()
    site.devices = (device("tag", "homeassistant/tag", "gate/tag", card="wiegand26-hex"),)
    site.driver = site.make_driver()
    async with site.running(), site.hand() as hand:
        await hand.publish("gate/tag", b"D8FC5F")
        await until(lambda: site.sink.stored)
    assert len(str(site.sink.stored[0].data["card_key"])) == 32


async def test_a_pin_is_nowhere(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    gate = device("gate", "esp-rfid/reader", "gate")
    keypad = device("keypad", "tasmota/wiegand", "keypad")
    site = Site(broker, LOCK, gate, keypad)
    pin = "482913"
    lock = {"action": "unlock_failure_invalid_pin_or_id", "pin_code": pin, "users": {"1": {"pin_code": pin}}}
    access = {"type": "access", "time": site.clock.now_ms() // 1000, "isKnown": "true", "access": "Always", "uid": pin}
    digits = {"Time": "2026-11-18T08:00:00", "Wiegand": {"UID": pin, "Size": 4}}
    async with site.running(), site.hand() as hand:
        await hand.publish("zigbee2mqtt/front door", json.dumps(lock).encode())
        await hand.publish("gate/send", json.dumps(access).encode())
        await hand.publish("tele/keypad/SENSOR", json.dumps(digits).encode())
        await everything_taken(site, hand, 3)
        await until(lambda: kinds(site) == ["access_denied"])
        reports = site.driver.device_reports()
    assert pin not in f"{site.sink.stored}{site.sink.taken}{reports}{caplog.text}"


async def test_points_named_in_the_site_file_are_read_and_retained_ones_are_old(broker: Mosquitto) -> None:
    car = device("car", "homie/5", "homie/5/car", points={"temperature_c": SitePoint(at="engine/temperature")})
    meter = device("meter", "wirenboard/map3e", "/devices/wb-map3e_54")
    site = Site(broker, car, meter)
    async with site.hand() as hand:
        await hand.publish("homie/5/car/engine/temperature", b"21.5", retain=True)
        await hand.publish("homie/5/car/$state", b"ready", retain=True)
        await hand.publish("/devices/wb-map3e_54/controls/Total AP energy", b"0", retain=True)
    async with site.running(), site.hand() as hand:
        await until(lambda: len(site.sink.taken) == 2)
        await until(lambda: site.state("car") == "ok", what="a retained 'ready', which its will would have replaced")
        assert site.state("meter") == "waiting"
        first = {reading.point: (reading.value, reading.quality) for reading in site.sink.taken}
        assert first["temperature_c"] == (21.5, Quality.UNCERTAIN)
        assert first["active_energy_import_total"] == (None, Quality.BAD)
        await hand.publish("homie/5/car/engine/temperature", b"22", retain=True)
        await hand.publish("/devices/wb-map3e_54/controls/Total P", b"8123.51", retain=True)
        await until(lambda: len(site.sink.taken) == 4)
        await hand.publish("homie/5/car/$state", b"lost", retain=True)
        await hand.publish("/devices/wb-map3e_54/meta/error", b"r", retain=True)
        await until(lambda: kinds(site) == ["device_lost", "device_lost"])
        await hand.publish("/devices/wb-map3e_54/meta/error", b"", retain=True)
        await until(lambda: site.state("meter") == "ok")
    assert {(reading.value, reading.quality) for reading in site.sink.taken[2:]} == {
        (22.0, Quality.GOOD),
        (8123.51, Quality.GOOD),
    }


async def test_a_message_too_large_is_counted_and_acknowledged_and_blocks_nobody(broker: Mosquitto) -> None:
    site = Site(broker, TAG)
    async with site.running(), site.hand() as hand:
        await hand.publish("gate/tag", b"x" * 70_000)
        await hand.publish("gate/tag", b"94D8FC5F")
        await until(lambda: site.sink.stored)
        assert site.driver._devices[0].refused == {"too_large": 1}


async def test_positions_that_come_late_keep_their_own_time_and_their_order_of_arrival(broker: Mosquitto) -> None:
    site = Site(broker, CAR)
    now_s = site.clock.now_ms() // 1000
    ages = (5, 300, 3, 40 * 86_400, 200)
    async with site.running(), site.hand() as hand:
        for age in ages:
            await hand.publish("owntracks/fleet/car-1", site.location(at_s=now_s - age))
        await everything_taken(site, hand, len(ages))
    told = [(reading.observed_at, reading.reason) for reading in site.sink.taken if reading.point == "latitude"]
    assert [at for at, _ in told[:3]] == [(now_s - age) * 1000 for age in ages[:3]]
    assert told[4] == ((now_s - 200) * 1000, "")
    assert told[3][1] == "clock", "no phone keeps a fix for forty days: the time of receipt"
    assert told[3][0] >= now_s * 1000


async def test_a_place_without_a_fix_is_left_out_and_the_rest_of_the_message_kept(broker: Mosquitto) -> None:
    site = Site(broker, CAR)
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location(lat=0, lon=0, batt=55))
        await until(lambda: site.sink.taken)
    assert [(reading.point, reading.value) for reading in site.sink.taken] == [("battery_percent", 55.0)]
    assert site.driver._devices[0].left_out["no_fix"] == 1
