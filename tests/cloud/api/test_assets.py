"""Assets, maps and whole sites by the API."""

import struct
import zlib
from pathlib import Path

import httpx
import pytest

from cloud.registry.roles import Role
from cloud.settings import load_cloud
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, console, make_console
from tests.cloud.assets.test_map_rules import SQUARE, fence, map_of, point

__all__ = ["console"]

CAR = "/api/v1/assets/east/vehicle/car-1"
BODY = {
    "name": "浙A·3M902",
    "facts": {"plate": "浙A·3M902", "seats": 4},
    "bindings": [{"role": "position", "device": "car-01"}],
}
SITE = """
[site]
id = "east"

[[unit]]
name = "区府办"

[[vehicle]]
id = "car-1"
plate = "浙A·3M902"
devices = { position = "car-01", reader = ["cab-01"] }

[[room]]
id = "r-307"
name = "307"
capacity = 12

[[day]]
day = 2026-10-01
type = "holiday"
name = "国庆节"

[[place]]
id = "station"
name = { en = "Railway station", zh = "高铁站" }
latitude = 30.29
longitude = 120.21
"""


async def test_an_asset_is_made_read_changed_and_forgotten(console: ConsoleApi) -> None:
    async with await console.client() as client:
        made = await client.put(CAR, json=BODY)
        assert made.json() == {**BODY, "site": "east", "kind": "vehicle", "id": "car-1", "unit": "", "rev": 1}
        assert (await client.get(CAR)).json() == made.json()
        listed = (await client.get("/api/v1/assets?site=east&kind=vehicle")).json()
        assert [each["id"] for each in listed["assets"]] == ["car-1"]
        assert (await client.get("/api/v1/assets?kind=room")).json() == {"assets": []}
        late = await client.put(f"{CAR}?rev=0", json=BODY)
        assert (late.status_code, late.json()["error"]["hint"]) == (409, "rev=1")
        assert (await client.put(f"{CAR}?rev=1", json=BODY)).json()["rev"] == 2
        assert (await client.delete(CAR)).status_code == 204
        assert (await client.get(CAR)).status_code == 404
        assert (await client.delete(CAR)).status_code == 404


async def test_only_administrators_change_assets_and_see_cards(console: ConsoleApi) -> None:
    guard = "/api/v1/assets/east/guard/g-1"
    async with await console.client() as administrator, await console.client(Role.DISPATCHER) as dispatcher:
        assert (await administrator.put(guard, json={"name": "Li", "facts": {"cards": ["aa"]}})).status_code == 200
        assert (await dispatcher.put(guard, json={"name": "Li"})).status_code == 403
        assert (await dispatcher.post("/api/v1/assets/import", content=SITE)).status_code == 403
        assert (await dispatcher.put("/api/v1/map/east", json=map_of())).status_code == 403
        assert (await dispatcher.get(guard)).json()["facts"] == {}
        assert (await dispatcher.get("/api/v1/assets")).json()["assets"][0]["facts"] == {}
        assert (await administrator.get(guard)).json()["facts"] == {"cards": ["aa"]}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"name": "x"}, "plate"),
        ({"name": "x", "facts": {"plate": "p", "seats": "four"}}, "seats"),
        ({"name": "x", "facts": {"plate": "p"}, "bindings": [{"role": "wings", "device": "d"}]}, "wings"),
        ({"name": "x", "facts": {"plate": "p"}, "bindings": [{"role": "position", "device": "No Id"}]}, "No Id"),
        ({"name": "x", "facts": {"plate": "p", "id": "y"}}, "facts.id"),
    ],
)
async def test_a_wrong_asset_is_refused_with_what_is_wrong(console: ConsoleApi, body: object, word: str) -> None:
    async with await console.client() as client:
        answer = await client.put(CAR, json=body)
        assert answer.status_code == 422
        assert word in answer.json()["error"]["message"]
        assert (await client.get(CAR)).status_code == 404


async def test_one_card_belongs_to_one_person(console: ConsoleApi) -> None:
    async with await console.client() as client:
        first = {"name": "Li", "facts": {"cards": ["aa"]}}
        assert (await client.put("/api/v1/assets/east/guard/g-1", json=first)).status_code == 200
        assert (await client.put("/api/v1/assets/east/guard/g-1", json=first)).status_code == 200
        second = await client.put("/api/v1/assets/east/technician/t-1", json=first)
        assert second.status_code == 422
        assert "'Li'" in second.json()["error"]["message"]


