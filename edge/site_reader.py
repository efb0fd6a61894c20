"""How a site file becomes settings: paths, durations and addresses are read, everything is checked against the rest."""

from __future__ import annotations

import hashlib
import re
import zoneinfo
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.settings import (
    MODBUS_TCP_PORT,
    BufferSettings,
    BusSettings,
    Deadband,
    DeviceSettings,
    GatewaySettings,
    HomeSettings,
    RemoteConfigSettings,
    Site,
    SparkplugSettings,
    UplinkSettings,
)
from edge.site_doors import read_doors
from edge.site_file import BusKind, BusRow, DeviceRow, HomeAssistantRow, SiteFile, SparkplugRow, UplinkRow
from edge.site_points import device_profile, read_places
from edge.site_remote import read_remote
from protocols.errors import BadProfile, BadSettings
from protocols.events import GATEWAY_DEVICE
from protocols.modbus.profile import ModbusProfile
from protocols.mqtt.card_uid import FORMS
from protocols.mqtt.profile import MqttProfile
from protocols.mqtt.site_points import BadSitePoint
from protocols.mqtt_url import MqttUrl, parse_mqtt_url
from protocols.profile import Profile, load_profile
from protocols.reading import ID_RULE, is_id
from protocols.settings import Document, decode, duration, load_toml, size
from protocols.sparkplug_names import ID_RULE as SPARKPLUG_ID_RULE
from protocols.sparkplug_names import is_sparkplug_id

T = TypeVar("T")
Key = tuple[str | int, ...]

