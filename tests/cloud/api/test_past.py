"""The console at a past instant, by the API."""

import httpx
import numpy as np
import pytest

from cloud.assets.contract import Asset, AssetKey, Binding
from cloud.ingest.contract import Committed, CommittedBatch
from cloud.registry.alarm_book import Deed
from cloud.registry.asset_book import SiteChange
from cloud.store.contract import GatewayKey, SeriesKey
from protocols.reading import Event
from protocols.status import Status
from tests.cloud.api.console import ConsoleApi, console
from tests.waiting import until

__all__ = ["console"]

CAR = "east/vehicle:car-1"
TRACKER = ("latitude", "longitude", "speed_kmh")


class Site:
    """A car with a tracker, and a meter; what they say is stored and live."""

    def __init__(self, console: ConsoleApi) -> None:
        self.console, self.api, self.clock = console, console.api, console.clock

    async def open(self) -> None:
        key = AssetKey("east", "vehicle", "car-1")
        car = Asset(key=key, name="3M902", facts={"plate": "3M902"}, bindings=(Binding("position", "tracker"),))
        await self.console.features.asset_desk.apply(SiteChange("east", put=[car]))

    async def say(self, device: str, *events: Event, **points: float) -> int:
        """Store readings, and show them; returns when."""
        at = self.clock.now_ms()
        numbers = []
        for point, value in points.items():
            key = SeriesKey("east", device, point)
            self.api.put(np.array([at]), np.array([value]), events if not numbers else (), key)
            numbers.append(self.api.series.find(key))
        if not points:
            self.api.put(np.array([at - 1]), np.array([0.0]), events, SeriesKey("east", device, "battery_percent"))
        batch = CommittedBatch(
            site="east",
            gateway="b3",
            epoch="e",
            seq=self.api.next_batch,
            received_at=at,
            stored_at=at,
            series=np.array(numbers, np.int32),
            at=np.full(len(numbers), at, np.int64),
            value=np.array(list(points.values()), np.float64),
            quality=np.zeros(len(numbers), np.uint8),
            events=list(events),
            refused=0,
            wire_bytes=1,
        )
        await self.api.live.committed(Committed([batch]))
        return at

    def show(self, name: str = CAR, **attributes: object) -> int:
        self.console.features.things.show(name, "vehicle", "east", title="3M902", attributes=attributes)
        return self.clock.now_ms()

    def pass_s(self, seconds: float) -> None:
        self.clock.step(int(seconds * 1000))


@pytest.fixture
async def site(console: ConsoleApi) -> Site:
    site = Site(console)
    await site.open()
    return site


async def past(client: httpx.AsyncClient, at: int, **asked: object) -> dict[str, dict]:  # type: ignore[type-arg]
    answer = await client.get("/api/v1/past", params={"at": at, **asked})
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["entities"]}


async def test_the_whole_console_as_it_was(site: Site) -> None:
    site.show(state="available")
    first = await site.say("tracker", latitude=30.27, longitude=120.15, speed_kmh=0.0)
    await site.say("meter", active_power_total=100.0)
    site.pass_s(60)
    site.show(state="on_trip")
    second = await site.say("tracker", latitude=30.28, longitude=120.16, speed_kmh=30.0)
    await site.say("meter", active_power_total=200.0)
    site.pass_s(60)
    site.show(state="stopped")
    async with await site.console.client() as client:
        then = await past(client, second - 1)
        car = then[CAR]["attributes"]
        assert (car["state"], car["latitude"], car["longitude"]) == ("available", 30.27, 120.15)
        assert then[CAR]["observed_at"] == first
        assert then["east/meter"]["points"]["active_power_total"]["value"] == 100.0
        later = await past(client, second)
        assert (later[CAR]["attributes"]["state"], later[CAR]["attributes"]["speed_kmh"]) == ("on_trip", 30.0)
        assert later["east/meter"]["points"]["active_power_total"]["value"] == 200.0
        assert later["east/meter"]["observed_at"] == second
        before = await past(client, first - 1)
        assert CAR not in before
        assert before["east/meter"]["points"] == {}
        assert await past(client, second, site="west") == {}


async def test_a_thing_names_the_gateways_its_news_come_through_now_and_then(site: Site) -> None:
    await site.say("tracker", latitude=30.27, longitude=120.15, speed_kmh=0.0)
    at = site.show(state="available")
    site.pass_s(60)
    async with await site.console.client() as client:
        now = {each["id"]: each for each in (await client.get("/api/v1/state")).json()["entities"]}
        assert now[CAR]["attributes"]["gateways"] == ["b3"]
        assert (await past(client, at))[CAR]["attributes"]["gateways"] == ["b3"]


