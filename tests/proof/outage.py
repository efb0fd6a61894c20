"""An outage that lasted hours: the gateway's backlog goes up while it goes on reading (R6).

python -m tests.proof.outage --level soak

A real gateway finds its buffer filled with every second of the outage, 50 readings each, all known to us. It starts
beside a broker and a collector, and 506 points of its own are read all the while. Then the store is compared with what
was filled in, row by row. The same with a buffer that was too small for it: what is stored and what gap records name
is together what was produced, exactly.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from protocols.clock import SystemClock
from simulators.desk import GatewayDesk
from simulators.verify import Verdict
from tests.bench.drain import live_lags
from tests.bench.figures import percentile
from tests.bench.gateway_load import GATEWAY, client_of, memory_mb, running, stored_readings
from tests.bench.waiting_buffer import PER_BATCH, POINTS, fill, second
from tests.proof.full_outage import account, overfill
from tests.proof.levels import Finding, Level, alone

SITE = "bench"
HOURS: dict[Level, float] = {"ci": 1.0, "soak": 24.0, "proof": 24.0 * 3}
FULL_HOURS: dict[Level, float] = {"ci": 0.5, "soak": 12.0, "proof": 24.0}
DRAIN_S_PER_DAY = 3600.0
DRAIN_S_LEAST = 120.0
LIVE_S = 30.0
MEMORY_MB = 150.0
FILE_MB_PER_DAY = 600.0
QUIET_S = 180.0
"""No batch for so long: it does not go on."""


Name = tuple[str, str]
Wanted = dict[Name, tuple[Any, Any]]
"""By device and point: instants and values."""


class Drained(NamedTuple):
    """What was seen."""

    readings: int
    filled_s: float
    drain_s: float
    live_s: list[float]
    memory_mb: float
    file_mb: float
    wrong: list[str]
    dropped: int
    """Readings that gap records name."""
    gaps: int


async def play(hours: float, work: Path, *, full: bool = False) -> Drained:
    """Fill, start, wait until everything is up, compare. ``full``: the buffer is too small for the outage."""
    clock = SystemClock()
    seconds = round(hours * 3600)
    readings, produced = seconds * PER_BATCH, None
    buffer = work / "gateways" / GATEWAY / "buffer.db"
    buffer.parent.mkdir(parents=True, mode=0o700)
    began, until_ms = clock.monotonic(), clock.now_ms()
    if full:
        produced, readings = await overfill(buffer, seconds, until_ms=until_ms, gateway=GATEWAY)
    else:
        await fill(buffer, readings, until_ms=until_ms, gateway=GATEWAY)
    filled_s, file_mb = clock.monotonic() - began, buffer.stat().st_size / 1e6
    lags: list[float] = []
    peak, wrong = 0.0, list[str]()
    async with running(work, "1 s") as compound, client_of(compound) as api:
        began = clock.monotonic()
        desk = GatewayDesk(compound.layout.buffer(GATEWAY))
        last, moved_at = -1, began
        while True:
            lags += await live_lags(api)
            stored = await stored_readings(api)
            child = compound.processes.child(GATEWAY) if compound.processes else None
            peak = max(peak, memory_mb(child.pid or 0) if child else 0.0)
            left = await desk.backlog()
            if stored >= readings and left is not None and left < 10:
                break
            if stored != last:
                last, moved_at = stored, clock.monotonic()
            if clock.monotonic() - moved_at > QUIET_S:
                wrong.append(f"nothing goes up any more: {stored} stored, {left} batches left")
                break
            await clock.sleep(1.0)
        drain_s = clock.monotonic() - began
        if compound.failure:
            wrong.append(compound.failure)
        if not await compound.drain(120):
            wrong.append("the gateway keeps something back")
        verdict = await compound.verify()
        # The store holds besides what no simulated device said: the backlog, compared below.
        wrong += [f"live: {count} {what}" for what, count in _of(verdict, full=full).items() if count]
    store = work / "collector" / "readings.duckdb"
    told = account(store, produced) if produced is not None else None
    turns = told.turns if told is not None else None
    wrong += await asyncio.to_thread(compare, store, seconds * PER_BATCH, until_ms, turns=turns)
    if told is not None:
        wrong += told.wrong
    dropped, gaps = (told.told, told.gaps) if told is not None else (0, 0)
    return Drained(readings, filled_s, drain_s, lags, peak, file_mb, wrong, dropped, gaps)


def _of(verdict: Verdict, *, full: bool) -> dict[str, int]:
    readings = verdict.readings
    # What a full buffer dropped leaves holes, and `account` says whether these are the right ones.
    holes = 0 if full else len(verdict.holes)
    return {"missing": readings.missing, "duplicated": readings.duplicated, "holes": holes}


def compare(
    path: Path, readings: int, until_ms: int, sites: Iterable[str] = (SITE,), *, turns: Sequence[int] | None = None
) -> list[str]:
    """Every row that was filled in is there once for each site, with its instant and its value, and in this order.

    ``turns``: of these seconds only; nothing of any other may be there.
    """
    wrong: list[str] = []
    wanted = expected(readings // PER_BATCH, until_ms, turns)
    with duckdb.connect(str(path), read_only=True) as file:
        for site in sites:
            named = file.execute("SELECT device, point, id FROM series WHERE site = ?", [site]).fetchall()
            ids = {(str(device), str(point)): int(number) for device, point, number in named}
            got = file.execute(
                "SELECT r.series, r.observed_at, r.value FROM readings r JOIN series s ON r.series = s.id"
                " JOIN batches b ON r.batch = b.id WHERE s.site = ? AND r.observed_at < ?"
                " ORDER BY r.series, b.seq, r.rowid",
                [site, until_ms],
            ).fetchnumpy()
            series, at, value = (np.ma.filled(got[name]) for name in ("series", "observed_at", "value"))
            wrong += differences(site, ids, wanted, series, at, value)
    return wrong


def differences(site: str, ids: dict[Name, int], wanted: Wanted, series: Any, at: Any, value: Any) -> list[str]:
    """Of the rows of one site, in the order of their series and then of their batches."""
    wrong = []
    for (device, point), (its_at, its_value) in wanted.items():
        number = ids.get((device, point), -1)
        first, last = np.searchsorted(series, number, "left"), np.searchsorted(series, number, "right")
        if last - first != len(its_value):
            wrong.append(f"{site}/{device}/{point}: {len(its_value)} were in the buffer, {last - first} are stored")
        elif not (np.array_equal(at[first:last], its_at) and np.array_equal(value[first:last], its_value)):
            wrong.append(f"{site}/{device}/{point}: values or their order differ")
    return wrong


def expected(seconds: int, until_ms: int, turns: Sequence[int] | None = None) -> Wanted:
    """What `fill` has filled in, by series; of all seconds, or of some."""
    ats: dict[tuple[str, str], list[int]] = {}
    values: dict[tuple[str, str], list[float]] = {}
    for turn in range(seconds) if turns is None else turns:
        for reading in second(turn, until_ms - (seconds - turn) * 1000):
            name = (f"{reading.device}", reading.point)
            ats.setdefault(name, []).append(reading.observed_at)
            values.setdefault(name, []).append(reading.value or 0.0)
    assert {point for _, point in ats} == set(POINTS)
    return {name: (np.array(ats[name]), np.array(values[name])) for name in ats}


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R6; the seed has no say."""
    del seed
    return [_outage(HOURS[level], work / "outage", full=False), _outage(FULL_HOURS[level], work / "full", full=True)]


