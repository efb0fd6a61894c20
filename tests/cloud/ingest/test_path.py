"""The whole path with a real mosquitto between."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from cloud.ingest.message import Inbox
from cloud.ingest.path import Ingest
from cloud.ingest.prepared import Answer
from cloud.ingest.subscriber import BrokerSettings
from cloud.store.contract import GatewayKey, ReadingsQuery
from cloud.store.duckdb_store import DuckdbStore
from protocols.ack import Ack, parse_ack
from protocols.birth import Birth, DeviceBirth, PointBirth, encode_birth
from protocols.clock import SystemClock
from protocols.errors import WireLost
from protocols.status import Status, encode_status
from protocols.topics import topic
from tests.cloud.ingest.rig import KEY, Alarms, Handler, batch
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.waiting import until

UP = topic("east", "g1", "up")
BIRTH = Birth(
    site="east", gateway="g1", name="G", site_name="E", time_zone="Asia/Shanghai", software="0", config_hash="x",
    session=1, started_at=1,
    devices=[
        DeviceBirth(
            "m1", "M", "meter", "p", "b", 10, 30, [PointBirth("active_power_total", "W", "gauge", 30)],
        )
    ],
)  # fmt: skip


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path, "persistence true", f"persistence_location {tmp_path}/") as running:
        yield running


class Sender:
    """A gateway made of paho alone."""

    def __init__(self, port: int) -> None:
        self.acks: list[Ack] = []
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, message: self.acks.append(parse_ack(message.payload))
        self.client.on_connect = lambda client, *_: client.subscribe("dayuan/1/+/+/ack", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def send(self, payload: bytes, name: str = UP, *, retain: bool = False, qos: int = 1) -> None:
        self.client.publish(name, payload, qos=qos, retain=retain).wait_for_publish(5)

    def stored(self) -> set[int]:
        return {seq for ack in self.acks for first, last in ack.stored for seq in range(first, last + 1)}

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def sender(broker: Mosquitto) -> Iterator[Sender]:
    made = Sender(broker.port)
    yield made
    made.close()


class Announcements:
    def __init__(self) -> None:
        self.births: list[tuple[GatewayKey, Birth, bool]] = []
        self.statuses: list[tuple[GatewayKey, Status, bool]] = []

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None:
        self.births.append((key, birth, retained))

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        self.statuses.append((key, status, retained))


class Running(Ingest):
    alarm_log: Alarms
    handler: Handler
    heard: Announcements
    database: DuckdbStore


@asynccontextmanager
async def running(broker: Mosquitto, folder: Path, *, inbox: Inbox | None = None) -> AsyncIterator[Running]:
    clock = SystemClock()
    store = DuckdbStore(folder / "data", clock)
    store.open()
    alarms, handler, heard = Alarms(), Handler(), Announcements()
    settings = BrokerSettings(url=broker.url, client_id="collector-test")
    ingest = Running(
        store, settings, clock, alarms, handlers=[handler], announcement_handlers=[heard], rng=random.Random(1),
        inbox=inbox,
    )  # fmt: skip
    ingest.alarm_log, ingest.handler, ingest.heard, ingest.database = alarms, handler, heard, store
    ingest.open()
    task = asyncio.create_task(ingest.run())
    try:
        await until(lambda: ingest.view().connected, what="connected")
        yield ingest
    finally:
        task.cancel()
        await asyncio.wait([task])
        store.close()


async def stored(ingest: Running) -> int:
    ask = ReadingsQuery(site="east", device="m1", point="active_power_total", from_at=0, to_at=2**52)
    return len((await ingest.database.readings(ask)).rows)


async def test_a_published_batch_is_stored_acked_and_handed_on(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    async with running(broker, tmp_path) as ingest:
        sender.send(batch(1, [1.0, 2.0]))
        await until(lambda: sender.stored() == {1})
        assert await stored(ingest) == 2
        assert len(ingest.handler.batches) == 1
        assert ingest.ranges(KEY) == {"e1": [(1, 1)]}
        assert ingest.counters(KEY).stored_readings == 2
        assert ingest.counters(KEY).unannounced_series == 1
        assert list(ingest.gateways()) == [KEY]


async def test_births_and_statuses_arrive_also_those_the_broker_kept(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    sender.send(encode_birth(BIRTH), topic("east", "g1", "birth"), retain=True)
    async with running(broker, tmp_path) as ingest:
        await until(lambda: ingest.heard.births)
        assert ingest.heard.births[0] == (KEY, BIRTH, True)
        sender.send(encode_status(Status(state="online", session=1, at=5)), topic("east", "g1", "status"))
        await until(lambda: ingest.heard.statuses)
        assert ingest.heard.statuses[0][1].session == 1
        assert ingest.heard.statuses[0][2] is False
        sender.send(batch(1))
        await until(lambda: sender.stored())
        assert ingest.counters(KEY).unannounced_series == 0
        assert not ingest.is_unannounced(KEY, "m1", "active_power_total")
        assert ingest.is_unannounced(KEY, "m1", "voltage_l1_n")


async def test_what_is_no_birth_no_status_or_no_topic_of_ours_stops_nothing(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    async with running(broker, tmp_path) as ingest:
        for name in ("dayuan/1/east/g1/birth", "dayuan/1/east/g1/status", "dayuan/1/EAST/g1/up", "dayuan/1/a b/g1/up"):
            sender.send(b"\xff\x00rubbish", name)
        sender.send(b"", UP)
        sender.send(encode_birth(BIRTH), topic("east", "g9", "birth"))
        sender.send(batch(1))
        await until(lambda: sender.stored() == {1})
        await until(lambda: ingest.view().handler_failures == 3)
        assert ingest.view().ignored_messages == 3
        assert ingest.heard.births == []


async def test_a_handler_that_fails_does_not_stop_the_path(broker: Mosquitto, sender: Sender, tmp_path: Path) -> None:
    async with running(broker, tmp_path) as ingest:
        ingest.handler.failing = True
        sender.send(batch(1))
        await until(lambda: sender.stored() == {1})
        sender.send(batch(2))
        await until(lambda: sender.stored() == {1, 2})
        assert ingest.view().handler_failures == 2
        assert ("handler_failed", "collector") in ingest.alarm_log.standing


async def test_the_path_ends_although_an_error_takes_the_place_of_a_cancellation(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    """Seen with a collector that got no memory: it went on without its path, and nobody started it again."""
    hears = asyncio.Event()

    async def birth(*_: object, **__: object) -> None:
        hears.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise MemoryError

    async with running(broker, tmp_path) as ingest:
        ingest.heard.birth = birth  # type: ignore[method-assign]
        sender.send(encode_birth(BIRTH), topic("east", "g1", "birth"))
        await hears.wait()
    assert ingest.view().handler_failures == 1


async def test_a_broker_that_dies_and_comes_back_is_found_again(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    async with running(broker, tmp_path) as ingest:
        sender.send(batch(1))
        await until(lambda: sender.stored() == {1})
        broker.kill()
        await until(lambda: not ingest.view().connected)
        assert ("broker_lost", "collector") in ingest.alarm_log.standing
        broker.start()
        await until(lambda: ingest.view().connected, within_s=15)
        assert ("broker_lost", "collector") not in ingest.alarm_log.standing
        await until(sender.client.is_connected, within_s=15)
        sender.send(batch(1))
        sender.send(batch(2))
        await until(lambda: 2 in sender.stored())
        assert await stored(ingest) == 2


async def test_an_ack_on_its_way_to_a_broker_that_dies_is_given_up_at_once_and_goes_out_when_it_is_back(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    async with running(broker, tmp_path) as ingest:
        sender.send(batch(1))
        await until(lambda: sender.stored() == {1})
        broker.freeze()
        publishing = asyncio.ensure_future(ingest._subscriber.publish("dayuan/1/east/g1/ack", b"{}"))
        ingest._outbox.add([Answer(KEY, "e1", 2)])
        await asyncio.sleep(0.1)
        assert not publishing.done()
        broker.kill()
        with pytest.raises(WireLost):
            await asyncio.wait_for(publishing, 3)
        broker.start()
        await until(lambda: ingest.view().connected, within_s=15)
        await until(lambda: not ingest._outbox.waiting, within_s=3, what="the ack is with the broker")


async def test_what_was_sent_while_the_collector_was_away_waits_at_the_broker(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    async with running(broker, tmp_path):
        pass
    for seq in range(1, 50):
        sender.send(batch(seq))
    async with running(broker, tmp_path) as ingest:
        await until(lambda: sender.stored() == set(range(1, 50)))
        assert await stored(ingest) == 49


async def test_many_batches_through_a_small_box_are_all_stored(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    async with running(broker, tmp_path, inbox=Inbox(messages_max=3)) as ingest:
        for seq in range(1, 301):
            sender.client.publish(UP, batch(seq, [1.0] * 20), qos=1)
        await until(lambda: sender.stored() == set(range(1, 301)), within_s=30)
        assert await stored(ingest) == 6000
        assert ingest.view().dropped_messages == 0


async def test_an_identity_conflict_is_fenced_and_lifted_by_a_person(
    broker: Mosquitto, sender: Sender, tmp_path: Path
) -> None:
    async with running(broker, tmp_path) as ingest:
        sender.send(batch(1, [1.0]))
        sender.send(batch(1, [2.0]))
        await until(lambda: any(ack.rejected for ack in sender.acks))
        (fence,) = ingest.fences()
        assert (fence.key, fence.epoch, fence.seq, fence.lifted_at) == (KEY, "e1", 1, None)
        assert await ingest.unfence(KEY) == 1
        assert await ingest.unfence(KEY) == 0
        assert ingest.fences() == []
        assert ("identity_conflict", "east/g1") not in ingest.alarm_log.standing
        sender.send(batch(2))
        await until(lambda: 2 in sender.stored())
