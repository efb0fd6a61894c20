"""A collector, a mosquitto on its files and a gateway: enrolled, renewed under load, commanded, revoked."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.app import Collector
from cloud.cli import main as cloud_main
from cloud.identity.authority import Authority
from cloud.identity.enrolling import Enrolling
from cloud.registry.identity_book import IdentityBook
from cloud.registry.roles import Role
from cloud.settings import load_cloud
from cloud.store.contract import GatewayKey
from edge.cli import main as edge_main
from edge.gateway import Gateway
from edge.identity_files import IdentityFiles
from edge.settings import load_site
from protocols.certificates import make_request, new_key
from protocols.clock import ManualClock, SystemClock
from protocols.enrolment import ask, read_code
from tests.cloud.identity.tls_broker import Client, TlsBroker
from tests.edge.modbus_line import ModbusLine
from tests.edge.test_commands import RELAYS
from tests.waiting import until

WITHIN_S = 60.0
KEY = GatewayKey("east", "b3")
SITE = """
[gateway]
site = "east"
id = "{gateway}"
profile_dirs = ["profiles"]
[uplink]
url = "mqtts://localhost:{broker}"
ack_timeout = "1 s"
[buffer]
path = "{gateway}/buffer.db"
flush_every = "0.1 s"
[[bus]]
name = "doors"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {modbus}
[[device]]
id = "gate"
profile = "t/relays"
bus = "doors"
unit = 1
every = "0.2 s"
max_silence = "1 s"
[device.remote]
relay_1 = {{ actions = ["pulse"], min = 1, max = 5 }}
"""
CLOUD = """
[collector]
data = "data"
require_enrolment = true
[broker]
url = "mqtts://localhost:{port}"
own_certificate = true
files = "broker"
[listen]
address = "127.0.0.1:0"
"""


class Compound:
    """One of each, in one folder. Everything is done by the commands that a person would type."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority = Authority(folder / "data" / "identity", SystemClock())
        self.broker = TlsBroker(folder, authority)
        self.line = ModbusLine({1: {0: 0, 1: 0}})
        self.collector: Collector
        (folder / "profiles" / "t").mkdir(parents=True)
        (folder / "profiles" / "t" / "relays.toml").write_text(RELAYS, encoding="utf-8")
        self.settings = folder / "cloud.toml"
        self.settings.write_text(CLOUD.format(port=self.broker.port), encoding="utf-8")
        self._modbus = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Compound]:
        self.broker.start()
        try:
            async with self.line.on_tcp() as port:
                self._modbus = int(port)
                self.collector = Collector(load_cloud(self.settings), SystemClock())
                try:
                    await self.collector.open()
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self.collector.run(), name="collector")
                        try:
                            await until(lambda: self.collector.ingest.view().connected, within_s=WITHIN_S)
                            yield self
                        finally:
                            self.collector.stop()
                finally:
                    await self.collector.close()
        finally:
            self.broker.stop()

    def site(self, gateway: str = "b3") -> Path:
        path = self.folder / f"{gateway}.toml"
        (self.folder / gateway).mkdir(exist_ok=True)
        text = SITE.format(gateway=gateway, broker=self.broker.port, modbus=self._modbus)
        path.write_text(text, encoding="utf-8")
        return path

    @asynccontextmanager
    async def gateway(self, name: str = "b3") -> AsyncIterator[Gateway]:
        gateway = Gateway(load_site(self.site(name)), clock=SystemClock(), rng=random.Random(1))
        running = asyncio.create_task(gateway.run(), name=f"gateway-{name}")
        try:
            yield gateway
        finally:
            gateway.close()
            await running

    async def cloud(self, *words: str) -> Any:
        code, said = await asyncio.to_thread(_run, cloud_main, [*words, "--settings", str(self.settings), "--json"])
        assert code == 0, said
        return json.loads(said)

    async def enrol(self, name: str = "b3") -> str:
        code = (await self.cloud("gateway", "add", f"east/{name}"))["code"]
        words = ["enrol", self.collector.url, code, str(self.site(name)), "--json"]
        done, said = await asyncio.to_thread(_run, edge_main, words)
        assert done == 0, said
        return str(code)

    def stored(self, name: str = "b3") -> int:
        return self.collector.ingest.counters(GatewayKey("east", name)).stored_batches

    async def all_is_stored(self, gateway: Gateway) -> None:
        """Every batch the gateway ever sealed is stored, once."""

        def no_hole() -> bool:
            (held,) = self.collector.ingest.ranges(KEY).values()
            return len(held) == 1 and held[0][0] == 1 and gateway.snapshot().report.backlog_batches <= 1

        await until(no_hole, within_s=WITHIN_S)


def _run(main: Any, words: list[str]) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(words)
    return code, said.getvalue()


@pytest.fixture
async def compound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Compound]:
    # A gateway that was refused waits for minutes before it asks again.
    monkeypatch.setattr("edge.uplink.HOLD_S", 1.0)
    monkeypatch.setattr("edge.uplink.RESEND_S_MAX", 1.0)
    async with Compound(tmp_path).running() as running:
        yield running


def alarms(compound: Compound) -> dict[str, Any]:
    return {f"{alarm.kind}": alarm for alarm in compound.collector.alarms.active()}


