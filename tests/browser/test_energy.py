"""The page Energy on the scripted API: overview, detail, data quality, and amounts that open down to raw readings."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.fake_api import FakeApi
from tests.browser.fake_energy import FakeEnergy
from tests.browser.fake_energy_amounts import QUARTER
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import LOOKS, problems


@pytest.fixture
def energy(api: FakeApi) -> FakeEnergy:
    """The compound's energy; yesterday the main meter was not read from 8 to 10, and estimated from 12 to 13."""
    made = FakeEnergy(api)
    first = made.midnight(made.today() - timedelta(days=1))
    made.holes = [
        ("main", first + 32 * QUARTER, first + 40 * QUARTER, "missing"),
        ("main", first + 44 * QUARTER, first + 46 * QUARTER, "interpolated"),
        ("main", first + 48 * QUARTER, first + 52 * QUARTER, "estimated"),
    ]
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def opened(energy: FakeEnergy, opener: Opener) -> Any:
    """Opens a part of the page and waits until its charts are drawn."""

    async def open_part(rest: str = "", **look: Any) -> Screen:
        screen = await opener(signed_in=True, at="#/overview", **look)
        await screen.page.goto(f"{screen.served.url}/#/energy{rest}")
        await screen.page.locator(".energy-part .card, .energy-empty").first.wait_for()
        await drawn(screen)
        return screen

    return open_part


async def drawn(screen: Screen) -> None:
    """Every chart of the page is on its canvas."""
    await expect(screen.page.locator(".energy .chart:not([data-drawn])")).to_have_count(0)


def yesterday(energy: FakeEnergy) -> str:
    return (energy.today() - timedelta(days=1)).isoformat()


async def test_the_overview_is_one_request_and_each_total_has_its_coverage(opened: Any, energy: FakeEnergy) -> None:
    screen = await opened(f"?day={yesterday(energy)}")
    page = screen.page
    used = page.get_by_role("region", name="Used")
    await expect(used).to_contain_text("above typical")
    await expect(used).to_contain_text("91.6 % known")
    await expect(page.get_by_role("region", name="Cost")).to_contain_text("¥ 3,871")
    await expect(page.get_by_role("region", name="CO₂, month")).to_contain_text("51.2")
    assert energy.asked == [f"site=east-compound&day={yesterday(energy)}&medium=electricity"]


async def test_buildings_are_ranked_and_a_missing_denominator_is_a_dash(opened: Any) -> None:
    page = (await opened()).page
    names = page.locator(".rank .rank-name")
    await expect(names.first).to_have_text("B1 Services")
    await page.get_by_role("button", name="Per head").click()
    row = page.locator(".rank li", has_text="B2 Conference")
    await expect(row).to_contain_text("—")
    await expect(row.locator(".rank-bar")).to_have_class("rank-bar none")
    await expect(names.last).to_have_text("B2 Conference")


async def test_a_chart_has_its_table_in_which_missing_is_hatched_and_never_zero(
    opened: Any, energy: FakeEnergy
) -> None:
    page = (await opened(f"?day={yesterday(energy)}")).page
    await page.get_by_role("button", name="Table: Load by quarter of an hour").click()
    rows = page.locator("section", has=page.locator("#chart-load")).locator("tbody tr")
    await expect(rows).to_have_count(96)
    missing = rows.nth(33).locator("td").first
    await expect(missing).to_have_text("no data")
    await expect(missing.locator(".hatched")).to_have_count(1)
    await expect(rows.nth(49).locator("i.q.estimated")).to_have_count(1)
    await expect(rows.nth(44).locator("i.q.interpolated")).to_have_count(1)
    await expect(rows.nth(10).locator("i.q.measured")).to_have_count(1)


