"""The overview's parts of a site, quotas and power agreed on; what a site is told that has nothing yet."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.compound import alarm
from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_energy import FakeEnergy
from tests.browser.fake_energy_money import FakeEnergyMoney
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import problems
from tests.browser.test_energy import energy, opened

__all__ = ["energy", "opened"]

IMPORT = "/api/v1/energy/structure/east-compound/import"
CSV = "thing,id,kind,name\nspace,b3,building,Building 3\n"
TARIFF = 'id = "two-part"\nname = "Two-part"\n'


class Desk:
    """Takes a structure or a tariff: a test reads ``taken`` and says in ``faults`` what is wrong with a file."""

    def __init__(self, api: FakeApi) -> None:
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.faults: list[dict[str, Any]] = []
        self.then: Callable[[], None] = lambda: None
        api.more += [
            Route("/api/v1/energy/structure/{site}/import", self.take, methods=["POST"]),
            Route("/api/v1/tariffs/{site}/{name}", self.take, methods=["PUT"]),
            Route("/api/v1/tariff-uses/{site}", self.take, methods=["PUT"]),
            Route("/api/v1/tariff-samples", self.samples),
        ]

    async def take(self, request: Request) -> Response:
        query = dict(request.query_params)
        self.taken.append((request.url.path, query, await request.body()))
        if "dry_run" not in query:
            self.then()
        return JSONResponse({"created": 2, "changed": 0, "errors": self.faults, "rev": 1})

    async def samples(self, request: Request) -> Response:
        return JSONResponse({"samples": {"zhejiang": TARIFF}})


@pytest.fixture
def desk(api: FakeApi) -> Desk:
    return Desk(api)


@pytest.fixture
def dispatch(api: FakeApi, desk: Desk) -> FakeDispatch:
    """After the routes of the desk: the page is served with both."""
    return FakeDispatch(api)


async def test_a_building_has_its_cost_and_coverage_beside_its_use(opened: Any) -> None:
    page = (await opened()).page
    row = page.locator(".rank li", has_text="B1 Services")
    await expect(row).to_contain_text("¥ ")
    await expect(row).to_contain_text("100 % known")
    await page.get_by_role("button", name="Cost", exact=True).click()
    await expect(row.locator(".r")).to_contain_text("¥ ")
    await expect(row.locator(".rank-more .num")).to_have_count(1)


async def test_units_of_the_organisation_stand_below_each_other_and_open(opened: Any) -> None:
    screen: Screen = await opened()
    page = screen.page
    await page.get_by_role("button", name="Organisation", exact=True).click()
    rows = page.locator(".rank li")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("General office")
    await expect(rows.last).to_contain_text("Canteen")
    await page.get_by_role("button", name="Cost", exact=True).click()
    await expect(rows.last.locator(".r")).to_contain_text("the tariff has no prices for this day")
    await rows.first.locator(".rank-more .num").click()
    await expect(page.locator(".panel")).to_contain_text("Sum of 3 meters")
    await page.keyboard.press("Escape")
    await rows.first.locator(".rank-name").click()
    await expect(page.get_by_label("What is looked at")).to_have_value("unit:general")
    assert await problems(screen) == []


async def test_power_agreed_on_and_the_years_quota_stand_beside_the_figures(opened: Any, energy: FakeEnergy) -> None:
    energy.contracted = {"kw": 1800.0, "over": 1850.0, "from": "2026-11-01", "until": "2026-12-01"}
    energy.quotas = [
        {"of": "site", "name": "", "medium": "electricity", "unit": "kWh", "limit": 620000.0, "used": 551000.0}
        | {"share": 0.8887, "expected": 0.8301, "forecast": 663775.0, "state": "ahead", "source": "Notice 3"}
    ]
    page = (await opened()).page
    demand = page.get_by_role("region", name="Max demand, month").locator(".warn")
    await expect(demand).to_have_text("103 % of 1,800 kW contracted")
    await expect(page.get_by_role("region", name="Last quarter of an hour")).to_contain_text("of 1,800 kW contracted")
    quota = page.get_by_role("region", name="Month", exact=True).locator(".warn")
    await expect(quota).to_contain_text("88.8 % used, plan 83.0 %")


async def test_a_site_without_a_structure_takes_one_after_showing_what_it_would_do(
    energy: FakeEnergy, opened: Any, desk: Desk, tmp_path: Path
) -> None:
    energy.empty = True
    desk.then = lambda: setattr(energy, "empty", False)
    page = (await opened()).page
    (tmp_path / "compound.csv").write_text(CSV)
    await page.locator(".take-file input[type=file]").set_input_files(tmp_path / "compound.csv")
    await expect(page.locator(".take-file")).to_contain_text("2 things would be entered")
    assert desk.taken == [(IMPORT, {"format": "csv", "dry_run": "1"}, CSV.encode())]
    await page.locator(".take-file").get_by_role("button").last.click()
    await expect(page.get_by_role("region", name="So far on this day")).to_be_visible()
    assert desk.taken[1:] == [(IMPORT, {"format": "csv"}, CSV.encode())]


async def test_what_is_wrong_with_the_file_of_a_structure_is_listed(
    energy: FakeEnergy, opened: Any, desk: Desk, tmp_path: Path
) -> None:
    energy.empty = True
    desk.faults = [{"line": 7, "key": "meter[2].device", "message": "there is no device d9"}]
    screen: Screen = await opened()
    (tmp_path / "compound.toml").write_text("[[meter]]")
    await screen.page.locator(".take-file input[type=file]").set_input_files(tmp_path / "compound.toml")
    await expect(screen.page.locator(".take-file tbody tr")).to_contain_text("there is no device d9")
    assert await problems(screen) == []


@pytest.fixture
def unpriced(api: FakeApi) -> FakeEnergyMoney:
    made = FakeEnergyMoney(api)
    made.tariffs = {}
    return made


async def test_a_site_without_a_tariff_takes_one_with_the_meter_it_bills(
    unpriced: FakeEnergyMoney, desk: Desk, opener: Opener, tmp_path: Path
) -> None:
    desk.then = lambda: unpriced.tariffs.update({"two-part": "Two-part"})
    screen = await opener(signed_in=True, at="#/overview")
    page = screen.page
    await page.goto(f"{screen.served.url}/#/energy?site=east-compound&part=bill")
    await expect(page.get_by_role("button", name="Sample: zhejiang")).to_be_visible()
    assert await problems(screen) == []
    (tmp_path / "two-part.toml").write_text(TARIFF)
    await page.locator(".take-file input[type=file]").set_input_files(tmp_path / "two-part.toml")
    await expect(page.locator(".bill-lines")).to_be_visible()
    (tariff_path, _, tariff), (uses_path, _, uses) = desk.taken
    assert (tariff_path, tariff) == ("/api/v1/tariffs/east-compound/two-part", TARIFF.encode())
    assert uses_path == "/api/v1/tariff-uses/east-compound"
    assert json.loads(uses) == {"uses": [{"meter": "b3-main", "tariff": "two-part"}]}


async def test_an_anomaly_opens_what_was_used_while_it_showed(unpriced: FakeEnergyMoney, opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/overview")
    page = screen.page
    await page.goto(f"{screen.served.url}/#/energy?site=east-compound&part=anomalies")
    await page.locator(".anomaly-detail").get_by_role("button", name="Open what was used then").click()
    await expect(page.locator(".panel")).to_contain_text("By quarter of an hour")
    await expect(page.locator(".period")).to_have_count(0)


async def test_an_anomaly_leads_to_its_alarm_where_it_is_acknowledged_or_shelved(
    api: FakeApi, unpriced: FakeEnergyMoney, opener: Opener
) -> None:
    held = alarm("held", 2, api.clock.now_ms() - 60_000, "Lifts: an advance is held back", "电梯：有读数待判定")
    api.alarms.append({**held, "kind": "energy_suspect", "source": "east-compound/meter:b3-lifts"})
    screen = await opener(signed_in=True, at="#/overview")
    page = screen.page
    await page.goto(f"{screen.served.url}/#/energy?site=east-compound&part=anomalies")
    link = page.get_by_role("link", name="Its alarm: acknowledge or shelve")
    await expect(page.locator(".anomaly-detail .because")).to_be_visible()
    await expect(link).to_have_count(0)
    await page.locator(".anomaly-list li", has_text="Lifts").get_by_role("button").click()
    await expect(link).to_have_attribute("href", re.compile(r"^#/alarms\?.*show=alarm%3Aheld$"))
    assert await problems(screen) == []


async def test_a_balance_is_of_a_week_at_least_and_the_bar_says_so(unpriced: FakeEnergyMoney, opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/overview")
    await screen.page.goto(f"{screen.served.url}/#/energy?site=east-compound&part=balance")
    bar = screen.page.locator(".period")
    await expect(bar.get_by_role("button", name="Week")).to_have_attribute("aria-pressed", "true")
    await expect(bar.get_by_role("button", name="Day", exact=True)).to_have_count(0)