async def test_kinds_tell_what_may_be_known(console: ConsoleApi) -> None:
    async with await console.client(Role.VIEWER) as client:
        kinds = (await client.get("/api/v1/assets/kinds")).json()["kinds"]
        assert kinds["vehicle"]["plate"] == {"type": "text", "name": {"en": "plate", "zh": "车牌"}, "required": True}
        assert kinds["room"]["capacity"]["low"] == 1


async def test_a_whole_site_comes_in_at_once_and_a_second_time_changes_nothing(console: ConsoleApi) -> None:
    async with await console.client() as client:
        dry = (await client.post("/api/v1/assets/import?dry_run=1", content=SITE.encode())).json()
        assert (dry["created"], dry["written"], dry["errors"]) == (2, False, [])
        assert (await client.get("/api/v1/assets")).json() == {"assets": []}
        first = (await client.post("/api/v1/assets/import", content=SITE.encode())).json()
        assert (first["site"], first["created"], first["changed"], first["written"]) == ("east", 2, 3, True)
        again = (await client.post("/api/v1/assets/import?site=east", content=SITE.encode())).json()
        assert (again["created"], again["changed"], again["unchanged"], again["written"]) == (0, 0, 2, False)
        assert (await client.get("/api/v1/units?site=east")).json()["units"] == ["区府办"]
        days = (await client.get("/api/v1/calendar/east")).json()["days"]
        assert days == [{"day": "2026-10-01", "type": "holiday", "name": "国庆节"}]
        place = console.features.maps.place("east", "高铁站")
        assert place is not None
        assert place.spot.latitude == 30.29
        car = (await client.get(CAR)).json()
        assert [each["device"] for each in car["bindings"]] == ["car-01", "cab-01"]


async def test_an_import_may_remove_what_the_file_does_not_name(console: ConsoleApi) -> None:
    async with await console.client() as client:
        await client.put("/api/v1/assets/east/door/old", json={"name": "old"})
        kept = (await client.post("/api/v1/assets/import", content=SITE.encode())).json()
        assert (kept["removed"], kept["missing"]) == (0, 1)
        gone = (await client.post("/api/v1/assets/import?remove=1", content=SITE.encode())).json()
        assert (gone["removed"], gone["missing"]) == (1, 0)
        assert (await client.get("/api/v1/assets/east/door/old")).status_code == 404


async def test_one_wrong_line_keeps_the_whole_file_out(console: ConsoleApi) -> None:
    wrong = SITE + '\n[[room]]\nid = "r-308"\ncapacity = "many"\n\n[[vehicl]]\nid = "x"\n'
    line = wrong.splitlines().index('capacity = "many"') + 1
    async with await console.client() as client:
        answer = await client.post("/api/v1/assets/import", content=wrong.encode())
        assert answer.status_code == 422
        errors = answer.json()["errors"]
        assert (line, "room[1].capacity") in [(error["line"], error["key"]) for error in errors]
        assert any("did you mean 'vehicle'" in error["message"] for error in errors)
        assert answer.json()["error"]["message"].startswith(f"line {line}:")
        assert (await client.get("/api/v1/assets")).json() == {"assets": []}
        assert (await client.post("/api/v1/assets/import?dry_run=1", content=wrong.encode())).status_code == 200


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"[[vehicle", "not TOML"),
        (b"\xff\xfe", "UTF-8"),
        (b"[[room]]\nid='a'\ncapacity=3\n", "which site"),
        (b"[site]\nid='east'\n[[room]]\nid='a'\ncapacity=3\n[[room]]\nid='a'\ncapacity=4\n", "line 3 already"),
        (b"[site]\nid='east'\n[[guard]]\nid='a'\ncards=['c']\n[[guard]]\nid='b'\ncards=['c']\n", "held by 'a'"),
        (b"[site]\nid='east'\n[[place]]\nid='a'\nname='A'\nlatitude=120.1\nlongitude=30.2\n", "swapped"),
        (b"[site]\nid='east'\n[[day]]\nday='soon'\ntype='holiday'\n", "no day"),
        (b"[site]\nid='east'\n[[unit]]\nname='a'\n[[unit]]\nname='a'\n", "twice"),
    ],
)
async def test_files_that_cannot_be_taken_say_why(console: ConsoleApi, text: bytes, word: str) -> None:
    async with await console.client() as client:
        answer = await client.post("/api/v1/assets/import", content=text)
        assert answer.status_code == 422
        assert word in answer.json()["error"]["message"], answer.json()


