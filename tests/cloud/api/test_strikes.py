"""What opens a door is ordered where doors are opened, whichever route is tried."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from cloud.registry.roles import Grant, Role
from protocols.birth import DeviceBirth, RemoteBirth
from tests.cloud.api.conftest import KEY
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_access import east
from tests.cloud.api.test_approvals import login, person
from tests.cloud.api.test_refused import words_for
from tests.proof.api_access import BIRTH

__all__ = ["console", "east"]

PULSE: dict[str, Any] = {
    "site": "east",
    "gateway": "b3",
    "device": "gate",
    "point": "relay_1",
    "action": "pulse",
    "value": 3,
    "reason": "delivery",
}
UNLOCK = "/api/v1/doors/east/gate-north/unlock"


async def two_people(east: ConsoleApi) -> None:
    """The site file wants two people for the strike; Fang and Wei may give commands."""
    rule = RemoteBirth(point="relay_1", actions=["pulse"], least=1, most=5, second_person=True)
    gate = DeviceBirth("gate", "Gate", "door", "t/relays", "io", 1.0, 3.0, remote=[rule])
    await east.api.inventory.born(KEY, msgspec.structs.replace(BIRTH, devices=[gate]), 1)
    for name in ("fang", "wei"):
        await person(east.api, name, Grant(Role.DISPATCHER))
    east.api.app = east.app


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert words_for(error), error
    return answer.status_code, error["code"], error["hint"]


@pytest.mark.parametrize("change", [{}, {"action": "on", "value": None}, {"action": "set", "value": 1}])
async def test_no_command_opens_a_door_past_the_limits_of_unlocking(east: ConsoleApi, change: dict[str, Any]) -> None:
    async with await east.client(Role.DISPATCHER) as client:
        assert (await client.post(UNLOCK, json={"reason": "please"})).status_code == 202
        assert (await client.post(UNLOCK, json={"reason": "please"})).status_code == 429
        for _ in range(3):
            answer = await client.post("/api/v1/commands", json=PULSE | change)
            assert refusal(answer) == (409, "opens_a_door", f"POST {UNLOCK}")
    assert len(east.api.published) == 1


async def test_what_opens_no_door_is_ordered_as_before(east: ConsoleApi) -> None:
    others: list[dict[str, Any]] = [{"point": "relay_2"}, {"device": "lamp"}, {"action": "off", "value": None}]
    async with await east.client(Role.DISPATCHER) as client:
        for change in others:
            assert (await client.post("/api/v1/commands", json=PULSE | change)).status_code == 202


async def test_a_door_that_no_asset_stands_for_is_not_opened_either(east: ConsoleApi) -> None:
    async with await east.client() as client:
        assert (await client.delete("/api/v1/assets/east/door/gate-north")).is_success
        answer = await client.post("/api/v1/commands", json=PULSE)
        assert refusal(answer) == (409, "opens_a_door", "bind its reader to a door, and unlock that")
    assert east.api.published == []


async def test_two_people_do_not_open_what_one_may_unlock(east: ConsoleApi) -> None:
    await person(east.api, "fang", Grant(Role.DISPATCHER))
    east.api.app = east.app
    async with login(east.api, "fang") as fang:
        answer = await fang.post("/api/v1/approvals", json=PULSE)
        assert refusal(answer) == (409, "opens_a_door", f"POST {UNLOCK}")


async def test_a_door_for_two_people_is_opened_by_an_approval_and_listed(east: ConsoleApi) -> None:
    await two_people(east)
    async with login(east.api, "fang") as fang, login(east.api, "wei") as wei:
        _, code, hint = refusal(await fang.post("/api/v1/commands", json=PULSE))
        assert (code, hint) == ("opens_a_door", "two people must stand for it: POST /api/v1/approvals")
        asked = await fang.post("/api/v1/approvals", json=PULSE)
        assert asked.status_code == 202, asked.text
        number = asked.json()["id"]
        assert (await wei.post(f"/api/v1/approvals/{number}/approve")).status_code == 200
        listed = (await fang.get("/api/v1/doors/east/unlocks")).json()["unlocks"]
    assert [(each["command"], each["by"], each["reason"]) for each in listed] == [(number, "fang + wei", "delivery")]
    assert len(east.api.published) == 1
