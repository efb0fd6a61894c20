"""What nobody could get waits, and comes as history: outages, primary hosts, several servers, and their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.northbound.hold import UNSURE_S, Hold
from edge.northbound.sparkplug_node import SparkplugNode
from protocols.reading import Reading
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.northbound.house import POWER, VOLTAGE, House, running, table
from tests.edge.northbound.listener import Listener, listening
from tests.edge.northbound.sparkplug_watch import by_alias, check, heard, state, value
from tests.waiting import until

HOST = 'primary_host = "scada"'
STATE = "spBv1.0/STATE/scada"


def told(host: Listener, point: str = POWER) -> list[tuple[Any, bool]]:
    """(value, is_historical) of each metric of a point in data."""
    names = by_alias(heard(host))
    return [
        (value(metric), metric.is_historical)
        for each in heard(host, "DDATA")
        for metric in each.payload.metrics
        if names.get(metric.alias) == ("meter", point)
    ]


def house_on(folder: Path, broker: Mosquitto, more: str = "") -> tuple[House, SparkplugNode]:
    house = House(folder, table("sparkplug", broker.url, more))
    house.states["meter"] = "ok"
    return house, house.sparkplug()


async def test_while_the_broker_is_away_readings_wait_and_come_as_history(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    house, node = house_on(tmp_path, broker)
    async with running(node, online=False):
        await until(lambda: node.report().state == "backing_off", 15)
        assert "refused" in node.report().error
        times = []
        for number in range(500):
            reading = house.reading("meter", POWER, float(number))
            times.append(reading.observed_at)
            node.take([reading])
        await until(lambda: node.report().waiting == 500, 15)
        # A birth is said once: whoever is to hear it is there before the node is.
        await house.unplug(node)
        broker.start()
        try:
            async with listening(broker.url, "spBv1.0/#") as host:
                house.plug_in()
                began_ms = house.clock.now_ms()
                await until(lambda: heard(host, "DBIRTH"), 20)
                await until(lambda: len(told(host)) >= 499, 20)
                birth = heard(host, "DBIRTH")[0].metric(POWER)
                assert (value(birth), birth.timestamp) == (499.0, times[-1])
                assert told(host) == [(float(number), True) for number in range(499)]
                old = [m.timestamp for each in heard(host, "DDATA") for m in each.payload.metrics]
                assert old == times[:-1]
                assert node.report().waiting == 0
                check(heard(host), began_ms - 1000, house.clock.now_ms())
        finally:
            broker.stop()


async def test_no_birth_before_the_primary_host_is_there(tmp_path: Path) -> None:
    """message-flow-edge-node-birth-publish-phid-wait, -wait-id, -wait-online, -wait-timestamp,
    operational-behavior-edge-node-birth-sequence-wait,
    operational-behavior-primary-application-state-with-multiple-servers-state-subs"""
    with mosquitto(tmp_path) as broker:
        house, node = house_on(tmp_path, broker, HOST)
        async with listening(broker.url, "spBv1.0/#") as host, running(node, online=False):
            await until(lambda: node.report().state == "waiting_for_the_host", 15)
            for topic, payload in (
                ("spBv1.0/STATE/other", state(True, 5000)),
                (STATE, state(False, 2000)),
                (STATE, state(True, 1000)),
                (STATE, "ONLINE"),
            ):
                await host.say(topic, payload, qos=1)
            await until(lambda: "offline" in node.report().detail, 15)
            node.take([house.reading("meter", POWER, 1.0)])
            await until(lambda: node.report().waiting == 1, 15)
            assert not heard(host)
            await host.say(STATE, state(True, 2000), qos=1)
            await until(lambda: heard(host, "DBIRTH"), 15)
            assert value(heard(host, "DBIRTH")[0].metric(POWER)) == 1.0


async def test_when_the_primary_host_goes_the_node_dies_holds_and_comes_back(tmp_path: Path) -> None:
    """message-flow-edge-node-birth-publish-phid-offline, operational-behavior-edge-node-termination-host-offline,
    -host-offline-timestamp"""
    with mosquitto(tmp_path) as broker:
        house, node = house_on(tmp_path, broker, HOST)
        async with listening(broker.url, "spBv1.0/#") as host:
            await host.say(STATE, state(True, 2000), qos=1, retain=True)
            async with running(node):
                await until(lambda: heard(host, "DBIRTH"), 15)
                node.take([house.reading("meter", POWER, 1.0)])
                await until(lambda: told(host) == [(1.0, False)], 15)
                # More than a broker has on its way to one client: each is acknowledged.
                for _ in range(60):
                    await host.say(STATE, state(True, 2000), qos=1)
                await host.say(STATE, state(False, 1999), qos=1)
                node.take([house.reading("meter", POWER, 2.0)])
                await until(lambda: len(told(host)) == 2, 15)
                assert not heard(host, "NDEATH"), "an old STATE changes nothing"
                await host.say(STATE, state(False, 3000), qos=1, retain=True)
                await until(lambda: heard(host, "NDEATH"), 15)
                await until(lambda: node.report().state == "waiting_for_the_host", 15)
                for number in (3.0, 4.0):
                    node.take([house.reading("meter", POWER, number)])
                before = len(heard(host))
                await until(lambda: node.report().waiting == 4, 15)
                assert len(heard(host)) == before
                await host.say(STATE, state(True, 4000), qos=1, retain=True)
                await until(lambda: len(heard(host, "NBIRTH")) == 2, 15)
                # What was sent shortly before the host went may not have reached it: it comes again.
                await until(lambda: told(host)[2:] == [(1.0, True), (2.0, True), (3.0, True)], 15)
                assert value(heard(host, "DBIRTH")[1].metric(POWER)) == 4.0
                assert heard(host, "NBIRTH")[1].metric("bdSeq").long_value == 1


async def test_a_host_on_the_other_server_is_found_there(tmp_path: Path) -> None:
    """operational-behavior-edge-node-termination-host-offline-reconnect,
    operational-behavior-primary-application-state-with-multiple-servers-walk, -single-server"""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with mosquitto(tmp_path / "a", "log_type all") as one, mosquitto(tmp_path / "b") as two:
        _, node = house_on(tmp_path, one, f'{HOST}\nother_urls = ["{two.url}"]')
        async with listening(one.url, "spBv1.0/#") as here, listening(two.url, "spBv1.0/#") as there:
            await here.say(STATE, state(True, 1000), qos=1, retain=True)
            await there.say(STATE, state(True, 1000), qos=1, retain=True)
            async with running(node):
                await until(lambda: heard(here, "NBIRTH"), 15)
                assert not heard(there)
                await here.say(STATE, state(False, 2000), qos=1, retain=True)
                await until(lambda: heard(there, "NBIRTH"), 15)
                assert heard(here)[-1].verb == "NDEATH"
                assert node.report().broker == str(two.url)
        log = (tmp_path / "a" / "mosquitto.log").read_text(encoding="utf-8")
        assert "Received DISCONNECT from dayuan-east-b3.sparkplug" in log


async def test_a_position_that_comes_late_is_history(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        house, node = house_on(tmp_path, broker)
        async with listening(broker.url, "spBv1.0/#") as host, running(node):
            await until(lambda: heard(host, "DBIRTH"), 15)
            now = house.now()
            node.take([house.reading("meter", POWER, 2.0, at=now), house.reading("meter", POWER, 1.0, at=now - 5000)])
            node.take([house.reading("meter", POWER, 0.0, at=now - 3_600_000)])
            await until(lambda: len(told(host)) == 3, 15)
            assert sorted(told(host)) == [(0.0, True), (1.0, True), (2.0, False)]


async def test_history_goes_beside_what_is_new(tmp_path: Path) -> None:
    """New values do not wait until a long history is through."""
    broker = Mosquitto(tmp_path)
    house, node = house_on(tmp_path, broker)
    async with running(node, online=False):
        for _ in range(40):
            node.take([house.reading("meter", POWER, float(n), at=house.now()) for n in range(200)])
        await until(lambda: node.report().waiting == 8000, 15)
        # A birth is said once: whoever is to hear it is there before the node is.
        await house.unplug(node)
        broker.start()
        try:
            async with listening(broker.url, "spBv1.0/#") as host:
                house.plug_in()
                await until(lambda: told(host), 20)
                node.take([house.reading("meter", VOLTAGE, 231.5)])
                await until(lambda: told(host, VOLTAGE), 15)
                assert told(host, VOLTAGE) == [(231.5, False)]
                assert len(told(host)) < 7999
                await until(lambda: len(told(host)) >= 7999, 30)
        finally:
            broker.stop()


async def test_more_than_it_may_hold_is_dropped_and_counted_and_told_to_the_host(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    house, node = house_on(tmp_path, broker, "hold = 100")
    async with running(node, online=False):
        node.take([house.reading("meter", POWER, float(n)) for n in range(150)])
        await until(lambda: node.report().dropped == {"hold_full": 50}, 15)
        # A birth is said once: whoever is to hear it is there before the node is.
        await house.unplug(node)
        broker.start()
        try:
            async with listening(broker.url, "spBv1.0/#") as host:
                house.plug_in()
                await until(lambda: len(told(host)) >= 99, 20)
                assert told(host)[0] == (50.0, True)
                assert heard(host, "NBIRTH")[0].metric("Gateway/Readings dropped").long_value == 50
        finally:
            broker.stop()


async def test_a_reading_of_a_point_that_no_birth_named_is_counted(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        house, node = house_on(tmp_path, broker)
        async with running(node):
            node.take([house.reading("meter", "humidity_percent", 1.0), house.reading("nobody", POWER, 1.0)])
            await until(lambda: node.report().dropped == {"unknown_point": 2}, 15)


def reading(device: str, at: int) -> Reading:
    return Reading(device, POWER, float(at), at)


def test_what_was_sent_lately_waits_again_before_what_came_after() -> None:
    hold = Hold(10)
    hold.sent([reading("a", 1)], 0.0)
    hold.sent([reading("a", 2), reading("a", 3)], UNSURE_S)
    hold.add([reading("a", 4)])
    hold.doubt(UNSURE_S + 1)
    assert [each.observed_at for each in hold.take(["a"], 10)] == [2, 3, 4]
    hold.doubt(UNSURE_S + 1)
    assert len(hold) == 0


def test_the_device_with_the_most_loses_its_oldest() -> None:
    hold = Hold(4)
    hold.add([reading("quiet", 1), *(reading("loud", at) for at in range(2, 8))])
    assert (len(hold), hold.dropped) == (4, 3)
    assert [each.observed_at for each in hold.take(["quiet", "loud"], 10)] == [1]
    assert [each.observed_at for each in hold.take(["quiet", "loud"], 10)] == [5, 6, 7]


def test_no_room_at_all_holds_nothing() -> None:
    hold = Hold(0)
    hold.sent([reading("a", 1)], 0.0)
    hold.doubt(0.0)
    hold.add([reading("a", 2)])
    assert (len(hold), hold.dropped) == (0, 1)
