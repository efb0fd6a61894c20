"""Simulated readers and a simulated strike at a real gateway process: it decides with the line down."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.identity.authority import Authority
from cloud.registry.roles import Role
from edge.cards import open_card_keys
from edge.status import Snapshot
from edge.status_socket import ask
from edge.status_table import as_text
from protocols.clock import SystemClock
from protocols.grants import Card, Grant, GrantDoor, GrantList, columns, seal_grants
from protocols.topics import topic
from tests.system.test_identity import WITHIN_S, Compound
from tests.waiting import until

DAY_MS = 86_400_000
OWNER, STRANGER = "04a2b3c4", "0badcafe"
DOORS = """
[[bus]]
name = "strikes"
kind = "modbus-tcp"
host = "{module_host}"
port = {module_port}
[[device]]
id = "relays"
profile = "waveshare/relay-d"
bus = "strikes"
unit = 1
every = "1 s"
[[bus]]
name = "readers"
kind = "mqtt"
url = "mqtt://{reader_host}:{reader_port}"
username = "{user}"
password_file = "reader.password"
[[device]]
id = "north-reader"
profile = "esp-rfid/reader"
bus = "readers"
topic = "gate-north"
[[door]]
id = "north"
lock = "fail-secure"
reader_in = ["north-reader"]
strike = {{ device = "relays", point = "relay_1", pulse = "2 s" }}
"""


class Doors(Compound):
    """As there, with a door; its reader and its strike are simulated."""

    def __init__(self, folder: Path, reader: Any, module: Any, readers: Any) -> None:
        super().__init__(folder)
        self.reader, self.module, self._readers = reader, module, readers

    def site(self, gateway: str = "b3") -> Path:
        path = super().site(gateway)
        account = self._readers.account
        secret = self.folder / "reader.password"
        secret.write_text(account.password(), encoding="ascii")
        secret.chmod(0o600)
        text = DOORS.format(
            module_host=self.module.host,
            module_port=self.module.port,
            reader_host=account.host,
            reader_port=account.port,
            user=account.username,
        )
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
        return path

    @asynccontextmanager
    async def process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The gateway as a person starts it."""
        words = (sys.executable, "-m", "edge.cli", "run", str(self.site()))
        with (self.folder / "gateway.log").open("ab") as log:
            running = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log, env=dict(os.environ))
        try:
            yield running
        finally:
            if running.returncode is None:
                running.terminate()
                await asyncio.wait_for(running.wait(), WITHIN_S)

    async def publish(self, number: int, *cards: Card) -> None:
        """A list of the collector, retained."""
        now = SystemClock().now_ms()
        grants = GrantList(
            site="east",
            gateway="b3",
            number=number,
            issued_at=now,
            expires_at=now + 7 * DAY_MS,
            time_zone="Asia/Shanghai",
            doors=[GrantDoor(id="north")],
            sets=[[Grant("north")]],
            cards=columns(cards),
        )
        authority = Authority(self.folder / "data" / "identity", SystemClock())
        authority.open()
        payload = seal_grants(grants, authority.sign_command)
        await self.collector.ingest.publish(topic("east", "b3", "grants"), payload, retain=True)

    def lists_by_hand(self) -> None:
        """The collector, which knows of no cards, gives no list of its own."""
        self.collector.features.access.publisher.sender = None

    async def snapshot(self, wanted: Callable[[Snapshot], bool], what: str) -> Snapshot:
        async def asked() -> Snapshot | None:
            now = await asyncio.to_thread(ask, self.folder / "b3" / "buffer.db")
            return now if now is not None and wanted(now) else None

        return await until(asked, within_s=WITHIN_S, what=what)  # type: ignore[return-value]

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What the collector has of the reader: (kind, data)."""
        _, token = await self.collector.tokens.add("test", Role.ADMINISTRATOR)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=self.collector.url, headers=headers, timeout=30) as client:
            found = await client.get("/api/v1/events", params={"site": "east", "device": "north-reader"})
            assert found.status_code == 200, found.text
        return [(row[3], row[4]) for row in found.json()["rows"]]


def holds(number: int) -> Callable[[Snapshot], bool]:
    return lambda now: now.report.grants is not None and now.report.grants.number == number


@pytest.fixture
async def doors(tmp_path: Path, io_module: Any, mqtt_device: Any, broker: Any) -> AsyncIterator[Doors]:
    module = await asyncio.to_thread(io_module, "waveshare/relay-d")
    reader = await asyncio.to_thread(mqtt_device, "esp-rfid/reader", "gate-north")
    async with Doors(tmp_path, reader, module, broker).running() as running:  # type: ignore[attr-defined]
        yield running  # type: ignore[misc]


async def test_a_tap_opens_the_door_while_the_broker_is_away_and_is_told_once_afterwards(doors: Doors) -> None:
    doors.lists_by_hand()
    keys = open_card_keys(doors.folder / "b3" / "card.key")
    await doors.enrol()
    await doors.publish(5, Card(keys.key(OWNER, "hex"), 41, 0))
    async with doors.process():
        now = await doors.snapshot(holds(5), "the list is held")
        assert "list 5 with 1 cards, expires in" in as_text(now)
        await doors.snapshot(lambda now: now.report.buses[-1].state == "up", "the reader is heard")
        await asyncio.to_thread(doors.broker.kill)
        await doors.snapshot(lambda now: now.session_state != "online", "the line is down")

        await asyncio.to_thread(doors.reader.tap, OWNER, known=False)
        await asyncio.to_thread(doors.module.wait_relay, 1, True, within_s=WITHIN_S)
        await asyncio.to_thread(doors.reader.tap, STRANGER)
        await doors.snapshot(lambda now: now.report.grants is not None and now.report.grants.decisions == 2, "decided")
        assert len([each for each in doors.module.written if not each.refused]) == 1

        await asyncio.to_thread(doors.broker.start)

        async def arrived() -> list[tuple[str, dict[str, Any]]] | None:
            found = [each for each in await doors.told() if each[0].startswith("access_")]
            return found if len(found) >= 2 else None

        found = await until(arrived, within_s=WITHIN_S, what="the decisions at the collector")
        by_kind = dict(found or [])
        assert by_kind["access_granted"]["strike"] == "done"
        assert by_kind["access_granted"]["person"] == 41
        assert by_kind["access_granted"]["list"] == 5
        assert by_kind["access_denied"]["reason"] == "unknown_card"
        assert OWNER not in str(by_kind)

    async with doors.process():
        await doors.snapshot(holds(5), "the list is there after a restart")
        await doors.snapshot(lambda now: now.session_state == "online" and not now.report.backlog_batches, "acked")
    kinds = Counter(kind for kind, _ in await doors.told())
    assert (kinds["access_granted"], kinds["access_denied"], kinds["card_read"]) == (1, 1, 2)
    log = (doors.folder / "gateway.log").read_text(encoding="utf-8")
    assert OWNER not in log


async def test_an_older_list_that_the_broker_kept_is_refused_after_a_restart(doors: Doors) -> None:
    doors.lists_by_hand()
    keys = open_card_keys(doors.folder / "b3" / "card.key")
    lost = Card(keys.key(OWNER, "hex"), 41, 0)
    await doors.enrol()
    await doors.publish(5, lost)
    async with doors.process():
        await doors.snapshot(holds(5), "the list is held")
        await doors.publish(6)
        await doors.snapshot(holds(6), "the card is taken back")
    await doors.publish(5, lost)
    async with doors.process():
        now = await doors.snapshot(lambda now: bool(now.report.grants and now.report.grants.refused), "refused")
        assert now.report.grants is not None
        assert now.report.grants.number == 6
        assert "5 is not newer" in now.report.grants.last_error
        await doors.snapshot(lambda now: now.report.buses[-1].state == "up", "the reader is heard")
        await asyncio.to_thread(doors.reader.tap, OWNER)
        await doors.snapshot(lambda now: bool(now.report.grants and now.report.grants.decisions == 1), "decided")
        assert not doors.module.written
