"""The page of who only files requests: its own and nothing else, asked for gently, frozen when that fails."""

import pytest
import pytest_asyncio

from tests.browser.compound import SITE
from tests.browser.fake_api import OF_REQUESTERS, FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_requests import FakeRequests
from tests.browser.request_compound import GUEST
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import LOOKS, problems

OWN = (GUEST, f"{SITE}/request:20261121-007", f"{SITE}/request:20261121-012")
"""The guests' car that waits, one under way, one done."""


@pytest.fixture
def asks(api: FakeApi) -> FakeRequests:
    """Requests of everybody, three of them of who is signed in."""
    asks = FakeRequests(api)
    asks.owner = "somebody else"
    asks.owners = dict.fromkeys(OWN, "administrator")
    api.users["administrator"]["role"] = "requester"
    return asks


@pytest.fixture
def dispatch(api: FakeApi, asks: FakeRequests) -> FakeDispatch:
    """The compound, with the routes of requests in front."""
    return FakeDispatch(api)


@pytest_asyncio.fixture(loop_scope="session")
async def mine(opener: Opener) -> Screen:
    """The page with its list."""
    screen = await opener(signed_in=True)
    await screen.page.locator(".ask").first.wait_for()
    return screen


async def test_a_requester_lands_on_its_own_requests_and_is_offered_no_other_page(opener: Opener, api: FakeApi) -> None:
    screen = await opener()
    page = screen.page
    await page.fill("#name", "administrator")
    await page.fill("#password", "correct horse battery")
    await page.click("button[type=submit]")
    await expect(page.locator("h1")).to_have_text("My requests")
    await expect(page.locator(".ask")).to_have_count(3)
    assert await page.locator("header nav a").all_inner_texts() == ["My requests"]
    await expect(page.locator("footer")).to_have_count(0)
    await page.goto(f"{screen.served.url}/#/dispatch?at=1795246328000&wall=1")
    await expect(page.locator("h1")).to_have_text("My requests")
    await expect(page.locator("html")).to_have_attribute("data-look", "")
    asked = {path for path in api.requests if path.startswith("/api/")}
    assert {path for path in asked if not path.startswith(OF_REQUESTERS)} == set()
    assert screen.errors == []


async def test_the_list_of_keys_names_only_those_that_do_something_here(mine: Screen) -> None:
    await mine.page.keyboard.press("?")
    lines = mine.page.locator(".keys dt")
    await expect(lines.first).to_be_visible()
    told = {"".join(line.split()) for line in await lines.all_inner_texts()}
    assert {"/", "N", "L", "T", "Esc", "?"} <= told
    assert not told & {"W", "P", "D", "A", "AS", "[]"}


async def test_each_request_says_how_it_stands_and_its_clock(mine: Screen) -> None:
    rows = mine.page.locator(".ask")
    await expect(rows.filter(has_text="接站 2 人")).to_contain_text("Under way · 浙A·2D660")
    await expect(rows.filter(has_text="接待用车")).to_contain_text("Waiting")
    await expect(rows.filter(has_text="接待用车").locator(".clock-due")).to_contain_text("/ 02:00")
    await expect(rows.filter(has_text="机场接机")).to_contain_text("please rate it")
    await expect(mine.page.locator(".live b")).to_have_text("Live")


async def test_a_request_is_filed_opened_cancelled_and_another_rated_by_keys(mine: Screen, asks: FakeRequests) -> None:
    page = mine.page
    asks.owner = "administrator"
    asks.owners = dict.fromkeys(OWN, "administrator") | {
        each: "somebody else" for each in mine.api.entities if "/request:" in each and each not in OWN
    }
    await page.keyboard.press("n")
    await page.fill("#request-from", "1号楼")
    await page.fill("#request-title", "Papers to the archive")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator(".panel-title")).to_contain_text("Papers to the archive")
    await expect(page.locator(".ask.chosen")).to_contain_text("Papers to the archive")
    await page.locator(".panel").get_by_role("button", name="Cancel request").click()
    await page.keyboard.type("by telephone")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel .facts").first).to_contain_text("Cancelled")
    assert asks.posted[-1][2] == {"rev": 1, "reason": "by telephone"}
    await page.locator(".ask", has_text="机场接机").click()
    await page.get_by_role("button", name="Rate").click()
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel")).to_contain_text("★★★★★")
    assert asks.posted[-1][2] == {"rev": 2, "stars": 5}
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_have_count(0)
    await expect(page.locator(".asks")).to_be_focused()


