"""Is the gateway that was just started a good one? Asked by whoever put a new version in place of the old one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from edge.status import Snapshot
from edge.status_socket import ask
from protocols.clock import Clock

LOOK_EVERY_S = 0.5
STEADY_S = 5.0
"""One process has run for so long; a process that dies at its start does not reach that."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """``reasons``: what is wrong, empty when healthy."""

    healthy: bool
    reasons: list[str]
    software: str = ""
    pid: int = 0
    online: bool = False


def reasons(now: Snapshot | None, *, needs_link: bool) -> list[str]:
    """Why this is no healthy gateway (yet); empty when it is one."""
    if now is None:
        return ["no gateway answers on the status socket"]
    found = []
    if not now.report.epoch or now.report.buffer_error:
        found.append(f"its buffer: {now.report.buffer_error or 'is not open'}")
    if now.report.uptime_s < STEADY_S:
        found.append(f"it has run for {now.report.uptime_s:.0f} s only")
    polled = [device for device in now.report.devices if device.every_s and device.polls]
    if any(device.every_s for device in now.report.devices) and not polled:
        found.append("it has asked none of its devices")
    if needs_link and now.session_state != "online":
        found.append(f"it is not online: {now.report.link_error or now.session_state}")
    return found


async def wait_for_health(buffer_path: Path, clock: Clock, *, within_s: float, needs_link: bool) -> Verdict:
    """Look again and again until the gateway with this buffer is healthy or the time is over."""
    end = clock.monotonic() + within_s
    while True:
        now: Snapshot | None = None
        wrong: list[str]
        try:
            now = await asyncio.to_thread(ask, buffer_path)
            wrong = reasons(now, needs_link=needs_link)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
            wrong = [f"its status socket does not answer as it should: {error}"]
        if not wrong or clock.monotonic() >= end:
            return _verdict(now, wrong)
        await clock.sleep(LOOK_EVERY_S)


def _verdict(now: Snapshot | None, wrong: list[str]) -> Verdict:
    if now is None:
        return Verdict(healthy=not wrong, reasons=wrong)
    is_online = now.session_state == "online"
    return Verdict(healthy=not wrong, reasons=wrong, software=now.software, pid=now.pid, online=is_online)
