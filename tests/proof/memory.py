"""Little memory: a gateway that finds days on its disk, and processes that are refused memory in the middle (R18).

python -m tests.proof.memory --level soak --seed 3

A real gateway of 506 points finds a batch for each second of a long outage. From its first instruction on its limit is
that of the smallest box; the collector has one, too. Limits are the kernel's on what a process may write to
(``RLIMIT_DATA``): they count what is reserved, not only what is used, and are so stricter than a cgroup of that size; a
refusal is an error inside the process where a cgroup would kill it. Now and then a process is squeezed: for some
seconds it gets nothing new. It may die of that and is started again; nothing may be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import sys
from pathlib import Path
from typing import NamedTuple

import duckdb
import httpx

from edge.buffer import Change, Draft, Kind
from protocols.clock import Clock, SystemClock
from protocols.reading import Reading
from simulators import site_files
from simulators.compound import COLLECTOR, Compound
from simulators.desk import GatewayDesk
from tests.bench.gateway_load import GATEWAY, client_of, memory_mb, scenario, stored_readings
from tests.bench.waiting_buffer import POINTS, buffer_at
from tests.proof.levels import Finding, Level, alone

LIMITS_MB = {GATEWAY: 256, COLLECTOR: 2048}
"""The collector's: DuckDB may have 1 GB, and the threads of the process reserve."""
DEVICE = "backlog"
REFUSED = (
    "MemoryError",
    "Out of Memory",
    "out of memory",
    "annot allocate memory",
    "bad_alloc",
    "can't start new thread",
)
LOOK_S = 0.01
SQUEEZED_S = 2.0
QUIET_S = 180.0
AT_ONCE = 2_000


class Size(NamedTuple):
    """A batch for each second of the outage, each with a reading of every point; how often each process is squeezed,
    and at most how long after the one before: who starts them gives up when one dies four times within a minute."""

    hours: float
    squeezes: int
    between_s: float


SIZES: dict[Level, Size] = {"ci": Size(1, 2, 4.0), "soak": Size(24, 10, 20.0), "proof": Size(24 * 7, 50, 20.0)}


class Ran(NamedTuple):
    """What was seen. ``resident_mb``, ``reserved_mb``: the most of each process; ``deaths``: of memory refused."""

    batches: int
    seconds: float
    resident_mb: dict[str, float]
    reserved_mb: dict[str, float]
    squeezes: dict[str, int]
    deaths: dict[str, int]
    refusals: dict[str, int]
    file_mb: float
    wrong: list[str]


