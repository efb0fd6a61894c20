"""What holds for every page: languages, themes, keys, contrast, policy, no other host, no overflow."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, Screen, expect

LOOKS = [
    pytest.param({"locale": "en-GB", "color_scheme": "light"}, id="english-light"),
    pytest.param({"locale": "zh-CN", "color_scheme": "dark"}, id="chinese-dark"),
]
# What has the focus, and whether one sees it; the tree shows its active row instead.
FOCUSED = """() => {
  const at = document.activeElement;
  if (at === document.body) return "body";
  const seen = at.classList.contains("tree") || getComputedStyle(at).outlineStyle !== "none";
  return `${seen ? "" : "UNSEEN "}${at.tagName}.${at.className}:${(at.textContent || "").slice(0, 20)}`;
}"""
MOVING = """[...document.querySelectorAll("*")]
  .filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length"""
SIZES = [(1600, 900), (1920, 1080), (1440, 900), (1280, 720), (390, 844)]


async def problems(screen: Screen) -> list[str]:
    """What axe finds, a line each."""
    found = (await Axe().run(screen.page)).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


async def test_nothing_leaves_the_host_and_the_policy_is_kept(screen: Screen) -> None:
    page = screen.page
    await screen.row(f"{SITE}/meter-08").click()
    await screen.row(f"{SITE}/meter-08").locator(".num").first.click()
    await expect(page.locator(".panel tbody tr").first).to_be_visible()
    await page.keyboard.press("Escape")
    await page.click("button.theme")
    await page.click("button.lang")
    assert await screen.violations() == []
    assert screen.foreign == []
    assert screen.errors == []


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing(opener: Opener, look: dict[str, str]) -> None:
    screen = await opener(**look)
    assert await problems(screen) == []
    await screen.sign_in()
    assert await problems(screen) == []
    await screen.row(f"{SITE}/meter-08").click()
    await screen.row(f"{SITE}/meter-08/current_l3").click()
    await expect(screen.page.locator(".panel tbody tr").first).to_be_visible()
    assert await problems(screen) == []
    await screen.page.keyboard.press("?")
    await expect(screen.page.locator("dialog")).to_be_visible()
    assert await problems(screen) == []


async def test_axe_finds_nothing_on_a_phone(opener: Opener) -> None:
    screen = await opener(signed_in=True, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert await problems(screen) == []


async def test_the_language_changes_without_reload(screen: Screen) -> None:
    page = screen.page
    await page.evaluate("window.__same = true")
    await page.click("button.lang")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await expect(page.locator(".figure h2").first).to_have_text("在线网关")
    await expect(page.locator("footer")).to_contain_text("无应答")
    await expect(page).to_have_title("总览 · 大院 Dayuan")
    assert await page.evaluate("window.__same")
    await page.reload()
    await expect(page.locator(".figure h2").first).to_have_text("在线网关")


async def test_the_theme_follows_the_system_until_one_is_chosen(screen: Screen) -> None:
    page, root = screen.page, screen.page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    await page.emulate_media(color_scheme="dark")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.click("button.theme")
    await expect(root).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "light")


async def test_times_are_the_sites_never_the_browsers(screen: Screen) -> None:
    clock = screen.page.locator(".clock")
    # The collector's clock in Shanghai; the browser's own stands elsewhere, and in St. John's.
    await expect(clock.locator("b")).to_contain_text("14:3")
    title = await clock.get_attribute("title")
    assert title is not None
    assert title.endswith("Asia/Shanghai")


async def test_everything_is_reached_and_left_by_keys_alone(screen: Screen) -> None:
    page = screen.page
    tree = page.get_by_role("treegrid")
    await page.keyboard.press("/")
    await expect(page.locator(".search input")).to_be_focused()
    await page.keyboard.type("lifts")
    await page.keyboard.press("ArrowDown")
    await expect(tree).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(tree).to_have_attribute("aria-activedescendant", f"row-{SITE}/meter-08")
    await page.keyboard.press("ArrowRight")
    await expect(screen.row(f"{SITE}/meter-08")).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel")).to_be_focused()
    await expect(page.locator(".panel")).to_contain_text("Active power")
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_have_count(0)
    await expect(tree).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await expect(tree).to_have_attribute("aria-activedescendant", f"row-{SITE}/meter-08")
    await page.keyboard.press("ArrowLeft")
    await expect(screen.row(f"{SITE}/meter-08")).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("d")
    await expect(page.locator(".panel")).to_contain_text("eastron/sdm630")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_contain_text("Move through the list")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await page.keyboard.press("End")
    await expect(tree).to_be_focused()


async def test_the_tab_key_goes_round_without_a_trap(screen: Screen) -> None:
    page = screen.page
    await page.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        here = await page.evaluate(FOCUSED)
        seen.append(here)
        if here == "body" or (here.startswith("A.skip") and len(seen) > 1):
            break
    assert [one for one in seen if one.startswith("UNSEEN")] == []
    assert seen[-1] == "body" or seen[-1].startswith("A.skip"), seen
    assert any(".tree" in one for one in seen)
    assert any("BUTTON.chip" in one for one in seen)


@pytest.mark.parametrize("look", LOOKS)
async def test_no_width_makes_the_page_scroll_sideways_or_a_header_wrap(opener: Opener, look: dict[str, str]) -> None:
    screen = await opener(signed_in=True, **look)
    for width, height in SIZES:
        await screen.page.set_viewport_size({"width": width, "height": height})
        await expect(screen.page.locator(".figure").first).to_be_visible()
        assert await screen.wide() <= 0, (width, height)
        if width > 720:
            assert await screen.page.locator("header").evaluate("header => header.offsetHeight") == 46
            hidden = await screen.page.locator("header nav").evaluate("nav => nav.scrollWidth - nav.clientWidth")
            assert hidden <= 0, f"{hidden} px of the list of pages are out of sight at {width}"
            tall = await screen.page.evaluate("document.documentElement.scrollHeight - innerHeight")
            assert tall <= 0, (width, height)


async def test_less_motion_is_respected(opener: Opener, api: FakeApi) -> None:
    screen = await opener(signed_in=True, reduced_motion="reduce")
    assert await screen.page.evaluate(MOVING) == 0
