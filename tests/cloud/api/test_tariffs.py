"""Tariffs and bills over the API."""

import msgspec
import pytest

from cloud.assets.contract import Asset, AssetKey
from cloud.energy.contract import Intervals
from cloud.registry.asset_book import CalendarDay, SiteChange
from cloud.registry.roles import Role
from cloud.tariffs.billing import Billing
from cloud.tariffs.china_days import china_days
from cloud.tariffs.tariff_file import samples
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.tariffs.material import SHANGHAI, SIMPLE, tariff, used
from tests.cloud.tariffs.test_desk import OCTOBER

__all__ = ["console"]

ZHEJIANG = samples()["zhejiang-two-part"].read_text("utf-8")
TOML = {"content-type": "application/toml"}
QUERY = {"site": "east", "meter": "main", "from": "2026-10-01", "until": "2026-11-01"}


class Pretended:
    """The meters main and main-q, at a constant 100 kW and 75 kvar."""

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None:
        del site, since, until
        each = {"main": 25.0, "main-q": 18.75}.get(meter)
        return None if each is None else used(*OCTOBER, lambda _: each)


CAR = Asset(key=AssetKey("east", "vehicle", "car-1"), name="Car 1", facts={"plate": "浙A·3M902", "seats": 4})


@pytest.fixture
async def ready(console: ConsoleApi) -> ConsoleApi:
    """A site with its days, and meters."""
    features = console.features
    days = [
        CalendarDay("east", each.day.isoformat(), "workday" if each.works else "holiday", each.name)
        for each in china_days(2026)
    ]
    await features.asset_desk.apply(SiteChange("east", put=[CAR], days=days))
    features.calendar.zone = lambda site: SHANGHAI  # type: ignore[method-assign]
    features.tariffs.billing = Billing(features.tariffs.desk, features.calendar, Pretended())
    console.app = console.api.build(features=features)
    return console


async def test_a_tariff_is_put_as_toml_and_got_whole(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        answer = await client.put("/api/v1/tariffs/east/zhejiang-two-part?why=signed", content=ZHEJIANG, headers=TOML)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["rev"], answer.json()["why"]) == (1, "signed")
        got = (await client.get("/api/v1/tariffs/east/zhejiang-two-part")).json()["tariff"]
        assert got["version"][0]["source"]["number"] == "浙发改价格〔2024〕21号"
        assert (await client.get("/api/v1/tariffs?site=east")).json()["tariffs"][0]["name"].startswith("浙江")
        assert (await client.get("/api/v1/tariffs?site=west")).json() == {"tariffs": []}
        # What was got can be put again as it is.
        answer = await client.put("/api/v1/tariffs/east/zhejiang-two-part?rev=1", json=got)
        assert answer.json()["rev"] == 2


async def test_what_is_wrong_with_a_tariff_is_told_whole_with_its_lines(ready: ConsoleApi) -> None:
    broken = SIMPLE.replace("10, 11, 12]", "10, 11]").replace('["22:00-08:30"]', '["22:00-08:00"]')
    async with await ready.client() as client:
        answer = await client.put("/api/v1/tariffs/east/simple", content=broken, headers=TOML)
        assert answer.status_code == 422
        assert [(each["line"], each["key"]) for each in answer.json()["errors"]] == [
            (9, "version[0].season"),
            (15, "version[0].season[0].day[0].bands"),
        ]
        assert (await client.get("/api/v1/tariffs")).json() == {"tariffs": []}
        for body, said in ((b"{", "no JSON"), (b"[]", "object"), (b"\xff", "JSON")):
            answer = await client.put("/api/v1/tariffs/east/simple", content=body)
            assert answer.status_code == 422
            assert said in answer.json()["error"]["message"]
        answer = await client.put("/api/v1/tariffs/east/other", content=SIMPLE, headers=TOML)
        assert answer.json()["errors"] == [
            {"line": 0, "key": "id", "message": "'simple', and the address says 'other'"}
        ]


