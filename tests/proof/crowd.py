"""A crowd at the collector's door: people are answered and gateways acked all the same (R16).

python -m tests.proof.crowd --level soak

Hundreds of connections that say nothing, requests whose head comes byte by byte, and pages that listen to the stream
and never read, all renewed as the collector ends them, beside the three gateways of the kills. Then the crowd leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import httpx

from cloud.registry.database import FILE_NAME, Database
from cloud.registry.roles import Role
from cloud.registry.tokens import Tokens
from tests.bench.figures import percentile
from tests.bench.gateway_load import memory_mb
from tests.proof.kill_site import COLLECTOR, Site
from tests.proof.levels import Finding, Level, alone
from tests.proof.oracle import BatchName, Oracle

READY_S = 240.0
STUCK_S = 90.0
ASK_EVERY_S = 0.1
PATHS = ("/api/v1/state", "/api/v1/gateways", "/api/v1/sites", "/api/v1/alarms")
P99_S = 2.0
RECOVERY_S = 10.0
GROWTH_MB = 60.0
"""A connection needs some kilobytes; the streams' queues are bounded."""
ENOUGH, PATIENCE = 20, 10
AGAIN_S = 3.0
TOKENS = 6
"""Of the listeners: one may have 20 pages."""
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 1000


class Size(NamedTuple):
    """How many of each, and for how long."""

    seconds: float
    idle: int = 500
    slow: int = 100
    deaf: int = 100


SIZES: dict[Level, Size] = {"ci": Size(10), "soak": Size(180), "proof": Size(900)}


class Ran(NamedTuple):
    """Seconds an answer and an ack took in the crowd; ``refused``: answers that were none; ``after_s``: to be quick."""

    asked_s: list[float]
    acked_s: list[float]
    after_s: float
    refused: Counter[str]
    made: Counter[str]
    most: int
    memory_mb: tuple[float, float, float]
    wrong: list[str]


class TimedOracle(Oracle):
    """Knows besides how long each batch waited for its ack since it was first seen."""

    def __init__(self, secret: bytes) -> None:
        super().__init__(secret)
        self.loop = asyncio.get_running_loop()
        self.seen_at: dict[BatchName, float] = {}
        self.waited_s: list[float] = []

    def published(self, gateway: str, payload: bytes) -> None:
        before = set(self.promises)
        super().published(gateway, payload)
        for name in self.promises.keys() - before:
            self.seen_at[name] = self.loop.time()

    def acknowledged(self, gateway: str, payload: bytes) -> None:
        super().acknowledged(gateway, payload)
        for name in self.seen_at.keys() & self.acked:
            self.waited_s.append(self.loop.time() - self.seen_at.pop(name))


