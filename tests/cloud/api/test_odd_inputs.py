"""Inputs that nobody means: half characters, bytes that are no text, the end of time, addresses that are none."""

import time

import pytest

from cloud.registry.roles import Role
from tests.cloud.api.console import ConsoleApi, console
from tests.proof.api_bodies import JPEG, ODD_ADDRESSES, PLANT
from tests.proof.api_loopback import only_loopback

__all__ = ["console"]

HALF = b'"\\ud800"'
"""Half a surrogate pair: JSON may hold it, text may not."""


@pytest.fixture
async def site(console: ConsoleApi) -> ConsoleApi:
    async with await console.client() as client:
        assert (await client.post("/api/v1/assets/import", content=PLANT.encode())).status_code == 200
    return console


NO_TEXT = (
    ("/api/v1/fleet-settings/east", b'{"hours": ' + HALF + b"}"),
    ("/api/v1/patrols/routes?site=east", b'{"routes": [{"id": "r", "name": "r", "days": ' + HALF + b"}]}"),
    (
        "/api/v1/patrols/routes?site=east",
        b'{"routes": [{"id": "r", "name": ' + HALF + b', "starts": ["22:00"], "days": ["daily"], "checkpoints":'
        b' [{"id": "g", "name": "G", "reader": "g", "from_min": 0, "until_min": 20}]}]}',
    ),
    ("/api/v1/dispatch/settings/east", b'{"bat\xd4ch_s": 3.0}'),
    ("/api/v1/dispatch/settings/east", b"[" * 20_000),
    ("/api/v1/map/east", b'{"type": "FeatureCollection", "features": [' + HALF + b"]}"),
    ("/api/v1/assets/east/vehicle/car-1", b'{"name": "x", "facts": {"plate": ' + HALF + b"}}"),
)


async def test_what_is_no_text_is_refused(site: ConsoleApi) -> None:
    async with await site.client() as client:
        for path, body in NO_TEXT:
            answer = await client.put(path, content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, set(answer.json()["error"])) == (422, {"code", "message", "hint"}), path


async def test_an_image_of_nothing_but_small_segments_is_refused_at_once(site: ConsoleApi) -> None:
    image, address = b"\xff\xd8" + b"\xff\xe0\0\x02" * 2_000_000, "/api/v1/map/east/floor-plan"
    bounds = {"south": 30, "west": 120, "north": 31, "east": 121}
    async with await site.client() as client:
        began = time.thread_time()
        answer = await client.put(address, params=bounds, content=image)
        took_s = time.thread_time() - began
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_image")
        assert took_s < 0.4
        assert (await client.put(address, params=bounds, content=JPEG)).status_code == 200


async def test_a_slash_too_many_leads_to_no_other_host(site: ConsoleApi) -> None:
    async with await site.client() as client:
        for path in ("/api/v1/alarms/", "/api/v1/state/", "/healthz/", "/api/v1/requests/", "/api/v1/session/"):
            answer = await client.get(path, headers={"Host": "evil.example"})
            assert (answer.status_code, "location" in answer.headers) == (404, False), path
            assert answer.json()["error"]["code"] == "not_found"


async def test_at_the_end_of_time_a_day_more_is_still_a_date(site: ConsoleApi) -> None:
    async with await site.client(Role.VIEWER) as client:
        for path in ("rooms/use", "gates", "mileage", "bookings", "passes", "patrols", "dispatch/figures"):
            for to, expected in (("9998-12-31T23:59:59Z", 200), ("9999-12-31T23:59:59Z", 422)):
                asked = {"site": "east", "from": "9998-12-30T00:00:00Z", "to": to}
                answer = await client.get(f"/api/v1/{path}", params=asked)
                assert answer.status_code == expected, (path, answer.text)


async def test_a_test_of_any_address_ends_in_a_delivery_and_asks_only_it(site: ConsoleApi) -> None:
    taken = 0
    with only_loopback() as refused:
        async with await site.client() as client:
            for number, url in enumerate(ODD_ADDRESSES):
                ca_file = ("", "/dev/zero", "a\0b", "/nowhere")[number % 4]
                hook = {"name": "Duty", "url": url, "ca_file": ca_file}
                if (await client.put("/api/v1/webhooks/hook", json=hook)).status_code == 200:
                    taken += 1
                    answer = await client.post("/api/v1/webhooks/hook/test")
                    assert (answer.status_code, answer.json()["delivery"]["state"]) == (200, "failed"), url
    assert taken > 10
    assert refused
