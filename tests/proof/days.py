"""One virtual day per seed: gateway, broker and collector in one process, and everything that can go wrong (R12).

python -m tests.proof.days --level ci --seed 1
python -m tests.proof.days --day 17          one day, with everything that happened in it

The same seed gives the same day, on every machine: a day that violates something is run again with its whole trace
written into the folder of the run. What is real: buffer (SQLite, in memory), intake, uplink, session, subscriber,
preparer, group commit, outbox, all formats. What is pretended: time, the wires, the broker, the store's file, devices.
Timers that only look around (uplink and intake ticks, the status) are coarser than in the product; those that decide
(acks, backoff, holding back, dead links) are the product's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from edge import buffer_sqlite, intake, session, uplink
from tests.proof.levels import Finding, Level, alone
from tests.proof.sim_broker import SimBroker
from tests.proof.sim_collector import CLIENT_ID as COLLECTOR_CLIENT
from tests.proof.sim_collector import SimCollector
from tests.proof.sim_gateway import CLIENT_ID as GATEWAY_CLIENT
from tests.proof.sim_gateway import FLUSH_S, SimGateway
from tests.proof.sim_loop import Machine, SimLoop, Trace
from tests.proof.sim_loop import run as run_loop
from tests.proof.sim_plan import DAY_S, FAULTS_END_S, PRODUCTION_END_S, Plan, Step, plan
from tests.proof.sim_truth import Name, Truth

DAYS: dict[Level, int] = {"ci": 20, "soak": 2_000, "proof": 20_000}
PROBE_S = 150.0
"""After the last fault something new is stored within this time."""
DRAIN_S = 900.0
"""And everything old within this: what was held back waits for 300 s."""
MEMORY = Path("/dev/shm")
CLIENTS = {"gateway": GATEWAY_CLIENT, "collector": COLLECTOR_CLIENT}


class Day(NamedTuple):
    """How a day went."""

    seed: int
    digest: str
    violations: list[str]
    counts: Counter[str]


class World:
    """One day at work."""

    def __init__(self, loop: SimLoop, the_plan: Plan, folder: Path, *, whole: bool) -> None:
        rng = random.Random(f"world {the_plan.seed}")
        self.plan = the_plan
        self.trace = Trace(loop, whole=whole)
        self.truth = Truth()
        self._loop = loop
        self._began = loop.time()
        self.broker = SimBroker(random.Random(rng.random()), self.trace)
        self.gateway = SimGateway(
            folder,
            loop,
            random.Random(rng.random()),
            self.trace,
            self.broker,
            self.truth,
            max_bytes=the_plan.max_bytes,
        )
        self.collector = SimCollector(loop, random.Random(rng.random()), self.trace, self.broker, self.truth)
        self._machines: dict[str, Machine] = {"gateway": self.gateway, "collector": self.collector}
        self._away_s = {"gateway": 1.0, "collector": 1.0}
        self._over = False

    async def day(self) -> None:
        keepers = [
            self._loop.create_task(self._keep(name), name=f"keeper of the {name}") for name in ("collector", "gateway")
        ]
        pressing = self._loop.create_task(self._press(), name="people")
        for step in self.plan.steps:
            await self._until(step.at_s)
            self._take(step)
        await self._until(FAULTS_END_S)
        self._calm()
        await self._probe()
        await self._until(PRODUCTION_END_S)
        self.gateway.polls = False
        await asyncio.sleep(3 * FLUSH_S)
        await self._drain()
        await pressing
        self._over = True
        for machine in (self.gateway, self.collector):
            machine.stop()
        await asyncio.wait(keepers)
        for keeper in keepers:
            keeper.result()
        self._look_at_limits()
        self.truth.close()

    # Machines

    async def _keep(self, name: str) -> None:
        """Starts a machine again whenever it ended, as systemd does."""
        machine = self._machines[name]
        while not self._over:
            self.trace(f"{name} starts")
            await machine.live(machine.life)  # type: ignore[attr-defined]
            if machine is self.gateway:
                self.gateway.bury()
            if not self._over:
                away_s, self._away_s[name] = self._away_s[name], 1.0
                await asyncio.sleep(away_s)

    def _take(self, step: Step) -> None:
        self.trace(f"-- {step.what} {step.who} {step.value}")
        weather, value, who = self.broker.weather, step.value, step.who
        machine = self._machines.get(who)
        client = CLIENTS.get(who, "")
        if machine is not None and step.what in ("kill", "stop"):
            assert isinstance(value, float)
            self._away_s[who] = value
            if step.what == "kill":
                machine.die("by a kill")
            else:
                machine.stop()  # type: ignore[attr-defined]
        elif machine is not None and step.what == "kill_at":
            place, _, count = str(value).partition(":")
            machine.armed = (place, int(count))
        elif machine is not None and step.what == "disarm":
            machine.armed = None
        elif machine is not None and step.what == "slow_disk":
            machine.slow_disk = bool(value)
        elif machine is not None and step.what == "clock":
            machine.clock.offset_ms = round(float(value) * 1000)  # type: ignore[attr-defined]
        elif step.what == "reboot":
            offset_s = float(value)
            true_ms = self.gateway.clock.true_ms()
            self.gateway.reboot(-true_ms if offset_s < -1e8 else round(offset_s * 1000))
        elif step.what == "blocked":
            weather.blocked[client] = str(value)
        elif step.what == "cut":
            self.broker.cut(client)
        elif step.what == "silent":
            self.broker.go_silent(client)
        elif step.what == "slow":
            weather.slow_s[client] = float(value)
        elif step.what == "ack_late":
            weather.ack_late, weather.late_s = (0.5 if value else 0.0), float(value)
        elif step.what in ("ack_lost", "up_lost", "doubled"):
            setattr(weather, step.what, float(value))
        elif step.what == "disk_refuses":
            self._disk(bool(value))
        elif step.what == "store_refuses":
            self.collector.store.refuses = "unavailable" if value else ""
        elif step.what == "store_refuses_work":
            self.collector.store.refuses = "work" if value else ""
        elif step.what == "broker_saves":
            self.broker.save()
        elif step.what == "broker_stops":
            if self.broker.is_up:
                self.broker.stop(str(value))
        elif step.what == "broker_starts":
            self.broker.start()
        else:
            raise AssertionError(step)

    def _disk(self, refuses: bool) -> None:
        self.gateway.disk_refuses = refuses
        buffer = self.gateway.buffer
        if buffer is not None:
            buffer.refuses = "the disk refuses" if refuses else ""

    # After the last fault

    def _calm(self) -> None:
        self.trace("-- calm")
        self.broker.weather = type(self.broker.weather)()
        if not self.broker.is_up:
            self.broker.start()
        self._disk(False)
        self.collector.store.refuses = ""
        for machine in (self.gateway, self.collector):
            machine.armed = None
            machine.slow_disk = False
            machine.clock.offset_ms = 0

    async def _probe(self) -> None:
        """I6: something new makes it round without anybody's help."""
        probe = self.gateway.press()
        await self._wait(lambda: probe in self.truth.rows, PROBE_S)
        if probe not in self.truth.rows:
            self.truth.violated(f"I6: a fresh event is not stored {PROBE_S:g} s after the last fault")

    async def _drain(self) -> None:
        await self._wait(lambda: not self._left(), DRAIN_S)
        if self._left():
            self.truth.violated(f"I6: not everything is stored {DRAIN_S:g} s after the last reading")

    def _left(self) -> set[Name]:
        return self.truth.missing()

    async def _wait(self, condition: Any, within_s: float) -> None:
        ends = self._loop.time() + within_s
        while not condition() and self._loop.time() < ends:
            await asyncio.sleep(1.0)

    def _look_at_limits(self) -> None:
        """I7: nothing has grown without end."""
        shortest_s = 1.0
        for name in CLIENTS.values():
            if self.broker.dials[name] > DAY_S / shortest_s / 20:
                self.truth.violated(f"I7: {name} connected {self.broker.dials[name]} times")

    async def _press(self) -> None:
        for at_s in self.plan.presses:
            await self._until(at_s)
            self.gateway.press()

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self._began + at_s - self._loop.time()))


