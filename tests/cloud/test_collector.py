"""The whole collector on a real broker, over a real socket."""

import asyncio
import contextlib
import gc
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from cloud.app import Collector, run_collector
from cloud.data_lock import DataInUse
from cloud.registry.roles import Role
from cloud.settings import CloudSettings, load_cloud
from protocols.birth import Birth, DeviceBirth, PointBirth, encode_birth
from protocols.clock import SystemClock
from protocols.errors import BadSettings
from protocols.status import Status, encode_status
from tests.edge.mosquitto import Mosquitto, free_port, mosquitto
from tests.waiting import until

GOOD = "violet anvil 77 kites"
ROOT = "dayuan/1/east/b3"


def settings(folder: Path, broker: int) -> CloudSettings:
    return load_cloud(None, data=str(folder / "data"), broker=f"mqtt://127.0.0.1:{broker}", listen="127.0.0.1:0")


@contextlib.asynccontextmanager
async def collecting(wanted: CloudSettings) -> AsyncIterator[Collector]:
    collector = Collector(wanted, SystemClock())
    try:
        await collector.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(collector.run(), name="collector")
            try:
                yield collector
            finally:
                collector.stop()
    finally:
        await collector.close()


@contextlib.asynccontextmanager
async def asking(collector: Collector, role: Role = Role.VIEWER) -> AsyncIterator[httpx.AsyncClient]:
    _, token = await collector.tokens.add("test", role)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=collector.url, headers=headers, timeout=10) as client:
        yield client


@pytest.fixture
def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running  # type: ignore[misc]


def batch(seq: int, at: int, *, events: list[dict[str, object]] | None = None, value: float = 1.0) -> bytes:
    readings = [{"device": "m1", "point": "active_power_total", "at": at, "value": value}]
    content: dict[str, object] = {"v": 1, "epoch": "5b1e9c04", "seq": seq, "readings": readings}
    if events is not None:
        content |= {"events": events, "readings": []}
    return json.dumps(content).encode()


class Listener:
    """Reads server-sent events as they come, with the instant each arrived."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str] | None = None) -> None:
        self.client, self.headers = client, headers or {}
        self.events: list[tuple[str, dict[str, object], float]] = []
        self.cursor = ""
        self.ended = False

    async def run(self) -> None:
        event = ""
        with contextlib.suppress(httpx.RemoteProtocolError):
            async with self.client.stream("GET", "/api/v1/stream", headers=self.headers, timeout=30) as answer:
                assert answer.headers["x-accel-buffering"] == "no"
                async for line in answer.aiter_lines():
                    if line.startswith("event: "):
                        event = line[7:]
                    elif line.startswith("id: "):
                        self.cursor = line[4:]
                    elif line.startswith("data: "):
                        self.events.append((event, json.loads(line[6:]), time.perf_counter()))
        self.ended = True

    def of(self, event: str) -> list[dict[str, object]]:
        return [data for name, data, _ in self.events if name == event]


async def test_a_reading_travels_from_the_broker_to_a_listening_page(tmp_path: Path, broker: Mosquitto) -> None:
    async with collecting(settings(tmp_path, broker.port)) as collector, asking(collector) as client:
        listener = Listener(client)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listener.run(), name="listener")
            await until(lambda: listener.of("snapshot"))
            async with aiomqtt.Client("127.0.0.1", broker.port) as gateway:
                now = SystemClock().now_ms()
                points = [PointBirth("active_power_total", "W", "gauge", 30.0)]
                device = DeviceBirth("m1", "B3 main", "meter", "eastron/sdm630", "bus", 10.0, 30.0, points)
                birth = Birth(
                    site="east",
                    gateway="b3",
                    name="B3",
                    site_name="东院",
                    time_zone="Asia/Shanghai",
                    software="0.1.0",
                    config_hash="x",
                    session=2,
                    started_at=now,
                    devices=[device],
                )
                await gateway.publish(f"{ROOT}/birth", encode_birth(birth), qos=1, retain=True)
                await gateway.publish(f"{ROOT}/status", encode_status(Status(state="online", session=2, at=now)), qos=1)
                await gateway.publish(f"{ROOT}/up", batch(1, now, value=8123.5), qos=1)
                await until(lambda: "8123.5" in json.dumps(listener.events), what="the value on the stream")

            async def shown() -> dict[str, dict[str, Any]]:
                state = (await client.get("/api/v1/state")).json()
                return {entity["id"]: entity for entity in state["entities"]}

            async def announced() -> bool:
                return (await shown())["east/m1"]["kind"] == "meter"

            await until(announced)
            meter = (await shown())["east/m1"]
            assert (meter["name"], meter["points"]["active_power_total"]["value"]) == ("B3 main", 8123.5)

            async def online() -> bool:
                return (await shown())["east/@b3"]["attributes"]["online"] is True

            await until(online)
            url = "/api/v1/readings?site=east&device=m1&point=active_power_total&origin=1"
            rows = (await client.get(url)).json()["rows"]
            assert rows[0][:2] == [now, 8123.5]
            assert rows[0][4:7] == ["b3", "5b1e9c04", 1]
            assert (await client.get("/api/v1/health")).json()["ok"] is True
            collector.stop()
            await until(lambda: listener.ended, what="the stream ended with the collector")
            listening.cancel()


async def test_a_card_event_reaches_a_page_quickly(tmp_path: Path, broker: Mosquitto) -> None:
    """The collector's part only: from the publish of the batch to the delta on the page."""
    took = []
    async with collecting(settings(tmp_path, broker.port)) as collector, asking(collector) as client:
        listener = Listener(client)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listener.run(), name="listener")
            await until(lambda: listener.of("snapshot"))
            async with aiomqtt.Client("127.0.0.1", broker.port) as gateway:
                for seq in range(1, 31):
                    before = len(listener.events)
                    event = {
                        "device": "gate",
                        "kind": "card_read",
                        "at": SystemClock().now_ms(),
                        "data": {"card_key": f"k{seq}"},
                    }
                    sent = time.perf_counter()
                    await gateway.publish(f"{ROOT}/up", batch(seq, 0, events=[event]), qos=1)

                    def arrived(seq: int = seq, before: int = before) -> float | None:
                        for name, data, at in listener.events[before:]:
                            if name == "delta" and f'"k{seq}"' in json.dumps(data):
                                return at
                        return None

                    took.append((await until(arrived, what=f"card {seq}") - sent) * 1000)
            listening.cancel()
    took.sort()
    print(f"card event, broker to page: p50 {took[15]:.0f} ms, worst {took[-1]:.0f} ms")
    assert took[15] < 100


