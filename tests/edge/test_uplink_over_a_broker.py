"""The whole way up over a real broker: acks, rejections, lost acks, duplicates, a broker that dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.buffer_sqlite import SqliteBuffer
from edge.intake import Intake
from edge.mqtt_link import MqttDialer
from edge.pipeline import Pipeline
from edge.reporter import Reporter
from edge.retime import Timing
from edge.sealer import sealer
from edge.session import Session, SessionState
from edge.uplink import Uplink
from protocols.batch import Identity
from protocols.birth import Birth
from protocols.clock import SystemClock
from protocols.mqtt_url import MqttUrl
from protocols.reading import Event, Reading
from protocols.status import parse_status
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.scripted_collector import ScriptedCollector, Verdict, reject, store_all
from tests.waiting import until


class Box:
    """A gateway without drivers."""

    def __init__(self, path: Path, url: MqttUrl) -> None:
        clock = SystemClock()
        self.buffer = SqliteBuffer(path, max_bytes=16 << 20, seal=sealer("gw"), clock=clock)
        self.uplink = Uplink(self.buffer, clock, topic="dayuan/1/site/gw/up", ack_timeout_s=0.5, dead_after_s=20.0)
        timing = Timing(clock, boot="boot-1")
        self.intake = Intake(
            buffer=self.buffer,
            uplink=self.uplink,
            pipeline=Pipeline([], timing),
            timing=timing,
            clock=clock,
            flush_every_s=0.05,
        )
        self.reporter = Reporter(
            buffer=self.buffer, intake=self.intake, uplink=self.uplink, timing=timing, clock=clock, drivers=[]
        )
        self.session = Session(
            dial=MqttDialer(url=url),
            uplink=self.uplink,
            buffer=self.buffer,
            clock=clock,
            rng=random.Random(3),
            site="site",
            gateway="gw",
            birth=lambda number: Birth(
                site="site",
                gateway="gw",
                name="gw",
                site_name="",
                time_zone="Asia/Shanghai",
                software="",
                config_hash="",
                session=number,
                started_at=0,
            ),
            report=self.reporter.report,
        )
        self.clock = clock
        self.count = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Box]:
        await self.intake.open()
        tasks = [asyncio.create_task(self.intake.run()), asyncio.create_task(self.session.run())]
        try:
            yield self
        finally:
            self.intake.close()
            await asyncio.wait([tasks[0]], timeout=5)
            self.session.close()
            await asyncio.wait([tasks[1]], timeout=5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.buffer.close()

    async def produce(self, count: int) -> None:
        for _ in range(count):
            self.count += 1
            await self.intake.readings([Reading("meter", "active_power_total", float(self.count), self.clock.now_ms())])
            if self.count % 10 == 0:
                await self.intake.event(Event("gate", "button", self.clock.now_ms(), {"detail": str(self.count)}))

    def everything(self) -> list[float]:
        return [float(n) for n in range(1, self.count + 1)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as started:
        yield started


def values(collector: ScriptedCollector) -> list[float]:
    return sorted(reading.value or 0.0 for reading in collector.readings())


async def test_everything_arrives_and_is_released(broker: Mosquitto, tmp_path: Path) -> None:
    collector = ScriptedCollector(broker.url, "site", "gw")
    await collector.start()
    async with Box(tmp_path / "b.db", broker.url).running() as box:
        await box.produce(50)
        await until(lambda: values(collector) == box.everything())
        await until(lambda: box.reporter.report().backlog_batches == 0)
        assert len(collector.events()) == 5
        assert box.session.state is SessionState.ONLINE
    states = [parse_status(m.payload).state for m in collector.others if m.topic.endswith("/status")]
    await until(lambda: parse_status(collector.others[-1].payload).state == "offline")
    assert states[0] == "online"
    await collector.stop()


async def test_lost_acks_and_lost_batches_cost_nothing_but_repetition(broker: Mosquitto, tmp_path: Path) -> None:
    rng = random.Random(5)

    def forgetful(identity: Identity, payload: bytes) -> Verdict:
        return store_all(identity, payload) if rng.random() < 0.7 else None

    collector = ScriptedCollector(broker.url, "site", "gw", forgetful)
    await collector.start()
    async with Box(tmp_path / "b.db", broker.url).running() as box:
        for _ in range(10):
            await box.produce(5)
            await asyncio.sleep(0.06)
        await until(lambda: box.reporter.report().backlog_batches == 0, 20)
        assert values(collector) == box.everything()
        assert collector.altered == []
        assert len(collector.arrivals) > len(collector.stored), "no duplicate was seen: the test proved nothing"
    await collector.stop()


async def test_a_rejected_batch_is_set_apart_and_the_rest_arrives(broker: Mosquitto, tmp_path: Path) -> None:
    collector = ScriptedCollector(
        broker.url,
        "site",
        "gw",
        lambda name, payload: reject(name, payload) if name.seq == 2 else store_all(name, payload),
    )
    await collector.start()
    async with Box(tmp_path / "b.db", broker.url).running() as box:
        for _ in range(4):
            await box.produce(3)
            await asyncio.sleep(0.1)
        await until(lambda: box.buffer.figures().quarantined == 1)
        await until(lambda: box.reporter.report().backlog_batches == 0)
    await collector.stop()


async def test_a_broker_that_dies_and_a_collector_that_is_late_lose_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    async with Box(tmp_path / "b.db", broker.url).running() as box:
        await box.produce(30)
        await until(lambda: box.session.state is SessionState.ONLINE)
        broker.kill()
        await box.produce(30)
        await until(lambda: box.session.state is not SessionState.ONLINE)
        broker.start()
        collector = ScriptedCollector(broker.url, "site", "gw")
        await collector.start()
        await box.produce(30)
        await until(lambda: values(collector) == box.everything(), 20)
        await until(lambda: box.reporter.report().backlog_batches == 0)
        await collector.stop()


async def test_what_was_not_acked_before_a_restart_is_sent_after_it(broker: Mosquitto, tmp_path: Path) -> None:
    silent = ScriptedCollector(broker.url, "site", "gw", lambda *_: None)
    await silent.start()
    first = Box(tmp_path / "b.db", broker.url)
    async with first.running():
        await first.produce(25)
        await until(lambda: values(silent) == first.everything())
    before = dict(silent.stored)
    await silent.stop()
    collector = ScriptedCollector(broker.url, "site", "gw")
    await collector.start()
    async with Box(tmp_path / "b.db", broker.url).running() as second:
        await until(lambda: set(before) <= set(collector.stored))
        assert all(collector.stored[identity] == payload for identity, payload in before.items())
        await until(lambda: second.reporter.report().backlog_batches == 0)
    await collector.stop()


async def test_a_batch_published_by_hand_may_not_release_ours(broker: Mosquitto, tmp_path: Path) -> None:
    collector = ScriptedCollector(broker.url, "site", "gw", lambda *_: None)
    await collector.start()
    async with Box(tmp_path / "b.db", broker.url).running() as box:
        await box.produce(1)
        await until(lambda: collector.stored)
        collector.judge = lambda name, payload: store_all(Identity("stranger", name.seq), payload)
        await until(lambda: len(collector.arrivals) >= 2)
        assert box.buffer.figures().batches >= 1
        assert box.reporter.report().acked_batches == 0
    await collector.stop()
