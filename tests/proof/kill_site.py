"""What the kills happen to: three gateways, their brokers and a collector, each a process; meters and tags that are
never faulted live in this one, with the oracle.

Gateways "a" and "b" hear their tag over a broker that is never killed, "c" over the one that is. Whatever ends is
started again, the next named fail point armed until each was met.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import struct
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from cloud.store.failpoint import EXIT_CODE
from protocols.clock import SystemClock
from protocols.modbus.limits import possible_range
from protocols.points import VOCABULARY
from simulators.accounts import collector_account, gateway_account
from simulators.broker import Account, Broker, write_private
from simulators.child import Child
from simulators.desk import GatewayDesk, add_token
from simulators.free_port import free_port
from simulators.site_files import cloud_file
from simulators.stored import CollectorApi
from simulators.wires.mqtt import MqttWire
from tests.proof.kill_files import METER_ROW, PROFILE, SITE_FILE, left_in_buffer
from tests.proof.oracle import N_MAX, SALT, Life, Oracle, Tap

SITE = "proof"
GATEWAYS = ("a", "b", "c")
BROKER, COLLECTOR = "broker", "collector"
POINTS = tuple(
    word.name for word in VOCABULARY.values() if word.kind == "gauge" and possible_range(word)[1] > N_MAX * SALT + SALT
)
TIMEOUT_S = 5.0
TAP_S = (0.05, 0.6)
DOWN_S = (0.02, 0.7)
SILENT_S = 30.0
"""An armed process that has not met its fail point after so long is fair game."""
ARMED_SHARE = 0.7
FRESH = ("mid_migration", "mid_registry_migration")
"""Passed only when the collector's folder is new."""
BUSY = 6
KILLED = frozenset({-9, EXIT_CODE})


