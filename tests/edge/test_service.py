"""What systemd is told: ready when the buffer is open, fed by work, not fed by standing still."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from edge.notify import Notify
from edge.progress import Progress
from edge.service import serve
from edge.settings import load_site
from protocols.clock import ManualClock
from tests.edge.mosquitto import mosquitto
from tests.edge.one_snapshot import snapshot
from tests.edge.test_gateway import gateway, site_file
from tests.waiting import until


class Supervisor:
    """The listening side of sd_notify."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)
        self.told: list[dict[str, str]] = []

    def heard(self) -> list[dict[str, str]]:
        with contextlib.suppress(BlockingIOError):
            while True:
                lines = self._socket.recv(65536).decode().splitlines()
                self.told.append(dict(line.split("=", 1) for line in lines))
        return self.told

    def feeds(self) -> int:
        return sum(each.get("WATCHDOG") == "1" for each in self.heard())

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def supervisor(folder: Path) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    path = str(folder / "notify")
    listening = Supervisor(path)
    try:
        yield listening, {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"}
    finally:
        listening.close()


class Scripted:
    """A gateway that is what a test says."""

    def __init__(self) -> None:
        self.now = snapshot()
        self.closing = asyncio.Event()

    def snapshot(self):  # type: ignore[no-untyped-def]
        return self.now

    async def run(self) -> None:
        await self.closing.wait()


async def test_a_gateway_that_stands_still_is_not_fed_and_one_that_gets_on_again_is(tmp_path: Path) -> None:
    clock, scripted = ManualClock(), Scripted()
    progress = Progress(load_site(site_file(tmp_path)))
    with supervisor(tmp_path) as (heard, environment):
        task = asyncio.create_task(serve(scripted.run, scripted, progress, Notify(environment, os.getpid()), clock))

        async def pass_s(seconds: int, **changes: object) -> int:
            before = heard.feeds()
            for _ in range(seconds // 5):
                polls = scripted.now.report.devices[0].polls + 5
                scripted.now = snapshot(device={"polls": polls}, **changes)
                await clock.advance(5.0)
                heard.heard()  # the kernel keeps ten for a listener, no more
            return heard.feeds() - before

        assert await pass_s(60) >= 11
        assert heard.told[0]["READY"] == "1"
        await pass_s(60, in_memory=9, last_commit_s=100.0)
        assert await pass_s(60, in_memory=9, last_commit_s=160.0) == 0
        assert "stands still: 9 readings" in heard.told[-1]["STATUS"]
        assert await pass_s(60) >= 11
        scripted.closing.set()
        await task
        assert heard.heard()[-1] == {"STOPPING": "1"}


async def test_while_the_buffer_is_away_more_time_is_asked_for(tmp_path: Path) -> None:
    clock, scripted = ManualClock(), Scripted()
    progress = Progress(load_site(site_file(tmp_path)))
    with supervisor(tmp_path) as (heard, environment):
        scripted.now = snapshot(report={"epoch": "", "buffer_error": "not open"})
        task = asyncio.create_task(serve(scripted.run, scripted, progress, Notify(environment, os.getpid()), clock))
        for _ in range(10):
            await clock.advance(5.0)
            heard.heard()
        assert all(each["EXTEND_TIMEOUT_USEC"] == "60000000" for each in heard.heard())
        assert len(heard.told) >= 10
        scripted.now = snapshot()
        await clock.advance(5.0)
        assert heard.heard()[-2]["READY"] == "1"
        scripted.closing.set()
        await task


async def test_the_process_itself_says_ready_feeds_and_says_goodbye(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker, supervisor(tmp_path) as (heard, environment):
        site = site_file(tmp_path, broker.port)
        async with gateway(site, **{**environment, "WATCHDOG_USEC": "900000"}) as process:
            await until(lambda: heard.feeds() >= 5, 30.0, "five feeds")
            first = next(index for index, each in enumerate(heard.told) if each.get("READY") == "1")
            assert all("WATCHDOG" not in each for each in heard.told[:first])
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 20) == 0
        assert {"STOPPING": "1"} in heard.heard()


def test_without_a_supervisor_nothing_is_told() -> None:
    silent = Notify({}, 1)
    assert not silent.is_heard
    silent.ready("")
    assert Notify({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "5"}, 1).watchdog_s == 5e-6
    assert Notify({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "5", "WATCHDOG_PID": "2"}, 1).watchdog_s is None
    Notify({"NOTIFY_SOCKET": "/nowhere"}, 1).gets_on("nobody is there")
