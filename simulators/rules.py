"""What the verdict must know of the compound: who reads which device, where small changes may be held back, who was
killed when. Read from the site files as text, without the gateway's own reader."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulators.ledger import Incident

KILLED = "killed"
STOPPED = "stopped"
BROKER = "broker"

_DURATION = re.compile(r"\s*([0-9.]+)\s*(ms|s|min|h|d)\s*")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Band:
    """A change of at most ``absolute``, or of at most ``share`` of the last kept value, may be held back."""

    absolute: float
    share: float

    def holds(self, value: float, kept: float) -> bool:
        change = abs(value - kept)
        return change <= self.absolute or change <= self.share * abs(kept)


@dataclass(frozen=True)
class DeviceRule:
    """One device as its site file has it."""

    gateway: str
    every_s: float
    max_silence_ms: int
    bands: dict[str, Band] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """Everything about the compound that decides what a missing value means."""

    site: str
    devices: dict[str, DeviceRule]
    flush_s: float
    card_secret: bytes
    kills: dict[str, list[int]]
    """Instants (ms) at which a gateway or the broker was killed without warning."""
    stops: dict[str, list[int]]
    orders: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Instants (ms) at which a device was written to, by device, in their order."""
    from_ms: int = 0
    """What was given before is in the ledger no more, or not all of it."""


def seconds(text: str) -> float:
    """A duration as site files write it."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a duration")
    return float(found.group(1)) * _SECONDS[found.group(2)]


def read_rules(site_files: Iterable[Path], incidents: Iterable[Incident], *, from_ms: int = 0) -> Rules:
    """The rules of a compound. Raises OSError when a file is not there."""
    site, flush_s, secret = "", 1.0, b""
    devices: dict[str, DeviceRule] = {}
    for path in site_files:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        gateway = values["gateway"]
        site = gateway["site"]
        flush_s = max(flush_s, seconds(values.get("buffer", {}).get("flush_every", "1 s")))
        key_file = Path(gateway.get("card_key_file", ""))
        if key_file.is_file():
            secret = bytes.fromhex(key_file.read_text(encoding="ascii").strip())
        defaults = values.get("defaults", {})
        for row in values.get("device", []):
            devices[row["id"]] = _device_rule(gateway["id"], row, defaults)
    kills: dict[str, list[int]] = {}
    stops: dict[str, list[int]] = {}
    for incident in incidents:
        book = {KILLED: kills, STOPPED: stops}.get(incident.what)
        if book is not None:
            book.setdefault(incident.name, []).append(incident.at)
    return Rules(site, devices, flush_s, secret, kills, stops, from_ms=from_ms)


def _device_rule(gateway: str, row: dict[str, Any], defaults: dict[str, str]) -> DeviceRule:
    silence = row.get("max_silence", defaults.get("max_silence", "5 min"))
    every = row.get("every", defaults.get("every", "10 s"))
    bands: dict[str, Band] = {}
    for point, width in row.get("deadband", {}).items():
        if isinstance(width, str) and width.strip().endswith("%"):
            bands[point] = Band(0.0, float(width.strip().rstrip("%")) / 100)
        else:
            bands[point] = Band(float(width), 0.0)
    return DeviceRule(gateway, seconds(every), round(seconds(silence) * 1000), bands)
