"""A collector, a mosquitto with its access list, and a gateway process: site files wanted, confirmed and taken back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.test_identity import KEY, WITHIN_S, Compound
from tests.waiting import until


class ConfigCompound(Compound):
    """Its gateway takes site files from afar, and is a process of its own."""

    def site(self, gateway: str = "b3") -> Path:
        path = super().site(gateway)
        text = path.read_text("utf-8").replace("[[bus]]", "[remote_config]\nenabled = true\n[[bus]]", 1)
        path.write_text(text, encoding="utf-8")
        return path

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        words = ["-m", "edge.cli", "run", str(self.folder / "b3.toml")]
        with (self.folder / "gateway.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)

    async def state(self, revision: int) -> str:
        rows = await self.cloud("config", "history", "east/b3")
        return next((str(row["state"]) for row in rows if row["revision"] == revision), "")

    async def reaches(self, revision: int, state: str) -> Any:
        async def is_there() -> bool:
            return await self.state(revision) == state

        log = (self.folder / "gateway.log").read_text("utf-8", "replace")[-2000:]
        return await until(is_there, within_s=WITHIN_S, what=f"revision {revision} {state}\n{log}")


@pytest.fixture
async def compound(tmp_path: Path) -> AsyncIterator[ConfigCompound]:
    async with ConfigCompound(tmp_path).running() as running:
        assert isinstance(running, ConfigCompound)
        yield running


async def test_a_file_is_wanted_by_command_confirmed_and_a_bad_one_taken_back(compound: ConfigCompound) -> None:
    await compound.enrol()
    async with compound.process():
        await until(lambda: compound.stored() >= 2, within_s=WITHIN_S, what="batches stored")
        await compound.reaches(1, "found")
        shown = await compound.cloud("config", "show", "east/b3")
        assert (shown["runs"], shown["source"], shown["wanted"]) == (1, "box", None)

        better = compound.folder / "better.toml"
        better.write_text(shown["text"].replace('max_silence = "1 s"', 'max_silence = "2 s"'), encoding="utf-8")
        assert "+max_silence" in (await compound.cloud("config", "diff", "east/b3", str(better)))["diff"]
        words = ["--reason", "calmer", "--confirm-within", "10"]
        given = await compound.cloud("config", "set", "east/b3", str(better), *words)
        # Its profile lies on the box only, so the collector cannot judge it.
        assert (given["revision"], given["checked_by"]) == (2, "gateway")
        await compound.reaches(2, "applied")
        shown = await compound.cloud("config", "show", "east/b3")
        assert (shown["runs"], shown["wanted"]) == (2, 2)

        worse = compound.folder / "worse.toml"
        worse.write_text(shown["text"].replace("[[device]]", "[[device]]\n", 1) + "\n# nothing more\n", "utf-8")
        await compound.cloud("config", "set", "east/b3", str(worse), *words)
        await compound.reaches(3, "trying")
        units, compound.line.units = compound.line.units, {}  # with this file, as it happens, no device answers
        await compound.reaches(3, "rolled_back")
        compound.line.units = units
        row = (await compound.cloud("config", "history", "east/b3"))[0]
        assert row["detail"] == "devices_lost: gate"

        await compound.cloud("config", "revert", "east/b3", "1", *words)
        await compound.reaches(4, "applied")
        assert (await compound.cloud("config", "show", "east/b3"))["runs"] in (1, 4)
    ranges = compound.collector.ingest.ranges(KEY)
    assert len(ranges) == 1, "one life of the buffer"
    (held,) = ranges.values()
    assert len(held) == 1, "no batch is missing"
    assert held[0][0] == 1
    counted = compound.collector.ingest.counters(KEY)
    assert counted.rejected == 0
