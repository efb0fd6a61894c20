"""The pretend fleet against a broker and a stand-in for the collector that acks what it gets."""

import asyncio
import json

from protocols.ack import Ack, encode_ack
from protocols.batch import open_batch, peek
from protocols.clock import SystemClock
from protocols.topics import parse, topic
from simulators.broker import Account, Broker
from simulators.fleet import FleetOptions, run_fleet
from simulators.free_port import free_port
from simulators.wires.mqtt import MqttWire


async def stand_in(wire: MqttWire, seen: dict[tuple[str, int], int]) -> None:
    async for message in wire.messages():
        address, identity = parse(message.topic), peek(message.payload)
        assert address is not None
        key = (address.gateway, identity.seq)
        seen[key] = seen.get(key, 0) + 1
        batch = open_batch(message.payload)
        assert batch.count == 50
        ack = encode_ack(Ack(identity.epoch, stored=[(identity.seq, identity.seq)]))
        await wire.publish(topic(address.site, address.gateway, "ack"), ack)


async def test_a_fleet_counts_what_was_acked(tmp_path):
    everything = Account("all", publish=("#",), subscribe=("#",))
    broker = Broker(tmp_path / "broker", port=free_port(), accounts=(everything,))
    broker.prepare()
    clock = SystemClock()
    await broker.start(clock)
    wire = MqttWire(broker.account("all"), "collector", clock, subscribe=("dayuan/1/+/+/up",))
    seen: dict[tuple[str, int], int] = {}
    tasks = [asyncio.create_task(wire.run()), asyncio.create_task(stand_in(wire, seen))]
    await wire.wait_connected()
    told: list[str] = []
    options = FleetOptions(
        broker=f"mqtt://127.0.0.1:{broker.port}",
        username="all",
        password_file=broker.account("all").password_file,
        site="fleet",
        gateways=3,
        rate=500.0,
        batch=50,
        window=4,
        for_s=1.0,
    )
    try:
        assert await run_fleet(options, clock, as_json=True, out=told.append) == 0
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await broker.child.stop()
    figures = json.loads(told[0])
    assert figures["acked_batches"] == figures["sent_batches"] == len(seen)
    assert 15 <= len(seen) <= 40
    assert {gateway for gateway, _ in seen} == {"fleet-0000", "fleet-0001", "fleet-0002"}
