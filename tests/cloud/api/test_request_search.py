"""Older requests over the API: found by what they are known by, page by page; what a requester's form needs."""

import pytest

from cloud.assets.contract import Asset, AssetKey
from cloud.registry.asset_book import SiteChange
from cloud.registry.roles import Role
from cloud.store.contract import GatewayKey
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]

SITE = "east"
DAY_MS = 86_400_000


@pytest.fixture
async def staffed(console: ConsoleApi, api: Api) -> ConsoleApi:
    await api.inventory.seen(GatewayKey(SITE, "b3"), 1)
    # A workshop's van goes by its plate.
    van = Asset(
        key=AssetKey(SITE, "technician", "zhe-a-3m902"),
        name="浙A·3M902",
        facts={"latitude": 30.3, "longitude": 120.1},
    )
    await console.features.asset_desk.apply(SiteChange(SITE, put=[van]))
    return console


def ask(title: str, kind: str = "vehicle", **more: object) -> dict[str, object]:
    spot = {"name": "B3", "latitude": 30.3, "longitude": 120.1}
    return {"site": SITE, "kind": kind, "title": title, "from": spot, **more}


async def filed(console: ConsoleApi, role: Role, *asks: dict[str, object]) -> list[str]:
    """Files them; their numbers."""
    async with await console.client(role) as client:
        return [(await client.post("/api/v1/requests", json=each)).json()["request"]["number"] for each in asks]


async def found(console: ConsoleApi, role: Role = Role.DISPATCHER, **query: object) -> list[str]:
    async with await console.client(role) as client:
        answer = (await client.get("/api/v1/requests/search", params=query)).json()  # type: ignore[arg-type]
    return [each["number"] for each in answer["requests"]]


async def test_requests_are_found_by_number_words_unit_plate_and_kind(staffed: ConsoleApi) -> None:
    unit = {"name": "Wang", "unit": "区府办", "phone": "8012"}
    pipe, lamp, papers = await filed(
        staffed,
        Role.DISPATCHER,
        ask("no water", "repair", requester=unit),
        ask("no light", "guard", note='says "100 %_sure"'),
        ask("Papers to the archive"),
    )
    async with await staffed.client(Role.DISPATCHER) as client:
        name = f"{SITE}.{pipe}"
        suggested = (await client.get(f"/api/v1/requests/{name}/suggestion")).json()["suggested"]
        sent = await client.post(
            f"/api/v1/requests/{name}/assign", json={"resource": suggested, "reason": "it is near"}
        )
        assert sent.status_code == 200
    assert await found(staffed) == [papers, lamp, pipe]
    assert await found(staffed, q=lamp) == [lamp]
    assert await found(staffed, q="PAPERS archive") == [papers]
    assert await found(staffed, q="区府办") == [pipe]
    for plate in ("浙A·3M902", "浙A3M902", "3m902"):
        assert await found(staffed, q=plate) == [pipe], plate
    assert await found(staffed, q='"100 %_sure"') == [lamp]
    assert await found(staffed, q="%") == [lamp]
    assert await found(staffed, q="title") == []
    assert await found(staffed, kind="guard") == [lamp]
    assert await found(staffed, ended=True) == []
    assert await found(staffed, site="west") == []


async def test_pages_follow_one_another_and_hold_each_request_once(staffed: ConsoleApi) -> None:
    numbers = await filed(staffed, Role.DISPATCHER, *(ask(f"number {n}") for n in range(7)))
    seen: list[str] = []
    following = ""
    async with await staffed.client(Role.DISPATCHER) as client:
        for size in (3, 3, 1):
            query = {"limit": 3, "next": following, "q": "number"}
            answer = (await client.get("/api/v1/requests/search", params=query)).json()
            assert len(answer["requests"]) == size
            seen += [each["number"] for each in answer["requests"]]
            following = answer["next"] or ""
        assert following == ""
        wrong = await client.get("/api/v1/requests/search", params={"next": "1; drop"})
    assert seen == numbers[::-1]
    assert wrong.status_code == 422


async def test_a_search_is_of_the_last_quarter_or_of_the_days_that_are_named_and_a_number_of_any_day(
    staffed: ConsoleApi,
) -> None:
    (old,) = await filed(staffed, Role.DISPATCHER, ask("long ago"))
    at = staffed.clock.now_ms()
    staffed.clock.step(100 * DAY_MS)
    assert await found(staffed) == []
    assert await found(staffed, q=old) == [old]
    assert await found(staffed, q=f"{SITE}.{old}") == [old]
    assert await found(staffed, **{"from": at - DAY_MS, "to": at + DAY_MS}) == [old]
    assert await found(staffed, q="20269999-001") == []


async def test_a_requester_finds_only_what_it_filed(staffed: ConsoleApi) -> None:
    await filed(staffed, Role.DISPATCHER, ask("of somebody else"))
    (own,) = await filed(staffed, Role.REQUESTER, ask("of my own"))
    assert await found(staffed, Role.REQUESTER) == [own]
    assert await found(staffed, Role.REQUESTER, q="somebody") == []
    async with await staffed.client(Role.REQUESTER) as client:
        recent = (await client.get("/api/v1/requests", params={"recent": True})).json()["requests"]
        assert [each["number"] for each in recent] == [own]


async def test_what_ended_within_a_day_is_recent_and_what_ended_before_is_found(staffed: ConsoleApi) -> None:
    (own,) = await filed(staffed, Role.REQUESTER, ask("of my own"))
    async with await staffed.client(Role.REQUESTER) as client:
        await client.post(f"/api/v1/requests/{SITE}.{own}/cancel", json={"rev": 1, "reason": "not needed"})
        staffed.clock.step(DAY_MS - 1000)
        assert len((await client.get("/api/v1/requests?recent=1")).json()["requests"]) == 1
        staffed.clock.step(2000)
        assert (await client.get("/api/v1/requests?recent=1")).json()["requests"] == []
    assert await found(staffed, Role.REQUESTER, ended=True) == [own]


async def test_the_form_of_a_requester_has_sites_places_and_units_and_nothing_that_only_guards_need(
    staffed: ConsoleApi,
) -> None:
    def point(kind: str, name: str) -> dict[str, object]:
        properties = {"kind": kind, "id": name, "name": name, "note": "for the guards"}
        return {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": "Point", "coordinates": [120.1, 30.3]},
        }

    drawn = {"type": "FeatureCollection", "features": [point("gate", "west"), point("checkpoint", "vault")]}
    staffed.features.asset_desk.maps.take(SITE, drawn, 1)
    async with await staffed.client(Role.REQUESTER) as client:
        assert (await client.get("/api/v1/sites")).status_code == 403
        bare = (await client.get("/api/v1/requests/form")).json()
        form = (await client.get("/api/v1/requests/form", params={"site": SITE})).json()
        assert (await client.get("/api/v1/requests/form", params={"site": "nowhere"})).status_code == 404
    assert [(each["id"], each["time_zone"]) for each in bare["sites"]] == [(SITE, "Asia/Shanghai")]
    assert "map" not in bare
    assert [each["properties"] for each in form["map"]["features"]] == [{"kind": "gate", "id": "west", "name": "west"}]