class Site:
    """One site in one folder. ``points_left``: fail points that the gateways and the collector are to meet."""

    def __init__(self, root: Path, rng: random.Random, *, meters: int, every: str, flush: str) -> None:
        self.root, self.rng = root, rng
        self.clock = SystemClock()
        self._meters, self._every, self._flush = meters, every, flush
        self.secret = secrets.token_bytes(32)
        self.oracle = Oracle(self.secret)
        self.points_left: dict[str, deque[str]] = {"gateway": deque(), COLLECTOR: deque()}
        self.unmet: list[str] = []
        self.children: dict[str, Child] = {}
        self.armed: dict[str, str] = {}
        self.started_at: dict[str, int] = {}
        self.heard: dict[str, int] = {}
        self.polite: set[str] = set()
        self.struck: set[str] = set()
        self.brokers: dict[str, Broker] = {}
        self.halted = self.ending = self.hurry = False
        self.down_s = DOWN_S
        self._tasks: list[asyncio.Task[None]] = []
        self._servers: list[asyncio.Server] = []
        self._tapping = asyncio.Event()
        self.numbers = dict.fromkeys(GATEWAYS, 0)

    @property
    def names(self) -> tuple[str, ...]:
        return (*GATEWAYS, BROKER, COLLECTOR)

    @staticmethod
    def kind(name: str) -> str:
        """What kind of process it is; fail points are met by one of a kind."""
        return "gateway" if name in GATEWAYS else name

    def now(self) -> int:
        return self.clock.now_ms()

    # Starting

    async def start(self) -> None:
        """Everything runs; returns when the first values have come."""
        write_private(self.root / "card.key", self.secret.hex() + "\n")
        profile = self.root / "profiles" / "proof" / "meter.toml"
        rows = [f'{name} = {{ at = {place * 2}, type = "float32" }}' for place, name in enumerate(POINTS)]
        write_private(profile, PROFILE + "\n".join(rows) + "\n")
        self.brokers = {name: self._broker(name) for name in (BROKER, "devices")}
        for broker in self.brokers.values():
            broker.prepare()
        await self.brokers["devices"].start(self.clock)
        for gateway in GATEWAYS:
            await self._write_gateway(gateway)
        self.http = free_port()
        text = cloud_file(
            data=self.root / COLLECTOR, account=self.brokers[BROKER].account(COLLECTOR), listen=f"127.0.0.1:{self.http}"
        )
        write_private(self.root / "cloud.toml", text)
        self.up = MqttWire(
            self.brokers[BROKER].account("oracle"), "oracle", self.clock,
            subscribe=tuple(f"dayuan/1/{SITE}/+/{channel}" for channel in ("up", "ack")),
        )  # fmt: skip
        self.devices = MqttWire(self.brokers["devices"].account("oracle"), "oracle-devices", self.clock)
        for name in self.names:
            self._task(self._fate(name), f"fate[{name}]")
        for wire in (self.up, self.devices):
            self._task(wire.run(), "wire")
        self._task(self._watch(), "watch")
        for gateway in GATEWAYS:
            self._task(self._hold_cards(gateway), f"tags[{gateway}]")

    def _task(self, coroutine: object, name: str) -> None:
        self._tasks.append(asyncio.create_task(coroutine, name=name))  # type: ignore[arg-type]  # a coroutine

    def _broker(self, name: str) -> Broker:
        tags = tuple(f"tags/{gateway}" for gateway in GATEWAYS if (gateway == "c") is (name == BROKER))
        accounts = [gateway_account(SITE, gateway, tags) for gateway in GATEWAYS]
        watched = tuple(f"dayuan/1/+/+/{channel}" for channel in ("up", "ack"))
        oracle = Account("oracle", publish=("tags/#",), subscribe=watched)
        return Broker(self.root / name, port=free_port(), accounts=(*accounts, collector_account(), oracle))

    async def _write_gateway(self, gateway: str) -> None:
        (self.root / gateway).mkdir(mode=0o700)
        for unit in range(1, self._meters + 1):
            self.oracle.add_meter(f"{gateway}-m{unit}", gateway, POINTS)
        server = await asyncio.start_server(lambda r, w: self._serve(gateway, r, w), "127.0.0.1", 0)
        self._servers.append(server)
        broker = BROKER if gateway == "c" else "devices"
        text = SITE_FILE.format(
            site=SITE, gateway=gateway, root=self.root, uplink=self.brokers[BROKER].port, flush=self._flush,
            meters=server.sockets[0].getsockname()[1], timeout=TIMEOUT_S,
            broker=broker, devices=self.brokers[broker].port,
        )  # fmt: skip
        for unit in range(1, self._meters + 1):
            text += METER_ROW.format(gateway=gateway, unit=unit, every=self._every)
        write_private(self.root / f"{gateway}.toml", text)

    # Devices

    async def _serve(self, gateway: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A Modbus TCP gateway with the meters behind it. A connection belongs to the life that opened it."""
        life = self.oracle.life_of(gateway)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                function, first, count = struct.unpack(">BHH", (await reader.readexactly(length - 1))[:5])
                if self.halted:
                    answer = bytes((function | 0x80, BUSY))
                else:
                    registers = self.oracle.answer(f"{gateway}-m{unit}", self.now(), life)
                    part = registers[first * 2 : (first + count) * 2]
                    answer = bytes((function, len(part))) + part
                    self.heard[gateway] = self.now()
                writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
                await writer.drain()
        writer.close()

    async def _hold_cards(self, gateway: str) -> None:
        await self._tapping.wait()
        while True:
            await self.clock.sleep(self.rng.uniform(*TAP_S))
            if not self.halted:
                await self.hold_card(gateway)

    async def hold_card(self, gateway: str) -> Tap:
        """One more card at the tag of a gateway; returns when its broker has it."""
        self.numbers[gateway] += 1
        faulty = gateway == "c"
        place = GATEWAYS.index(gateway)
        number, tap = self.oracle.tap(f"{gateway}-tag", gateway, place, self.numbers[gateway], faulty_broker=faulty)

        def attempt() -> None:
            tap.attempts += 1

        await (self.up if faulty else self.devices).publish(f"tags/{gateway}", number.encode(), on_attempt=attempt)
        tap.confirmed_at = self.now()
        return tap

    async def _watch(self) -> None:
        async for message in self.up.messages():
            gateway, channel = message.topic.split("/")[3:5]
            if channel == "up":
                self.oracle.published(gateway, message.payload)
            else:
                self.heard[COLLECTOR] = self.now()
                self.oracle.acknowledged(gateway, message.payload)

    async def ready(self, within_s: float) -> None:
        """Until every gateway listens to its tag and the collector has acked; then people begin to hold cards."""
        deadline = self.clock.monotonic() + within_s
        waiting = set(GATEWAYS)
        while waiting or COLLECTOR not in self.heard:
            for gateway in sorted(waiting):
                if await self.desk(gateway).listens():
                    waiting.discard(gateway)
            if self.clock.monotonic() > deadline:
                raise AssertionError(f"not ready: {sorted(waiting)}, heard {sorted(self.heard)}; logs in {self.root}")
            await self.clock.sleep(0.1)
        self._tapping.set()

    def desk(self, gateway: str) -> GatewayDesk:
        return GatewayDesk(self.root / gateway / "buffer.db")

    # Processes

    async def _fate(self, name: str) -> None:
        """Start it, see how it ends, write that down, start it again."""
        while True:
            await self._begin(name)
            code = await self.children[name].wait()
            self._note_end(name, code)
            if name in GATEWAYS:
                self.oracle.buffered(name, await asyncio.to_thread(left_in_buffer, self.root / name / "buffer.db"))
            if self.ending:
                return
            await self.clock.sleep(self.rng.uniform(*self.down_s))

    async def _begin(self, name: str) -> None:
        self.heard.pop(name, None)
        self.started_at[name] = self.now()
        if name == BROKER:
            broker = self.brokers[BROKER]
            self.children[name] = broker.child
            await broker.start(self.clock)
            self.oracle.broker_emptied_at = broker.emptied_at
            self.heard[name] = self.now()
            return
        points = self.points_left[self.kind(name)]
        # Now and then a life without one, so that between two deaths something gets done.
        unfinished = bool(points) and (points[0].startswith(FRESH) or self.hurry or self.rng.random() < ARMED_SHARE)
        self.armed[name] = points.popleft() if unfinished else ""
        module, settings = ("edge.cli", f"{name}.toml") if name in GATEWAYS else ("cloud.cli", "cloud.toml")
        environment = {**os.environ, "DAYUAN_FAILPOINT": self.armed[name]}
        argv = [sys.executable, "-m", module, "run", str(self.root / settings)]
        self.children[name] = Child(name, argv, log=self.root / f"{name}.log", env=environment)
        await self.children[name].start()

    def _note_end(self, name: str, code: int) -> None:
        polite, armed = name in self.polite, self.armed.get(name, "")
        self.polite.discard(name)
        by_itself = code == EXIT_CODE or (code == -9 and name in GATEWAYS and bool(armed) and name not in self.struck)
        self.struck.discard(name)
        clean = polite and code == 0
        met = armed.partition(":")[0] if by_itself else ""
        self.oracle.ended(name, Life(self.started_at[name], self.now(), code, clean, met))
        if clean and name != BROKER:
            self.oracle.counts["ended before the kill that followed a polite stop"] += not self.ending
        elif code not in KILLED and not (name == BROKER and polite):
            tail = " | ".join(self.children[name].last_lines(3))
            self.oracle.wrong.append(f"{name} ended by itself with {code}: {tail}")
        if armed and not met and not self.ending and not armed.startswith(FRESH):
            self.points_left[self.kind(name)].append(armed)

    def kill(self, names: Iterable[str]) -> None:
        """SIGKILL, all at once."""
        for name in names:
            if self.children[name].running:
                self.struck.add(name)
                self.children[name].signal(9)

    async def kill_while_it_stops(self, name: str, after_s: float) -> None:
        """SIGTERM, and SIGKILL while it writes its last."""
        self.polite.add(name)
        self.children[name].signal(15)
        await self.clock.sleep(after_s)
        self.kill([name])

    def ripe(self) -> list[str]:
        """Those that work and wait for no fail point."""
        now = self.now()
        return [
            name
            for name in self.names
            if name in self.heard
            and self.children[name].running
            and (not self.armed.get(name) or now - self.started_at[name] > SILENT_S * 1000)
        ]

    @property
    def kills(self) -> int:
        return sum(len(self.oracle.killed_at(name)) for name in self.names)

    # The end

    async def drained(self, within_s: float) -> bool:
        """Devices are silent; wait until no gateway holds anything back. False: nothing moved for long."""
        self.halted = True
        empty, least = 0, 1 << 30
        deadline = self.clock.monotonic() + within_s
        while self.clock.monotonic() < deadline:
            await self.clock.sleep(0.4)
            waiting = [await self.desk(gateway).backlog() for gateway in GATEWAYS]
            left = sum(each for each in waiting if each is not None) + sum(each is None for each in waiting)
            empty = empty + 1 if not left else 0
            if empty >= 3:
                return True
            if left < least:
                least, deadline = left, self.clock.monotonic() + within_s
        return False

    async def api(self) -> CollectorApi:
        token = await add_token(self.root / "cloud.toml")
        return CollectorApi(f"http://127.0.0.1:{self.http}", token)

    async def stop(self) -> None:
        """Everything ends as it should: gateways, then the collector, then the brokers."""
        self.ending = True
        for names in (GATEWAYS, (COLLECTOR,), (BROKER,)):
            running = [name for name in names if name in self.children]
            self.polite.update(running)
            await asyncio.gather(*(self.children[name].stop(20) for name in running))
        await self.clock.sleep(0.1)
        await self.close()

    async def close(self) -> None:
        """Whatever still runs is killed."""
        self.ending = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for child in self.children.values():
            await child.kill()
        for broker in self.brokers.values():
            await broker.child.kill()
        for server in self._servers:
            server.close()
