"""``make bench``: measure what the papers claim, and print a table.

make bench                        everything but peers and sizing (about 25 minutes)
make bench ARGS="--only cards"    one part: ingest, cpu, bytes, cards, reopen, kept, drain, console, fleet, year, bus,
                                  tcp, mqtt, matching, energy, door, flood, retention
make bench ARGS="--only sizing"   what docs/SIZING.md works with, three rounds of each case
make bench ARGS="--only peers"    against thingsboard-gateway, which it installs into a temporary folder
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    console,
    door,
    drain,
    edge_cpu,
    energy,
    fleet,
    flood,
    gateway_load,
    ingest_bench,
    kept,
    matching,
    mqtt_rate,
    peers,
    retention,
    rollup_year,
    rtu_share,
    sizing,
    tcp_rate,
    waiting_buffer,
)
from tests.bench.figures import Figure, median, table

RESULTS = Path("bench-results")
INGEST_REACH, INGEST_AIM = 500_000, 1_000_000
INGEST_ROUNDS = 3
BYTES_S = 120.0


def ingest(folder: Path) -> list[Figure]:
    """The collector's rate."""
    del folder
    runs = [ingest_bench.measure(10, 500, 1000, 32, 2, 0) for _ in range(INGEST_ROUNDS)]
    rate = median([run["readings_per_s"] for run in runs])
    return [
        Figure(
            "collector, readings stored and acked per second",
            f"{rate:,.0f}",
            f">= {INGEST_REACH:,}, aim {INGEST_AIM:,}",
            rate >= INGEST_REACH,
            f"10 gateways x batches of 1,000; broker and gateways on the same cores; median of {INGEST_ROUNDS}",
        )
    ]


def bytes_of(folder: Path) -> list[Figure]:
    """Memory, wire and disk at both flush intervals."""
    figures = []
    for flush in ("1 s", "10 s"):
        figures += asyncio.run(gateway_load.measure_bytes(folder / flush.replace(" ", ""), flush, BYTES_S))
    return figures


PARTS: dict[str, Callable[[Path], list[Figure]]] = {
    "ingest": ingest,
    "cpu": lambda folder: edge_cpu.measure(),
    "bytes": bytes_of,
    "cards": lambda folder: asyncio.run(gateway_load.measure_cards(folder)),
    "reopen": lambda folder: asyncio.run(waiting_buffer.measure(folder)),
    "kept": lambda folder: asyncio.run(kept.measure(folder)),
    "drain": lambda folder: asyncio.run(drain.measure(folder)),
    "console": lambda folder: asyncio.run(console.measure(folder)),
    "fleet": lambda folder: fleet.measure(),
    "year": lambda folder: asyncio.run(rollup_year.measure(folder)),
    "bus": rtu_share.measure,
    "tcp": tcp_rate.measure,
    "mqtt": mqtt_rate.measure,
    "matching": lambda folder: matching.measure(),
    "energy": energy.measure,
    "door": lambda folder: asyncio.run(door.measure(folder)),
    "flood": lambda folder: asyncio.run(flood.measure(folder)),
    "retention": retention.measure,
}
ON_DEMAND: dict[str, Callable[[Path], list[Figure]]] = {"peers": peers.measure, "sizing": sizing.measure}
"""Only when named: peers downloads, sizing is for docs/SIZING.md and promises nothing."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure what the papers claim.")
    parser.add_argument("--only", choices=[*PARTS, *ON_DEMAND], action="append", help="one part; may be given again")
    options = parser.parse_args()
    figures: list[Figure] = []
    for name in options.only or PARTS:
        began = time.monotonic()
        print(f"measuring {name} ...", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"dayuan-bench-{name}-") as folder:
            figures += (PARTS | ON_DEMAND)[name](Path(folder) / "data")
        print(f"  {time.monotonic() - began:.0f} s", flush=True)
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(table(figures))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps([figure._asdict() for figure in figures], indent=1))
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
