"""What `dayuan-edge scan` is told: a serial port or hosts, serial settings, unit ids, and the order to try them in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edge.settings import MODBUS_TCP_PORT, BusSettings
from protocols.settings import duration

BAUDS = (9600, 19200, 2400, 38400, 115200)
PARITIES = ("N", "E", "O")
"""The order in which meters are set, most usual first."""
SERIAL_UNITS = "1,33,254,2-247"
HOST_UNITS = "1,255,0,2-247"
MANY_HOSTS_UNITS = "1,255,0,2-16"
HOSTS_MAX = 1024
ROUNDS = (3, 15)
"""So many units are tried at every serial setting, then so many, then the rest."""

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")


class BadTarget(ValueError):
    """What was typed is no target; the message says what would be."""


class SerialSettings(NamedTuple):
    """How characters stand on a serial line, always with eight data bits."""

    baud: int
    parity: str

    def __str__(self) -> str:
        return f"{self.baud} 8{self.parity}1"

    @property
    def char_s(self) -> float:
        return (10 if self.parity == "N" else 11) / self.baud

    def bus(self, port: str, timeout_s: float) -> BusSettings:
        return BusSettings(
            name="rs485-1",
            kind="modbus-rtu",
            timeout_s=timeout_s,
            serial_port=port,
            baud=self.baud,
            parity=self.parity,
        )


class Host(NamedTuple):
    """One TCP address."""

    name: str
    port: int = MODBUS_TCP_PORT

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == MODBUS_TCP_PORT else f"{name}:{self.port}"


def is_serial(text: str) -> bool:
    """True for a path, like /dev/ttyUSB0; what is no path is a host."""
    return text.startswith(("/", "./", "~")) and not text.startswith("//")


def hosts(text: str) -> list[Host]:
    """``name``, ``name:port``, ``192.168.1.20-40``, ``192.168.1.20-192.168.1.40`` or ``192.168.1.0/24``, in order."""
    body, port = _port(text)
    if "/" in body:
        try:
            network = ipaddress.ip_network(body, strict=False)
        except ValueError:
            raise BadTarget(f"{text!r} is no network; right would be 192.168.1.0/24") from None
        _bounded(network.num_addresses, text)
        return [Host(str(address), port) for address in network.hosts()]
    first, dash, last = body.partition("-")
    if dash and (start := _address(first)) is not None:
        end = _address(last if "." in last else f"{first.rpartition('.')[0]}.{last}")
        if end is None or end < start:
            raise BadTarget(f"{text!r} is no range; right would be 192.168.1.20-40")
        count = int(end) - int(start) + 1
        _bounded(count, text)
        return [Host(str(start + offset), port) for offset in range(count)]
    if ":" in body:
        try:
            return [Host(str(ipaddress.IPv6Address(body)), port)]
        except ValueError:
            raise BadTarget(f"{text!r} is no host; right would be 192.168.1.20:502 or [fd00::20]:502") from None
    looks_numeric = body.replace(".", "").isdecimal()
    if not _HOST.fullmatch(body) or (looks_numeric and _address(body) is None):
        raise BadTarget(f"{text!r} is neither a serial port (/dev/ttyUSB0) nor a host (192.168.1.20)")
    return [Host(body, port)]


def _port(text: str) -> tuple[str, int]:
    body, colon, digits = text.rpartition(":")
    if text.startswith("["):
        inside, _, rest = text[1:].partition("]")
        if not rest:
            return inside, MODBUS_TCP_PORT
        body, digits = inside, rest.removeprefix(":")
    elif not colon or ":" in body:
        return text, MODBUS_TCP_PORT
    if not digits.isdecimal() or not 0 < int(digits) < 65536:
        raise BadTarget(f"{digits!r} is no TCP port; right would be 1 to 65535")
    return body, int(digits)


def _address(text: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _bounded(count: int, text: str) -> None:
    if count > HOSTS_MAX:
        raise BadTarget(f"{text!r} are {count} hosts; at most {HOSTS_MAX} at a time")


def units(text: str, *, serial: bool) -> tuple[int, ...]:
    """``1,33,2-247`` as unit ids, each once, in the order written."""
    low, high = (1, 254) if serial else (0, 255)
    found: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        numbers = (first, last) if dash else (first, first)
        if not all(number.isascii() and number.isdecimal() for number in numbers):
            raise BadTarget(f"{part.strip()!r} is no unit id; right would be 1,33,2-247")
        start, end = (int(number) for number in numbers)
        if not low <= start <= end <= high:
            raise BadTarget(f"{part.strip()!r}: unit ids here are {low} to {high}")
        found |= dict.fromkeys(range(start, end + 1))
    return tuple(found)


def seconds(text: str, option: str, low: float, high: float) -> float | None:
    """The time behind an option, like 0.3s or 300 ms; None when it was not given."""
    if not text:
        return None
    try:
        value = float(text) if text.replace(".", "", 1).isdecimal() else duration(text)
    except ValueError as error:
        raise BadTarget(f"{option}: {error}") from None
    if not low <= value <= high:
        raise BadTarget(f"{option}: {text} is out of range; right would be {low:g}s to {high:g}s")
    return value


def rounds(chosen: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The units to try at every serial setting, the likely ones first, so that a usual line is found in seconds."""
    start = 0
    for size in (*ROUNDS, len(chosen)):
        if start < len(chosen):
            yield tuple(chosen[start : start + size])
            start += size
