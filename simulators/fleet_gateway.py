"""One pretend gateway of a fleet: seals, publishes and awaits acks as a real one does; its readings walk at random."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from protocols.ack import parse_ack
from protocols.alive import stop_if_cancelled
from protocols.batch import seal
from protocols.birth import Birth, DeviceBirth, PointBirth, encode_birth
from protocols.clock import Clock
from protocols.errors import BadAck
from protocols.points import point_word
from protocols.reading import Reading
from protocols.status import Status, encode_status
from protocols.topics import topic
from simulators.wires.mqtt import MqttWire

DEVICES = 20
POINTS = (
    "active_power_total",
    "active_energy_import_total",
    "voltage_l1_n",
    "current_l1",
    "frequency",
)
ACK_TIMEOUT_S = 10.0
LAST_ACKS_S = 20.0
STATUS_EVERY_S = 30.0
FIRST_IN_FLIGHT = 4
"""A link begins with so many batches and doubles with each ack, as a gateway's does."""
BACKLOG_MAX = 20_000
"""Batches of one gateway; beyond it sealing waits."""


class Load(NamedTuple):
    """What one gateway sends. ``rate``: readings a second, 0: as fast as its window lets it. ``batch``: readings."""

    rate: float
    batch: int
    window: int
    births: bool = False
    """Whether it tells a birth and statuses, too."""


@dataclass
class Figures:
    """What all gateways together have seen. Latency is from the first publish of a batch to its ack."""

    sent: int = 0
    acked: int = 0
    resent: int = 0
    rejected: int = 0
    readings: int = 0
    births: int = 0
    statuses: int = 0
    latencies_s: list[float] = field(default_factory=list)


class _Sent(NamedTuple):
    seq: int
    payload: bytes
    readings: int
    first_at: float
    """When it was published first; 0 before that."""
    last_at: float


