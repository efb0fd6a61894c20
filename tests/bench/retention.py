"""How long commits wait while retention deletes positions and cleans the file after them.

    python -m tests.bench.retention --readings 1860000

A store of its own, on this machine's disk, with commits of 200 readings every 100 ms beside. "Idle" is the same without
retention, just before: other work on the machine moves both.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cloud.store.contract import BatchRow, CommitWork, GatewayKey, QualityWord, ReadingColumns, SeriesKey
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.personal import TRACK_POINTS, Due
from protocols.clock import SystemClock
from tests.bench.figures import Figure

READINGS = 1_860_000
ROWS_A_BATCH = 20_000
DAY_MS = 86_400_000
NOW = 1_790_006_400_000
SERIES = [SeriesKey("east", f"car-{n}", point) for n in range(40) for point in ("latitude", "longitude", "odometer_km")]
COMMIT_ROWS, EVERY_S = 200, 0.1
IDLE_S = 20.0
CLEAN_MOST_S = 600.0


class Pause(NamedTuple):
    """Commits beside something. Times in seconds; ``s``: how long it took; ``steps``: slices."""

    s: float
    steps: int
    longest_step_s: float
    commits: int
    median_s: float
    longest_s: float


def batch(number: int, first_at: int, every_ms: int, rows: int) -> CommitWork:
    """Readings of all series in turn."""
    place = np.arange(rows)
    columns = ReadingColumns(
        series=(place % len(SERIES)).astype(np.int32),
        at=first_at + place.astype(np.int64) * every_ms,
        value=np.random.default_rng(number).random(rows) * 90,
        quality=np.zeros(rows, np.uint8),
        batch=np.full(rows, number, np.int64),
    )
    row = BatchRow(id=number, gateway=0, epoch="e", seq=number, digest=f"{number:016x}", readings=rows, events=0,
                   received_at=NOW)  # fmt: skip
    return CommitWork(stored_at=NOW, batches=[row], readings=columns)


def filled(folder: Path, readings: int) -> tuple[DuckdbStore, int]:
    """A store with so many readings, two thirds of them positions, two thirds of these too old; the next batch."""
    store = DuckdbStore(folder, SystemClock(), roll_up_every_s=0)
    store.open()
    store.commit(
        CommitWork(
            stored_at=NOW,
            new_gateways=[(0, GatewayKey("east", "g"))],
            new_series=list(enumerate(SERIES)),
            new_qualities=[(0, QualityWord("good", ""))],
        )
    )
    count = readings // ROWS_A_BATCH
    span = 90 * DAY_MS // count
    for number in range(1, count + 1):
        store.commit(batch(number, NOW - 90 * DAY_MS + number * span, span // ROWS_A_BATCH, ROWS_A_BATCH))
    return store, count + 1


class Committing:
    """Commits beside; numbers go on from one measurement to the next."""

    def __init__(self, store: DuckdbStore, first: int) -> None:
        self._store, self._next = store, first

    async def beside(self, step: Callable[[], Awaitable[bool]]) -> Pause:
        """Step after step until one says that it was the last, with commits beside."""
        took: list[float] = []
        longest, steps, ended = 0.0, 0, asyncio.Event()

        async def commits() -> None:
            while not ended.is_set():
                began = time.perf_counter()
                one = batch(self._next, NOW + self._next * 100, 1, COMMIT_ROWS)
                self._next += 1
                await asyncio.to_thread(self._store.commit, one)
                took.append(time.perf_counter() - began)
                await asyncio.sleep(EVERY_S)

        began = time.perf_counter()
        task = asyncio.create_task(commits(), name="commits")
        more = True
        while more:
            at = time.perf_counter()
            more = await step()
            steps, longest = steps + 1, max(longest, time.perf_counter() - at)
        whole = time.perf_counter() - began
        ended.set()
        await task
        return Pause(whole, steps, longest, len(took), statistics.median(took), max(took))


async def measured(folder: Path, readings: int) -> dict[str, Pause]:
    """Idle, while rows are taken out, and while the file is cleaned."""
    store, following = filled(folder, readings)
    await store.maintain(NOW)
    due = Due((), TRACK_POINTS, NOW - 30 * DAY_MS)
    committing = Committing(store, following)
    ends = time.monotonic()

    async def nothing() -> bool:
        await asyncio.sleep(0.2)
        return time.monotonic() < ends

    async def expire() -> bool:
        found = await store.expire(due)
        await asyncio.sleep(0.05)
        return found.more

    async def scrub() -> bool:
        left = await store.scrub()
        await asyncio.sleep(0.25)
        return bool(left) and time.monotonic() < ends

    try:
        ends = time.monotonic() + IDLE_S
        found = {"idle": await committing.beside(nothing)}
        found["deleting"] = await committing.beside(expire)
        ends = time.monotonic() + CLEAN_MOST_S
        found["cleaning"] = await committing.beside(scrub)
    finally:
        store.close()
    return found


def measure(folder: Path, readings: int = READINGS) -> list[Figure]:
    """For ``make bench``."""
    found = asyncio.run(measured(folder / "retention", readings))
    idle = found["idle"]
    figures = []
    for name in ("deleting", "cleaning"):
        one = found[name]
        figures.append(
            Figure(
                f"commits while retention is {name}, median and longest",
                f"{one.median_s * 1000:,.0f} ms, {one.longest_s * 1000:,.0f} ms",
                "ends",
                one.s < CLEAN_MOST_S,
                f"idle {idle.median_s * 1000:,.0f} ms, {idle.longest_s * 1000:,.0f} ms; it took {one.s:,.0f} s in "
                f"{one.steps} slices, the longest {one.longest_step_s * 1000:,.0f} ms; {readings:,} readings",
            )
        )
    return figures


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--readings", type=int, default=READINGS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dayuan-bench-") as folder:
        for figure in measure(Path(folder), options.readings):
            print(*figure, sep="\n    ", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
