"""kill -9 of the collector at named points and at random: nothing acked is lost, nothing is stored twice.

The pretend gateway keeps what is not acked and sends it again, as a real one does; every reading's value follows from
its batch, so altered ones are seen too.
"""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from cloud.store.contract import ReadingsQuery
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.failpoint import EXIT_CODE
from protocols.ack import parse_ack
from protocols.clock import SystemClock
from protocols.topics import topic
from tests.cloud.ingest.rig import AT, batch
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.waiting import until

WINDOW = 16
READINGS = 30
RESEND_S = 0.4
SEED = int(os.environ.get("DAYUAN_TEST_SEED", "20261121"))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


class Gateway:
    """Sends batches 1, 2, 3 ... within a window; what is not acked in time again, byte for byte."""

    def __init__(self, port: int) -> None:
        self.produced = 0
        self.acked: set[int] = set()
        self.repeated = 0
        self.waiting: dict[int, float] = {}
        self.rejected: list[object] = []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_ack
        self.client.on_connect = lambda client, *_: client.subscribe("dayuan/1/+/+/ack", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_ack(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        ack = parse_ack(message.payload)
        self.rejected += ack.rejected
        for first, last in ack.stored:
            self.acked.update(range(first, last + 1))

    @staticmethod
    def payload(seq: int) -> bytes:
        return batch(seq, [seq + place / 1000 for place in range(READINGS)])

    def step(self, now: float, *, produce: bool) -> None:
        for seq in [seq for seq in self.waiting if seq in self.acked]:
            del self.waiting[seq]
        for seq, sent_at in list(self.waiting.items()):
            if now - sent_at > RESEND_S:
                self.repeated += 1
                self._send(seq, now)
        while produce and len(self.waiting) < WINDOW:
            self.produced += 1
            self._send(self.produced, now)

    def _send(self, seq: int, now: float) -> None:
        self.waiting[seq] = now
        self.client.publish(topic("east", "g1", "up"), self.payload(seq), qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Collector:
    """The child process."""

    def __init__(self, port: int, folder: Path) -> None:
        self._arguments = [sys.executable, "-m", "tests.cloud.ingest.collector_child", str(port), str(folder)]
        self._log = (folder.parent / "collector.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, failpoint: str = "") -> None:
        environment = {**os.environ, "DAYUAN_FAILPOINT": failpoint}
        self.process = subprocess.Popen(self._arguments, env=environment, stderr=self._log, stdout=self._log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        self.kill()
        self._log.close()


async def play(gateway: Gateway, seconds: float, stop: asyncio.Event | None = None, *, produce: bool = True) -> None:
    """Let the gateway work for a while, or until ``stop``."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while loop.time() < deadline and not (stop is not None and stop.is_set()):
        gateway.step(loop.time(), produce=produce)
        await asyncio.sleep(0.005)


async def drain(gateway: Gateway) -> None:
    loop = asyncio.get_running_loop()

    def empty() -> bool:
        gateway.step(loop.time(), produce=False)
        return not gateway.waiting

    await until(empty, within_s=30, what="everything acked")


async def check(gateway: Gateway, folder: Path) -> None:
    """The collector is dead: what its file holds, against what was acked and produced."""
    store = DuckdbStore(folder, SystemClock(), roll_up_every_s=0)
    assert store.open().damaged_path is None
    try:
        found: list[tuple[object, ...]] = []
        ask = ReadingsQuery(
            site="east", device="m1", point="active_power_total", from_at=0, to_at=2**52, limit=100_000, origin=True
        )
        found = (await store.readings(ask)).rows
        assert len(found) < 100_000
        times = Counter((row[6], row[0]) for row in found)
        assert not [key for key, count in times.items() if count > 1], "duplicated"
        by_batch = Counter(int(str(row[6])) for row in found)
        assert gateway.acked <= set(by_batch), "acked but not stored"
        assert set(by_batch.values()) <= {READINGS}, "a part of a batch"
        for at, value, quality, _, _, epoch, seq, _ in found:
            place = (int(str(at)) - AT - int(str(seq)) * 1000) // 10
            assert (value, quality, epoch) == (int(str(seq)) + place / 1000, "good", "e1"), "altered"
        day = (await store.readings(ReadingsQuery(
            site="east", device="m1", point="active_power_total", from_at=0, to_at=2**52, step="1d"
        ))).rows  # fmt: skip
        assert sum(int(str(row[5])) for row in day) == len(found), "the roll-ups miss something"
        assert store.remembered().next_batch > len(by_batch)
    finally:
        store.close()


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "before_ack", "after_ack"])
async def test_a_kill_at_a_named_point_loses_and_doubles_nothing(broker: Mosquitto, tmp_path: Path, point: str) -> None:
    folder = tmp_path / "data"
    gateway, collector = Gateway(broker.port), Collector(broker.port, folder)
    try:
        collector.start(f"{point}:5")
        assert collector.process is not None
        process = collector.process
        done = asyncio.Event()
        waiter = asyncio.create_task(asyncio.to_thread(process.wait, 30))
        waiter.add_done_callback(lambda _: done.set())
        await play(gateway, 30, done)
        assert await waiter == EXIT_CODE, (tmp_path / "collector.log").read_text()
        await check(gateway, folder)
        collector.start()
        await play(gateway, 0.5)
        await drain(gateway)
        collector.kill()
        assert gateway.acked == set(range(1, gateway.produced + 1))
        assert not gateway.rejected
        await check(gateway, folder)
    finally:
        collector.close()
        gateway.close()


async def test_kills_at_random_moments_lose_and_double_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    rng = random.Random(SEED)
    print("seed", SEED)
    gateway, collector = Gateway(broker.port), Collector(broker.port, folder)
    try:
        for _ in range(6):
            collector.start()
            known = len(gateway.acked)
            await until_acked(gateway, known)
            await play(gateway, rng.uniform(0, 0.3))
            collector.kill()
        await check(gateway, folder)
        collector.start()
        await drain(gateway)
        collector.kill()
        assert gateway.acked == set(range(1, gateway.produced + 1))
        assert gateway.repeated > 0, "no batch was sent twice: the test did not test"
        await check(gateway, folder)
    finally:
        collector.close()
        gateway.close()


async def until_acked(gateway: Gateway, known: int) -> None:
    """Play until something more was acked."""
    loop = asyncio.get_running_loop()

    def more() -> bool:
        gateway.step(loop.time(), produce=True)
        return len(gateway.acked) > known

    await until(more, within_s=30, what="the collector acks")