async def test_a_table_from_chinese_excel_comes_in_and_its_encoding_is_told(console: ConsoleApi) -> None:
    text = "kind,id,name,capacity\nroom,r-1,第三会议室,12\n"
    async with await console.client() as client:
        address = "/api/v1/assets/import?format=csv&site=east"
        told = (await client.post(address, content=text.encode("gbk"))).json()
        assert (told["created"], told["encoding"]) == (1, "GB18030")
        assert (await client.get("/api/v1/assets/east/room/r-1")).json()["name"] == "第三会议室"
        assert (await client.post(address, content=text.encode("utf-8-sig"))).json()["encoding"] == "UTF-8"


async def test_a_table_from_a_spreadsheet_comes_in(console: ConsoleApi) -> None:
    text = (
        "\ufeffkind;id;name;devices;plate;seats;cards;shift\r\n"
        "vehicle;car-1;浙A·3M902;position=car-01；reader=cab-01;浙A·3M902;4;;\r\n"
        'guard;g-1;李工;;;;"aa;bb";"mon-fri 08:00-18:00;sat"\r\n'
    )
    address = "/api/v1/assets/import?format=csv&site=east"
    async with await console.client() as client:
        first = (await client.post(address, content=text.encode())).json()
        assert (first["created"], first["errors"]) == (2, [])
        assert (await client.get(CAR)).json()["facts"] == {"plate": "浙A·3M902", "seats": 4}
        guard = (await client.get("/api/v1/assets/east/guard/g-1")).json()
        assert guard["facts"] == {"cards": ["aa", "bb"], "shift": ["mon-fri 08:00-18:00", "sat"]}
        wrong = text.replace(";4;", ";four;")
        answer = await client.post(address, content=wrong.encode())
        assert answer.json()["errors"][0]["line"] == 2
        assert "'four'" in answer.json()["errors"][0]["message"]
        header = await client.post(address, content=text.replace("plate", "plaet").encode())
        assert header.json()["errors"][0]["key"] == "plaet"


async def test_a_map_is_put_read_and_unchanged_when_asked_again(console: ConsoleApi) -> None:
    async with await console.client() as client:
        empty = (await client.get("/api/v1/map/east")).json()
        assert empty == {"type": "FeatureCollection", "features": [], "rev": 0, "floor_plan": None, "tiles": None}
        answer = await client.put("/api/v1/map/east", json=map_of(point(), fence(*SQUARE)))
        assert answer.json() == {"site": "east", "rev": 1, "features": 2}
        read = await client.get("/api/v1/map/east")
        assert read.json()["features"] == [point(), fence(*SQUARE)]
        again = await client.get("/api/v1/map/east", headers={"If-None-Match": read.headers["ETag"]})
        assert again.status_code == 304
        put_back = await client.put("/api/v1/map/east?rev=1", json=read.json())
        assert put_back.json()["rev"] == 2
        assert (await client.put("/api/v1/map/east?rev=1", json=read.json())).status_code == 409
        assert [each.id for each in console.features.maps.fences("east")] == ["yard"]


async def test_a_map_that_is_wrong_is_refused_with_the_place(console: ConsoleApi) -> None:
    async with await console.client() as client:
        answer = await client.put("/api/v1/map/east", json=map_of(point(), point(latitude=120.15, longitude=30.27)))
        assert answer.status_code == 422
        assert "features[1].geometry.coordinates" in [error["key"] for error in answer.json()["errors"]]
        assert (await client.put("/api/v1/map/east", content=b"{")).status_code == 422
        assert (await client.get("/api/v1/map/east")).json()["rev"] == 0


async def test_swapped_coordinates_are_noticed_where_the_doors_are_known(console: ConsoleApi) -> None:
    async with await console.client() as client:
        door = {"name": "D1", "facts": {"latitude": 48.2, "longitude": 16.37}}
        assert (await client.put("/api/v1/assets/east/door/d1", json=door)).status_code == 200
        answer = await client.put("/api/v1/map/east", json=map_of(point(48.2, 16.37)))
        assert "swapped" in answer.json()["error"]["message"]
        assert (await client.put("/api/v1/map/east", json=map_of(point(16.37, 48.2)))).status_code == 200


