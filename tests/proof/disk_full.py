"""Disks without room, with all processes running: ``python -m tests.proof.disk_full --level ci``.

A compound whose gateway and collector keep their files on small file systems of their own. Each disk in turn is filled
to the last byte by somebody else, and the gateway's is made read-only while it starts. While that lasts nobody may end,
acked batches must go, and somebody must be told; afterwards readings must arrive again within 30 seconds with no help,
and in the end everything that was produced must be stored once.

Mounts happen in a mount namespace of their own (``unshare -m``) that goes away with the process. Needs root.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocols.clock import Clock, SystemClock
from simulators.compound import COLLECTOR, Compound
from simulators.desk import GatewayDesk
from simulators.free_port import free_port
from tests.proof.levels import Finding, Level, alone
from tests.system.small_compound import GATEWAY, produces, small_scenario

INSIDE = "--inside"
FULL_S: dict[Level, float] = {"ci": 8.0, "soak": 90.0, "proof": 1200.0}
ROUNDS: dict[Level, int] = {"ci": 1, "soak": 4, "proof": 4}
RECOVER_S = 30.0
TOLD_S = 60.0
DRAIN_S = 120.0
SIZES = {GATEWAY: "12m", COLLECTOR: "48m"}


def not_here() -> str:
    """Why it cannot run here; '' when it can."""
    if os.geteuid() != 0:
        return "needs root, for mounts"
    if shutil.which("unshare") is None:
        return "needs unshare"
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else f"no mount namespace can be had: {probe.stderr.strip()}"


class Trial:
    """One running compound and its small disks."""

    def __init__(self, work: Path, clock: Clock) -> None:
        self.clock = clock
        self.compound = Compound(work / "compound", small_scenario(), clock, say=_log, http_port=free_port())
        layout = self.compound.layout
        self.folders = {GATEWAY: layout.gateway(GATEWAY), COLLECTOR: layout.collector}
        self.desk = GatewayDesk(layout.buffer(GATEWAY))
        self.violations: list[str] = []
        self.shown: list[str] = []

    def mount(self) -> None:
        for name, folder in self.folders.items():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            options = f"size={SIZES[name]},mode=700"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)

    async def fill(self, name: str, lasting_s: float) -> None:
        """The disk of one process is full for a while."""
        assert self.compound.processes is not None
        if name == GATEWAY:  # with a collector it would go on in the room that acked batches leave
            await self.compound.processes.stop([COLLECTOR])
        self.before = self.pids()
        hog = self.folders[name] / "hog"
        with hog.open("wb", buffering=0) as file:
            await self._hold(name, "full", lasting_s, lambda: _fill_up(file.fileno()))
            if name == GATEWAY:
                await self.compound.restart(COLLECTOR)
                await self._goes_down(lambda: _fill_up(file.fileno()))
                await self._is_an_alarm(lambda: _fill_up(file.fileno()))
                self.before = self.pids()
        hog.unlink()
        await self._recovers(name, "full")

    async def start_read_only(self, lasting_s: float) -> None:
        """The gateway is started on a disk that takes nothing, and later gets it back."""
        assert self.compound.processes is not None
        folder = self.folders[GATEWAY]
        await self.compound.kill(GATEWAY)  # the ledger then knows that a poll on its way found nobody
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        await self.compound.restart(GATEWAY)
        self.before = self.pids()
        await self._hold(GATEWAY, "read-only", lasting_s, lambda: None)
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        await self._recovers(GATEWAY, "read-only")

    async def _hold(self, name: str, state: str, lasting_s: float, again: Callable[[], None]) -> None:
        began = self.clock.monotonic()
        told_after: float | None = None
        while (now := self.clock.monotonic() - began) < lasting_s or (told_after is None and now < TOLD_S):
            again()  # what is freed is taken at once
            await self.clock.sleep(0.5)
            if told_after is None and await self._told(name):
                told_after = self.clock.monotonic() - began
        if told_after is None:
            self.violations.append(f"{name}'s disk was {state} and nobody was told within {TOLD_S:g} s")
        self._alive(name, state)
        told = "never" if told_after is None else f"after {told_after:.0f} s"
        self.shown.append(f"{name} {state} for {self.clock.monotonic() - began:.0f} s, told {told}")

    async def _goes_down(self, again: Callable[[], None]) -> None:
        """The collector acks what waited: it must leave the gateway's disk although that is still full."""
        began, left = self.clock.monotonic(), None
        while self.clock.monotonic() - began < RECOVER_S:
            again()
            await self.clock.sleep(0.25)
            left = await self.desk.backlog()
            if left is not None and left <= 1:  # what is in memory counts as one
                self.shown.append(f"acked batches gone after {self.clock.monotonic() - began:.1f} s")
                return
        self.violations.append(f"{left} acked batches are still on the full disk")

    async def _is_an_alarm(self, again: Callable[[], None]) -> None:
        """The collector says of the gateway that its disk is full."""
        began = self.clock.monotonic()
        while self.clock.monotonic() - began < TOLD_S:
            again()
            if "gateway_disk_full" in await self._alarms():
                self.shown.append(f"alarm at the collector after {self.clock.monotonic() - began:.0f} s")
                return
            await self.clock.sleep(0.5)
        self.violations.append(f"the collector raised no alarm about the gateway's disk within {TOLD_S:g} s")

    async def _alarms(self) -> set[str]:
        try:
            alarms = (await self._ask("/api/v1/alarms"))["alarms"]
        except Exception as error:  # noqa: BLE001 - the API's absence is judged elsewhere
            _log(f"alarms: {error}")
            return set()
        return {alarm["kind"] for alarm in alarms}

    async def _told(self, name: str) -> bool:
        """Whether somebody who looks would know: an alarm at the collector, the gateway's own word, or its log."""
        if name == COLLECTOR:
            return bool(await self._alarms() & {"disk_full", "store_unavailable"})
        log = self.compound.layout.log(GATEWAY).read_text(errors="replace")
        return "disk is full" in log or "trying again" in log or "eadonly" in log or "read-only" in log.lower()

    async def _recovers(self, name: str, state: str) -> None:
        """Readings observed from now on arrive at the store."""
        began = self.clock.monotonic()
        before = await self._stored()
        while self.clock.monotonic() - began < RECOVER_S:
            await self.clock.sleep(0.25)
            now = await self._stored()
            backlog = await self.desk.backlog()
            if before is None:
                before = now
            elif now is not None and now > before + 20 and backlog is not None:
                self.shown.append(f"back after {self.clock.monotonic() - began:.1f} s")
                self._alive(name, state)
                return
        self.violations.append(f"{name}: no readings arrive {RECOVER_S:g} s after its disk was no more {state}")

    async def _stored(self) -> int | None:
        try:
            found = await self._ask(f"/api/v1/gateways/test-site/{GATEWAY}")
        except Exception as error:  # noqa: BLE001 - not answering yet
            _log(f"gateways: {error}")
            return None
        return int(found.get("attributes", found).get("stored_readings", 0))

    async def _ask(self, path: str) -> Any:
        def ask() -> Any:
            api = self.compound.api()
            try:
                return api.get(path)
            finally:
                api.close()

        return await asyncio.to_thread(ask)

    def pids(self) -> dict[str, int | None]:
        assert self.compound.processes is not None
        return {name: self.compound.processes.child(name).pid for name in self.compound.names}

    def _alive(self, name: str, state: str) -> None:
        if self.pids() != self.before:
            self.violations.append(f"a process ended while {name}'s disk was {state}: {self.before} -> {self.pids()}")
            self.before = self.pids()


