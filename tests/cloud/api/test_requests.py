"""Requests over the API: roles, conflicts, suggestions, what-if, figures and settings."""

import pytest

from cloud.assets.contract import Asset, AssetKey
from cloud.features import Features
from cloud.registry.asset_book import SiteChange
from cloud.registry.roles import Role
from cloud.store.contract import GatewayKey
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]

ASK = {
    "site": "east",
    "kind": "repair",
    "title": "no light",
    "from": {"name": "B3", "latitude": 30.3, "longitude": 120.1},
}
SITE = "east"


def technician(name: str, **facts: object) -> Asset:
    spot = {"latitude": 30.3, "longitude": 120.1}
    return Asset(key=AssetKey(SITE, "technician", name), name=name.title(), facts={**spot, **facts})


@pytest.fixture
async def staffed(console: ConsoleApi, api: Api) -> ConsoleApi:
    await api.inventory.seen(GatewayKey(SITE, "b3"), 1)
    people = [technician("chen", skills=["power"]), technician("sun")]
    await console.features.asset_desk.apply(SiteChange(SITE, put=people))
    return console


async def test_a_requester_files_and_a_dispatcher_sends_somebody(staffed: ConsoleApi) -> None:
    async with await staffed.client(Role.REQUESTER) as asks, await staffed.client(Role.DISPATCHER) as sends:
        filed = await asks.post("/api/v1/requests", json=ASK)
        assert filed.status_code == 201
        request = filed.json()["request"]
        place = f"/api/v1/requests/{request['id']}"
        assert (await asks.post(f"{place}/acknowledge", json={})).status_code == 403
        assert (await sends.post(f"{place}/acknowledge", json={"rev": 1})).json()["request"]["status"] == "waiting"
        found = (await sends.get(f"{place}/suggestion")).json()
        assert [each["name"] for each in found["candidates"]] == ["Sun", "Chen"]
        assert set(found["candidates"][0]["terms"]) == {"eta", "late", "empty", "fair", "switch", "class"}
        sent = await sends.post(f"{place}/assign", json={"rev": 2, "resource": found["suggested"]})
        assert sent.json()["request"]["assigned"]["resource"] == "east/technician:sun"
        for action in ("start", "arrive", "finish"):
            assert (await sends.post(f"{place}/{action}", json={})).status_code == 200
        rated = await asks.post(f"{place}/rate", json={"stars": 4, "text": "quick"})
        assert rated.json()["request"]["rating"]["stars"] == 4
        whole = (await asks.get(place)).json()
        assert [line["action"] for line in whole["history"]] == [
            "file", "acknowledge", "assign", "start", "arrive", "finish", "rate",
        ]  # fmt: skip


async def test_a_request_is_an_entity_of_the_live_state(staffed: ConsoleApi) -> None:
    async with await staffed.client() as client:
        request = (await client.post("/api/v1/requests", json=ASK)).json()["request"]
        state = (await client.get("/api/v1/state?kind=request")).json()
    (entity,) = state["entities"]
    assert entity["id"] == f"east/request:{request['number']}"
    assert entity["attributes"]["status"] == "new"
    assert entity["attributes"]["clocks"]["assign"]["step"] == 0
    assert entity["attributes"]["id"] == request["id"]


async def test_who_stands_on_an_older_rev_is_told_the_one_there_is(staffed: ConsoleApi) -> None:
    async with await staffed.client() as client:
        request = (await client.post("/api/v1/requests", json=ASK)).json()["request"]
        place = f"/api/v1/requests/{request['id']}"
        await client.post(f"{place}/acknowledge", json={"rev": 1})
        late = await client.post(f"{place}/cancel", json={"rev": 1})
        assert (late.status_code, late.headers["x-current-rev"], late.json()["error"]["code"]) == (409, "2", "conflict")
        again = await client.post(f"{place}/acknowledge", json={"rev": 2})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "not_possible")
        assert "assign" in again.json()["error"]["hint"]


async def test_a_key_makes_a_change_happen_once(staffed: ConsoleApi) -> None:
    async with await staffed.client() as client:
        head = {"Idempotency-Key": "abc"}
        one = await client.post("/api/v1/requests", json=ASK, headers=head)
        two = await client.post("/api/v1/requests", json=ASK, headers=head)
        assert one.json() == two.json()
        other = await client.post("/api/v1/requests", json={**ASK, "title": "x"}, headers=head)
        assert (other.status_code, other.json()["error"]["code"]) == (422, "key_reused")
        assert len((await client.get("/api/v1/requests")).json()["requests"]) == 1