async def test_bodies_are_bounded_and_read_only_from_those_who_may(console: ConsoleApi) -> None:
    async with await console.client() as client, await console.client(Role.VIEWER) as viewer:
        read = 0

        async def endless():  # type: ignore[no-untyped-def]
            nonlocal read
            while read < 64 * 2**20:
                read += 65_536
                yield b" " * 65_536

        assert (await viewer.put("/api/v1/map/east", content=endless())).status_code == 403
        assert read <= 65_536
        assert (await client.put("/api/v1/map/east", content=endless())).status_code == 413
        assert read < 8 * 2**20
        announced = await client.put("/api/v1/map/east", content=b" ", headers={"Content-Length": str(10**9)})
        assert announced.status_code == 413


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height))) if width < 100 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_a_floor_plan_lies_where_its_edges_were_said_to_lie(console: ConsoleApi) -> None:
    address = "/api/v1/map/east/floor-plan"
    edges = "?south=30.27&west=120.148&north=30.273&east=120.152"
    async with await console.client() as client:
        assert (await client.get(address)).status_code == 404
        image = png(8, 4)
        assert (await client.put(address + edges, content=image)).json()["bytes"] == len(image)
        read = await client.get(address)
        assert (read.content, read.headers["Content-Type"]) == (image, "image/png")
        plan = (await client.get("/api/v1/map/east")).json()["floor_plan"]
        assert plan["bounds"] == [30.27, 120.148, 30.273, 120.152]
        assert (await client.get(plan["url"])).content == image
        for wrong in (b"<svg/>", b"\xff\xd8\xff", png(20_000, 4)):
            assert (await client.put(address + edges, content=wrong)).status_code == 422
        upside_down = "?south=31&west=120.148&north=30.273&east=120.152"
        assert (await client.put(address + upside_down, content=image)).status_code == 422
        assert (await client.delete(address)).status_code == 204
        assert (await client.get("/api/v1/map/east")).json()["floor_plan"] is None


async def test_local_tiles_are_served_from_their_folder_only(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    (folder / "3" / "2").mkdir(parents=True)
    (folder / "3" / "2" / "1.png").write_bytes(b"tile")
    settings_file = tmp_path / "cloud.toml"
    settings_file.write_text('[map]\ntiles = "tiles"\n')
    console = await make_console(api, load_cloud(settings_file))
    async with await console.client() as client:
        tile = await client.get("/api/v1/tiles/3/2/1.png")
        assert (tile.status_code, tile.content) == (200, b"tile")
        assert (await client.get("/api/v1/tiles/3/2/0.png")).status_code == 404
        assert (await client.get("/api/v1/tiles/3/../2/1.png")).status_code in (404, 422)
        document = (await client.get("/api/v1/map/east")).json()
        assert document["tiles"] == "/api/v1/tiles/{z}/{x}/{y}.png"
    await console.features.close()


async def test_days_of_the_site_are_put_and_read(console: ConsoleApi) -> None:
    address = "/api/v1/calendar/east"
    body = {"days": [{"day": "2026-10-10", "type": "workday"}, {"day": "2026-10-01", "type": "holiday"}]}
    async with await console.client() as client:
        put: httpx.Response = await client.put(address, json=body)
        assert [day["day"] for day in put.json()["days"]] == ["2026-10-01", "2026-10-10"]
        wrong = await client.put(address, json={"days": [{"day": "2026-02-30", "type": "holiday"}]})
        assert wrong.json()["error"]["message"].startswith("days[0]:")
        assert (await client.get(address)).json() == put.json()


async def test_things_are_no_devices(console: ConsoleApi) -> None:
    async with await console.client() as client:
        body = {"name": "R1", "bindings": [{"role": "reader", "device": "reader-01"}]}
        assert (await client.put("/api/v1/assets/east/reader/r-1", json=body)).status_code == 200
        shown = (await client.get("/api/v1/state?kind=reader")).json()["entities"]
        assert [(each["id"], each["attributes"]["devices"]) for each in shown] == [("east/reader:r-1", ["reader-01"])]
        assert (await client.get("/api/v1/devices")).json() == {"devices": []}
        (site,) = (await client.get("/api/v1/sites")).json()["sites"]
    assert (site["id"], site["gateways"], site["devices"]) == ("east", 0, 0)
