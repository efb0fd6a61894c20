"""A gateway in a simulated day: buffer, intake, uplink and session as the process wires them, with meters and a door.

The buffer is the real one, its file in memory. A death leaves the file as it is at that instant; a power cut that
loses what was not synced is another method's.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edge.buffer import Change, Chunk, Committed, Opened, Retiming
from edge.buffer_sqlite import SqliteBuffer
from edge.contract import LinkMessage, Will
from edge.intake import Intake
from edge.pipeline import Pipeline
from edge.reporter import Reporter
from edge.retime import Timing
from edge.sealer import sealer
from edge.session import Session
from edge.uplink import Uplink
from protocols.batch import Identity, peek
from protocols.birth import Birth
from protocols.errors import StoreUnavailable, WireLost
from protocols.reading import Event, Reading
from tests.proof.sim_broker import Connection, Message, SimBroker
from tests.proof.sim_loop import Machine, SimClock, Trace
from tests.proof.sim_truth import Made, Name, Truth

SITE, GATEWAY = "east", "g1"
CLIENT_ID = f"dayuan-{SITE}-{GATEWAY}"
UP = f"dayuan/1/{SITE}/{GATEWAY}/up"
POINTS = ("active_power_total", "active_energy_import_total")
POLL_S = 120.0
FLUSH_S = 15.0
CLOSE_S = 120.0


class Press(NamedTuple):
    """A message of the door that it sends again until it is acknowledged."""

    number: int
    tried: bool


class SimLink:
    """`edge.contract.Link` over a connection of the simulated broker."""

    def __init__(self, connection: Connection, machine: Machine, truth: Truth) -> None:
        self._connection = connection
        self._machine = machine
        self._truth = truth
        self._inbox: deque[LinkMessage] = deque()
        self._arrived = asyncio.Event()
        connection.on_message = self._put
        connection.on_lost = lambda _reason: self._arrived.set()

    async def subscribe(self, topic_filter: str) -> None:
        await self._connection.subscribe(topic_filter)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if self._machine.dead:
            raise WireLost("dead")
        if topic == UP:
            self._truth.published(peek(payload), payload)
        await self._connection.publish(topic, payload, retain=retain)

    def messages(self) -> SimLink:
        return self

    def __aiter__(self) -> SimLink:
        return self

    async def __anext__(self) -> LinkMessage:
        while not self._inbox:
            if self._connection.reason:
                raise WireLost(self._connection.reason)
            self._arrived.clear()
            await self._arrived.wait()
        return self._inbox.popleft()

    async def acknowledge(self, message: LinkMessage) -> None:
        if self._connection.reason:
            raise WireLost(self._connection.reason)
        self._connection.acknowledge(message.mid)

    async def close(self) -> None:
        if not self._machine.dead:
            self._connection.close()

    def _put(self, message: Message, mid: int) -> None:
        self._inbox.append(LinkMessage(message.topic, message.payload, 1, mid, message.retain, message.dup))
        self._arrived.set()


class WatchedBuffer(SqliteBuffer):
    """The buffer, with the oracle looking at what is committed and what is deleted."""

    truth: Truth
    refuses = ""

    async def open(self) -> Opened:
        if self.refuses:
            raise StoreUnavailable(self.refuses)
        return await super().open()

    def watched_commit(self, committed: Committed) -> Committed:
        self.truth.committed(committed.batches)
        self.truth.counts["readings retimed"] += sum(batch.readings for batch in committed.batches if committed.retimed)
        return committed

    async def commit(self, change: Change) -> Committed:
        self._deleted(change.release)
        if change.release:
            self.truth.counts["deletions"] += 1
        return self.watched_commit(await super().commit(change))

    async def retime(self, retiming: Retiming, *, sealed_at: int) -> Committed:
        return self.watched_commit(await super().retime(retiming, sealed_at=sealed_at))

    async def read(self, first: int, last: int, *, sealed_at: int) -> Chunk:
        if self.refuses:
            raise StoreUnavailable(self.refuses)
        chunk = await super().read(first, last, sealed_at=sealed_at)
        self.truth.committed(chunk.batches)
        return chunk

    def _deleted(self, release: Sequence[tuple[int, int]]) -> None:
        if self._state is None:
            return
        for first, last in release:
            for place in range(first, last + 1):
                epoch = [each for each in self._state.epochs if each.base < place][-1]
                self.truth.deleted(Identity(epoch.name, place - epoch.base))


class SimGateway(Machine):
    """See the module."""

    def __init__(
        self, folder: Path, loop: asyncio.AbstractEventLoop, rng: random.Random, trace: Trace, broker: SimBroker,
        truth: Truth, *, max_bytes: int,
    ) -> None:  # fmt: skip
        super().__init__("gateway", rng, trace)
        self.clock = SimClock(loop)
        self.truth = truth
        self._folder = folder
        self._folders = 0
        self._broker = broker
        self._max_bytes = max_bytes
        self._boots = 1
        self._connection: Connection | None = None
        self.buffer: WatchedBuffer | None = None
        self._closing = asyncio.Event()
        self.disk_refuses = False
        self.polls = True
        self.number = 0
        self.presses: deque[Press] = deque()
        self.pressed = asyncio.Event()
        self._presses = 0
        self._handed: list[Name] = []
        self._handed_more = asyncio.Event()

    # What the world does to it

    def press(self) -> Name:
        """Somebody presses the button; the door keeps the message until it is acknowledged."""
        self._presses += 1
        name: Name = ("event", "gate", float(self._presses))
        self.truth.make([name], Made(self.clock.true_ms(), self.clock.offset_ms))
        self.presses.append(Press(self._presses, False))
        self.pressed.set()
        return name

    def reboot(self, offset_ms: int) -> None:
        """The computer restarts; its wall clock comes up ``offset_ms`` off."""
        self.die("by a reboot")
        self._boots += 1
        self.clock.boot()
        self.clock.offset_ms = offset_ms

    def stop(self) -> None:
        """Asked to end, as systemd does."""
        self._closing.set()

    def on_death(self) -> None:
        if self._connection is not None:
            self._broker.gone(self._connection)
            self._connection.reason = self._connection.reason or "dead"
        self._keep_file()

    def reach(self, place: str) -> None:
        super().reach(place)
        if place == "before_commit" and self.disk_refuses:
            self.truth.counts["commits refused by the disk"] += 1
            raise StoreUnavailable("the disk refuses")

    # One life

    async def life(self) -> None:
        """From the start of the process to its end."""
        self._closing = asyncio.Event()
        self._handed = []
        buffer = WatchedBuffer(
            self._folder / str(self._folders) / "buffer.db",
            max_bytes=self._max_bytes,
            seal=sealer(GATEWAY),
            clock=self.clock,
            fail_point=self.reach,
        )
        buffer.truth = self.truth
        self.buffer = buffer
        uplink = Uplink(buffer, self.clock, topic=UP, ack_timeout_s=20.0, dead_after_s=120.0, fail_point=self.reach)
        timing = Timing(self.clock, boot=f"boot-{self._boots}")
        intake = Intake(
            buffer=buffer,
            uplink=uplink,
            pipeline=Pipeline([], timing),
            timing=timing,
            clock=self.clock,
            flush_every_s=FLUSH_S,
        )
        reporter = Reporter(
            buffer=buffer, intake=intake, uplink=uplink, timing=timing, clock=self.clock, drivers=[]
        )  # fmt: skip
        session = Session(
            dial=self._dial,
            uplink=uplink,
            buffer=buffer,
            clock=self.clock,
            rng=random.Random(self.rng.random()),
            site=SITE,
            gateway=GATEWAY,
            birth=self._birth,
            report=reporter.report,
            fail_point=self.reach,
        )
        self.uplink, self.session = uplink, session
        await intake.open()
        await self._work(intake, session, buffer)

    async def _work(self, intake: Intake, session: Session, buffer: WatchedBuffer) -> None:
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(intake.run(), name="writer")
            talking = group.create_task(session.run(), name="session")
            feeding = [
                group.create_task(self._poll(intake), name="meters"),
                group.create_task(self._confirm(intake), name="confirm"),
                group.create_task(self._open_door(intake), name="door"),
            ]
            await self._closing.wait()
            for task in (feeding[0], feeding[2]):
                task.cancel()
            await asyncio.wait([feeding[0], feeding[2]])
            intake.close()
            await asyncio.wait([writing], timeout=CLOSE_S)
            if writing.done() and not self.disk_refuses:
                self.truth.promise(self._handed)
            feeding[1].cancel()
            session.close()
            await asyncio.wait([talking], timeout=CLOSE_S)
            for task in (writing, talking):
                task.cancel()
        await buffer.close()
        self.trace("gateway closes")

    async def _poll(self, intake: Intake) -> None:
        while True:
            await self.clock.sleep(POLL_S)
            if not self.polls:
                continue
            self.number += 1
            now = self.clock.now_ms()
            made = Made(self.clock.true_ms(), self.clock.offset_ms)
            readings = [
                Reading(device, point, self.number / 4, now) for device in ("meter-1", "meter-2") for point in POINTS
            ]
            names: list[Name] = [(r.device, r.point, r.value or 0.0) for r in readings]
            self.truth.make(names, made)
            if self.rng.random() < 0.05:
                await self.clock.sleep(self.rng.uniform(0.1, 3.0))
            await intake.readings(readings)
            self._handed += names
            self._handed_more.set()

    async def _confirm(self, intake: Intake) -> None:
        """Whoever waits for the commit is promised something when the wait is over."""
        while True:
            await self._handed_more.wait()
            self._handed_more.clear()
            names, self._handed = self._handed, []
            try:
                await intake.committed()
            except StoreUnavailable:
                continue
            except asyncio.CancelledError:
                self._handed = names + self._handed
                raise
            self.truth.promise(names)

    async def _open_door(self, intake: Intake) -> None:
        while True:
            while not self.presses:
                self.pressed.clear()
                await self.pressed.wait()
            press = self.presses[0]
            self.presses[0] = Press(press.number, True)
            event = Event("gate", "button", self.clock.now_ms(), {"detail": str(press.number)})
            origin = press.number.to_bytes(8, "big")
            try:
                stored = await intake.event(event, origin=origin, redelivered=press.tried)
            except StoreUnavailable:
                await self.clock.sleep(5.0)
                continue
            self.truth.promise([("event", "gate", float(press.number))])
            self.truth.counts["repeated device messages recognised"] += not stored
            if self.rng.random() < 0.1:
                self.truth.counts["device messages repeated"] += 1
                continue  # the acknowledgement is lost: the door sends it again
            self.presses.popleft()

    async def _dial(self, *, client_id: str, will: Will) -> SimLink:
        self._connection = await self._broker.dial(client_id, will, clean=True)
        return SimLink(self._connection, self, self.truth)

    def _birth(self, session: int) -> Birth:
        return Birth(
            site=SITE,
            gateway=GATEWAY,
            name=GATEWAY,
            site_name="",
            time_zone="Asia/Shanghai",
            software="",
            config_hash="",
            session=session,
            started_at=0,
        )

    def _keep_file(self) -> None:
        """The next life finds the file as it is now, whatever the dead process' threads would still do."""
        if self.buffer is None:
            return
        folder = self._folder / str(self._folders)
        self._folders += 1
        copy = self._folder / str(self._folders)
        copy.mkdir(parents=True, exist_ok=True)
        for each in folder.glob("buffer.db*"):
            shutil.copy(each, copy / each.name)

    def bury(self) -> None:
        """Give back what a dead process still holds."""
        buffer, self.buffer = self.buffer, None
        if buffer is not None:
            buffer._disconnect()
            if self.dead:
                shutil.rmtree(self._folder / str(self._folders - 1), ignore_errors=True)
