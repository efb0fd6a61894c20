"""A group of collectors as processes, with the servers they share. Everything is real; killed and stopped from here."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from cloud.store.contract import EventsQuery, ReadingsQuery
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_store import LedgerStore
from protocols.clock import SystemClock
from simulators.child import Child
from simulators.free_port import free_port
from simulators.wires.mqtt import BrokerAccount
from tests.edge.mosquitto import Mosquitto
from tests.postgres_server import PostgresServer
from tests.proof.group_fleet import DEVICES, POINTS, SITE
from tests.victoria_server import VictoriaServer

READY_S = 240.0
CONNECTED = "connected to the broker at"
FAR = 2**52


class GroupSite:
    """``start``, then ``members`` and ``desk`` are running; ``close`` always."""

    def __init__(self, work: Path, members: int) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.clock = SystemClock()
        self._work = work
        self.postgres, self.victoria = PostgresServer(), VictoriaServer()
        self.broker = self._broker()
        self.broker_table = f'url = "{self.broker.url}"'
        self.names = [f"c{number}" for number in range(1, members + 1)]
        self.settings = work / "cloud.toml"
        self.members = {
            name: Child(name, [*CLI, "ingest", str(self.settings), "--member", name], log=work / f"{name}.log")
            for name in self.names
        }
        self._lives: dict[tuple[str, int], int] = {}
        self._began: dict[str, int] = {}
        """Where in its log the present life of a collector begins."""
        self.desk = Child("desk", [*CLI, "run", str(self.settings)], log=work / "desk.log")

    def _broker(self) -> Mosquitto:
        return Mosquitto(self._work, "max_queued_messages 0", "max_inflight_messages 0")

    def account(self, gateway: str) -> BrokerAccount:
        """By which a gateway comes to the broker."""
        del gateway
        return BrokerAccount(host="127.0.0.1", port=self.broker.port)

    async def start(self) -> None:
        """Servers, desk and members; returns when all of them take part."""
        await asyncio.to_thread(self._start_servers)
        await self.desk.start()
        await self.ready(self.desk)
        for name in self.names:
            await self.let_in(name)
        for child in self.members.values():
            await child.start()
        for child in self.members.values():
            await self.ready(child)

    async def let_in(self, name: str) -> None:
        """What a member needs before it may come."""

    def _start_servers(self) -> None:
        self.postgres.start()
        self.victoria.start()
        self.broker.start()
        self.place = self.postgres.empty_place()
        self.settings.write_text(
            f"""
[collector]
data = "data"
[broker]
{self.broker_table}
[listen]
address = "127.0.0.1:{free_port()}"
[registry]
url = "{self.place.url}"
password_file = "{self.place.password_file}"
[store]
kind = "victoria"
url = "{self.victoria.url}"
[group]
name = "proof"
"""
        )

    async def ready(self, child: Child) -> None:
        """Until it is connected to the broker in its present life. Raises AssertionError."""
        until = self.clock.monotonic() + READY_S
        while CONNECTED not in child.log.read_bytes()[self._began.get(child.name, 0) :].decode(errors="replace"):
            assert child.running, f"{child.name} ended: {child.last_lines()}"
            assert self.clock.monotonic() < until, f"{child.name} is not there: {child.last_lines()}"
            await self.clock.sleep(0.1)

    async def again(self, child: Child, fail_point: str = "") -> None:
        """Start it again, perhaps with a fail point armed."""
        child._env = {**os.environ, **({"DAYUAN_FAILPOINT": fail_point} if fail_point else {})}
        self._began[child.name] = child.log.stat().st_size
        await child.start()

    def look_at_members(self) -> dict[str, int]:
        """Batches that each member stored, in all of its lives that were looked at."""
        for name, started_at, batches in self.sql("SELECT name, started_at, batches FROM store_member"):
            self._lives[str(name), int(started_at)] = int(batches)
        return {name: sum(n for (each, _), n in self._lives.items() if each == name) for name in self.names}

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self.postgres.sql(statement, self.place)

    async def stop(self) -> None:
        """Politely: the members first, so that the desk may follow all they stored."""
        for child in self.members.values():
            child.signal(signal.SIGCONT)
            await child.stop(20)
        await self.desk.stop(30)

    async def close(self) -> None:
        for child in (*self.members.values(), self.desk):
            child.signal(signal.SIGCONT)
            await child.kill()
        await asyncio.to_thread(self._remove_servers)

    def _remove_servers(self) -> None:
        self.broker.stop()
        self.victoria.remove()
        self.postgres.remove()

    async def stored(self, gateways: list[str]) -> tuple[dict[tuple[str, str], list[tuple[int, float]]], list[Any]]:
        """Readings by (device, point) and events (device, at), asked of the store when no collector runs."""
        store = LedgerStore(LedgerFile(self.place), self.victoria.engine(), self.clock)
        await asyncio.to_thread(store.open)
        try:
            found = {}
            for gateway in gateways:
                for device in range(DEVICES):
                    for point in POINTS:
                        query = ReadingsQuery(
                            site=SITE, device=f"{gateway}-m{device}", point=point, from_at=0, to_at=FAR, limit=100_000
                        )
                        page = await store.readings(query)
                        assert page.next is None, "a series has more readings than are read here"
                        found[query.device, point] = [(int(str(row[0])), float(str(row[1]))) for row in page.rows]
            events: list[Any] = []
            following: str | None = None
            while True:
                page = await store.events(EventsQuery(from_at=0, to_at=FAR, limit=10_000, next=following))
                events += [(row[2], row[0]) for row in page.rows]
                following = page.next
                if following is None:
                    return found, events
        finally:
            await asyncio.to_thread(store.close)


CLI = (sys.executable, "-m", "cloud.cli")
