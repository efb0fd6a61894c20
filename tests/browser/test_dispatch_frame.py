"""What holds for the page Dispatch as for every page: axe, policy, languages, sizes, tabs, cuts, the big screen."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, Screen, expect

CAR = f"{SITE}/vehicle:car-02"
LOOKS = [
    pytest.param({"locale": "en-GB", "color_scheme": "light"}, id="english-light"),
    pytest.param({"locale": "zh-CN", "color_scheme": "light"}, id="chinese-light"),
    pytest.param({"locale": "en-GB", "color_scheme": "dark"}, id="english-dark"),
    pytest.param({"locale": "zh-CN", "color_scheme": "dark"}, id="chinese-dark"),
]
SIZES = [(1600, 900), (1280, 720), (1920, 1080), (390, 844)]
FOCUSED = """() => {
  const at = document.activeElement;
  if (at === document.body) return "body";
  const seen = at.classList.contains("things") || getComputedStyle(at).outlineStyle !== "none";
  return `${seen ? "" : "UNSEEN "}${at.tagName}.${at.className}:${(at.textContent || "").slice(0, 20)}`;
}"""


async def problems(screen: Screen) -> list[str]:
    """What axe finds, a line each."""
    found = (await Axe().run(screen.page)).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]
    ]


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing(opener: Opener, look: dict[str, str]) -> None:
    screen = await opener(signed_in=True, at="#/dispatch", **look)
    page = screen.page
    await page.locator("canvas.map-things").wait_for(state="attached")
    assert await problems(screen) == []
    await page.locator(f"[id='thing-{CAR}']").click()
    await page.locator(".replay, .panel h3 .btn").first.click()
    await expect(page.locator(".sources li li").first).to_be_visible()
    assert await problems(screen) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("[")
    await expect(page.locator("html")).to_have_attribute("data-look", "past")
    assert await problems(screen) == []


async def test_axe_finds_nothing_on_a_phone_or_a_big_screen(opener: Opener) -> None:
    phone = await opener(signed_in=True, at="#/dispatch", viewport={"width": 390, "height": 844}, is_mobile=True)
    for pane in ("Requests", "Map", "Resources"):
        await phone.page.get_by_role("button", name=pane, exact=True).click()
        assert await problems(phone) == []
    wall = await opener(signed_in=True, at="#/dispatch?wall=1", viewport={"width": 1920, "height": 1080})
    assert await problems(wall) == []


async def test_nothing_leaves_the_host_and_the_policy_is_kept(opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/dispatch")
    page = screen.page
    await page.locator(".map-box").focus()
    for key in ("+", "ArrowLeft", "-"):
        await page.keyboard.press(key)
    await page.locator(f"[id='thing-{CAR}']").click()
    await expect(page.locator(".day-bar")).to_be_visible()
    await page.keyboard.press("[")
    await expect(page.locator("html")).to_have_attribute("data-look", "past")
    assert await screen.violations() == []
    assert screen.foreign == []
    assert screen.errors == []


@pytest.mark.parametrize("look", LOOKS[::3])
async def test_the_three_columns_fit_every_window_without_scrolling(opener: Opener, look: dict[str, str]) -> None:
    screen = await opener(signed_in=True, at="#/dispatch", **look)
    page = screen.page
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await expect(page.locator(".dispatch")).to_be_visible()
        assert await screen.wide() <= 0, (width, height)
        tall = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
        assert tall <= 0, (width, height)
        if width > 720:
            assert await page.locator("header").evaluate("header => header.offsetHeight") == 46
            tabs = page.locator(".resources .tabs")
            assert await tabs.evaluate("tabs => tabs.scrollWidth - tabs.clientWidth") <= 0, (width, look)


async def test_a_phone_has_one_column_with_tabs_and_reaches_everything(opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/dispatch", viewport={"width": 390, "height": 844}, has_touch=True)
    page = screen.page
    await page.get_by_role("button", name="Map", exact=True).click()
    await page.locator("canvas.map-things").wait_for(state="attached")
    await page.get_by_role("button", name="Resources", exact=True).click()
    await page.locator(f"[id='thing-{CAR}']").click()
    await expect(page.locator(".panel")).to_contain_text("R-1202")
    await page.locator(".panel .close").click()
    await expect(page.locator(".things")).to_be_visible()
    await page.reload()
    await expect(page.locator(".things")).to_be_visible()
    # A link from another page opens what it names, not the column that comes first.
    await page.evaluate("id => { location.hash = `#/dispatch?show=thing:${id}` }", CAR)
    await expect(page.locator(".panel")).to_contain_text("R-1202")
    await expect(page.locator(".panel .facts")).not_to_contain_text("compound")


async def test_seven_tabs_share_one_stream_and_all_move(opener: Opener, api: FakeApi) -> None:
    screen = await opener(signed_in=True, at="#/dispatch")
    tabs = [screen.page]
    for _ in range(6):
        tab = await screen.context.new_page()
        await tab.goto(f"{screen.served.url}/#/dispatch")
        await tab.locator(".thing").first.wait_for()
        tabs.append(tab)
    api.change(CAR, attributes={"speed_kmh": 57}, observed_at=api.clock.now_ms())
    for tab in tabs:
        await expect(tab.locator(f"[id='thing-{CAR}']")).to_contain_text("57 km/h")
    assert api.streams == 1


async def test_a_cut_freezes_the_page_and_it_comes_back_to_where_it_was(opener: Opener, api: FakeApi) -> None:
    screen = await opener(signed_in=True, at="#/dispatch?tab=doors")
    page = screen.page
    await page.evaluate("window.__same = true")
    row = page.locator(".thing", has_text="南门")
    await expect(row).to_contain_text("7.6 s a person")
    api.cut()
    await page.locator("main.frozen").wait_for()
    age = await row.locator(".age").inner_text()
    await page.wait_for_timeout(1500)  # ages stand still
    assert await row.locator(".age").inner_text() == age
    api.entities[f"{SITE}/door:south-gate"]["rev"] += 1
    api.entities[f"{SITE}/door:south-gate"]["attributes"]["throughput_s"] = 9.9
    api.restore(reason="epoch")
    await expect(page.locator("main:not(.frozen)")).to_be_visible()
    await expect(row).to_contain_text("9.9 s a person")
    assert await page.evaluate("window.__same")


async def test_the_big_screen_is_the_same_larger_dark_and_without_controls(opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/dispatch")
    page = screen.page
    size = "getComputedStyle(document.querySelector('.things-col')).zoom"
    assert await page.evaluate(size) == "1"
    await page.keyboard.press("w")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    for control in ("header nav", ".thing-tools", ".map-controls", ".past-bar", "button.lang"):
        await expect(page.locator(f"{control}:visible")).to_have_count(0)
    assert float(await page.evaluate(size)) > 1.2
    await expect(page.locator(".thing").first).to_contain_text("6K218")
    assert await screen.wide() <= 0
    assert "wall=1" in page.url
    await page.keyboard.press("w")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")


async def test_the_big_screen_on_a_phone_keeps_its_header_above_the_page(opener: Opener) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
    screen = await opener(signed_in=True, at="#/overview?wall=1", **phone)
    await expect(screen.page.locator(".toolbar:visible")).to_have_count(0)
    edges = "[...document.querySelectorAll('header, header *')].map((one) => one.getBoundingClientRect().bottom)"
    lowest = await screen.page.evaluate(f"Math.max(...{edges})")
    assert lowest <= await screen.page.evaluate("document.querySelector('main').getBoundingClientRect().top")


async def test_the_tab_key_goes_round_without_a_trap(opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/dispatch")
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
    for part in (".things", ".map-box", ".past-track", "INPUT"):
        assert any(part in one for one in seen), part


async def test_less_motion_is_respected(opener: Opener) -> None:
    screen = await opener(signed_in=True, at="#/dispatch", reduced_motion="reduce")
    await screen.page.locator("canvas.map-things").wait_for(state="attached")
    inertia = "async () => (await import('/web/app/dispatch/map/map.js')).openMap.peek().map.options.inertia"
    assert await screen.page.evaluate(inertia) is False
