"""A gateway in a simulated day: buffer, intake, uplink and session as the process wires them, with meters and a door.

The buffer is the real one, its file in memory. A death leaves the file as it is at that instant; a power cut that
loses what was not synced is another method's.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import zlib
from collections import deque
from pathlib import Path
from typing import NamedTuple

from edge.contract import Will
from edge.intake import Intake
from edge.pipeline import Pipeline
from edge.reporter import Reporter
from edge.retime import Timing
from edge.sealer import sealer
from edge.session import Session
from edge.uplink import Uplink
from protocols.birth import Birth
from protocols.errors import StoreUnavailable
from protocols.reading import Event, Reading
from tests.proof.sim_broker import Connection, SimBroker
from tests.proof.sim_edge import GATEWAY, SITE, UP, SimLink, WatchedBuffer
from tests.proof.sim_loop import Machine, SimClock, Trace
from tests.proof.sim_plan import Plan
from tests.proof.sim_truth import Made, Name, Truth

CLIENT_ID = f"dayuan-{SITE}-{GATEWAY}"
POINTS = ("active_power_total", "active_energy_import_total")
FLUSH_S = 30.0
CLOSE_S = 120.0
RISK_S = 2 * FLUSH_S + 5.0


class Press(NamedTuple):
    """A message of the door that it sends again until it is acknowledged."""

    number: int
    tried: bool


class SimGateway(Machine):
    """See the module."""

    def __init__(
        self, folder: Path, loop: asyncio.AbstractEventLoop, rng: random.Random, trace: Trace, broker: SimBroker,
        truth: Truth, *, plan: Plan,
    ) -> None:  # fmt: skip
        super().__init__("gateway", rng, trace)
        self.clock = SimClock(loop)
        self.truth = truth
        self._folder = folder
        self._folders = 0
        self._broker = broker
        self._plan = plan
        self._meters = [f"meter-{number}" for number in range(1, plan.meters + 1)]
        self.uplink: Uplink | None = None
        self.fine_since_s = 0.0
        """Since when the disk takes what it is given at once."""
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
        self.set_clock(offset_ms)

    def set_clock(self, offset_ms: int) -> None:
        """Its wall clock is so far off from now on."""
        self.clock.offset_ms = offset_ms
        self.truth.clock_set(self.clock.true_ms(), offset_ms)

    def stop(self) -> None:
        """Asked to end, as systemd does."""
        self._closing.set()

    def on_death(self) -> None:
        if self._connection is not None:
            self._broker.gone(self._connection)
            self._connection.reason = self._connection.reason or "dead"
        self._keep_file()
        self._look_at_risk()

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
            max_bytes=self._plan.max_bytes,
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
        self.uplink = uplink
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
            await self.clock.sleep(self._plan.poll_s(self.clock.uptime_s()))
            if not self.polls:
                continue
            self.number += 1
            now = self.clock.now_ms()
            made = Made(self.clock.true_ms(), self.clock.offset_ms)
            readings = [
                Reading(device, point, self._value(device, point), now) for device in self._meters for point in POINTS
            ]
            names: list[Name] = [(r.device, r.point, r.value or 0.0) for r in readings]
            self.truth.make(names, made)
            if self.rng.random() < 0.05:
                await self.clock.sleep(self.rng.uniform(0.1, 3.0))
            await intake.readings(readings)
            self._handed += names
            self._handed_more.set()

    def _value(self, device: str, point: str) -> float:
        """Grows with every reading, and its last digits are such that nothing can be made smaller by packing."""
        noise = zlib.crc32(f"{device} {point} {self.number}".encode())
        return self.number + noise / 2**33

    async def _confirm(self, intake: Intake) -> None:
        """Whoever waits for the commit is promised something when the wait is over."""
        while True:
            await self._handed_more.wait()
            self._handed_more.clear()
            names = list(self._handed)
            try:
                await intake.committed()
            except StoreUnavailable:
                del self._handed[: len(names)]
                continue
            del self._handed[: len(names)]
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

    def _look_at_risk(self) -> None:
        """A death takes what is in memory only, and that is not older than the flush interval."""
        now_s = self.clock.uptime_s()
        if self.disk_refuses or self.slow_disk or now_s - self.fine_since_s < RISK_S:
            return
        true_ms = self.clock.true_ms()
        oldest = min((self.truth.made[name].true_ms for name in self._handed), default=true_ms)
        self.truth.counts["readings lost from memory by a death"] += len(self._handed)
        if self.clock.true_ms() - oldest > RISK_S * 1000:
            self.truth.violated(
                f"RAM: readings of {(self.clock.true_ms() - oldest) / 1000:.0f} s ago were in memory only"
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
