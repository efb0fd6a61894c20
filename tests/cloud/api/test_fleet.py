"""Trips, tracks and mileage over the real registry and the real store."""

import numpy as np
import pytest

from cloud.assets.contract import Asset, AssetKey, Binding, Observed
from cloud.registry.asset_book import SiteChange
from cloud.registry.roles import Role
from cloud.store.contract import SeriesKey
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, console, make_console
from tests.cloud.fleet.pretended import HOME, Leg, drive, noisy

__all__ = ["console"]

KEY = AssetKey("east", "vehicle", "car-1")
CAR = Asset(
    key=KEY, name="Car 1", facts={"plate": "浙A·3M902", "seats": 4}, bindings=(Binding("position", "tracker-1"),)
)
LEGS = [Leg(0, 1, 1, 400), Leg(90, 3000, 12, 30), Leg(0, 2000, 12, 900)]


async def drive_there(console: ConsoleApi, api: Api) -> tuple[int, int]:
    """A trip of 5 km, told live and stored; from when to when it was."""
    await api.inventory.seen(api_gateway(), 1)
    await console.features.asset_desk.apply(SiteChange("east", put=[CAR]))
    asset = console.features.roster.find(KEY)
    assert asset is not None
    start = console.clock.now_ms() - 3_600_000
    seen, truth = drive(LEGS, start, HOME, every_s=10)
    fixes = noisy(seen, 4, 1, outliers=0)
    columns = {
        "latitude": [fix.spot.latitude for fix in fixes],
        "longitude": [fix.spot.longitude for fix in fixes],
        "accuracy_m": [fix.accuracy_m for fix in fixes],
    }
    at = np.array([fix.at for fix in fixes])
    for point, values in columns.items():
        api.put(at, np.array(values), key=SeriesKey("east", "tracker-1", point))
    for number, fix in enumerate(fixes):
        points: dict[str, float | None] = {name: values[number] for name, values in columns.items()}
        observed = Observed(asset, asset.bindings[0], fix.at, fix.at + 200, points, "good")
        await console.features.fleet.observed([observed])
        console.features.fleet.tick()
    return start, truth.came_at


def api_gateway() -> object:
    from cloud.store.contract import GatewayKey

    return GatewayKey("east", "b3")


@pytest.fixture
async def driven(api: Api) -> ConsoleApi:
    made = await make_console(api)
    await drive_there(made, api)
    return made


async def test_a_trip_has_its_ends_its_kilometres_and_their_source(driven: ConsoleApi) -> None:
    client = await driven.client(Role.VIEWER)
    answer = (await client.get("/api/v1/trips?site=east&vehicle=car-1")).json()
    (trip,) = answer["trips"]
    assert trip["vehicle"] == "car-1"
    assert trip["source"] == "gnss"
    assert trip["km"] == pytest.approx(5.0, rel=0.03)
    assert trip["ended_at"] - trip["started_at"] == pytest.approx(447_000, abs=60_000)


async def test_a_trip_under_way_is_listed_without_an_end(driven: ConsoleApi) -> None:
    state = driven.features.fleet.state(KEY)
    assert state is not None
    asset = driven.features.roster.find(KEY)
    assert asset is not None
    last = driven.clock.now_ms()
    for step in range(60):
        points: dict[str, float | None] = {"latitude": 31.25 + step * 0.001, "longitude": 121.5, "accuracy_m": 5.0}
        at = last + step * 10_000
        await driven.features.fleet.observed([Observed(asset, asset.bindings[0], at, at, points, "good")])
        driven.clock.step(10_000)
        driven.features.fleet.tick()
    client = await driven.client(Role.VIEWER)
    trips = (await client.get("/api/v1/trips?site=east")).json()["trips"]
    assert trips[-1]["ended_at"] is None
    assert trips[-1]["to"] is None
    assert trips[-1]["km"] > 3
    state = (await client.get("/api/v1/state?kind=vehicle")).json()["entities"][0]["attributes"]
    assert state["state"] == "on_trip"
    assert state["trip"]["id"] == trips[-1]["id"]


