"""A roll-out by command at a real gateway process; then the registry is restored from an older backup, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloud.app import Collector
from cloud.settings import load_cloud
from protocols.clock import SystemClock
from tests.system.test_identity import WITHIN_S
from tests.system.test_remote_config import ConfigCompound
from tests.waiting import until

TRIAL = ("--reason", "calmer", "--confirm-within", "10")


class RestoredCompound(ConfigCompound):
    """Its collector can be ended and begun again."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RestoredCompound]:
        self.broker.start()
        try:
            async with self.line.on_tcp() as port:
                self._modbus = int(port)
                yield self
        finally:
            self.broker.stop()

    @asynccontextmanager
    async def collecting(self) -> AsyncIterator[None]:
        self.collector = Collector(load_cloud(self.settings), SystemClock())
        try:
            await self.collector.open()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.collector.run(), name="collector")
                try:
                    await until(lambda: self.collector.ingest.view().connected, within_s=WITHIN_S)
                    yield
                finally:
                    self.collector.stop()
        finally:
            await self.collector.close()

    async def rollout(self, number: int, state: str) -> Any:
        async def is_there() -> Any:
            found = await self.cloud("config", "rollout", "show", str(number))
            return found if found["state"] == state else None

        return await until(is_there, within_s=WITHIN_S, what=f"roll-out {number} {state}")


@pytest.fixture
async def compound(tmp_path: Path) -> AsyncIterator[RestoredCompound]:
    async with RestoredCompound(tmp_path).running() as running:
        yield running


async def test_a_rollout_by_command_and_a_registry_restored_from_before_it(compound: RestoredCompound) -> None:
    backup = compound.folder / "before.backup"
    async with compound.collecting():
        await compound.enrol()
        gateway = compound.process()
        await gateway.__aenter__()
    try:
        async with compound.collecting():
            await compound.reaches(1, "found")
            await compound.cloud("backup", str(backup))

            plan = ["config", "rollout", "plan", "--change", 'set device[gate].max_silence = "2 s"', "--soak", "0 s"]
            planned = await compound.cloud(*plan, "--stage", "east/b3", *TRIAL)
            assert planned["counts"] == {"ready": 1}
            diff = await compound.cloud("config", "rollout", "diff", str(planned["id"]))
            assert '+max_silence = "2 s"' in diff["east/b3"]
            await compound.cloud("config", "rollout", "start", str(planned["id"]))
            done = await compound.rollout(planned["id"], "done")
            assert done["counts"] == {"applied": 1}

            text = (await compound.cloud("config", "show", "east/b3"))["text"]
            worse = compound.folder / "worse.toml"
            worse.write_text(text.replace("unit = 1", "unit = 300"), encoding="utf-8")
            await compound.cloud("config", "set", "east/b3", str(worse), *TRIAL)
            await compound.reaches(3, "refused")  # of this number only the status tells

        await compound.cloud("restore", str(backup), "--replace")
        async with compound.collecting():

            async def judged() -> bool:
                now = await compound.collector.configuring.book.now(compound.collector.ingest.gateways()[0])
                return now is not None and now.highest == 3

            await until(judged, within_s=WITHIN_S, what="how far it has judged")
            assert [row["revision"] for row in await compound.cloud("config", "history", "east/b3")] == [2, 1]
            better = compound.folder / "better.toml"
            better.write_text(text.replace('max_silence = "2 s"', 'max_silence = "3 s"'), encoding="utf-8")
            given = await compound.cloud("config", "set", "east/b3", str(better), *TRIAL)
            assert given["revision"] == 4, "3 was judged before the restore, and would not be looked at"
            await compound.reaches(4, "applied")
    finally:
        await gateway.__aexit__(None, None, None)
