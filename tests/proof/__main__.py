"""The proof: everything we can do to a compound, and what held. ``make soak`` (an hour or so), ``make proof`` (hours).

    python -m tests.proof --level ci|soak|proof [--only kills,days] [--seed 7] [--at-once 3]

Each method runs in a process and a folder of its own, a few beside each other as most of them wait most of the time.
The folder is kept when something was violated. Exit code 1 then; what could not run here is said with its reason, and
is never counted as held.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.proof.levels import LEVELS, Finding, Level, Method, table

METHODS = (
    "kills",
    "power_cuts",
    "io_errors",
    "disk_full",
    "outage",
    "fleet_reconnect",
    "network",
    "clock",
    "corruption",
    "bus",
    "days",
    "fuzz",
    "api",
    "described",
    "crowd",
    "memory",
    "group",
    "red",
)
"""In the order of their figures, R1 to R22."""

LONG = ("kills", "days", "outage", "described", "disk_full", "api", "memory", "power_cuts", "io_errors", "network")
"""Begun first, so that none of them is waited for alone at the end."""

ALONE = ("crowd",)
"""Judged by how long an ack takes: run at the end, beside nothing."""

LIMITS = """What this is not: a simulated power cut is not a card that lies about what it has written. No hardware
watchdog, real-time clock, modem or RS-485 line was involved, and all processes ran on one machine. 0 violations in n
tries means a rate below 3/n (at 95 %), not zero."""


def method(name: str) -> Method:
    """The function ``run`` of one method's module."""
    found: Method = importlib.import_module(f"tests.proof.{name}").run
    return found


def run_one(name: str, level: Level, seed: int, work: Path) -> list[Finding]:
    """One method, here."""
    try:
        return method(name)(level, seed, work)
    except Exception as error:  # noqa: BLE001  # task top: a method that breaks must not hide what the others found
        traceback.print_exc()
        return [Finding("?", name, violations=(f"ended with {type(error).__name__}: {error}",))]


def run_apart(name: str, level: Level, seed: int) -> list[Finding]:
    """One method in a process of its own; says on stderr when it begins and what it found."""
    work = Path(tempfile.mkdtemp(prefix=f"dayuan-proof-{name}-"))
    told = work / "findings.json"
    began = time.perf_counter()
    print(f"{name} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "tests.proof", "--only", name, "--level", level, "--seed", str(seed)]
    ended = subprocess.run([*command, "--inside", str(work)], check=False).returncode
    if told.is_file():
        rows = json.loads(told.read_text())
        found = [Finding(**row | {"violations": tuple(row["violations"])}) for row in rows]
    else:
        found = [Finding("?", name, violations=(f"its process ended with {ended} and said nothing",))]
    if any(each.violations for each in found):
        print(f"{name}: kept in {work}", file=sys.stderr)
    else:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{table(found)}\n{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def run_all(names: list[str], level: Level, seed: int, at_once: int) -> list[Finding]:
    """So many methods beside each other, the long ones first; the findings in the order of the names."""
    order = sorted(set(names) - set(ALONE), key=lambda name: LONG.index(name) if name in LONG else len(LONG))
    with ThreadPoolExecutor(at_once) as pool:
        running = {name: pool.submit(run_apart, name, level, seed) for name in order}
        try:
            found = {name: each.result() for name, each in running.items()}
        except KeyboardInterrupt:  # those that run were interrupted with us
            pool.shutdown(cancel_futures=True)
            raise
    found |= {name: run_apart(name, level, seed) for name in ALONE if name in names}
    return [finding for name in names for finding in found[name]]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--level", choices=LEVELS, default="ci")
    parser.add_argument("--only", metavar="METHODS", default=",".join(METHODS), help=f"some of {', '.join(METHODS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=(os.cpu_count() or 1) + 1, help="methods beside each other")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        parser.error(f"no method {', '.join(unknown)}; there are {', '.join(METHODS)}")
    if options.inside:
        findings = run_one(names[0], options.level, options.seed, options.inside)
        (options.inside / "findings.json").write_text(json.dumps([each._asdict() for each in findings]))
        return 0
    findings = run_all(names, options.level, options.seed, max(1, options.at_once))
    print(f"\nlevel {options.level}, seed {options.seed}\n")
    print(table(findings))
    not_run = sum(bool(found.not_run) for found in findings)
    violated = sum(bool(found.violations) for found in findings)
    held = len(findings) - not_run - violated
    print(f"\n{len(findings)} figures: {held} held, {violated} violated, {not_run} not run\n")
    print(LIMITS)
    return 1 if violated else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped: this is not a result")
