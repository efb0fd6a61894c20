"""What an overview reads: the same number of times for few buildings and for many, and each meter priced once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.api import energy_look
from cloud.registry.database import Database
from cloud.tariffs.bill import make_bill
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_energy import ready
from tests.cloud.api.test_energy_overview import SITE, TARIFF, day, put
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT

__all__ = ["console", "ready"]

READS_MAX = 3
"""The quarters of six weeks, what the day came to, what the month came to."""
METER = {"role": "main", "point": "p", "register": {"resolution": "0.01", "rated": "400"}}


async def compound(console: ConsoleApi, buildings: int) -> None:
    """A site with so many buildings of a main meter, each with two days at rest and billed."""
    spaces: list[dict[str, str]] = [{"id": "east", "kind": "site", "name": "East"}]
    meters = []
    for number in range(buildings):
        spaces.append({"id": f"b{number}", "kind": "building", "name": f"B{number}", "parent": "east"})
        meters.append(
            {"id": f"m{number}", "name": f"M{number}", "space": f"b{number}", "device": f"d{number}", **METER}
        )
        for at in (-1, 0):
            await put(console, f"m{number}", at, number + 1)
    async with await console.client() as client:
        body = {"spaces": spaces, "meters": meters}
        assert (await client.put("/api/v1/energy/structure/east?rev=1", json=body)).status_code == 200
        assert (await client.put("/api/v1/tariffs/east/plain", json=TARIFF)).status_code == 200
        uses = {"uses": [{"meter": each["id"], "tariff": "plain"} for each in meters]}
        assert (await client.put("/api/v1/tariff-uses/east", json=uses)).status_code == 200
    console.clock.step(MIDNIGHT + DAY + 60_000 - console.clock.now_ms())


class Counted:
    """Counts sessions of the registry, and bills."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = self.bills = 0
        reading = Database.reading

        @asynccontextmanager
        async def counted(database: Database) -> AsyncIterator[AsyncSession]:
            self.reads += 1
            async with reading(database) as session:
                yield session

        def priced(*args: object) -> object:
            self.bills += 1
            return make_bill(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(Database, "reading", counted)
        monkeypatch.setattr(energy_look, "make_bill", priced)


@pytest.mark.parametrize("buildings", [1, 12])
async def test_an_overview_reads_as_often_for_one_building_as_for_twelve(
    ready: ConsoleApi, monkeypatch: pytest.MonkeyPatch, buildings: int
) -> None:
    await compound(ready, buildings)
    async with await ready.client() as client:
        await client.get("/api/v1/energy/quotas", params=SITE)  # the token is known from now on
        counted = Counted(monkeypatch)
        answer = await client.get("/api/v1/energy/overview", params=SITE | {"day": day(0)})
        shown = answer.json()
        assert answer.status_code == 200, answer.text
        assert [each["cost"]["note"] for each in shown["buildings"]] == [""] * buildings
        assert counted.reads <= READS_MAX
        assert counted.bills == buildings
        parts = await client.get("/api/v1/energy/parts", params=SITE | {"day": day(0)})
        assert parts.json()["parts"] == shown["buildings"]
        assert counted.reads <= 2 * READS_MAX
