"""A dangerous point from the two people to the relay: real collector, broker, gateway and Modbus line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.api.gate import COOKIE
from cloud.registry.roles import Grant, Role
from cloud.registry.tables import UserRow
from cloud.registry.tables_people import GrantRow
from tests.system.test_identity import WITHIN_S, Compound
from tests.waiting import until

RULE = 'relay_1 = { actions = ["pulse"], min = 1, max = 5, rate = "1 in 1 h", second_person = true }'
ORDER = {"site": "east", "gateway": "b3", "device": "gate", "point": "relay_1", "action": "pulse", "value": 3.0}


class Guarded(Compound):
    """The same, but its relay is dangerous."""

    def site(self, gateway: str = "b3") -> Path:
        path = super().site(gateway)
        lines = path.read_text("utf-8").splitlines()
        path.write_text("\n".join(RULE if line.startswith("relay_1") else line for line in lines), "utf-8")
        return path

    @asynccontextmanager
    async def person(self, name: str) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody who is logged in and may give commands."""
        grant = GrantRow(site=Grant(Role.DISPATCHER).site, role=Role.DISPATCHER.value)
        row = UserRow(name=name, password_hash="x", created_at=1, password_changed_at=1, grant_rows=[grant])
        async with self.collector.database.writing() as session:
            session.add(row)
        user = await self.collector.users.find(name)
        assert user is not None
        cookie = f"{COOKIE}={await self.collector.sessions.begin(user, 'client')}"
        headers = {"Cookie": cookie, "Origin": self.collector.url}
        async with httpx.AsyncClient(base_url=self.collector.url, headers=headers, timeout=30) as client:
            yield client


@pytest.fixture
async def compound(tmp_path: Path) -> AsyncIterator[Guarded]:
    async with Guarded(tmp_path).running() as running:
        assert isinstance(running, Guarded)
        yield running


async def test_a_dangerous_relay_moves_for_two_people_once_and_for_one_never(compound: Guarded) -> None:
    await compound.enrol()
    async with compound.gateway(), compound.person("fang") as fang, compound.person("wei") as wei:
        await until(lambda: compound.stored() >= 2, within_s=WITHIN_S, what="batches stored")

        async def ended(number: str) -> Any:
            async def answered() -> Any:
                said = (await fang.get(f"/api/v1/commands/{number}")).json()
                return said if said["state"] != "sent" else None

            return await until(answered, within_s=WITHIN_S, what="an answer")

        async def approved() -> Any:
            answer = await fang.post("/api/v1/approvals", json={**ORDER, "lasts_s": 60, "reason": "delivery"})
            assert answer.status_code == 202, answer.text
            number = answer.json()["id"]
            assert (await fang.post(f"/api/v1/approvals/{number}/approve")).status_code == 403
            answer = await wei.post(f"/api/v1/approvals/{number}/approve")
            assert answer.status_code == 200, answer.text
            return await ended(number)

        alone = await fang.post("/api/v1/commands", json={**ORDER, "lasts_s": 60})
        assert alone.status_code == 202, alone.text
        said = await ended(alone.json()["id"])
        assert said["state"] == "refused"
        assert "two people" in said["detail"]
        assert compound.line.written == []

        said = await approved()
        assert (said["state"], said["by"], said["approved_by"]) == ("done", "fang", "wei")
        assert len(compound.line.written) == 1

        said = await approved()
        assert said["state"] == "refused"
        assert "allows 1 in 3600 s" in said["detail"]
    assert len(compound.line.written) == 1
