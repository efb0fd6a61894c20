"""A site written out comes in again without changing anything."""

from typing import Any

import httpx
import pytest

from cloud.registry.roles import Role
from tests.cloud.api.console import ConsoleApi
from tests.cloud.api.console import console as console

SITE = """
[site]
id = "east"
[[unit]]
name = "车队"
[[unit]]
name = 'Finance, "first" office'
[[day]]
day = 2026-10-01
type = "holiday"
name = "国庆节"
[[place]]
id = "north-gate"
kind = "gate"
name = { en = "North gate", zh = "北门" }
latitude = 30.25
longitude = 120.125
[[vehicle]]
id = "v1"
name = "浙A·1"
unit = "车队"
plate = "浙A·1"
seats = 4
shift = ["mon-fri 08:00-18:00", "daily 20:00-22:00"]
sealed_on_holidays = true
latitude = 30.5
longitude = 120.0
devices = { position = ["car-1", "car-2"], odometer = "can-1" }
[[guard]]
id = "li"
cards = ["abc123"]
"""


async def asked(client: httpx.AsyncClient, text: str, form: str) -> dict[str, Any]:
    """What bringing it in again would change."""
    params: dict[str, str] = {"format": form, "site": "east", "dry_run": "1", "remove": "1"}
    answer = await client.post("/api/v1/assets/import", params=params, content=text.encode())
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("form", ["toml", "csv"])
async def test_what_was_written_out_comes_in_again_unchanged(console: ConsoleApi, form: str) -> None:
    async with await console.client() as client:
        assert (await client.post("/api/v1/assets/import", content=SITE.encode())).json()["errors"] == []
        facts = {"capacity": 40, "note": '"quoted", with; marks \\ and 中文', "x_colour": "green, mostly"}
        room = {"name": "R, 301", "facts": facts, "bindings": []}
        assert (await client.put("/api/v1/assets/east/room/r-301", json=room)).status_code == 200
        whole = await client.get("/api/v1/assets/export", params={"site": "east", "format": form})
        assert whole.headers["content-disposition"] == f'attachment; filename="east.{form}"'
        found = await asked(client, whole.text, form)
        assert (found["errors"], found["names"], found["gone"], found["unchanged"]) == ([], [], [], 3)


async def test_a_site_moves_to_an_empty_collector_by_its_file(console: ConsoleApi) -> None:
    async with await console.client() as client:
        await client.post("/api/v1/assets/import", content=SITE.encode())
        text = (await client.get("/api/v1/assets/export", params={"site": "east"})).text
        moved = text.replace('id = "east"', 'id = "west"')
        made = (await client.post("/api/v1/assets/import", content=moved.encode())).json()
        assert (made["created"], made["errors"]) == (2, [])
        again = (await client.get("/api/v1/assets/export", params={"site": "west"})).text
        assert again == moved
        assert "north-gate" in again


async def test_csv_that_would_lose_something_is_refused_and_names_it(console: ConsoleApi) -> None:
    async with await console.client() as client:
        facts = {"capacity": 4, "x_area_m2": 31.5}
        await client.put("/api/v1/assets/east/room/r-1", json={"name": "R", "facts": facts})
        refused = await client.get("/api/v1/assets/export", params={"site": "east", "format": "csv"})
        assert refused.status_code == 409
        assert "room:r-1" in refused.json()["error"]["message"]
        assert "x_area_m2 = 31.5" in (await client.get("/api/v1/assets/export", params={"site": "east"})).text


async def test_files_hold_card_keys_so_only_administrators_get_them(console: ConsoleApi) -> None:
    async with await console.client(Role.DISPATCHER) as client:
        assert (await client.get("/api/v1/assets/export", params={"site": "east"})).status_code == 403


async def test_an_import_names_what_the_file_does_not(console: ConsoleApi) -> None:
    async with await console.client() as client:
        await client.post("/api/v1/assets/import", content=SITE.encode())
        found = await asked(client, 'id,kind,plate\nv2,vehicle,"2"\n', "csv")
        assert (found["created"], found["removed"], found["gone"]) == (1, 2, ["guard:li", "vehicle:v1"])


async def test_every_fault_of_an_asset_is_said(console: ConsoleApi) -> None:
    async with await console.client() as client:
        body = {
            "name": "R",
            "facts": {"capacity": "many", "sign_in": "dance"},
            "bindings": [{"role": "x", "device": "d"}],
        }
        answer = await client.put("/api/v1/assets/east/room/r-1", json=body)
        assert answer.status_code == 422
        assert [fault["key"] for fault in answer.json()["errors"]] == ["capacity", "sign_in", "devices.x"]