async def test_what_is_on_its_way_cannot_be_cancelled_and_nobody_is_chosen_here(mine: Screen) -> None:
    page = mine.page
    await page.locator(".ask", has_text="接站").click()
    await expect(page.locator(".panel .history")).to_be_visible()
    await expect(page.locator(".panel .facts")).to_contain_text("王师傅")
    await expect(page.locator(".actions .btn")).to_have_count(0)
    await expect(page.locator(".suggestion")).to_have_count(0)


async def test_it_asks_gently_follows_what_changes_and_rests_while_nobody_looks(
    mine: Screen, api: FakeApi, asks: FakeRequests
) -> None:
    page = mine.page
    before, at = asks.lists, api.clock.monotonic()
    api.entities[GUEST]["attributes"] |= {"status": "under_way", "rev": 3}
    await expect(page.locator(".ask", has_text="接待用车")).to_contain_text("Under way")
    while asks.lists < before + 2:
        await page.wait_for_timeout(100)
    assert api.clock.monotonic() - at > 4.5
    await page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    resting = asks.lists
    await page.wait_for_timeout(6_000)  # nothing may be asked
    assert asks.lists == resting
    await page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    while asks.lists == resting:
        await page.wait_for_timeout(50)


async def test_the_page_freezes_when_the_collector_is_gone_and_comes_back_by_itself(mine: Screen, api: FakeApi) -> None:
    page = mine.page
    api.cut()
    await page.locator("main.frozen").wait_for()
    await expect(page.locator(".banner")).to_contain_text("Offline since")
    await expect(page.get_by_role("button", name="New")).to_be_disabled()
    due = page.locator(".ask", has_text="接待用车").locator(".clock-due")
    before = await due.inner_text()
    await page.wait_for_timeout(1500)  # nothing may move
    assert await due.inner_text() == before
    await expect(page.locator(".ask")).to_have_count(3)
    api.restore()
    await expect(page.locator("main.frozen")).to_have_count(0)
    await expect(page.get_by_role("button", name="New")).to_be_enabled()


async def test_after_signing_out_the_next_one_sees_what_is_theirs(mine: Screen, api: FakeApi) -> None:
    page = mine.page
    api.users["zhou"] = {"password": "correct horse battery", "role": "dispatcher", "must_change_password": False}
    await page.locator(".menu-box > button").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await page.fill("#name", "zhou")
    await page.fill("#password", "correct horse battery")
    await page.click("button[type=submit]")
    await page.locator("header nav a", has_text="Dispatch").click()
    await expect(page.locator(".queue [role=tab] .n").first).to_have_text("6")
    assert api.streams > 0


async def test_a_session_that_ended_shows_the_login_and_nothing_is_asked_any_more(mine: Screen, api: FakeApi) -> None:
    page = mine.page
    api.sign_everybody_out()
    await expect(page.locator("#password")).to_be_visible()
    asked = len(api.requests)
    await page.wait_for_timeout(6_000)  # nothing may be asked
    assert len(api.requests) == asked
    await page.fill("#name", "administrator")
    await page.fill("#password", "correct horse battery")
    await page.click("button[type=submit]")
    await expect(page.locator(".ask")).to_have_count(3)
    await expect(page.locator(".live b")).to_have_text("Live")


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing(opener: Opener, look: dict[str, str]) -> None:
    screen = await opener(signed_in=True, at=f"#/requests?show=thing:{GUEST}", **look)
    page = screen.page
    await expect(page.locator(".history li").first).to_be_visible()
    assert await problems(screen) == []
    await page.locator(".queue .new").click()
    await expect(page.locator("dialog")).to_be_visible()
    assert await problems(screen) == []
    assert screen.errors == []
    assert await screen.violations() == []


@pytest.mark.parametrize("size", [(1600, 900), (1280, 720), (390, 844)])
async def test_everything_fits_the_window(opener: Opener, size: tuple[int, int]) -> None:
    width, height = size
    screen = await opener(signed_in=True, viewport={"width": width, "height": height})
    page = screen.page
    await page.locator(".ask").first.click()
    await expect(page.locator(".history li").first).to_be_visible()
    assert await screen.wide() <= 0
    if width < 720:
        await expect(page.locator(".queue")).to_be_hidden()
        await page.locator(".panel .close").click()
    await expect(page.locator(".queue")).to_be_visible()
    assert await screen.wide() <= 0