async def test_a_requester_sees_its_own_and_nobody_s_whereabouts(staffed: ConsoleApi) -> None:
    async with await staffed.client(Role.REQUESTER) as asks, await staffed.client(Role.DISPATCHER) as sends:
        mine = (await asks.post("/api/v1/requests", json=ASK)).json()["request"]
        other = (await sends.post("/api/v1/requests", json=ASK)).json()["request"]
        assert [each["id"] for each in (await asks.get("/api/v1/requests")).json()["requests"]] == [mine["id"]]
        assert (await asks.get(f"/api/v1/requests/{other['id']}")).status_code == 404
        suggestion = (await asks.get(f"/api/v1/requests/{mine['id']}/suggestion")).json()
        assert suggestion["candidates"] == [] and suggestion["why"]["en"]
        guess = (await asks.post("/api/v1/requests/what-if", json=ASK)).json()
        assert guess["arrival_at"] and guess["suggestion"] is None
        assert (guess["resource"], guess["name"], suggestion["suggested"]) == (None, "", None)
        assert (await asks.get("/api/v1/dispatch/figures?site=east")).status_code == 403


async def test_what_if_files_nothing_and_names_who_would_wait(staffed: ConsoleApi) -> None:
    async with await staffed.client() as client:
        ask = {**ASK, "demand": {"skills": ["power"]}}
        first = (await client.post("/api/v1/requests", json=ask)).json()["request"]
        found = (await client.post("/api/v1/requests/what-if", json={**ask, "emergency": True})).json()
        assert found["resource"] == "east/technician:chen"
        (delayed,) = found["knock_on"]
        assert (delayed["request"], delayed["after"]["resource"]) == (first["number"], None)
        assert len((await client.get("/api/v1/requests")).json()["requests"]) == 1


async def test_figures_are_null_until_something_was_measured(staffed: ConsoleApi) -> None:
    async with await staffed.client() as client:
        empty = (await client.get("/api/v1/dispatch/figures?site=east")).json()["headline"]
        assert empty["dispatch_s"] == {"value": None, "n": 0, "before": 900.0, "compound": 30.0}
        assert empty["gate_passage_s"]["value"] is None
        request = (await client.post("/api/v1/requests", json=ASK)).json()["request"]
        staffed.clock.step(20_000)
        await client.post(f"/api/v1/requests/{request['id']}/assign", json={"resource": "sun"})
        found = (await client.get("/api/v1/dispatch/figures?site=east")).json()
        (row,) = [row for row in found["tables"]["kind"] if row["name"] == "repair"]
        assert (row["assign"]["p50"], row["assign"]["n"], row["assign"]["breaches"]) == (20.0, 1, 0)
        assert (await client.get("/api/v1/dispatch/figures?site=nowhere")).status_code == 404


async def test_settings_are_the_administrator_s(staffed: ConsoleApi) -> None:
    async with await staffed.client(Role.DISPATCHER) as sends, await staffed.client() as client:
        place = "/api/v1/dispatch/settings/east"
        known = (await sends.get(place)).json()["settings"]
        assert known["tiers"]["real_time"]["assign_s"] == 120
        assert (await sends.put(place, json=known)).status_code == 403
        assert (await client.put(place, json={**known, "batch_s": 5})).json()["settings"]["batch_s"] == 5
        wrong = await client.put(place, json={"batch_s": 0})
        assert (wrong.status_code, "batch_s" in wrong.json()["error"]["message"]) == (422, True)
        assert (await client.put(place, json={"ladders": 1})).status_code == 422


async def test_settings_that_somebody_changed_meanwhile_are_not_overwritten(staffed: ConsoleApi) -> None:
    place = "/api/v1/dispatch/settings/east"
    async with await staffed.client() as client:
        assert (await client.get(place)).json()["rev"] == 0
        assert (await client.put(f"{place}?rev=0", json={"batch_s": 5})).json()["rev"] == 1
        late = await client.put(f"{place}?rev=0", json={"batch_s": 6})
        assert (late.status_code, late.headers["x-current-rev"]) == (409, "1")
        assert (await client.put(place, json={"batch_s": 7})).json()["rev"] == 2, "without a rev whatever there is"
    again = Features(staffed.features.core)
    await again.open()
    assert again.dispatch.decided("east").rev == 2
    assert again.dispatch.settings_of("east").batch_s == 7


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({**ASK, "kind": "tea"}, "kind"),
        ({**ASK, "from": {"name": "x", "latitude": 1.0}}, "from"),
        ({**ASK, "window": {"earliest": 1, "latest": 2}}, "window.earliest"),
        ({**ASK, "surprise": 1}, "surprise"),
        ({**ASK, "title": "a\u0000b"}, "title"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field_named(
    staffed: ConsoleApi, body: dict[str, object], says: str
) -> None:
    async with await staffed.client() as client:
        answer = await client.post("/api/v1/requests", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"]


async def test_nothing_of_that_number_is_404(staffed: ConsoleApi) -> None:
    async with await staffed.client() as client:
        for name in ("east.20261122-001", "nonsense", "a%00b", "east/request:1"):
            assert (await client.get(f"/api/v1/requests/{name}")).status_code == 404, name