def _outage(hours: float, work: Path, *, full: bool) -> Finding:
    done = asyncio.run(play(hours, work, full=full))
    days = hours / 24
    late = percentile(done.live_s, 0.95) if done.live_s else -1.0
    limits = {
        f"drained in {done.drain_s:.0f} s": done.drain_s <= max(DRAIN_S_LEAST, DRAIN_S_PER_DAY * days),
        f"live p95 {late:.1f} s": late <= LIVE_S,
        f"gateway at {done.memory_mb:.0f} MB": done.memory_mb <= MEMORY_MB,
        f"buffer of {done.file_mb:.0f} MB": done.file_mb <= max(20.0, FILE_MB_PER_DAY * days),
        "live readings while it drained": bool(done.live_s),
    }
    violations = [*done.wrong, *(f"over its limit: {what}" for what, held in limits.items() if not held)]
    what = f"a backlog of {hours:g} h goes up under live traffic"
    told = f"; {done.dropped:,} readings dropped, named by {done.gaps} gap records" if full else ""
    return Finding(
        "R6",
        f"{what}, from a buffer that got full" if full else what,
        f"{done.readings:,} readings in {done.drain_s:.0f} s ({done.readings / done.drain_s:,.0f}/s);"
        f" live p95 {late:.2f} s;"
        f" gateway at most {done.memory_mb:.0f} MB; buffer {done.file_mb:.0f} MB, filled in {done.filled_s:.0f} s",
        tuple(violations),
        f"every row compared{told}; {len(done.live_s)} live readings seen meanwhile",
    )


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
