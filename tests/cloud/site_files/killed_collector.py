"""A collector in a process of its own, to be killed, with gateways and a broker whose disks outlive it.

``python -m tests.cloud.site_files.killed_collector FOLDER``: begins or goes on with a roll-out until it has ended.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path

import msgspec

from cloud.registry.database import Database
from cloud.store.contract import GatewayKey
from protocols.clock import ManualClock
from tests.cloud.site_files.many_gateways import ManyGateways

NAMES = [f"east/b{n}" for n in range(4)]
AWAY, BAD = GatewayKey("east", "b3"), GatewayKey("east", "b2")


class KeptGateways(ManyGateways):
    """What gateways and broker know lies in one file, written before anything is told."""

    path: Path

    def keep(self) -> None:
        each = {
            "/".join(key): [one.runs, one.highest, one.heard, one.answer, one.does]
            for key, one in self.gateways.items()
        }
        retained = {"/".join(key): base64.b64encode(payload).decode() for key, payload in self.retained.items()}
        half = self.path.with_suffix(".half")
        half.write_bytes(msgspec.json.encode([self.clock.now_ms(), each, retained]))
        half.replace(self.path)

    def load(self) -> None:
        now, each, retained = msgspec.json.decode(self.path.read_bytes())
        self.clock.step(now - self.clock.now_ms())
        for name, (runs, highest, heard, answer, does) in each.items():
            one = self.gateways[GatewayKey(*name.split("/"))]
            one.runs, one.highest, one.does = runs, highest, does
            one.heard = [tuple(part) for part in heard]
            one.answer = tuple(answer) if answer else None
        self.retained = {GatewayKey(*n.split("/")): base64.b64decode(payload) for n, payload in retained.items()}


async def work(folder: Path) -> None:
    """Until the roll-out has ended, whatever was before."""
    clock = ManualClock(1_790_000_000_000)
    database = Database(folder / "registry.sqlite", clock)
    await database.open()
    many = KeptGateways(NAMES, database, folder, clock)
    many.path = folder / "gateways.json"
    await many.begin()
    if many.path.exists():
        many.load()
        for gateway in many.gateways.values():
            await many.say(gateway)
    else:
        await many.enrol()
        row = await many.plan(stages=["1", "50 %", "100 %"], stop_after=1)
        await many.desk.rollouts.start(row.id, by="li")
        many.gateways[AWAY].does, many.gateways[BAD].does = "away", "roll_back"
        many.keep()
        print("prepared")
        return
    for turn in range(200):
        await many.turn()
        await clock.advance(61)
        many.keep()
        if turn == 8:
            many.gateways[AWAY].does = "apply"
        (row,) = await many.desk.rollouts.book.newest(1)
        if row.state != "running" and many.gateways[AWAY].answer is not None:
            print(row.state)
            break
    await database.close()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
