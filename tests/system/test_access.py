"""A card from the page of the collector to the strike of a door: real collector, broker with certificates, gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from cloud.registry.roles import Role
from tests.system.test_door_decisions import OWNER, Doors, doors
from tests.system.test_identity import WITHIN_S
from tests.waiting import until

__all__ = ["doors"]

REMOTE = '[device.remote]\nrelay_1 = { actions = ["pulse"], min = 1, max = 5 }\n[[bus]]\nname = "readers"'
ACCESS = "/api/v1/access/east"


@asynccontextmanager
async def officer(compound: Doors) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may do all of it."""
    _, token = await compound.collector.tokens.add("officer", Role.ADMINISTRATOR)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=compound.collector.url, headers=headers, timeout=30) as client:
        yield client


async def put(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    answer = await client.put(path, json=body)
    assert answer.status_code == 200, answer.text


async def held(client: httpx.AsyncClient, cards: int) -> None:
    """The gateway says that it holds what it was given, and that is so many cards."""

    async def asked() -> bool | None:
        lists = (await client.get(f"{ACCESS}/doors")).json()["lists"]
        told = [
            (each["cards"], each["doors"], each["held"] is not None and each["held"] == each["wanted"])
            for each in lists
        ]
        return True if told == [(cards, 1, True)] else None

    await until(asked, within_s=WITHIN_S, what=f"a list of {cards} cards at the gateway")


async def decided(client: httpx.AsyncClient, reason: str) -> dict[str, Any]:
    """The newest decision, once it is this one."""

    async def asked() -> dict[str, Any] | None:
        found = (await client.get(f"{ACCESS}/decisions")).json()["decisions"]
        return found[0] if found and found[0]["reason"] == reason else None

    found = await until(asked, within_s=WITHIN_S, what=f"a decision: {reason}")
    assert found is not None
    return found


def allow_remote(site: Path) -> None:
    text = site.read_text("utf-8").replace('[[bus]]\nname = "readers"', REMOTE)
    site.write_text(text, "utf-8")


async def test_a_stranger_becomes_somebody_comes_in_and_is_shut_out_again(doors: Doors) -> None:
    plain = doors.site

    def with_remote(gateway: str = "b3") -> Path:
        path = plain(gateway)
        allow_remote(path)
        return path

    doors.site = with_remote  # type: ignore[method-assign]
    await doors.enrol()
    async with officer(doors) as client, doors.process():
        door = {"name": "North", "bindings": [{"role": "reader", "device": "north-reader"}]}
        await put(client, "/api/v1/assets/east/door/north-gate", door)
        await held(client, 0)
        await doors.snapshot(lambda now: now.report.buses[-1].state == "up", "the reader is heard")

        await asyncio.to_thread(doors.reader.tap, OWNER)
        refused = await decided(client, "unknown_card")
        (stranger,) = (await client.get(f"{ACCESS}/unknown-cards")).json()["cards"]
        assert (stranger["card"], stranger["door"]) == (refused["card"], "north-gate")

        await put(client, f"{ACCESS}/records/holder/li", {"name": "Li Na"})
        await put(client, f"{ACCESS}/records/credential/{stranger['card']}", {"holder": "li"})
        await put(client, f"{ACCESS}/records/permission/in", {"holder": "li", "door": "north-gate"})
        await held(client, 1)
        await asyncio.to_thread(doors.reader.tap, OWNER)
        await asyncio.to_thread(doors.module.wait_relay, 1, True, within_s=WITHIN_S)
        assert (await decided(client, "list"))["name"] == "Li Na"

        lost = {"holder": "li", "blocked": "lost"}
        await put(client, f"{ACCESS}/records/credential/{stranger['card']}", lost)
        await held(client, 0)
        await asyncio.to_thread(doors.reader.tap, OWNER)
        shut_out = await decided(client, "unknown_card")
        asked = {"door": "north-gate", "card": shut_out["card"]}
        assert (await client.get(f"{ACCESS}/ruling", params=asked)).json()["reason"] == "blocked"

        written = len([each for each in doors.module.written if not each.refused])
        made = await client.post("/api/v1/doors/east/north-gate/unlock", json={"reason": "delivery"})
        assert made.status_code == 202, made.text

        async def done() -> bool | None:
            found = (await client.get("/api/v1/doors/east/unlocks")).json()["unlocks"]
            return True if [each["state"] for each in found] == ["done"] else None

        await until(done, within_s=WITHIN_S, what="the outcome of the unlock")
        await decided(client, "remote")
        assert len([each for each in doors.module.written if not each.refused]) == written + 1
