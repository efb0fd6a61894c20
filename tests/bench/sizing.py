"""What a collector, or a group of them, spends for a million readings: the figures behind docs/SIZING.md.

    python -m tests.bench.sizing --rounds 3      # measures, then writes docs/sizing.json, the pages and the constants

Everything runs on this machine, the pretend gateways too. CPU seconds of each process are told, not shares of a core:
other work on the machine moves them little. Rates are what this machine did while it did all of that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from protocols.clock import SystemClock
from simulators.child import Child
from simulators.fleet import FleetOptions, GatewayClass, run_fleet
from simulators.fleet_trouble import Trouble
from simulators.fleet_watch import Watch
from simulators.free_port import free_port
from tests.bench import sizing_papers
from tests.bench.figures import Figure
from tests.edge.mosquitto import Mosquitto
from tests.proof.group_site import CONNECTED, READY_S, GroupSite

SECONDS = 8.0
TROUBLE_RATE = 10.0
"""Readings a second of each gateway of a fleet that is cut off or away."""
SETTLED_S, AWAY_S, BACK_S = 30.0, 20.0, 60.0
"""Births of a new fleet are over; how long it is away; how long it may take to come back."""


class Case(NamedTuple):
    """``members``: 0 is one collector with the store in its folder."""

    members: int
    gateways: int
    batch: int
    trouble: str = ""
    """``cut``, ``away`` or ``mixed``: what befalls all of them; they then send at a rate, and are of two classes."""

    @property
    def name(self) -> str:
        who = f"group of {self.members}" if self.members else "embedded"
        return f"{who}, {self.gateways} gateways, {self.batch} readings a batch" + (
            self.trouble and f", {self.trouble}"
        )


CASES = (
    Case(0, 50, 100), Case(0, 50, 1000), Case(0, 200, 100),
    Case(1, 50, 100), Case(2, 50, 100), Case(3, 50, 100), Case(1, 50, 1000), Case(3, 50, 1000),
    Case(0, 1000, 100), Case(2, 1000, 100),
    Case(0, 200, 100, "cut"), Case(0, 1000, 100, "cut"), Case(0, 1000, 100, "away"), Case(0, 1000, 100, "mixed"),
    Case(2, 1000, 100, "cut"), Case(2, 1000, 100, "away"), Case(0, 2000, 100, "cut"),
)  # fmt: skip


async def fleet(port: int, case: Case, watch: Watch, out: Path) -> dict[str, float]:
    """Load it; the figures."""
    of_trouble: dict[str, Any] = {}
    if case.trouble:
        away_s = AWAY_S if case.trouble == "away" else 0.0
        kinds = (GatewayClass(80, 20, 2.0), GatewayClass(20, 500, 50.0)) if case.trouble == "mixed" else ()
        of_trouble = {"rate": TROUBLE_RATE, "births": True, "troubles": (Trouble(SETTLED_S, away_s),)}
        of_trouble |= {"for_s": SETTLED_S + away_s + BACK_S, "classes": kinds}
    options = FleetOptions(
        broker=f"mqtt://127.0.0.1:{port}", username=None, password_file=None, site="fleet", gateways=case.gateways,
        batch=case.batch, window=8, ramp_s=case.gateways / 200, watch=watch, out=out,
        **{"rate": 0.0, "for_s": SECONDS} | of_trouble,
    )  # fmt: skip
    await run_fleet(options, SystemClock(), as_json=True, out=lambda _: None)
    told: dict[str, float] = json.loads(out.read_text("utf-8"))
    return told


async def embedded(case: Case, work: Path) -> dict[str, float]:
    """One collector, its store in its folder."""
    broker = Mosquitto(work, "max_queued_messages 0", "max_inflight_messages 0")
    settings = work / "cloud.toml"
    settings.write_text(
        f'[collector]\ndata = "data"\n[broker]\nurl = "{broker.url}"\n[listen]\naddress = "127.0.0.1:{free_port()}"\n'
    )
    child = Child("collector", [sys.executable, "-m", "cloud.cli", "run", str(settings)], log=work / "collector.log")
    clock = SystemClock()
    try:
        broker.start()
        await child.start()
        async with asyncio.timeout(READY_S):
            while CONNECTED not in child.log.read_text(errors="replace"):
                await clock.sleep(0.1)
        assert child.pid is not None and broker._process is not None
        watch = Watch({"broker": broker._process.pid, "collector": child.pid}, {"store": work / "data"})
        return await fleet(broker.port, case, watch, work / "figures.json")
    finally:
        await child.kill()
        broker.stop()


async def group(case: Case, work: Path) -> dict[str, float]:
    """A group on PostgreSQL and VictoriaMetrics."""
    site = GroupSite(work, case.members)
    try:
        await site.start()
        processes = {"broker": site.broker._process, "postgres": site.postgres._server, "engine": site.victoria._server}
        pids = {name: process.pid for name, process in processes.items() if process is not None}
        pids |= {name: child.pid for name, child in site.members.items() if child.pid is not None}
        if site.desk.pid is not None:
            pids["desk"] = site.desk.pid
        watch = Watch(pids, {"ledger": site.postgres.folder / "data", "engine": site.victoria.folder / "data"})
        told = await fleet(site.broker.port, case, watch, work / "figures.json")
        told["members_cpu_s_per_million"] = round(sum(told[f"{name}_cpu_s_per_million"] for name in site.names), 2)
        return told
    finally:
        await site.close()


def measured(case: Case, rounds: int) -> dict[str, float]:
    """The median of each figure."""
    runs = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="dayuan-sizing-") as folder:
            runs.append(asyncio.run((group if case.members else embedded)(case, Path(folder))))
    return {name: statistics.median(run.get(name, 0.0) for run in runs) for name in runs[0]}


def measure(folder: Path, rounds: int = 3, cases: tuple[Case, ...] = CASES) -> list[Figure]:
    """All cases. Nothing is promised: these are what sizes are worked out from."""
    del folder
    figures = []
    for case in cases:
        told = measured(case, rounds)
        print(json.dumps({"case": case.name, **told}), flush=True)
        spent = ", ".join(f"{name.removesuffix('_cpu_s_per_million')} {value:g}" for name, value in told.items()
                          if name.endswith("_cpu_s_per_million"))  # fmt: skip
        note = f"CPU s per million: {spent}; ack p50 {told['ack_ms_p50']:g} ms, p99 {told['ack_ms_p99']:g} ms"
        figures.append(Figure(f"sizing, {case.name}, readings acked per second", f"{told['acked_readings_per_s']:,.0f}",
                              note=note))  # fmt: skip
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", type=int, action="append", help=f"one of 0 to {len(CASES) - 1}; may be given again")
    parser.add_argument("--no-papers", action="store_true", help="print the figures only, and write nothing")
    options = parser.parse_args()
    cases = CASES if options.case is None else tuple(CASES[number] for number in options.case)
    told = []
    for case in cases:
        figures = measured(case, options.rounds)
        told.append({**case._asdict(), "figures": figures})
        print(json.dumps(told[-1]), flush=True)
    if not options.no_papers:
        keep(told, options.rounds)
        sizing_papers.write()


def keep(told: list[dict[str, Any]], rounds: int, path: Path = sizing_papers.FIGURES) -> None:
    """Put cases into the file of figures. All of them replace what is there, some replace their own: then all must have
    been measured in as many rounds. Raises ValueError."""
    before = json.loads(path.read_text("utf-8"))
    new = {_key(case): case for case in told}
    if set(new) >= {_key(case._asdict()) for case in CASES}:
        cases = list(new.values())
    elif before["rounds"] != rounds:
        raise ValueError(f"the other figures are of {before['rounds']} rounds, these of {rounds}: measure all, or none")
    else:
        cases = [new.pop(_key(case), case) for case in before["cases"]] + list(new.values())
    path.write_text(json.dumps({"rounds": rounds, "seconds": SECONDS, "cases": cases}, indent=1) + "\n", "utf-8")


def _key(case: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(case[name] for name in Case._fields)


if __name__ == "__main__":
    main()
