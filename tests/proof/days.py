"""One virtual day per seed: gateway, broker and collector in one process, and everything that can go wrong (R12).

python -m tests.proof.days --level ci --seed 1
python -m tests.proof.days --day 17          one day, with everything that happened in it

The same seed gives the same day, on every machine: a day that violates something is run again with its whole trace
written into the folder of the run. What is real: buffer (SQLite, in memory), intake, uplink, session, subscriber,
preparer, group commit, outbox, all formats. What is pretended: time, the wires, the broker, the store's file, devices.
So that a day costs a second or two, it is dense where something happens and empty in between: in lively spells, around
each step of the plan, meters are read every minute, otherwise every quarter of an hour. And timers are slower than in
the product: uplink tick 10 s (60 s outside lively spells) for 0.5, flush 30 s for 1, deleting alone 120 s for 10, retry
on a refusing disk 60 s for 5, status 600 s for 10, ack timeout 20 s for 10, dead link 120 s for 60. Backoff and holding
back are the product's. The smallest buffer is 64 KiB instead of 256.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from edge import buffer_sqlite, intake, session, uplink
from tests.proof.levels import Finding, Level, alone
from tests.proof.sim_loop import SimLoop
from tests.proof.sim_loop import run as run_loop
from tests.proof.sim_plan import plan
from tests.proof.sim_world import World

DAYS: dict[Level, int] = {"ci": 12, "soak": 2_000, "proof": 20_000}
MEMORY = Path("/dev/shm")


class Day(NamedTuple):
    """How a day went."""

    seed: int
    digest: str
    violations: list[str]
    counts: Counter[str]


def one_day(seed: int, hours: float = 24.0, *, whole: bool = False, lines: list[str] | None = None) -> Day:
    """The day of a seed, in a folder of its own that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"dayuan-day-{seed}-", dir=MEMORY if MEMORY.is_dir() else None))
    world: World | None = None
    found: list[str] = []

    async def body(loop: SimLoop) -> None:
        nonlocal world
        world = World(loop, plan(seed, hours), folder, whole=whole)
        await world.day()

    try:
        with _coarse(seed):
            run_loop(body)
    except Exception as error:  # noqa: BLE001  # task top: a defect is a finding, with its seed
        found.append(f"the day ended with {type(error).__name__}: {error}; {error.__cause__!r}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert world is not None
    if lines is not None:
        lines += world.trace.lines
    truth = world.truth
    return Day(seed, world.trace.digest, [*found, *truth.violations], _counts(world))


def _counts(world: World) -> Counter[str]:
    truth = world.truth
    counts = Counter(truth.counts)
    counts.update(world.broker.met)
    for machine in (world.gateway, world.collector):
        for where in machine.deaths:
            counts[f"{machine.name} died {where}"] += 1
    counts["readings and events stored"] = len(truth.rows)
    counts["promised"] = len(truth.promised)
    counts["made"] = len(truth.made)
    counts["batches stored"] = len(truth.batches)
    counts.update({name: total for (_, name), total in world.collector.store.counters.items() if name == "duplicates"})
    return counts


@contextlib.contextmanager
def _coarse(seed: int) -> Iterator[None]:
    """Timers that only look around are slower, and the name of an epoch comes from the seed."""
    epochs = random.Random(f"epochs {seed}")
    changes: list[tuple[Any, str, Any]] = [
        (uplink, "TICK_S", uplink.TICK_S),
        (intake, "TICK_S_MAX", 30.0),
        (intake, "RELEASE_EVERY_S", 120.0),
        (intake, "RETRY_S", (0.2, 60.0)),
        (session, "REPORT_EVERY_S", 600.0),
        (buffer_sqlite, "MAX_BYTES_LEAST", 64 * 1024),
        (buffer_sqlite, "draw_epoch", lambda: f"{epochs.getrandbits(32):08x}"),
    ]
    before = [getattr(module, name) for module, name, _ in changes]
    logging.disable(logging.CRITICAL)
    try:
        for module, name, value in changes:
            setattr(module, name, value)
        yield
    finally:
        for (module, name, _), value in zip(changes, before, strict=True):
            setattr(module, name, value)
        logging.disable(logging.NOTSET)


def many_days(seeds: range, workers: int = 1) -> Iterator[Day]:
    """The days of the seeds, in order."""
    if workers <= 1:
        yield from map(one_day, seeds)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one_day, seeds, chunksize=4)


def keep_trace(seed: int, work: Path) -> Path:
    """Run a day again and write down everything that happened."""
    lines: list[str] = []
    day = one_day(seed, whole=True, lines=lines)
    path = work / f"day-{seed}.txt"
    path.write_text("\n".join([*lines, *day.violations, ""]), encoding="utf-8")
    return path


MUST_BE_MET = (
    "duplicates", "acks lost", "acks late", "batches lost by the broker", "connections gone silent", "readings retimed",
    "gateway died at before_commit", "gateway died at mid_delete", "gateway died at after_commit",
    "collector died at before_commit", "collector died at after_commit", "collector died at before_ack",
    "repeated device messages recognised", "commits refused by the disk", "commits refused by the store",
    "broker restarts, remembering nothing", "broker restarts, remembering old", "broker restarts, remembering all",
    "gap records", "told lost by gap records", "connections cut",
)  # fmt: skip
TOLD_EVERY = 50
"""While it runs, a line on stderr after so many days."""


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """``DAYS`` of the level, from ``seed`` on."""
    workers = 1 if level == "ci" else max(1, os.cpu_count() or 1)
    counts: Counter[str] = Counter()
    violations: list[str] = []
    days, began = 0, time.perf_counter()
    for day in many_days(range(seed, seed + DAYS[level]), workers):
        days += 1
        counts.update(day.counts)
        if day.violations:
            trace = keep_trace(day.seed, work) if len(violations) < 20 else "not written"
            violations += [f"day {day.seed}: {what} (trace: {trace})" for what in day.violations]
        if days % TOLD_EVERY == 0:
            told = f"days: {days} of {DAYS[level]}, {days / (time.perf_counter() - began):.2f} a second"
            print(f"{told}, {len(violations)} violations", file=sys.stderr, flush=True)
    violations += [f"never met: {what}" for what in MUST_BE_MET if not counts[what]]
    deaths = sum(count for what, count in counts.items() if " died " in what)
    return [
        Finding(
            "R12",
            "simulated days of gateway, broker and collector with all faults",
            f"{days} days (seeds {seed} to {seed + days - 1}), {counts['readings and events stored']:,} readings and"
            f" events in {counts['batches stored']:,} batches, {deaths:,} deaths,"
            f" {days / (time.perf_counter() - began):.2f} days a second",
            tuple(violations),
            ", ".join(f"{counts[what]:,} {what}" for what in MUST_BE_MET),
        )
    ]


def main() -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--day", type=int)
    options, _ = parser.parse_known_args()
    if options.day is None:
        return alone(__doc__ or "", run)
    lines: list[str] = []
    day = one_day(options.day, whole=True, lines=lines)
    print("\n".join(lines))
    for what, count in sorted(day.counts.items()):
        print(f"{count:8} {what}")
    print(f"day {day.seed}: {day.digest}")
    print("\n".join(f"VIOLATED: {what}" for what in day.violations) or "held")
    return bool(day.violations)


if __name__ == "__main__":
    sys.exit(main())
