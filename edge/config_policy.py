"""What a site file from afar may change, held against the file on the box.

Whoever owns the collector must not be able to widen what may be done in the building, nor to send its secrets
elsewhere. So there is a list of what may change, and everything else (also a table that is added to the site file some
day) must be as the file on the box has it:

- ``[defaults]``; name, site name and time zone in ``[gateway]``; how batches are sent in ``[uplink]``;
  ``flush_every`` in ``[buffer]``;
- ``[[bus]]`` and ``[[device]]``, with these limits. A password or certificate file goes with the server and the user
  it stands beside on the box. A serial port is a tty, or one that the box names. What stands in ``[device.remote]``
  may be narrowed, not widened, in every key of a rule: also the rate and the second person; and a device that stands
  there, or that a locked table names, stays what and where it is: else "open the gate" could be made to mean another
  relay. ``may_allow_commands`` on the box lifts the last two.
- ``[sparkplug]`` and ``[home_assistant]`` may be left out; where they send to stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from edge.site_remote import parse_rate
from protocols.settings import Document

FREE_TABLES = frozenset({"defaults", "bus", "device"})
FREE_KEYS = {
    "gateway": frozenset({"name", "site_name", "time_zone"}),
    "uplink": frozenset({"window", "ack_timeout", "dead_after"}),
    "buffer": frozenset({"flush_every"}),
    "sparkplug": frozenset({"hold", "group", "node", "primary_host"}),
    "home_assistant": frozenset({"prefix", "topic", "language", "every"}),
}
MAY_BE_LEFT_OUT = frozenset({"sparkplug", "home_assistant"})
SECRET_FILES = ("password_file", "ca_file")
SERVER = ("kind", "url", "username", *SECRET_FILES)
BUS_ADDRESS = ("kind", "host", "port", "url", "baud", "parity", "stop_bits")
DEVICE_ADDRESS = ("profile", "bus", "unit", "topic", "ident", "word_order", "points")
TTY = re.compile(r"/dev/(tty[A-Za-z]{1,8}[0-9]{1,3}|serial/by-(id|path)/[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,199})")
AS_ON_THE_BOX = "as in the site file on the box; only there can it be changed"

Table = dict[str, Any]
Key = tuple[str | int, ...]


def refuse_what_only_the_box_may_say(wanted: Document, box: Document, *, may_allow_commands: bool) -> None:
    """Raises BadSettings at the first key of ``wanted`` that only the file on the box may change.

    Both were read as site files before; ``may_allow_commands`` is what the box says.
    """
    for key in _locked(wanted.values, box.values):
        raise wanted.fail(key, "cannot be changed from afar", AS_ON_THE_BOX)
    for key, message, allowed in [
        *_foreign_files(wanted.values, box.values),
        *([] if may_allow_commands else _widened(wanted.values, box.values)),
    ]:
        raise wanted.fail(key, message, allowed)


def _locked(wanted: Table, box: Table) -> Iterator[Key]:
    for name in sorted({*wanted, *box} - FREE_TABLES):
        now, before = wanted.get(name), box.get(name)
        if name in FREE_KEYS and isinstance(now, dict):
            held = before if isinstance(before, dict) else None
            if held is None and name in MAY_BE_LEFT_OUT:
                yield (name,)
                continue
            for key in sorted({*now, *(held or {})} - FREE_KEYS[name]):
                if not _same(now.get(key), (held or {}).get(key)):
                    yield (name, key)
        elif not _same(now, before) and not (
            (now is None and name in MAY_BE_LEFT_OUT) or (now is None and _only_free(name, before))
        ):
            yield (name,)


def _only_free(name: str, before: object) -> bool:
    """A table that holds nothing but what may change may be left out too."""
    return isinstance(before, dict) and name in FREE_KEYS and set(before) <= FREE_KEYS[name]


def _foreign_files(wanted: Table, box: Table) -> Iterator[tuple[Key, str, str]]:
    servers = [tuple(bus.get(key) for key in SERVER) for bus in box.get("bus", ())]
    ports = {bus.get("port") for bus in box.get("bus", ()) if isinstance(bus.get("port"), str)}
    for index, bus in enumerate(wanted.get("bus", ())):
        written = next((key for key in SECRET_FILES if bus.get(key)), None)
        if written is not None and tuple(bus.get(key) for key in SERVER) not in servers:
            what = "a file on the box goes with the server and the user it stands beside there"
            yield ("bus", index, written), what, "url, username and files " + AS_ON_THE_BOX
        port = bus.get("port")
        if isinstance(port, str) and port not in ports and not TTY.fullmatch(port):
            yield ("bus", index, "port"), f"{port!r} is no serial port", "like /dev/ttyUSB0, or one that the box names"


def _widened(wanted: Table, box: Table) -> Iterator[tuple[Key, str, str]]:
    before = {device["id"]: device for device in box.get("device", ())}
    fixed = {name for name, device in before.items() if device.get("remote")} | (_named(box) & set(before))
    buses, held = _by_name(wanted), _by_name(box)
    for index, device in enumerate(wanted.get("device", ())):
        at: Key = ("device", index)
        known = before.get(device["id"], {})
        for point, rule in device.get("remote", {}).items():
            allowed = known.get("remote", {}).get(point)
            wider = "" if allowed is None else _wider(rule, allowed)
            if wider is not None:
                what = f"the site file on the box does not allow so much of {point}" + (wider and f": {wider}")
                yield (*at, "remote", point), what, "[remote_config] may_allow_commands = true on the box"
        if device["id"] not in fixed:
            continue
        for key in DEVICE_ADDRESS:
            if not _same(device.get(key), known.get(key)):
                what = "the collector may give this device orders, so it stays what and where it is"
                yield (*at, key), what, AS_ON_THE_BOX
        bus, was = buses.get(device["bus"], {}), held.get(known.get("bus"), {})
        if any(not _same(bus.get(key), was.get(key)) for key in BUS_ADDRESS):
            what = f"bus {device['bus']!r} leads elsewhere, and the collector may give this device orders"
            yield (*at, "bus"), what, AS_ON_THE_BOX


def _wider(rule: Table, allowed: Table) -> str | None:
    """The key by which a rule allows more than it does on the box. One without an order of its own, such as one that is
    added some day, must be as on the box."""
    keys = sorted({*rule, *allowed})
    return next((key for key in keys if not NARROWER.get(key, _same)(rule.get(key), allowed.get(key))), None)


def _no_looser(now: str | None, was: str | None) -> bool:
    if not was or not now:
        return not was
    wanted, held = parse_rate(now), parse_rate(was)
    return wanted.most <= held.most and wanted.within_s >= held.within_s


NARROWER: dict[str, Callable[[Any, Any], bool]] = {
    "actions": lambda now, was: set(now or ()) <= set(was or ()),
    "min": lambda now, was: now is None or (was is not None and bool(was <= now)),
    "max": lambda now, was: now is None or (was is not None and bool(now <= was)),
    "rate": _no_looser,
    "second_person": lambda now, was: bool(now) or not was,
}
"""Whether what is wanted of a key of a rule allows no more than what the box says. Limits that are left out were read
as not needed for what may still be ordered."""


def _by_name(values: Table) -> dict[Any, Table]:
    return {bus["name"]: bus for bus in values.get("bus", ())}


def _named(values: Table) -> set[str]:
    """Every text in the tables that cannot change: a device that is named there is meant there."""
    return {text for name in values if name not in FREE_TABLES for text in _texts(values[name])}


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _same(one: object, other: object) -> bool:
    """Also in kind: ``true`` is not 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
