"""What it costs a gateway to keep acked batches for 48 h: disk, CPU and bytes of a commit, memory, opening again."""

import gc
import os
import time
from pathlib import Path
from typing import NamedTuple

from edge.buffer import Change, Draft, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.clock import SystemClock
from tests.bench.figures import Figure, median
from tests.bench.gateway_load import DISK_REACH, memory_mb, written_bytes
from tests.bench.waiting_buffer import PER_BATCH, second

KEEP_S = 48 * 3600
COMMITS = 3_000
AT_ONCE = 600
REOPEN_REACH_S = 5.0
WRITTEN_REACH = DISK_REACH["1 s"]


class Commits(NamedTuple):
    """Of one commit: CPU in us, bytes the kernel wrote."""

    cpu_us: float
    written: float


def buffer_at(path: Path, *, keep_s: float, max_bytes: int = 2 * 2**30) -> SqliteBuffer:
    """The buffer as the gateway opens it."""
    return SqliteBuffer(path, max_bytes=max_bytes, seal=sealer("bench"), clock=SystemClock(), keep_acked_s=keep_s)


async def fill(path: Path, seconds: int, begin_ms: int) -> None:
    """A batch for each second, each group of them acked with the next."""
    buffer = buffer_at(path, keep_s=KEEP_S)
    await buffer.open()
    acked = 0
    for start in range(0, seconds, AT_ONCE):
        drafts = [Draft(Kind.TELEMETRY, second(turn, begin_ms + turn * 1000)) for turn in range(start, start + AT_ONCE)]
        change = Change(sealed_at=begin_ms + start * 1000, drafts=drafts, release=[(1, acked)] if acked else [])
        acked = (await buffer.commit(change)).batches[-1].place
    await buffer.close()


async def commits(path: Path, keep_s: float, begin_ms: int) -> Commits:
    """A second's readings with each commit, and the ack of those before."""
    buffer = buffer_at(path, keep_s=keep_s)
    opened = await buffer.open()
    place = opened.last
    pid = os.getpid()
    cpu, written = time.process_time(), written_bytes(pid)
    for turn in range(COMMITS):
        at = begin_ms + turn * 1000
        release = [(place, place)] if place else []
        change = Change(sealed_at=at, drafts=[Draft(Kind.TELEMETRY, second(turn, at))], release=release)
        place = (await buffer.commit(change)).batches[-1].place
    found = Commits((time.process_time() - cpu) / COMMITS * 1e6, (written_bytes(pid) - written) / COMMITS)
    await buffer.close()
    return found


async def measure(folder: Path) -> list[Figure]:
    """48 h at 50 readings/s, one batch a second, kept; against a buffer that keeps nothing."""
    begin_ms = SystemClock().now_ms() - KEEP_S * 1000
    bare = await commits(folder / "bare.db", 0, begin_ms)
    path = folder / "kept.db"
    await fill(path, KEEP_S, begin_ms)
    size = path.stat().st_size
    took, grown = [], 0.0
    for _ in range(3):
        gc.collect()
        before = memory_mb(os.getpid())
        buffer = buffer_at(path, keep_s=KEEP_S)
        began = time.perf_counter()
        opened = await buffer.open()
        took.append(time.perf_counter() - began)
        assert sum(last - first + 1 for first, last in opened.kept) > KEEP_S - 2 * AT_ONCE
        grown = max(grown, memory_mb(os.getpid()) - before)
        await buffer.close()
    steady = await commits(path, KEEP_S, begin_ms + KEEP_S * 1000)
    reopen = median(took)
    more = steady.written / bare.written - 1
    return [
        Figure(
            "acked batches kept for 48 h at 50 readings/s: disk",
            f"{size / 2**20:.0f} MiB",
            "",
            None,
            f"{KEEP_S:,} batches of {PER_BATCH}, {size / KEEP_S / PER_BATCH:.1f} bytes per reading",
        ),
        Figure(
            "open a buffer with 48 h of kept batches",
            f"{reopen:.2f} s",
            f"<= {REOPEN_REACH_S:g} s",
            reopen <= REOPEN_REACH_S,
            f"median of 3; {grown:.1f} MB more RSS at most",
        ),
        Figure(
            "a commit with 48 h kept, against none: CPU",
            f"{steady.cpu_us:.0f} us",
            "",
            None,
            f"none kept: {bare.cpu_us:.0f} us; {COMMITS:,} commits each",
        ),
        Figure(
            "a commit with 48 h kept, against none: bytes written",
            f"{steady.written / PER_BATCH:,.0f} a reading",
            f"<= {WRITTEN_REACH:g}",
            steady.written / PER_BATCH <= WRITTEN_REACH,
            f"none kept: {bare.written / PER_BATCH:,.0f} ({more:+.0%}); a day {steady.written * 86_400 / 1e6:,.0f} MB",
        ),
    ]
