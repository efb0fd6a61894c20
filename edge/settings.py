"""The site file, read and checked: what the gateway is, where it sends, which devices it has.

`load_site` either returns settings that hold together or raises BadSettings naming file, line, key and what is allowed;
it opens nothing but files. What is legal and would still bite on site is told by `site_warnings.warnings`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from edge.site_file import BusKind, Language, WordOrder
from protocols.mqtt.rows import SitePoint
from protocols.mqtt_url import MqttUrl
from protocols.profile import Profile

MODBUS_TCP_PORT = 502


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    pass


class GatewaySettings(_Settings, frozen=True, kw_only=True):
    """Who this gateway is. ``card_key_file`` is made when the first device that reads cards is started,
    ``identity_dir`` when the gateway is enrolled."""

    site: str
    id: str
    name: str
    site_name: str
    time_zone: str
    card_key_file: Path
    identity_dir: Path = Path("identity")


class UplinkSettings(_Settings, frozen=True, kw_only=True):
    """Where batches go. ``window``: batches unacknowledged at a time; ``dead_after_s``: age of the oldest that forces a
    new connection."""

    url: MqttUrl
    username: str | None
    password_file: Path | None
    ca_file: Path | None
    window: int
    ack_timeout_s: float
    dead_after_s: float


class BufferSettings(_Settings, frozen=True, kw_only=True):
    """Where batches wait. ``keep_acked_s``: how long they stay after their ack; 0 when they go at once."""

    path: Path
    max_bytes: int
    flush_every_s: float
    keep_acked_s: float = 0.0


class SparkplugSettings(_Settings, frozen=True, kw_only=True):
    """Sparkplug B. ``urls``: servers, of which one is used at a time; ``primary_host``: "" when none is waited for;
    ``hold``: readings kept for a host that is away."""

    urls: tuple[MqttUrl, ...]
    username: str | None
    password_file: Path | None
    ca_file: Path | None
    certificate_file: Path | None
    key_file: Path | None
    group: str
    node: str
    primary_host: str
    hold: int


class HomeSettings(_Settings, frozen=True, kw_only=True):
    """Home Assistant. ``prefix``: where it looks for devices; ``topic``: root of the values; ``every_s``: between two
    values of one point."""

    url: MqttUrl
    username: str | None
    password_file: Path | None
    ca_file: Path | None
    certificate_file: Path | None
    key_file: Path | None
    prefix: str
    topic: str
    language: Language
    every_s: float


class BusSettings(_Settings, frozen=True, kw_only=True):
    """One bus. host and tcp_port: modbus-tcp, modbus-rtu-tcp; serial_port and what follows: modbus-rtu; url: mqtt."""

    name: str
    kind: BusKind
    timeout_s: float
    host: str = ""
    tcp_port: int = MODBUS_TCP_PORT
    serial_port: str = ""
    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    url: MqttUrl | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None


class Deadband(NamedTuple):
    """A change is sent when it is larger than ``absolute``, or than ``percent`` of the last sent value."""

    absolute: float = 0.0
    percent: float = 0.0


class Rate(NamedTuple):
    """At most ``most`` orders in any ``within_s`` seconds."""

    most: int
    within_s: float


class RemoteRule(NamedTuple):
    """What the collector may do to one point. The limits are of ``set`` in the point's unit and of ``pulse`` in s.
    ``second_person``: two different people must stand for an order. ``is_fixed``: the module holds how long its pulse
    is, so that an order says none."""

    actions: tuple[str, ...]
    least: float | None = None
    most: float | None = None
    rate: Rate | None = None
    second_person: bool = False
    is_fixed: bool = False

    def takes_pulse(self, seconds: float | None) -> bool:
        """True when a pulse of that length may be ordered; None: as long as the module makes it."""
        return seconds is None if self.is_fixed else self.takes(seconds)

    def wrong_value(self, action: str, value: float | None) -> str | None:
        """Why an order of that action may not say this value, for people; None when it may."""
        if action == "pulse" and self.is_fixed:
            fixed = "how long this pulse is is set in the module; order it without a time"
            return None if self.takes_pulse(value) else fixed
        if action not in ("set", "pulse") or self.takes(value):
            return None
        return f"the site file allows {self.least:g} to {self.most:g}"

    def takes(self, value: float | None) -> bool:
        """True when a set or a pulse of this value lies within the limits."""
        if value is None or not math.isfinite(value) or self.least is None or self.most is None:
            return False
        return self.least <= value <= self.most


class DeviceSettings(_Settings, frozen=True, kw_only=True):
    """One device. ``every_s`` is 0 for a device that reports by itself at times nobody set.

    ``topic``, ``ident`` (its name inside a shared topic), ``card`` (how its reader writes card numbers) and ``points``
    (where those are that its profile leaves to the site file): for MQTT;
    ``unit``, ``word_order``, ``ct``, ``pt`` and ``extended``: for Modbus.
    """

    id: str
    name: str
    profile: str
    kind: str
    bus: str
    every_s: float
    max_silence_s: float
    deadband: dict[str, Deadband] = {}
    unit: int = 0
    word_order: WordOrder | None = None
    ct: float | None = None
    pt: float | None = None
    extended: bool = False
    topic: str = ""
    ident: str = ""
    card: str = ""
    points: dict[str, SitePoint] = {}
    remote: dict[str, RemoteRule] = {}


class RemoteConfigSettings(_Settings, frozen=True, kw_only=True):
    """Whether site files are taken from the collector, and whether they may widen what it may order."""

    enabled: bool = False
    may_allow_commands: bool = False


class StrikeSettings(NamedTuple):
    """What opens a door: a pulse on ``point`` of ``device``; ``pulse_s`` None where the module sets its length."""

    device: str
    point: str
    pulse_s: float | None = None


class DoorSettings(_Settings, frozen=True, kw_only=True):
    """One door that this gateway decides for. ``reader_in``, ``reader_out``: devices; ``level``: the assurance that its
    readers can have at best, 1 to 3; zones: "" without anti-passback; ``contact``: a device, "" when there is none."""

    id: str
    name: str
    lock: Literal["fail-secure", "fail-safe"]
    strike: StrikeSettings
    reader_in: tuple[str, ...]
    reader_out: tuple[str, ...] = ()
    level: int = 1
    contact: str = ""
    zone_in: str = ""
    zone_out: str = ""
    clock_unknown: Literal["deny", "ignore-times"] = "deny"


class Site(_Settings, frozen=True, kw_only=True):
    """Everything in one site file. ``profiles`` holds each profile the devices name, by its id."""

    path: Path
    config_hash: str
    gateway: GatewaySettings
    uplink: UplinkSettings
    buffer: BufferSettings
    buses: tuple[BusSettings, ...]
    devices: tuple[DeviceSettings, ...]
    profiles: dict[str, Profile]
    doors: tuple[DoorSettings, ...] = ()
    sparkplug: SparkplugSettings | None = None
    home_assistant: HomeSettings | None = None
    remote_config: RemoteConfigSettings = RemoteConfigSettings()

    def devices_of(self, bus: BusSettings) -> tuple[DeviceSettings, ...]:
        """The devices on ``bus``, in the file's order."""
        return tuple(device for device in self.devices if device.bus == bus.name)


def load_site(path: str | Path) -> Site:
    """Read and check a site file and the profiles it names; raises BadSettings or BadProfile."""
    from edge.site_reader import read_site  # which builds what is declared here

    return read_site(Path(path))


def load_site_text(path: str | Path, text: str) -> Site:
    """The same for a text that is to stand for the file at ``path``: what it names is looked for beside that file."""
    from edge.site_reader import read_site_text

    return read_site_text(Path(path), text)