class Crowd:
    """Those who come and do nothing good. Each comes again when it is sent away."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self.port, self.tokens = port, tokens
        self.made: Counter[str] = Counter()
        self.present = self.most = 0

    async def idle(self, number: int) -> None:
        del number
        await self._hold("idle", b"", b"")

    async def slow(self, number: int) -> None:
        del number
        await self._hold("slow", b"", HEAD)

    async def deaf(self, number: int) -> None:
        token = self.tokens[number % len(self.tokens)]
        head = f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        await self._hold("deaf", head.encode(), b"")

    async def _hold(self, what: str, first: bytes, slowly: bytes) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError), socket.socket() as sock:
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                await loop.sock_connect(sock, ("127.0.0.1", self.port))
                self.made[what] += 1
                self.present += 1
                self.most = max(self.most, self.present)
                try:
                    await loop.sock_sendall(sock, first)
                    for place in range(len(slowly)):
                        await loop.sock_sendall(sock, slowly[place : place + 1])
                        await asyncio.sleep(0.5)
                    if what == "idle":
                        await loop.sock_recv(sock, 1)
                    else:
                        await self._until_reset(sock)
                finally:
                    self.present -= 1
            await asyncio.sleep(AGAIN_S)

    @staticmethod
    async def _until_reset(sock: socket.socket) -> None:
        """Never reads; looks only whether the other side has given up."""
        while not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            await asyncio.sleep(0.5)


async def new_tokens(registry: Path, many: int, site: Site) -> list[str]:
    """Beside the running collector, as its command line makes them."""
    database = Database(registry, site.clock)
    await database.open(replace_damaged=False)
    tokens = Tokens(database, site.clock)
    made = [(await tokens.add(f"crowd-{n}", Role.VIEWER))[1] for n in range(many)]
    await database.close()
    return made


async def ask(api: httpx.AsyncClient, took: list[float], refused: Counter[str]) -> None:
    """What a page asks, each time on a new connection, until cancelled."""
    while True:
        for path in PATHS:
            began = asyncio.get_running_loop().time()
            try:
                answer = await api.get(path)
                if answer.status_code != 200:
                    refused[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                refused[type(error).__name__] += 1
            took.append(asyncio.get_running_loop().time() - began)
            await asyncio.sleep(ASK_EVERY_S)


async def play(size: Size, seed: int, work: Path) -> Ran:
    """The crowd comes, stays and leaves."""
    site = Site(work, random.Random(seed), meters=3, every="400 ms", flush="0.3 s")
    oracle = site.oracle = TimedOracle(site.secret)
    asked, refused = list[float](), Counter[str]()
    try:
        await site.start()
        await site.ready(READY_S)
        own, *others = await new_tokens(work / COLLECTOR / FILE_NAME, 1 + TOKENS, site)
        crowd = Crowd(site.http, others)
        headers = {"Authorization": f"Bearer {own}", "Connection": "close"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.http}", timeout=30, headers=headers) as api:
            await api.get(PATHS[0])
            memory = [memory_mb(site.children[COLLECTOR].pid or 0)]
            oracle.waited_s.clear()
            tasks = [
                asyncio.create_task(come(number), name="crowd")
                for come, many in ((crowd.idle, size.idle), (crowd.slow, size.slow), (crowd.deaf, size.deaf))
                for number in range(many)
            ]
            asking = asyncio.create_task(ask(api, asked, refused), name="asking")
            await _stay(size, asked, oracle)
            memory.append(memory_mb(site.children[COLLECTOR].pid or 0))
            acked = list(oracle.waited_s)
            for task in (*tasks, asking):
                task.cancel()
            ended = await asyncio.gather(*tasks, asking, return_exceptions=True)
            failed = [str(each) for each in ended if not isinstance(each, asyncio.CancelledError)]
            after_s = await _quick_again(api)
            memory.append(memory_mb(site.children[COLLECTOR].pid or 0))
        drained = await site.drained(STUCK_S)
        await site.stop()
    finally:
        await site.close()
    wrong = [*oracle.wrong, *failed, *([] if drained else ["the gateways do not get rid of what they hold"])]
    return Ran(asked, acked, after_s, refused, crowd.made, crowd.most, (memory[0], memory[1], memory[2]), wrong)


async def _stay(size: Size, asked: list[float], oracle: TimedOracle) -> None:
    """As long as is wanted; on a machine that has other things to do until there is something to judge."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (passed := loop.time() - began) < size.seconds * PATIENCE:
        if passed >= size.seconds and min(len(asked), len(oracle.waited_s)) >= ENOUGH:
            return
        await asyncio.sleep(0.2)


async def _quick_again(api: httpx.AsyncClient) -> float:
    """How long after the crowd left until ten answers in a row were good and quick."""
    loop, row = asyncio.get_running_loop(), 0
    left = loop.time()
    while row < 10 and loop.time() - left < 60:
        began = loop.time()
        with contextlib.suppress(httpx.HTTPError):
            good = (await api.get(PATHS[0])).status_code == 200
            row = row + 1 if good and loop.time() - began < P99_S else 0
    return loop.time() - left


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R16."""
    size = SIZES[level]
    ran = asyncio.run(play(size, seed, work / "crowd"))
    asked, acked = (percentile(each, 0.99) if each else float("inf") for each in (ran.asked_s, ran.acked_s))
    before, during, after = ran.memory_mb
    limits = {
        f"answers p99 {asked:.2f} s": asked < P99_S,
        f"acks p99 {acked:.2f} s": acked < P99_S,
        f"back after {ran.after_s:.1f} s": ran.after_s < RECOVERY_S,
        f"memory from {before:.0f} to {during:.0f} MB": during - before < GROWTH_MB,
        f"refused {dict(ran.refused)}": not ran.refused,
        f"a crowd of {ran.most}": ran.most > 0.5 * (size.idle + size.slow + size.deaf),
    }
    return [
        Finding(
            "R16",
            f"{size.idle} say nothing, {size.slow} speak slowly, {size.deaf} never listen",
            f"for {size.seconds:.0f} s: answers p99 {asked:.2f} s, acks p99 {acked:.2f} s;"
            f" back after {ran.after_s:.1f} s;"
            f" collector {before:.0f} MB before, {during:.0f} in the crowd, {after:.0f} after",
            (*ran.wrong, *(f"over its limit: {what}" for what, held in limits.items() if not held)),
            f"{len(ran.asked_s)} requests, {len(ran.acked_s)} acks; at most {ran.most} at once, came {dict(ran.made)}",
        )
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