async def test_two_who_change_a_tariff_at_once_are_told(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        for _ in range(2):
            await client.put("/api/v1/tariffs/east/simple", content=SIMPLE, headers=TOML)
        answer = await client.put("/api/v1/tariffs/east/simple?rev=1", content=SIMPLE, headers=TOML)
        assert (answer.status_code, answer.headers["x-current-rev"]) == (409, "2")


async def test_a_bill_by_the_api_is_the_one_worked_by_hand(ready: ConsoleApi) -> None:
    """October at 100 kW: see tests/cloud/tariffs/test_bills.py for the working."""
    async with await ready.client() as client:
        await client.put("/api/v1/tariffs/east/zhejiang-two-part", content=ZHEJIANG, headers=TOML)
        uses = {"uses": [{"meter": "main", "tariff": "zhejiang-two-part", "reactive": "main-q"}]}
        assert (await client.put("/api/v1/tariff-uses/east", json=uses)).json()["uses"] == uses["uses"]
    async with await ready.client(Role.VIEWER) as client:
        answer = await client.get("/api/v1/bill", params=QUERY)
        assert answer.status_code == 200, answer.text
        bill = answer.json()
        assert (bill["total"], bill["energy"], bill["complete"], bill["warnings"]) == ("56894.25", "74400", True, [])
        assert {line["name"]: line["amount"] for line in bill["lines"] if line["kind"] == "energy"} == {
            "peak": "24955.00",
            "flat": "13728.00",
            "valley": "9030.00",
            "deep": "288.00",
        }
        assert bill["lines"][0]["coverage"]["share"] == 1
        assert (await client.get("/api/v1/bill", params=QUERY)).json() == bill
        read = (await client.get("/api/v1/bill", params={**QUERY, "max_kw": "110.5"})).json()
        assert next(line for line in read["lines"] if line["kind"] == "demand")["amount"] == "4641.00"


async def test_a_tariff_may_be_tried_without_putting_it(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        tried = msgspec.to_builtins(tariff(), enc_hook=str)
        answer = await client.post("/api/v1/bill/try", params=QUERY, json=tried)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["tariff"], answer.json()["energy"]) == ("simple", "74400")
        assert (await client.get("/api/v1/tariffs")).json() == {"tariffs": []}
        tried["version"][0]["season"][0]["months"] = [1]
        answer = await client.post("/api/v1/bill/try", params=QUERY, json=tried)
        assert "no season has the months 2, 3" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({}, 422, "meter main of east is billed by no tariff"),
        ({"tariff": "nothing"}, 404, "east has no tariff 'nothing'"),
        ({"site": "mars"}, 404, "no site 'mars'"),
        ({"tariff": "simple", "meter": "b9"}, 422, "east has no meter b9"),
        ({"tariff": "simple", "from": "2027-01-01", "until": "2027-02-01"}, 422, "no prices for 2027-01"),
        ({"tariff": "simple", "from": "2025-12-01", "until": "2026-01-02"}, 422, "no version holds on 2025-12-01"),
        ({"tariff": "simple", "until": "2026-10-01"}, 422, "a bill is of 1 to 1100 days"),
        ({"tariff": "simple", "from": "0001-01-01", "until": "0001-01-02"}, 422, "0001-01-01 to 0001-01-02"),
        ({"tariff": "simple", "from": "9999-12-30", "until": "9999-12-31"}, 422, "9999-12-30 to 9999-12-31"),
        ({"tariff": "simple", "from": "soon"}, 422, ""),
        ({"tariff": "simple", "max_kw": "NaN"}, 422, ""),
    ],
)
async def test_a_bill_that_cannot_be_made_says_why(
    ready: ConsoleApi, change: dict[str, str], status: int, said: str
) -> None:
    async with await ready.client() as client:
        await client.put("/api/v1/tariffs/east/simple", content=SIMPLE, headers=TOML)
        answer = await client.get("/api/v1/bill", params={**QUERY, **change})
        assert answer.status_code == status, answer.text
        assert said in answer.json()["error"]["message"]


