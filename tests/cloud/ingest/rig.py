"""The ingest path without a broker: messages in by hand, acks out into a list."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cloud.ingest.commit import GroupCommit
from cloud.ingest.contract import AlarmArgs, Committed, CommittedBatch
from cloud.ingest.message import Inbox, Incoming
from cloud.ingest.outbox import AckOutbox
from cloud.ingest.prepare import Preparer
from cloud.store.contract import EventsQuery, GatewayKey, ReadingsQuery, SeriesStore
from cloud.store.duckdb_store import DuckdbStore
from protocols.ack import Ack, parse_ack
from protocols.batch import seal
from protocols.clock import Clock, ManualClock, SystemClock
from protocols.reading import Event, Quality, Reading
from protocols.topics import topic
from tests.waiting import until

KEY = GatewayKey("east", "g1")
AT = ManualClock().now_ms()


class Alarms:
    """Remembers what stands and what ever stood."""

    def __init__(self) -> None:
        self.standing: dict[tuple[str, str], AlarmArgs] = {}
        self.seen: list[str] = []

    def raise_alarm(self, kind: str, source: str, args: AlarmArgs) -> None:
        self.standing[(kind, source)] = args
        self.seen.append(kind)

    def clear_alarm(self, kind: str, source: str) -> None:
        self.standing.pop((kind, source), None)


class Handler:
    """Keeps what it was given; fails when told to."""

    def __init__(self) -> None:
        self.batches: list[CommittedBatch] = []
        self.commits = 0
        self.failing = False

    async def committed(self, committed: Committed) -> None:
        self.commits += 1
        self.batches.extend(committed.batches)
        if self.failing:
            raise RuntimeError("planted")


class Rig:
    """Preparer, group commit and outbox on a real store."""

    def __init__(self, store: SeriesStore, clock: Clock) -> None:
        self.store = store
        self.alarms = Alarms()
        self.handler = Handler()
        self.inbox = Inbox()
        self.released: list[int] = []
        self.acks: list[tuple[str, Ack]] = []
        self.clock = clock
        self.preparer = Preparer(store, clock)
        self.preparer.load()
        self.outbox = AckOutbox(self._publish, clock, lambda _: None)
        handlers = [self.handler]
        self.commit = GroupCommit(self.preparer, store, self.inbox, self.outbox, handlers, self.alarms, clock)
        self._sent = 0

    async def _publish(self, name: str, payload: bytes) -> None:
        self.acks.append((name, parse_ack(payload)))

    def put(self, payload: bytes, key: GatewayKey = KEY) -> int:
        """Hand in a message; its number."""
        self._sent += 1
        number = self._sent
        message = Incoming(
            key, topic(key.site, key.gateway, "up"), payload, self.clock.now_ms(), lambda: self.released.append(number)
        )
        self.inbox.put(message)
        return number

    async def send(self, *payloads: bytes, key: GatewayKey = KEY) -> list[Ack]:
        """Hand in messages and wait until all were answered; the acks that came."""
        before = len(self.acks)
        numbers = [self.put(payload, key) for payload in payloads]
        await until(lambda: all(number in self.released for number in numbers), within_s=20)
        for _ in range(5):
            await asyncio.sleep(0)
        return [ack for _, ack in self.acks[before:]]

    async def stored(self, device: str = "m1", point: str = "active_power_total") -> list[tuple[object, ...]]:
        """(at, value) of a series."""
        ask = ReadingsQuery(site="east", device=device, point=point, from_at=0, to_at=2**52)
        return [row[:2] for row in (await self.store.readings(ask)).rows]

    async def events(self) -> list[tuple[object, ...]]:
        """(at, device, kind) of all events."""
        return [(row[0], row[2], row[3]) for row in (await self.store.events(EventsQuery(from_at=0, to_at=2**52))).rows]

    def counters(self, key: GatewayKey = KEY) -> dict[str, object]:
        number = self.preparer.gateways.find(key)
        assert number is not None
        found = self.preparer.counters.of(number)
        return {name: getattr(found, name) for name in ("stored_batches", "duplicates", "rejected", "held", "refused")}


@asynccontextmanager
async def rig(folder: Path, store: SeriesStore | None = None) -> AsyncIterator[Rig]:
    """A running rig; leaving it closes the store."""
    clock = SystemClock()
    opened = store if store is not None else DuckdbStore(folder, clock)
    opened.open()
    made = Rig(opened, clock)
    tasks = [asyncio.create_task(made.commit.run()), asyncio.create_task(made.outbox.run())]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        opened.close()


def batch(seq: int, values: Sequence[float | None] = (1.0,), *, epoch: str = "e1", gateway: str = "g1",
          events: Sequence[Event] = (), at: int = AT) -> bytes:  # fmt: skip
    """A sealed batch with readings of one series, 10 ms apart from ``at + seq`` seconds on."""
    readings = [
        Reading("m1", "active_power_total", value, at + seq * 1000 + place * 10)
        if value is not None
        else Reading("m1", "active_power_total", None, at + seq * 1000 + place * 10, Quality.BAD, "device_error")
        for place, value in enumerate(values)
    ]
    return seal(epoch, seq, readings, list(events), gateway=gateway, sealed_at=at)
