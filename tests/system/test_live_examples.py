"""The clients of docs/STREAM.md follow a real collector: over changes, a lost connection and a restart."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from cloud.app import Collector
from cloud.registry.roles import Role
from cloud.settings import load_cloud
from protocols.clock import SystemClock
from tests.architecture.source import ROOT
from tests.waiting import until

EXAMPLES = ROOT / "docs" / "examples" / "live-state"
CLIENTS = {
    "python": [sys.executable, str(EXAMPLES / "live_state.py")],
    "javascript": ["node", str(EXAMPLES / "live_state.mjs")],
}


@dataclass
class Following:
    """A client's process and what it printed."""

    process: asyncio.subprocess.Process
    told: list[dict[str, object]] = field(default_factory=list)
    state: dict[str, object] = field(default_factory=dict)

    async def read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            said = json.loads(line)
            if said["event"] == "snapshot":
                self.state = {each["id"]: each for each in said["entities"]}
            elif said["event"] == "delta":
                for name, entity in zip(said["ids"], said["entities"], strict=True):
                    self.state.pop(name, None)
                    if entity is not None:
                        self.state[name] = entity
            self.told.append(said)

    def count(self, event: str, **facts: object) -> int:
        return sum(said["event"] == event and facts.items() <= said.items() for said in self.told)


@contextlib.asynccontextmanager
async def collecting(data: Path, listen: str) -> AsyncIterator[Collector]:
    """A collector without a broker: things are shown by hand."""
    settings = load_cloud(None, data=str(data), broker="mqtt://127.0.0.1:1", listen=listen)
    collector = Collector(settings, SystemClock())
    try:
        await collector.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(collector.run(), name="collector")
            try:
                yield collector
            finally:
                collector.stop()
    finally:
        await collector.close()


def show(collector: Collector, name: str, **attributes: object) -> None:
    collector.features.things.show(f"east/vehicle:{name}", "vehicle", "east", title=name, attributes=attributes)


async def same(collector: Collector, token: str, client: Following) -> bool:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as asking:
        answer = (await asking.get(f"{collector.url}/api/v1/state")).json()
    return client.state == {each["id"]: each for each in answer["entities"]}


async def agreed(collector: Collector, token: str, client: Following, wanted: Callable[[], bool]) -> None:
    await until(wanted, within_s=30)
    deadline = asyncio.get_running_loop().time() + 15
    while not await same(collector, token, client):
        assert asyncio.get_running_loop().time() < deadline, "the client's state is not the collector's"
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("language", sorted(CLIENTS))
async def test_a_client_has_the_collectors_state_whatever_happens(language: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with collecting(data, "127.0.0.1:0") as collector:
        token = (await collector.tokens.add("console", Role.VIEWER))[1]
        url = collector.url
        show(collector, "car-1", state="available", latitude=30.27)
        process = await asyncio.create_subprocess_exec(
            *CLIENTS[language], url, token, stdout=asyncio.subprocess.PIPE, limit=2**24
        )
        client = Following(process)
        reading = asyncio.create_task(client.read(), name="client")
        try:
            await agreed(collector, token, client, lambda: client.count("snapshot", reason="start") == 1)
            show(collector, "car-1", state="on_trip")
            show(collector, "car-2", state="available")
            await agreed(collector, token, client, lambda: "east/vehicle:car-2" in client.state)
            collector.features.things.hide("east/vehicle:car-2")
            await agreed(collector, token, client, lambda: "east/vehicle:car-2" not in client.state)
            collector.alarms.raise_alarm("gateway_offline", "east/b3", {})
            await until(lambda: client.count("alarm", alarms=1) > 0, within_s=30)

            # The connection is lost; what changed meanwhile is told, and nothing else.
            for listening in list(collector.stream._clients):
                listening.closed = True
                listening.ready.set()
            await until(lambda: client.count("lost") > 0, within_s=30)
            show(collector, "car-1", state="stopped")
            show(collector, "car-3", state="available")
            collector.features.things.hide("east/vehicle:car-3")
            show(collector, "car-3", plate="other")
            await agreed(collector, token, client, lambda: "east/vehicle:car-3" in client.state)
            assert client.count("snapshot") == 1, "it went on from its cursor"
        except BaseException:
            process.kill()
            reading.cancel()
            raise
    try:
        async with collecting(data, url.removeprefix("http://")) as restarted:
            show(restarted, "car-9", state="available")
            await agreed(restarted, token, client, lambda: "east/vehicle:car-9" in client.state)
            assert client.count("snapshot", reason="epoch") == 1
            assert "east/vehicle:car-1" not in client.state
    finally:
        process.kill()
        await process.wait()
        await reading
