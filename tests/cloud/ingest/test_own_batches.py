"""Batches that the collector seals itself: stored like any other, answered to nobody, and nobody else may send them."""

import asyncio
import random
from pathlib import Path

import pytest

from cloud.ingest.contract import OWN_GATEWAY
from cloud.ingest.message import Inbox
from cloud.ingest.path import Ingest
from cloud.ingest.subscriber import BrokerSettings, Subscriber
from cloud.store.contract import GatewayKey
from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from protocols.mqtt_url import MqttUrl
from tests.cloud.ingest.rig import AT, Alarms, batch, rig
from tests.edge.mosquitto import free_port

OWN = GatewayKey("east", OWN_GATEWAY)


async def test_its_own_batches_are_stored_and_answered_to_nobody(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        assert await made.send(batch(1, gateway=OWN_GATEWAY), key=OWN) == []
        assert await made.stored() == [(AT + 1000, 1.0)]
        assert len(await made.send(batch(2))) == 1, "others are"


def test_over_the_broker_nobody_may_use_its_name(tmp_path: Path) -> None:
    settings = BrokerSettings(url=MqttUrl("127.0.0.1", 1, False), client_id="c")
    subscriber = Subscriber(settings, Inbox(), Alarms(), SystemClock(), random.Random(1))
    assert subscriber._address(f"dayuan/1/east/{OWN_GATEWAY}/up") is None
    assert subscriber._address(f"dayuan/1/east/{OWN_GATEWAY}/birth") is None
    assert subscriber._address("dayuan/1/east/b3/up") is not None


async def test_numbers_go_on_where_the_store_ends_and_what_is_refused_is_said(tmp_path: Path) -> None:
    store, clock = DuckdbStore(tmp_path, SystemClock()), SystemClock()
    store.open()
    settings = BrokerSettings(url=MqttUrl("127.0.0.1", free_port(), False), client_id="c")
    path = Ingest(store, settings, clock, Alarms())
    path.open()
    task = asyncio.create_task(path.run(), name="ingest")
    try:
        assert path.next_own_seq(OWN, "http") == 1
        await path.store_own(OWN, "http", 1, batch(1, epoch="http", gateway=OWN_GATEWAY))
        assert path.next_own_seq(OWN, "http") == 2
        with pytest.raises(StoreUnavailable, match="quarantine"):
            await path.store_own(OWN, "http", 2, b"no batch")
        assert not path.own_full
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        store.close()
