"""A real gateway process that is started again when it ends, a real mosquitto, and whoever signs site files."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from cloud.identity.authority import Authority
from edge.config_store import ConfigStore, Record
from edge.failpoint import VARIABLE
from edge.identity_files import IdentityFiles
from protocols.birth import Birth, parse_birth
from protocols.certificates import make_request, read_request
from protocols.clock import SystemClock
from protocols.reading import Event
from protocols.site_config import Offer, pack, seal_offer, sha256_of
from protocols.topics import parse
from tests.edge.modbus_line import ModbusLine
from tests.edge.mosquitto import Mosquitto
from tests.edge.scripted_collector import ScriptedCollector
from tests.edge.test_commands import RELAYS
from tests.waiting import until

WITHIN_S = 90.0
CONFIRM_S = 10
SITE = """
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtt://127.0.0.1:{broker}"
ack_timeout = "1 s"
[buffer]
flush_every = "0.2 s"
[remote_config]
enabled = true
[[bus]]
name = "line"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {modbus}
timeout = "200 ms"
"""
DEVICE = """
[[device]]
id = "{id}"
profile = "t/relays"
bus = "line"
unit = {unit}
every = "0.2 s"
max_silence = "1 s"
"""
SETTLED = ("config_applied", "config_refused", "config_rolled_back")


class ConfigBox:
    """``begin`` the process, ``offer`` it texts, look at what it ``told``. Everything lies in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Mosquitto(folder, "persistence true", "autosave_interval 1", "autosave_on_changes true")
        self.line = ModbusLine({unit: {0: 0, 1: 0} for unit in (1, 2, 3)})
        self.authority = Authority(folder / "authority", SystemClock())
        self.path = folder / "site.toml"
        self.store = ConfigStore(folder / "buffer.db")
        self.collector: ScriptedCollector
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0
        self.fail_points: list[str] = []
        """For the next starts, one each."""
        self.fail_always = ""
        self._base = ""
        self._keeping: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ConfigBox]:
        self.broker.start()
        try:
            async with self.line.on_tcp() as port:
                self._prepare(int(port))
                self.collector = ScriptedCollector(self.broker.url, "east", "b3")
                await self.collector.start()
                try:
                    yield self
                finally:
                    await self.end()
                    await self.collector.stop()
        finally:
            self.broker.stop()

    def _prepare(self, port: int) -> None:
        folder = self.folder / "profiles" / "t"
        folder.mkdir(parents=True)
        (folder / "relays.toml").write_text(RELAYS, encoding="utf-8")
        self._base = SITE.format(broker=self.broker.port, modbus=port)
        self.path.write_bytes(self.text({"meter-1": 1, "meter-2": 2}))
        self.authority.open()
        files = IdentityFiles(self.folder / "identity")
        key = files.next_key()
        issued = self.authority.issue_gateway(read_request(make_request(key, "east/b3")), "east/b3")
        files.take(key, issued.pem, self.authority.certificate.pem, self.authority.commands.pem, name="east/b3")

    def text(self, devices: dict[str, int]) -> bytes:
        """A site file with these devices and their unit ids; units 1 to 3 answer."""
        parts = [DEVICE.format(id=name, unit=unit) for name, unit in devices.items()]
        return "".join([self._base, *parts]).encode()

    # --- the process

    def begin(self) -> None:
        """Start it, and start it again whenever it is killed or fails."""
        self._keeping = asyncio.create_task(self._keep(), name="supervisor")

    async def end(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
            self._keeping = None
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 30)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    def kill(self) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    async def _keep(self) -> None:
        while True:
            armed = self.fail_always or (self.fail_points.pop(0) if self.fail_points else "")
            with (self.folder / "gateway.log").open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "edge.cli", "run", str(self.path), stderr=log,
                    env={**os.environ, VARIABLE: armed},
                )  # fmt: skip
            self.starts += 1
            await self.process.wait()

    # --- the collector's side

    def offer(
        self,
        revision: int,
        text: bytes,
        *,
        base: bytes | None = None,
        gateway: str = "b3",
        confirm_within_s: int = CONFIRM_S,
        not_before: int = 0,
    ) -> bytes:
        """The signed message. ``base``: else the file on the box."""
        found = Offer(
            site="east",
            gateway=gateway,
            revision=revision,
            bases=(sha256_of(self.path.read_bytes() if base is None else base),),
            sha256=sha256_of(text),
            packed=pack(text),
            confirm_within_s=confirm_within_s,
            not_before=not_before,
        )
        return seal_offer(found, self.authority.sign_command)

    async def publish(self, payload: bytes) -> None:
        link = self.collector._link
        assert link is not None
        await link.publish("dayuan/1/east/b3/config", payload, retain=True)

    def births(self) -> list[Birth]:
        births = [m.payload for m in self.collector.others if (at := parse(m.topic)) and at.channel == "birth"]
        return [parse_birth(payload) for payload in births]

    def events(self, *kinds: str) -> list[Event]:
        return [event for event in self.collector.events() if event.kind in (kinds or SETTLED)]

    async def told(self, kind: str, many: int = 1) -> Event:
        """The newest of at least ``many`` events of a kind."""
        found = await until(
            lambda: events if len(events := self.events(kind)) >= many else None, WITHIN_S, f"{kind}\n{self.log()}"
        )
        return found[-1]

    async def online(self, devices: set[str]) -> None:
        """A gateway with these devices was born last, and all of them answer."""
        await until(lambda: self._shows(devices), WITHIN_S, f"{devices} online\n{self.log()}")

    def _shows(self, devices: set[str]) -> bool:
        births = self.births()
        if not births or {device.id for device in births[-1].devices} != devices:
            return False
        newest = {reading.device for reading in self.collector.readings()}
        return devices <= newest

    def record(self) -> Record:
        return self.store.read()

    def log(self) -> str:
        path = self.folder / "gateway.log"
        return path.read_text("utf-8", "replace")[-4000:] if path.exists() else ""

    async def nothing_is_lost(self) -> None:
        """Every batch that was ever sealed was stored, each once, in one life of the buffer."""
        await self.end()
        first = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge.cli", "status", str(self.path), "--json", stdout=asyncio.subprocess.PIPE
        )  # fmt: skip
        raw, _ = await first.communicate()
        left = msgspec.json.decode(raw)["buffer"]
        seqs: dict[str, set[int]] = {}
        for identity in self.collector.stored:
            seqs.setdefault(identity.epoch, set()).add(identity.seq)
        assert len(seqs) == 1, "the buffer began anew"
        (only,) = seqs.values()
        missing = set(range(1, max(only) + 1)) - only
        assert len(missing) <= left["batches"], (missing, left)
        assert self.collector.altered == []
        names = [(event.kind, event.data.get("revision")) for event in self.events()]
        assert len(names) == len(set(names)), names
