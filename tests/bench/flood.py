"""A gateway's batches and their acks while one bad client floods the broker, with a certificate of ours and without.

A mosquitto on the files `dayuan-cloud broker files` writes, a whole collector, one good gateway's session that sends a
batch and waits for its ack, and one process that does its worst (`flood_attacker.py`). All on the same cores.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from cloud.app import Collector
from cloud.identity.authority import Authority
from cloud.settings import load_cloud
from protocols.clock import SystemClock
from tests.bench.figures import Figure, percentile
from tests.bench.flood_attacker import KINDS
from tests.cloud.identity.tls_broker import Client, TlsBroker

REACH_MS = 2000.0
BATCHES = 150
PAUSE_S = 0.05
PATIENCE_S = 10.0
KIND_S = 60.0
"""A kind ends after so long, with the batches there were."""
SETTLE_S = 2.0
CLOUD = """
[collector]
data = "data"
[broker]
url = "mqtts://localhost:{port}"
own_certificate = true
files = "broker"
[listen]
address = "127.0.0.1:0"
"""


@contextlib.asynccontextmanager
async def collector(folder: Path, port: int) -> AsyncIterator[Collector]:
    settings = folder / "cloud.toml"
    settings.write_text(CLOUD.format(port=port), encoding="utf-8")
    running = Collector(load_cloud(settings), SystemClock())
    try:
        await running.open()
        task = asyncio.create_task(running.run(), name="collector")
        while not running.ingest.view().connected:
            await asyncio.sleep(0.05)
        yield running
        running.stop()
        await task
    finally:
        await running.close()


@contextlib.contextmanager
def attack(kind: str, port: int, pair: Path) -> Iterator[None]:
    words = [sys.executable, "-m", "tests.bench.flood_attacker", kind, str(port), str(pair)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


class Good:
    """The gateway whose acks are timed."""

    def __init__(self, broker: TlsBroker) -> None:
        self.client, self.seq = Client(broker, "east/b3").online(), 0
        self.client.subscribe("dayuan/1/east/b3/ack")

    async def send(self) -> float:
        """One batch to its ack, ms; the patience when none came."""
        self.seq += 1
        reading = {"device": "m1", "point": "active_power_total", "at": SystemClock().now_ms(), "value": 1.0}
        body = json.dumps({"v": 1, "epoch": "e", "seq": self.seq, "readings": [reading]})
        began = time.perf_counter()
        self.client.paho.publish("dayuan/1/east/b3/up", body, 1)
        while time.perf_counter() - began < PATIENCE_S:
            got, self.client.got = self.client.got, []
            if any(last >= self.seq for _, said in got for _, last in json.loads(said).get("stored", [])):
                return (time.perf_counter() - began) * 1000
            await asyncio.sleep(0.001)
        return PATIENCE_S * 1000

    async def many(self) -> list[float]:
        found: list[float] = []
        ends = time.perf_counter() + KIND_S
        while len(found) < BATCHES and time.perf_counter() < ends:
            found.append(await self.send())
            await asyncio.sleep(PAUSE_S)
        return found


async def measure(folder: Path) -> list[Figure]:
    """Quiet, then every kind of flood."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = TlsBroker(folder, Authority(folder / "data" / "identity", SystemClock()))
    broker.start()
    figures = []
    try:
        bad = broker.authority.issue_client("east/bad")
        pair = folder / "bad.pem"
        pair.write_bytes(bad.key + bad.certificate.pem)
        async with collector(folder, broker.port) as running:
            good = Good(broker)
            figures.append(_figure("quiet", await good.many()))
            for kind in KINDS:
                with attack(kind, broker.port, pair):
                    await asyncio.sleep(SETTLE_S)
                    figures.append(_figure(kind, await good.many()))
                await asyncio.sleep(SETTLE_S)
            stored = running.ingest.counters(next(iter(running.ingest.gateways()))).stored_batches
            good.client.close()
    finally:
        broker.stop()
    figures.append(Figure("batches of the good gateway stored", f"{stored} of {good.seq}", "all", stored == good.seq))
    return figures


def _figure(kind: str, seen: list[float]) -> Figure:
    middle, late = percentile(seen, 0.5), percentile(seen, 0.99)
    return Figure(
        f"a batch to its ack, {kind if kind == 'quiet' else 'flood: ' + kind}, p50 / p99 / worst",
        f"{middle:.0f} / {late:.0f} / {max(seen):.0f} ms",
        f"p99 < {REACH_MS:g} ms",
        late < REACH_MS,
        f"{len(seen)} batches; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores",
    )
