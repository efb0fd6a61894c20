"""The MQTT driver with a real broker: what devices publish is committed once, and acknowledged only then."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.drivers.mqtt import MqttDriver
from edge.settings import BusSettings, GatewaySettings
from protocols.profile import load_profile
from protocols.reading import Quality
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.mqtt_site import CARD, GATE, Site, device
from tests.waiting import until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


async def test_a_position_and_a_card_arrive(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location(vel=30))
        await hand.publish("gate-north/send", site.swipe())
        await until(lambda: site.sink.stored and site.sink.taken)
    [event] = site.sink.stored
    assert (event.device, event.kind) == ("gate-north", "access_granted")
    assert {reading.point: reading.value for reading in site.sink.taken} == {
        "latitude": 39.9,
        "longitude": 116.4,
        "speed_kmh": 30.0,
    }
    assert all(reading.quality == Quality.GOOD for reading in site.sink.taken)


async def test_a_card_number_leaves_only_as_its_key(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.running(), site.hand() as hand:
        await hand.publish("gate-north/send", site.swipe(card="94D8FC5F"))
        await hand.publish("gate-north/send", site.swipe(card="94-d8-fc-5f"))
        await until(lambda: len(site.sink.stored) == 2)
    first, second = site.sink.stored
    assert first.data["card_key"] == second.data["card_key"]
    assert len(str(first.data["card_key"])) == 32
    assert CARD not in str(site.sink.stored).lower()
    assert "Li Wei" not in str(site.sink.stored)


async def test_a_card_message_is_acknowledged_only_after_its_event_is_stored(broker: Mosquitto) -> None:
    site = Site(broker)
    site.sink.events_open.clear()
    async with site.running(), site.hand() as hand:
        await hand.publish("gate-north/send", site.swipe())
        await until(lambda: site.driver._events.empty() and site.driver.report().requests == 1)
    assert not site.sink.stored
    # The gateway died before it could store; the broker must still have the message.
    site.driver = site.make_driver()
    site.sink.events_open.set()
    async with site.running():
        await until(lambda: site.sink.stored)
    assert [event.kind for event in site.sink.stored] == ["access_granted"]


async def test_telemetry_is_acknowledged_only_after_its_commit(broker: Mosquitto) -> None:
    site = Site(broker)
    site.sink.open.clear()
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location())
        await until(lambda: site.sink.taken)
    # The process was killed with the reading in RAM only.
    site.sink.taken.clear()
    site.sink.origins.clear()
    site.sink.open.set()
    site.driver = site.make_driver()
    async with site.running():
        await until(lambda: site.sink.taken)
        await until(lambda: site.sink.commits)
    site.sink.taken.clear()
    site.driver = site.make_driver()
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location(vel=1))
        await until(lambda: site.sink.taken)
    assert {reading.value for reading in site.sink.taken if reading.point == "speed_kmh"} == {1.0}


async def test_telemetry_that_was_committed_but_not_acknowledged_is_stored_once(broker: Mosquitto) -> None:
    site = Site(broker)
    site.sink.open.clear()
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location())
        await until(lambda: site.sink.taken)
    # Killed between the commit and the acknowledgement: the broker sends it again, the buffer knows it.
    once = list(site.sink.taken)
    site.sink.open.set()
    site.driver = site.make_driver()
    async with site.running(), site.hand() as hand:
        await until(lambda: site.sink.commits)
        await hand.publish("owntracks/fleet/car-1", site.location(vel=7))
        await until(lambda: len(site.sink.taken) > len(once))
    assert [reading.value for reading in site.sink.taken if reading.point == "speed_kmh"].count(7.0) == 1
    assert len(site.sink.taken) == 2 * len(once)


async def test_a_card_is_stored_at_once_while_telemetry_waits_for_its_commit(broker: Mosquitto) -> None:
    """More telemetry than the broker lets be unacknowledged on one connection (20) is stuck; the card is not."""
    site = Site(broker)
    site.sink.open.clear()
    now_s = site.clock.now_ms() // 1000
    async with site.running(), site.hand() as hand:
        for n in range(60):
            await hand.publish("owntracks/fleet/car-1", site.location(at_s=now_s - n))
        await hand.publish("gate-north/send", site.swipe())
        await until(lambda: site.sink.stored, within_s=2)
        assert site.sink.commits == 0
        site.sink.open.set()
        await until(lambda: len({r.observed_at for r in site.sink.taken}) == 60)


async def test_the_same_message_again_is_one_event_and_one_reading(broker: Mosquitto) -> None:
    """A device that lost its connection before the PUBACK publishes again: new packet, no DUP flag for us."""
    site = Site(broker)
    swipe, location = site.swipe(), site.location()
    async with site.running(), site.hand() as hand:
        for _ in range(3):
            await hand.publish("gate-north/send", swipe)
            await hand.publish("owntracks/fleet/car-1", location)
        await until(lambda: site.driver.report().requests == 6)
        await until(lambda: site.driver._events.empty())
        await hand.publish("gate-north/send", site.swipe(card="11223344"))
        await until(lambda: len(site.sink.stored) == 2)
    assert len(site.sink.taken) == 3
    assert len({event.data["card_key"] for event in site.sink.stored}) == 2


async def test_two_messages_without_time_are_two_events_even_when_their_bytes_are_the_same(
    broker: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "profiles" / "test").mkdir(parents=True)
    (tmp_path / "profiles" / "test" / "bell.toml").write_text(
        """
