"""24 hours of backlog, then the link is there: how long until it is up, and how live the live values stay."""

import asyncio
import time
from pathlib import Path

from protocols.clock import SystemClock
from simulators.desk import GatewayDesk
from tests.bench.figures import Figure, percentile
from tests.bench.gateway_load import GATEWAY, client_of, memory_mb, running, stored_readings
from tests.bench.waiting_buffer import fill

READINGS = 4_320_000
TIME_REACH_S = 600.0
LIVE_REACH_S = 2.0
POLL_S = 1.0


async def measure(folder: Path, readings: int = READINGS) -> list[Figure]:
    """Fill the gateway's buffer before its first start, then start everything."""
    buffer = folder / "gateways" / GATEWAY / "buffer.db"
    buffer.parent.mkdir(parents=True, mode=0o700)
    await fill(buffer, readings, until_ms=SystemClock().now_ms(), gateway=GATEWAY)
    lags: list[float] = []
    peak = 0.0
    began = time.monotonic()
    async with running(folder, "1 s") as compound, client_of(compound) as api:
        ready = time.monotonic()
        desk = GatewayDesk(compound.layout.buffer(GATEWAY))
        while True:
            await asyncio.sleep(POLL_S)
            lags += await live_lags(api)
            stored = await stored_readings(api)
            peak = max(peak, memory_mb(compound.processes.child(GATEWAY).pid))
            if stored >= readings and (await desk.backlog() or 0) < 10:
                break
            if time.monotonic() - ready > 2 * TIME_REACH_S:
                break
        took = time.monotonic() - began
        first = min(took, ready - began)
    late = percentile(lags, 0.95)
    return [
        Figure(
            f"drain of {readings / 1e6:g} M readings with live traffic",
            f"{took:.0f} s",
            f"<= {TIME_REACH_S:g} s",
            took <= TIME_REACH_S and stored >= readings,
            f"start of all processes ({first:.0f} s) included; gateway RSS at most {peak:.0f} MB",
        ),
        Figure(
            "live p95 while draining, observed to stored",
            f"{late:.2f} s",
            f"<= {LIVE_REACH_S:g} s",
            late <= LIVE_REACH_S,
            f"{len(lags)} live readings",
        ),
    ]


async def live_lags(api) -> list[float]:
    """Seconds from observed to received of each meter's newest power; a value counts once."""
    answer = await api.get("/api/v1/state", params={"kind": "meter"})
    lags = []
    for entity in answer.json()["entities"]:
        point = entity["points"].get("active_power_total")
        if point and point["observed_at"] and (entity["id"], point["observed_at"]) not in _seen:
            _seen.add((entity["id"], point["observed_at"]))
            lags.append((point["received_at"] - point["observed_at"]) / 1000)
    return lags


_seen: set[tuple[str, int]] = set()
