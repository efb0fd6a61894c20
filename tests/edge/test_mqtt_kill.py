"""A gateway that is killed between a reader's message and its commit, or between the commit and the acknowledgement:
the broker sends the message again, and each tap arrives once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from edge.cards import open_card_keys
from edge.mqtt_link import MqttDialer, MqttLink
from tests.edge.mosquitto import mosquitto
from tests.edge.scripted_collector import ScriptedCollector
from tests.waiting import until

SITE = """
[gateway]
site = "s"
id = "g"

[uplink]
url = "mqtt://127.0.0.1:{port}"

[buffer]
flush_every = "0.1 s"

[[bus]]
name = "local"
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"

[[device]]
id = "tag"
profile = "homeassistant/tag"
bus = "local"
topic = "gate/tag"
"""

FIRST = "B0000000"
"""Held to the reader until the gateway hears it: what is published before it subscribed reaches nobody."""
KILLS = ("before_commit:2", "after_commit:3")
"""The first commit of a process tells that it started; the next ones hold taps."""


@asynccontextmanager
async def gateway(site: Path, fail_point: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "edge.cli", "run", str(site)),
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "DAYUAN_FAILPOINT": fail_point},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Reader:
    """Taps with QoS 1, every time with another card; the message has no time of its own."""

    def __init__(self, link: MqttLink) -> None:
        self._link = link
        self.cards: list[str] = []

    async def tap(self) -> None:
        self.cards.append(f"{0xA0000000 + len(self.cards):08X}")
        await self._link.publish("gate/tag", self.cards[-1].encode())


async def test_each_tap_arrives_once_whenever_the_gateway_is_killed(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        site = tmp_path / "site.toml"
        site.write_text(SITE.format(port=broker.port), encoding="utf-8")
        collector = ScriptedCollector(broker.url, "s", "g")
        await collector.start()
        async with await MqttDialer(url=broker.url)(client_id="reader") as link:
            reader = Reader(link)

            def taps() -> Counter[str]:
                events = (event for event in collector.events() if event.kind == "card_read")
                return Counter(str(event.data["card_key"]) for event in events)

            async with gateway(site):
                while not taps():
                    await link.publish("gate/tag", FIRST.encode())
                    with suppress(AssertionError):
                        await until(taps, 0.3)
            for fail_point in KILLS:
                async with gateway(site, fail_point) as process:
                    for _ in range(100):
                        await reader.tap()
                        try:
                            await asyncio.wait_for(process.wait(), 0.2)
                        except TimeoutError:
                            continue
                        break
                    assert process.returncode == -signal.SIGKILL, f"nothing passed {fail_point}"
            keys = open_card_keys(tmp_path / "card.key")
            wanted = Counter(keys.key(card, "hex") for card in reader.cards)
            first = keys.key(FIRST, "hex")
            async with gateway(site):
                await until(lambda: len(taps() - Counter({first: 10_000})) == len(wanted), 20)
        await collector.stop()
    arrived = taps()
    del arrived[first]
    assert arrived == wanted
