"""A real gateway with 500 points every 10 s, a broker and a collector: memory, bytes, time to the screen."""

import asyncio
import contextlib
import json
import os
import secrets
import time
from pathlib import Path

import aiomqtt
import httpx

from protocols.clock import SystemClock
from simulators import site_files
from simulators.compound import Compound
from simulators.scenario import DoorPlan, GatewayPlan, LinePlan, MeterPlan, Scenario
from tests.bench.figures import Figure, percentile

GATEWAY = "bench"
DOOR = "gate-north"
METERS = (("eastron/sdm630", 8), ("eastron/sdm120", 2))
"""8 meters of 60 points and 2 of 13: 506 points."""
RSS_REACH_MB = 60.0
WIRE_REACH = {"1 s": 14.0, "10 s": 6.0}
DISK_REACH = {"1 s": 300.0, "10 s": 60.0}
CARD_REACH_MS = (50.0, 150.0)
SETTLE_S = 25.0
CARDS = 200


def scenario(**more) -> Scenario:
    """506 points on two TCP ports, a door that nobody uses but the measurement."""
    lines = [LinePlan(name=f"tcp-{n}", kind="modbus-tcp", gateway=GATEWAY) for n in (1, 2)]
    models = [model for model, count in METERS for _ in range(count)]
    meters = [
        MeterPlan(id=f"m{n:02d}", model=model, line=f"tcp-{n % 2 + 1}", unit=n // 2 + 1, every="10 s")
        for n, model in enumerate(models)
    ]
    door = DoorPlan(id=DOOR, topic=f"doors/{DOOR}", gateway=GATEWAY, swipe_every="1 h")
    return Scenario(
        site="bench", gateway=[GatewayPlan(id=GATEWAY, every="10 s")], line=lines, meter=meters, door=[door], **more
    )


@contextlib.asynccontextmanager
async def running(folder: Path, flush: str):
    """A compound of that scenario without deadbands."""
    site_files.DEADBANDS.clear()
    compound = Compound(folder, scenario(), SystemClock(), http_port=0, flush_every=flush)
    try:
        await compound.start()
        yield compound
    finally:
        await compound.stop()


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """From /proc, in MB of 1e6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError(field)


def written_bytes(pid: int) -> int:
    """Bytes this process caused to be written to block devices, as the kernel accounts them."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise AssertionError("write_bytes")


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class UpTopic:
    """Listens to what the gateway publishes, as the collector's account may."""

    def __init__(self) -> None:
        self.bytes = self.batches = 0

    async def run(self, compound: Compound) -> None:
        account = compound._broker.account("collector")
        async with aiomqtt.Client(
            account.host,
            account.port,
            username=account.username,
            password=account.password(),
            identifier="bench-listener",
        ) as client:
            await client.subscribe("dayuan/1/+/+/up", qos=0)
            async for message in client.messages:
                # Fixed header, remaining length, topic length and name, packet id: what MQTT adds to each payload.
                self.bytes += len(message.payload) + len(str(message.topic)) + 2 + 2 + 3
                self.batches += 1


async def stored_readings(api: httpx.AsyncClient) -> int:
    """What the collector has stored of the gateway."""
    answer = await api.get("/api/v1/gateways")
    return sum(gateway["stored_readings"] for gateway in answer.json()["gateways"])


def client_of(compound: Compound) -> httpx.AsyncClient:
    """The collector's API with the compound's token."""
    token = compound.layout.token_file.read_text().strip()
    return httpx.AsyncClient(base_url=compound.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


async def measure_bytes(folder: Path, flush: str, seconds: float) -> list[Figure]:
    """Memory, wire and disk of one flush interval over ``seconds``."""
    async with running(folder, flush) as compound, client_of(compound) as api:
        pid = compound.processes.child(GATEWAY).pid
        up = UpTopic()
        listening = asyncio.create_task(up.run(compound), name="listen")
        await asyncio.sleep(SETTLE_S)
        before = await stored_readings(api), written_bytes(pid), up.bytes, cpu_s(pid)
        await asyncio.sleep(seconds)
        after = await stored_readings(api), written_bytes(pid), up.bytes, cpu_s(pid)
        rss, peak = memory_mb(pid), memory_mb(pid, "VmHWM")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    readings = after[0] - before[0]
    disk, wire, cpu = ((after[n] - before[n]) / readings for n in (1, 2, 3))
    rate = f"{readings / seconds:.0f} readings/s, flush {flush}"
    figures = [
        Figure(
            f"bytes per reading on the wire, flush {flush}",
            f"{wire:.1f} B",
            f"<= {WIRE_REACH[flush]:g} B",
            wire <= WIRE_REACH[flush],
            f"{rate}; MQTT headers counted",
        ),
        Figure(
            f"bytes per reading written to the disk, flush {flush}",
            f"{disk:.0f} B",
            f"<= {DISK_REACH[flush]:g} B",
            disk <= DISK_REACH[flush],
            f"{rate}; deletes included; /proc/PID/io",
        ),
    ]
    if flush == "1 s":
        figures.insert(
            0,
            Figure(
                "gateway RSS, 500 points every 10 s",
                f"{rss:.0f} MB",
                f"<= {RSS_REACH_MB:g} MB",
                rss <= RSS_REACH_MB,
                f"peak {peak:.0f} MB",
            ),
        )
        figures.append(
            Figure(
                "gateway process CPU per reading, everything included",
                f"{cpu * 1e6:.0f} us",
                note="polls, commits, uplink",
            )
        )
    return figures


class Screen:
    """An SSE client; notes when a card of ours appears in a delta."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        self.ready = asyncio.Event()

    async def run(self, compound: Compound) -> None:
        async with client_of(compound) as api, api.stream("GET", "/api/v1/stream", timeout=None) as answer:
            event = ""
            async for line in answer.aiter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                    self.ready.set()
                elif line.startswith("data:") and event == "delta" and DOOR in line:
                    now = time.perf_counter()
                    for change in json.loads(line[5:])["changes"]:
                        last = change.get("attributes", {}).get("last_event")
                        if change["id"].endswith(f"/{DOOR}") and last:
                            for value in last["data"].values():
                                self.seen.setdefault(str(value), now)


async def measure_cards(folder: Path) -> list[Figure]:
    """A device publishes a card; how long until an SSE client has it, with the readings flowing beside it."""
    took: list[float] = []
    async with running(folder, "1 s") as compound:
        account = compound._broker.account("doors")
        screen = Screen()
        showing = asyncio.create_task(screen.run(compound), name="screen")
        await asyncio.wait_for(screen.ready.wait(), 10)
        await asyncio.sleep(5)
        async with aiomqtt.Client(
            account.host, account.port, username=account.username, password=account.password(), identifier="bench-door"
        ) as door:
            for number in range(CARDS):
                mark = f"bench-{number}-{secrets.token_hex(3)}"
                body = {
                    "type": "access", "time": int(time.time()), "isKnown": "true", "access": mark,
                    "username": "x", "uid": "04a2b3c4", "hostname": DOOR, "doorName": DOOR,
                }  # fmt: skip
                began = time.perf_counter()
                await door.publish(f"doors/{DOOR}/send", json.dumps(body), qos=1)
                while mark not in screen.seen and time.perf_counter() - began < 5:
                    await asyncio.sleep(0.001)
                took.append((screen.seen[mark] - began) * 1000)
                await asyncio.sleep(0.15 + 0.2 * (number % 5) / 5)
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
    middle, late = percentile(took, 0.5), percentile(took, 0.99)
    return [
        Figure(
            "card published by a device to delta at an SSE client, p50 / p99",
            f"{middle:.0f} / {late:.0f} ms",
            f"<= {CARD_REACH_MS[0]:g} / {CARD_REACH_MS[1]:g} ms",
            middle <= CARD_REACH_MS[0] and late <= CARD_REACH_MS[1],
            f"{CARDS} cards, 50 readings/s beside",
        )
    ]