async def test_an_amount_opens_to_meters_quarters_register_and_raw_readings(opened: Any) -> None:
    page = (await opened()).page
    await page.get_by_role("region", name="So far on this day").locator(".num").click()
    panel = page.locator(".panel")
    await expect(panel).to_contain_text("Sum of 1 meter")
    await panel.locator("tbody .num").first.click()
    await expect(panel).to_contain_text("By quarter of an hour")
    await panel.locator("tbody .num").nth(0).click()
    await expect(panel).to_contain_text("What happened to the register")
    await expect(panel).to_contain_text("register 48215.00 → 48214.98")
    await expect(panel.locator("table.raw tbody tr")).to_have_count(4)
    await expect(panel.locator("table.raw tbody tr").first).to_contain_text("b1-plant")
    await expect(panel).to_contain_text("1 reading came late: gateway b1-plant")
    await page.keyboard.press("Escape")
    await expect(panel).to_contain_text("By quarter of an hour")
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)


NOTE_NAMES = """
const fill = CanvasRenderingContext2D.prototype.fillText, clear = CanvasRenderingContext2D.prototype.clearRect;
window.__names = new Map();
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
  const { a, d, e, f } = this.getTransform();
  if (!window.__names.has(this.canvas)) window.__names.set(this.canvas, []);
  window.__names.get(this.canvas).push([text, a * x + e, d * y + f]);
  return fill.call(this, text, x, y, ...more);
};
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  window.__names.delete(this.canvas);
  return clear.apply(this, box);
};
"""
NAMES_OF_FLOW = """() => {
  const card = document.querySelector("#chart-flow").closest("section");
  return [...window.__names].filter(([canvas]) => card.contains(canvas)).flatMap(([, names]) => names);
}"""


async def test_a_flow_of_forty_meters_writes_no_name_over_another_and_shows_all_when_wanted(
    opened: Any, energy: FakeEnergy
) -> None:
    energy.circuits = 40
    screen = await opened()
    page = screen.page
    await screen.context.add_init_script(NOTE_NAMES)

    async def named() -> list[str]:
        await drawn(screen)
        names = await page.evaluate(NAMES_OF_FLOW)
        places = sorted((round(x), y) for _, x, y in names)
        close = [(one, other) for one, other in pairwise(places) if one[0] == other[0] and other[1] - one[1] < 10]
        assert close == [], names
        return [name for name, _, _ in names]

    for width, height in ((1280, 720), (1600, 900)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.reload()
        await page.locator("#chart-flow").wait_for()
        names = await named()
        assert "B1 Services" in names
        assert any("smaller meters" in name for name in names)
        part = page.locator(".energy-part")
        assert await part.evaluate("one => one.scrollHeight <= one.clientHeight"), "the overview scrolls"
    await page.get_by_role("button", name="All meters").click()
    await expect(page.locator(".chart-frame.scrolls")).to_be_visible()
    assert {f"circuit-{n:02}" for n in range(40)} <= set(await named())


async def test_what_is_open_comes_back_after_a_reload(opened: Any) -> None:
    page = (await opened("?part=detail&of=space:b1&span=week&against=year")).page
    await expect(page.get_by_label("What is looked at")).to_have_value("space:b1")
    await expect(page.get_by_role("region", name="Comparison")).to_contain_text("aligned by kind of day")
    await page.reload()
    await expect(page.get_by_role("region", name="Comparison")).to_contain_text("+8.7 %")


async def test_a_baseline_that_does_not_pass_is_called_a_measured_difference(opened: Any) -> None:
    baseline = (await opened("?part=detail")).page.get_by_role("region", name="Baseline")
    await expect(baseline).to_contain_text("scatters")
    await expect(baseline).to_contain_text("a measured difference, no saving")
    await expect(baseline).to_contain_text("CV(RMSE) 34.2 %")


async def test_keys_go_through_parts_and_periods(opened: Any, energy: FakeEnergy) -> None:
    page = (await opened()).page
    await page.keyboard.press("2")
    await expect(page.locator("#chart-profile")).to_be_visible()
    await page.keyboard.press(",")
    await expect(page.get_by_label("Day", exact=True).last).to_have_value(yesterday(energy))
    await page.keyboard.press(".")
    assert "day=" not in page.url
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_contain_text("Energy: a period back, on")


async def test_gaps_are_listed_with_what_stands_in_them(opened: Any, energy: FakeEnergy) -> None:
    page = (await opened("?part=data")).page
    rows = page.locator(".gaps tbody tr")
    await expect(rows).to_have_count(3)
    await expect(rows.last).to_contain_text("Counts as nothing, not as zero")
    await expect(rows.last.locator(".hatched")).to_have_count(1)
    await page.locator(".gaps").get_by_role("button", name="estimated shape").click()
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("like days")


async def test_a_site_without_a_structure_is_told_what_to_do(opened: Any, energy: FakeEnergy) -> None:
    energy.empty = True
    page = (await opened()).page
    await expect(page.locator(".energy-empty")).to_contain_text("PUT /api/v1/energy/structure/east-compound?rev=0")


@pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)])
async def test_days_of_23_and_25_hours_have_as_many_quarters_and_say_so(
    api: FakeApi, energy: FakeEnergy, opened: Any, month: int, hours: int
) -> None:
    energy.zone = api.sites[0]["time_zone"] = "Europe/Berlin"
    day = last_sunday(energy, month)
    page = (await opened(f"?part=detail&day={day}")).page
    await page.get_by_role("button", name="Table: Load", exact=True).click()
    rows = page.locator("section", has=page.locator("#chart-profile")).locator("tbody tr")
    await expect(rows).to_have_count(4 * hours)
    at = rows.locator("th", has_text=" 02:00–")
    await expect(at).to_have_count({23: 0, 25: 2}[hours])


