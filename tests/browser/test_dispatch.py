"""The page Dispatch: resources, what stands behind each, and all of it by keys alone."""

import re

import pytest_asyncio

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, Screen, expect

CAR = f"{SITE}/vehicle:car-02"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opener: Opener) -> Screen:
    """The page Dispatch, signed in, in English and light."""
    return await opener(signed_in=True, at="#/dispatch")


async def names(screen: Screen) -> list[str]:
    """The resources listed, from above."""
    return await screen.page.locator(".thing").evaluate_all(
        "rows => rows.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)"
        ".map(row => row.querySelector('.thing-name').textContent.trim())"
    )


async def test_what_needs_somebody_stands_on_top_and_every_row_says_state_place_and_age(desk: Screen) -> None:
    await expect(desk.page.locator(".thing")).to_have_count(12)
    first = desk.page.locator(".thing", has_text="6K218")
    await expect(first).to_contain_text("Moves without an order")
    await expect(first).to_contain_text("38 km/h")
    order = await names(desk)
    assert order[0] == "浙A·6K218"
    assert order[-2:] == ["浙A·5H870", "浙A·0E219"]
    ages = await desk.page.locator(".thing .age").all_inner_texts()
    assert len(ages) == 12
    assert all(age for age in ages)


async def test_what_has_gone_silent_is_dimmed_and_says_since_when(desk: Screen) -> None:
    row = desk.page.locator(".thing", has_text="5H870")
    await expect(row).to_have_class("thing dim")
    await expect(row).to_contain_text("Not reachable")
    await expect(row).to_contain_text("stale since")
    await expect(row.locator(".age")).to_have_text("18 min")


async def test_a_change_moves_the_row_and_only_what_changed(desk: Screen, api: FakeApi) -> None:
    row = desk.page.locator(f"[id='thing-{CAR}']")
    await expect(row).to_contain_text("→ Railway station · 38 km/h")
    api.change(CAR, attributes={"speed_kmh": 51}, observed_at=api.clock.now_ms())
    await expect(row).to_contain_text("51 km/h")
    await expect(row.locator(".age")).to_have_text("0 s")


