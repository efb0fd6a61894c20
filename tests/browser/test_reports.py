"""The page Reports: service, rooms and modules over a period, each table with its copy as CSV."""

import pytest
import pytest_asyncio

from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_requests import FakeRequests
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import LOOKS, problems


@pytest.fixture
def dispatch(api: FakeApi) -> FakeDispatch:
    """The compound with its requests and their figures."""
    FakeRequests(api)
    return FakeDispatch(api)


@pytest_asyncio.fixture(loop_scope="session")
async def report(opener: Opener) -> Screen:
    """The page Reports over the last week, in English and light."""
    return await opened(opener)


async def opened(opener: Opener, **look: object) -> Screen:
    """The page, with its tables."""
    screen = await opener(signed_in=True, at="#/dispatch", **look)
    await screen.page.goto(f"{screen.served.url}/#/reports")
    await screen.page.locator("#report-modules").wait_for()
    return screen


async def test_each_figure_stands_beside_what_a_real_compound_reports(report: Screen) -> None:
    row = report.page.locator("tr", has_text="Request to vehicle chosen")
    assert await row.locator("td").all_inner_texts() == ["24 s", "180", "15.0 min", "30 s"]


async def test_what_was_not_measured_is_hatched_and_never_zero(report: Screen) -> None:
    cells = report.page.locator("tr", has_text="Booking a room").locator("td")
    await expect(cells.first.locator(".hatched")).to_have_count(1)
    await expect(cells.first).to_have_text("no data")
    quiet = report.page.locator("section", has=report.page.locator("#report-tier")).locator("tr", has_text="24 h")
    await expect(quiet.locator(".hatched")).to_have_count(10)


async def test_rooms_that_are_hardly_used_stand_first_and_are_to_be_looked_into(report: Screen) -> None:
    rows = report.page.locator("section", has=report.page.locator("#report-rooms")).locator("tbody tr")
    await expect(rows.first).to_contain_text("2号楼 302")
    await expect(rows.first).to_contain_text("to look into")
    await expect(rows.last).not_to_contain_text("to look into")


async def test_a_copy_as_csv_has_the_mark_of_utf_8_and_holds_no_formula(report: Screen) -> None:
    async with report.page.expect_download() as coming:
        await report.page.get_by_role("button", name="Copy as CSV: Service by unit").click()
    download = await coming.value
    assert download.suggested_filename == "east-compound-week-unit.csv"
    raw = (await download.path()).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Unit,Requests,Acknowledge p50,p95,late")
    assert lines[1].startswith("'=区府办,186,24,71,3")
    assert len(lines) == 3


async def test_the_period_stands_in_the_address(report: Screen) -> None:
    await report.page.get_by_role("button", name="30 days").click()
    assert "period=month" in report.page.url
    await report.page.reload()
    await expect(report.page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("look", LOOKS[::3])
async def test_axe_finds_nothing_and_every_window_is_wide_enough(opener: Opener, look: dict[str, str]) -> None:
    screen = await opened(opener, **look)
    assert await problems(screen) == []
    for width, height in ((1280, 720), (390, 844)):
        await screen.page.set_viewport_size({"width": width, "height": height})
        assert await screen.wide() <= 0, width
    assert screen.errors == []
