"""The page Alarms: lists, keys, deeds, floods, the past; axe, languages, sizes."""

from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe

from tests.browser.fake_alarms import FakeAlarms
from tests.browser.fake_api import FakeApi, Served
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.screen import Opener, Screen, expect

LOOKS = [
    pytest.param({"locale": "en-GB", "color_scheme": "light"}, id="english-light"),
    pytest.param({"locale": "zh-CN", "color_scheme": "dark"}, id="chinese-dark"),
]
SIZES = [(1600, 900), (1280, 720), (390, 844)]


@pytest.fixture
def board(api: FakeApi) -> FakeAlarms:
    return FakeAlarms(api)


@pytest_asyncio.fixture(loop_scope="session")
async def served(api: FakeApi, dispatch: FakeDispatch, board: FakeAlarms) -> Any:
    async with Served(api) as served:
        yield served


async def alarms(opener: Opener, **look: Any) -> Screen:
    """The page, with its list there."""
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/alarms")
    await expect(screen.page.locator(".alarm").first).to_be_visible()
    return screen


async def ids(screen: Screen) -> list[str]:
    """Ids of the rows, from above."""
    return [
        str(await row.get_attribute("id")).removeprefix("alarm-") for row in await screen.page.locator(".alarm").all()
    ]


async def test_alarms_stand_by_priority_and_state_and_hidden_ones_are_elsewhere(opener: Opener) -> None:
    screen = await alarms(opener)
    page = screen.page
    assert await ids(screen) == ["12", "13", "11", "14", "15"]
    await expect(page.locator(".alarm-count")).to_have_text("3")
    await expect(page.locator("footer .one")).to_have_count(2)
    footer = await page.locator("footer").inner_text()
    assert "North gate" in footer
    assert "B3 plant room" in footer, "not the ones that are shelved or explained"
    await page.get_by_role("button", name="Shelved").click()
    assert await ids(screen) == ["16", "9"]
    await page.get_by_role("button", name="History").click()
    await expect(page.locator("#alarm-8")).to_be_visible()
    await page.get_by_label("Search alarms").fill("meter 7")
    await expect(page.locator(".alarm")).to_have_count(1)


async def test_the_keys_acknowledge_shelve_and_open(opener: Opener, board: FakeAlarms) -> None:
    screen = await alarms(opener)
    page = screen.page
    await page.locator(".alarm-list").focus()
    await page.keyboard.press("a")
    await expect(page.locator("#alarm-12 .astate")).to_have_text("Acknowledged")
    assert board.done == [("12", "acknowledge", {"rev": 1})]
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("a")
    await expect(page.locator("#alarm-13")).to_have_count(0)
    await expect(page.locator(".alarm-count")).to_have_text("1")
    await page.keyboard.press("End")
    await page.keyboard.press("s")
    await page.get_by_label("Reason").fill("Being repaired")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    name, deed, body = board.done[-1]
    assert (name, deed, body["reason"], body["rev"]) == ("15", "shelve", "Being repaired", 1)
    assert 50 * 60_000 < body["until"] - board.now < 90 * 60_000
    await expect(page.locator("#alarm-15")).to_have_count(0)
    await page.locator(".alarm-list").focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel .alarm-said")).to_contain_text("North gate")
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_have_count(0)
    assert screen.errors == []


async def test_a_conflict_is_said_and_nothing_is_pretended(opener: Opener, board: FakeAlarms) -> None:
    screen = await alarms(opener)
    board.failure = "conflict"
    await screen.page.locator("#alarm-12").click()
    await screen.page.get_by_role("button", name="Acknowledge A").click()
    await expect(screen.page.locator(".alarm-failure")).to_contain_text("Somebody else")
    await expect(screen.page.locator("#alarm-12 .astate")).to_have_text("New")


async def test_a_flood_is_said_across_the_page(opener: Opener, board: FakeAlarms) -> None:
    board.flood = {"begun_10min": 26, "since": board.now - 300_000, "alarms": 26}
    screen = await alarms(opener)
    await expect(screen.page.locator(".flood")).to_contain_text("26 alarms")


async def test_the_past_shows_its_alarms_and_nothing_can_be_done_there(opener: Opener, board: FakeAlarms) -> None:
    screen = await alarms(opener)
    page = screen.page
    await page.goto(f"{screen.served.url}/#/alarms?at={board.now - 3_600_000}")
    await expect(page.locator("#alarm-then")).to_contain_text("An alarm of that time.")
    await page.locator("#alarm-then").click()
    await expect(page.locator(".alarm-said")).to_be_visible()
    await expect(page.locator(".alarm-actions")).to_have_count(0)
    await page.keyboard.press("a")
    assert board.done == []


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_no_size_scrolls_sideways(opener: Opener, look: dict[str, str]) -> None:
    screen = await alarms(opener, **look)
    page = screen.page
    await page.locator("#alarm-11").click()
    await expect(page.locator(".deeds li")).to_have_count(1)
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        found = (await Axe().run(page)).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
        assert await screen.wide() == 0
    assert await screen.violations() == []
    assert screen.foreign == []
