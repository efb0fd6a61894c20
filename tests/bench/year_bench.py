"""How long one year of 15-minute roll-ups of one series takes to read, among 1,000 series.

python -m tests.bench.year_bench --series 1000
"""

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from cloud.store.contract import CommitWork, GatewayKey, QualityWord, ReadingsQuery, SeriesKey
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.rollup import BUCKET_MS, DAY_MS
from protocols.clock import ManualClock

START = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
DAYS = 380


def fill(store: DuckdbStore, series: int) -> None:
    """Roll-ups as the background writes them: day after day, all series side by side."""
    names = [(n, SeriesKey("s", f"m{n // 10}", f"p{n % 10}")) for n in range(series)]
    store.commit(
        CommitWork(
            stored_at=START,
            new_series=names,
            new_gateways=[(0, GatewayKey("s", "g"))],
            new_qualities=[(0, QualityWord("good", ""))],
        )
    )
    cursor, _ = store._cursor()
    rng = np.random.default_rng(3)
    per_day = DAY_MS // BUCKET_MS
    for day in range(DAYS):
        start = START + day * DAY_MS + np.arange(per_day) * BUCKET_MS
        rows = series * per_day
        value = rng.uniform(0, 9000, rows).round(1)
        columns = {
            "series": np.tile(np.arange(series, dtype=np.int32), per_day),
            "bucket": np.repeat(start, series),
            "length_ms": np.full(rows, BUCKET_MS, np.int32),
            "min": value - 1,
            "max": value + 1,
            "integral": value * BUCKET_MS,
            "held_ms": np.full(rows, BUCKET_MS),
            "last": value,
            "last_at": np.repeat(start, series) + BUCKET_MS - 1,
            "count": np.full(rows, 90),
        }
        cursor.register("fresh_year", columns)
        cursor.execute("INSERT INTO rollup_15m SELECT * FROM fresh_year")
        cursor.unregister("fresh_year")
    cursor.close()


async def measure(series: int, runs: int) -> dict[str, float]:
    """Milliseconds, before and after finished months were sorted."""
    with tempfile.TemporaryDirectory(prefix="dayuan-year-") as name:
        store = DuckdbStore(Path(name), ManualClock(), roll_up_every_s=0)
        store.open()
        began = time.perf_counter()
        fill(store, series)
        found = {"fill_s": time.perf_counter() - began, "before_ms": await ask(store, series, runs)}
        began, now = time.perf_counter(), START + DAYS * DAY_MS
        for _ in range(14):
            await store.maintain(now)
        found["cluster_s"] = time.perf_counter() - began
        found["after_ms"] = await ask(store, series, runs)
        found["file_mib"] = (await store.size()).file_bytes / 2**20
        store.close()
        again = DuckdbStore(Path(name), ManualClock())
        again.open()
        found["first_after_start_ms"] = await ask(again, series, 1)
        found["reopened_ms"] = await ask(again, series, runs)
        again.close()
        return found


async def ask(store: DuckdbStore, series: int, runs: int) -> float:
    """The median of reading a year of different series."""
    rng = np.random.default_rng(9)
    taken = []
    for number in rng.integers(0, series, runs).tolist():
        query = ReadingsQuery(
            site="s", device=f"m{number // 10}", point=f"p{number % 10}", step="15m", limit=100_000,
            from_at=START + 10 * DAY_MS, to_at=START + 375 * DAY_MS,
        )  # fmt: skip
        began = time.perf_counter()
        page = await store.readings(query)
        taken.append((time.perf_counter() - began) * 1000)
        assert len(page.rows) == 365 * 96, len(page.rows)
    return sorted(taken)[len(taken) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=11)
    args = parser.parse_args()
    for name, value in asyncio.run(measure(args.series, args.runs)).items():
        print(f"{name:22} {value:,.1f}")


if __name__ == "__main__":
    main()
