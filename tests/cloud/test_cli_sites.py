"""A site from the command line, and the samples that are shipped."""

import json
from pathlib import Path

import pytest

from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar
from cloud.assets.desk import AssetDesk
from cloud.assets.maps import SiteMaps
from cloud.cli import main
from cloud.registry.asset_book import AssetBook
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from protocols.clock import ManualClock
from simulators.east_compound import east_compound
from tests.architecture.source import ROOT

SAMPLES = ROOT / "deploy" / "samples"
SITE_FILE, MAP_FILE = SAMPLES / "east-compound.toml", SAMPLES / "east-compound-map.geojson"
EAST = "east-compound"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def data(tmp_path: Path, empty_registry: Path) -> Path:
    (tmp_path / "registry.sqlite").write_bytes(empty_registry.read_bytes())
    return tmp_path


async def desk_of(database: Database, clock: ManualClock) -> AssetDesk:
    book = AssetBook(database, clock)
    desk = AssetDesk(book, AssetRoster(book), SiteCalendar(Inventory(database)), SiteMaps(), clock)
    await desk.open()
    return desk


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, object], str]:
    code = main([*(str(word) for word in words), "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out or "{}"), said.err


def test_the_sample_site_comes_in_once_and_its_map_too(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, dry, _ = run(capsys, "import", SITE_FILE, "--data", data, "--dry-run")
    assert (code, dry["created"], dry["written"]) == (0, 110, False)
    code, first, _ = run(capsys, "import", SITE_FILE, "--data", data)
    assert (code, first["created"], first["written"]) == (0, 110, True)
    code, again, _ = run(capsys, "import", SITE_FILE, "--data", data)
    assert (code, again["created"], again["changed"], again["written"]) == (0, 0, 0, False)
    code, drawn, _ = run(capsys, "map", MAP_FILE, "--data", data)
    assert (code, drawn["site"], drawn["rev"], drawn["written"]) == (0, EAST, 1, True)
    code, drawn, _ = run(capsys, "map", MAP_FILE, "--data", data)
    assert (drawn["rev"], drawn["written"]) == (1, False)


def test_faults_are_told_with_file_and_line_and_nothing_is_written(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = data / "wrong.toml"
    wrong.write_text('[site]\nid = "east"\n\n[[room]]\nid = "r1"\ncapacity = 0\n')
    code, _, said = run(capsys, "import", wrong, "--data", data)
    assert code == 1
    assert f"{wrong}:6: room[0].capacity: 0 is out of range" in said
    assert "nothing was written" in said
    drawn = data / "wrong.geojson"
    drawn.write_text('{"type": "FeatureCollection",\n "features": [}')
    code, _, said = run(capsys, "map", drawn, "--site", "east", "--data", data)
    assert (code, f"{drawn}:2: no JSON" in said) == (1, True)
    drawn.write_text('{"type": "FeatureCollection", "features": [{}]}')
    code, _, said = run(capsys, "map", drawn, "--site", "east", "--data", data)
    assert (code, "features[0]: no feature" in said) == (1, True)
    assert run(capsys, "import", data / "nowhere.toml", "--data", data)[0] == 2
    assert run(capsys, "import", data / "registry.sqlite", "--data", data)[0] == 1


async def test_a_running_collector_takes_over_what_the_command_line_wrote(
    database: Database, clock: ManualClock
) -> None:
    running = await desk_of(database, clock)
    told: list[tuple[str, bool]] = []
    running.roster.watch(lambda key, asset: told.append((key.id, asset is not None)))
    assert not await running.reload()
    other = await desk_of(database, clock)
    from cloud.assets.importing import import_site

    text = '[site]\nid="east"\n[[door]]\nid="d1"\n[[door]]\nid="d2"\n[[unit]]\nname="区府办"\n'
    assert (await import_site(other, text, form="toml")).written
    assert await running.reload()
    assert not await running.reload()
    assert told == [("d1", True), ("d2", True)]
    assert running.units("east") == ("区府办",)
    told.clear()
    changed = text.replace('id="d2"', 'id="d2"\ngate=true').replace('[[door]]\nid="d1"\n', "")
    assert (await import_site(other, changed, form="toml", remove=True)).removed == 1
    assert await running.reload()
    assert told == [("d1", False), ("d2", True)]
    assert [asset.key.id for asset in running.roster.all()] == ["d2"]
    assert [running.roster.rev(asset.key) for asset in running.roster.all()] == [2]


async def test_the_sample_site_is_the_compound_of_the_demo(database: Database, clock: ManualClock) -> None:
    from cloud.assets.importing import import_site
    from cloud.registry.asset_book import SiteChange

    desk = await desk_of(database, clock)
    assert (await import_site(desk, SITE_FILE.read_text("utf-8"), form="toml")).errors == []
    await desk.apply(SiteChange(EAST, document=json.loads(MAP_FILE.read_text("utf-8"))))
    count = {kind: len(desk.roster.all(kind)) for kind in ("vehicle", "room", "door", "guard")}
    assert count == {"vehicle": 25, "room": 15, "door": 12, "guard": 6}
    assert len(desk.units(EAST)) == 72
    scenario = east_compound()
    assert all(each.spot is not None for kind in ("meter", "reader") for each in desk.roster.all(kind))
    for plan in (*scenario.door, *scenario.vehicle, *scenario.meter):
        assert desk.roster.bound(EAST, plan.id), f"{plan.id} of the demo is bound to nothing"
    maps = desk.maps
    for asset in desk.roster.all():
        for place in (asset.text("home"), asset.text("post"), asset.text("checkpoint"), asset.text("x_slot")):
            assert not place or maps.place(EAST, place), f"{asset.key.entity} names {place!r}, which is on no map"
        if asset.unit:
            assert asset.unit in desk.units(EAST)
        if asset.key.kind in ("room", "door") and asset.spot is not None:
            assert maps.where(EAST, asset.spot), asset.key.entity
    for name in ("高铁站", "市档案馆", "开发区", "市民中心", "gate-west", "gate-east", "gate-south", "gate-north"):
        assert maps.place(EAST, name) is not None, name
    assert {fence.purpose for fence in maps.fences(EAST)} == {"compound", "parking", "area"}
    ends = [end for road in maps.roads(EAST) for end in road]
    gates = [place.spot for place in maps.places(EAST) if place.kind == "gate"]
    assert all(gate in ends for gate in gates), "roads reach every gate"
