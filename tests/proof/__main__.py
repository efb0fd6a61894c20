"""The proof: everything we can do to a compound, and what held. ``make soak`` (an hour or so), ``make proof`` (hours).

    python -m tests.proof --level ci|soak|proof [--only kills,days] [--seed 7]

Each method runs in a folder of its own, which is kept when something was violated. Exit code 1 then; what could not run
here is said with its reason, and is never counted as held.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
import time
import traceback
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
    "red",
)
"""In the order of their figures, R1 to R22."""

LIMITS = """What this is not: a simulated power cut is not a card that lies about what it has written. No hardware
watchdog, real-time clock, modem or RS-485 line was involved, and all processes ran on one machine. 0 violations in n
tries means a rate below 3/n (at 95 %), not zero."""


def method(name: str) -> Method:
    """The function ``run`` of one method's module."""
    found: Method = importlib.import_module(f"tests.proof.{name}").run
    return found


def run_all(names: list[str], level: Level, seed: int) -> list[Finding]:
    """Run method after method, saying on stderr which one."""
    findings: list[Finding] = []
    for name in names:
        work = Path(tempfile.mkdtemp(prefix=f"dayuan-proof-{name}-"))
        began = time.perf_counter()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            found = method(name)(level, seed, work)
        except Exception as error:  # noqa: BLE001  # task top: a method that breaks must not hide what the others found
            traceback.print_exc()
            found = [Finding("?", name, violations=(f"ended with {type(error).__name__}: {error}",))]
        if any(each.violations for each in found):
            print(f"{name}: kept in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)
        print(table(found), file=sys.stderr)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        findings += found
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--level", choices=LEVELS, default="ci")
    parser.add_argument("--only", metavar="METHODS", default=",".join(METHODS), help=f"some of {', '.join(METHODS)}")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        parser.error(f"no method {', '.join(unknown)}; there are {', '.join(METHODS)}")
    findings = run_all(names, options.level, options.seed)
    print(f"\nlevel {options.level}, seed {options.seed}\n")
    print(table(findings))
    not_run = sum(bool(found.not_run) for found in findings)
    violated = sum(bool(found.violations) for found in findings)
    held = len(findings) - not_run - violated
    print(f"\n{len(findings)} figures: {held} held, {violated} violated, {not_run} not run\n")
    print(LIMITS)
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
