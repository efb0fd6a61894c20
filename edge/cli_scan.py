"""`dayuan-edge scan`: what is on a line or on hosts, printed as a site file."""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import random
import shlex
import sys
from pathlib import Path

import msgspec

from edge.commissioning.scan_catalog import load_catalog
from edge.commissioning.scan_host import HostScan
from edge.commissioning.scan_progress import ScanProgress
from edge.commissioning.scan_serial import SerialScan
from edge.commissioning.scan_site_file import site_file
from edge.commissioning.scan_target import (
    HOST_UNITS,
    MANY_HOSTS_UNITS,
    PARITIES,
    SERIAL_UNITS,
    BadTarget,
    SerialSettings,
    hosts,
    is_serial,
    seconds,
    units,
)
from edge.commissioning.scan_unit import Asking
from edge.drivers.modbus import open_bus
from edge.site_reader import BAUDS as BAUDS_ALLOWED
from edge.status_table import span
from protocols.clock import Clock, SystemClock
from protocols.errors import WireLost

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def scan(options: argparse.Namespace) -> int:
    """The command."""
    clock = SystemClock()
    save = Path(options.save) if options.save else None
    if save is not None and save.exists():
        print(f"{save} exists and is not overwritten; choose another name", file=sys.stderr)
        return WRONG
    progress = ScanProgress(sys.stderr, clock)
    try:
        work = _work(options, clock, progress)
    except BadTarget as error:
        print(f"scan: {error}", file=sys.stderr)
        return WRONG
    progress.says(work.plan())
    began_at = clock.monotonic()
    stopped = _run(work)
    progress.ends()
    for note in work.notes:
        progress.says(f"note: {note}")
    took = span(clock.monotonic() - began_at)
    progress.says(f"{'stopped after' if stopped else 'done in'} {took}: {_units(len(work.found))} found.")
    _print(options, work, clock, save)
    if stopped:
        return INTERRUPTED
    return DONE if work.found else FAILED


def _run(work: SerialScan | HostScan) -> bool:
    """True when it was stopped by Ctrl-C; what was found until then stays."""
    try:
        asyncio.run(work.run())
    except KeyboardInterrupt:
        return True
    except WireLost as error:
        work.notes.append(f"the port cannot be used: {error}{_advice(str(error))}")
    return False


def _work(options: argparse.Namespace, clock: Clock, progress: ScanProgress) -> SerialScan | HostScan:
    timeout_s = seconds(options.timeout, "--timeout", 0.02, 60)
    serial = is_serial(options.target)
    found = [] if serial else hosts(options.target)
    default = SERIAL_UNITS if serial else HOST_UNITS if len(found) == 1 else MANY_HOSTS_UNITS
    asking = Asking(
        units=units(options.units or default, serial=serial),
        timeout_s=timeout_s,
        thorough=options.thorough,
        catalog=functools.cache(functools.partial(load_catalog, [Path(options.profiles)])),
        bus=lambda settings: open_bus(settings, clock, random.Random()),
        clock=clock,
        progress=progress,
    )
    if not serial:
        return HostScan(found, asking, kind="modbus-rtu-tcp" if options.rtu_over_tcp else "modbus-tcp")
    return SerialScan(os.path.expanduser(options.target), _settings(options), asking)


def _settings(options: argparse.Namespace) -> list[SerialSettings]:
    bauds = _chosen(options.baud, "--baud", tuple(map(str, BAUDS_ALLOWED)))
    parities = _chosen(options.parity.upper(), "--parity", PARITIES)
    # All speeds at 8N1 before any at 8E1: without parity is what most devices are set to.
    return [SerialSettings(int(baud), parity) for parity in parities for baud in bauds]


def _chosen(text: str, option: str, allowed: tuple[str, ...]) -> list[str]:
    chosen = [part.strip() for part in text.split(",")]
    for part in chosen:
        if part not in allowed:
            raise BadTarget(f"{option}: {part!r} is none of {', '.join(allowed)}")
    return chosen


def _print(options: argparse.Namespace, work: SerialScan | HostScan, clock: Clock, save: Path | None) -> None:
    command = "dayuan-edge scan " + " ".join(map(shlex.quote, _typed(options)))
    text = site_file(work.found, work.notes, command=command, at_ms=clock.now_ms()) if work.found else ""
    if save is not None and text:
        with save.open("x", encoding="utf-8") as file:
            file.write(text)
        print(f"saved as {save}; next: dayuan-edge check {save}", file=sys.stderr)
    if options.json:
        whole = msgspec.json.encode({"found": work.found, "notes": work.notes})
        print(msgspec.json.format(whole, indent=2).decode())
    elif save is None and text:
        print(text, end="")


def _typed(options: argparse.Namespace) -> list[str]:
    words = [options.target]
    if options.units:
        words += ["--units", options.units]
    if options.rtu_over_tcp:
        words.append("--rtu-over-tcp")
    return words


def _units(count: int) -> str:
    return f"{count} {'unit' if count == 1 else 'units'}"


def _advice(error: str) -> str:
    if "Permission denied" in error:
        return ". Add yourself to the group dialout, then log in again"
    if "No such file" in error:
        return ". See what is there: ls -l /dev/serial/by-id/"
    if "busy" in error or "lock" in error:
        return ". Another program has it: a running gateway?"
    return ""