async def test_the_past_has_the_shape_of_now(site: Site) -> None:
    site.show(state="available")
    await site.say("tracker", latitude=30.27, longitude=120.15, speed_kmh=0.0)
    async with await site.console.client() as client:
        now = (await client.get("/api/v1/state")).json()
        then = (await client.get("/api/v1/past", params={"at": site.clock.now_ms()})).json()
        assert now.keys() <= then.keys()
        shapes = {each["id"]: each.keys() for each in now["entities"] if each["kind"] != "gateway"}
        assert {each["id"]: each.keys() for each in then["entities"]} == shapes


async def test_a_value_older_than_a_day_is_not_told_as_of_then(site: Site) -> None:
    at = await site.say("meter", active_power_total=100.0)
    site.pass_s(2 * 86_400)
    async with await site.console.client() as client:
        assert (await past(client, at + 86_399_999))["east/meter"]["points"] != {}
        assert (await past(client, at + 86_400_000))["east/meter"]["points"] == {}


async def test_alarms_of_then_are_told(site: Site) -> None:
    alarms = site.api.alarms
    alarms.raise_alarm("gateway_offline", "east/b3", {})
    alarms.raise_alarm("gateway_offline", "west/b3", {})
    began = site.clock.now_ms()
    site.pass_s(60)
    alarms.clear_alarm("gateway_offline", "east/b3")
    await until(lambda: alarms.find("gateway_offline", "east/b3") is None)
    site.pass_s(60)
    async with await site.console.client() as client:
        for at, count in ((began - 1, 0), (began, 2), (began + 59_999, 2), (began + 60_000, 1)):
            answer = (await client.get("/api/v1/past", params={"at": at})).json()
            assert len(answer["alarms"]) == count, at
        east = (await client.get("/api/v1/past", params={"at": began, "site": "east"})).json()
        assert [alarm["source"] for alarm in east["alarms"]] == ["east/b3"]


async def test_the_future_is_not_told(site: Site) -> None:
    async with await site.console.client() as client:
        answer = await client.get("/api/v1/past", params={"at": site.clock.now_ms() + 1})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_yet")


async def test_bars_tell_how_much_happened_when(site: Site) -> None:
    start = site.clock.now_ms()
    for number in range(3):
        site.show(state=number)
    site.console.features.journal.note("east", CAR, "trip", start + 5, {})
    site.console.features.journal.note("west", "west/door:d", "opened", start + 5, {})
    site.pass_s(600)
    site.show(state="x")
    site.api.alarms.raise_alarm("gateway_offline", "east/b3", {})
    site.pass_s(600)
    asked = {"site": "east", "from": start, "to": start + 1_800_000, "step": 600}
    async with await site.console.client() as client:
        answer = (await client.get("/api/v1/past/activity", params=asked)).json()
        assert answer["columns"] == ["at", "changes", "notes", "alarms"]
        assert answer["rows"] == [[start, 3, 1, 0], [start + 600_000, 1, 0, 1]]
        refused = await client.get("/api/v1/past/activity", params={**asked, "step": 1})
        assert (refused.status_code, refused.json()["error"]["hint"]) == (422, "step=2")


async def test_a_timeline_merges_what_happened_oldest_first(site: Site) -> None:
    start = site.clock.now_ms()
    site.show(state="available")
    site.pass_s(1)
    await site.say("tracker", Event("tracker", "button", site.clock.now_ms(), {"detail": "sos"}), speed_kmh=1.0)
    site.show(state="available")  # only the gateway is new
    site.pass_s(1)
    site.console.features.journal.note("east", CAR, "trip", site.clock.now_ms(), {"km": 3})
    site.pass_s(1)
    site.show(state="on_trip")
    site.pass_s(1)
    async with await site.console.client() as client:
        asked = {"entity": CAR, "from": start, "to": site.clock.now_ms()}
        found = (await client.get("/api/v1/timeline", params=asked)).json()
        told = [(entry["source"], entry["kind"]) for entry in found["entries"]]
        assert told == [("state", "whole"), ("event", "button"), ("journal", "trip"), ("state", "changed")]
        assert [entry["at"] for entry in found["entries"]] == [start, start + 1000, start + 2000, start + 3000]
        assert found["entries"][3]["facts"] == {"state": "on_trip"}
        assert found["entries"][1]["facts"]["detail"] == "sos"
        device = (await client.get("/api/v1/timeline", params={**asked, "entity": "east/tracker"})).json()
        assert [entry["kind"] for entry in device["entries"]] == ["button"]


