"""What is legal in a site file and would still bite on site."""

from __future__ import annotations

import ipaddress
import stat
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

from edge.settings import BusSettings, DeviceSettings, Site
from protocols.modbus.plan import plan_reads
from protocols.modbus.profile import ModbusProfile
from protocols.mqtt_url import MqttUrl

PLACEHOLDER = "change-me"
"""What a scan writes where only a person knows what is right."""
BUSY_SHARE_MAX = 0.8
"""Above this part of its time a line has no room for a repeat, a slow device or a write."""
TURNAROUND_S = 0.03
"""What a meter usually takes to answer, where its profile states nothing."""
TCP_EXCHANGE_S = 0.015
READ_REQUEST_BYTES, ANSWER_OVERHEAD_BYTES = 8, 5
FRAME_GAP_CHARACTERS = 3.5
FAST_BAUD, FAST_GAP_S = 19200, 0.00175
"""Above 19200 baud the gap between frames is a fixed time (Modbus over Serial Line V1.02, 2.5.1.1)."""


def warnings(site: Site) -> list[str]:
    """Sentences for the installer, in the order of the site file. Reads file permissions, opens nothing."""
    return list(_warnings(site))


def _warnings(site: Site) -> Iterator[str]:
    yield from _placeholders(site)
    if not zoneinfo.available_timezones():
        yield f"time zone {site.gateway.time_zone!r} could not be checked: this machine has no zone data (tzdata)"
    yield from _broker("uplink", site.uplink.url, site.uplink.username, site.uplink.password_file)
    if site.uplink.dead_after_s < 2 * site.uplink.ack_timeout_s:
        yield "uplink: dead_after should be at least twice ack_timeout, or a slow collector looks like a dead link"
    if not site.devices:
        yield "no [[device]]: the gateway has nothing to read"
    for bus in site.buses:
        if bus.url is not None:
            yield from _broker(f"bus {bus.name}", bus.url, bus.username, bus.password_file)
        devices = site.devices_of(bus)
        if not devices:
            yield f"bus {bus.name}: no device uses it"
        elif bus.kind != "mqtt":
            yield from _line(site, bus, devices)


def _placeholders(site: Site) -> Iterator[str]:
    fields = (("site", site.gateway.site), ("id", site.gateway.id), ("url", site.uplink.url.host))
    for key, value in fields:
        if value == PLACEHOLDER:
            table = "uplink" if key == "url" else "gateway"
            yield f"[{table}] {key} still says {PLACEHOLDER!r}, as a scan wrote it; put the right one there"


def _broker(where: str, url: MqttUrl, username: str | None, password_file: Path | None) -> Iterator[str]:
    if username is not None and not url.tls and not _is_this_machine(url.host):
        yield f"{where}: user name and password travel in clear to {url}; use mqtts://"
    if password_file is None:
        return
    try:
        mode = password_file.stat().st_mode
    except OSError as error:
        yield f"{where}: password file {password_file}: {error.strerror}"
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield f"{where}: others than its owner may read {password_file}; chmod 600 it"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _line(site: Site, bus: BusSettings, devices: tuple[DeviceSettings, ...]) -> Iterator[str]:
    share = 0.0
    for device in devices:
        profile = site.profiles[device.profile]
        assert isinstance(profile, ModbusProfile)
        needs_s = read_time_s(bus, device, profile)
        share += needs_s / device.every_s
        if needs_s > device.every_s:
            yield (
                f"device {device.id}: one reading takes about {needs_s:.1f} s on {bus.name}, "
                f"every = {device.every_s:g} s cannot be kept"
            )
    if share > BUSY_SHARE_MAX:
        advice = "poll less often, or split the line" if bus.kind == "modbus-rtu" else "poll less often"
        yield f"bus {bus.name}: about {share:.0%} of its time is taken ({len(devices)} devices); {advice}"


def read_time_s(bus: BusSettings, device: DeviceSettings, profile: ModbusProfile) -> float:
    """About how long one reading of ``device`` occupies the bus, when everything answers."""
    blocks = plan_reads(profile, profile.selected(extended=device.extended))
    if bus.kind != "modbus-rtu":
        return len(blocks) * max(TCP_EXCHANGE_S, profile.silence_s)
    parity_bits = 0 if bus.parity == "N" else 1
    character_s = (1 + 8 + parity_bits + bus.stop_bits) / bus.baud
    gap_s = max(FAST_GAP_S if bus.baud > FAST_BAUD else FRAME_GAP_CHARACTERS * character_s, profile.silence_s)
    total = 0.0
    for block in blocks:
        characters = READ_REQUEST_BYTES + ANSWER_OVERHEAD_BYTES + block.answer_bytes
        total += characters * character_s + TURNAROUND_S + gap_s
    return total
