"""``dayuan-sim history``: a year of a compound's meters as sealed batches of their gateways' former buffers.

It goes the ordinary way, by the broker into the collector, each batch until its ack: what comes out of the API has
passed every check. The same options make the same bytes, so a second run stores nothing again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from protocols.ack import parse_ack
from protocols.batch import seal
from protocols.clock import Clock
from protocols.errors import BadAck, BadSettings
from protocols.topics import topic
from simulators.energy_structure import structure_of
from simulators.history_readings import Chunk, Column, History, chunks
from simulators.history_truth import truth_of
from simulators.stored import HISTORY_EPOCH
from simulators.wires.mqtt import BrokerAccount, MqttWire
from simulators.world.grid import KNOT_S

DONE, FAILED = 0, 1
BATCH = 6_000
WINDOW = 6
CONNECT_S, ACK_S, GIVE_UP_S = 15.0, 20.0, 120.0
TOLD_EVERY_S = 2.0
LOOK_S = 0.02

Account = Callable[[str], BrokerAccount]


class HistoryOptions(NamedTuple):
    """``account``: how to connect as a gateway. ``folder``: where structure, temperature and truth are written."""

    account: Account
    folder: Path
    window: int = WINDOW


class FormerBuffer:
    """What is left of a gateway's former buffer: batches under an epoch of their own, sent until they are acked."""

    def __init__(self, site: str, gateway: str, epoch: str, wire: MqttWire, clock: Clock, sealed_at: int) -> None:
        self._gateway, self._epoch, self._wire, self._clock, self._sealed_at = gateway, epoch, wire, clock, sealed_at
        self._up = topic(site, gateway, "up")
        self._seq = 0
        self._waiting: dict[int, tuple[bytes, float]] = {}
        self.rejected: list[str] = []

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def send(self, chunk: Chunk) -> None:
        """Seal and publish."""
        self._seq += 1
        payload = seal(self._epoch, self._seq, chunk.readings, [], gateway=self._gateway, sealed_at=self._sealed_at)
        self._waiting[self._seq] = (payload, self._clock.monotonic())
        await self._wire.publish(self._up, payload)

    async def take_acks(self) -> None:
        """Until cancelled."""
        async for message in self._wire.messages():
            try:
                ack = parse_ack(message.payload)
            except BadAck:
                continue
            if ack.epoch != self._epoch:
                continue  # those of the gateway that lives
            for first, last in ack.stored:
                for seq in [seq for seq in self._waiting if first <= seq <= last]:
                    del self._waiting[seq]
            for rejection in ack.rejected:
                if rejection.seq is not None and rejection.seq in self._waiting:
                    del self._waiting[rejection.seq]
                    self.rejected.append(f"{self._gateway}: batch {rejection.seq}: {rejection.reason}")

    async def send_again(self) -> None:
        """What had no ack for too long; a collector that was killed has not stored it."""
        now = self._clock.monotonic()
        for seq, (payload, sent_at) in list(self._waiting.items()):
            if now - sent_at > ACK_S:
                self._waiting[seq] = (payload, now)
                await self._wire.publish(self._up, payload)


