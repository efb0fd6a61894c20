"""Energy over the API: structure, records, amounts, opening, balance."""

import numpy as np
import pytest

from cloud.assets.contract import Asset, AssetKey
from cloud.energy.contract import BASE_MS, Intervals, RegisterEvent, State
from cloud.energy.pages import pack, total_of
from cloud.registry.asset_book import SiteChange
from cloud.registry.energy_days_book import Day, EnergyDaysBook
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT

__all__ = ["console"]

CAR = Asset(key=AssetKey("east", "vehicle", "car-1"), name="Car 1", facts={"plate": "浙A·3M902", "seats": 4})
METER = {"point": "active_energy_import_total", "register": {"resolution": "0.01", "rated": "400"}}
STRUCTURE = {
    "spaces": [
        {"id": "east", "kind": "site", "name": "East"},
        {"id": "b3", "kind": "building", "name": "B3", "parent": "east", "area_m2": "8200.5"},
    ],
    "units": [{"id": "office", "name": "Office"}],
    "meters": [
        {"id": "main", "name": "Main", "role": "main", "space": "b3", "device": "d1", **METER},
        {"id": "hvac", "name": "HVAC", "parent": "main", "space": "b3", "item": "B1", "device": "d2", **METER},
        {"id": "lifts", "name": "Lifts", "parent": "main", "space": "b3", "unit": "office", "device": "d3", **METER},
        {"id": "rest", "name": "Rest", "role": "virtual", "reads": "virtual", "expression": "[main]-[hvac]-[lifts]"},
    ],
}
DAYS = {"site": "east", "from": str(MIDNIGHT), "to": str(MIDNIGHT + 3 * DAY)}


@pytest.fixture
async def ready(console: ConsoleApi) -> ConsoleApi:
    """A site with three days of meters: 10, 6 and 3 kWh a quarter; nothing is known of the last day's morning."""
    features = console.features
    await features.asset_desk.apply(SiteChange("east", put=[CAR]))
    book = EnergyDaysBook(features.core.database)
    for meter, kwh in (("main", 10), ("hvac", 6), ("lifts", 3)):
        for number in range(3):
            first = MIDNIGHT + number * DAY
            intervals = Intervals(
                first,
                np.full(96, kwh * 1_000_000, np.int64),
                np.full(96, BASE_MS, np.int32),
                np.zeros(96, np.uint8),
                np.zeros(96, np.uint8),
            )
            if number == 2:
                intervals.micro[:48], intervals.covered_ms[:48], intervals.source[:48] = 0, 0, 4
            event = RegisterEvent("first", first, first, None, None, 0)
            total = total_of(intervals)
            await book.put(
                [Day("east", meter, first, first + DAY, State(), pack(intervals), (event,), total, False, 1)]
            )
    console.app = console.api.build(features=features)
    async with await console.client() as client:
        answer = await client.put("/api/v1/energy/structure/east?rev=0", json=STRUCTURE)
        assert answer.status_code == 200, answer.text
    return console


