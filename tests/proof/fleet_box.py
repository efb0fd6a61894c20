"""Many gateways without drivers in one process, each with a backlog on its disk: ``python -m tests.proof.fleet_box``.

    FOLDER PORT COUNT READINGS UNTIL_MS

Fills COUNT buffers, prints ``filled`` and waits for a line; then all connect at once, each reading five values a second
besides. Prints what it saw as JSON when every backlog is up and waits for a line again.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

from edge.buffer_sqlite import SqliteBuffer
from edge.intake import Intake
from edge.mqtt_link import MqttDialer
from edge.pipeline import Pipeline
from edge.reporter import Reporter
from edge.retime import Timing
from edge.sealer import sealer
from edge.session import Session
from edge.uplink import Uplink
from protocols.birth import Birth
from protocols.clock import SystemClock
from protocols.mqtt_url import MqttUrl
from protocols.reading import Reading
from protocols.topics import topic
from tests.bench.waiting_buffer import PER_BATCH, fill

GATEWAY = "g"
LIVE_POINTS = 5
LOOK_S = 0.25
BUFFER_BYTES = 2 << 30


def site(number: int) -> str:
    """Each gateway has a site of its own, so that all may have the same devices."""
    return f"s{number:02d}"


class Gateway:
    """One of them; ``longest_s``: without an ack while it had something to send."""

    def __init__(self, folder: Path, number: int, port: int) -> None:
        self.clock = SystemClock()
        self.site = site(number)
        path = folder / self.site / "buffer.db"
        self.buffer = SqliteBuffer(path, max_bytes=BUFFER_BYTES, seal=sealer(GATEWAY), clock=self.clock)
        self.uplink = Uplink(self.buffer, self.clock, topic=topic(self.site, GATEWAY, "up"))
        timing = Timing(self.clock, boot="fleet")
        self.intake = Intake(
            buffer=self.buffer,
            uplink=self.uplink,
            pipeline=Pipeline([], timing),
            timing=timing,
            clock=self.clock,
            flush_every_s=1.0,
        )
        self.reporter = Reporter(
            buffer=self.buffer, intake=self.intake, uplink=self.uplink, timing=timing, clock=self.clock, drivers=[]
        )
        name = f"gateway-{self.site}-{GATEWAY}"
        secret = folder / "broker" / "secrets" / name
        self.session = Session(
            dial=MqttDialer(url=MqttUrl("127.0.0.1", port, False), username=name, password_file=secret),
            uplink=self.uplink,
            buffer=self.buffer,
            clock=self.clock,
            rng=random.Random(number),
            site=self.site,
            gateway=GATEWAY,
            birth=self._birth,
            report=self.reporter.report,
        )
        self.live = 0
        self.longest_s = self.drained_s = 0.0

    def _birth(self, session: int) -> Birth:
        return Birth(
            site=self.site,
            gateway=GATEWAY,
            name=self.site,
            site_name="",
            time_zone="Asia/Shanghai",
            software="",
            config_hash="",
            session=session,
            started_at=0,
        )

    async def read(self) -> None:
        """Five values a second, for ever."""
        while True:
            await self.clock.sleep(1.0)
            self.live += 1
            at = self.clock.now_ms()
            await self.intake.readings(
                [Reading(f"live-{n}", "voltage_l1_n", self.live, at) for n in range(LIVE_POINTS)]
            )

    async def watch(self, backlog: int) -> None:
        """Until the backlog is up: the longest pause between two acks."""
        began = moved_at = self.clock.monotonic()
        acked = 0
        while acked < backlog:
            await self.clock.sleep(LOOK_S)
            now, figures = self.clock.monotonic(), self.uplink.figures()
            if figures.acked_batches > acked:
                acked, moved_at = figures.acked_batches, now
            self.longest_s = max(self.longest_s, now - moved_at)
        self.drained_s = self.clock.monotonic() - began

    async def run(self, backlog: int) -> None:
        """Everything, until the backlog is up and what was read is too."""
        await self.intake.open()
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self.intake.run(), name="intake")
            talking = group.create_task(self.session.run(), name="session")
            reading = group.create_task(self.read(), name="reading")
            await self.watch(backlog)
            reading.cancel()
            await self.clock.sleep(2.0)
            while self.reporter.report().backlog_batches > 1:
                await self.clock.sleep(LOOK_S)
            self.intake.close()
            await writing
            self.session.close()
            await talking
        await self.buffer.close()


async def main(folder: Path, port: int, count: int, readings: int, until_ms: int) -> None:
    """See the module."""
    loop = asyncio.get_running_loop()
    for number in range(count):
        path = folder / site(number) / "buffer.db"
        path.parent.mkdir(mode=0o700)
        await fill(path, readings, until_ms=until_ms, gateway=GATEWAY)
    gateways = [Gateway(folder, number, port) for number in range(count)]
    say("filled")
    await loop.run_in_executor(None, sys.stdin.readline)
    async with asyncio.TaskGroup() as group:
        for gateway in gateways:
            group.create_task(gateway.run(readings // PER_BATCH), name=f"gateway[{gateway.site}]")
    told = [
        {"site": g.site, "longest_s": g.longest_s, "drained_s": g.drained_s, "live": g.live * LIVE_POINTS}
        for g in gateways
    ]
    say(json.dumps(told))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *(int(each) for each in sys.argv[2:6])))
