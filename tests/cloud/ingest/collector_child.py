"""The ingest path as a process of its own, to be killed: ``python -m ...collector_child PORT FOLDER``."""

import asyncio
import sys
from pathlib import Path

from cloud.ingest.path import Ingest
from cloud.ingest.subscriber import BrokerSettings
from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import SystemClock
from protocols.mqtt_url import MqttUrl
from tests.cloud.ingest.rig import Alarms


async def main() -> None:
    clock = SystemClock()
    store = DuckdbStore(Path(sys.argv[2]), clock, roll_up_every_s=0)
    assert store.open().damaged_path is None
    broker = BrokerSettings(url=MqttUrl("127.0.0.1", int(sys.argv[1]), False), client_id="killed-collector")
    ingest = Ingest(store, broker, clock, Alarms())
    ingest.open()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ingest.run())
        tasks.create_task(upkeep(store, clock))


async def upkeep(store: DuckdbStore, clock: SystemClock) -> None:
    """Roll-ups all the time, so that a kill meets them too."""
    while True:
        await clock.sleep(0.02)
        await store.maintain(clock.now_ms())


if __name__ == "__main__":
    asyncio.run(main())