async def test_a_gateway_stands_on_the_map_and_in_the_list_and_says_how_it_is(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    name = f"{SITE}/@b3-plant-room"
    shape = """async (id) => (await import("/web/app/dispatch/map/map.js")).openMap.peek()?.items.items.get(id)?.look"""
    spot = {"asset": "b3", "name": "配电间网关", "unit": "", "building": "b3", "floor": "1"}
    api.change(name, attributes={"placed": {**spot, "latitude": 30.2741, "longitude": 120.1551}})
    await page.wait_for_function(
        "async (id) => (await import('/web/app/dispatch/map/map.js')).openMap.peek()?.items.items.has(id)", arg=name
    )
    assert (await page.evaluate(shape, name))["shape"] == "tower"
    await page.get_by_role("tab", name="Equipment").click()
    row = page.locator(".thing", has_text="配电间网关")
    await expect(row).to_contain_text("Online · B3 · 1")
    api.change(name, attributes={"online": False})
    await expect(row).to_contain_text("Offline")
    assert (await page.evaluate(shape, name))["tone"] == "act2"
    await row.click()
    await expect(page.locator(".panel .facts")).to_contain_text("synced")
    await page.locator(".panel .facts").get_by_role("button", name="b3-plant-room").click()
    await expect(page.locator(".panel")).to_contain_text("rs485-1")


async def test_a_room_behind_a_gateway_that_is_offline_is_not_shown_as_of_now(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    await page.get_by_role("tab", name="Rooms").click()
    row = page.locator(".thing", has_text="2号楼 301")
    name = (await row.get_attribute("id") or "").removeprefix("thing-")
    await expect(row).to_be_visible()
    api.change(name, attributes={"gateways": ["b3-plant-room"]})
    await expect(row).not_to_have_class(re.compile("dim"))
    api.change(f"{SITE}/@b3-plant-room", attributes={"online": False})
    await expect(row).to_have_class(re.compile("dim"))
    await expect(row).to_contain_text("gateway offline, last heard")
    api.change(name, attributes={"gateways": ["b3-plant-room", "gatehouse"]})
    await expect(row).not_to_contain_text("gateway offline")


async def test_tabs_count_their_things_and_filters_narrow_them(desk: Screen) -> None:
    page = desk.page
    counts = await page.locator(".resources [role=tab] .n").all_inner_texts()
    assert counts == ["12", "5", "9", "4", "8", "2"]
    await page.get_by_role("button", name="Available 4").click()
    await expect(page.locator(".thing")).to_have_count(4)
    await page.get_by_role("tab", name="Doors").click()
    await expect(page.locator(".thing")).to_have_count(5)
    assert (await names(desk))[:2] == ["3号楼北门", "档案室"]
    await page.get_by_role("tab", name="Rooms").click()
    await expect(page.locator(".thing").first).to_contain_text("Overrun")
    await page.locator("select.order").select_option("name")
    await expect(page.locator(".thing").first).to_contain_text("2号楼 301")
    await page.get_by_role("tab", name="Guards").click()
    await expect(page.locator(".thing", has_text="夜巡 14:00")).to_contain_text("1 missed")
    assert "tab=guards" in page.url


async def test_search_finds_a_state_in_either_language_and_a_plate(desk: Screen) -> None:
    page = desk.page
    for text, count in (("失联", 1), ("not reachable", 1), ("7q1", 1), ("南停车场", 3), ("nothing at all", 0)):
        await page.fill(".resources input", text)
        await expect(page.locator(".thing")).to_have_count(count)
    await expect(page.locator("#tab-things")).to_contain_text("Nothing here matches")


async def test_a_resource_opens_with_the_age_and_source_of_what_is_known(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    await page.locator(f"[id='thing-{CAR}']").click()
    panel = page.locator(".panel")
    await expect(panel).to_contain_text("On trip")
    for text in ("R-1202", "陈师傅", "odometer", "14.5 km", "± 6 m", " ago"):
        await expect(panel).to_contain_text(text)
    words = await panel.locator(".day-bar svg").get_attribute("aria-label")
    assert words is not None
    assert "On trip" in words
    await expect(panel.locator(".day-list li")).to_have_count(6)
    await expect(panel.locator(".day-list li").first).to_contain_text("Available")
    # How fast it was some minutes ago is not how fast it is.
    speed = panel.locator(".facts div", has_text="km/h")
    await expect(speed).to_contain_text("38 km/h")
    api.change(CAR, observed_at=api.clock.now_ms() - 120_000)
    await expect(speed).to_have_count(0)
    await page.evaluate("id => { location.hash = `#/dispatch?tab=doors&show=thing:${id}` }", f"{SITE}/door:south-gate")
    told = panel.locator(".day-list li span:first-of-type")
    await expect(told).to_have_text(["Pass made", "device lost", "Closed", "Open", "access granted", "Closed"])
    await expect(panel.locator(".day-list")).to_contain_text("always allowed")
    await expect(panel.locator(".day-list")).to_contain_text("token simulators")
    await page.get_by_role("button", name="中 / EN").click()
    await expect(told).to_have_text(["开通行证", "设备失联", "关", "开", "准许通行", "关"])
    await expect(panel.locator(".day-list")).to_contain_text("令牌 simulators")


async def test_numbers_open_down_to_raw_readings_and_escape_goes_back_step_by_step(desk: Screen) -> None:
    page = desk.page
    await page.locator(f"[id='thing-{CAR}']").click()
    await page.locator(".sources li li", has_text="Speed").locator(".num").click()
    await expect(page.locator(".panel tbody tr").first).to_be_visible()
    await expect(page.locator(".panel")).to_contain_text("5b1e9c04")
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_contain_text("R-1202")
    await page.keyboard.press("Escape")
    await expect(page.locator(".things")).to_be_focused()
    await expect(page.locator(".things")).to_have_attribute("aria-activedescendant", f"thing-{CAR}")


async def test_the_track_of_a_vehicle_is_drawn_and_run_through_by_keys(desk: Screen) -> None:
    page = desk.page
    await page.locator(f"[id='thing-{CAR}']").click()
    await page.get_by_role("button", name="Show on the map").click()
    slider = page.get_by_role("slider", name="Track of today")
    await expect(page.locator(".panel")).to_contain_text("150 fixes")
    at = int(await slider.input_value())
    await slider.focus()
    await page.keyboard.press("ArrowLeft")
    assert int(await slider.input_value()) == at - 60_000
    await page.get_by_role("button", name="Let time run").nth(1).click()
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    await page.get_by_role("button", name="Hide").click()
    await expect(slider).to_have_count(0)


async def test_the_page_is_used_by_keys_alone(desk: Screen) -> None:
    page = desk.page
    things = page.locator(".things")
    await page.keyboard.press("/")
    await expect(page.locator(".resources input")).to_be_focused()
    await page.keyboard.type("停车场")
    await page.keyboard.press("ArrowDown")
    await expect(things).to_be_focused()
    before = await things.get_attribute("aria-activedescendant")
    await page.keyboard.press("ArrowDown")
    after = await things.get_attribute("aria-activedescendant")
    assert before != after
    assert after is not None
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(things).to_be_focused()
    assert await things.get_attribute("aria-activedescendant") == after
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_contain_text("One minute back or on in the time machine")
    await page.keyboard.press("Escape")
    await page.locator(".resources [role=tab][aria-selected=true]").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Doors")).to_be_focused()
    await expect(page.get_by_role("tab", name="Doors")).to_have_attribute("aria-selected", "true")


async def test_a_thing_that_is_gone_says_so_and_one_that_appears_is_listed(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    await page.locator(f"[id='thing-{CAR}']").click()
    gone = api.entities[CAR]
    api.vanish(CAR)
    await expect(page.locator(".panel")).to_contain_text("not shown any more")
    await page.keyboard.press("Escape")
    await expect(page.locator(".thing")).to_have_count(11)
    api.appear(gone)
    await expect(page.locator(".thing")).to_have_count(12)


async def test_the_open_resource_search_and_tab_come_back_after_a_reload(desk: Screen) -> None:
    page = desk.page
    await page.get_by_role("tab", name="Doors").click()
    await page.fill(".resources input", "门")
    await page.locator(".thing", has_text="3号楼北门").click()
    await page.reload()
    await expect(page.locator(".panel")).to_contain_text("Forced")
    await page.locator(".panel").get_by_role("button", name="Close").click()
    await expect(page.get_by_role("tab", name="Doors")).to_have_attribute("aria-selected", "true")
    await expect(page.locator(".resources input")).to_have_value("门")


async def test_an_alarm_of_a_thing_stands_in_its_row_and_its_detail(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    text = {"en": "Drives without an order since 14:02.", "zh": "14:02 起无单行驶。"}
    alarm = {
        "id": "w1",
        "kind": "x",
        "priority": 2,
        "source": CAR,
        "since": api.clock.now_ms(),
        "args": {},
        "active": True,
    }
    api.raise_alarm(alarm | {"text": text})
    await expect(page.locator(f"[id='thing-{CAR}'] .tag")).to_have_text("P2")
    await page.locator(f"[id='thing-{CAR}']").click()
    await expect(page.locator(".panel")).to_contain_text("Drives without an order since 14:02.")


async def test_the_language_changes_without_reload(desk: Screen) -> None:
    page = desk.page
    await page.evaluate("window.__same = true")
    await page.click("button.lang")
    await expect(page.get_by_role("tab", name="车辆")).to_be_visible()
    await expect(page.locator(".thing", has_text="6K218")).to_contain_text("无单行驶")
    await expect(page).to_have_title("调度 · 大院 Dayuan")
    assert await page.evaluate("window.__same")


async def test_leaving_the_page_and_coming_back_leaves_nothing_behind_of_the_map(desk: Screen) -> None:
    page = desk.page
    for _ in range(2):
        await page.locator(".leaflet-container canvas").first.wait_for()
        await page.get_by_role("link", name="Alarms").click()
        await page.locator(".leaflet-container").wait_for(state="detached")
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        await page.get_by_role("link", name="Dispatch").click()
    await page.locator(".leaflet-container canvas").first.wait_for()
    assert desk.errors == []