async def test_the_collector_starts_with_the_broker_down_and_says_so(tmp_path: Path) -> None:
    port = free_port()
    async with collecting(settings(tmp_path, port)) as collector, asking(collector) as client:
        assert (await client.get("/healthz")).text == "ok\n"
        health = (await client.get("/api/v1/health")).json()
        assert (health["ok"], health["broker"]["connected"]) == (False, False)

        async def alarmed() -> bool:
            alarms = (await client.get("/api/v1/alarms")).json()["alarms"]
            return [alarm["kind"] for alarm in alarms] == ["broker_lost"]

        await until(alarmed)


async def test_it_stops_within_three_seconds_though_pages_listen(tmp_path: Path) -> None:
    async with collecting(settings(tmp_path, free_port())) as collector, asking(collector) as client:
        listeners = [Listener(client) for _ in range(5)]
        async with asyncio.TaskGroup() as tasks:
            for number, listener in enumerate(listeners):
                tasks.create_task(listener.run(), name=f"listener {number}")
            await until(lambda: all(listener.of("snapshot") for listener in listeners))
            started = time.perf_counter()
            collector.stop()
            await until(lambda: all(listener.ended for listener in listeners))
    assert time.perf_counter() - started < 3


async def test_a_stream_goes_on_where_it_was_and_says_when_it_cannot(tmp_path: Path, broker: Mosquitto) -> None:
    wanted = settings(tmp_path, broker.port)
    async with collecting(wanted) as collector, asking(collector) as client:
        first = Listener(client)
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(first.run(), name="first")
            await until(lambda: first.cursor)
            running.cancel()
        second = Listener(client, {"Last-Event-ID": first.cursor})
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(second.run(), name="second")
            await until(lambda: second.events)
            running.cancel()
        assert second.of("snapshot") == []
        await until(lambda: collector.stream.clients == 0, what="places of pages that left are free again")
    async with collecting(wanted) as collector, asking(collector) as client:
        third = Listener(client, {"Last-Event-ID": first.cursor})
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(third.run(), name="third")
            await until(lambda: third.of("snapshot"))
            running.cancel()
        assert third.of("snapshot")[0]["reason"] == "epoch"


async def test_what_was_known_is_shown_after_a_restart(tmp_path: Path, broker: Mosquitto) -> None:
    wanted = settings(tmp_path, broker.port)
    now = SystemClock().now_ms() - 60_000
    async with collecting(wanted) as collector:
        async with aiomqtt.Client("127.0.0.1", broker.port) as gateway:
            await until(lambda: collector.ingest.view().connected)
            await gateway.publish(f"{ROOT}/up", batch(1, now, value=42.0), qos=1)
            await until(lambda: collector.ingest.view().commits)
        assert collector.one_time_password
    async with collecting(wanted) as collector, asking(collector) as client:
        assert collector.one_time_password is None, "only the first start makes an administrator"
        entities = (await client.get("/api/v1/state?kind=device")).json()["entities"]
        assert entities[0]["points"]["active_power_total"]["value"] == 42.0
        assert entities[0]["observed_at"] == now


async def test_a_damaged_registry_is_set_aside_with_an_alarm_and_a_new_administrator(tmp_path: Path) -> None:
    wanted = settings(tmp_path, free_port())
    async with collecting(wanted):
        pass
    wanted.registry_path.write_bytes(b"\x00garbage" * 4096)
    async with collecting(wanted) as collector, asking(collector) as client:
        assert collector.one_time_password
        alarms = (await client.get("/api/v1/alarms")).json()["alarms"]
        damaged = next(alarm for alarm in alarms if alarm["kind"] == "registry_damaged")
        assert Path(damaged["args"]["path"]).read_bytes().startswith(b"\x00garbage")


