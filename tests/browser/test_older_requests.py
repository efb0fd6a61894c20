"""Requests of any age: searched by words, kind and days, page after page; a request's own address."""

from typing import Any

import pytest
import pytest_asyncio

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_requests import FakeRequests
from tests.browser.request_compound import GUEST, asked
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import LOOKS, problems

DAY = 86_400_000


def old_one(n: int, now: int) -> dict[str, Any]:
    """A repair that was done n days ago."""
    name = f"20261001-{n:03d}"
    facts = {"number": name, "id": f"{SITE}.{name}", "title": f"pipe {n}", "kind": "repair", "tier": "24h"}
    ended = {"status": "done", "created_at": now - n * DAY, "ended_at": now - n * DAY + 3_600_000}
    return asked(1, now, actions=["rate"], clocks={}) | facts | ended | {"site": SITE, "created_by": "wang"}


@pytest.fixture
def asks(api: FakeApi) -> FakeRequests:
    """Requests in every state, and 60 that ended long ago."""
    asks = FakeRequests(api)
    now = api.clock.now_ms()
    asks.old = [old_one(n, now) for n in range(2, 62)]
    return asks


@pytest.fixture
def dispatch(api: FakeApi, asks: FakeRequests) -> FakeDispatch:
    """The compound, with the routes of requests in front."""
    return FakeDispatch(api)


@pytest_asyncio.fixture(loop_scope="session")
async def older(opener: Opener) -> Screen:
    """The page, with what is found without looking for anything."""
    screen = await opener(signed_in=True, at="#/requests")
    await screen.page.locator(".ask").first.wait_for()
    return screen


async def test_words_find_it_and_stand_in_the_address(older: Screen, asks: FakeRequests) -> None:
    page = older.page
    await page.keyboard.press("/")
    await page.keyboard.type("pipe 41")
    await expect(page.locator(".ask")).to_have_count(1)
    await expect(page.locator(".ask")).to_contain_text("20261001-041")
    assert asks.searched[-1]["q"] == "pipe 41"
    assert "q=pipe+41" in page.url
    await page.reload()
    await expect(page.locator(".ask")).to_have_count(1)
    await expect(page.get_by_role("searchbox")).to_have_value("pipe 41")
    await page.get_by_role("searchbox").fill("nothing of the kind")
    await expect(page.locator(".nothing")).to_contain_text("Nothing was found.")
    await page.get_by_role("button", name="Clear").click()
    await expect(page.locator("[role=status].sr")).to_have_text("50 requests shown, there are more")


async def test_the_next_page_is_shown_below_and_the_last_says_so(older: Screen, asks: FakeRequests) -> None:
    page = older.page
    await page.get_by_role("searchbox").fill("pipe")
    said = page.locator("[role=status].sr")
    await expect(said).to_have_text("50 requests shown, there are more")
    await page.get_by_role("button", name="Show more").click()
    await expect(said).to_have_text("60 requests found")
    await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    await page.locator(".asks").focus()
    await page.keyboard.press("End")
    await expect(page.locator(".ask.chosen")).to_contain_text("pipe 61")


async def test_more_of_other_words_is_never_put_below(older: Screen, asks: FakeRequests) -> None:
    page = older.page
    said = page.locator("[role=status].sr")
    await expect(said).to_have_text("50 requests shown, there are more")
    await page.evaluate(
        """() => {
            const box = document.querySelector(".asked-tools input");
            const more = document.querySelector(".asked-box button.more");
            box.value = "pipe 41";
            box.dispatchEvent(new Event("input", { bubbles: true }));
            more.click();
        }"""
    )
    await expect(page.locator(".ask")).to_have_count(1)
    assert [each for each in asks.searched if each.get("next")] == []


async def test_kind_and_days_of_the_site_are_asked_for(older: Screen, asks: FakeRequests) -> None:
    page = older.page
    await page.get_by_label("Kind").select_option("guard")
    await expect(page.locator(".ask", has_text="307")).to_have_count(1)
    await page.get_by_label("Filed from").fill("2026-10-31")
    await page.get_by_label("to", exact=True).fill("2026-10-31")
    await expect(page.locator(".nothing")).to_be_visible()
    asked_for = asks.searched[-1]
    assert asked_for["kind"] == "guard"
    # The day in Shanghai, whatever zone the reader sits in.
    assert (int(asked_for["from"]), int(asked_for["to"])) == (1_793_376_000_000, 1_793_462_400_000)


async def test_one_that_ended_long_ago_opens_with_its_history_and_has_an_address(older: Screen) -> None:
    page = older.page
    await page.get_by_role("searchbox").fill("20261001-041")
    await expect(page.locator(".ask")).to_have_count(1)
    await page.locator(".ask").click()
    await expect(page.locator(".panel .history li")).to_have_count(2)
    link = await page.locator(".panel .link").get_attribute("href")
    await page.goto(f"{older.served.url}/{link}")
    await page.reload()
    await expect(page.locator(".panel-title")).to_contain_text("pipe 41")
    await expect(page.locator(".panel .history li")).to_have_count(2)
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_have_count(0)


async def test_what_is_found_is_shown_as_it_is_now(older: Screen, api: FakeApi) -> None:
    page = older.page
    await page.get_by_role("searchbox").fill("高铁站")
    row = page.locator(".ask", has_text="接待用车")
    await expect(row).to_be_visible()
    api.change(GUEST, attributes={"rev": 3, "status": "cancelled", "clocks": {}, "ended_at": api.clock.now_ms()})
    await expect(row).to_contain_text("Cancelled")


async def test_a_failed_search_says_so_and_keeps_what_was_found(older: Screen, asks: FakeRequests) -> None:
    page = older.page
    asks.refusal = (503, "unavailable", "the registry is busy")
    await page.get_by_role("searchbox").fill("pipe")
    await expect(page.locator(".asked [role=alert]")).to_be_visible()
    await expect(page.locator(".ask").first).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".asked [role=alert]")).to_have_count(0)
    await expect(page.locator(".ask").first).to_contain_text("pipe 2")


async def test_the_queue_of_dispatch_leads_there(opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/dispatch?queue=done")
    await screen.page.get_by_role("link", name="Older requests").click()
    await expect(screen.page.locator(".asked h1")).to_have_text("Requests")
    await expect(screen.page.locator(".ask").first).to_be_visible()


@pytest.mark.parametrize("look", LOOKS[::3])
async def test_axe_finds_nothing_and_it_fits(opener: Opener, look: dict[str, str]) -> None:
    screen = await opener(signed_in=True, at=f"#/requests?q=pipe&show=thing:{SITE}/request:20261001-041", **look)
    page = screen.page
    await expect(page.locator(".history li").first).to_be_visible()
    await expect(page.locator(".ask").first).to_be_visible()
    assert await problems(screen) == []
    for width, height in ((1280, 720), (390, 844)):
        await page.set_viewport_size({"width": width, "height": height})
        assert await screen.wide() <= 0, width
    assert screen.errors == []
    assert await screen.violations() == []
