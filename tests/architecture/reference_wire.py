"""The reference pages that come from ``protocols/``: the wire, the points and events, the known devices."""

import re
from string import Template
from types import UnionType
from typing import Any, Union, get_args, get_origin

from protocols import ack, batch, batch_json, birth, status, topics
from protocols.events import EVENT_KINDS
from protocols.points import VOCABULARY
from protocols.profile import load_profile, profile_ids
from protocols.reading import ID_RULE, REASONS
from tests.architecture.structs import bare, cell, fields, is_struct, summary, table

_SIZES = {2**20: "MiB", 2**10: "KiB"}

_CHANNELS = {
    "up": ("gateway", "no", "a batch"),
    "ack": ("collector", "no", "what is durably stored, what was rejected and why"),
    "birth": ("gateway", "yes", "what the gateway is and has"),
    "status": ("gateway, and its will", "yes", "online or offline with the session number, and a report every 10 s"),
    "renew": ("gateway", "no", "a request for the next certificate, see `docs/IDENTITY.md`"),
    "cmd": ("collector", "no", "a signed command, see `docs/IDENTITY.md`"),
    "cert": ("collector", "no", "the next certificate"),
    "grants": ("collector", "yes", "whom the doors of the gateway let in, see `docs/DOORS.md`"),
    "config": ("collector", "yes", "reserved for wanted configuration; nothing is sent yet"),
}


def _bytes(count: int) -> str:
    for size, word in _SIZES.items():
        if count % size == 0:
            return f"{count // size} {word}"
    return f"{count:,} bytes"


def _block(module: Any) -> str:
    """The indented blocks of a module's docstring, as they stand there."""
    lines = (module.__doc__ or "").splitlines()
    kept = [line for line in lines if line.startswith("    ") or not line.strip()]
    text = re.sub(r":\w+:`_?([^`]+)`", r"\1", "\n".join(kept)).replace("``", "")
    return re.sub(r",?\n[^\n]*see Body$", "", text.strip("\n"))


def inner_structs(root: type) -> list[type]:
    """A struct and those inside it, outermost first."""
    found: list[type] = []
    waiting: list[Any] = [root]
    while waiting:
        hint = bare(waiting.pop(0))
        if is_struct(hint):
            if hint not in found:
                found.append(hint)
                waiting += [each for _, each, _, _ in fields(hint)]
        elif get_origin(hint) in {list, tuple, dict, Union, UnionType}:
            waiting += get_args(hint)
    return found


def _message(title: str, channel: str, root: type) -> str:
    parts = [f"## {title}: `{channel}`, JSON"]
    for struct in inner_structs(root):
        name = "" if struct is root else f"### {struct.__name__}\n\n"
        parts.append(f"{name}{summary(struct)}\n\n{table(struct)}")
    return "\n\n".join(parts)


def bad_batch_reasons() -> list[str]:
    """The reasons for which a batch is rejected, as the module says them."""
    text = " ".join((batch.__doc__ or "").split("Reasons of")[-1].split())
    return re.findall(r"``(\w+)``", text)


_WIRE = Template("""\
# The wire between gateway and collector

Written from `protocols/` by `make docs`. Any MQTT 3.1.1 or 5 broker serves; everything is QoS 1.

Ids of sites, gateways and devices are $ids. Times are milliseconds since 1970, UTC.

## Topics

| Topic | From | Retained | Carries |
|---|---|---|---|
$topics

## A batch by hand: `up`, JSON

The first byte is `{`. `seq` counts from 1 within an `epoch` of the sender's choice.

$json_form

`quality` and `reason` may be left out when good; the value of a bad reading is null. An event may
have a `reason`, too: why its time is not certain. `gateway`, when given, must be the topic's.
Points and kinds of events: [POINTS.md](POINTS.md).

## A batch of ours: `up`, binary

Sealed once, and the same bytes at every try.

$binary_form

The body is an array of: gateway, time of sealing, number of readings, table of series (device and its points),
series index of each reading, first time, bytes per time difference, times, values, table of qualities, quality of each
reading (empty when all are good), events. Columns are little-endian with their byte planes apart;
`protocols/columns.py` is the definition.

## Limits of a batch

| What | At most |
|---|---|
$limits

Reasons for which a whole batch is rejected: $reasons. A reading or event that is wrong in a batch that is right is
refused alone, counted and shown.

$ack

A batch that is neither stored nor rejected within the gateway's `ack_timeout` is sent again, the same bytes. MQTT's
PUBACK says only that the broker has it.

$birth

$status
""")

