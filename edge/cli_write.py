"""`dayuan-edge write`: one command to one device, through the running gateway or over the bus itself."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys

from edge.cli_in_force import site_in_force
from edge.command_socket import send_command
from edge.commands import Action, Command, run_command
from edge.commissioning.scan_target import BadTarget, seconds
from edge.drivers.modbus import device_writer, open_bus, writable
from edge.settings import DeviceSettings, Site
from edge.write_rules import LINE_MAX, REASON_LEAST, journal_path, refusal, write_down
from protocols.clock import SystemClock
from protocols.data_owner import become_owner
from protocols.errors import BadSettings
from protocols.modbus.profile import ModbusProfile

DONE, FAILED, WRONG, UNKNOWN = 0, 1, 2, 3
"""UNKNOWN: nobody can say whether the command was carried out."""
PULSE_S_MAX = 3600.0

_UNKNOWN_PULSE = "UNKNOWN: it may have been executed; look at the door before you repeat"
_UNKNOWN_OTHER = "UNKNOWN: it may have been executed; read the device before you repeat"


def write(options: argparse.Namespace) -> int:
    """The command."""
    try:
        command = _command(options)
    except BadTarget as error:
        print(f"write: {error}", file=sys.stderr)
        return WRONG
    site = site_in_force(options.site, of_the_box=options.file)
    become_owner(site.buffer.path.parent, site.buffer.path)
    device = _device(site, command)
    if not options.yes and not _agreed(site, device, command):
        return FAILED
    if not _allowed(site, command, " ".join(options.at_my_risk.split())):
        return FAILED
    try:
        answer = send_command(site.buffer.path, command)
    except OSError as error:
        answer = {"ok": None, "detail": f"the gateway did not say what became of it: {error}", "value": None}
    if answer is None:
        answer = asyncio.run(_by_ourselves(site, device, command))
    return _told(command, answer, as_json=options.json)


def _command(options: argparse.Namespace) -> Command:
    word = options.value.lower()
    if options.lasting and word != "pulse":
        raise BadTarget("--for is the length of a pulse; right would be: pulse --for 3s")
    if word in ("on", "off", "pulse"):
        action: Action = "on" if word == "on" else "off" if word == "off" else "pulse"
        length = seconds(options.lasting, "--for", 0.01, PULSE_S_MAX)
        return Command(options.device, options.point, action, length)
    try:
        value = float(options.value)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadTarget(f"{options.value!r} is none of on, off, pulse and no number")
    return Command(options.device, options.point, "set", value)


def _device(site: Site, command: Command) -> DeviceSettings:
    """The device, which has a point that can be written so; else BadSettings with what can be."""
    able = [each for each in site.devices if writable(site.profiles[each.profile])]
    device = next((each for each in able if each.id == command.device), None)
    if device is None:
        known = next((each for each in site.devices if each.id == command.device), None)
        what = f"nothing of {command.device!r} can be written" if known else f"no device {command.device!r}"
        allowed = ", ".join(each.id for each in able) or "none; no device of this site takes commands"
        raise BadSettings(what, file=str(site.path), key="device", allowed=allowed)
    profile = site.profiles[device.profile]
    assert isinstance(profile, ModbusProfile)
    wanted = profile.writes.get(command.point)
    if wanted is None:
        what = f"{command.point!r} of {device.id!r} cannot be written"
        raise BadSettings(what, file=str(site.path), key="point", allowed=", ".join(profile.writes))
    if command.action == "pulse" and wanted.pulse is None:
        what = f"{device.profile} cannot make a pulse by itself"
        allowed = "a module that ends the pulse; two writes would leave the door open when the line fails between them"
        raise BadSettings(what, file=str(site.path), key="value", allowed=allowed)
    return device


def _agreed(site: Site, device: DeviceSettings, command: Command) -> bool:
    if not sys.stdin.isatty():
        print("nothing was sent: there is no terminal to ask on; --yes says that it is meant", file=sys.stderr)
        return False
    name = "" if device.name == device.id else f" ({device.name})"
    where = f"unit {device.unit} on {device.bus}"
    print(
        f"{device.id}{name}, {where} at {site.gateway.site_name}: {_text(command)}. Really? [y/N] ", end="", flush=True
    )
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("nothing was sent")
    return False


def _allowed(site: Site, command: Command, why: str) -> bool:
    """Held to the rule of the site file; past it only for somebody who says why, which is on disk then."""
    if why and len(why) < REASON_LEAST:
        print("nothing was sent: --at-my-risk takes a reason in a few words", file=sys.stderr)
        return False
    rule = refusal(site, command, SystemClock())
    if rule is None:
        return True
    if not why:
        print(f'nothing was sent: {rule}. If it must be all the same: --at-my-risk "WHY"', file=sys.stderr)
        return False
    try:
        write_down(site, command, rule=rule, why=why[:LINE_MAX], clock=SystemClock())
    except OSError as error:
        print(f"nothing was sent: it cannot be written down: {error}", file=sys.stderr)
        return False
    print(f"past the rule ({rule}), written down in {journal_path(site)}", file=sys.stderr)
    return True


async def _by_ourselves(site: Site, device: DeviceSettings, command: Command) -> dict[str, object]:
    clock = SystemClock()
    settings = next(bus for bus in site.buses if bus.name == device.bus)
    bus = open_bus(settings, clock, random.Random())
    try:
        outcome = await run_command(device_writer(device, site.profiles[device.profile], bus, clock), command)
    finally:
        bus.close()
    return {"ok": outcome.ok, "detail": outcome.detail, "value": outcome.value}


def _told(command: Command, answer: dict[str, object], *, as_json: bool) -> int:
    ok = answer.get("ok")
    if as_json:
        given = {"device": command.device, "point": command.point, "action": command.action}
        print(json.dumps({**given, **answer}, ensure_ascii=False))
    elif ok is None:
        print(_UNKNOWN_PULSE if command.action == "pulse" else _UNKNOWN_OTHER)
        print(f"  {answer.get('detail')}")
    else:
        print(f"{'done' if ok else 'NOT done'}: {command.device}: {answer.get('detail')}")
    return UNKNOWN if ok is None else DONE if ok else FAILED


def _text(command: Command) -> str:
    length = "" if command.value is None or command.action != "pulse" else f" of {command.value:g} s"
    if command.action == "set":
        return f"set {command.point} to {command.value:g}"
    return f"{command.point} {command.action}{length}"
