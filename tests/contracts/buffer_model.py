"""What `test_buffer_machine.py` plays with: a buffer and an uplink on a folder, and the books about them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from edge.buffer import KeptBatch
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from edge.uplink import Uplink
from protocols.ack import Ack
from protocols.batch import Identity, open_batch
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from tests.edge.fake_link import FakeLink

AT = 1_795_000_000_000
T = TypeVar("T")

# What a kill leaves is the same in memory, and this is about order, not about the disk.
FOLDERS = "/dev/shm" if Path("/dev/shm").is_dir() else None


class BufferModel(RuleBasedStateMachine):
    """A real buffer and a real uplink, what was produced, and what the collector has."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="buffer-machine-", dir=FOLDERS))
        self.clock = ManualClock()
        self.produced: dict[int, Identity] = {}
        self.names: dict[Identity, bytes] = {}
        self.collector: dict[Identity, bytes] = {}
        self.answers: list[Ack] = []
        self.acks_sent: list[Ack] = []
        self.newest: Identity | None = None
        self.gone: set[Identity] = set()
        """Went with a file that was replaced; the collector did not have them."""
        self.refused_by_collector: set[Identity] = set()
        self.dropped_readings = 0
        self.number = 0
        self.serving: asyncio.Task[None] | None = None
        self.link: FakeLink | None = None
        self.seen_on_link = 0
        self.fails = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def turn(self) -> None:
        async def turns() -> None:
            for _ in range(30):
                await asyncio.sleep(0.0005 if _ % 10 == 9 else 0)

        self.run(turns())

    def open(self) -> None:
        def fail_point(name: str) -> None:
            if self.fails and name == "before_commit":
                raise StoreUnavailable("told to fail")

        self.buffer = SqliteBuffer(
            self.folder / "buffer.db", max_bytes=1 << 20, seal=sealer("gw"), clock=self.clock, fail_point=fail_point
        )
        opened = self.run(self.buffer.open())
        assert opened.damage is None
        self.epoch = opened.epoch
        self.uplink = Uplink(self.buffer, self.clock, topic="up", window=4)
        self.uplink.load(opened.first, opened.last)
        self.serving = self.link = None

    def killed(self) -> None:
        """The files are all that is left."""
        if self.serving is not None:
            self.disconnect()
        copy = Path(tempfile.mkdtemp(prefix="buffer-machine-", dir=FOLDERS))
        for each in self.folder.glob("buffer.db*"):
            shutil.copy(each, copy / each.name)
        self.run(self.buffer.close())
        shutil.rmtree(self.folder)
        self.folder = copy

    def everything(self) -> list[KeptBatch]:
        found: list[KeptBatch] = []
        place = 1
        while True:
            chunk = self.run(self.buffer.read(place, 1 << 40, sealed_at=AT)).batches
            if not chunk:
                return found
            found += chunk
            place = chunk[-1].place + 1


def contents(payload: bytes) -> list[int]:
    batch = open_batch(payload)
    return [int(r.value or 0) for r in batch.readings()] + [int(str(e.data["detail"])) for e in batch.events]