_POINTS = Template("""\
# Points and events

Written by `make docs` from `protocols/points.toml`, `protocols/events.py` and `protocols/reading.py`.

## Points

A counter only grows and may reset; a gauge has any value; a state is a number with labels.

| Point | Unit | Kind | English | 中文 |
|---|---|---|---|---|
$points

## Kinds of events

| Kind | English | 中文 | Fields |
|---|---|---|---|
$events

## Quality

`good`, `uncertain` or `bad`; a bad reading has no value. Reasons beside what is not good: $reasons.
""")

_DEVICES = Template("""\
# Devices there is a profile for

Written by `make docs` from `protocols/profiles/`. A new model is one TOML file there and one case folder in
`tests/cases/`; a profile of your own may also lie beside the site file.

| Profile | Maker and model | Covers | Kind | Wire | Points | Checked against |
|---|---|---|---|---|---|---|
$devices
""")


def wire_page() -> str:
    rows = []
    for channel in topics.CHANNELS:
        sender, retained, carries = _CHANNELS[channel]
        rows.append(f"| `{topics.ROOT}/{{site}}/{{gateway}}/{channel}` | {sender} | {retained} | {carries} |")
    limits = {
        "as published": _bytes(batch.WIRE_MAX),
        "body after decompression": _bytes(batch.OPEN_MAX),
        "readings": f"{batch.READINGS_MAX:,}",
        "events": f"{batch.EVENTS_MAX:,}",
        "series": f"{batch.SERIES_MAX:,}",
        "epoch": f"{batch.EPOCH_MAX} characters",
    }
    return _WIRE.substitute(
        ids=ID_RULE,
        topics="\n".join(rows),
        json_form=_block(batch_json),
        binary_form=_block(batch),
        limits="\n".join(f"| {what} | {most} |" for what, most in limits.items()),
        reasons=", ".join(f"`{reason}`" for reason in bad_batch_reasons()),
        ack=_message("Ack", "ack", ack.Ack),
        birth=_message("Birth", "birth", birth.Birth),
        status=_message("Status", "status", status.Status),
    )


def points_page() -> str:
    points = []
    for word in VOCABULARY.values():
        names = [_labelled(word.en, word.labels_en), _labelled(word.zh, word.labels_zh)]
        points.append(f"| `{word.name}` | {word.unit} | {word.kind} | {cell(names[0])} | {cell(names[1])} |")
    events = []
    for name, kind in EVENT_KINDS.items():
        required = dict.fromkeys(kind.required, " (required)")
        listed = ", ".join(f"`{field}` {what}{required.get(field, '')}" for field, what in kind.fields.items())
        events.append(f"| `{name}` | {kind.en} | {kind.zh} | {listed} |")
    return _POINTS.substitute(
        points="\n".join(points),
        events="\n".join(events),
        reasons=", ".join(f"`{reason}`" for reason in sorted(REASONS)),
    )


def _labelled(name: str, labels: tuple[str, ...]) -> str:
    return f"{name} ({'; '.join(f'{number} {label}' for number, label in enumerate(labels))})" if labels else name


def devices_page() -> str:
    rows = []
    for name in profile_ids():
        profile = load_profile(name)
        head = profile.head
        row = [
            f"[`{name}`](../protocols/profiles/{name}.toml)",
            f"{head.vendor} {head.model}",
            ", ".join(head.covers),
            head.kind,
            head.protocol,
            _points(profile),
            head.checked,
        ]
        rows.append(f"| {' | '.join(cell(text) for text in row)} |")
    return _DEVICES.substitute(devices="\n".join(rows))


def _points(profile: Any) -> str:
    points = getattr(profile, "points", None)
    return str(len(points)) if points is not None else ""