async def test_a_track_is_thinned_within_its_tolerance_and_bounded(driven: ConsoleApi) -> None:
    client = await driven.client(Role.VIEWER)
    whole = (await client.get("/api/v1/tracks?site=east&vehicle=car-1&tolerance_m=0")).json()
    thin = (await client.get("/api/v1/tracks?site=east&vehicle=car-1&tolerance_m=30")).json()
    few = (await client.get("/api/v1/tracks?site=east&vehicle=car-1&tolerance_m=0&points_max=10")).json()
    assert len(whole["points"]) == whole["fixes"] > 150
    assert 4 <= len(thin["points"]) < 30
    assert len(few["points"]) <= 10
    assert few["tolerance_m"] > 0
    assert thin["points"][0][0] == whole["points"][0][0]


async def test_the_track_of_a_trip_can_be_taken_away_as_geojson_and_gpx(driven: ConsoleApi) -> None:
    client = await driven.client(Role.VIEWER)
    trip = (await client.get("/api/v1/trips?site=east")).json()["trips"][0]["id"]
    shape = (await client.get(f"/api/v1/trips/{trip}/track?format=geojson")).json()
    assert shape["type"] == "FeatureCollection"
    assert shape["features"][0]["geometry"]["type"] == "LineString"
    assert len(shape["features"][0]["geometry"]["coordinates"]) == len(shape["features"][0]["properties"]["times"])
    gpx = await client.get(f"/api/v1/trips/{trip}/track?format=gpx")
    assert gpx.headers["content-type"].startswith("application/gpx+xml")
    assert gpx.text.count("<trkpt") > 3
    assert "time>20" in gpx.text
    missing = await client.get("/api/v1/trips/east.car-1.5/track")
    assert missing.status_code == 404


async def test_mileage_names_its_source_as_json_and_csv(driven: ConsoleApi) -> None:
    client = await driven.client(Role.VIEWER)
    (row,) = (await client.get("/api/v1/mileage?site=east")).json()["mileage"]
    assert row["source"] == "gnss"
    assert row["km"] == pytest.approx(5.0, rel=0.03)
    assert row["odometer_km"] is None
    text = (await client.get("/api/v1/mileage?site=east&format=csv")).text
    assert text.startswith("\ufeffdate,vehicle,km,source")
    assert "car-1" in text


async def test_a_dispatcher_takes_a_vehicle_out_of_service_and_dispatch_knows(driven: ConsoleApi) -> None:
    client = await driven.client(Role.DISPATCHER)
    path = "/api/v1/trips/vehicles/east/car-1/service"
    assert (await client.post(path, json={"out": True})).status_code == 422
    answer = await client.post(path, json={"out": True, "reason": "tyres"})
    assert answer.json()["out_of_service"]["reason"] == "tyres"
    driven.features.fleet.tick()
    assert [state.state for state in driven.features.fleet.states("east", "vehicle")] == ["non_operational"]
    assert (await client.post(path, json={"out": False})).json()["out_of_service"] is None
    driven.features.fleet.tick()
    assert driven.features.fleet.states("east", "vehicle")[0].state != "non_operational"
    viewer = await driven.client(Role.VIEWER)
    assert (await viewer.post(path, json={"out": True, "reason": "no"})).status_code == 403


async def test_settings_of_a_site_are_checked_and_kept(driven: ConsoleApi) -> None:
    client = await driven.client()
    path = "/api/v1/fleet-settings/east"
    assert (await client.get(path)).json()["settings"]["trip_distance_m"] == 200.0
    put = await client.put(path, json={"trip_distance_m": 150, "hours": ["workday 07:00-20:00"]}, params={"rev": 0})
    assert put.json()["rev"] == 1
    assert (await client.put(path, json={}, params={"rev": 0})).status_code == 409
    assert (await client.put(path, json={"trip_distance_m": -1})).status_code == 422
    assert (await client.put(path, json={"hours": ["whenever"]})).status_code == 422
    assert (await client.put(path, json={"no_such": 1})).status_code == 422
    again = await make_console(driven.api)
    assert again.features.fleet.yards.settings("east")[0].trip_distance_m == 150


async def test_after_a_restart_trips_and_today_are_there_again(driven: ConsoleApi, api: Api) -> None:
    await driven.features.fleet.flush()
    again = await make_console(api)
    for _ in range(10):
        again.clock.step(10_000)
        again.features.fleet.tick()
        await again.features.fleet.redo_next()
    client = await again.client(Role.VIEWER)
    (trip,) = (await client.get("/api/v1/trips?site=east")).json()["trips"]
    assert trip["km"] == pytest.approx(5.0, rel=0.03)
    (row,) = (await client.get("/api/v1/mileage?site=east")).json()["mileage"]
    assert row["km"] == pytest.approx(5.0, rel=0.03)
