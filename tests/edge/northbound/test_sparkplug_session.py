"""A Sparkplug session on a real broker: connect, births, data, deaths. Each test names the assertions it is for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import SHUT_RDWR

from edge.northbound.sparkplug_metrics import bd_seq_metric
from edge.northbound.sparkplug_node import SparkplugNode
from protocols.reading import Quality
from protocols.sparkplug import Payload, encode_payload
from protocols.sparkplug_names import BAD, GOOD, STALE
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.northbound.house import POWER, VOLTAGE, House, running, table
from tests.edge.northbound.listener import Listener, listening
from tests.edge.northbound.sparkplug_watch import (
    NODE,
    Heard,
    by_alias,
    check,
    heard,
    properties,
    rebirth_command,
    value,
)
from tests.waiting import until


class Scene:
    def __init__(self, house: House, node: SparkplugNode, host: Listener, broker: Mosquitto) -> None:
        self.house, self.node, self.host, self.broker = house, node, host, broker

    async def until_heard(self, verb: str, count: int = 1) -> list[Heard]:
        await until(lambda: len(heard(self.host, verb)) >= count, 15, f"{count} {verb}")
        return heard(self.host, verb)

    async def power(self, value: float, **more: object) -> None:
        self.node.take([self.house.reading("meter", POWER, value, **more)])  # type: ignore[arg-type]

    async def until_power(self, wanted: float) -> None:
        def found() -> bool:
            return any(value(m) == wanted for each in heard(self.host, "DDATA") for m in each.payload.metrics)

        await until(found, 15, f"power {wanted}")


@asynccontextmanager
async def scene(folder: Path, more: str = "", *, meter: bool = True) -> AsyncIterator[Scene]:
    with mosquitto(folder, "log_type all") as broker:
        house = House(folder, table("sparkplug", broker.url, more))
        if meter:
            house.states["meter"] = "ok"
        node = house.sparkplug()
        async with listening(broker.url, "spBv1.0/#") as host:
            began_ms = house.clock.now_ms()
            async with running(node):
                yield Scene(house, node, host, broker)
            await until(lambda: heard(host, "NDEATH"), 15, "NDEATH at the end")
            check(heard(host), began_ms, house.clock.now_ms())


async def test_the_session_begins_as_the_specification_wants_it(tmp_path: Path) -> None:
    """principles-persistence-clean-session-311, message-flow-edge-node-birth-publish-connect, -will-message,
    -will-message-topic, -will-message-qos, -will-message-will-retained, payloads-ndeath-will-message-qos,
    -retain, message-flow-edge-node-ncmd-subscribe"""
    async with scene(tmp_path) as here:
        await here.until_heard("NBIRTH")
    log = (tmp_path / "mosquitto.log").read_text(encoding="utf-8")
    (connect,) = [line for line in log.splitlines() if "as dayuan-east-b3.sparkplug" in line]
    assert "(p2, c1, k30)" in connect
    will = len(encode_payload(Payload(None, None, (bd_seq_metric(0, None),))))
    assert f"Will message specified ({will} bytes) (r0, q1)." in log
    subscribed = log.index(f"\t{NODE.format('NCMD')} (QoS 1)")
    assert subscribed < log.index("'" + NODE.format("NBIRTH") + "'")
    assert "\t" + NODE.format("NDEATH") in log


async def test_nbirth_says_everything_of_the_node(tmp_path: Path) -> None:
    """topics-nbirth-topic, -metric-reqs, -bdseq-included, -rebirth-metric, payloads-nbirth-rebirth-req,
    message-flow-edge-node-birth-publish-nbirth-payload-bdSeq, operational-behavior-data-commands-rebirth-name,
    -rebirth-datatype, -rebirth-value"""
    async with scene(tmp_path) as here:
        (birth,) = await here.until_heard("NBIRTH")
        assert birth.message.topic == NODE.format("NBIRTH")
        number = birth.metric("bdSeq")
        assert (number.datatype, number.long_value) == (4, 0)
        rebirth = birth.metric("Node Control/Rebirth")
        assert (rebirth.datatype, rebirth.boolean_value, rebirth.is_null) == (11, False, False)
        assert birth.metric("Properties/Name").string_value == "Plant room"
        assert birth.metric("Gateway/Readings dropped").long_value == 0


async def test_a_device_that_answered_is_born_with_every_point_and_one_never_seen_is_not(tmp_path: Path) -> None:
    """topics-dbirth-topic, -metric-reqs, message-flow-device-birth-publish-dbirth-match-edge-node-topic,
    operational-behavior-data-publish-dbirth, payloads-dbirth-order, payloads-alias-uniqueness"""
    async with scene(tmp_path) as here:
        (node,) = await here.until_heard("NBIRTH")
        (birth,) = await here.until_heard("DBIRTH")
        assert birth.message.topic == NODE.format("DBIRTH") + "/meter"
        points = next(d for d in here.node._catalogue.devices.values() if d.id == "meter").points
        assert [metric.name for metric in birth.payload.metrics] == [point.name for point in points]
        power = birth.metric(POWER)
        assert (power.datatype, power.is_null) == (10, True)
        assert properties(power) == {"engUnit": "W", "Quality": STALE}
        aliases = [
            metric.alias for each in (node, birth) for metric in each.payload.metrics if metric.HasField("alias")
        ]
        assert len(aliases) == len(set(aliases))
        here.house.states["relays"] = "ok"
        relays = (await here.until_heard("DBIRTH", 2))[1]
        state = relays.metric("relay_1")
        assert (state.datatype, properties(state)["states"]) == (3, "0=off, 1=on")
        assert not set(aliases) & {metric.alias for metric in relays.payload.metrics}


async def test_data_goes_by_alias_on_change_only(tmp_path: Path) -> None:
    """topics-ddata-topic, -payload, operational-behavior-data-publish-dbirth-change, principles-rbe-recommended,
    payloads-alias-data-cmd-requirement"""
    async with scene(tmp_path) as here:
        await here.until_heard("DBIRTH")
        await here.power(8123.5)
        await here.until_power(8123.5)
        await here.power(8123.5)
        await here.power(8200.0)
        await here.until_power(8200.0)
        names = by_alias(heard(here.host))
        told = [(names[m.alias], value(m)) for each in heard(here.host, "DDATA") for m in each.payload.metrics]
        assert told == [(("meter", POWER), 8123.5), (("meter", POWER), 8200.0)]
        assert heard(here.host, "DDATA")[0].message.topic == NODE.format("DDATA") + "/meter"
        assert here.node._outbox.unchanged == 1


async def test_what_is_not_good_never_looks_so(tmp_path: Path) -> None:
    """payloads-propertyset-quality-value-value"""
    async with scene(tmp_path) as here:
        await here.until_heard("DBIRTH")
        await here.power(1.0)
        here.node.take([here.house.reading("meter", POWER, None)])
        await here.power(2.0, quality=Quality.UNCERTAIN, reason="counter_fell")
        await here.power(3.0, quality=Quality.UNCERTAIN, reason="retained")

        def told() -> list[tuple[object, ...]]:
            found = [m for each in heard(here.host, "DDATA") for m in each.payload.metrics]
            return [(value(m), *(properties(m).get(key) for key in ("Quality", "Reason"))) for m in found]

        await until(lambda: len(told()) == 4, 15)
        assert told() == [
            (1.0, GOOD, None),
            (None, BAD, "device_error"),
            (2.0, BAD, "counter_fell"),
            (None, STALE, "retained"),
        ]


async def test_a_value_that_nobody_renews_is_told_as_stale(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.until_heard("DBIRTH")
        await here.power(1.0)
        await here.until_power(1.0)
        for held in here.node._current._held.values():
            held.limit_s = 0.05
        data = await here.until_heard("DDATA", 2)
        stale = data[1].payload.metrics[0]
        assert (stale.is_null, properties(stale)["Quality"]) == (True, STALE)
        for held in here.node._current._held.values():
            held.limit_s = 60.0
        await here.power(1.0)
        assert value((await here.until_heard("DDATA", 3))[2].payload.metrics[0]) == 1.0


async def test_a_lost_device_dies_and_is_born_again(tmp_path: Path) -> None:
    """operational-behavior-device-ddeath, topics-ddeath-topic, topics-ddeath-seq-num, payloads-ddeath-seq-inc"""
    async with scene(tmp_path) as here:
        await here.until_heard("DBIRTH")
        here.house.states["meter"] = "failing"
        await here.power(1.0)
        await here.until_power(1.0)
        assert not heard(here.host, "DDEATH")
        here.house.states["meter"] = "lost"
        (death,) = await here.until_heard("DDEATH")
        assert death.message.topic == NODE.format("DDEATH") + "/meter"
        (data,) = await here.until_heard("NDATA")
        assert value(data.payload.metrics[0]) == 1, "topics-ndata-topic, -payload: one device lost"
        assert data.message.topic == NODE.format("NDATA")
        await here.power(2.0)
        here.house.states["meter"] = "ok"
        birth = (await here.until_heard("DBIRTH", 2))[1]
        assert value(birth.metric(POWER)) == 2.0


async def test_the_numbers_go_round_after_255(tmp_path: Path) -> None:
    """payloads-sequence-num-incrementing, topics-ddata-seq-num"""
    async with scene(tmp_path) as here:
        here.house.states["relays"] = "ok"
        await here.until_heard("DBIRTH", 2)
        for number in range(300):
            here.node.take([here.house.reading("relays", "relay_1", float(number % 2))])
            here.node.take([here.house.reading("meter", POWER, float(1000 + number))])
        await here.until_power(1299.0)
        assert len(heard(here.host)) > 256
    # and `check` has counted


async def test_rebirth_says_everything_again_with_the_same_bdseq(tmp_path: Path) -> None:
    """operational-behavior-data-commands-rebirth-action-1, -2, -3"""
    async with scene(tmp_path) as here:
        await here.until_heard("DBIRTH")
        await here.power(5.0)
        await here.until_power(5.0)
        await here.host.say(NODE.format("NCMD"), rebirth_command())
        births = await here.until_heard("NBIRTH", 2)
        assert births[0].metric("bdSeq").long_value == births[1].metric("bdSeq").long_value
        again = (await here.until_heard("DBIRTH", 2))[1]
        assert value(again.metric(POWER)) == 5.0
        assert properties(again.metric(POWER))["Quality"] == GOOD
        await here.power(6.0)
        await here.until_power(6.0)


async def test_other_commands_are_refused_and_counted(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.until_heard("NBIRTH")
        for payload in (b"\xff\xff", rebirth_command(False), b"\x12\x03\x0a\x01x"):
            await here.host.say(NODE.format("NCMD"), payload)
        await until(lambda: here.node.refused_commands == 3, 15)
        assert len(heard(here.host, "NBIRTH")) == 1
        assert "3 commands refused" in here.node.report().detail


async def test_a_command_that_the_broker_kept_is_not_obeyed(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        house = House(tmp_path, table("sparkplug", broker.url))
        node = house.sparkplug()
        async with listening(broker.url, "spBv1.0/#") as host:
            await host.say(NODE.format("NCMD"), rebirth_command(), qos=1, retain=True)
            async with running(node):
                await until(lambda: node.refused_commands == 1, 15)
                await until(lambda: heard(host, "NBIRTH"), 15)
            await until(lambda: heard(host, "NDEATH"), 15)
            assert len(heard(host, "NBIRTH")) == 1


async def test_leaving_says_ndeath_before_the_disconnect(tmp_path: Path) -> None:
    """operational-behavior-edge-node-intentional-disconnect-ndeath, payloads-ndeath-will-message-publisher,
    payloads-ndeath-will-message-publisher-disconnect-mqtt311, topics-ndeath-topic"""
    async with scene(tmp_path) as here:
        await here.until_heard("NBIRTH")
    log = (tmp_path / "mosquitto.log").read_text(encoding="utf-8")
    death = log.rindex("Received PUBLISH from dayuan-east-b3.sparkplug")
    assert NODE.format("NDEATH") in log[death : log.index("\n", death)]
    assert "Received DISCONNECT from dayuan-east-b3.sparkplug" in log[death:]


async def test_a_node_that_is_cut_off_dies_by_its_will_and_counts_on(tmp_path: Path) -> None:
    """payloads-ndeath-bdseq, topics-nbirth-bdseq-increment, topics-nbirth-bdseq-matching,
    message-flow-edge-node-birth-publish-will-message-payload-bdSeq"""
    async with scene(tmp_path) as here:
        await here.until_heard("NBIRTH")
        here.node._voice._link._paho.socket().shutdown(SHUT_RDWR)  # type: ignore[union-attr]
        (death,) = await here.until_heard("NDEATH")
        assert death.message.qos == 1
        births = await here.until_heard("NBIRTH", 2)
        assert death.payload.metrics[0].long_value == 0
        assert births[1].metric("bdSeq").long_value == 1
        deaths = len(heard(here.host, "NDEATH"))
        assert deaths == 1


async def test_nothing_of_a_node_is_retained(tmp_path: Path) -> None:
    """payloads-*-retain, topics-*-mqtt, message-flow-*-retained"""
    async with scene(tmp_path) as here:
        await here.until_heard("DBIRTH")
        await here.power(1.0)
        await here.until_power(1.0)
        async with listening(here.broker.url, "spBv1.0/#") as late:
            await here.power(2.0)
            await until(lambda: heard(late, "DDATA"), 15)
            assert [each.verb for each in heard(late)] == ["DDATA"]


async def test_the_number_of_the_session_outlives_the_process(tmp_path: Path) -> None:
    """topics-nbirth-bdseq-increment: 255 is followed by 0"""
    (tmp_path / "buffer.db.bdseq").write_text("254\n", encoding="ascii")
    numbers = []
    for _ in range(2):
        async with scene(tmp_path) as here:
            (birth,) = await here.until_heard("NBIRTH")
            numbers.append(birth.metric("bdSeq").long_value)
    assert numbers == [255, 0]


async def test_without_a_set_clock_nothing_is_said(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        house = House(tmp_path, table("sparkplug", broker.url))
        house.time_is_known = False
        node = house.sparkplug()
        async with listening(broker.url, "spBv1.0/#") as host:
            async with running(node, online=False):
                node.take([house.reading("meter", POWER, 1.0), house.reading("meter", VOLTAGE, 230.0)])
                await until(lambda: node.report().dropped == {"untimed": 2}, 15)
                assert node.report().state == "waiting_for_the_clock"
                assert not host.heard
                house.time_is_known = True
                await until(lambda: heard(host, "NBIRTH"), 15)


async def test_closing_while_connecting_does_not_hang(tmp_path: Path) -> None:
    house = House(tmp_path, table("sparkplug", "mqtt://192.0.2.1:1883"))  # type: ignore[arg-type]
    node = house.sparkplug()
    async with running(node, online=False) as task:
        await until(lambda: node.report().state == "connecting", 15)
        node.close()
        await asyncio.wait_for(task, 10)
