"""Phones on a real collector over a real socket: what it says is stored, is stored, once."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.api.wrong_tokens import WRONG_MAX
from cloud.app import Collector
from cloud.assets.contract import Asset, AssetKey, Binding
from cloud.gps_in.trackers import Trackers
from cloud.ingest.contract import OWN_GATEWAY
from cloud.registry.asset_book import SiteChange
from cloud.registry.roles import Role
from cloud.settings import load_cloud
from cloud.store.contract import GatewayKey, SeriesKey
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from tests.cloud.gps_in.test_apps import NEW_CLIENT, OWNTRACKS
from tests.edge.mosquitto import free_port
from tests.waiting import until

OSMAND, OWN = "/api/v1/gps-in/osmand", "/api/v1/gps-in/owntracks"
BACKLOG = 1_000


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than a phone waits."""
    monkeypatch.setattr("cloud.gps_in.intake.DURABLE_WITHIN_S", 60.0)


@contextlib.asynccontextmanager
async def collecting(folder: Path) -> AsyncIterator[Collector]:
    """A collector whose broker is away, which phones do not need."""
    settings = load_cloud(None, data=str(folder), broker=f"mqtt://127.0.0.1:{free_port()}", listen="127.0.0.1:0")
    collector = Collector(settings, SystemClock())
    try:
        await collector.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(collector.run(), name="collector")
            try:
                yield collector
            finally:
                collector.stop()
    finally:
        await collector.close()


@contextlib.asynccontextmanager
async def phone(collector: Collector, **other: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=collector.url, timeout=90, **other) as client:
        yield client


async def stored(collector: Collector, point: str = "latitude", device: str = "phone-1") -> list[tuple[int, float]]:
    found = await collector.store.samples([(SeriesKey("east", device, point), 0)], 2**52)
    return list(zip(found.at.tolist(), found.value.tolist(), strict=True))


async def tracker(collector: Collector, about: str = "east/phone-1") -> str:
    return (await Trackers(collector.tokens).add(about, "Wang's phone"))[1]


def asked(token: str, at_s: int, latitude: float = 30.2712) -> dict[str, str]:
    """As Traccar Client before 9 asks it."""
    here = {"lat": str(latitude), "lon": "120.1486", "speed": "0.0", "bearing": "0.0", "altitude": "12.0"}
    return {"id": token, "timestamp": str(at_s), **here, "accuracy": "8.0", "batt": "84.0"}


