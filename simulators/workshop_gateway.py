"""Our real gateway, ``dayuan-edge run``, as a process of a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from simulators.broker import write_private
from simulators.child import Child
from simulators.desk import GatewayDesk
from simulators.hardware import LineAddress
from simulators.rules import KILLED, STOPPED
from simulators.scenario import GatewayPlan, Scenario
from simulators.site_files import gateway_site_file
from simulators.workshop import NotInTime, Workshop
from simulators.workshop_broker import GATEWAY, LocalBroker
from simulators.workshop_hardware import SimulatedHardware

READY_S = 60.0
STOP_S = 10.0
WRITE_S = 90.0
CARD_KEY = "5c" * 32
"""Of every test: card keys in a test's expectations stay what they are."""


class RunningGateway:
    """``site_file``, ``log``, ``buffer`` and ``id``. `start`, `kill`, `stop` as often as you like."""

    def __init__(self, workshop: Workshop, site_file: Path) -> None:
        self._workshop, self.site_file = workshop, site_file
        values = tomllib.loads(site_file.read_text(encoding="utf-8"))
        self.id = str(values["gateway"]["id"])
        self.site = str(values["gateway"]["site"])
        self.devices = tuple(str(row["id"]) for row in values.get("device", []))
        self.buffer = site_file.parent / str(values["buffer"]["path"])
        self.flush_every = str(values["buffer"].get("flush_every", "1 s"))
        self.log = workshop.folder / "logs" / f"{workshop.new_name(f'log-{self.id}')[4:]}.log"
        workshop.logs.append(self.log)
        self._child = Child(
            self.id,
            [sys.executable, "-m", "edge.cli", "run", str(site_file)],
            log=self.log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._desk = GatewayDesk(self.buffer)
        self.asks_from = self.hears_from = 0
        """When it was first started, and when it first listened to the brokers of its devices (ms)."""
        self.deaf: list[tuple[int, int]] = []
        """From when to when it was down (ms)."""
        self._down_from: int | None = None

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def start(self) -> None:
        """Start it, or start it again; returns when it is connected to the brokers of its devices."""
        if self.running:
            return
        self.asks_from = self.asks_from or self._workshop.clock.now_ms()
        self._workshop.do(self._child.start)
        self._workshop.until(self._listens, READY_S, lambda: f"gateway {self.id} is ready; its log is {self.log}")
        now_ms = self._workshop.clock.now_ms()
        self.hears_from = self.hears_from or now_ms
        if self._down_from is not None:
            self.deaf.append((self._down_from, now_ms))
            self._down_from = None

    def _listens(self) -> bool:
        if not self.running:
            ending = "\n  ".join(self._child.last_lines(12))
            raise NotInTime(f"gateway {self.id} ended by itself ({self._child.exit_code}); its log ends:\n  {ending}")
        return self._workshop.do(self._desk.listens)

    def status(self) -> dict[str, Any]:
        """What ``dayuan-edge status --json`` prints: lanes, backlog, buses, devices. Empty when it does not run."""
        return self._workshop.do(self._desk.status) or {}

    def device(self, device: str) -> dict[str, Any]:
        """One device of the status: ``state`` is "ok", "failing", "lost" or "waiting", ``last_error`` in words."""
        rows = self.status().get("report", {}).get("devices", [])
        return next((dict(row) for row in rows if row["id"] == device), {})

    def wait_device(self, device: str, state: str, within_s: float = 15.0) -> dict[str, Any]:
        """Wait until a device is in a state; raises an AssertionError that says in which it stayed."""
        __tracebackhide__ = True
        self._workshop.until(
            lambda: self.device(device).get("state") == state,
            within_s,
            lambda: f"{device} is {state!r} at gateway {self.id}; it is {self.device(device) or 'unknown'}",
        )
        return self.device(device)

    def write(self, device: str, point: str, action: str, *, lasting: str = "") -> dict[str, Any]:
        """What ``dayuan-edge write`` says of a command through the running gateway: ``ok`` (None: nobody knows),
        ``detail``. action: "on", "off", "pulse" (``lasting="3s"``) or a number."""
        words = [str(self.site_file), device, point, action, "--yes", "--json"]
        if lasting:
            words += ["--for", lasting]
        done = subprocess.run(
            [sys.executable, "-m", "edge.cli", "write", *words],
            capture_output=True,
            text=True,
            timeout=WRITE_S,
            check=False,
        )
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            raise AssertionError(f"dayuan-edge write said nothing but: {done.stderr.strip()}") from None

    def backlog(self) -> int | None:
        """Batches that the collector has not yet stored; None while it is down or has no broker."""
        return self._workshop.do(self._desk.backlog)

    def stop(self) -> None:
        """SIGTERM: it writes down what it holds, and ends."""
        if self.running:
            self._down_from = self._workshop.clock.now_ms()
            clean = self._workshop.do(lambda: self._child.stop(STOP_S), STOP_S + 5)
            self._happened(STOPPED if clean else KILLED)

    def kill(self) -> None:
        """SIGKILL, as by a power cut of the process: what it had not yet written to its buffer is gone."""
        if self.running:
            self._down_from = self._workshop.clock.now_ms()
            self._workshop.do(self._child.kill)
            self._happened(KILLED)

    def pause(self) -> None:
        """SIGSTOP: it is there and does nothing, until `resume`."""
        self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.signal(signal.SIGCONT)

    def _happened(self, what: str) -> None:
        now_ms = self._workshop.clock.now_ms()
        self._workshop.call(lambda: self._workshop.ledger.happened(now_ms, what, self.id))

    def close(self) -> None:
        self.resume()
        self._workshop.do(lambda: self._child.stop(STOP_S))


def write_site_file(
    workshop: Workshop,
    hardware: Sequence[SimulatedHardware],
    broker: LocalBroker,
    *,
    gateway: str,
    site: str,
    every: str,
    flush_every: str,
    more: str,
) -> Path:
    """A site file for devices that are simulated already; ``more`` is TOML to be added at its end."""
    folder = workshop.folder / gateway
    folder.mkdir(mode=0o700)
    key_file = workshop.folder / "card.key"
    write_private(key_file, CARD_KEY + "\n")
    lines: dict[str, LineAddress] = {}
    for each in hardware:
        lines.update(each.addresses)
    text = gateway_site_file(
        _together([each.scenario for each in hardware], gateway=gateway, site=site),
        GatewayPlan(id=gateway, every=every),
        lines=lines,
        account=broker.account_of(GATEWAY),
        folder=folder,
        card_key_file=key_file,
        flush_every=flush_every,
    )
    path = folder / "site.toml"
    write_private(path, text + ("\n" + more if more else ""))
    return path


def _together(scenarios: Sequence[Scenario], *, gateway: str, site: str) -> Scenario:
    """One scenario of all, in which every device belongs to ``gateway``."""
    tables: dict[str, list[Any]] = {}
    for name in Scenario.__struct_fields__:
        rows = [row for scenario in scenarios for row in _rows(getattr(scenario, name))]
        if rows and name not in ("gateway", "fault"):
            owned = "gateway" in rows[0].__struct_fields__
            tables[name] = [msgspec.structs.replace(row, gateway=gateway) for row in rows] if owned else rows
    return msgspec.structs.replace(Scenario(site=site, site_name=site), **tables)


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
