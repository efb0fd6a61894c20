"""Gateways of which everything is known: what they sealed, and what they were told. They keep what was not acked."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from protocols.ack import parse_ack
from protocols.batch import digest, seal
from protocols.clock import Clock
from protocols.reading import Event, Reading
from protocols.topics import topic
from simulators.wires.mqtt import BrokerAccount, MqttWire
from tests.proof.oracle import SALT, salt

SITE = "group"
DEVICES, POINTS = 2, ("active_power_total", "frequency")
INSTANTS = 5
WINDOW = 8
PATIENCE_S = 3.0
SEAL_EVERY_S = (0.2, 0.6)
TWICE = 0.1
"""So often a batch is published twice at once, as after a PUBACK that was lost."""


class Sealed(NamedTuple):
    payload: bytes
    first_at: float
    last_at: float


@dataclass
class Truth:
    """What all gateways sealed. ``readings``: (device, point, at) -> value; ``events``: (device, at)."""

    digests: dict[tuple[str, str, int], str] = field(default_factory=dict)
    readings: dict[tuple[str, str, int], float] = field(default_factory=dict)
    events: set[tuple[str, int]] = field(default_factory=set)
    acked: set[tuple[str, str, int]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def gateway_of(number: int) -> str:
    """Its id."""
    return f"g{number:02d}"


class OwnedGateway:
    """One gateway with devices of its own. ``run`` until ``stop`` and everything is acked."""

    def __init__(self, number: int, account: BrokerAccount, clock: Clock, truth: Truth, rng: random.Random) -> None:
        self.name = gateway_of(number)
        self._clock, self._truth, self._rng = clock, truth, rng
        self._epoch = f"e{number}"
        self._seq = self._n = 0
        self._at = clock.now_ms()
        self._waiting: dict[int, Sealed] = {}
        self._up = topic(SITE, self.name, "up")
        self.wire = MqttWire(
            account, f"owned-{self.name}", clock, subscribe=(topic(SITE, self.name, "ack"),), inflight_max=4 * WINDOW
        )
        self.sealing = True

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.wire.run(), name=f"wire[{self.name}]")
            tasks.create_task(self._acks(), name=f"acks[{self.name}]")
            await self.wire.wait_connected()
            while True:
                if self.sealing and len(self._waiting) < WINDOW:
                    seq = self._seal()
                    again = 2 if self._rng.random() < TWICE else 1
                    for _ in range(again):
                        tasks.create_task(self.wire.publish(self._up, self._waiting[seq].payload), name=f"up[{seq}]")
                now = self._clock.monotonic()
                for seq, sealed in list(self._waiting.items()):
                    if now - sealed.last_at > PATIENCE_S:
                        self._waiting[seq] = sealed._replace(last_at=now)
                        self._truth.counts["sent again"] += 1
                        tasks.create_task(self.wire.publish(self._up, sealed.payload), name=f"again[{seq}]")
                await self._clock.sleep(self._rng.uniform(*SEAL_EVERY_S))

    def _seal(self) -> int:
        self._seq += 1
        self._at = max(self._at + 1, self._clock.now_ms())
        readings = []
        for _ in range(INSTANTS):
            self._n += 1
            self._at += 1
            for device in range(DEVICES):
                name = f"{self.name}-m{device}"
                for point in POINTS:
                    value = float(self._n * SALT + salt(name, point))
                    readings.append(Reading(name, point, value, self._at))
                    self._truth.readings[name, point, self._at] = value
        events = []
        if self._seq % 4 == 0:
            events = [Event(f"{self.name}-m0", "button", self._at)]
            self._truth.events.add((f"{self.name}-m0", self._at))
        payload = seal(self._epoch, self._seq, readings, events, gateway=self.name, sealed_at=self._clock.now_ms())
        self._truth.digests[self.name, self._epoch, self._seq] = digest(payload)
        now = self._clock.monotonic()
        self._waiting[self._seq] = Sealed(payload, now, now)
        return self._seq

    async def _acks(self) -> None:
        async for message in self.wire.messages():
            ack = parse_ack(message.payload)
            for rejection in ack.rejected:
                self._truth.wrong.append(f"{self.name}: {rejection.seq} was refused: {rejection.reason}")
            for first, last in ack.stored:
                for seq in range(first, last + 1):
                    self._truth.counts["acks"] += 1
                    if seq > self._seq:
                        self._truth.wrong.append(f"{self.name} was acked {seq}, which it never sealed")
                    if self._waiting.pop(seq, None) is not None:
                        self._truth.acked.add((self.name, self._epoch, seq))