async def test_a_timeline_tells_of_alarms_and_what_was_done_to_them(site: Site) -> None:
    start = site.clock.now_ms()
    site.show(state="on_trip")
    site.pass_s(1)
    site.api.alarms.raise_alarm("sos", CAR, {"name": "3M902"})
    site.pass_s(1)
    await site.api.alarms.flush()
    alarm = site.api.alarms.find("sos", CAR)
    assert alarm is not None
    site.api.alarms.done(Deed(alarm.id, site.clock.now_ms(), "li", "acknowledged", "on my way"))
    site.pass_s(1)
    site.api.alarms.clear_alarm("sos", CAR)
    site.pass_s(600)
    async with await site.console.client() as client:
        asked = {"entity": CAR, "from": start + 500, "to": site.clock.now_ms()}
        entries = (await client.get("/api/v1/timeline", params=asked)).json()["entries"]
        told = [(each["source"], each["kind"], each["facts"]["what"]) for each in entries]
        assert told == [("alarm", "sos", what) for what in ("raised", "acknowledged", "ended")]
        assert entries[1]["facts"]["by"] == "li"
        later = (await client.get("/api/v1/timeline", params={**asked, "from": start + 2500})).json()["entries"]
        assert [each["facts"]["what"] for each in later] == ["ended"]


async def test_gateways_of_then_are_told_with_whether_they_were_online(site: Site) -> None:
    key = GatewayKey("east", "b3")
    await site.api.live.status(key, Status(state="online", session=1), received_at=site.clock.now_ms(), retained=False)
    online_at = site.clock.now_ms()
    site.pass_s(60)
    heard_at = await site.say("tracker", speed_kmh=1.0)
    site.pass_s(60)
    await site.api.live.status(key, Status(state="offline", session=1), received_at=site.clock.now_ms(), retained=False)
    site.pass_s(60)
    async with await site.console.client() as client:
        then = (await past(client, online_at + 90_000))["east/@b3"]
        assert (then["kind"], then["gateway"], then["device"]) == ("gateway", "b3", None)
        assert (then["attributes"]["online"], then["received_at"]) == (True, heard_at)
        assert "report" not in then["attributes"]
        assert (await past(client, site.clock.now_ms()))["east/@b3"]["attributes"]["online"] is False
        timeline = await client.get("/api/v1/timeline", params={"entity": "east/@b3", "to": site.clock.now_ms()})
        told = [each["facts"] for each in timeline.json()["entries"] if each["kind"] == "changed"]
        assert told[-1] == {"online": False}


async def test_sites_without_a_gateway_are_listed_with_their_zone(site: Site) -> None:
    key = AssetKey("west-gate", "door", "d1")
    await site.console.features.asset_desk.apply(SiteChange("west-gate", put=[Asset(key=key, name="Door")]))
    async with await site.console.client() as client:
        found = (await client.get("/api/v1/sites")).json()["sites"]
        assert {
            "id": "west-gate",
            "name": "west-gate",
            "time_zone": "Asia/Shanghai",
            "gateways": 0,
            "devices": 0,
        } in found


async def test_pages_of_a_timeline_tell_everything_once(site: Site) -> None:
    start = site.clock.now_ms()
    journal = site.console.features.journal
    for number in range(50):
        journal.note("east", CAR, "trip", start + number // 4, {"number": number})
        site.show(state=number)
        site.pass_s(0.002)
    site.pass_s(5)
    numbers, states, to = [], [], site.clock.now_ms()
    async with await site.console.client() as client:
        for _ in range(60):
            asked = {"entity": CAR, "from": start, "to": to, "limit": 7}
            page = (await client.get("/api/v1/timeline", params=asked)).json()
            numbers += [each["facts"]["number"] for each in page["entries"] if each["source"] == "journal"]
            states += [each["facts"]["state"] for each in page["entries"] if each["source"] == "state"]
            ats = [each["at"] for each in page["entries"]]
            assert ats == sorted(ats)
            to = page["next"]
            if to is None:
                break
        assert to is None
    assert sorted(numbers) == list(range(50))
    assert sorted(states) == list(range(50))


async def test_a_timeline_of_nothing_is_empty(site: Site) -> None:
    async with await site.console.client() as client:
        for entity in ("east/vehicle:nobody", "east/nothing", "east/@b3", "nowhere"):
            answer = await client.get("/api/v1/timeline", params={"entity": entity})
            assert (answer.status_code, answer.json()["entries"], answer.json()["next"]) == (200, [], None)


async def test_a_gateway_stood_where_it_stood_then(site: Site) -> None:
    desk, features = site.console.features.asset_desk, site.console.features
    key = AssetKey("east", "gateway", "b3")

    async def place(latitude: float) -> int:
        facts = {"latitude": latitude, "longitude": 120.15, "building": "b3"}
        await desk.apply(SiteChange("east", put=[Asset(key=key, name="Plant room", facts=facts)]))
        return site.clock.now_ms()

    first = await place(30.27)
    site.pass_s(60)
    second = await place(30.28)
    await features.state_log.flush()
    async with await site.console.client() as client:
        then = (await past(client, second - 1))["east/@b3"]["attributes"]["placed"]
        assert (then["latitude"], then["name"], then["building"]) == (30.27, "Plant room", "b3")
        assert (await past(client, second))["east/@b3"]["attributes"]["placed"]["latitude"] == 30.28
        assert "placed" not in (await past(client, first - 1)).get("east/@b3", {"attributes": {}})["attributes"]