[profile]
id = "test/bell"
vendor = "t"
model = "t"
kind = "door"
protocol = "mqtt"
[[message]]
topic = "{topic}"
payload = "text"
event = [{ kind = "button" }]
"""
    )
    site = Site(broker)
    profile = load_profile("test/bell", [tmp_path / "profiles"])
    bus = BusSettings(name="local", kind="mqtt", timeout_s=1.0, url=broker.url)
    bell = device("bell", "test/bell", "bell")
    gateway = GatewaySettings(site="s", id="g", name="", site_name="", time_zone="UTC", card_key_file=tmp_path / "k")
    site.driver = MqttDriver(bus, [bell], {"test/bell": profile}, site.sink, site.clock, gateway, random.Random(1))
    async with site.running(), site.hand() as hand:
        await hand.publish("bell", b"ring")
        await hand.publish("bell", b"ring")
        await until(lambda: len(site.sink.stored) == 2)
    assert not (tmp_path / "k").exists()


async def test_retained_messages_are_state_and_never_events(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location(), retain=True)
        await hand.publish("gate-north/send", site.swipe(), retain=True)
        await hand.publish("gate-north/avty", b"offline", retain=True)
    async with site.running(), site.hand() as hand:
        await until(lambda: site.sink.taken)
        await until(lambda: site.state("gate-north") == "lost")
        # Events are stored in their order: what the retained card had made would be there before this one.
        await hand.publish("gate-north/send", site.swipe(card="01020304"))
        await until(lambda: [event.kind for event in site.sink.stored if event.kind != "device_back"])
    assert [event.kind for event in site.sink.stored if event.kind != "device_back"] == ["access_granted"]
    assert {(reading.quality, reading.reason) for reading in site.sink.taken} == {(Quality.UNCERTAIN, "retained")}


async def test_a_retained_position_that_was_taken_before_is_not_taken_again_after_a_restart(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location(), retain=True)
        await until(lambda: site.sink.commits)
    before = len(site.sink.taken)
    site.driver = site.make_driver()
    async with site.running(), site.hand() as hand:
        await until(lambda: site.driver.report().requests == 1)
        await hand.publish("gate-north/send", site.swipe())
        await until(lambda: site.sink.stored)
    assert len(site.sink.taken) == before


async def test_poison_is_counted_and_acknowledged_and_harms_nobody(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.running(), site.hand() as hand:
        for payload in (b"\xff\xfe", b"{", b"[" * 9000, b"", b'{"_type":"location"}'):
            await hand.publish("owntracks/fleet/car-1", payload)
        await until(lambda: site.driver.device_reports()[0].failures == 5)
        report = site.driver.device_reports()[0]
        assert (report.state, report.last_error) == ("failing", "missing: latitude: nothing at lat")
        await hand.publish("owntracks/fleet/car-1", site.location())
        await until(lambda: site.sink.taken)
        assert site.driver.device_reports()[0].state == "ok"
    # All of it was acknowledged: nothing comes again.
    site.driver = site.make_driver()
    async with site.running(), site.hand() as hand:
        await hand.publish("gate-north/send", site.swipe())
        await until(lambda: site.sink.stored)
        assert site.driver.device_reports()[0].failures == 0


async def test_poison_is_logged_once_per_kind(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    site = Site(broker)
    async with site.running(), site.hand() as hand:
        for payload in (b"{", b"{", b"{", b"\xff", b"\xff"):
            await hand.publish("owntracks/fleet/car-1", payload)
        await until(lambda: site.driver.device_reports()[0].failures == 5)
    assert len([line for line in caplog.messages if "refused" in line]) == 2


async def test_a_full_disk_delays_acknowledgements_and_loses_nothing(broker: Mosquitto) -> None:
    site = Site(broker)
    site.sink.broken = True
    async with site.running(), site.hand() as hand:
        await hand.publish("gate-north/send", site.swipe(), qos=0)
        await hand.publish("owntracks/fleet/car-1", site.location())
        await until(lambda: site.driver.report().last_error == "disk full")
        site.sink.broken = False
        await until(lambda: site.sink.stored and site.sink.commits)
    assert [event.kind for event in site.sink.stored] == ["access_granted"]


async def test_it_starts_with_the_broker_down_and_comes_back_after_a_kill(broker: Mosquitto) -> None:
    broker.kill()
    site = Site(broker)
    async with site.running(connected=False):
        await until(lambda: site.driver.report().state == "down")
        assert "nothing listens" in site.driver.report().last_error
        for _ in range(2):
            broker.start()
            await site.up()
            async with site.hand() as hand:
                stored = len(site.sink.stored)
                await hand.publish("gate-north/send", site.swipe(card=f"1122334{stored}"))
                await until(lambda before=stored: len(site.sink.stored) > before)  # type: ignore[misc]
            broker.kill()
            await until(lambda: site.driver.report().state == "down")
    assert len(site.sink.stored) == 2


async def test_messages_of_an_outage_of_the_gateway_arrive_afterwards_with_their_own_time(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.running():
        pass
    now_s = site.clock.now_ms() // 1000
    async with site.hand() as hand:
        for n in range(30):
            await hand.publish("owntracks/fleet/car-1", site.location(at_s=now_s - 600 + n))
    site.driver = site.make_driver()
    async with site.running():
        await until(lambda: len(site.sink.taken) == 90)
    times = [reading.observed_at for reading in site.sink.taken if reading.point == "latitude"]
    assert times == [(now_s - 600 + n) * 1000 for n in range(30)]
    assert all(r.quality == Quality.GOOD for r in site.sink.taken if r.point == "latitude")


async def test_a_will_makes_a_device_lost_and_its_next_word_brings_it_back(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location())
        await until(lambda: site.state("car-1") == "ok")
        await hand.publish("owntracks/fleet/car-1", b'{"_type":"lwt","tst":1}')
        await until(lambda: [event.kind for event in site.sink.stored] == ["device_lost"])
        assert site.state("car-1") == "lost"
        await hand.publish("owntracks/fleet/car-1", site.location(vel=3))
        await until(lambda: [event.kind for event in site.sink.stored] == ["device_lost", "device_back"])
        assert site.state("car-1") == "ok"


async def test_silence_makes_a_device_lost(broker: Mosquitto) -> None:
    site = Site(broker, device("car-1", "owntracks/phone", "owntracks/fleet/car-1", every_s=0.1))
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location())
        await until(lambda: [event.kind for event in site.sink.stored] == ["device_lost"])
        assert "silent" in str(site.sink.stored[0].data["error"])


async def test_two_controllers_on_one_topic_are_told_apart_by_their_names(broker: Mosquitto) -> None:
    north = device("north", "esp-rfid/reader", "doors", ident="gate-north")
    south = device("south", "esp-rfid/reader", "doors", ident="gate-south")
    site = Site(broker, north, south)
    async with site.running(), site.hand() as hand:
        await hand.publish("doors/send", site.swipe())
        await hand.publish("doors/send", site.swipe().replace(b'"gate-north"', b'"gate-south"'))
        await until(lambda: len(site.sink.stored) == 2)
    assert [event.device for event in site.sink.stored] == ["north", "south"]


async def test_a_device_taken_out_of_the_site_file_is_unsubscribed_from_the_kept_session(broker: Mosquitto) -> None:
    site = Site(broker)
    async with site.running():
        pass
    site.devices = (GATE, device("car-2", "owntracks/phone", "owntracks/fleet/car-2"))
    site.driver = site.make_driver()
    async with site.running(), site.hand() as hand:
        await hand.publish("owntracks/fleet/car-1", site.location())
        await until(lambda: site.driver._wires[1]._strangers)
        await hand.publish("owntracks/fleet/car-2", site.location())
        await until(lambda: site.sink.taken)
        before = site.driver.report().requests
        for n in range(3):
            await hand.publish("owntracks/fleet/car-1", site.location(vel=n))
        await hand.publish("owntracks/fleet/car-2", site.location(vel=1))
        await until(lambda: len(site.sink.taken) == 6)
        assert site.driver.report().requests == before + 1
