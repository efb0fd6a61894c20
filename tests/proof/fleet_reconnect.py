"""Many gateways come back at the same instant, each with its backlog: nobody starves, and people are answered (R7).

python -m tests.proof.fleet_reconnect --level soak
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import httpx

from protocols.clock import Clock, SystemClock
from simulators.accounts import collector_account, gateway_account
from simulators.broker import Account, Broker, write_private
from simulators.child import Child
from simulators.desk import add_token
from simulators.free_port import free_port
from simulators.site_files import cloud_file
from tests.bench.figures import percentile
from tests.proof.fleet_box import GATEWAY, site
from tests.proof.levels import Finding, Level, alone
from tests.proof.outage import compare

READY_S = 90.0
API_P99_S = 1.0
STARVED_S = 300.0
QUIET_S = 600.0
ASK_EVERY_S = 0.1
PATHS = ("/api/v1/state", "/api/v1/gateways", "/api/v1/sites", "/api/v1/alarms")


class Size(NamedTuple):
    """So many gateways; each was away for so many seconds of 50 readings."""

    gateways: int
    seconds: int


SIZES: dict[Level, Size] = {"ci": Size(10, 360), "soak": Size(50, 1_800), "proof": Size(50, 86_400)}
"""At "proof" 216 million readings: twenty minutes of one core to fill (5.6 us for each, measured), 1.5 GB of buffers;
then two hours to go up if it is 30,000 a second, which was not measured at this size. It gives up after half a day."""


class Ran(NamedTuple):
    """``gateways``: what each saw; ``asked_s``: how long the API took for each answer meanwhile."""

    seconds: float
    gateways: list[dict[str, Any]]
    asked_s: list[float]
    wrong: list[str]


async def play(size: Size, work: Path) -> Ran:
    """Fill, let all go at once, ask the collector all the while, compare."""
    work.mkdir(parents=True)
    clock = SystemClock()
    until_ms, wrong = clock.now_ms(), list[str]()
    sites = [site(number) for number in range(size.gateways)]
    broker = Broker(work / "broker", port=free_port(), accounts=(*map(_account, sites), collector_account()))
    broker.prepare()
    listen = f"127.0.0.1:{free_port()}"
    settings = work / "cloud.toml"
    write_private(settings, cloud_file(data=work / "collector", account=broker.account("collector"), listen=listen))
    argv = [sys.executable, "-m", "cloud.cli", "run", str(settings)]
    collector = Child("collector", argv, log=work / "collector.log", env=dict(os.environ))
    fleet = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.proof.fleet_box", str(work), str(broker.port), str(size.gateways)),
        *(str(size.seconds * 50), str(until_ms)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert fleet.stdin is not None
    assert fleet.stdout is not None
    try:
        await broker.start(clock)
        await collector.start()
        asked: list[float] = []
        async with httpx.AsyncClient(base_url=f"http://{listen}", timeout=60) as api:
            await _healthy(api, clock)
            api.headers["Authorization"] = f"Bearer {await add_token(settings)}"
            if await fleet.stdout.readline() != b"filled\n":
                raise AssertionError("the fleet could not be filled")
            began = clock.monotonic()
            fleet.stdin.write(b"go\n")
            asking = asyncio.create_task(_ask(api, asked, clock), name="asking")
            try:
                async with asyncio.timeout(QUIET_S + size.gateways * size.seconds / 100):
                    told = await fleet.stdout.readline()
            except TimeoutError:
                raise AssertionError(f"not up after {clock.monotonic() - began:.0f} s") from None
            finally:
                asking.cancel()
            seconds = clock.monotonic() - began
            if asking.done() and not asking.cancelled():
                asking.result()
        if not await collector.stop(30):
            wrong.append("the collector does not end")
    finally:
        if fleet.returncode is None:
            fleet.kill()
        await fleet.wait()
        await collector.kill()
        await broker.child.kill()
    gateways: list[dict[str, Any]] = json.loads(told)
    store = work / "collector" / "readings.duckdb"
    wrong += await asyncio.to_thread(compare, store, size.seconds * 50, until_ms, sites)
    wrong += await asyncio.to_thread(_live, store, gateways)
    return Ran(seconds, gateways, asked, wrong)


def _account(name: str) -> Account:
    return replace(gateway_account(name, GATEWAY), name=f"gateway-{name}-{GATEWAY}")


async def _healthy(api: httpx.AsyncClient, clock: Clock) -> None:
    deadline = clock.monotonic() + READY_S
    while clock.monotonic() < deadline:
        try:
            if (await api.get("/healthz")).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        await clock.sleep(0.1)
    raise AssertionError("the collector does not start")


async def _ask(api: httpx.AsyncClient, took: list[float], clock: Clock) -> None:
    """What a page asks, one after the other, until cancelled."""
    while True:
        for path in PATHS:
            began = clock.monotonic()
            answer = await api.get(path)
            took.append(clock.monotonic() - began)
            answer.raise_for_status()
            await clock.sleep(ASK_EVERY_S)


def _live(store: Path, gateways: list[dict[str, Any]]) -> list[str]:
    """What was read meanwhile is stored, each value once for each of its points."""
    wrong = []
    with duckdb.connect(str(store), read_only=True) as file:
        for told in gateways:
            found = file.execute(
                "SELECT count(*), count(DISTINCT (series, value)) FROM readings WHERE series IN"
                " (SELECT id FROM series WHERE site = ? AND starts_with(device, 'live-'))",
                [told["site"]],
            ).fetchone()
            if found != (told["live"], told["live"]):
                wrong.append(f"{told['site']}: {told['live']} read while it drained; stored, and different: {found}")
    return wrong


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R7; the seed has no say."""
    del seed
    size = SIZES[level]
    what = f"{size.gateways} gateways come back at once, each with {size.seconds / 3600:g} h of backlog"
    try:
        ran = asyncio.run(play(size, work / "fleet"))
    except AssertionError as error:
        return [Finding("R7", what, "", (str(error),))]
    longest = max(each["longest_s"] for each in ran.gateways)
    drained = [each["drained_s"] for each in ran.gateways]
    late = percentile(ran.asked_s, 0.99) if ran.asked_s else -1.0
    limits = {
        f"a gateway without an ack for {longest:.0f} s": longest <= STARVED_S,
        f"API p99 {late:.2f} s": late <= API_P99_S,
        "requests meanwhile": len(ran.asked_s) >= 10,
    }
    readings = size.gateways * size.seconds * 50
    return [
        Finding(
            "R7",
            what,
            f"{readings:,} readings in {ran.seconds:.0f} s ({readings / ran.seconds:,.0f}/s);"
            f" backlogs up after {min(drained):.0f} to {max(drained):.0f} s;"
            f" longest without an ack {longest:.1f} s; API p99 {late:.2f} s",
            (*ran.wrong, *(f"over its limit: {each}" for each, held in limits.items() if not held)),
            f"every row compared; {sum(each['live'] for each in ran.gateways):,} live readings,"
            f" {len(ran.asked_s)} requests meanwhile",
        )
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