async def send_history(history: History, options: HistoryOptions, clock: Clock, out: Callable[[str], None]) -> int:
    """Send all of it; 0 when every batch was acked. Raises BadSettings when the broker cannot be reached."""
    began = clock.monotonic()
    columns = await asyncio.to_thread(lambda: list(history.columns()))
    whole = sum(len(column.at) for column in columns)
    days = len(history.at) * _step_s(history) // 86_400
    out(f"history    {whole:,} readings of {len(history.meters)} meters, {days} days")
    options.folder.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(write_papers, history, options.folder)
    epoch = f"{HISTORY_EPOCH}{_digest(columns)}"
    wires, buffers = {}, {}
    for gateway in sorted({column.gateway for column in columns}):
        ack = topic(history.scenario.site, gateway, "ack")
        wires[gateway] = MqttWire(options.account(gateway), f"dayuan-history-{gateway}", clock, subscribe=(ack,))
        buffers[gateway] = FormerBuffer(history.scenario.site, gateway, epoch, wires[gateway], clock, history.until_ms)
    running = [asyncio.create_task(wire.run(), name=f"connection[{name}]") for name, wire in wires.items()]
    running += [asyncio.create_task(each.take_acks(), name=f"acks[{name}]") for name, each in buffers.items()]
    try:
        await _connected(wires)
        sent = await _send_all(columns, whole, buffers, options.window, clock, out)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    rejected = [each for buffer in buffers.values() for each in buffer.rejected]
    for line in rejected[:5]:
        out(f"dayuan-sim: refused: {line}")
    took = clock.monotonic() - began
    if not sent or rejected:
        out(f"dayuan-sim: the history is not whole: {'batches were refused' if rejected else 'acks are missing'}")
        return FAILED
    out(f"history    stored after {took:.1f} s ({whole / took:,.0f} readings/s); the truth is in {options.folder}")
    return DONE


def write_papers(history: History, folder: Path) -> None:
    """Beside the readings: what is metered where, the outdoor temperature, what is true."""
    structure = structure_of(history.scenario, history.world)
    _write(folder / "structure.json", structure)
    _write(folder / "truth.json", truth_of(history))
    if history.has_weather:
        at, warm = history.outdoor()
        rows = "".join(f"{when},{value:.1f}\n" for when, value in zip(at.tolist(), warm.tolist(), strict=True))
        (folder / "temperature.csv").write_text("at,temperature_c\n" + rows, encoding="utf-8")


async def _send_all(
    columns: Sequence[Column],
    whole: int,
    buffers: Mapping[str, FormerBuffer],
    window: int,
    clock: Clock,
    out: Callable[[str], None],
) -> bool:
    done, told_at = 0, clock.monotonic()
    parts = chunks(columns, BATCH)
    while (chunk := await asyncio.to_thread(next, parts, None)) is not None:
        if not await _room(buffers[chunk.gateway], window - 1, clock):
            return False
        await buffers[chunk.gateway].send(chunk)
        done += len(chunk.readings)
        if clock.monotonic() - told_at > TOLD_EVERY_S:
            told_at = clock.monotonic()
            out(f"history    {done / whole:4.0%}  {done:,} readings")
    return all([await _room(buffer, 0, clock) for buffer in buffers.values()])


async def _room(buffer: FormerBuffer, most: int, clock: Clock) -> bool:
    """Wait until at most so many batches wait for their ack; False when none comes for too long."""
    last, changed_at = buffer.waiting, clock.monotonic()
    while buffer.waiting > most:
        await clock.sleep(LOOK_S)
        await buffer.send_again()
        if buffer.waiting != last:
            last, changed_at = buffer.waiting, clock.monotonic()
        if clock.monotonic() - changed_at > GIVE_UP_S:
            return False
    return True


async def _connected(wires: Mapping[str, MqttWire]) -> None:
    try:
        async with asyncio.timeout(CONNECT_S):
            for wire in wires.values():
                await wire.wait_connected()
    except TimeoutError:
        raise BadSettings(
            f"not connected within {CONNECT_S:g} s; is a broker there, and are user name and password right?",
            file="command line",
            key="--broker",
        ) from None


def _digest(columns: Sequence[Column]) -> str:
    """Of the content: other readings have another epoch."""
    digest = blake2b(digest_size=6)
    for column in columns:
        digest.update(f"{column.device}/{column.point}/{column.gateway}".encode())
        digest.update(column.at.tobytes())
        digest.update(column.value.tobytes())
    return digest.hexdigest()


def _step_s(history: History) -> int:
    return int(history.at[1] - history.at[0]) // 1000 if len(history.at) > 1 else KNOT_S


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
