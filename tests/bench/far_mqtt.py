"""Publishes what devices of four dialects say, as fast as the broker takes it: QoS 1, a window of messages unanswered.

``python -m tests.bench.far_mqtt PORT COUNT REPORT``. Every message is another one: its number stands in one of its
values (`number_of`). Speaks MQTT 3.1.1 on a plain socket, so that publishing costs little beside what is measured.
When the last message is acknowledged, REPORT gets {"began", "ended"} in seconds since 1970.
"""

import argparse
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from protocols.reading import Reading

WINDOW = 200
EACH = 25


class Dialect(NamedTuple):
    """points: how many readings a message gives. marker: the point that holds its number, after ``scale``."""

    profile: str
    device: str
    publishes_on: str
    payload: Callable[[int, float], object]
    points: int
    marker: str
    scale: float
    offset: float = 0.0

    def topic(self, place: int) -> str:
        """As the site file names it."""
        return self.device.format(place)


def _plug(number: int, now: float) -> object:
    return {
        "child_lock": "UNLOCK", "countdown": 0, "current": 1.31, "energy": number / 1000, "linkquality": 40,
        "power": 301 + number % 97, "power_outage_memory": "off", "state": "ON", "voltage": 230,
        "update": {"installed_version": 268449287, "latest_version": 268449287, "state": "idle"},
    }  # fmt: skip


def _tasmota(number: int, now: float) -> object:
    energy = {
        "TotalStartTime": "2026-01-01T00:00:00", "Total": number / 1000, "Yesterday": 5.34, "Today": 0.954,
        "Period": 217, "Power": 2635 + number % 89, "ApparentPower": 2750, "ReactivePower": 282, "Factor": 0.99,
        "Voltage": 227, "Current": 11.661,
    }  # fmt: skip
    # The time of Asia/Shanghai, which is the zone of the site.
    return {"Time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + 8 * 3600)), "ENERGY": energy}


def _shelly(number: int, now: float) -> object:
    phases = {
        f"{phase}_{what}": value
        for phase in "abc"
        for what, value in (
            ("current", 1.137), ("voltage", 233.1), ("act_power", 142.6 + number % 83), ("aprt_power", 265.0),
            ("pf", 0.54),
        )
    }  # fmt: skip
    totals = {"n_current": None, "total_current": 3.4, "total_act_power": 427.8, "total_aprt_power": number}
    meter: dict[str, object] = {"id": 0, **phases, **totals, "user_calibrated_phase": []}
    return {"src": "shellypro3em-0", "dst": "p/events", "method": "NotifyStatus", "params": {"ts": now, "em:0": meter}}


def _phone(number: int, now: float) -> object:
    return {
        "_type": "location", "lat": 31.2, "lon": 121.0 + number / 1e6, "acc": 12, "alt": 4, "vel": 32, "cog": 270,
        "batt": 83, "bs": 1, "tst": int(now), "tid": "c1", "t": "u", "conn": "m",
    }  # fmt: skip


DIALECTS = (
    Dialect("zigbee2mqtt/plug", "zigbee2mqtt/plug-{:02d}", "{}", _plug, 5, "active_energy_import_total", 1000),
    Dialect("tasmota/energy", "tasmota_{:06X}", "tele/{}/SENSOR", _tasmota, 7, "active_energy_import_total", 1000),
    Dialect("shelly/pro-3em", "shellypro3em-{:02d}", "{}/events/rpc", _shelly, 18, "apparent_power_total", 1),
    Dialect("owntracks/phone", "owntracks/fleet/car-{:02d}", "{}", _phone, 8, "longitude", 1e6, 121.0),
)
"""In turn; each has EACH devices."""


def device_id(dialect: int, place: int) -> str:
    """In the site file."""
    return f"d{dialect}-{place:02d}"


def number_of(reading: Reading) -> int | None:
    """The number of the message that a reading came in, None when it does not tell."""
    dialect = DIALECTS[int(reading.device[1])]
    if reading.point != dialect.marker or reading.value is None:
        return None
    return round((reading.value - dialect.offset) * dialect.scale)


def message(number: int, now: float) -> tuple[str, bytes]:
    """Topic and payload of message ``number``."""
    dialect = DIALECTS[number % len(DIALECTS)]
    place = number // len(DIALECTS) % EACH
    topic = dialect.publishes_on.format(dialect.topic(place))
    return topic, json.dumps(dialect.payload(number, now), separators=(",", ":")).encode()


def readings_of(count: int) -> int:
    """How many readings the messages 1 to ``count`` give."""
    return sum(DIALECTS[number % len(DIALECTS)].points for number in range(1, count + 1))


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT packet with its length in front."""
    length, size = len(body), bytearray()
    while True:
        length, digit = length >> 7, length & 0x7F
        size.append(digit | 0x80 if length else digit)
        if not length:
            return bytes((kind,)) + bytes(size) + body


def text(value: str) -> bytes:
    """A string as MQTT writes it."""
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def publish(port: int, packets: list[bytes]) -> tuple[float, float]:
    """Send them all with WINDOW at most unanswered; returns when the first went out and when the last was answered."""
    with socket.create_connection(("127.0.0.1", port)) as broker:
        broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        broker.sendall(packet(0x10, text("MQTT") + bytes((4, 2, 0, 60)) + text("bench-devices")))
        assert broker.recv(4) == b"\x20\x02\x00\x00", "the broker refuses us"
        began = time.time()
        sent = answered = rest = 0
        while answered < len(packets):
            if sent < min(len(packets), answered + WINDOW):
                upto = min(len(packets), answered + WINDOW)
                broker.sendall(b"".join(packets[sent:upto]))
                sent = upto
            # Each answer is a PUBACK of 4 bytes; nothing else comes.
            taken = rest + len(broker.recv(4096))
            assert taken > rest, "the broker closed the connection"
            answered, rest = answered + taken // 4, taken % 4
        return began, time.time()


def main() -> int:
    parser = argparse.ArgumentParser(prog="far_mqtt")
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("report", type=Path)
    options = parser.parse_args()
    now = time.time()
    packets = []
    for number in range(1, options.count + 1):
        topic, payload = message(number, now - (options.count - number) / 1000)
        packets.append(packet(0x32, text(topic) + struct.pack(">H", number % 0xFFFF + 1) + payload))
    began, ended = publish(options.port, packets)
    half_done = options.report.with_suffix(".part")
    half_done.write_text(json.dumps({"began": began, "ended": ended}), encoding="utf-8")
    os.replace(half_done, options.report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
