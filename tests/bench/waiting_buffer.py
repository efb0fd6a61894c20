"""A buffer file with millions of readings waiting, made fast, and how long it takes to open it again."""

import time
from pathlib import Path

from edge.buffer import Change, Draft, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.clock import SystemClock
from protocols.reading import Reading
from tests.bench.figures import Figure, median

REACH_S = 5.0
READINGS = 4_000_000
PER_BATCH = 50
POINTS = ("voltage_l1_n", "current_l1", "active_power_l1", "active_power_total", "active_energy_import_total")


def buffer_at(path: Path, gateway: str = "bench") -> SqliteBuffer:
    """The buffer as the gateway opens it, with room for everything."""
    return SqliteBuffer(path, max_bytes=2 * 2**30, seal=sealer(gateway), clock=SystemClock())


def second(turn: int, at: int) -> list[Reading]:
    """50 readings of ten meters, as one second brings them."""
    base = turn % 10 * 10
    return [
        Reading(
            f"m{base + meter}",
            point,
            100.0 + meter * 3 + place + (turn * 7919 + meter * 31 + place) % 997 / 8,
            at + meter * 40,
        )
        for meter in range(10)
        for place, point in enumerate(POINTS)
    ]


async def fill(path: Path, readings: int, *, until_ms: int, gateway: str = "bench") -> None:
    """Commit batches of 50, one for each second before ``until_ms``; a thousand in a transaction."""
    buffer = buffer_at(path, gateway)
    await buffer.open()
    batches = readings // PER_BATCH
    for start in range(0, batches, 1000):
        drafts = [
            Draft(Kind.TELEMETRY, second(turn, until_ms - (batches - turn) * 1000))
            for turn in range(start, min(start + 1000, batches))
        ]
        await buffer.commit(Change(sealed_at=until_ms, drafts=drafts))
    await buffer.close()


async def measure(folder: Path) -> list[Figure]:
    """Open a buffer with 4 M readings waiting, three times."""
    path = folder / "buffer.db"
    await fill(path, READINGS, until_ms=SystemClock().now_ms())
    times = []
    for _ in range(3):
        buffer = buffer_at(path)
        began = time.perf_counter()
        await buffer.open()
        times.append(time.perf_counter() - began)
        assert buffer.figures().readings == READINGS
        await buffer.close()
    took = median(times)
    size = path.stat().st_size / 2**20
    return [
        Figure(
            f"reopen a buffer with {READINGS / 1e6:g} M readings waiting",
            f"{took:.2f} s",
            f"<= {REACH_S:g} s",
            took <= REACH_S,
            f"{size:.0f} MiB, {READINGS // PER_BATCH:,} batches; median of 3",
        )
    ]
