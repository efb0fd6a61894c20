"""What other programs take away: calendar feeds, fences, trips as CSV, tracks that validate."""

import csv
import io
import xml.etree.ElementTree as ET
from itertools import pairwise

import httpx
import msgspec
import pytest

from cloud.api.wrong_tokens import WRONG_MAX
from cloud.assets.contract import Asset, AssetKey, Fence
from cloud.fleet.fence_export import CORNERS, fences_geojson
from cloud.geo.earth import Spot, distance_m
from cloud.registry.asset_book import SiteChange
from cloud.registry.roles import Role
from cloud.rooms.feeds import Feed, Feeds, read_feed, spell_feed
from cloud.store.contract import GatewayKey
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, console, make_console
from tests.cloud.api.test_fleet import drive_there

__all__ = ["console"]

FEED = "/api/v1/calendars/bookings.ics"
HOUR = 3_600_000


@pytest.fixture
async def booked(console: ConsoleApi, api: Api) -> ConsoleApi:
    """Two rooms, a booking in each."""
    await api.inventory.seen(GatewayKey("east", "b3"), 1)
    rooms = [
        Asset(key=AssetKey("east", "room", name), name=f"Room {name}", facts={"capacity": 9, "open": ["00:00-23:59"]})
        for name in ("r1", "r2")
    ]
    await console.features.asset_desk.apply(SiteChange("east", put=rooms))
    client = await console.client(Role.DISPATCHER)
    begin = console.clock.now_ms() + HOUR
    for room, organiser in (("r1", "李娜"), ("r2", "Wang Min")):
        body = {"site": "east", "room": room, "unit": "Finance", "subject": f"Budget {room}", "organiser": organiser}
        answer = await client.post("/api/v1/bookings", json=body | {"from": begin, "until": begin + HOUR})
        assert answer.status_code == 201, answer.text
    return console


async def fetch(console: ConsoleApi, feed: Feed, **headers: str) -> httpx.Response:
    _, secret = await Feeds(console.api.tokens).add(feed, "", None)
    async with console.api.client(app=console.app) as nobody:
        return await nobody.get(FEED, params={"token": secret}, headers=headers)


async def test_a_feed_shows_the_bookings_it_is_for_and_no_others(booked: ConsoleApi) -> None:
    for feed, subjects in (
        (Feed("east"), {"Budget r1", "Budget r2"}),
        (Feed("east", room="r1"), {"Budget r1"}),
        (Feed("east", organiser="Wang Min"), {"Budget r2"}),
        (Feed("east", organiser="李娜"), {"Budget r1"}),
        (Feed("west"), set()),
    ):
        answer = await fetch(booked, feed)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
        told = {line.removeprefix("SUMMARY:") for line in answer.text.splitlines() if line.startswith("SUMMARY:")}
        assert told == subjects


async def test_a_feed_that_did_not_change_costs_nothing_to_ask_again(booked: ConsoleApi) -> None:
    first = await fetch(booked, Feed("east"))
    again = await fetch(booked, Feed("east"), **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_feeds_secret_opens_nothing_else_and_ends_when_it_is_revoked(booked: ConsoleApi) -> None:
    number, secret = await Feeds(booked.api.tokens).add(Feed("east"), "", None)
    async with booked.api.client(app=booked.app) as nobody:
        bearer = {"Authorization": f"Bearer {secret}"}
        for path in ("/api/v1/bookings.ics?site=east", "/api/v1/state", "/api/v1/energy/overview?site=east"):
            assert (await nobody.get(path, headers=bearer)).status_code == 403
            assert (await nobody.get(path + ("&" if "?" in path else "?") + f"token={secret}")).status_code == 401
        assert (await nobody.get(FEED, params={"token": secret})).status_code == 200
        await booked.api.tokens.revoke(number)
        await booked.clock.advance(3.0)
        assert (await nobody.get(FEED, params={"token": secret})).status_code == 401


async def test_what_is_no_feeds_secret_is_refused_and_not_without_end(booked: ConsoleApi) -> None:
    _, viewer = await booked.api.tokens.add("test", Role.ADMINISTRATOR)
    async with booked.api.client(app=booked.app) as nobody:
        for wrong in ("", "x", viewer, "dayuan_" + "y" * 43, "dayuan_" + "z" * 9_000):
            assert (await nobody.get(FEED, params={"token": wrong})).status_code == 401
        for _ in range(WRONG_MAX):
            last = await nobody.get(FEED)
        assert last.status_code == 429


@pytest.mark.parametrize(
    "feed", [Feed("east"), Feed("east", "r1"), Feed("east", "", "李 娜 & ?=:"), Feed("e", "r", "x")]
)
def test_a_feed_reads_as_it_was_spelled(feed: Feed) -> None:
    assert read_feed(spell_feed(feed)) == feed


def test_a_round_fence_is_a_polygon_as_large_as_it_is() -> None:
    centre = Spot(30.27, 120.15)
    text = fences_geojson([Fence(site="east", id="yard", name="Yard", centre=centre, radius_m=80.0)])
    (feature,) = msgspec.json.decode(text)["features"]
    (ring,) = feature["geometry"]["coordinates"]
    assert (len(ring), ring[0] == ring[-1]) == (CORNERS + 1, True)
    for longitude, latitude in ring:
        assert distance_m(centre, Spot(latitude, longitude)) == pytest.approx(80.0, abs=0.2)
    assert feature["properties"] == {
        "id": "yard",
        "name": "Yard",
        "purpose": "area",
        "centre": [120.15, 30.27],
        "radius_m": 80.0,
    }


async def test_the_fences_of_the_drawn_map_are_taken_away_as_geojson(console: ConsoleApi) -> None:
    square = [[120.148, 30.27], [120.148, 30.271], [120.149, 30.271], [120.149, 30.27], [120.148, 30.27]]
    drawn = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"kind": "fence", "id": "yard", "name": "Yard", "purpose": "parking"},
                "geometry": {"type": "Polygon", "coordinates": [square]},
            }
        ],
    }
    client = await console.client()
    assert (await client.put("/api/v1/map/east", json=drawn)).status_code == 200
    answer = await client.get("/api/v1/fences/east")
    assert answer.headers["content-type"] == "application/geo+json"
    (feature,) = answer.json()["features"]
    (ring,) = feature["geometry"]["coordinates"]
    assert sorted(map(tuple, ring[:-1])) == sorted(map(tuple, square[:-1]))
    turned = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
    assert turned < 0, "outer rings are counter-clockwise"
    assert (await client.get("/api/v1/fences/west")).json()["features"] == []


async def test_trips_are_taken_away_as_csv_with_both_clocks(api: Api) -> None:
    made = await make_console(api)
    begin, _ = await drive_there(made, api)
    client = await made.client(Role.VIEWER)
    answer = await client.get("/api/v1/trips?site=east&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    (trip,) = (await client.get("/api/v1/trips?site=east")).json()["trips"]
    assert (row["vehicle"], float(row["km"])) == ("car-1", trip["km"])
    assert row["from_local"].endswith("+08:00")
    assert row["until_utc"].endswith("Z")
    track = await client.get(f"/api/v1/tracks?site=east&vehicle=car-1&format=gpx&from={begin}")
    root = ET.fromstring(track.content)
    spots = root.findall(".//{http://www.topografix.com/GPX/1/1}trkpt")
    assert len(spots) > 4
    assert all(-90 <= float(spot.attrib["lat"]) <= 90 for spot in spots)
    await made.features.close()
