"""`dayuan-edge write` at the box, held to what the site file says of orders: actions, limits, rate, two people.

A point with a rule under [device.remote] is one somebody thought about; a hand at the box is held to the same rule, and
counts in the same rate. Who must all the same says why, and that is written down before anything is sent.
"""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

from edge.commands import Command
from edge.seen_commands import SeenCommands
from edge.settings import RemoteRule, Site
from protocols.clock import MS_PER_S, Clock
from protocols.errors import StoreUnavailable

REASON_LEAST = 3
LINE_MAX = 500


def refusal(site: Site, command: Command, clock: Clock) -> str | None:
    """Why the site file does not let this be done; None when it does, and then it is counted. Blocking."""
    rule = next((device.remote.get(command.point) for device in site.devices if device.id == command.device), None)
    if rule is None:
        return None
    wrong = _against(rule, command)
    if wrong is not None or rule.rate is None:
        return wrong
    seen = SeenCommands(site.buffer.path.with_name(site.buffer.path.name + ".orders"))
    try:
        within_ms, now = int(rule.rate.within_s * MS_PER_S), clock.now_ms()
        if seen.spend(command.device, command.point, most=rule.rate.most, within_ms=within_ms, now_ms=now):
            return None
    except StoreUnavailable as error:
        return f"the site file sets a rate, and this cannot be counted on disk: {error}"
    finally:
        seen.close()
    return f"the site file allows {rule.rate.most} in {rule.rate.within_s:g} s, and so many were carried out"


def _against(rule: RemoteRule, command: Command) -> str | None:
    if command.action not in rule.actions:
        return f"the site file allows {', '.join(rule.actions)} of {command.point}, not {command.action}"
    wrong = rule.wrong_value(command.action, command.value)
    if wrong is not None:
        return wrong
    if rule.second_person:
        return "the site file asks for two people here; ask for an approval at the collector"
    return None


def journal_path(site: Site) -> Path:
    """Where it is written down that somebody went past a rule."""
    return site.buffer.path.with_name(site.buffer.path.name + ".at-risk")


def write_down(site: Site, command: Command, *, rule: str, why: str, clock: Clock) -> None:
    """One line, on disk before anything is sent. Raises OSError."""
    who = {"user": getpass.getuser(), "by": os.environ.get("SUDO_USER", "")}
    said = {"at": clock.now_ms(), "device": command.device, "command": command.text, "rule": rule, **who, "why": why}
    line = json.dumps(said, ensure_ascii=False)
    path = journal_path(site)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
