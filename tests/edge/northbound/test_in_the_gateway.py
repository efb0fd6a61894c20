"""Both modules in a gateway process, as the site file switches them on; and that they cost the main path nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

from edge.northbound.feed import Feed
from edge.pipeline import Pipeline
from edge.retime import Timing
from edge.status_table import as_text
from protocols.clock import ManualClock
from protocols.reading import Reading
from protocols.status import parse_status
from tests.edge.mosquitto import mosquitto
from tests.edge.northbound.listener import Listener, listening
from tests.edge.northbound.sparkplug_watch import by_alias, check, heard, value
from tests.edge.scripted_collector import ScriptedCollector
from tests.edge.test_gateway import gateway, until_snapshot
from tests.waiting import until

SITE = """
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtt://127.0.0.1:{port}"
[buffer]
path = "buffer.db"
flush_every = "0.1 s"
[sparkplug]
url = "mqtt://127.0.0.1:{north}"
[home_assistant]
url = "mqtt://127.0.0.1:{north}"
language = "en"
every = "0.1 s"
[[bus]]
name = "local"
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
[[device]]
id = "car"
profile = "owntracks/phone"
bus = "local"
topic = "owntracks/fleet/car"
"""


def site_file(folder: Path, port: int, north: int) -> Path:
    path = folder / "site.toml"
    path.write_text(SITE.format(port=port, north=north), encoding="utf-8")
    return path


async def drive(listener: Listener, latitude: float, at: int) -> None:
    position = {"_type": "location", "lat": latitude, "lon": 114.3, "acc": 12, "tst": at, "vel": 30}
    await listener.say("owntracks/fleet/car", json.dumps(position), qos=1)


async def test_a_position_reaches_the_collector_a_host_and_home_assistant(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        collector = ScriptedCollector(broker.url, "east", "b3")
        await collector.start()
        site = site_file(tmp_path, broker.port, broker.port)
        began = int(time.time())
        async with (
            listening(broker.url, "spBv1.0/#", "dayuan-home/#", "homeassistant/#") as other,
            gateway(site) as process,
        ):
            now = await until_snapshot(site, lambda now: all(each.state == "online" for each in now.northbound))
            assert [each.name for each in now.northbound] == ["sparkplug", "home_assistant"]
            await until(lambda: other.on("homeassistant/device/dayuan_east/car/config"), 15)
            sent = 0

            async def is_everywhere() -> bool:
                nonlocal sent
                sent += 1
                await drive(other, 30.5 + sent / 1000, began + sent)
                names = by_alias(heard(other))
                told = [m for each in heard(other, "DDATA") for m in each.payload.metrics]
                return bool(
                    any(reading.point == "latitude" for reading in collector.readings())
                    and any(names.get(m.alias) == ("car", "latitude") and value(m) for m in told)
                    and other.on("dayuan-home/east/car/position")
                )

            await until(is_everywhere, 30, "a position everywhere")
            text = as_text(await until_snapshot(site, lambda now: now.northbound[0].sent > 2))
            assert "sparkplug  mqtt://127.0.0.1" in text
            assert "1 of 1 devices born" in text
            assert "home ass.  mqtt://127.0.0.1" in text
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0
            await until(lambda: heard(other, "NDEATH"), 15)
            await until(lambda: other.on("gateway_b3/available")[-1].payload == b"offline", 15)
            check(heard(other), began * 1000 - 1000, int(time.time() * 1000) + 1000)
        await collector.stop()


async def test_a_broker_of_others_that_stands_still_does_not_hold_up_the_collector(tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    with mosquitto(tmp_path) as broker, mosquitto(tmp_path / "north") as north:
        collector = ScriptedCollector(broker.url, "east", "b3")
        await collector.start()
        site = site_file(tmp_path, broker.port, north.port)
        async with listening(broker.url, "none") as phone, gateway(site) as process:
            await until_snapshot(site, lambda now: all(each.state == "online" for each in now.northbound))
            north.freeze()
            began = int(time.time())
            for number in range(200):
                await drive(phone, 30 + number / 1000, began + number)
            await until(
                lambda: sum(reading.point == "latitude" for reading in collector.readings()) == 200, 30, "all stored"
            )
            statuses = [parse_status(m.payload) for m in collector.others if m.topic.endswith("/status")]
            assert all(status.state == "online" for status in statuses)
            now = await until_snapshot(site, lambda now: now.report.acked_batches > 0)
            assert now.session_state == "online"
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 25) == 0
            north.kill()
        await collector.stop()


def test_the_feed_drops_the_oldest_and_counts_them() -> None:
    feed = Feed(10)
    readings = [Reading("meter", "frequency", float(number), number) for number in range(25)]
    feed.put(readings[:8])
    feed.put(readings[8:])
    assert (len(feed), feed.dropped) == (10, 15)
    assert asyncio.run(feed.get(100)) == readings[15:]


async def test_the_pipeline_shows_onlookers_what_came_out() -> None:
    seen: list[Reading] = []
    timing = Timing(ManualClock(), boot="b")
    pipeline = Pipeline([], timing, onlookers=[seen.extend])
    passed = pipeline([Reading("meter", "frequency", float("nan"), 1), Reading("meter", "frequency", 50.0, 2)])
    assert seen == list(passed)
    assert seen[0].value is None
