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
MOST_NAMED = 6
UNIT_OF_THE_BOOK_MAX = 247
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
    yield from _northbound(site)
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


def _northbound(site: Site) -> Iterator[str]:
    if (node := site.sparkplug) is not None:
        for url in node.urls:
            yield from _broker("sparkplug", url, node.username, node.password_file if url == node.urls[0] else None)
        if len(set(node.urls)) < len(node.urls):
            yield "sparkplug: a server stands twice in url and other_urls"
        if node.primary_host and not node.hold:
            yield "sparkplug: hold = 0: what is read while the primary host is offline never reaches it"
    if (home := site.home_assistant) is not None:
        yield from _broker("home_assistant", home.url, home.username, home.password_file)


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
    shares: dict[str, float] = {}
    for device in devices:
        profile = _profile(site, device)
        yield from _device(bus, device, profile)
        needs_s = read_time_s(bus, device, profile)
        shares[device.id] = needs_s / device.every_s
        if needs_s > device.every_s:
            yield (
                f"device {device.id}: one reading takes about {needs_s:.1f} s on {bus.name}, "
                f"every = {device.every_s:g} s cannot be kept"
            )
    share = sum(shares.values())
    if share > BUSY_SHARE_MAX:
        advice = "poll less often, or split the line" if bus.kind == "modbus-rtu" else "poll less often"
        most = sorted(shares, key=lambda each: -shares[each])
        parts = ", ".join(f"{each} {shares[each]:.0%}" for each in most[:MOST_NAMED])
        rest = f", {len(most) - MOST_NAMED} more" if len(most) > MOST_NAMED else ""
        yield f"bus {bus.name}: about {share:.0%} of its time is taken ({parts}{rest}); {advice}"


def _device(bus: BusSettings, device: DeviceSettings, profile: ModbusProfile) -> Iterator[str]:
    if profile.writes and not (profile.failsafe and profile.failsafe.present):
        note = profile.failsafe.note if profile.failsafe else "its profile says nothing of a safe state"
        yield f"device {device.id}: its outputs do not go to a safe state when the gateway is gone: {note}"
    if not profile.selected(extended=False):
        yield (
            f"device {device.id}: every point of {profile.id} is known from one source only; compare its display with "
            "`dayuan-edge read`"
        )
    if bus.kind == "modbus-tcp" and device.unit in (0, 255):
        other = "a gateway takes 0 for everybody and answers nothing" if device.unit == 0 else "some devices ignore 255"
        yield f"device {device.id}: unit {device.unit}: {other}; if it stays silent try unit 1"
    if bus.kind != "modbus-tcp" and device.unit > UNIT_OF_THE_BOOK_MAX:
        yield f"device {device.id}: unit {device.unit} is beyond 247; few devices take that"


def hints(site: Site) -> list[str]:
    """What is worth a look before the first start, and no trouble for a site that works already."""
    return list(_hints(site))


def _hints(site: Site) -> Iterator[str]:
    for bus in site.buses:
        for device in site.devices_of(bus) if bus.kind == "modbus-rtu" else ():
            factory = _profile(site, device).serial
            baud, parity = factory.baud or bus.baud, factory.parity or bus.parity
            stop_bits = factory.stop_bits or bus.stop_bits
            if (baud, parity, stop_bits) != (bus.baud, bus.parity, bus.stop_bits):
                yield (
                    f"device {device.id}: {device.profile} leaves the factory with {baud} 8{parity}{stop_bits}, "
                    f"{bus.name} has {bus.baud} 8{bus.parity}{bus.stop_bits}; set the device, or it does not answer"
                )


def _profile(site: Site, device: DeviceSettings) -> ModbusProfile:
    profile = site.profiles[device.profile]
    assert isinstance(profile, ModbusProfile)
    return profile


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