async def test_a_structure_is_put_got_and_refused_at_another_revision(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        got = (await client.get("/api/v1/energy/structure/east")).json()
        assert got["rev"] == 1
        assert got["structure"]["meters"][1]["item"] == "B1"
        again = await client.put("/api/v1/energy/structure/east?rev=0", json=got["structure"])
        assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
        assert (await client.put("/api/v1/energy/structure/east?rev=1", json=got["structure"])).json()["rev"] == 2
        assert (await client.get("/api/v1/energy/structure/nowhere")).status_code == 404


async def test_what_is_wrong_with_a_structure_is_all_named(ready: ConsoleApi) -> None:
    broken = {"meters": [{"id": "a", "name": "A", "space": "x"}, {"id": "a", "name": ""}]}
    async with await ready.client() as client:
        answer = await client.put("/api/v1/energy/structure/east?rev=1", json=broken)
        assert answer.status_code == 422
        assert {each["field"] for each in answer.json()["errors"]} >= {"id", "name", "space", "device"}
        odd = await client.put("/api/v1/energy/structure/east?rev=1", json={"meters": [{"id": 5}]})
        assert (odd.status_code, odd.json()["error"]["code"]) == (422, "bad_structure")


async def test_a_total_counts_each_meter_once_and_says_how_much_is_known(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        site = (await client.get("/api/v1/energy/totals", params=DAYS)).json()
        assert site["total"]["value"] == 2.5 * 96 * 10
        assert site["total"]["coverage"] == pytest.approx(2.5 / 3, abs=1e-5)
        assert list(site["meters"]) == ["main"]
        item = (await client.get("/api/v1/energy/totals", params={**DAYS, "item": "B"})).json()
        assert item["total"]["value"] == 2.5 * 96 * 6
        unit = (await client.get("/api/v1/energy/totals", params={**DAYS, "unit": "office"})).json()
        assert list(unit["meters"]) == ["lifts"]
        part = {**DAYS, "from": str(MIDNIGHT + BASE_MS), "space": "b3"}
        assert (await client.get("/api/v1/energy/totals", params=part)).json()["total"]["value"] == 2.5 * 960 - 10
        none = (await client.get("/api/v1/energy/totals", params={**DAYS, "medium": "water"})).json()
        assert none["total"]["value"] is None
        assert (await client.get("/api/v1/energy/totals", params={**DAYS, "space": "b9"})).status_code == 404


async def test_intervals_come_by_the_sites_clock_and_missing_is_null(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        days = (await client.get("/api/v1/energy/intervals", params={**DAYS, "meter": "main", "step": "1d"})).json()
        assert [row[2] for row in days["rows"]] == [960, 960, 480]
        assert [row[3] for row in days["rows"]] == [1, 1, 0.5]
        hours = (await client.get("/api/v1/energy/intervals", params={**DAYS, "meter": "rest", "step": "1h"})).json()
        assert [row[2] for row in hours["rows"]][46:50] == [4, 4, None, None]
        assert hours["highest"]["kw"] == 4
        assert (await client.get("/api/v1/energy/intervals", params={**DAYS, "meter": "x"})).status_code == 404


async def test_a_balance_names_its_gap_and_how_sure_it_is(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        params = {**DAYS, "meter": "main", "to": str(MIDNIGHT + 2 * DAY)}
        found = (await client.get("/api/v1/energy/balance", params=params)).json()
        assert (found["gap"], found["verdict"], found["significant"]) == (192, "gap", True)
        assert found["children"] == ["hvac", "lifts"]
        lone = await client.get("/api/v1/energy/balance", params={**DAYS, "meter": "lifts"})
        assert lone.status_code == 422


async def test_a_record_is_made_shown_refused_and_revoked(ready: ConsoleApi) -> None:
    record = {"type": "replaced", "at": MIDNIGHT + 5000, "final": "812.5", "initial": "0"}
    path = "/api/v1/energy/records/east/main"
    async with await ready.client() as client:
        made = await client.post(f"{path}?why=form+7", json=record)
        assert made.status_code == 201, made.text
        twice = await client.post(f"{path}?why=form+7", json=record)
        assert twice.status_code == 422
        assert "same instant" in twice.json()["error"]["message"]
        assert (await client.post(path, json=record)).status_code == 422  # no reason
        assert (await client.post(f"{path}?why=x", json={"type": "eaten", "at": 1})).status_code == 422
        late = await client.post(f"{path}?why=x", json={**record, "at": 2**45})
        assert "future" in late.json()["error"]["message"]
        [shown] = (await client.get(path)).json()["records"]
        assert (shown["what"]["final"], shown["why"], shown["revoked_at"]) == ("812.5", "form 7", None)
        number = made.json()["id"]
        assert (await client.delete(f"/api/v1/energy/records/east/{number}?why=wrong+meter")).status_code == 204
        assert (await client.delete(f"/api/v1/energy/records/east/{number}?why=again")).status_code == 404
        [shown] = (await client.get(path)).json()["records"]
        assert shown["revoked_why"] == "wrong meter"


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "replaced", "at": MIDNIGHT, "final": "NaN", "initial": "0"},
        {"type": "replaced", "at": MIDNIGHT, "final": "1e999999999", "initial": "0"},
        {"type": "replaced", "at": -5, "final": "1", "initial": "0"},
        {"type": "ratio", "at": 2**70, "ct": "20"},
        {"type": "ratio", "at": MIDNIGHT, "ct": "Infinity"},
        {"type": "hand_read", "at": MIDNIGHT, "reading": "1e-400"},
        {"type": "confirmed", "since": MIDNIGHT, "until": MIDNIGHT - 1},
    ],
)
async def test_odd_numbers_are_refused(ready: ConsoleApi, odd: dict[str, object]) -> None:
    async with await ready.client() as client:
        answer = await client.post("/api/v1/energy/records/east/main?why=x", json=odd)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_record")


@pytest.mark.parametrize("register", [{"rated": "NaN"}, {"modulus": "1e9999"}, {"confirm": 10**9}, {"jitter": 2**60}])
async def test_odd_registers_are_refused(ready: ConsoleApi, register: dict[str, object]) -> None:
    meter = {"id": "m", "name": "M", "device": "d", "point": "p", "register": register}
    async with await ready.client() as client:
        answer = await client.put("/api/v1/energy/structure/east?rev=1", json={"meters": [meter]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_structure")
        area = {"id": "s", "kind": "site", "name": "S", "area_m2": "NaN"}
        assert (await client.put("/api/v1/energy/structure/east?rev=1", json={"spaces": [area]})).status_code == 422


async def test_virtual_meters_of_virtual_meters_are_worked_out_once_each(ready: ConsoleApi) -> None:
    chain = [
        {
            "id": f"v{number}",
            "name": "V",
            "role": "virtual",
            "reads": "virtual",
            "expression": f"[v{number - 1}]+[v{number - 1}]-[v{number - 2}]" if number > 1 else "[main]",
        }
        for number in range(200)
    ]
    body = {**STRUCTURE, "meters": [*STRUCTURE["meters"], *chain]}  # type: ignore[misc]
    async with await ready.client() as client:
        assert (await client.put("/api/v1/energy/structure/east?rev=1", json=body)).status_code == 200
        params = {**DAYS, "meter": "v199", "step": "1d", "to": str(MIDNIGHT + DAY)}
        found = (await client.get("/api/v1/energy/intervals", params=params)).json()
        assert found["rows"][0][2] == 960


async def test_a_number_opens(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        params = {"site": "east", "meter": "main", "at": str(MIDNIGHT + 7 * BASE_MS)}
        found = (await client.get("/api/v1/energy/opening", params=params)).json()
        assert found["interval"]["value"] == 10
        assert not found["agrees"]  # these days were put there by hand: no reading made them
        assert found["readings"]["rows"] == []
        virtual = await client.get("/api/v1/energy/opening", params={**params, "meter": "rest"})
        assert "opens to its parts" in virtual.json()["error"]["message"]