async def test_a_damaged_log_of_the_registry_is_an_alarm_until_its_copy_is_taken_away(tmp_path: Path) -> None:
    wanted = settings(tmp_path, free_port())
    async with collecting(wanted):
        pass
    copy = wanted.registry_path.with_name(f"{wanted.registry_path.name}.damaged-log-1790000000000")
    copy.write_bytes(b"as kept when it was found")
    async with collecting(wanted) as collector:
        alarm = collector.alarms.find("registry_log_damaged", "collector")
        assert alarm is not None
        assert alarm.args["path"] == str(copy)
        copy.unlink()
        collector.rules.look(connected=False)
        assert collector.alarms.find("registry_log_damaged", "collector") is None


async def test_the_alarm_of_a_damaged_file_ends_when_the_file_was_taken_away(tmp_path: Path) -> None:
    wanted = settings(tmp_path, free_port())
    async with collecting(wanted):
        pass
    wanted.registry_path.write_bytes(b"\x00garbage" * 4096)
    async with collecting(wanted) as collector:
        alarm = collector.alarms.find("registry_damaged", "collector")
        assert alarm is not None
        collector.rules.look(connected=False)
        assert collector.alarms.find("registry_damaged", "collector") is not None
        Path(str(alarm.args["path"])).unlink()
        collector.rules.look(connected=False)
        assert collector.alarms.find("registry_damaged", "collector") is None


async def test_the_one_time_password_goes_to_a_private_file_and_goes_when_it_was_changed(tmp_path: Path) -> None:
    wanted, file, said = settings(tmp_path, free_port()), tmp_path / "password", []
    collector = asyncio.create_task(
        run_collector(wanted, SystemClock(), password_file=file, say=said.append), name="collector"
    )
    try:
        await until(lambda: len(said) >= 5 and file.exists(), within_s=20)
        assert file.stat().st_mode & 0o777 == 0o600
        name, password = file.read_text("utf-8").split()
        assert not any(password in line for line in said)
        url = said[1].split()[1]
        async with httpx.AsyncClient(base_url=url) as client:
            login = await client.post("/api/v1/session", json={"name": name, "password": password})
            assert login.status_code == 200
            assert gc.get_freeze_count() > 0, "what was loaded at the start is not looked through for cycles again"
            change = await client.post("/api/v1/password", json={"old": password, "new": GOOD})
            assert change.status_code == 204
        assert not file.exists()
    finally:
        os.kill(os.getpid(), 15)
        await asyncio.wait_for(collector, 5)


async def test_a_taken_port_stops_the_start_before_any_file_is_touched(tmp_path: Path) -> None:
    first = settings(tmp_path, free_port())
    async with collecting(first) as running:
        port = int(running.url.rsplit(":", 1)[1])
        other = load_cloud(None, data=str(tmp_path / "other"), listen=f"127.0.0.1:{port}")
        second = Collector(other, SystemClock())
        with pytest.raises(BadSettings, match="cannot listen"):
            await second.open()
        await second.close()
        assert not (tmp_path / "other").exists()


async def test_a_second_collector_on_the_same_data_is_told_so_and_changes_nothing(tmp_path: Path) -> None:
    wanted = settings(tmp_path, free_port())
    first, second = Collector(wanted, SystemClock()), Collector(wanted, SystemClock())
    try:
        await first.open()
        with pytest.raises(DataInUse, match=r"/data: another collector, or a restore, works with this data folder"):
            await second.open()
        await second.close()
        assert await first.tokens.add("still works", Role.VIEWER)
    finally:
        await first.close()
    third = Collector(wanted, SystemClock())
    try:
        await third.open()
    finally:
        await third.close()


async def test_connections_that_never_finish_a_request_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.http_server.IDLE_S", 0.3)
    async with collecting(settings(tmp_path, free_port())) as collector, asking(collector) as client:
        port = int(collector.url.rsplit(":", 1)[1])
        silent, dripping = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        dripping[1].write(b"GET /healthz HTTP/1.1\r\nX-A: ")
        assert await asyncio.wait_for(silent[0].read(), 5) == b""
        assert await asyncio.wait_for(dripping[0].read(), 5) == b""
        silent[1].close()
        dripping[1].close()
        assert (await client.get("/healthz")).status_code == 200


async def test_a_part_that_fails_is_told_at_once_and_the_others_must_end_with_it(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended = []
    monkeypatch.setattr("cloud.app.end_within", lambda: ended.append("from now on"))
    collector = Collector(settings(tmp_path, broker.port), SystemClock())

    async def fails() -> None:
        await until(lambda: collector.ingest.view().connected, within_s=30)
        raise MemoryError("no room")

    try:
        await collector.open()
        monkeypatch.setattr(collector.identities, "run", fails)
        with pytest.raises(BaseExceptionGroup):
            await collector.run()
    finally:
        await collector.close()
    assert ended == ["from now on"]
    assert "identities failed, the collector ends" in caplog.text
