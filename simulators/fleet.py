"""``dayuan-sim fleet``: pretend gateways that seal, publish and await acks as real ones do, to load a collector."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from protocols.ack import parse_ack
from protocols.alive import stop_if_cancelled
from protocols.batch import seal
from protocols.clock import Clock
from protocols.errors import BadAck, BadSettings
from protocols.mqtt_url import parse_mqtt_url
from protocols.reading import Reading
from protocols.topics import topic
from simulators.fleet_watch import Watch
from simulators.wires.mqtt import BrokerAccount, MqttWire

DONE, FAILED = 0, 1
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
CONNECT_S = 15.0
CONNECT_EACH_S = 0.05


class FleetOptions(NamedTuple):
    """``rate``: readings a second of each gateway, 0: as fast as its window lets it."""

    broker: str
    username: str | None
    password_file: Path | None
    site: str
    gateways: int
    rate: float
    batch: int
    window: int
    for_s: float
    ramp_s: float = 0.0
    """Gateways connect and begin one after the other within so long."""
    watch: Watch = Watch()
    """Whose CPU time, memory and disk are told beside."""
    out: Path | None = None
    """A file for the figures as JSON."""


@dataclass
class Figures:
    """What all gateways together have seen. Latency is from the first publish of a batch to its ack."""

    sent: int = 0
    acked: int = 0
    resent: int = 0
    rejected: int = 0
    readings: int = 0
    latencies_s: list[float] = field(default_factory=list)


class _Sent(NamedTuple):
    payload: bytes
    first_at: float
    last_at: float
    readings: int


class PretendGateway:
    """One gateway without devices: its readings are a random walk."""

    def __init__(self, name: str, wire: MqttWire, options: FleetOptions, clock: Clock, figures: Figures) -> None:
        self._name, self._wire, self._options, self._clock, self._figures = name, wire, options, clock, figures
        self._up = topic(options.site, name, "up")
        self._epoch = secrets.token_hex(4)
        self._seq = 0
        self._waiting: OrderedDict[int, _Sent] = OrderedDict()
        self._room = asyncio.Event()
        self._rng = random.Random(name)
        self._values = [self._rng.uniform(100, 9_000) for _ in range(DEVICES * len(POINTS))]
        self._last_at_ms = 0
        self._publishing: set[asyncio.Task[None]] = set()

    async def run(self, until: float) -> None:
        """Send until the instant ``until``, then wait for the acks that are owed."""
        acks = asyncio.create_task(self._take_acks(), name=f"acks[{self._name}]")
        again = asyncio.create_task(self._send_again(), name=f"resend[{self._name}]")
        try:
            await self._send(until)
            deadline = self._clock.monotonic() + LAST_ACKS_S
            while self._waiting and self._clock.monotonic() < deadline:
                await self._clock.sleep(0.05)
        finally:
            # What was acked needs no confirmation of the broker's any more, which it may owe for long.
            ending = [acks, again, *self._publishing]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _send(self, until: float) -> None:
        next_at = self._clock.monotonic()
        while self._clock.monotonic() < until:
            while len(self._waiting) >= self._options.window:
                self._room.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.01, until - self._clock.monotonic())):
                        await self._room.wait()
                if self._clock.monotonic() >= until:
                    return
            self._seq += 1
            payload = self._seal()
            now = self._clock.monotonic()
            self._waiting[self._seq] = _Sent(payload, now, now, self._options.batch)
            self._figures.sent += 1
            publishing = asyncio.create_task(self._wire.publish(self._up, payload), name=f"publish[{self._name}]")
            self._publishing.add(publishing)
            publishing.add_done_callback(self._publishing.discard)
            if self._options.rate > 0:
                next_at += self._options.batch / self._options.rate
                await self._clock.sleep_until(min(next_at, until))
            else:
                await self._clock.sleep(0)

    def _seal(self) -> bytes:
        at = max(self._clock.now_ms(), self._last_at_ms + 1)
        readings: list[Reading] = []
        whole = len(self._values)
        for number in range(self._options.batch):
            place = number % whole
            if number and place == 0:
                at += 1
            self._values[place] += self._rng.uniform(-1, 1)
            device, point = divmod(place, len(POINTS))
            readings.append(Reading(f"meter-{device}", POINTS[point], round(self._values[place], 2), at))
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
            self._room.set()

    def _acked(self, sent: _Sent, now: float) -> None:
        self._figures.acked += 1
        self._figures.readings += sent.readings
        self._figures.latencies_s.append(now - sent.first_at)

    async def _send_again(self) -> None:
        while True:
            await self._clock.sleep(1.0)
            now = self._clock.monotonic()
            for seq, sent in list(self._waiting.items()):
                if now - sent.last_at > ACK_TIMEOUT_S and seq in self._waiting:
                    self._waiting[seq] = sent._replace(last_at=now)
                    self._figures.resent += 1
                    await self._wire.publish(self._up, sent.payload)
                    stop_if_cancelled()


async def run_fleet(options: FleetOptions, clock: Clock, *, as_json: bool, out: Callable[[str], None]) -> int:
    """Load a collector through its broker; prints the figures. 0 only when every batch sent was acked."""
    account = _account(options)
    figures = Figures()
    wires: list[tuple[str, MqttWire]] = []
    for number in range(options.gateways):
        name = f"fleet-{number:04d}"
        ack_topic = topic(options.site, name, "ack")
        window = options.window
        wires.append((name, MqttWire(account, f"dayuan-{name}", clock, subscribe=(ack_topic,), inflight_max=window)))
    running: list[asyncio.Task[None]] = []
    try:
        began = clock.monotonic()
        for number, (name, wire) in enumerate(wires):
            await clock.sleep_until(began + options.ramp_s * number / len(wires))
            running.append(asyncio.create_task(wire.run(), name=f"connection[{name}]"))
        await _all_connected([wire for _, wire in wires], options)
        connected_s = clock.monotonic() - began
        options.watch.begin()
        started = clock.monotonic()
        until = started + options.for_s
        gateways = [PretendGateway(name, wire, options, clock, figures) for name, wire in wires]
        async with asyncio.TaskGroup() as group:
            for (name, _), gateway in zip(wires, gateways, strict=True):
                group.create_task(gateway.run(until), name=f"gateway[{name}]")
        lasted_s = clock.monotonic() - started
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    told = _told(figures, lasted_s) | {"gateways": options.gateways, "connected_s": round(connected_s, 2)}
    told |= _cost(options.watch, figures)
    if options.out is not None:
        options.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    for line in [json.dumps(told)] if as_json else _table(told):
        out(line)
    return DONE if figures.acked == figures.sent and figures.sent else FAILED


def _account(options: FleetOptions) -> BrokerAccount:
    try:
        url = parse_mqtt_url(options.broker)
    except ValueError as error:
        raise BadSettings(str(error), file="command line", key="--broker") from None
    return BrokerAccount(
        host=url.host, port=url.port, username=options.username or "", password_file=options.password_file
    )


async def _all_connected(wires: list[MqttWire], options: FleetOptions) -> None:
    within_s = CONNECT_S + len(wires) * CONNECT_EACH_S
    try:
        async with asyncio.timeout(within_s):
            for wire in wires:
                await wire.wait_connected()
    except TimeoutError:
        raise BadSettings(
            f"not connected within {within_s:g} s; is a broker there, and are user name and password right?",
            file="command line",
            key=f"--broker {options.broker}",
        ) from None


def _told(figures: Figures, lasted_s: float) -> dict[str, float]:
    ordered = sorted(figures.latencies_s)

    def share(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000, 1) if ordered else 0.0

    return {
        "sent_batches": figures.sent,
        "acked_batches": figures.acked,
        "resent_batches": figures.resent,
        "rejected_batches": figures.rejected,
        "acked_readings_per_s": round(figures.readings / lasted_s),
        "acked_batches_per_s": round(figures.acked / lasted_s, 1),
        "ack_ms_p50": share(0.50),
        "ack_ms_p95": share(0.95),
        "ack_ms_p99": share(0.99),
        "seconds": round(lasted_s, 1),
    }


def _cost(watch: Watch, figures: Figures) -> dict[str, float]:
    """Of those who are watched: CPU seconds for a million acked readings, memory, bytes of disk for each reading."""
    told: dict[str, float] = {}
    readings = max(1, figures.readings)
    for name, spent in watch.spent().items():
        told[f"{name}_cpu_s_per_million"] = round(spent.cpu_s / readings * 1e6, 2)
        told[f"{name}_rss_mib"] = round(spent.rss_bytes / 2**20, 1)
    for name, grown in watch.grown().items():
        told[f"{name}_disk_bytes_per_reading"] = round(grown / readings, 2)
    return told


def _table(told: dict[str, float]) -> list[str]:
    width = max(22, *(len(name) for name in told))
    return [f"{name.replace('_', ' '):{width}} {value}" for name, value in told.items()]
