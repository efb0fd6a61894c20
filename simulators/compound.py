"""A whole compound on this machine: broker, simulated hardware, gateways and a collector, each a process of its own.

    compound = Compound(directory, scenario, clock, say=print)
    await compound.start()
    await compound.kill("b3-plant-room"); await compound.restart("b3-plant-room")
    await compound.drain(60); verdict = await compound.verify()
    await compound.stop()

Processes are named "broker", "collector" and by the gateways' ids. What is killed here is written into the ledger; the
verdict needs to know.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from protocols.clock import Clock
from simulators.accounts import accounts_of
from simulators.broker import Broker, write_private
from simulators.child import Child
from simulators.compound_desk import bring_in_sample, have_token
from simulators.compound_doors import Administrator, bring_in_people, decided_here, enrol
from simulators.desk import GatewayDesk
from simulators.free_port import free_port
from simulators.hardware import Hardware
from simulators.layout import Layout
from simulators.ledger import Ledger
from simulators.processes import STARTED, Processes, ProcessFailed
from simulators.rules import BROKER, KILLED, STOPPED, seconds
from simulators.scenario import Scenario
from simulators.site_files import cloud_file, gateway_site_file
from simulators.stored import CollectorApi
from simulators.verify import Verdict, verify

COLLECTOR = "collector"
HARDWARE = "hardware"
COLLECTOR_READY_S = 90.0
GATEWAY_READY_S = 60.0
POLLS_END_S = 0.7
LEDGER_KEPT_MS = 24 * 3_600_000

Say = Callable[[str], None]


class Compound:
    """One compound in one folder. A second start in the same folder goes on with the same data.

    sample: the collector gets the sample site, its map and its calendar on the first start; our token may dispatch.
    collector_settings: tables that stand in the collector's settings too, as TOML.
    """

    def __init__(
        self,
        directory: Path,
        scenario: Scenario,
        clock: Clock,
        *,
        say: Say = lambda line: None,
        http_port: int = 8080,
        flush_every: str = "1 s",
        embedded_broker: bool = False,
        sample: bool = False,
        collector_settings: str = "",
    ) -> None:
        self.layout = Layout(directory)
        self.scenario, self._clock, self._say = scenario, clock, say
        self.choose_port: Callable[[], int] = partial(free_port, http_port)
        self._flush_every, self._embedded, self._sample = flush_every, embedded_broker, sample
        self._collector_settings = collector_settings
        self.url = ""
        self.processes: Processes | None = None
        self.ledger: Ledger | None = None
        self.hardware: Hardware | None = None
        self._broker: Broker | None = None
        self._answers = asyncio.Event()

    @property
    def names(self) -> tuple[str, ...]:
        """The processes that can be killed and restarted."""
        return (BROKER, COLLECTOR, *(gateway.id for gateway in self.scenario.gateway))

    @property
    def site_files(self) -> list[Path]:
        return [self.layout.site_file(gateway.id) for gateway in self.scenario.gateway]

    async def start(self) -> None:
        """Start everything; returns when the gateways listen to their devices and the collector answers.

        Raises FolderInUse when another process runs this folder, ProcessFailed when a part does not start.
        """
        self.layout.lock()
        self.processes = Processes(self._clock, self._say, happened=self._happened, noted=self.layout.note_children)
        for name in await self.layout.end_leftovers(self._clock):
            self._say(f"ended a {name} that a former start left behind")
        state = self._state()
        self.ledger = ledger = Ledger(self.layout.ledger)
        self._note_sudden_end(ledger)
        self.forget_old()
        await self._start_broker(state["broker_port"])
        assert self._broker is not None
        self.hardware = Hardware(
            self.scenario,
            ledger,
            self._clock,
            directory=self.layout.root,
            origin_ms=state["origin_ms"],
            run=state["runs"],
            account=self._broker.account,
            ports=state["ports"],
        )
        await self._start_lines(state)
        self._write_files()
        ledger.happened(self._clock.now_ms(), STARTED, HARDWARE)
        self._answers.clear()
        administrator = Administrator(self.layout, self.url, self._clock)
        try:
            gateways = (self._start_gateway(each.id, administrator) for each in self.scenario.gateway)
            await self._together(self._start_collector(administrator), *gateways)
        finally:
            administrator.close()
        self.hardware.start_talking()

    async def stop(self) -> None:
        """End everything cleanly: devices first, then gateways, collector, broker. Also after a failed start."""
        if not self.layout.locked:
            return
        if self.hardware is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.5):
                    await self.hardware.halt("closing")
            # Polls that meters have begun to answer come to their end.
            await self._clock.sleep(POLLS_END_S)
        if self.processes is not None:
            for group in ([gateway.id for gateway in self.scenario.gateway], [COLLECTOR], [BROKER]):
                await self.processes.stop(group)
            await self.processes.close()
        if self.hardware is not None:
            await self.hardware.close()
        self._happened(STOPPED, HARDWARE)
        if self.ledger is not None:
            self.ledger.close()
        self.layout.children_file.unlink(missing_ok=True)
        self.layout.unlock()

    @property
    def failure(self) -> str | None:
        """What keeps ending, in words; None while everything runs or is being mended."""
        failed = self.processes.failed if self.processes else None
        return failed.result() if failed is not None and failed.done() else None

    async def kill(self, name: str) -> None:
        """SIGKILL a process and leave it down."""
        await self._running.kill(name)

    async def restart(self, name: str) -> None:
        """Start a process that is down. The broker and the collector are waited for until they answer."""
        await self._running.restart(name)
        if name == COLLECTOR:
            await self._collector_ready()

    @property
    def _running(self) -> Processes:
        assert self.processes is not None
        return self.processes

    async def drain(self, within_s: float = 120.0) -> bool:
        """Devices halt; wait until no gateway holds anything back. False when that takes longer than ``within_s``."""
        assert self.hardware is not None
        unsent = await self.hardware.halt()
        if unsent:
            self._say(f"{unsent} devices could not get their last message confirmed")
        deadline = self._clock.monotonic() + within_s
        await self._clock.sleep(2 * seconds(self._flush_every) + 0.5)
        empty_in_a_row = 0
        shown = -1
        while self._clock.monotonic() < deadline:
            left = await self._backlog()
            empty_in_a_row = empty_in_a_row + 1 if left == 0 else 0
            if empty_in_a_row >= 2:
                return True
            if left not in (0, shown):
                self._say(f"draining: {'gateways do not answer' if left is None else f'{left} batches to go'}")
                shown = -1 if left is None else left
            await self._clock.sleep(0.5)
        return False

    async def verify(self, progress: Callable[[int, int], None] = lambda done, whole: None) -> Verdict:
        """Ledger against store, by the collector's API. Raises ApiRefused or OSError when it cannot be asked."""
        assert self.ledger is not None
        api = self.api()
        path, files, until_ms = self.layout.ledger, self.site_files, self._clock.now_ms()

        def compare() -> Verdict:
            ledger = Ledger(path)
            try:
                return verify(ledger, api, files, until_ms=until_ms, progress=progress)
            finally:
                ledger.close()
                api.close()

        return await asyncio.to_thread(compare)

    def forget_old(self) -> None:
        """Keep the ledger of a compound that runs for days from filling the disk."""
        assert self.ledger is not None
        self.ledger.forget_before(self._clock.now_ms() - LEDGER_KEPT_MS)

    def api(self) -> CollectorApi:
        """The collector's API, with the token that was made for this compound."""
        return CollectorApi(self.url, self.layout.token_file.read_text(encoding="utf-8").strip())

    def one_time_password(self) -> str | None:
        """The first administrator's, as long as nobody has changed it."""
        try:
            words = (self.layout.collector / "one-time-password").read_text(encoding="utf-8").split()
        except OSError:
            return None
        return words[-1] if words else None

    # --- parts ---

    def _state(self) -> dict[str, Any]:
        kept = self.layout.state()
        state: dict[str, Any] = {
            "origin_ms": kept.get("origin_ms", self._clock.now_ms()),
            "runs": int(kept.get("runs", 0)) + 1,
            "seed": kept.get("seed", self.scenario.seed),
            "ports": dict(kept.get("ports", {})),
            "broker_port": free_port(int(kept.get("broker_port", 0))),
            "http_port": self.choose_port(),
        }
        self.layout.keep(state)
        self.url = f"http://127.0.0.1:{state['http_port']}"
        return state

    def _note_sudden_end(self, ledger: Ledger) -> None:
        """A former run that did not end cleanly took its gateways with it: the verdict must know when."""
        incidents = [item for item in ledger.incidents() if item.name == HARDWARE]
        if incidents and incidents[-1].what == STARTED:
            at = ledger.last_at() or incidents[-1].at
            for name in self.names:
                ledger.happened(at, KILLED, name, "a former run ended without a stop")

    async def _start_broker(self, port: int) -> None:
        broker = Broker(self.layout.broker, port=port, accounts=accounts_of(self.scenario), embedded=self._embedded)
        broker.prepare()
        self._broker = broker
        try:
            await self._running.start(BROKER, broker.child, partial(broker.start, self._clock))
        except RuntimeError as error:
            raise ProcessFailed(str(error)) from None
        self._say(f"broker     {broker.software} on 127.0.0.1:{port}")

    async def _start_lines(self, state: dict[str, Any]) -> None:
        assert self.hardware is not None
        addresses = await self.hardware.start_lines()
        state["ports"] = {name: address.port for name, address in addresses.items() if address.port}
        self.layout.keep(state)
        tcp = sum(address.kind == "modbus-tcp" for address in addresses.values())
        self._say(
            f"hardware   {len(self.scenario.meter)} meters on {tcp} TCP ports and {len(addresses) - tcp} serial lines, "
            f"{len(self.scenario.door)} doors, {len(self.scenario.vehicle)} vehicles"
        )

    def _write_files(self) -> None:
        assert self.hardware is not None
        assert self._broker is not None
        if not self.layout.card_key.exists():
            write_private(self.layout.card_key, secrets.token_hex(32) + "\n")
        for gateway in self.scenario.gateway:
            folder = self.layout.gateway(gateway.id)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            text = gateway_site_file(
                self.scenario,
                gateway,
                lines=self.hardware.addresses(),
                account=self._broker.account(f"gateway-{gateway.id}"),
                folder=folder,
                card_key_file=self.layout.card_key,
                flush_every=self._flush_every,
            )
            write_private(self.layout.site_file(gateway.id), text)
        listen = self.url.removeprefix("http://")
        text = cloud_file(data=self.layout.collector, account=self._broker.account(COLLECTOR), listen=listen)
        write_private(self.layout.cloud_file, text + self._collector_settings)

    def _program(self, name: str, module: str, *arguments: str) -> Child:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return Child(name, [sys.executable, "-m", module, *arguments], log=self.layout.log(name), env=environment)

    async def _start_gateway(self, gateway: str, administrator: Administrator) -> None:
        if decided_here(self.scenario):
            await self._answers.wait()
            await enrol(self.layout, self.scenario.site, gateway, self.url, administrator)
        child = self._program(gateway, "edge.cli", "run", str(self.layout.site_file(gateway)))
        await self._running.start(gateway, child)
        desk = GatewayDesk(self.layout.buffer(gateway))
        deadline = self._clock.monotonic() + GATEWAY_READY_S
        # Until it listens to its devices: what they say before that would have no reader.
        while not await desk.listens():
            self._running.give_up_if_dead(gateway, deadline)
            await self._clock.sleep(0.2)
        self._say(f"gateway    {gateway}")

    async def _start_collector(self, administrator: Administrator) -> None:
        child = self._program(COLLECTOR, "cloud.cli", "run", str(self.layout.cloud_file))

        async def start() -> None:
            await child.start()
            await self._collector_ready()

        await self._running.start(COLLECTOR, child, start)
        self._answers.set()
        await self._together(*self._given(administrator))
        self._say(f"collector  {self.url}")

    def _given(self, administrator: Administrator) -> Iterator[Coroutine[Any, Any, None]]:
        """What a collector of this compound is given, if it does not have it yet."""
        role = "dispatcher" if self._sample else "viewer"
        yield have_token(self.layout, self.url, self.layout.token_file, role=role)
        if self._sample:
            yield self._bring_in(administrator)

    async def _bring_in(self, administrator: Administrator) -> None:
        await bring_in_sample(self.layout, administrator, self._say)
        if decided_here(self.scenario):
            await bring_in_people(self.layout, self.scenario, self._clock, administrator, self._say)

    async def _collector_ready(self) -> None:
        api = CollectorApi(self.url, "")
        deadline = self._clock.monotonic() + COLLECTOR_READY_S
        try:
            while not await asyncio.to_thread(api.healthy):
                self._running.give_up_if_dead(COLLECTOR, deadline)
                await self._clock.sleep(0.1)
        finally:
            api.close()

    @staticmethod
    async def _together(*starting: Coroutine[Any, Any, None]) -> None:
        """All at once; the first failure is raised as it is, and the others are given up."""
        try:
            async with asyncio.TaskGroup() as group:
                for one in starting:
                    group.create_task(one, name="start")
        except* ProcessFailed as failed:
            raise failed.exceptions[0] from None

    async def _backlog(self) -> int | None:
        """Batches that gateways still hold; None when one of them cannot be asked."""
        whole = 0
        for gateway in self.scenario.gateway:
            waiting = await GatewayDesk(self.layout.buffer(gateway.id)).backlog()
            if waiting is None:
                return None
            whole += waiting
        return whole

    def _happened(self, what: str, name: str, detail: str = "") -> None:
        if self.ledger is not None:
            self.ledger.happened(self._clock.now_ms(), what, name, detail)
