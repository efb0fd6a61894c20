"""A gateway without drivers: intake, buffer, uplink and session as the process wires them, fed by a test.

``python -m tests.edge.box BUFFER PORT COUNT`` runs one that commits numbered events, prints each number when its
commit has returned, and ends when everything is acked.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.buffer_sqlite import SqliteBuffer
from edge.contract import FailPoint
from edge.failpoint import VARIABLE, armed, never
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
from protocols.reading import Event, Reading
from tests.waiting import until


class Box:
    """A gateway without drivers."""

    def __init__(
        self,
        path: Path,
        url: MqttUrl,
        fail_point: FailPoint = never,
        *,
        ca_file: Path | None = None,
        keep_acked_s: float = 0.0,
        max_bytes: int = 16 << 20,
    ) -> None:
        clock = SystemClock()
        self.buffer = SqliteBuffer(
            path, max_bytes=max_bytes, seal=sealer("gw"), clock=clock, fail_point=fail_point, keep_acked_s=keep_acked_s
        )
        self.uplink = Uplink(
            self.buffer,
            clock,
            topic="dayuan/1/site/gw/up",
            ack_timeout_s=0.5,
            dead_after_s=20.0,
            fail_point=fail_point,
        )
        timing = Timing(clock, boot="boot-1")
        self.intake = Intake(
            buffer=self.buffer,
            uplink=self.uplink,
            pipeline=Pipeline([], timing),
            timing=timing,
            clock=clock,
            flush_every_s=0.05,
        )
        self.reporter = Reporter(
            buffer=self.buffer, intake=self.intake, uplink=self.uplink, timing=timing, clock=clock, drivers=[]
        )
        self.session = Session(
            dial=MqttDialer(url=url, ca_file=ca_file),
            uplink=self.uplink,
            buffer=self.buffer,
            clock=clock,
            rng=random.Random(3),
            site="site",
            gateway="gw",
            birth=lambda number: Birth(
                site="site",
                gateway="gw",
                name="gw",
                site_name="",
                time_zone="Asia/Shanghai",
                software="",
                config_hash="",
                session=number,
                started_at=0,
            ),
            report=self.reporter.report,
            fail_point=fail_point,
        )
        self.clock = clock
        self.count = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Box]:
        await self.intake.open()
        tasks = [asyncio.create_task(self.intake.run()), asyncio.create_task(self.session.run())]
        try:
            yield self
        finally:
            self.intake.close()
            await asyncio.wait([tasks[0]], timeout=5)
            self.session.close()
            await asyncio.wait([tasks[1]], timeout=5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.buffer.close()

    async def produce(self, count: int) -> None:
        for _ in range(count):
            self.count += 1
            await self.intake.readings([Reading("meter", "active_power_total", float(self.count), self.clock.now_ms())])
            if self.count % 10 == 0:
                await self.intake.event(Event("gate", "button", self.clock.now_ms(), {"detail": str(self.count)}))

    def everything(self) -> list[float]:
        return [float(n) for n in range(1, self.count + 1)]


def first_unused(counter: Path) -> int:
    return int(counter.read_text()) if counter.exists() else 0


def use(counter: Path, number: int) -> None:
    """Before it is used: a number may be skipped by a kill, and is never used twice. The file is whole at any kill."""
    fresh = counter.with_suffix(".fresh")
    fresh.write_text(str(number + 1))
    fresh.replace(counter)


async def commit_numbers(path: Path, port: int, count: int) -> None:
    box = Box(path, MqttUrl("127.0.0.1", port, False), armed(os.environ.get(VARIABLE)))
    async with box.running():
        counter = path.with_suffix(".next")
        start = first_unused(counter)
        for number in range(start, start + count):
            use(counter, number)
            await box.intake.event(Event("gate", "button", box.clock.now_ms(), {"detail": str(number)}))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            await asyncio.sleep(0.01)
        await until(lambda: box.reporter.report().backlog_batches == 0, 120)


if __name__ == "__main__":
    asyncio.run(commit_numbers(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