async def test_billing_periods_go_from_read_day_to_read_day(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        await client.put("/api/v1/tariffs/east/simple", content="read_day = 25\n" + SIMPLE, headers=TOML)
        query = {"site": "east", "tariff": "simple", "from": "2026-03-01", "until": "2026-04-01"}
        answer = (await client.get("/api/v1/billing-periods", params=query)).json()
        assert answer["periods"] == [
            {"from": "2026-02-25", "until": "2026-03-25"},
            {"from": "2026-03-25", "until": "2026-04-25"},
        ]
        for odd in ({"until": "2026-03-01"}, {"from": "0001-01-01", "until": "0001-02-01"}, {"tariff": "x"}):
            assert (await client.get("/api/v1/billing-periods", params={**query, **odd})).status_code in (404, 422)


async def test_a_tariff_that_is_used_is_not_taken_away(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        await client.put("/api/v1/tariffs/east/simple", content=SIMPLE, headers=TOML)
        unknown = {"uses": [{"meter": "main", "tariff": "nothing"}]}
        assert (await client.put("/api/v1/tariff-uses/east", json=unknown)).status_code == 422
        await client.put("/api/v1/tariff-uses/east", json={"uses": [{"meter": "main", "tariff": "simple"}]})
        assert (await client.delete("/api/v1/tariffs/east/simple")).status_code == 409
        await client.put("/api/v1/tariff-uses/east", json={"uses": []})
        assert (await client.delete("/api/v1/tariffs/east/simple")).status_code == 204
        assert (await client.get("/api/v1/tariffs/east/simple")).status_code == 404


async def test_factors_are_got_changed_and_put_again(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        got = (await client.get("/api/v1/factors")).json()
        assert got["rev"] == 0
        assert got["set"][0]["source"]["number"] == "公告2024年第12号"
        answer = await client.put("/api/v1/factors?rev=0", json={"set": got["set"]})
        assert (answer.status_code, answer.json()["rev"]) == (200, 1)
        assert (await client.put("/api/v1/factors?rev=0", json={"set": []})).status_code == 409
        for odd in ({"set": got["set"] * 2}, {"sets": []}, [], {"set": [{"quantity": "co3"}]}):
            assert (await client.put("/api/v1/factors", json=odd)).status_code == 422


async def test_samples_come_as_toml_that_can_be_put(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        found = (await client.get("/api/v1/tariff-samples")).json()["samples"]
        for name, text in found.items():
            assert (await client.put(f"/api/v1/tariffs/east/{name}", content=text, headers=TOML)).status_code == 200


async def test_a_year_that_came_with_the_product_is_put_into_the_calendar(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        shown = (await client.post("/api/v1/calendar/east/seed?year=2025&dry_run=1")).json()
        assert (shown["written"], len((await client.get("/api/v1/calendar/east")).json()["days"])) == (False, 39)
        written = (await client.post("/api/v1/calendar/east/seed?year=2025")).json()
        assert written["days"] == shown["days"]
        days = (await client.get("/api/v1/calendar/east")).json()["days"]
        assert len(days) == 39 + len(shown["days"])
        assert days == sorted(days, key=lambda day: day["day"])
        assert (await client.post("/api/v1/calendar/east/seed?year=2026")).status_code == 409
        assert (await client.post("/api/v1/calendar/east/seed?year=2026&replace=1")).status_code == 200
        assert (await client.get("/api/v1/calendar/east")).json()["days"] == days
        beyond = await client.post("/api/v1/calendar/east/seed?year=2190")
        assert beyond.status_code == 422
        assert "enter them from the notice" in beyond.json()["error"]["message"]


CHANGES = [
    ("PUT", "/api/v1/tariffs/east/simple"),
    ("DELETE", "/api/v1/tariffs/east/simple"),
    ("PUT", "/api/v1/tariff-uses/east"),
    ("PUT", "/api/v1/factors"),
    ("POST", "/api/v1/bill/try?site=east&meter=main&from=2026-10-01&until=2026-10-02"),
    ("POST", "/api/v1/calendar/east/seed?year=2026"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("role", [Role.REQUESTER, Role.VIEWER, Role.DISPATCHER])
async def test_only_an_administrator_changes_what_is_billed_by(
    ready: ConsoleApi, method: str, path: str, role: Role
) -> None:
    async with await ready.client(role) as client:
        assert (await client.request(method, path, json={})).status_code == 403


async def test_a_requester_sees_no_bill(ready: ConsoleApi) -> None:
    async with await ready.client(Role.REQUESTER) as client:
        for path in ("/api/v1/tariffs", "/api/v1/bill", "/api/v1/factors"):
            assert (await client.get(path)).status_code == 403