def one_day(seed: int, *, whole: bool = False, lines: list[str] | None = None) -> Day:
    """The day of a seed, in a folder of its own that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"dayuan-day-{seed}-", dir=MEMORY if MEMORY.is_dir() else None))
    world: World | None = None
    found: list[str] = []

    async def body(loop: SimLoop) -> None:
        nonlocal world
        world = World(loop, plan(seed), folder, whole=whole)
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
        (uplink, "TICK_S", 10.0),
        (intake, "TICK_S_MAX", 15.0),
        (session, "REPORT_EVERY_S", 240.0),
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
)  # fmt: skip


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """``DAYS`` of the level, from ``seed`` on."""
    workers = 1 if level == "ci" else max(1, os.cpu_count() or 1)
    counts: Counter[str] = Counter()
    violations: list[str] = []
    days = 0
    for day in many_days(range(seed, seed + DAYS[level]), workers):
        days += 1
        counts.update(day.counts)
        if day.violations:
            trace = keep_trace(day.seed, work) if len(violations) < 20 else "not written"
            violations += [f"day {day.seed}: {what} (trace: {trace})" for what in day.violations]
    violations += [f"never met: {what}" for what in MUST_BE_MET if not counts[what]]
    deaths = sum(count for what, count in counts.items() if " died " in what)
    return [
        Finding(
            "R12",
            "simulated days of gateway, broker and collector with all faults",
            f"{days} days (seeds {seed} to {seed + days - 1}), {counts['readings and events stored']:,} readings and"
            f" events in {counts['batches stored']:,} batches, {deaths:,} deaths",
            tuple(violations),
            ", ".join(f"{counts[what]:,} {what}" for what in (*MUST_BE_MET, "told lost by gap records")),
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
