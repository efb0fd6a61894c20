"""How many readings a second one collector stores durably and acks, with a real broker between.

    python -m tests.bench.ingest_bench --gateways 10 --batch 1000 --seconds 10

Three processes: mosquitto on a free port; pretend gateways (one process, batches sealed before the clock starts, each
gateway with a window of unacknowledged batches); the collector's ingest path with a DuckDB store in a new folder.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho

from cloud.ingest.path import Ingest
from cloud.ingest.subscriber import BrokerSettings
from cloud.store.duckdb_store import DuckdbStore
from protocols.ack import parse_ack
from protocols.batch import Reading, seal
from protocols.clock import SystemClock
from protocols.mqtt_url import MqttUrl
from protocols.topics import topic
from tests.edge.mosquitto import mosquitto

SERIES = 500
PERIOD_MS = 10_000


class Alarms:
    def raise_alarm(self, kind, source, args):
        print(f"alarm {kind} {source} {dict(args)}", file=sys.stderr)

    def clear_alarm(self, kind, source):
        pass


def collect(port: int, folder: str, threads: int, ready, stop) -> None:
    """The collector process: its CPU time and what it stored, as JSON."""
    import cProfile

    profile = cProfile.Profile() if os.environ.get("PROFILE") else None

    async def main() -> None:
        clock = SystemClock()
        store = DuckdbStore(Path(folder), clock, threads=threads)
        store.open()
        broker = BrokerSettings(url=MqttUrl("127.0.0.1", port, False), client_id="bench-collector")
        ingest = Ingest(store, broker, clock, Alarms())
        ingest.open()
        task = asyncio.create_task(ingest.run())
        while not ingest.view().connected:
            await asyncio.sleep(0.01)
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.05)
        view = ingest.view()
        task.cancel()
        await asyncio.wait([task])
        size = await store.size()
        store.close()
        used = resource.getrusage(resource.RUSAGE_SELF)
        result = {
            "stored": size.readings,
            "batches": size.batches,
            "file_mib": size.file_bytes / 2**20,
            "commits": view.commits,
            "cpu_s": used.ru_utime + used.ru_stime,
            "rss_mib": used.ru_maxrss / 1024,
        }
        Path(folder, "result.json").write_text(json.dumps(result))

    if profile:
        profile.enable()
    asyncio.run(main())
    if profile:
        profile.disable()
        import pstats

        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def sealed(gateways: int, batches: int, size: int) -> list[list[bytes]]:
    """Batches of slowly moving meter values."""
    rng = np.random.default_rng(7)
    now = time.time_ns() // 1_000_000
    found = []
    points = [f"voltage_l{n}_n" for n in (1, 2, 3)] + ["active_power_total", "active_energy_import_total"]
    for gateway in range(gateways):
        values = rng.uniform(200, 9000, SERIES).round(1)
        readings = []
        start = now - batches * size // SERIES * PERIOD_MS
        place = 0
        mine = []
        for seq in range(1, batches + 1):
            readings = []
            for _ in range(size):
                series = place % SERIES
                if series == 0:
                    values = (values + rng.normal(0, 1, SERIES)).round(1)
                at = start + place // SERIES * PERIOD_MS + series
                readings.append(Reading(f"m{series // 5}", points[series % 5], float(values[series]), at))
                place += 1
            mine.append(seal("bench", seq, readings, [], gateway=f"g{gateway}", sealed_at=at))
        found.append(mine)
    return found


class Gateways:
    """All pretend gateways on one connection: publishes within each window, counts acks."""

    def __init__(self, port: int, payloads: list[list[bytes]], window: int) -> None:
        self.payloads, self.window = payloads, window
        self.sent = [0] * len(payloads)
        self.acked = [0] * len(payloads)
        self.first_at = self.last_at = 0.0
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="bench-gateways")
        self.client.max_inflight_messages_set(1000)
        self.client.on_message = self._on_ack
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("dayuan/1/+/+/ack", 1)

    def _on_ack(self, _client, _userdata, message) -> None:
        gateway = int(message.topic.split("/")[3][1:])
        ack = parse_ack(message.payload)
        assert not ack.rejected, ack.rejected[:2]
        self.acked[gateway] += sum(last - first + 1 for first, last in ack.stored)
        self.last_at = time.perf_counter()
        self._fill(gateway)

    def _fill(self, gateway: int) -> None:
        mine = self.payloads[gateway]
        while self.sent[gateway] < len(mine) and self.sent[gateway] - self.acked[gateway] < self.window:
            self.client.publish(topic("bench", f"g{gateway}", "up"), mine[self.sent[gateway]], qos=1)
            self.sent[gateway] += 1

    def run(self, limit_s: float) -> float:
        """Publish everything; seconds from the first publish to the last ack."""
        total = sum(len(mine) for mine in self.payloads)
        self.client.loop(0.2)
        self.client.loop(0.2)
        start = time.perf_counter()
        for gateway in range(len(self.payloads)):
            self._fill(gateway)
        while sum(self.acked) < total:
            self.client.loop(0.1)
            if time.perf_counter() - start > limit_s:
                raise SystemExit(f"only {sum(self.acked)} of {total} batches acked in {limit_s} s")
        return self.last_at - start


def measure(gateways: int, batches: int, size: int, window: int, threads: int, inflight: int) -> dict[str, float]:
    """One run; readings per second and what it cost."""
    context = multiprocessing.get_context("spawn")
    payloads = sealed(gateways, batches, size)
    with tempfile.TemporaryDirectory(prefix="dayuan-bench-") as name:
        folder = Path(name)
        with mosquitto(folder, f"max_inflight_messages {inflight}", "max_queued_messages 10000") as broker:
            ready, stop = context.Event(), context.Event()
            process = context.Process(target=collect, args=(broker.port, name, threads, ready, stop))
            process.start()
            assert ready.wait(20)
            seconds = Gateways(broker.port, payloads, window).run(120)
            stop.set()
            process.join(60)
        result: dict[str, float] = json.loads((folder / "result.json").read_text())
    total = gateways * batches * size
    assert result["stored"] == total, (result["stored"], total)
    wire = sum(len(payload) for mine in payloads for payload in mine)
    return {"readings_per_s": total / seconds, "seconds": seconds, "wire_b_per_reading": wire / total, **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateways", type=int, default=10)
    parser.add_argument("--batches", type=int, default=500, help="per gateway")
    parser.add_argument("--batch", type=int, default=1000, help="readings in a batch")
    parser.add_argument("--window", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2, help="DuckDB's")
    parser.add_argument("--inflight", type=int, default=0, help="mosquitto's max_inflight_messages, 0 is without limit")
    args = parser.parse_args()
    found = measure(args.gateways, args.batches, args.batch, args.window, args.threads, args.inflight)
    for name, value in found.items():
        print(f"{name:20} {value:,.2f}")


if __name__ == "__main__":
    main()
