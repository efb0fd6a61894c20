"""What the tests of the buffer on its disk share."""

from __future__ import annotations

import random
from pathlib import Path

from edge.buffer import Change, Draft, KeptBatch, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.batch import Identity, open_batch
from protocols.clock import ManualClock
from protocols.events import check_event
from protocols.reading import Event, Reading

AT = 1_795_000_000_000
BOOT = "b7d1c6de-0f4b-4a3c-9d0e-6a4b1c2d3e4f"


def buffer_at(path: Path, *, max_bytes: int = 64 << 20) -> SqliteBuffer:
    return SqliteBuffer(path, max_bytes=max_bytes, seal=sealer("gw"), clock=ManualClock())


def telemetry(number: int, count: int = 20) -> Draft:
    rng = random.Random(number)
    readings = [Reading("meter-1", "active_power_total", rng.random(), AT + number * 1000 + n) for n in range(count)]
    return Draft(Kind.TELEMETRY, readings=readings)


def event(number: int) -> Draft:
    return Draft(Kind.EVENTS, events=[Event("gate", "button", AT + number, {"detail": f"no {number}"})])


async def fill(buffer: SqliteBuffer, count: int, start: int = 0) -> dict[Identity, bytes]:
    kept: dict[Identity, bytes] = {}
    for number in range(start, start + count):
        draft = event(number) if number % 10 == 9 else telemetry(number)
        for batch in (await buffer.commit(Change(sealed_at=AT + number, drafts=[draft]))).batches:
            kept[batch.identity] = batch.payload
    return kept


async def everything(buffer: SqliteBuffer) -> list[KeptBatch]:
    found: list[KeptBatch] = []
    place = 1
    while True:
        chunk = await buffer.read(place, 1 << 40, sealed_at=AT)
        found += chunk.batches
        if not chunk.batches and not chunk.gaps:
            return found
        place = max(batch.place for batch in [*chunk.batches, *chunk.gaps][-1:]) + 1 if not chunk.gaps else place


def gaps(batches: list[KeptBatch]) -> list[Event]:
    told = [event for batch in batches for event in open_batch(batch.payload).events]
    assert all(check_event(each) is None for each in told)
    return [each for each in told if each.kind == "gap"]


async def make_unclean_copy(folder: Path) -> dict[Identity, bytes]:
    """The files of a gateway that was killed, with batches both in the file and in the log."""
    buffer = buffer_at(folder / "live.db")
    await buffer.open()
    kept = await fill(buffer, 150)
    for suffix in ("", "-wal"):
        (folder / f"buffer.db{suffix}").write_bytes((folder / f"live.db{suffix}").read_bytes())
    await buffer.close()
    for each in folder.glob("live.db*"):
        each.unlink()
    return kept


CHILD = """
import asyncio, sys
from pathlib import Path
from edge.buffer import Change, Draft, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.failpoint import armed
from edge.sealer import sealer
from protocols.clock import SystemClock
from protocols.reading import Event

async def main():
    buffer = SqliteBuffer(Path(sys.argv[1]), max_bytes=1 << 24, seal=sealer("gw"), clock=SystemClock(),
                          fail_point=armed(sys.argv[2]))
    await buffer.open()
    done = 0
    for n in range(10_000):
        change = Change(sealed_at=1, drafts=[Draft(Kind.EVENTS, events=[Event("gate", "button", n + 1)])],
                        origins=[str(n).encode()], release=[(done - 3, done - 3)] if done > 5 and n % 2 else [])
        committed = await buffer.commit(change)
        done = committed.batches[-1].place
        print(committed.batches[-1].identity.epoch, done, n, flush=True)

asyncio.run(main())
"""