class PretendGateway:
    """One gateway without devices. ``connected`` and ``lost`` are told by its wire."""

    def __init__(self, name: str, wire: MqttWire, site: str, load: Load, clock: Clock, figures: Figures) -> None:
        self._name, self._wire, self._site, self._load = name, wire, site, load
        self._clock, self._figures = clock, figures
        self._up = topic(site, name, "up")
        self._epoch = secrets.token_hex(4)
        self._seq = self._session = 0
        self._backlog: deque[_Sent] = deque()
        self._waiting: OrderedDict[int, _Sent] = OrderedDict()
        self._moved = asyncio.Event()
        """Something was sealed or acked, or the link is there again."""
        self._allowed = load.window
        self._rng = random.Random(name)
        self._values = [self._rng.uniform(100, 9_000) for _ in range(DEVICES * len(POINTS))]
        self._last_at_ms = 0
        self._publishing: set[asyncio.Task[None]] = set()
        self.connected_at = 0.0
        """Monotonic, of the last time; 0 while it is away."""
        self.acked_at = 0.0
        """When the first ack since then came."""

    @property
    def owed(self) -> int:
        """Batches without an ack, on their way or not."""
        return len(self._backlog) + len(self._waiting)

    def connected(self) -> None:
        """The link is there: what was on its way before is sent again, from few to many."""
        self._session += 1
        self.connected_at, self.acked_at = self._clock.monotonic(), 0.0
        if self._session > 1:
            self._figures.resent += len(self._waiting)
            self._allowed = min(FIRST_IN_FLIGHT, self._load.window)
            self._backlog.extendleft(reversed(self._waiting.values()))
            self._waiting.clear()
        if self._load.births:
            self._tell("birth", encode_birth(self._birth()))
            self._status()
            self._figures.births += 1
        self._moved.set()

    def lost(self) -> None:
        """The link is away."""
        self.connected_at = self.acked_at = 0.0
        for task in self._publishing:
            task.cancel()

    async def run(self, until: float) -> None:
        """Seal until the instant ``until``, then wait for the acks that are owed."""
        parts = [
            asyncio.create_task(work, name=f"{name}[{self._name}]")
            for name, work in (("acks", self._take_acks()), ("again", self._send_again()), ("send", self._send()))
        ]
        if self._load.births:
            parts.append(asyncio.create_task(self._statuses(), name=f"status[{self._name}]"))
        try:
            await self._seal_until(until)
            deadline = self._clock.monotonic() + LAST_ACKS_S
            while self.owed and self._clock.monotonic() < deadline:
                await self._clock.sleep(0.05)
        finally:
            # What was acked needs no confirmation of the broker's any more, which it may owe for long.
            ending = [*parts, *self._publishing]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _seal_until(self, until: float) -> None:
        load, next_at = self._load, self._clock.monotonic()
        while self._clock.monotonic() < until:
            most = BACKLOG_MAX if load.rate > 0 else load.window
            while self.owed >= most:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.01, until - self._clock.monotonic())):
                        self._moved.clear()
                        await self._moved.wait()
                if self._clock.monotonic() >= until:
                    return
            self._seq += 1
            self._backlog.append(_Sent(self._seq, self._seal(), load.batch, 0.0, 0.0))
            self._pass_on()
            self._figures.sent += 1
            if load.rate > 0:
                next_at += load.batch / load.rate
                await self._clock.sleep_until(min(next_at, until))
            else:
                await self._clock.sleep(0)

    async def _send(self) -> None:
        """What waits goes out whenever there is room."""
        while True:
            self._pass_on()
            self._moved.clear()
            await self._moved.wait()

    def _pass_on(self) -> None:
        while self._backlog and len(self._waiting) < self._allowed and self._wire.connected:
            sent, now = self._backlog.popleft(), self._clock.monotonic()
            self._waiting[sent.seq] = sent._replace(first_at=sent.first_at or now, last_at=now)
            self._tell("up", sent.payload)

    def _tell(self, channel: str, payload: bytes) -> None:
        where, retain = topic(self._site, self._name, channel), channel == "birth"
        publishing = asyncio.create_task(self._wire.publish(where, payload, retain=retain), name=f"to[{where}]")
        self._publishing.add(publishing)
        publishing.add_done_callback(self._publishing.discard)

    def _seal(self) -> bytes:
        at = max(self._clock.now_ms(), self._last_at_ms + 1)
        readings: list[Reading] = []
        whole = len(self._values)
        for number in range(self._load.batch):
            place = number % whole
            if number and place == 0:
                at += 1
            self._values[place] += self._rng.uniform(-1, 1)
            device, point = divmod(place, len(POINTS))
            readings.append(Reading(f"{self._name}-m{device}", POINTS[point], round(self._values[place], 2), at))
        self._last_at_ms = at
        return seal(self._epoch, self._seq, readings, [], gateway=self._name, sealed_at=self._clock.now_ms())

    async def _take_acks(self) -> None:
        async for message in self._wire.messages():
            try:
                ack = parse_ack(message.payload)
            except BadAck:
                continue
            now = self._clock.monotonic()
            for rejection in ack.rejected:
                if rejection.seq is not None and rejection.seq in self._waiting:
                    del self._waiting[rejection.seq]
                    self._figures.rejected += 1
            if ack.epoch == self._epoch:
                for first, last in ack.stored:
                    for seq in [seq for seq in self._waiting if first <= seq <= last]:
                        self._acked(self._waiting.pop(seq), now)
            self._moved.set()

    def _acked(self, sent: _Sent, now: float) -> None:
        self._figures.acked += 1
        self._figures.readings += sent.readings
        self._figures.latencies_s.append(now - sent.first_at)
        self._allowed = min(self._load.window, 2 * self._allowed)
        if self.connected_at and not self.acked_at:
            self.acked_at = now

    async def _send_again(self) -> None:
        while True:
            await self._clock.sleep(1.0)
            now = self._clock.monotonic()
            for seq, sent in list(self._waiting.items()):
                if now - sent.last_at > ACK_TIMEOUT_S and seq in self._waiting and self._wire.connected:
                    self._waiting[seq] = sent._replace(last_at=now)
                    self._figures.resent += 1
                    await self._wire.publish(self._up, sent.payload)
                    stop_if_cancelled()

    async def _statuses(self) -> None:
        while True:
            await self._clock.sleep(STATUS_EVERY_S)
            if self._wire.connected:
                self._status()

    def _status(self) -> None:
        self._figures.statuses += 1
        self._tell("status", encode_status(Status(state="online", session=self._session, at=self._clock.now_ms())))

    def _birth(self) -> Birth:
        every_s = len(self._values) / self._load.rate if self._load.rate else 1.0
        points = [PointBirth(name, point_word(name).unit, point_word(name).kind, 3 * every_s + 30.0) for name in POINTS]
        return Birth(
            site=self._site,
            gateway=self._name,
            name=self._name,
            site_name=self._site,
            time_zone="UTC",
            software="pretend",
            config_hash="",
            session=self._session,
            started_at=self._clock.now_ms(),
            devices=[
                DeviceBirth(f"{self._name}-m{number}", f"meter {number}", "meter", "pretend", "", every_s, 60.0, points)
                for number in range(DEVICES)
            ],
        )
