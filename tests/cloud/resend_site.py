"""A site for drills of a restore: a broker, a gateway process under load, a collector process, and the books."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import duckdb

from cloud.backup import write_backup
from cloud.backup_copies import STORE
from cloud.backup_restore import restore_backup
from cloud.backup_socket import is_running
from protocols.clock import SystemClock
from tests.cloud.test_collector import collecting, settings
from tests.edge.mosquitto import Mosquitto
from tests.waiting import until

CLOCK = SystemClock()
KEEP_S = 3600.0
BUFFER_BYTES = 16 << 20

_READINGS = "SELECT value, observed_at FROM readings JOIN series ON series.id = series WHERE device = 'meter'"

Thing = tuple[str, int, int]
"""(kind, number, at)."""


class Site:
    """What was committed on the gateway, and what the collector has of it."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.folder, self.broker = folder, broker
        self.data = folder / "data"
        self.truth: set[Thing] = set()
        self.waiting = self.sent = self.backlog = 0
        """As the gateway says: of a resend, and without an ack."""
        self.told_at = 0
        self.highest: dict[str, int] = {}
        """Of each epoch the highest seq that a collector had."""

    # Processes

    @contextlib.asynccontextmanager
    async def gateway(
        self, *, keep_s: float = KEEP_S, max_bytes: int = BUFFER_BYTES, pad: int = 0, fail_point: str = ""
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        words = ("tests.edge.kept_box", str(self.folder / "b.db"), str(self.broker.port), str(keep_s), str(max_bytes))
        words += (str(pad),)
        async with self._process(words, fail_point) as process:
            reading = asyncio.create_task(self._read(process))
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()
                await reading

    @contextlib.asynccontextmanager
    async def collector(self, fail_point: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
        where = ("--data", str(self.data), "--broker", f"mqtt://127.0.0.1:{self.broker.port}")
        words = ("cloud.cli", "run", *where, "--listen", "127.0.0.1:0", "--log-level", "error")
        async with self._process(words, fail_point) as process:
            yield process

    @contextlib.asynccontextmanager
    async def _process(self, words: tuple[str, ...], fail_point: str) -> AsyncIterator[asyncio.subprocess.Process]:
        with (self.folder / "processes.log").open("ab") as log:
            made = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *words,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "DAYUAN_FAILPOINT": fail_point},
            )
        try:
            yield made
        finally:
            if made.returncode is None:
                made.kill()
            await made.wait()
            if made.returncode not in (0, -9):
                print((self.folder / "processes.log").read_text("utf-8", "replace")[-4000:])

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            kind, *numbers = line.decode().split()
            if kind == "s" and len(numbers) == 3:
                self.waiting, self.sent, self.backlog = map(int, numbers)
                self.told_at += 1
            elif len(numbers) == 2:
                self.truth.add((kind, int(numbers[0]), int(numbers[1])))

    def stop_producing(self) -> None:
        (self.folder / "b.stop").touch()

    # Steps

    async def answering(self) -> None:
        await until(lambda: is_running(self.data) if self.data.exists() else False, 120, "the collector answers")

    async def produced(self, more: int) -> None:
        """Until the gateway has committed so many things more, and all of them are acked."""
        wanted = len(self.truth) + more
        await until(lambda: len(self.truth) >= wanted, 120, "the gateway produces")

    async def all_acked(self) -> None:
        told = self.told_at
        await until(lambda: self.told_at > told + 5 and self.backlog <= 25, 120, "most of what was produced is acked")

    async def backed_up(self, name: str = "backup") -> Path:
        file = self.folder / f"{name}.tar"
        await asyncio.to_thread(write_backup, self.data, file, CLOCK)
        return file

    def destroy(self) -> set[str]:
        """The names of batches that were stored and acked go with the data; they are returned."""
        names = self.batches()
        shutil.rmtree(self.data)
        return names

    def restore(self, file: Path) -> None:
        restore_backup(file, self.data, CLOCK, replace=True)

    async def settled(self, *, alarms: bool = False) -> list[dict[str, object]]:
        """Let a collector in this process run until all is here; the alarms of lost batches it raised."""
        self.stop_producing()
        async with collecting(settings(self.folder, self.broker.port)) as collector:
            if alarms:
                await until(lambda: self._lost(collector) != [], 120, "the loss is told")
            last, quiet = -1, 0

            async def is_quiet() -> bool:
                nonlocal last, quiet
                size = await collector.store.size()
                idle = self.waiting == 0 and self.backlog == 0 and size.batches == last
                quiet, last = quiet + 1 if idle else 0, size.batches
                told = sum(int(str(each["count"])) for each in self._lost(collector))
                return quiet >= 20 and self._missing(collector) == told

            await until(is_quiet, 180, "everything that can come is here")
            return self._lost(collector)

    def _missing(self, collector: object) -> int:
        """How many seqs below the highest that any collector of this site ever had are not stored."""
        ingest = collector.ingest  # type: ignore[attr-defined]
        for key in ingest.gateways():
            for epoch, ranges in ingest.ranges(key).items():
                self.highest[epoch] = max(self.highest.get(epoch, 0), ranges[-1][1])
        stored = {epoch: ranges for key in ingest.gateways() for epoch, ranges in ingest.ranges(key).items()}
        count = {epoch: sum(last - first + 1 for first, last in ranges) for epoch, ranges in stored.items()}
        return sum(highest - count.get(epoch, 0) for epoch, highest in self.highest.items())

    @staticmethod
    def _lost(collector: object) -> list[dict[str, object]]:
        board = collector.alarms  # type: ignore[attr-defined]
        return [dict(each.args) for each in board.active() if each.kind == "batches_lost"]

    # The books

    def batches(self) -> set[str]:
        with contextlib.closing(duckdb.connect(str(self.data / STORE), read_only=True)) as store:
            return {f"{epoch}/{seq}" for epoch, seq in store.execute("SELECT epoch, seq FROM batches").fetchall()}

    def stored(self) -> Counter[Thing]:
        """Every thing of the gateway that the store holds, as often as it holds it."""
        with contextlib.closing(duckdb.connect(str(self.data / STORE), read_only=True)) as store:
            found: Counter[Thing] = Counter()
            for value, at in store.execute(_READINGS).fetchall():
                found[("r", int(value), at)] += 1
            for kind, text, at in store.execute("SELECT kind, data, observed_at FROM events").fetchall():
                data = json.loads(text)
                if kind == "button":
                    found[("b", int(data["detail"]), at)] += 1
                elif kind == "card_read":
                    found[("c", int(re.sub("^0+(?=.)", "", data["card_key"]), 16), at)] += 1
        return found

    def judge(self) -> None:
        """0 missing, 0 twice, 0 altered."""
        stored = self.stored()
        assert {thing: n for thing, n in stored.items() if n > 1} == {}, "twice"
        missing = self.truth - set(stored)
        assert sorted(missing)[:10] == [], f"{len(missing)} of {len(self.truth)} missing"
        # What a killed gateway committed without saying so is there as well: of a number that was never told.
        told = {thing[:2] for thing in self.truth}
        assert [thing for thing in set(stored) - self.truth if thing[:2] in told] == [], "altered"
