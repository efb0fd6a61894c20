"""A request for a room and the bookings of rooms know of each other."""

from typing import Any

import httpx
import pytest

from cloud.assets.contract import Asset, AssetKey
from cloud.registry.asset_book import SiteChange
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]

SITE = "east"
HOUR = 3_600_000


class Rooms:
    """Two rooms, a client, and the hour that everything is about."""

    def __init__(self, console: ConsoleApi, client: httpx.AsyncClient) -> None:
        self.console, self.client = console, client
        now = console.clock.now_ms()
        self.since = now - now % HOUR + 2 * HOUR

    async def post(self, path: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def book(self, room: str, since: int, until: int, status: int = 201) -> dict[str, Any]:
        body = {"site": SITE, "room": room, "unit": "Finance", "subject": "Budget", "organiser": "Li"}
        return await self.post("/api/v1/bookings", body | {"from": since, "until": until}, status)

    async def request(self, earliest: int, minutes: int = 60) -> str:
        body = {
            "site": SITE,
            "kind": "room",
            "tier": "4h",
            "title": "Guests",
            "requester": {"name": "Wang", "unit": "Reception", "phone": "8012"},
            "window": {"earliest": earliest, "latest": earliest + HOUR},
            "duration_min": minutes,
            "passengers": 4,
        }
        made = await self.post("/api/v1/requests", body, 201)
        return str((made.get("request") or made)["id"])

    async def suggestion(self, request: str) -> dict[str, Any]:
        answer = await self.client.get(f"/api/v1/requests/{request}/suggestion")
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def bookings(self, room: str) -> list[dict[str, Any]]:
        asked = {"site": SITE, "room": room, "from": self.since - HOUR, "to": self.since + 5 * HOUR}
        answer = await self.client.get("/api/v1/bookings", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["bookings"]  # type: ignore[no-any-return]


@pytest.fixture
async def rooms(console: ConsoleApi) -> Rooms:
    made = [
        Asset(key=AssetKey(SITE, "room", name), name=name.upper(), facts={"capacity": seats})
        for name, seats in (("r1", 6), ("r2", 20))
    ]
    await console.features.asset_desk.apply(SiteChange(SITE, put=made))
    return Rooms(console, await console.client())


async def test_a_booked_room_is_left_out_and_says_until_when(rooms: Rooms) -> None:
    await rooms.book("r1", rooms.since, rooms.since + HOUR)
    await rooms.book("r1", rooms.since + HOUR, rooms.since + 2 * HOUR)
    request = await rooms.request(rooms.since + HOUR // 2)
    told = await rooms.suggestion(request)
    assert [each["resource"] for each in told["candidates"]] == ["east/room:r2"]
    [left_out] = told["excluded"]
    assert (left_out["resource"], left_out["code"]) == ("east/room:r1", "room_booked")
    assert left_out["args"]["until_at"] == rooms.since + 2 * HOUR
    assert left_out["args"]["until"] in left_out["text"]["en"]
    assert "Finance" in left_out["text"]["zh"]
    later = await rooms.suggestion(await rooms.request(rooms.since + 2 * HOUR))
    assert later["excluded"] == []


async def test_the_room_that_a_request_is_given_is_booked_for_it_and_given_back_with_it(rooms: Rooms) -> None:
    request = await rooms.request(rooms.since)
    await rooms.post(f"/api/v1/requests/{request}/assign", {"resource": "east/room:r1", "reason": "near the gate"})
    [booking] = await rooms.bookings("r1")
    assert (booking["unit"], booking["from"], booking["until"]) == ("Reception", rooms.since, rooms.since + HOUR)
    await rooms.book("r1", rooms.since, rooms.since + HOUR, status=409)
    other = await rooms.suggestion(await rooms.request(rooms.since))
    assert [each["code"] for each in other["excluded"]] == ["reserved_overlaps"]
    await rooms.post(f"/api/v1/requests/{request}/reassign", {"resource": "east/room:r2", "reason": "more came"})
    assert await rooms.bookings("r1") == []
    [moved] = await rooms.bookings("r2")
    assert moved["from"] == rooms.since
    await rooms.post(f"/api/v1/requests/{request}/cancel", {"reason": "they do not come"})
    assert await rooms.bookings("r2") == []
    await rooms.book("r2", rooms.since, rooms.since + HOUR)


async def test_a_room_that_is_booked_is_not_assigned_whatever_the_reason(rooms: Rooms) -> None:
    request = await rooms.request(rooms.since)
    await rooms.book("r1", rooms.since, rooms.since + HOUR)
    answer = await rooms.client.post(
        f"/api/v1/requests/{request}/assign", json={"resource": "east/room:r1", "reason": "we need it"}
    )
    assert answer.status_code >= 400
    assert "booked" in answer.json()["error"]["message"]
    assert len(await rooms.bookings("r1")) == 1
    known = (await rooms.client.get(f"/api/v1/requests/{request}")).json()
    assert (known.get("request") or known)["assigned"] is None
