"""A year of 15-min roll-ups of one series by the API, out of a store with a year of a thousand series."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import httpx

from cloud.store.duckdb_store import DuckdbStore
from protocols.clock import SystemClock
from simulators.free_port import free_port
from tests.bench.figures import Figure, median, percentile

SERIES = 1000
BUCKETS = 35_040
QUARTER_MS = 900_000
REACH_MS = 50.0
ROUNDS = 25
FIRST_MS = 1_735_689_600_000 // QUARTER_MS * QUARTER_MS


def prepare(folder: Path) -> None:
    """A store with a year of roll-ups as upkeep leaves a year that is over: sorted by series, then by time."""
    store = DuckdbStore(folder, SystemClock())
    store.open()
    store.close()
    rows, stop = SERIES * BUCKETS, FIRST_MS + BUCKETS * QUARTER_MS
    with contextlib.closing(duckdb.connect(str(folder / "readings.duckdb"))) as db:
        db.execute("INSERT INTO series SELECT i, 'bench', 'm' || i, 'active_power_total' FROM range(?) t(i)", [SERIES])
        db.execute(
            f"""INSERT INTO rollup_15m SELECT series, {FIRST_MS} + bucket * {QUARTER_MS}, {QUARTER_MS},
            v - 1, v + 1, v * {QUARTER_MS}, {QUARTER_MS}, v, {FIRST_MS} + bucket * {QUARTER_MS} + 890000, 90
            FROM (SELECT series, bucket, 1000 + (series * 7919 + bucket * 104729) % 10007 / 8.0 AS v
                  FROM (SELECT i // {BUCKETS} AS series, i % {BUCKETS} AS bucket FROM range({rows}) t(i)))"""
        )
        db.execute("INSERT INTO clustered VALUES ('15m', ?)", [stop])
        db.execute("CHECKPOINT")


@contextlib.asynccontextmanager
async def collector(folder: Path):
    """The collector process on that store, without a broker; yields a client with a token."""
    port = free_port()
    command = [sys.executable, "-m", "cloud.cli"]
    process = await asyncio.create_subprocess_exec(
        *command, "run", "--data", str(folder), "--listen", f"127.0.0.1:{port}", "--broker", "mqtt://127.0.0.1:9",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as api:
            for _ in range(300):
                with contextlib.suppress(httpx.TransportError):
                    if (await api.get("/healthz")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
            made = await asyncio.create_subprocess_exec(
                *command, "token", "add", "bench", "--data", str(folder), "--json", stdout=subprocess.PIPE
            )
            token = json.loads((await made.communicate())[0])["token"]
            api.headers["Authorization"] = f"Bearer {token}"
            yield api
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def measure(folder: Path) -> list[Figure]:
    """The time of the whole request, as a client on the same machine sees it."""
    prepare(folder)
    times = []
    async with collector(folder) as api:
        for number in range(ROUNDS):
            query = {
                "site": "bench", "device": f"m{number * 37 % SERIES}", "point": "active_power_total",
                "from": FIRST_MS, "to": FIRST_MS + BUCKETS * QUARTER_MS, "step": "15m", "limit": 40_000,
            }  # fmt: skip
            began = time.perf_counter()
            answer = await api.get("/api/v1/readings", params=query)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["rows"]) == BUCKETS
    took = median(times)
    return [
        Figure(
            f"a year of 15-min roll-ups ({BUCKETS:,} rows) of one of {SERIES:,} series by API",
            f"{took:.0f} ms",
            f"<= {REACH_MS:g} ms",
            took <= REACH_MS,
            f"{len(answer.content) / 1e6:.1f} MB of JSON; p95 {percentile(times, 0.95):.0f} ms, {ROUNDS} requests",
        )
    ]
