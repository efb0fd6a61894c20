"""The pages on a real collector: a broker, a batch published by hand, a browser."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Browser

from protocols.clock import SystemClock
from tests.browser.screen import WATCH_CSP, expect
from tests.edge.mosquitto import free_port, mosquitto
from tests.waiting import until

TOPIC = "dayuan/1/east-compound/b3-plant-room/up"
OWN_PASSWORD = "violet anvil 77 kites"


class RealCollector:
    """`dayuan-cloud run` as a person starts it."""

    def __init__(self, folder: Path, broker: int, settings: Path | None = None) -> None:
        self.folder, self.broker, self.port, self.settings = folder, broker, free_port(), settings
        self.password_file = folder / "password"
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        options = [str(self.settings)] if self.settings is not None else []
        options += ["--data", str(self.folder / "data"), "--broker", f"mqtt://127.0.0.1:{self.broker}"]
        options += ["--listen", f"127.0.0.1:{self.port}", "--one-time-password-file", str(self.password_file)]
        log = (self.folder / "collector.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cloud.cli", "run", *options, stdout=log, stderr=log
        )
        log.close()
        await until(self._answers, within_s=90, what="collector answers")

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True
        return False

    async def end(self, *, kill: bool = False) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill() if kill else process.terminate()
            await process.wait()


@asynccontextmanager
async def collecting(folder: Path, settings: Path | None = None) -> AsyncIterator[RealCollector]:
    with mosquitto(folder) as broker:
        collector = RealCollector(folder, broker.port, settings)
        try:
            await collector.start()
            yield collector
        finally:
            await collector.end()


async def publish(collector: RealCollector, seq: int, power: float) -> None:
    """One reading and one event, as `mosquitto_pub` sends them."""
    at = SystemClock().now_ms()
    reading = {"device": "b3-main", "point": "active_power_total", "at": at, "value": power}
    decided = {"reason": "list", "direction": "in", "decision_ms": 0.09, "person": 7, "level": 2}
    event = {"device": "gate-north", "kind": "access_granted", "at": at, "data": {"card_key": "9f2c5d1e77", **decided}}
    batch = {"v": 1, "epoch": "by-hand", "seq": seq, "readings": [reading], "events": [event]}
    command = ["mosquitto_pub", "-p", str(collector.broker), "-q", "1", "-t", TOPIC, "-m", json.dumps(batch)]
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


async def test_from_a_batch_by_hand_to_the_page_and_through_a_kill(browser: Browser, tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector:
        context = await browser.new_context(viewport={"width": 1600, "height": 900}, locale="en-GB")
        context.set_default_timeout(15_000)
        await context.add_init_script(WATCH_CSP)
        page = await context.new_page()
        foreign: list[str] = []
        page.on("request", lambda asked: None if asked.url.startswith(collector.url) else foreign.append(asked.url))
        try:
            await page.goto(collector.url)
            name, password = collector.password_file.read_text().split()
            await page.fill("#name", name)
            await page.fill("#password", password)
            await page.keyboard.press("Enter")
            await page.fill("#old", password)
            await page.fill("#new", OWN_PASSWORD)
            await page.fill("#again", OWN_PASSWORD)
            await page.keyboard.press("Enter")
            await expect(page.locator(".empty")).to_contain_text("dayuan-edge run site.toml")

            await publish(collector, 1, 8123.0)
            meter = page.locator("[id='row-east-compound/b3-main']")
            await expect(meter).to_contain_text("8,123", timeout=15_000)
            await expect(page.locator("[id='row-east-compound/gate-north']")).to_contain_text(
                "access grantedby the list · inward · decided in 0.09 ms · card level 2 · card 9f2c5d1e"
            )
            await meter.locator(".num").click()
            panel = page.locator(".panel")
            await expect(panel.locator("tbody tr")).to_have_count(1)
            await expect(panel.locator("tbody tr")).to_contain_text("by-hand 1")

            await collector.end(kill=True)
            await page.locator("main.frozen").wait_for()
            await expect(meter).to_contain_text("8,123")
            await collector.start()
            await page.locator("main:not(.frozen)").wait_for()
            await publish(collector, 2, 7001.0)
            await expect(meter).to_contain_text("7,001", timeout=15_000)
            await expect(panel.locator("tbody tr")).to_have_count(2, timeout=15_000)
            assert await page.evaluate("window.__violations") == []
            assert foreign == []
        finally:
            await context.close()
