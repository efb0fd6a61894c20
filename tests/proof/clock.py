"""The gateway's wall clock is set every half minute, by seconds or by years: nothing is lost, doubled, out of order or
silently at a wrong time (R9).

python -m tests.proof.clock --level ci --seed 1

A series of a seed: the box boots with a clock that is right, in 1970 or behind; twenty steps follow, of +-0.5 s to
+-10 years, to 1970, to the seconds around 2038-01-19 and to changes of summer time, between readings that were stamped
and not yet handed over; in one of three series it is restarted or rebooted in between. Then the clock is right again.
Gateway, broker and collector are those of the simulated days (`tests/proof/days.py`), the collector's clock is right.
"""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from cloud.ingest.wrong_clocks import FUTURE_MAX_MS
from edge import intake, session, uplink
from edge.buffer import KeptBatch
from edge.intake import Intake
from edge.retime import PATIENCE_S
from protocols.batch import Identity, open_batch
from protocols.clock import TRUST_FLOOR_MS
from protocols.reading import TIME_UNCERTAIN, Event, Quality, Reading
from tests.proof.levels import Finding, Level, alone
from tests.proof.sim_broker import SimBroker
from tests.proof.sim_collector import SimCollector
from tests.proof.sim_gateway import FLUSH_S, POINTS, SimGateway
from tests.proof.sim_loop import Machine, SimLoop, Trace
from tests.proof.sim_loop import run as run_loop
from tests.proof.sim_plan import Plan
from tests.proof.sim_truth import TIME_ERROR_MS, Made, Name, Row, Truth

SERIES: dict[Level, int] = {"ci": 5, "soak": 60, "proof": 1_000}
STEPS = 20
STEP_EVERY_S = 30.0
POLL_S = 2.0
LATE_S = 3.0
DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
SIZES_MS = (500, 1_000, 2_500, 60_000, 3_600_000, 20 * 3_600_000, YEAR_MS, 10 * YEAR_MS)
PLACES_MS = (0, 2**31 * 1000, 1_806_195_600_000, 1_824_944_400_000)
"""1970; the end of 32 bits in 2038; changes of European summer time: 2027-03-28 and 2027-10-31, both 01:00 UTC."""
MEMORY = Path("/dev/shm")
STALL_S = 2 * FLUSH_S + 5.0
DRAIN_S = PATIENCE_S + 3600.0
WAIT_S_MAX = 600.0
"""A right clock behind one that was believed, and was years ahead, is believed when the collector's agrees with it."""
COARSE: tuple[tuple[ModuleType, str, float], ...] = (
    (uplink, "TICK_S", 5.0), (session, "REPORT_EVERY_S", 120.0), (intake, "TICK_S_MAX", 5.0),
)  # fmt: skip
"""Timers that only look around."""
EVENT_EVERY_S = 20.0
"""Between two presses of the button at the door."""


