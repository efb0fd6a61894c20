"""The whole way up over a real broker: acks, rejections, lost acks, duplicates, a broker that dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.session import SessionState
from protocols.batch import Identity
from protocols.status import parse_status
from tests.edge.box import Box
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.scripted_collector import ScriptedCollector, Verdict, reject, store_all
from tests.waiting import until


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
