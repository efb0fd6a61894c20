"""The other end of a gateway's uplink, which counts values: ``python -m tests.bench.platform_end PORT COUNTS``.

Speaks to both: our batches are opened, counted and acked; ThingsBoard's v1/gateway/telemetry is counted value by value.
COUNTS gets a JSON object every 0.2 s: the time, values and messages (uplink packets) since the start, the bytes of
their payloads, devices seen, and when the last value came.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from protocols.ack import Ack, encode_ack
from protocols.batch import open_batch

EVERY_S = 0.2
ASKED = "v1/devices/me/rpc/request/+"
ATTRIBUTES = "v1/devices/me/attributes/request/+"
LIMITS = b'{"maxPayloadSize":65536,"maxInflightMessages":1000,"rateLimits":{},"gatewayRateLimits":{}}'
"""What the platform answers to getSessionLimits: none. Without an answer ThingsBoard's gateway sends nothing."""


class Counts:
    """What has arrived."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._next = self.last = 0.0
        self.values = self.messages = self.bytes = 0
        self.devices: set[str] = set()

    def ours(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        """A batch: count its readings and ack it."""
        batch = open_batch(bytes(message.payload))
        identity = batch.identity
        client.publish(
            message.topic.removesuffix("up") + "ack",
            encode_ack(Ack(identity.epoch, stored=[(identity.seq, identity.seq)])),
            qos=0,
        )
        self.devices.update(device for device, _ in batch.series)
        self._add(batch.count, len(message.payload))

    def theirs(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        """{"device": [{"ts": ..., "values": {...}}, ...]}."""
        values = 0
        for device, entries in msgspec.json.decode(message.payload).items():
            self.devices.add(device)
            values += sum(len(entry.get("values", entry)) for entry in entries)
        self._add(values, len(message.payload))

    def asked(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        """A question of ThingsBoard's gateway to its platform: what its limits are, which attributes it has."""
        answer = LIMITS if "/rpc/" in message.topic else b"{}"
        client.publish(message.topic.replace("/request/", "/response/"), answer, qos=1)

    def _add(self, values: int, size: int) -> None:
        self.values += values
        self.messages += 1
        self.bytes += size
        self.last = time.time()

    def write(self) -> None:
        """Now and then, to the file."""
        now = time.time()
        if now < self._next:
            return
        self._next = now + EVERY_S
        row = {
            "time": now, "values": self.values, "messages": self.messages, "devices": len(self.devices),
            "bytes": self.bytes, "last": self.last,
        }  # fmt: skip
        half_done = self._file.with_suffix(".part")
        half_done.write_text(json.dumps(row), encoding="utf-8")
        os.replace(half_done, self._file)


def main() -> int:
    parser = argparse.ArgumentParser(prog="platform_end")
    parser.add_argument("port", type=int)
    parser.add_argument("counts", type=Path)
    options = parser.parse_args()
    counts = Counts(options.counts)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-platform")
    client.message_callback_add("dayuan/1/+/+/up", counts.ours)
    client.message_callback_add("v1/gateway/telemetry", counts.theirs)
    for question in (ASKED, ATTRIBUTES):
        client.message_callback_add(question, counts.asked)
    topics = ("dayuan/1/+/+/up", "v1/gateway/telemetry", ASKED, ATTRIBUTES)
    client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
    client.connect("127.0.0.1", options.port)
    while True:
        client.loop(EVERY_S)
        counts.write()


if __name__ == "__main__":
    sys.exit(main())
