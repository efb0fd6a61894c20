"""Does the gateway get on? Judged from its own figures, so that a watchdog is fed by work and not by a timer.

What is away for a reason (a broker, a device, a full disk) is a state: a restart would not help, and would lose what
is in memory. What stands still without one is a defect, which a restart may well cure.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from edge.settings import Site
from edge.status import Snapshot

COMMIT_S_LEAST = 30.0
COMMIT_FLUSHES = 3
"""Readings wait for a commit no longer than so many flush intervals."""

SESSION_S_MAX = 300.0
"""One attempt to connect, and the pause after it, are over long before."""

ACK_LIMITS = 3
"""Of `dead_after`, after which the session ends itself."""

POLL_S_LEAST = 60.0
POLLS_MISSED = 3
BACKED_OFF_S = 2 * 300.0 + 30.0
"""Devices that do not answer are asked every 5 minutes at the least."""


class _Line(NamedTuple):
    """A bus whose devices are asked: which, and how often the most frequent."""

    name: str
    devices: frozenset[str]
    every_s: float


class Progress:
    """Judges one snapshot after the other. Pure, but for what it remembers of the last ones."""

    def __init__(self, site: Site) -> None:
        self._commit_s = max(COMMIT_S_LEAST, COMMIT_FLUSHES * site.buffer.flush_every_s)
        self._ack_s = ACK_LIMITS * site.uplink.dead_after_s
        self._lines = []
        for bus in site.buses:
            devices = site.devices_of(bus)
            if bus.kind != "mqtt" and devices:
                every_s = min(device.every_s for device in devices)
                self._lines.append(_Line(bus.name, frozenset(device.id for device in devices), every_s))
        self._unchanged: dict[str, tuple[Hashable, float]] = {}

    def judge(self, now: Snapshot, monotonic: float) -> list[str]:
        """What stands still, as sentences; empty when everything gets on. To be called every few seconds."""
        found = [self._writer(now, monotonic), self._session(now, monotonic)]
        found += [self._polling(line, now, monotonic) for line in self._lines]
        return [sentence for sentence in found if sentence]

    def _writer(self, now: Snapshot, monotonic: float) -> str:
        has_reason = bool(now.report.buffer_error) or now.report.disk_full_s is not None
        waits = now.in_memory > 0 and not has_reason
        waited_s = self._since("waits", waits, monotonic) if waits else self._since("waits", None, monotonic)
        quiet_s = waited_s if now.last_commit_s is None else min(waited_s, now.last_commit_s)
        if not waits or quiet_s <= self._commit_s:
            return ""
        return f"{now.in_memory} readings and events wait in memory, and nothing was written for {quiet_s:.0f} s"

    def _session(self, now: Snapshot, monotonic: float) -> str:
        still_s = self._since("session", (now.session_state, now.session), monotonic)
        if now.session_state == "online":
            if now.silent_s > self._ack_s:
                return f"no ack for {now.silent_s:.0f} s, and the connection was not made anew"
            return ""
        if still_s > SESSION_S_MAX:
            return f"the connection has been {now.session_state.replace('_', ' ')} for {still_s:.0f} s"
        return ""

    def _polling(self, line: _Line, now: Snapshot, monotonic: float) -> str:
        reports = [device for device in now.report.devices if device.id in line.devices]
        still_s = self._since(f"bus {line.name}", tuple(device.polls for device in reports), monotonic)
        answers = any(device.state == "ok" for device in reports)
        limit_s = max(POLL_S_LEAST, POLLS_MISSED * line.every_s) if answers else BACKED_OFF_S + line.every_s
        return f"no device of bus {line.name} was asked for {still_s:.0f} s" if still_s > limit_s else ""

    def _since(self, name: str, value: Hashable, monotonic: float) -> float:
        """For how long ``value`` has been the same."""
        before = self._unchanged.get(name)
        if before is None or before[0] != value:
            self._unchanged[name] = (value, monotonic)
            return 0.0
        return monotonic - before[1]
