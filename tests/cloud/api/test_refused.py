"""What the collector refuses with, as the pages know it: refusals of requests, rooms and visitors have words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cloud.assets.contract import Asset, AssetKey
from cloud.registry.asset_book import SiteChange
from cloud.registry.roles import Role
from cloud.store.contract import GatewayKey
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]

WEB = Path(__file__).parents[3] / "cloud" / "web"
LINE = re.compile(r'^  \["(\w+)", /(.+)/, "([a-z_0-9.]+)"\],$', re.MULTILINE)
SITE = "east"
HOUR = 3_600_000
SPOT = {"name": "B3", "latitude": 30.3, "longitude": 120.1}
ASK: dict[str, Any] = {"site": SITE, "kind": "repair", "title": "no light", "from": SPOT}


def table(name: str) -> list[tuple[str, re.Pattern[str]]]:
    """A table of ``refused.js``, with what its patterns mean here."""
    source = (WEB / "app" / "refused.js").read_text(encoding="utf-8")
    part = source[source.index(f"const {name} = [") :].split("\n];", 1)[0]
    found = [(code, re.compile(pattern.replace("(?<", "(?P<"))) for code, pattern, _ in LINE.findall(part)]
    assert found
    return found


def words_for(error: dict[str, str]) -> bool:
    """Whether the page says it in words of its own."""
    message = re.sub(r"^[a-z_.]+: ", "", error["message"]) if error["code"] == "bad_request" else error["message"]
    if error["code"] == "not_feasible":
        message = re.sub(r"^[a-z_.]+: ", "", message)
    return any(code == error["code"] and pattern.search(message) for code, pattern in table("SAID"))


def general(code: str) -> bool:
    """Whether a code has words, whatever is said with it."""
    return f"refused.{code}" in json.loads((WEB / "i18n" / "zh-CN.json").read_text(encoding="utf-8"))


@pytest.fixture
async def staffed(console: ConsoleApi, api: Api) -> ConsoleApi:
    await api.inventory.seen(GatewayKey(SITE, "b3"), 1)
    rooms = [
        Asset(key=AssetKey(SITE, "room", "r1"), name="301", facts={"capacity": 4, "open": ["00:00-23:59"]}),
        Asset(key=AssetKey(SITE, "room", "r2"), name="302", facts={"out_of_service": "painted"}),
        Asset(key=AssetKey(SITE, "technician", "chen"), name="Chen", facts={"out_of_service": "ill"}),
    ]
    await console.features.asset_desk.apply(SiteChange(SITE, put=rooms))
    return console


async def test_every_refusal_of_a_request_has_words(staffed: ConsoleApi) -> None:
    now = staffed.clock.now_ms()
    wrong: list[dict[str, Any]] = [
        ASK | {"from": None},
        ASK | {"window": {"earliest": now + HOUR, "latest": now}},
        ASK | {"window": {"earliest": now, "latest": now + 15 * 24 * HOUR}},
        ASK | {"window": {"earliest": now + 200 * 24 * HOUR}},
        ASK | {"tier": "4h", "window": {"latest": now - HOUR, "earliest": now - 2 * HOUR}},
        ASK | {"title": "x" * 101},
        ASK | {"title": "\u0007"},
        ASK | {"passengers": 501},
        ASK | {"passengers": -1},
        ASK | {"duration_min": 0},
    ]
    async with await staffed.client(Role.DISPATCHER) as client:
        for body in wrong:
            answer = await client.post("/api/v1/requests", json=body)
            assert answer.status_code == 422, list(body.values())[-1]
            assert words_for(answer.json()["error"]), answer.json()
        filed = (await client.post("/api/v1/requests", json=ASK)).json()["request"]
        place = f"/api/v1/requests/{filed['id']}"
        ill = (await client.post(f"{place}/assign", json={"resource": "chen"})).json()["error"]
        assert ill["code"] == "not_feasible"
        assert words_for(ill), ill
        for path, code in ((f"{place}/cancel", "conflict"), (f"{place}/start", "not_possible")):
            rev = 9 if code == "conflict" else 1
            error = (await client.post(path, json={"rev": rev})).json()["error"]
            assert error["code"] == code
            assert general(code)
        missing = (await client.get("/api/v1/requests/east.20200101-001")).json()["error"]
        assert general(missing["code"])


async def test_every_refusal_of_a_booking_and_a_pass_has_words(staffed: ConsoleApi) -> None:
    now = staffed.clock.now_ms()
    book = {"site": SITE, "room": "r1", "unit": "Finance", "from": now + HOUR, "until": now + 2 * HOUR}
    wrong: list[dict[str, Any]] = [
        book | {"until": now},
        book | {"until": now + 26 * HOUR},
        book | {"from": now - 2 * HOUR, "until": now - HOUR},
        book | {"from": now + 401 * 24 * HOUR, "until": now + 401 * 24 * HOUR + HOUR},
        book | {"people": 9},
        book | {"room": "r2"},
    ]
    async with await staffed.client(Role.DISPATCHER) as client:
        for body in wrong:
            answer = await client.post("/api/v1/bookings", json=body)
            assert answer.status_code == 422, list(body.values())[-1]
            assert words_for(answer.json()["error"]), answer.json()
        made = (await client.post("/api/v1/bookings", json=book)).json()["bookings"][0]
        taken = (await client.post("/api/v1/bookings", json=book)).json()["error"]
        assert words_for(taken), taken
        assert any(code == "room_taken" and pattern.search(taken["hint"]) for code, pattern in table("HINTS")), taken
        early = (await client.post(f"/api/v1/bookings/{made['id']}/sign-in", json={"rev": 1})).json()["error"]
        assert words_for(early), early
        assert any(pattern.search(early["hint"]) for _, pattern in table("HINTS")), early
        await client.post(f"/api/v1/bookings/{made['id']}/cancel", json={"rev": 1})
        ended = (await client.post(f"/api/v1/bookings/{made['id']}/extend", json={"until": now + 3 * HOUR})).json()
        assert words_for(ended["error"]), ended
        visit = {"site": SITE, "name": "Zhang", "host": "Li", "from": now, "until": now + HOUR}
        given = (await client.post("/api/v1/passes", json=visit)).json()["pass"]["id"]
        for action in ("leave", "cancel", "arrive", "cancel"):
            answer = await client.post(f"/api/v1/passes/{given}/{action}", json={})
            assert answer.status_code == 200 or words_for(answer.json()["error"]), answer.json()
        for path in ("bookings/b-none/cancel", "passes/v-none/cancel"):
            assert general((await client.post(f"/api/v1/{path}", json={})).json()["error"]["code"])
