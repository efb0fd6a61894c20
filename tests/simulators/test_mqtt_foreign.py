"""What simulated devices publish, as a client that is not ours sees it: mosquitto_sub prints topics, retain flags,
QoS and payloads; Python's own json reads them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from simulators.devices.mqtt.dialects import DIALECTS
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.simulators.mqtt_bench import ANN, MqttBench
from tests.waiting import until

TEXT = ("esphome/", "homeassistant/tag", "homie/4", "mbmd/", "nuki/", "teltonika/rut-router")
"""Dialects whose values are plain words; all others speak JSON."""
RETAINED = {
    "esphome/door": {"porch/status", "state"},
    "nuki/smart-lock": {"state", "doorsensorState", "connected"},
    "owntracks/phone": {"owntracks/fleet/car-1"},
    "shelly/plus-switch": {"online"},
    "tasmota/energy": {"LWT"},
    "zigbee2mqtt/plug": {"availability"},
}


class Heard(NamedTuple):
    topic: str
    retain: bool
    qos: int
    payload: str


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


@asynccontextmanager
async def mosquitto_sub(broker: Mosquitto, heard: list[Heard]) -> AsyncIterator[None]:
    """Debian's own client, listening to everything; its being missing fails the test."""
    program = shutil.which("mosquitto_sub")
    assert program, "mosquitto_sub is missing; apt-get install mosquitto-clients"
    process = await asyncio.create_subprocess_exec(
        program, "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-t", "#", "-F", "%t\t%r\t%q\t%x",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            topic, retain, qos, payload = line.decode().rstrip("\n").split("\t", 3)
            heard.append(Heard(topic, retain == "1", int(qos), bytes.fromhex(payload).decode()))

    reading = asyncio.create_task(read(process.stdout))
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
        await reading


async def subscribed(bench: MqttBench, heard: list[Heard]) -> None:
    """Until it hears us: a subscription takes a moment."""
    async with asyncio.timeout(5):
        while not any(item.topic == "end/probe" for item in heard):
            await bench.device.wire.publish("end/probe", b"?")
            await bench.clock.sleep(0.02)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_a_foreign_client_sees_topics_json_and_retain_flags(broker: Mosquitto, dialect: str) -> None:
    bench = MqttBench(broker, dialect)
    live: list[Heard] = []
    kept: list[Heard] = []
    async with bench.connected() as device:
        async with mosquitto_sub(broker, live):
            await subscribed(bench, live)
            await device.greet(bench.next_ms())
            await device.report(bench.next_ms())
            if device.dialect.taps:
                await device.tap(ANN, bench.next_ms())
            if device.dialect.opens:
                await device.turn(True, bench.next_ms())
            await device.wire.publish("end/last", b"!")
            await until(lambda: any(item.topic == "end/last" for item in live))
        async with mosquitto_sub(broker, kept):
            await subscribed(bench, kept)
    said = [item for item in live if not item.topic.startswith("end/") and not item.retain]
    published = list(bench.ledger.published())
    assert len(said) == len(published)
    assert [item.qos for item in said] == [message.qos for message in published]
    allowed = type(device.dialect).speaks_on(bench.topic)
    assert all(any(_covers(name, item.topic) for name in allowed) for item in said), (allowed, said)
    if not dialect.startswith(TEXT):
        for item in said:
            if item.payload[:1] == "{":
                assert isinstance(json.loads(item.payload), dict)
        assert any(item.payload[:1] in "{$" for item in said)
    ends = RETAINED.get(dialect, set())
    retained = {item.topic for item in kept if item.retain and any(_covers(name, item.topic) for name in allowed)}
    for end in ends:
        assert any(topic.startswith(end) or topic.endswith(end) for topic in retained), (end, retained)
    if device.dialect.taps:
        assert not any(ANN.card.lower() in item.payload.lower() for item in kept if item.retain)


@pytest.mark.parametrize(
    ("dialect", "topic", "words"),
    [
        ("nuki/smart-lock", "connected", "false"),
        ("tasmota/switch", "LWT", "Offline"),
        ("shelly/3em", "online", "false"),
        ("shelly/plus-switch", "online", "false"),
        ("esphome/door", "porch/status", "offline"),
        ("mbmd/meter", "mbmd/status", "disconnected"),
        ("zigbee2mqtt/contact", "bridge/state", '{"state":"offline"}'),
        ("owntracks/phone", "owntracks/fleet/car-1", '"_type":"lwt"'),
    ],
)
async def test_a_foreign_client_sees_the_will_when_the_connection_dies(
    broker: Mosquitto, dialect: str, topic: str, words: str
) -> None:
    bench = MqttBench(broker, dialect)
    heard: list[Heard] = []
    async with bench.connected() as device, mosquitto_sub(broker, heard):
        await subscribed(bench, heard)
        device.wire.go_away()
        await until(lambda: any(topic in item.topic and words in item.payload and not item.retain for item in heard))


def _covers(name: str, topic: str) -> bool:
    if name.endswith("/#"):
        return topic == name[:-2] or topic.startswith(name[:-1])
    return topic == name
