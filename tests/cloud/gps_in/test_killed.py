"""A collector that is killed while a phone sends: what it said is stored, is stored."""

import asyncio
import sys
from pathlib import Path

import httpx

from cloud.gps_in.trackers import Trackers
from cloud.registry.database import Database
from cloud.registry.tokens import Tokens
from cloud.settings import load_cloud
from cloud.store.contract import SeriesKey
from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import SystemClock
from tests.cloud.gps_in.test_phones import OSMAND, asked
from tests.edge.mosquitto import free_port
from tests.waiting import until

ENOUGH = 60


async def running(data: Path, port: int) -> asyncio.subprocess.Process:
    command = ["-m", "cloud.cli", "run", "--data", str(data), "--listen", f"127.0.0.1:{port}"]
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
    broker = ["--broker", f"mqtt://127.0.0.1:{free_port()}"]
    return await asyncio.create_subprocess_exec(sys.executable, *command, *broker, **quiet)


async def made_tracker(data: Path) -> str:
    clock = SystemClock()
    database = Database(load_cloud(None, data=str(data)).registry_path, clock)
    await database.open()
    _, token = await Trackers(Tokens(database, clock)).add("east/phone-1")
    await database.close()
    return token


async def stored_after(data: Path) -> list[int]:
    store = DuckdbStore(data, SystemClock())
    store.open()
    found = await store.samples([(SeriesKey("east", "phone-1", "latitude"), 0)], 2**52)
    store.close()
    return found.at.tolist()


async def test_what_was_answered_before_the_kill_is_stored_and_all_of_it_once_after_the_phone_sent_again(
    tmp_path: Path,
) -> None:
    tmp_path.joinpath("data").mkdir(mode=0o700)
    data, port = tmp_path / "data", free_port()
    token = await made_tracker(data)
    begin = SystemClock().now_ms() // 1000 - 10_000
    answered: list[int] = []
    for life in (1, 2):
        process = await running(data, port)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

            async def up(client: httpx.AsyncClient = client) -> bool:
                try:
                    return (await client.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(up, within_s=100)
            done = asyncio.Event()

            async def send(client: httpx.AsyncClient, first: int, life: int, done: asyncio.Event) -> None:
                for number in range(first, 10_000, 4):
                    try:
                        answer = await client.post(OSMAND, params=asked(token, begin + number))
                    except httpx.TransportError:
                        return
                    if answer.status_code == 200:
                        answered.append((begin + number) * 1000)
                    if len(answered) >= ENOUGH * life:
                        done.set()

            async with asyncio.TaskGroup() as phones:
                for first in range(4):
                    phones.create_task(send(client, first, life, done), name=f"phone {first}")
                async with asyncio.timeout(100):
                    await done.wait()
                process.kill()
            await process.wait()
        kept = await stored_after(data)
        assert len(kept) == len(set(kept)), "once"
        assert set(answered) <= set(kept), "what was answered is there"
