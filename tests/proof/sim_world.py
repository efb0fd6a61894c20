"""One simulated day at work: the machines are kept running, the plan is carried out, at the end all is judged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from edge import uplink
from tests.proof.sim_broker import SimBroker
from tests.proof.sim_collector import CLIENT_ID as COLLECTOR_CLIENT
from tests.proof.sim_collector import SimCollector
from tests.proof.sim_gateway import CLIENT_ID as GATEWAY_CLIENT
from tests.proof.sim_gateway import FLUSH_S, SimGateway
from tests.proof.sim_loop import SimLoop, Trace
from tests.proof.sim_plan import REST_S, Plan, Step
from tests.proof.sim_truth import Name, Truth

PROBE_S = 150.0
"""After the last fault something new is stored within this time."""
DRAIN_S = 900.0
"""And everything old within this: what was held back waits for 300 s."""
TICK_S, TICK_QUIET_S = 10.0, 60.0
WINDOW = 32
CLIENTS = {"gateway": GATEWAY_CLIENT, "collector": COLLECTOR_CLIENT}
DIALS_MAX = {GATEWAY_CLIENT: 8_000, COLLECTOR_CLIENT: 42_000}
"""In a day without anybody to talk to: a gateway tries every 30 s, sooner at first, the collector every 2.1 s."""


class World:
    """One day at work."""

    def __init__(self, loop: SimLoop, the_plan: Plan, folder: Path, *, whole: bool) -> None:
        rng = random.Random(f"world {the_plan.seed}")
        self.plan = the_plan
        self.trace = Trace(loop, whole=whole)
        self.truth = Truth()
        self._loop = loop
        self._began = loop.time()
        self.broker = SimBroker(random.Random(rng.random()), self.trace)
        self.gateway = SimGateway(
            folder,
            loop,
            random.Random(rng.random()),
            self.trace,
            self.broker,
            self.truth,
            plan=the_plan,
        )
        self.collector = SimCollector(loop, random.Random(rng.random()), self.trace, self.broker, self.truth)
        self._machines: dict[str, SimGateway | SimCollector] = {"gateway": self.gateway, "collector": self.collector}
        self._away_s = {"gateway": 1.0, "collector": 1.0}
        self._over = False

    async def day(self) -> None:
        keepers = [
            self._loop.create_task(self._keep(name), name=f"keeper of the {name}") for name in ("collector", "gateway")
        ]
        pacing = self._loop.create_task(self._pace(), name="pace")
        pressing = self._loop.create_task(self._press(), name="people")
        for step in self.plan.steps:
            await self._until(step.at_s)
            self._look_at_limits()
            self._take(step)
        await self._until(self.plan.faults_end_s)
        self._calm()
        await self._probe()
        await self._until(self.plan.ends_s - REST_S)
        self.gateway.polls = False
        await asyncio.sleep(3 * FLUSH_S)
        await self._drain()
        await pressing
        self._over = True
        pacing.cancel()
        for machine in (self.gateway, self.collector):
            machine.stop()
        await asyncio.wait(keepers)
        for keeper in keepers:
            keeper.result()
        self._look_at_limits()
        self.truth.close()

    # Machines

    async def _keep(self, name: str) -> None:
        """Starts a machine again whenever it ended, as systemd does."""
        machine = self._machines[name]
        while not self._over:
            self.trace(f"{name} starts")
            await machine.live(machine.life)
            if machine is self.gateway:
                self.gateway.bury()
            if not self._over:
                away_s, self._away_s[name] = self._away_s[name], 1.0
                await asyncio.sleep(away_s)

    def _take(self, step: Step) -> None:
        self.trace(f"-- {step.what} {step.who} {step.value}")
        weather, value, who = self.broker.weather, step.value, step.who
        machine = self._machines.get(who)
        client = CLIENTS.get(who, "")
        if machine is not None and step.what in ("kill", "stop"):
            assert isinstance(value, float)
            self._away_s[who] = value
            if step.what == "kill":
                machine.die("by a kill")
            else:
                machine.stop()
        elif machine is not None and step.what == "kill_at":
            place, _, count = str(value).partition(":")
            machine.armed = (place, int(count))
        elif machine is not None and step.what == "disarm":
            machine.armed = None
        elif machine is not None and step.what == "slow_disk":
            machine.slow_disk = bool(value)
            self.gateway.fine_since_s = self.gateway.clock.uptime_s()
        elif machine is not None and step.what == "clock":
            machine.set_clock(round(float(value) * 1000))
        elif step.what == "reboot":
            offset_s = float(value)
            true_ms = self.gateway.clock.true_ms()
            self.gateway.reboot(-true_ms if offset_s < -1e8 else round(offset_s * 1000))
        elif step.what == "blocked":
            weather.blocked[client] = str(value)
        elif step.what == "cut":
            self.broker.cut(client)
        elif step.what == "silent":
            self.broker.go_silent(client)
        elif step.what == "slow":
            weather.slow_s[client] = float(value)
        elif step.what == "ack_late":
            weather.ack_late, weather.late_s = (0.5 if value else 0.0), float(value)
        elif step.what in ("ack_lost", "up_lost", "doubled"):
            setattr(weather, step.what, float(value))
        elif step.what == "disk_refuses":
            self._disk(bool(value))
        elif step.what == "store_refuses":
            self.collector.store.refuses = "unavailable" if value else ""
        elif step.what == "store_refuses_work":
            self.collector.store.refuses = "work" if value else ""
        elif step.what == "broker_saves":
            self.broker.save()
        elif step.what == "broker_stops":
            if self.broker.is_up:
                self.broker.stop(str(value))
        elif step.what == "broker_starts":
            self.broker.start()
        else:
            raise AssertionError(step)

    def _disk(self, refuses: bool) -> None:
        if not refuses:
            self.gateway.fine_since_s = self.gateway.clock.uptime_s()
        self.gateway.disk_refuses = refuses
        buffer = self.gateway.buffer
        if buffer is not None:
            buffer.refuses = "the disk refuses" if refuses else ""

    # After the last fault

    def _calm(self) -> None:
        self.trace("-- calm")
        self.broker.weather = type(self.broker.weather)()
        if not self.broker.is_up:
            self.broker.start()
        self._disk(False)
        self.collector.store.refuses = ""
        for machine in (self.gateway, self.collector):
            machine.armed = None
            machine.slow_disk = False
            machine.set_clock(0)

    async def _probe(self) -> None:
        """I6: something new makes it round without anybody's help."""
        probe = self.gateway.press()
        await self._wait(lambda: probe in self.truth.rows, PROBE_S)
        if probe not in self.truth.rows:
            self.truth.violated(f"I6: a fresh event is not stored {PROBE_S:g} s after the last fault")

    async def _drain(self) -> None:
        await self._wait(lambda: not self._left(), DRAIN_S)
        if self._left():
            self.truth.violated(f"I6: not everything is stored {DRAIN_S:g} s after the last reading")

    def _left(self) -> set[Name]:
        return self.truth.missing()

    async def _wait(self, condition: Callable[[], bool], within_s: float) -> None:
        ends = self._loop.time() + within_s
        while not condition() and self._loop.time() < ends:
            await asyncio.sleep(1.0)

    def _look_at_limits(self) -> None:
        """I7: nothing grows without end."""
        buffer, uplink_now = self.gateway.buffer, self.gateway.uplink
        if buffer is not None and uplink_now is not None:
            kept, sent = buffer.figures(), uplink_now.figures()
            if kept.used_bytes > kept.max_bytes:
                self.truth.violated(f"I7: the buffer takes {kept.used_bytes} bytes of {kept.max_bytes}")
            if sent.live_in_flight + sent.backlog_in_flight > WINDOW or sent.live_waiting > 4 * WINDOW:
                self.truth.violated(f"I7: {sent}")
        for name in CLIENTS.values():
            if self.broker.dials[name] > DIALS_MAX[name]:
                self.truth.violated(f"I7: {name} connected {self.broker.dials[name]} times")

    async def _press(self) -> None:
        for at_s in self.plan.presses:
            await self._until(at_s)
            self.gateway.press()

    async def _pace(self) -> None:
        """What only looks around does so often in lively spells, and rarely between them."""
        for begin_s, end_s in self.plan.lively:
            await self._until(begin_s)
            uplink.TICK_S = TICK_S
            await self._until(end_s)
            uplink.TICK_S = TICK_QUIET_S

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self._began + at_s - self._loop.time()))