def last_sunday(energy: FakeEnergy, month: int) -> str:
    """The last Sunday of a month of this year or the one before: when Europe's clocks change."""
    day = energy.today().replace(month=month, day=31)
    if day >= energy.today():
        day = day.replace(year=day.year - 1)
    while day.weekday() != 6:
        day -= timedelta(days=1)
    return day.isoformat()


async def test_times_are_those_of_the_site_whatever_zone_the_browser_is_in(opened: Any, energy: FakeEnergy) -> None:
    page = (await opened(f"?part=detail&day={yesterday(energy)}", timezone_id="America/St_Johns")).page
    await page.get_by_role("button", name="Table: Load", exact=True).click()
    first = page.locator("section", has=page.locator("#chart-profile")).locator("tbody th").first
    await expect(first).to_contain_text("00:00–00:15")


TOO_SMALL = """[...document.querySelectorAll('.card > .h, .chart-frame:not(.scrolls)')]
  .filter((one) => one.scrollHeight > one.clientHeight + 1)
  .map((one) => `${one.closest('.card').getAttribute('aria-labelledby')} ${one.className} ${one.scrollHeight}`)"""
"""Headings and frames of cards whose contents stand out of them."""


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_and_the_policy_find_nothing_and_every_window_is_wide_enough(
    opened: Any, look: dict[str, str]
) -> None:
    screen: Screen = await opened("", **look)
    for part in ("", "?part=detail&span=week&against=before", "?part=data"):
        await screen.page.goto(f"{screen.served.url}/#/energy{part}")
        await screen.page.locator(".energy-part .card").first.wait_for()
        await drawn(screen)
        assert await problems(screen) == [], part
        for width, height in ((1920, 1080), (1280, 720), (720, 900), (390, 844)):
            await screen.page.set_viewport_size({"width": width, "height": height})
            assert await screen.wide() <= 0, f"{part} {width}"
            assert await screen.page.evaluate(TOO_SMALL) == [], f"{part} {width}"
        await screen.page.set_viewport_size({"width": 1600, "height": 900})
    assert screen.foreign == []
    assert screen.errors == []
    assert await screen.violations() == []


async def test_echarts_is_loaded_on_this_page_alone(opened: Any, energy: FakeEnergy, opener: Opener) -> None:
    api = energy.api
    other = await opener(signed_in=True, at="#/overview")
    await expect(other.page.locator("header")).to_be_visible()
    assert not [path for path in api.requests if "echarts" in path]
    await opened()
    assert [path for path in api.requests if "echarts" in path] == ["/web/vendor/echarts.js"]