def _fill_up(descriptor: int) -> None:
    """Write until nothing more goes in."""
    for size in (1 << 20, 4096, 1):
        while True:
            try:
                os.write(descriptor, bytes(size))
            except OSError:
                break


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def trial(level: Level, work: Path) -> list[Finding]:
    """All faults in one compound, then the verdict."""
    found = Trial(work, SystemClock())
    found.mount()
    compound = found.compound
    lasting = FULL_S[level] / ROUNDS[level]
    try:
        await compound.start()
        await produces(compound, answers=60)
        for _ in range(ROUNDS[level]):
            await found.fill(GATEWAY, lasting)
            await found.fill(COLLECTOR, lasting)
            await found.start_read_only(min(lasting, 30.0))
        if not await compound.drain(DRAIN_S):
            found.violations.append("gateways still hold batches")
        verdict = await compound.verify()
        if not verdict.ok:
            found.violations += verdict.lines()
    finally:
        await compound.stop()
    produced = verdict.readings.matched + verdict.events.matched
    return [
        Finding(
            "R5",
            "disks of gateway and collector full, gateway's read-only at its start",
            f"{ROUNDS[level]} rounds, {produced} readings and events stored as produced",
            tuple(found.violations),
            "; ".join(found.shown),
        )
    ]


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """In a mount namespace of its own; the seed has no say."""
    del seed
    if reason := not_here():
        return [Finding("R5", "disks without room", not_run=reason)]
    command = ["unshare", "-m", "--propagation", "private", sys.executable, "-m", "tests.proof.disk_full"]
    with (work / "disk_full.log").open("w") as log:
        ran = subprocess.run(
            [*command, INSIDE, level, str(work)], stdout=subprocess.PIPE, stderr=log, text=True, check=False
        )
    if ran.returncode:
        tail = (work / "disk_full.log").read_text().strip().splitlines()[-3:]
        return [Finding("R5", "disks without room", "", (f"it ended with {ran.returncode}: {tail}",))]
    rows = json.loads(ran.stdout.splitlines()[-1])
    return [Finding(**{**row, "violations": tuple(row["violations"])}) for row in rows]


if __name__ == "__main__":
    if sys.argv[1:2] == [INSIDE]:
        level: Level = sys.argv[2]  # type: ignore[assignment]
        print(json.dumps([each._asdict() for each in asyncio.run(trial(level, Path(sys.argv[3])))]))
        sys.exit(0)
    sys.exit(alone(__doc__ or "", run))