UNIT_MIN, UNIT_MAX = 1, 254
"""247 by the specification; meters of some makers leave the factory with 254."""
UNIT_MIN_TCP, UNIT_MAX_TCP = 0, 255
"""Some devices answer only to 0 or 255 there, which on a serial line are no device's."""
KEEP_ACKED_S_MAX = 30 * 86_400.0
HOME_TOPIC = re.compile(r"(?=.{1,100}$)[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


def read_site(path: Path) -> Site:
    """Read and check a site file and the profiles it names; raises BadSettings or BadProfile."""
    document = load_toml(path)
    return _Reader(document, decode(document, SiteFile), path).site()


def read_site_text(path: Path, text: str) -> Site:
    """The same for a text that is to stand for the file at ``path``."""
    document = Document(str(path), text)
    return _Reader(document, decode(document, SiteFile), path).site()


class _Reader:
    """Turns the rows of one file into settings; every error names the key."""

    def __init__(self, document: Document, file: SiteFile, path: Path) -> None:
        self._document = document
        self._file = file
        self._path = path
        self._folder = path.resolve().parent
        self._profiles: dict[str, Profile] = {}

    def site(self) -> Site:
        buffer = self._buffer()
        buses = tuple(self._bus(row, ("bus", index)) for index, row in enumerate(self._file.bus))
        self._unique("bus", [row.name for row in self._file.bus], "name")
        self._no_shared_lines(buses)
        devices = tuple(self._device(row, ("device", index)) for index, row in enumerate(self._file.device))
        self._unique("device", [row.id for row in self._file.device], "id")
        self._no_shared_addresses(devices)
        self._unique("door", [row.id for row in self._file.door], "id")
        doors = read_doors(self._file.door, devices, self._profiles, self._fail)
        return Site(
            path=self._path,
            config_hash=_hash(self._document.values),
            gateway=self._gateway(buffer.path),
            uplink=self._uplink(self._file.uplink),
            buffer=buffer,
            buses=buses,
            devices=devices,
            profiles=self._profiles,
            doors=doors,
            sparkplug=self._sparkplug(),
            home_assistant=self._home_assistant(),
            remote_config=RemoteConfigSettings(
                enabled=self._file.remote_config.enabled,
                may_allow_commands=self._file.remote_config.may_allow_commands,
            ),
        )

    def _sparkplug(self) -> SparkplugSettings | None:
        row, key = self._file.sparkplug, ("sparkplug",)
        if row is None:
            return None
        texts = [((*key, "url"), row.url), *(((*key, "other_urls"), text) for text in row.other_urls)]
        own = {"group": row.group or self._file.gateway.site, "node": row.node or self._file.gateway.id}
        for name, text in (*own.items(), ("primary_host", row.primary_host)):
            if text and not is_sparkplug_id(text):
                raise self._fail((*key, name), f"{text!r} cannot stand in a topic", SPARKPLUG_ID_RULE)
        return SparkplugSettings(
            urls=tuple(self._url(text, at) for at, text in texts),
            username=row.username or None,
            password_file=self._password_file(row, key),
            ca_file=self._file_path(row.ca_file),
            certificate_file=self._certificate_file(row, key, texts),
            key_file=self._file_path(row.key_file),
            primary_host=row.primary_host,
            hold=self._within(row.hold, 0, 1_000_000, (*key, "hold")),
            **own,
        )

    def _home_assistant(self) -> HomeSettings | None:
        row, key = self._file.home_assistant, ("home_assistant",)
        if row is None:
            return None
        for name, text in (("prefix", row.prefix), ("topic", row.topic)):
            if not HOME_TOPIC.fullmatch(text):
                allowed = "1 to 100 of letters, digits, '_', '-' and '.', with '/' between levels"
                raise self._fail((*key, name), f"{text!r} is no root of topics", allowed)
        return HomeSettings(
            url=self._url(row.url, (*key, "url")),
            username=row.username or None,
            password_file=self._password_file(row, key),
            ca_file=self._file_path(row.ca_file),
            certificate_file=self._certificate_file(row, key, [((*key, "url"), row.url)]),
            key_file=self._file_path(row.key_file),
            prefix=row.prefix,
            topic=row.topic,
            language=row.language,
            every_s=self._seconds(row.every, 0.1, 600, (*key, "every")),
        )

    def _gateway(self, buffer_path: Path) -> GatewaySettings:
        row = self._file.gateway
        for name in ("site", "id"):
            if not is_id(getattr(row, name)):
                raise self._fail(("gateway", name), f"{getattr(row, name)!r} is no id", ID_RULE)
        try:
            zoneinfo.ZoneInfo(row.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            # A machine without any zone data cannot judge; the collector, which needs the name, can.
            if zoneinfo.available_timezones():
                allowed = "a name of the IANA database, like Asia/Shanghai"
                raise self._fail(("gateway", "time_zone"), f"no time zone {row.time_zone!r}", allowed) from None
        return GatewaySettings(
            site=row.site,
            id=row.id,
            name=row.name or row.id,
            site_name=row.site_name or row.site,
            time_zone=row.time_zone,
            card_key_file=self._file_path(row.card_key_file) or buffer_path.with_name("card.key"),
            identity_dir=self._file_path(row.identity_dir) or buffer_path.with_name("identity"),
        )

    def _uplink(self, row: UplinkRow) -> UplinkSettings:
        key: Key = ("uplink",)
        return UplinkSettings(
            url=self._url(row.url, (*key, "url")),
            username=row.username or None,
            password_file=self._password_file(row, key),
            ca_file=self._file_path(row.ca_file),
            window=self._within(row.window, 1, 1000, (*key, "window")),
            ack_timeout_s=self._seconds(row.ack_timeout, 1, 600, (*key, "ack_timeout")),
            dead_after_s=self._seconds(row.dead_after, 5, 3600, (*key, "dead_after")),
        )

    def _buffer(self) -> BufferSettings:
        row = self._file.buffer
        path = self._file_path(row.path)
        if path is None:
            raise self._fail(("buffer", "path"), "empty", "a file on a disk that survives a restart")
        max_bytes = self._parsed(size, row.max_size, ("buffer", "max_size"))
        if max_bytes < 1 << 20:
            raise self._fail(("buffer", "max_size"), f"{row.max_size} is too small", "1 MiB or more")
        flush_every_s = self._seconds(row.flush_every, 0.05, 300, ("buffer", "flush_every"))
        keep_acked_s = self._seconds(row.keep_acked, 0, KEEP_ACKED_S_MAX, ("buffer", "keep_acked"))
        return BufferSettings(path=path, max_bytes=max_bytes, flush_every_s=flush_every_s, keep_acked_s=keep_acked_s)

    def _bus(self, row: BusRow, key: Key) -> BusSettings:
        if not is_id(row.name):
            raise self._fail((*key, "name"), f"{row.name!r} is no name of a bus", ID_RULE)
        self._refuse_foreign_keys(row, key)
        timeout_s = self._seconds(row.timeout, 0.02, 60, (*key, "timeout"))
        if row.kind == "mqtt":
            return BusSettings(
                name=row.name,
                kind=row.kind,
                timeout_s=timeout_s,
                url=self._url(row.url, (*key, "url")),
                username=row.username or None,
                password_file=self._password_file(row, key),
                ca_file=self._file_path(row.ca_file),
            )
        if row.kind == "modbus-rtu":
            if not isinstance(row.port, str) or not row.port:
                raise self._fail((*key, "port"), "missing or no text", 'a serial port, like port = "/dev/ttyUSB0"')
            if row.baud not in BAUDS:
                raise self._fail((*key, "baud"), f"{row.baud}", ", ".join(map(str, BAUDS)))
            return BusSettings(
                name=row.name,
                kind=row.kind,
                timeout_s=timeout_s,
                serial_port=row.port,
                baud=row.baud,
                parity=row.parity,
                stop_bits=row.stop_bits,
            )
        if not row.host or any(sign in row.host for sign in " /"):
            raise self._fail((*key, "host"), f"{row.host!r} is no host", "a name or an address, like 192.168.1.20")
        port = MODBUS_TCP_PORT if row.port is None else row.port
        if not isinstance(port, int) or not 0 < port < 65536:
            raise self._fail((*key, "port"), f"{port!r} is no TCP port", "1 to 65535, without quotes")
        return BusSettings(name=row.name, kind=row.kind, timeout_s=timeout_s, host=row.host, tcp_port=port)

    def _refuse_foreign_keys(self, row: BusRow, key: Key) -> None:
        shared = {"name", "kind", "timeout"}
        own = {
            "mqtt": {"url", "username", "password_file", "ca_file"},
            "modbus-rtu": {"port", "baud", "parity", "stop_bits"},
        }.get(row.kind, {"host", "port"})
        for name in self._written(key):
            if name not in shared | own:
                raise self._fail((*key, name), f"means nothing for {row.kind}", ", ".join(sorted(shared | own)))

    def _device(self, row: DeviceRow, key: Key) -> DeviceSettings:
        if not is_id(row.id):
            raise self._fail((*key, "id"), f"{row.id!r} is no id", ID_RULE)
        if row.id == GATEWAY_DEVICE:
            raise self._fail((*key, "id"), f"{row.id!r} is the gateway's own name for itself", "any other id")
        bus = next((bus for bus in self._file.bus if bus.name == row.bus), None)
        if bus is None:
            names = ", ".join(bus.name for bus in self._file.bus) or "no [[bus]] in the file"
            raise self._fail((*key, "bus"), f"no bus {row.bus!r}", names)
        profile = self._profile(row.profile, key)
        speaks_mqtt = isinstance(profile, MqttProfile)
        if speaks_mqtt != (bus.kind == "mqtt"):
            wanted = "mqtt" if speaks_mqtt else "modbus-tcp, modbus-rtu or modbus-rtu-tcp"
            raise self._fail((*key, "bus"), f"{row.profile} is not for a bus of kind {bus.kind}", wanted)
        self._check_address(row, bus.kind, key)
        if isinstance(profile, ModbusProfile) and not profile.selected(extended=row.extended):
            message = f"every point of {row.profile} is known from one source only; compare with the display"
            raise self._fail((*key, "extended"), message, "true")
        places = read_places(row.points)
        try:
            profile = device_profile(profile, places)
        except BadSitePoint as error:
            at = (*key, "points", error.point) if error.point else (*key, "points")
            raise self._fail(at, error.message, error.allowed) from None
        default_every = "" if speaks_mqtt else self._file.defaults.every
        every = row.every or default_every
        every_key: Key = (*key, "every") if row.every else ("defaults", "every")
        max_silence = row.max_silence or self._file.defaults.max_silence
        silence_key: Key = (*key, "max_silence") if row.max_silence else ("defaults", "max_silence")
        return DeviceSettings(
            id=row.id,
            name=row.name or row.id,
            profile=row.profile,
            kind=row.kind or profile.kind,
            bus=row.bus,
            every_s=self._seconds(every, 0.1, 86_400, every_key) if every else 0.0,
            max_silence_s=self._seconds(max_silence, 1, 86_400, silence_key),
            deadband=self._deadbands(row, profile, key),
            unit=row.unit or 0,
            word_order=row.word_order,
            ct=row.ct,
            pt=row.pt,
            extended=row.extended,
            topic=row.topic,
            ident=row.ident,
            card=row.card,
            points=places,
            remote=read_remote(row, profile, key, self._fail),
        )

    def _check_address(self, row: DeviceRow, kind: BusKind, key: Key) -> None:
        speaks_mqtt = kind == "mqtt"
        foreign = (
            ("unit", "word_order", "ct", "pt", "extended", "remote")
            if speaks_mqtt
            else ("topic", "ident", "card", "points")
        )
        for name in self._written(key):
            if name in foreign:
                raise self._fail((*key, name), f"means nothing for {row.profile}", "leave it out")
        if not speaks_mqtt:
            low, high = (UNIT_MIN_TCP, UNIT_MAX_TCP) if kind == "modbus-tcp" else (UNIT_MIN, UNIT_MAX)
            if row.unit is None or not low <= row.unit <= high:
                what = "missing" if row.unit is None else f"{row.unit} is no unit id"
                raise self._fail((*key, "unit"), what, f"{low} to {high}")
            for name, ratio in (("ct", row.ct), ("pt", row.pt)):
                if ratio is not None and not 0 < ratio < 1e6:
                    raise self._fail((*key, name), f"{ratio} is no transformer ratio", "above 0, like 40 for 200/5 A")
            return
        if not row.topic or any(sign in row.topic for sign in "+#\0"):
            raise self._fail((*key, "topic"), f"{row.topic!r} is no topic of a device", "a topic without + and #")
        if row.card and row.card not in FORMS:
            raise self._fail((*key, "card"), f"{row.card!r} is no form of card number", ", ".join(FORMS))

    def _profile(self, profile_id: str, key: Key) -> Profile:
        if profile_id not in self._profiles:
            dirs = [self._folder / name for name in self._file.gateway.profile_dirs]
            try:
                self._profiles[profile_id] = load_profile(profile_id, dirs)
            except BadProfile as error:
                if error.line:
                    raise
                raise self._fail((*key, "profile"), error.message, error.allowed) from None
        return self._profiles[profile_id]

    def _deadbands(self, row: DeviceRow, profile: Profile, key: Key) -> dict[str, Deadband]:
        points = {point.name: point for point in profile.points}
        bands: dict[str, Deadband] = {}
        for name, text in row.deadband.items():
            at = (*key, "deadband", name)
            if name not in points:
                raise self._fail(at, f"{row.profile} has no point {name!r}", ", ".join(points))
            if points[name].kind == "state":
                raise self._fail(at, f"{name} is a state: every change of it is sent", "leave it out")
            bands[name] = self._deadband(text, at)
        return bands

    def _deadband(self, text: float | str, key: Key) -> Deadband:
        allowed = 'a number above 0 in the unit of the point, or a text like "1 %"'
        if isinstance(text, str):
            try:
                percent = float(text.strip().removesuffix("%").strip()) if text.strip().endswith("%") else 0.0
            except ValueError:
                percent = 0.0
            if not 0 < percent <= 100:
                raise self._fail(key, f"{text!r} is no deadband", allowed)
            return Deadband(percent=percent)
        if not 0 < text < float("inf"):
            raise self._fail(key, f"{text!r} is no deadband", allowed)
        return Deadband(absolute=float(text))

    def _no_shared_addresses(self, devices: Iterable[DeviceSettings]) -> None:
        seen: dict[tuple[str, ...], DeviceSettings] = {}
        for index, device in enumerate(devices):
            profile = self._profiles[device.profile]
            is_mqtt = isinstance(profile, MqttProfile)
            address = (device.bus, device.topic, device.ident) if is_mqtt else (device.bus, str(device.unit))
            other = seen.setdefault(address, device)
            if other is device:
                continue
            if is_mqtt:
                what = f"{device.topic!r} is already the topic of {other.id!r} on bus {device.bus!r}"
                raise self._fail(("device", index, "topic"), what, "one topic per device, or different idents")
            first = self._document.line("device", [row.id for row in self._file.device].index(other.id), "unit")
            what = f"unit {device.unit} is already {other.id!r} on bus {device.bus!r}, line {first}"
            raise self._fail(("device", index, "unit"), what, "one unit id per device on a bus")

    def _no_shared_lines(self, buses: Iterable[BusSettings]) -> None:
        seen: dict[tuple[str, int], str] = {}
        for index, bus in enumerate(buses):
            line = (bus.serial_port, 0) if bus.serial_port else (bus.host, bus.tcp_port)
            if bus.kind != "mqtt" and seen.setdefault(line, bus.name) != bus.name:
                what = f"bus {seen[line]!r} already uses it: two queues on one line collide"
                raise self._fail(("bus", index, "port" if bus.serial_port else "host"), what, "one bus per line")

    def _unique(self, table: str, names: list[str], key: str) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                first = self._document.line(table, names.index(name), key)
                raise self._fail((table, index, key), f"{name!r} stands twice, first in line {first}", "one of each")

    def _url(self, text: str, key: Key) -> MqttUrl:
        if not text:
            raise self._fail(key, "missing", "mqtt://host:1883 or mqtts://host:8883")
        return self._parsed(parse_mqtt_url, text, key)

    def _password_file(self, row: UplinkRow | BusRow | SparkplugRow | HomeAssistantRow, key: Key) -> Path | None:
        if row.password_file and not row.username:
            raise self._fail((*key, "password_file"), "a password without a username", "username beside it")
        return self._file_path(row.password_file)

    def _certificate_file(
        self, row: SparkplugRow | HomeAssistantRow, key: Key, urls: Iterable[tuple[Key, str]]
    ) -> Path | None:
        if row.key_file and not row.certificate_file:
            raise self._fail((*key, "key_file"), "a key without a certificate", "certificate_file beside it")
        for at, text in urls if row.certificate_file else ():
            if not self._url(text, at).tls:
                raise self._fail(at, "a certificate is only shown over TLS", "mqtts://host:8883")
        return self._file_path(row.certificate_file)

    def _file_path(self, text: str) -> Path | None:
        return self._folder / Path(text).expanduser() if text else None

    def _seconds(self, text: str, low: float, high: float, key: Key) -> float:
        return self._within(self._parsed(duration, text, key), low, high, key, " s")

    def _within(self, value: T, low: float, high: float, key: Key, unit: str = "") -> T:
        if not low <= value <= high:  # type: ignore[operator]
            raise self._fail(key, f"{value}{unit} is out of range", f"{low:g}{unit} to {high:g}{unit}")
        return value

    def _parsed(self, parse: Callable[[str], T], text: str, key: Key) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise self._fail(key, str(error), "") from None

    def _written(self, key: Key) -> Iterable[str]:
        table, index = key
        row: dict[str, object] = self._document.values[str(table)][index]
        return row

    def _fail(self, key: Key, message: str, allowed: str) -> BadSettings:
        return self._document.fail(key, message, allowed)


def _hash(values: object) -> str:
    """Changes when a value does, not when a comment or the layout does."""
    return hashlib.blake2b(msgspec.json.encode(values, order="sorted"), digest_size=8).hexdigest()