class Warden:
    """Gives every process its limit as soon as it is there, squeezes it, and remembers the most it had."""

    def __init__(self, compound: Compound, clock: Clock) -> None:
        self._compound, self._clock = compound, clock
        self._limited: dict[str, int] = {}
        self.resident: dict[str, float] = dict.fromkeys(LIMITS_MB, 0.0)
        self.reserved: dict[str, float] = dict.fromkeys(LIMITS_MB, 0.0)
        self.squeezes = dict.fromkeys(LIMITS_MB, 0)

    def pid(self, name: str) -> int | None:
        """While it runs."""
        with contextlib.suppress(AssertionError, KeyError):
            child = self._compound._running.child(name)
            return child.pid if child.running else None
        return None

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            for name, limit_mb in LIMITS_MB.items():
                pid = self.pid(name)
                if pid is None:
                    continue
                with contextlib.suppress(OSError, AssertionError):  # it ends just now
                    if self._limited.get(name) != pid:
                        resource.prlimit(pid, resource.RLIMIT_DATA, (limit_mb << 20, limit_mb << 20))
                        self._limited[name] = pid
                    self.resident[name] = max(self.resident[name], memory_mb(pid, "VmHWM"))
                    self.reserved[name] = max(self.reserved[name], memory_mb(pid, "VmData"))
            await self._clock.sleep(LOOK_S)

    async def squeeze(self, name: str) -> None:
        """For a moment nothing new: the limit is below what it has. One that is just being started is waited for: who
        starts it gives up when it does not come up."""
        until = self._clock.monotonic() + QUIET_S
        while not self._compound._running.ready(name) and self._clock.monotonic() < until:
            await self._clock.sleep(LOOK_S)
        pid = self.pid(name)
        if pid is None:
            return
        hard = LIMITS_MB[name] << 20
        with contextlib.suppress(OSError, AssertionError):
            has = int(memory_mb(pid, "VmData") * 1e6)
            resource.prlimit(pid, resource.RLIMIT_DATA, (has // 2, hard))
            self.squeezes[name] += 1
            await self._clock.sleep(SQUEEZED_S)
            resource.prlimit(pid, resource.RLIMIT_DATA, (hard, hard))


async def fill(path: Path, batches: int, until_ms: int) -> None:
    """A batch a second, each with its own number in every point, by the real buffer."""
    path.parent.mkdir(parents=True, mode=0o700)
    buffer = buffer_at(path, GATEWAY)
    await buffer.open()
    for start in range(0, batches, AT_ONCE):
        drafts = [
            Draft(
                Kind.TELEMETRY, [Reading(DEVICE, point, float(n), until_ms - (batches - n) * 1000) for point in POINTS]
            )
            for n in range(start, min(start + AT_ONCE, batches))
        ]
        await buffer.commit(Change(sealed_at=until_ms, drafts=drafts))
    await buffer.close()


def compare(store: Path, batches: int, until_ms: int) -> list[str]:
    """Every number is stored once for every point, at its instant."""
    with duckdb.connect(str(store), read_only=True) as file:
        found = file.execute(
            "SELECT s.point, count(*), count(DISTINCT r.value), min(r.value), max(r.value),"
            " count(*) FILTER (r.observed_at != ? + r.value * 1000)"
            " FROM readings r JOIN series s ON r.series = s.id WHERE s.device = ? GROUP BY s.point",
            [until_ms - batches * 1000, DEVICE],
        ).fetchall()
    wanted = {(point, batches, batches, 0.0, batches - 1.0, 0) for point in POINTS}
    return [f"of the backlog: stored {each}" for each in sorted(set(found) ^ wanted, key=str)]


async def play(size: Size, seed: int, work: Path) -> Ran:
    """Fill, start under limits, squeeze, wait until everything is up, compare."""
    clock, rng = SystemClock(), random.Random(seed)
    batches, until_ms = round(size.hours * 3600), clock.now_ms()
    site_files.DEADBANDS.clear()
    compound = Compound(work, scenario(), clock, http_port=0, flush_every="1 s")
    buffer = compound.layout.buffer(GATEWAY)
    await fill(buffer, batches, until_ms)
    file_mb = buffer.stat().st_size / 1e6
    warden, wrong = Warden(compound, clock), list[str]()
    watching = asyncio.create_task(warden.watch(), name="warden")
    began = clock.monotonic()
    try:
        await compound.start()
        asking = asyncio.create_task(_ask(compound, until_ms, clock), name="asking")
        for name in list(LIMITS_MB) * size.squeezes:
            await clock.sleep(rng.uniform(0.2, size.between_s))
            await warden.squeeze(name)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        wrong += await _until_up(compound, batches * len(POINTS), clock)
        if not wrong:
            wrong += await _compare_live(compound)
        refusals = {name: _refusals(compound.layout.log(name)) for name in LIMITS_MB}
        starts = {name: compound._running.child(name).starts for name in LIMITS_MB}
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await compound.stop()
    seconds = clock.monotonic() - began
    wrong += await asyncio.to_thread(compare, work / "collector" / "readings.duckdb", batches, until_ms)
    deaths = {name: count - 1 for name, count in starts.items()}
    return Ran(batches, seconds, warden.resident, warden.reserved, warden.squeezes, deaths, refusals, file_mb, wrong)


async def _compare_live(compound: Compound) -> list[str]:
    if not await compound.drain(120):
        return ["the gateway keeps something back"]
    verdict = await compound.verify()
    # The store holds besides what no simulated device said: the backlog, compared by itself.
    counts = {"missing": verdict.missing, "duplicated": verdict.duplicated}
    return [*(f"live: {count} {what}" for what, count in counts.items() if count), *verdict.holes]


async def _ask(compound: Compound, until_ms: int, clock: Clock) -> None:
    """What needs memory at the collector: long answers, until cancelled. A refusal and a dead collector are answers."""
    everything = {"site": compound.scenario.site, "device": DEVICE, "point": POINTS[0], "from": "0", "limit": "100000"}
    async with client_of(compound) as api:
        while True:
            with contextlib.suppress(OSError, httpx.HTTPError):
                await api.get("/api/v1/readings", params=everything | {"to": str(until_ms)})
            await clock.sleep(0.05)


def _refusals(log: Path) -> int:
    """How often a process told that it got no memory."""
    return sum(any(words in line for words in REFUSED) for line in log.read_text(encoding="utf-8").splitlines())


async def _until_up(compound: Compound, readings: int, clock: Clock) -> list[str]:
    desk = GatewayDesk(compound.layout.buffer(GATEWAY))
    last, moved_at = -1, clock.monotonic()
    async with client_of(compound) as api:
        while True:
            if compound.failure:
                return [compound.failure]
            stored, left = last, None
            with contextlib.suppress(OSError, ValueError, KeyError, httpx.HTTPError):  # it is started again
                stored, left = await stored_readings(api), await desk.backlog()
            if stored >= readings and left is not None and left < 10:
                return []
            if stored != last:
                last, moved_at = stored, clock.monotonic()
            if clock.monotonic() - moved_at > QUIET_S:
                return [f"nothing goes up any more: {stored} stored, {left} batches left"]
            await clock.sleep(0.5)


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R18: with little memory nothing is lost, and all goes on by itself."""
    size = SIZES[level]
    ran = asyncio.run(play(size, seed, work / "memory"))
    most = "; ".join(
        f"{name} of {limit_mb} MB at most {ran.resident_mb[name]:.0f} resident, {ran.reserved_mb[name]:.0f} reserved"
        for name, limit_mb in LIMITS_MB.items()
    )
    dull = [f"{name} was never squeezed" for name, count in ran.squeezes.items() if not count]
    if not any((*ran.deaths.values(), *ran.refusals.values())):
        dull.append("no memory was refused: nothing was tried")
    return [
        Finding(
            "R18",
            f"{size.hours:g} h on the disk of a gateway with {LIMITS_MB[GATEWAY]} MB; memory refused",
            f"{ran.batches:,} batches ({ran.file_mb:.0f} MB) up in {ran.seconds:.0f} s, seed {seed}; {most}",
            (*ran.wrong, *dull),
            f"squeezed {ran.squeezes}, told of it {ran.refusals}, died of it {ran.deaths}",
        )
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