async def test_a_gateway_is_enrolled_obeys_is_revoked_and_stays_out(compound: Compound) -> None:
    await compound.enrol()
    async with compound.gateway() as gateway:
        await until(lambda: compound.stored() >= 2, within_s=WITHIN_S, what="batches stored")

        _, token = await compound.collector.tokens.add("test", Role.DISPATCHER)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=compound.collector.url, headers=headers, timeout=30) as client:
            order = {"site": "east", "gateway": "b3", "device": "gate", "point": "relay_1", "action": "pulse"}
            given = await client.post("/api/v1/commands", json={**order, "value": 3.0, "lasts_s": 60})
            assert given.status_code == 202, given.text
            refused = await client.post("/api/v1/commands", json={**order, "value": 30.0, "lasts_s": 60})

            async def state(number: str) -> Any:
                said = (await client.get(f"/api/v1/commands/{number}")).json()
                return said if said["state"] != "sent" else None

            said = await until(lambda: state(given.json()["id"]), within_s=WITHIN_S, what="an answer")
            assert (said["state"], said["by"]) == ("done", "token test"), said
            said = await until(lambda: state(refused.json()["id"]), within_s=WITHIN_S, what="an answer")
            assert said["state"] == "refused"
            assert "1 to 5" in said["detail"]
        assert len(compound.line.written) == 1

        told = await compound.cloud("gateway", "revoke", "east/b3", "--reason", "stolen")
        assert told["broker"].startswith("has the new list"), told
        await until(lambda: not gateway.snapshot().online_s, within_s=WITHIN_S, what="cut off")
        await until(lambda: "revoked" in gateway._session.error, within_s=WITHIN_S, what="refused at the broker")
        stored = compound.stored()
        (row,) = await compound.cloud("gateway", "list")
        assert (row["state"], row["reason"]) == ("revoked", "stolen")

        await compound.enrol()
        await until(lambda: compound.stored() > stored, within_s=WITHIN_S, what="in again")
        await compound.all_is_stored(gateway)
    (row,) = await compound.cloud("gateway", "list")
    assert (row["state"], row["certificates"]) == ("enrolled", 1)
    assert 363 <= row["days_left"] <= 365


async def test_a_certificate_is_renewed_under_load_and_nothing_is_lost(compound: Compound) -> None:
    clock = ManualClock(start_ms=SystemClock().now_ms() - 300 * 86_400_000)
    authority = Authority(compound.folder / "data" / "identity", clock)
    desk = Enrolling(authority, IdentityBook(compound.collector.database, SystemClock()), clock)
    files = IdentityFiles(load_site(compound.site()).gateway.identity_dir)
    code = read_code((await desk.invite(KEY)).code)
    key = files.next_key()
    given = await desk.enrol(ask(code, *KEY, make_request(key, "east/b3").decode()))
    parts = (given.certificate.encode(), given.ca.encode(), given.commands.encode())
    old = files.take(key, *parts, name="east/b3")
    await compound.collector.identities.load()

    async with compound.gateway() as gateway:
        await until(lambda: files.held().certificate.serial != old.serial, within_s=WITHIN_S, what="renewed")
        await until(lambda: compound.stored() >= 5, within_s=WITHIN_S, what="batches stored")
        await until(lambda: not files.previous_path.exists(), within_s=WITHIN_S, what="let in with the new one")
        await compound.all_is_stored(gateway)
        assert compound.collector.ingest.counters(KEY).rejected == 0
    (row,) = await compound.cloud("gateway", "list")
    assert row["certificates"] == 2, "the old one holds until its end"
    again = Client(compound.broker, "east/b3", pair=key + old.pem)
    await asyncio.to_thread(again.online)
    again.close()


async def test_a_gateway_that_is_not_enrolled_is_refused_shown_and_taken_once_it_is(compound: Compound) -> None:
    # The broker would not let it in; this is what the collector does when a broker lets everybody in.
    stranger = Client(compound.broker, "east/b7")
    await asyncio.to_thread(stranger.online)
    reading = {"device": "m1", "point": "active_power_total", "at": SystemClock().now_ms(), "value": 1.0}
    batch = json.dumps({"v": 1, "epoch": "e", "seq": 1, "readings": [reading]})
    await asyncio.to_thread(stranger.subscribe, "dayuan/1/east/b7/ack")
    assert await asyncio.to_thread(stranger.publish, "dayuan/1/east/b7/up", batch)
    await until(lambda: stranger.got, within_s=WITHIN_S, what="an ack")
    ack = json.loads(stranger.got[0][1])
    assert [(each["reason"], each["hold"], each["seq"]) for each in ack["rejected"]] == [("not_enrolled", True, 1)]
    assert compound.stored("b7") == 0
    await until(lambda: "gateway_not_enrolled" in alarms(compound), within_s=WITHIN_S, what="an alarm")

    code = read_code((await compound.cloud("gateway", "add", "east/b7"))["code"])
    request = make_request(new_key(), "east/b7").decode()
    await compound.collector.enrolling.enrol(ask(code, "east", "b7", request))

    async def taken() -> bool:
        await asyncio.to_thread(stranger.publish, "dayuan/1/east/b7/up", batch)
        return compound.stored("b7") == 1

    await until(taken, within_s=WITHIN_S, what="taken once enrolled")
    stranger.close()
