"""Limits, priorities and what is off of a site's alarms, by the API."""

import pytest

from cloud.alarms.settings import settable
from cloud.assets.contract import AssetKey, Happened
from cloud.registry.roles import Role
from protocols.reading import Event
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]

URL = "/api/v1/alarm-settings/east"


@pytest.fixture
async def site(console: ConsoleApi) -> ConsoleApi:
    """A site with one door."""
    door = {"name": "Gate", "facts": {}, "bindings": [{"device": "gn", "role": "contact"}]}
    async with await console.client() as client:
        assert (await client.put("/api/v1/assets/east/door/gate", json=door)).status_code < 300
    return console


async def test_a_site_reads_all_that_it_can_set_and_changes_some_of_it(site: ConsoleApi) -> None:
    async with await site.client() as client, await site.client(Role.DISPATCHER) as sends:
        found = (await sends.get(URL)).json()
        assert (found["rev"], found["settings"]["door_held_s"], found["settings"]["kinds"]) == (0, 30.0, {})
        assert [kind["kind"] for kind in found["kinds"]] == settable()
        assert {"kind": "door_held", "title": {"en": "Door held open", "zh": "门未关闭"}, "priority": 2} in found[
            "kinds"
        ]
        assert (await sends.put(URL, json={})).status_code == 403
        body = {"door_held_s": 45, "kinds": {"door_held": {"priority": 1}, "door_forced": {}}}
        kept = (await client.put(f"{URL}?rev=0", json=body)).json()
        assert (kept["rev"], kept["changed_by"]) == (1, "token test administrator")
        assert kept["settings"]["kinds"] == {"door_held": {"priority": 1, "off": False}}, "as built in is not kept"
        late = await client.put(f"{URL}?rev=0", json=body)
        assert (late.status_code, late.headers["x-current-rev"]) == (409, "1")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"door_held_s": 1}, "door_held_s"),
        ({"kinds": {"disk_full": {"off": True}}}, "disk_full"),
        ({"kinds": {"door_held": {"priority": 4}}}, "priority"),
        ({"tea": 1}, "tea"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(site: ConsoleApi, body: dict[str, object], says: str) -> None:
    async with await site.client() as client:
        answer = await client.put(URL, json=body)
        assert answer.status_code == 422
        assert says in answer.json()["error"]["message"]
        assert (await client.get("/api/v1/alarm-settings/nowhere")).status_code == 404


async def test_a_limit_of_the_site_holds_at_once_for_doors_without_one_of_their_own(site: ConsoleApi) -> None:
    doors = site.features.places.doors
    opened = Event("gn", "door_opened", site.clock.now_ms(), {})
    asset = site.features.roster.find(AssetKey("east", "door", "gate"))
    assert asset is not None
    async with await site.client() as client:
        await client.put(URL, json={"door_held_s": 60})
        await doors.happened([Happened(asset, asset.bindings[0], opened, opened.at)])
        site.clock.step(40_000)
        await doors.tick()
        assert site.api.alarms.active() == []
        await client.put(URL, json={"door_held_s": 20})
        await doors.tick()
        (alarm,) = site.api.alarms.active()
        assert (alarm.kind, alarm.args["limit"]) == ("door_held", "20 s")
        await client.put(URL, json={"door_held_s": 20, "kinds": {"door_held": {"off": True}}})
        assert site.api.alarms.active() == []


async def test_what_comes_most_often_is_named_in_both_languages(site: ConsoleApi) -> None:
    site.api.alarms.raise_alarm("door_held", "east/door:gate", {"name": "Gate"})
    async with await site.client() as client:
        (often,) = (await client.get("/api/v1/alarms/figures?site=east")).json()["frequent"]
        assert often["title"] == {"en": "Door held open", "zh": "门未关闭"}
        (alarm,) = (await client.get("/api/v1/alarms?site=east")).json()["alarms"]
        assert alarm["title"] == often["title"]