class ClockTruth(Truth):
    """What a stored time may be, when the clock at that time may have been anything.

    Right within 2 s, or called uncertain, or what a clock said that could be believed: the one of its instant, or the
    first one after it when that instant had none.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.true_ms: Callable[[], int] = lambda: 0
        self.commits: list[float] = []
        self.offsets_ms: list[int] = [0]
        """Every one that the clock has had."""
        self.told_steps = 0
        self._moved: dict[tuple[str, str], set[int]] = {}

    def committed(self, batches: Sequence[KeptBatch]) -> None:
        self.commits.append(self._loop.time())
        super().committed(batches)

    def stored(self, identity: Identity, readings: Sequence[Reading], events: Sequence[Event], refused: int) -> None:
        self.told_steps += sum(event.kind in ("clock_stepped", "clock_set") for event in events)
        super().stored(identity, readings, events, refused)
        self._look_at_moved(identity, readings, events)

    def _look_at_moved(self, identity: Identity, readings: Sequence[Reading], events: Sequence[Event]) -> None:
        """What claims to be more than a day ahead is stored near its true time, flagged, never two on an instant."""
        batch = open_batch(self.sealed[identity])
        latest = self.true_ms() + FUTURE_MAX_MS
        said = [
            (r.observed_at, r.reason, batch_r.observed_at)
            for r, batch_r in zip(readings, batch.readings(), strict=True)
        ]
        said += [(e.at, e.reason, batch_e.at) for e, batch_e in zip(events, batch.events, strict=True)]
        for at, reason, claimed in said:
            if claimed > latest:
                self.counts["claimed to be more than a day ahead"] += 1
                if reason != TIME_UNCERTAIN or not -FUTURE_MAX_MS <= at - self.true_ms() <= 1_000:
                    self.violated(f"time: an item of {identity} from {claimed} is stored at {at}, {reason!r}")
        for reading, before in zip(readings, batch.readings(), strict=True):
            if before.observed_at > latest:
                taken = self._moved.setdefault((reading.device, reading.point), set())
                if reading.observed_at in taken:
                    self.violated(f"time: two readings of {reading.device}/{reading.point} at {reading.observed_at}")
                taken.add(reading.observed_at)

    def _look_at_time(self, name: Name, row: Row, made: Made) -> None:
        said = made.true_ms + made.offset_ms
        if abs(row.at - made.true_ms) <= TIME_ERROR_MS:
            self.counts["at their time"] += 1
            self.counts["of them, while the clock was wrong"] += abs(made.offset_ms) > TIME_ERROR_MS
        elif row.quality == Quality.UNCERTAIN.value and row.reason == "clock":
            self.counts["called uncertain"] += 1
        elif said >= TRUST_FLOOR_MS and abs(row.at - said) <= TIME_ERROR_MS:
            self.counts["at the time that a wrong clock said"] += 1
        elif any(abs(row.at - made.true_ms - offset) <= TIME_ERROR_MS for offset in self.offsets_ms):
            self.counts["without a time, and given one by a wrong clock"] += 1
        else:
            self.violated(
                f"time: {name} is stored {(row.at - made.true_ms) / 1000:+.1f} s off,"
                f" with a clock that was {made.offset_ms / 1000:+.1f} s off"
            )


class ClockGateway(SimGateway):
    """Polls often; what it reads waits now and then before it is handed over."""

    async def _poll(self, intake: Intake) -> None:
        while True:
            await self.clock.sleep(POLL_S)
            if not self.polls:
                continue
            self.number += 1
            made = Made(self.clock.true_ms(), self.clock.offset_ms)
            readings = [Reading("meter-1", point, self.number / 4, self.clock.now_ms()) for point in POINTS]
            names: list[Name] = [(r.device, r.point, r.value or 0.0) for r in readings]
            self.truth.make(names, made)
            if self.rng.random() < 0.3:
                await self.clock.sleep(self.rng.uniform(0.0, LATE_S))
            await intake.readings(readings)
            self._handed += names
            self._handed_more.set()


class Series(NamedTuple):
    """How a series went."""

    seed: int
    violations: list[str]
    counts: Counter[str]


def offsets(rng: random.Random, true_ms: int) -> int:
    """Where the next step leads, as what the clock is off."""
    kind = rng.random()
    if kind < 0.25:
        return 0
    if kind < 0.5:
        return rng.choice(PLACES_MS) + rng.randint(-20_000, 20_000) - true_ms
    return rng.choice(SIZES_MS) * rng.choice((1, -1)) + rng.randint(-200, 200)


class World:
    """One series at work."""

    def __init__(self, loop: SimLoop, seed: int, folder: Path) -> None:
        self.rng = random.Random(f"clock {seed}")
        self.loop = loop
        self.trace = Trace(loop)
        self.truth = ClockTruth(loop)
        self.broker = SimBroker(random.Random(self.rng.random()), self.trace)
        self.gateway = ClockGateway(
            folder,
            loop,
            random.Random(self.rng.random()),
            self.trace,
            self.broker,
            self.truth,
            plan=Plan(
                seed=0,
                faults_end_s=0.0,
                ends_s=0.0,
                max_bytes=64 << 20,
                meters=1,
                poll_quiet_s=POLL_S,
                presses=[],
                steps=[],
                lively=[],
            ),
        )
        self.truth.true_ms = self.gateway.clock.true_ms
        self.collector = SimCollector(loop, random.Random(self.rng.random()), self.trace, self.broker, self.truth)
        self.over = False

    async def series(self) -> None:
        clock, rng = self.gateway.clock, self.rng
        self._set(rng.choice((0, 0, -clock.true_ms(), -20 * DAY_MS)))
        keepers = [self.loop.create_task(self._keep(each), name=each.name) for each in (self.collector, self.gateway)]
        pressing = self.loop.create_task(self._press(), name="people")
        await asyncio.sleep(STEP_EVERY_S)
        restarts = rng.choice(("never", "kill", "reboot"))
        for _ in range(STEPS):
            offset = offsets(rng, clock.true_ms())
            self.truth.counts["steps"] += abs(offset - clock.offset_ms) > TIME_ERROR_MS
            self.truth.counts["to before the floor"] += clock.true_ms() + offset < TRUST_FLOOR_MS
            self.truth.counts["more than a day ahead"] += offset > FUTURE_MAX_MS
            self._set(offset)
            await asyncio.sleep(STEP_EVERY_S * rng.uniform(0.7, 1.3))
            if restarts != "never" and rng.random() < 0.15:
                self.truth.counts["gateway ended"] += 1
                if restarts == "kill":
                    self.gateway.die("by a kill")
                else:
                    self.gateway.reboot(offset)
        self._set(0)
        pressing.cancel()
        await asyncio.wait([pressing])
        await asyncio.sleep(60.0)
        self.gateway.polls = False
        self._look_at_stalls()
        await asyncio.sleep(3 * FLUSH_S)
        await self._drain()
        self.over = True
        for machine in (self.gateway, self.collector):
            machine.stop()
        await asyncio.wait(keepers)
        for keeper in keepers:
            keeper.result()
        self.truth.close()

    def _set(self, offset_ms: int) -> None:
        self.gateway.clock.offset_ms = offset_ms
        self.truth.offsets_ms.append(offset_ms)

    async def _keep(self, machine: Machine) -> None:
        while not self.over:
            await machine.live(machine.life)  # type: ignore[attr-defined]
            if machine is self.gateway:
                self.gateway.bury()
            await asyncio.sleep(1.0)

    async def _press(self) -> None:
        while True:
            await asyncio.sleep(self.rng.uniform(0.5, 1.5) * EVENT_EVERY_S)
            self.gateway.press()

    async def _drain(self) -> None:
        began = self.loop.time()
        while self.truth.missing() and self.loop.time() - began < DRAIN_S:
            await asyncio.sleep(5.0)
        waited_s = self.loop.time() - began
        if waited_s > WAIT_S_MAX:
            self.truth.violated(f"I6: with a right clock and a right collector it took {waited_s:.0f} s to drain")

    def _look_at_stalls(self) -> None:
        """No timer waits because a clock was set."""
        commits = self.truth.commits
        longest = max((b - a for a, b in pairwise(commits)), default=0.0)
        if longest > STALL_S:
            self.truth.violated(f"I6: {longest:.0f} s without a commit")


def one_series(seed: int) -> Series:
    """The series of a seed, in a folder of its own that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"dayuan-clock-{seed}-", dir=MEMORY if MEMORY.is_dir() else None))
    worlds: list[World] = []
    found: list[str] = []

    async def body(loop: SimLoop) -> None:
        worlds.append(World(loop, seed, folder))
        await worlds[0].series()

    before = [getattr(module, name) for module, name, _ in COARSE]
    logging.disable(logging.CRITICAL)
    try:
        for module, name, value in COARSE:
            setattr(module, name, value)
        run_loop(body)
    except Exception as error:  # task top: a defect is a finding, with its seed
        if not worlds:
            raise
        found.append(f"the series ended with {type(error).__name__}: {error}; {error.__cause__!r}")
    finally:
        for (module, name, _), was in zip(COARSE, before, strict=True):
            setattr(module, name, was)
        logging.disable(logging.NOTSET)
        shutil.rmtree(folder, ignore_errors=True)
    truth = worlds[0].truth
    counts = Counter(truth.counts)
    counts["stored"] = len(truth.rows)
    counts["steps told by the gateway"] = truth.told_steps
    return Series(seed, [*found, *truth.violations], counts)


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R9: ``SERIES`` of the level, from ``seed`` on."""
    del work
    counts: Counter[str] = Counter()
    violations: list[str] = []
    for each in range(seed, seed + SERIES[level]):
        done = one_series(each)
        counts += done.counts
        violations += [f"seed {each}: {wrong}" for wrong in done.violations]
    violations += [f"not met: {what}" for what in MUST_BE_MET if not counts[what]]
    told = ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts) if name not in ("steps", "stored"))
    amount = f"{counts['steps']} steps of the clock in {SERIES[level]} series, {counts['stored']:,} stored"
    return [Finding("R9", "the clock is set again and again", amount, tuple(violations), told)]


MUST_BE_MET = (
    "steps told by the gateway", "at their time", "of them, while the clock was wrong", "called uncertain",
    "to before the floor", "more than a day ahead", "gateway ended",
    "readings retimed", "claimed to be more than a day ahead",
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