async def test_each_app_as_it_sends_is_stored_before_it_is_told_so(tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        now_s = SystemClock().now_ms() // 1000
        answer = await client.post(OSMAND, params=asked(token, now_s - 50))
        assert (answer.status_code, answer.json()) == (200, {"stored": 1, "repeated": 0, "refused": [], "expired": 0})
        assert [at for at, _ in await stored(collector)] == [(now_s - 50) * 1000]
        answer = await client.get(OSMAND, params=asked(token, now_s - 40))
        assert answer.json()["stored"] == 1
        answer = await client.post(OSMAND, data=asked(token, now_s - 30))
        assert answer.json()["stored"] == 1
        lately = {"location": NEW_CLIENT["location"] | {"timestamp": now_s - 10}}
        body = NEW_CLIENT | lately | {"device_id": token}
        assert (await client.post(OSMAND, json=body)).json()["stored"] == 1
        unnamed = NEW_CLIENT | lately | {"device_id": "48241179"}
        answer = await client.post(OSMAND, json=unnamed, headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"stored": 0, "repeated": 1, "refused": [], "expired": 0}
        own = await client.post(OWN, json=OWNTRACKS | {"tst": now_s - 20}, auth=("wang", token))
        assert (own.status_code, own.json()) == (200, [])
        assert (await client.post(OWN, json={"_type": "lwt", "tst": 1}, auth=("wang", token))).status_code == 200
        assert len(await stored(collector)) == 5
        assert len(await stored(collector, "battery_percent")) == 5


async def test_a_backlog_of_a_thousand_positions_sent_twice_is_stored_once(tmp_path: Path) -> None:
    """The phone was offline; its answers were lost; it sends all again, and once more after the collector's restart."""
    begin = SystemClock().now_ms() // 1000 - 86_400
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        told = 0
        for first in range(0, BACKLOG, 100):
            parts = [asked(token, begin + n * 30, 30.0 + n / 10_000) for n in range(first, first + 100)]
            for answer in await asyncio.gather(*(client.post(OSMAND, params=part) for part in parts)):
                assert answer.status_code == 200, answer.text
                told += answer.json()["stored"]
        assert told == BACKLOG
        for first in range(0, BACKLOG, 200):
            numbers = range(first, first + 200)
            spots = [{"latitude": 30.0 + n / 10_000, "longitude": 120.1} for n in numbers]
            again = [{"timestamp": begin + n * 30, "coords": spot} for n, spot in zip(numbers, spots, strict=True)]
            answer = await client.post(OSMAND, json={"location": again, "device_id": token})
            assert answer.json() == {"stored": 0, "repeated": 200, "refused": [], "expired": 0}
        assert len(await stored(collector)) == BACKLOG
    async with collecting(tmp_path) as collector, phone(collector) as client:
        answer = await client.post(OSMAND, params=asked(token, begin))
        assert answer.json() == {"stored": 0, "repeated": 1, "refused": [], "expired": 0}
        assert (await client.post(OSMAND, params=asked(token, begin + 1))).json()["stored"] == 1
        assert len(await stored(collector)) == BACKLOG + 1
        ranges = collector.ingest.ranges(GatewayKey("east", OWN_GATEWAY))
        assert len(ranges["http"]) == 1, "numbers go on where they ended"


async def test_the_same_position_in_many_requests_at_once_is_stored_once(tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        now_s = SystemClock().now_ms() // 1000
        answers = await asyncio.gather(*(client.post(OSMAND, params=asked(token, now_s)) for _ in range(30)))
        assert sum(answer.json()["stored"] for answer in answers) == 1
        assert len(await stored(collector)) == 1


async def test_a_phone_is_a_tracker_like_any_other(tmp_path: Path) -> None:
    """Announced, shown live, and a trip of the vehicle it is bound to, though half of it came a minute late."""
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        car = Asset(key=AssetKey("east", "vehicle", "car-1"), name="Car 1", bindings=(Binding("position", "phone-1"),))
        await collector.features.asset_desk.apply(SiteChange("east", put=[car]))
        begin = SystemClock().now_ms() // 1000 - 3_000
        if (begin + 8 * 3_600) % 86_400 > 80_000:  # by the site's clock all of it lies in one day
            begin -= 10_000
        places = [30.0] * 40 + [30.0 + n * 0.002 for n in range(40)] + [30.08] * 60
        fixes = [asked(token, begin + n * 20, latitude) for n, latitude in enumerate(places)]
        for part in (fixes[70:], fixes[:70]):
            for fix in part:
                assert (await client.post(OSMAND, params=fix)).json()["stored"] == 1
        _, secret = await collector.tokens.add("test", Role.VIEWER)
        headers = {"Authorization": f"Bearer {secret}"}
        device = collector.inventory.device("east", "phone-1")
        assert device is not None
        assert (device.gateway, device.name) == (OWN_GATEWAY, "Wang's phone")
        state = (await client.get("/api/v1/state?site=east", headers=headers)).json()["entities"]
        shown = {each["id"]: each for each in state}
        assert shown["east/phone-1"]["attributes"]["state"] != "unannounced"
        assert shown["east/@gps-in"]["attributes"]["online"] is True

        async def trip() -> Any:
            answer = await client.get("/api/v1/trips?site=east&vehicle=car-1", headers=headers)
            found = answer.json()["trips"]
            starts = range((begin + 37 * 20) * 1000, (begin + 43 * 20) * 1000 + 1)
            whole = found and found[0]["ended_at"] and found[0]["started_at"] in starts
            # Without the late half it begins later; with a part of it earlier, where the last known rest was.
            return found[0] if whole else None

        found = await until(trip, within_s=120)
        assert found["km"] == pytest.approx(8.7, abs=0.5)
        assert found["started_at"] == pytest.approx((begin + 40 * 20) * 1000, abs=60_000)


async def test_only_the_token_says_whose_positions_they_are(tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        await tracker(collector, "east/phone-2")
        now_s = SystemClock().now_ms() // 1000
        said = asked("phone-2", now_s) | {"deviceid": "east/phone-2"}
        answer = await client.post(OSMAND, params=said, headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["stored"] == 1
        assert len(await stored(collector, device="phone-1")) == 1
        assert await stored(collector, device="phone-2") == []


async def test_nobody_without_a_trackers_token_gets_in_and_a_tracker_gets_nowhere_else(tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        good = await tracker(collector, "east/phone-2")
        _, viewer = await collector.tokens.add("test", Role.ADMINISTRATOR)
        now_s = SystemClock().now_ms() // 1000
        assert (await client.get(OSMAND, params=asked(good, now_s))).status_code == 200
        for secret in ("", "48241179", "dayuan_" + "x" * 43, viewer):
            assert (await client.post(OSMAND, params=asked(secret, now_s))).status_code == 401
            assert (await client.post(OWN, json=OWNTRACKS, auth=("wang", secret))).status_code == 401
        headers = {"Authorization": f"Bearer {token}"}
        for path in ("state", "readings?site=east&device=m1&point=x", "energy/overview?site=east", "requests"):
            assert (await client.get(f"/api/v1/{path}", headers=headers)).status_code == 403, path
        assert (await client.get(f"/api/v1/energy/export?site=east&token={token}")).status_code == 401
        for _ in range(WRONG_MAX):
            last = await client.get(OSMAND, params=asked("wrong", now_s))
        assert last.status_code == 429
        assert int(last.headers["Retry-After"]) > 0
        answer = await client.get(OSMAND, params=asked(good, now_s - 1))
        assert answer.status_code == 200, "a phone behind the same address goes on"


async def test_a_tracker_that_was_revoked_is_out_within_seconds(tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        now_s = SystemClock().now_ms() // 1000
        assert (await client.post(OSMAND, params=asked(token, now_s))).status_code == 200
        (known,) = await Trackers(collector.tokens).all()
        await collector.tokens.revoke(known.token)

        async def out() -> bool:
            return (await client.post(OSMAND, params=asked(token, now_s))).status_code == 401

        await until(out, within_s=60)


async def test_while_the_store_takes_nothing_phones_are_told_to_keep_what_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        now_s = SystemClock().now_ms() // 1000
        assert (await client.post(OSMAND, params=asked(token, now_s - 9))).status_code == 200
        monkeypatch.setattr("cloud.gps_in.intake.DURABLE_WITHIN_S", 0.5)
        commit, full = collector.store.commit, True

        def failing(work: Any) -> None:
            if full:
                raise StoreUnavailable("the disk is full")
            commit(work)

        monkeypatch.setattr(collector.store, "commit", failing)
        for _ in range(3):
            answer = await client.post(OSMAND, params=asked(token, now_s))
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert len(await stored(collector)) == 1
        full = False

        async def taken() -> bool:
            return (await client.post(OSMAND, params=asked(token, now_s))).status_code == 200

        await until(taken, within_s=120)
        assert len(await stored(collector)) == 2, "what was under way when the phone gave up is the same position"


async def test_a_position_that_can_never_be_does_not_stop_the_phones_queue(tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token = await tracker(collector)
        now_s = SystemClock().now_ms() // 1000
        answer = await client.post(OSMAND, params=asked(token, now_s + 400 * 86_400))
        assert (answer.status_code, answer.json()["stored"]) == (200, 0)
        assert answer.json()["refused"] == [{"at": (now_s + 400 * 86_400) * 1000, "why": "more than a day ahead"}]
        assert [alarm.kind for alarm in collector.alarms.active() if "gps-in" in alarm.source] == ["device_clock_wrong"]
        assert (await client.post(OSMAND, params=asked(token, now_s, 95.0))).json()["stored"] == 1
        ((_, value),) = await stored(collector)
        assert value != value, "kept as a reading without a value"
        for wrong in ({"id": token}, asked(token, now_s) | {"lat": "north"}):
            answer = await client.get(OSMAND, params=wrong)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_position")
        body = json.dumps({"device_id": token, "location": "here"}).encode()
        answer = await client.post(OSMAND, content=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 400
        assert (await client.post(OWN, content=b"x" * 70_000, auth=("w", token))).status_code == 413


async def test_a_tracker_that_sends_without_end_is_slowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.gps_in.intake.BURST", 3.0)
    monkeypatch.setattr("cloud.gps_in.intake.PER_S", 0.1)
    async with collecting(tmp_path) as collector, phone(collector) as client:
        token, other = await tracker(collector), await tracker(collector, "east/phone-2")
        now_s = SystemClock().now_ms() // 1000
        codes = [(await client.get(OSMAND, params=asked(token, now_s - n))).status_code for n in range(4)]
        assert codes == [200, 200, 200, 429]
        assert (await client.get(OSMAND, params=asked(other, now_s))).status_code == 200
