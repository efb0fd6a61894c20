"""The time machine: the whole console at any moment, by hand and by keys; what happens now is taken in behind it."""

import pytest_asyncio

from tests.browser.compound import SITE
from tests.browser.dispatch_compound import HOUR, MINUTE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.screen import Opener, Screen, expect
from tests.waiting import until

CAR = f"{SITE}/vehicle:car-00"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opener: Opener) -> Screen:
    """The page Dispatch, signed in, in English and light."""
    return await opener(signed_in=True, at="#/dispatch")


async def test_list_map_alarms_and_clock_all_show_the_moment_and_say_so(desk: Screen, dispatch: FakeDispatch) -> None:
    page = desk.page
    row = page.locator(f"[id='thing-{CAR}']")
    await expect(row).to_contain_text("Available")
    await page.get_by_role("slider", name="Time machine").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowLeft")
    await expect(page.locator(".past-banner")).to_contain_text("You see the past")
    await expect(row).to_contain_text("On trip")
    await expect(row).to_contain_text("3 min ago")
    await expect(page.locator("footer")).to_contain_text("An alarm of that time.")
    await expect(page.locator(".chip.live")).to_contain_text("Past")
    await expect(page.locator("html")).to_have_attribute("data-look", "past")
    shape = await page.evaluate(
        "async (id) => (await import('/web/app/dispatch/map/map.js')).openMap.peek().items.items.get(id).look.shape",
        CAR,
    )
    assert shape == "arrow"
    clock = await page.locator(".clock b").inner_text()
    await page.wait_for_timeout(1500)  # time does not pass in the past
    assert await page.locator(".clock b").inner_text() == clock
    assert abs(dispatch.past_asked[-1] - (desk.api.clock.now_ms() - 3 * MINUTE)) < MINUTE


async def test_what_happens_now_is_taken_in_behind_and_shown_on_the_way_back(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    row = page.locator(f"[id='thing-{CAR}']")
    await page.keyboard.press("[")
    await expect(row).to_contain_text("On trip")
    api.change(CAR, attributes={"state": "stopped", "place": "市档案馆"}, observed_at=api.clock.now_ms())
    late = {"id": "late", "kind": "x", "priority": 1, "source": SITE, "since": api.clock.now_ms(), "args": {}}
    api.raise_alarm(late | {"text": {"en": "Just now.", "zh": "刚刚。"}, "active": True})
    await page.wait_for_timeout(600)  # it has come, and must not be seen
    await expect(row).to_contain_text("On trip")
    await expect(page.locator("footer")).not_to_contain_text("Just now.")
    await page.keyboard.press("Escape")
    await expect(page.locator(".past-banner")).to_have_count(0)
    await expect(row).to_contain_text("Stopped")
    await expect(page.locator("footer")).to_contain_text("Just now.")
    await expect(page.locator(".chip.live")).to_contain_text("Live")


async def test_a_hand_on_the_bar_goes_where_it_points_and_asks_no_more_than_it_can_show(
    desk: Screen, dispatch: FakeDispatch
) -> None:
    page = desk.page
    box = await page.locator(".past-track").bounding_box()
    assert box is not None
    dispatch.past_gate.clear()
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10)
    await page.mouse.down()
    for step in range(60):
        await page.mouse.move(box["x"] + box["width"] * (0.5 - step / 240), box["y"] + 10)
    await page.mouse.up()
    await until(lambda: len(dispatch.past_asked) == 1, within_s=5)
    dispatch.past_gate.set()
    target = desk.api.clock.now_ms() - 24 * HOUR * (1 - 0.5 + 59 / 240)
    await until(lambda: abs(dispatch.past_asked[-1] - target) < 20 * MINUTE, within_s=5)
    await expect(page.locator(".past-banner")).to_be_visible()
    assert len(dispatch.past_asked) == 2, "what was passed on the way is not asked for"
    assert desk.errors == []


async def test_the_past_runs_at_a_speed_and_stops(desk: Screen, dispatch: FakeDispatch) -> None:
    page = desk.page
    await page.keyboard.press("[")
    await page.locator(".past-bar select").select_option("10")
    await page.keyboard.press("p")
    await until(lambda: len(dispatch.past_asked) >= 4, within_s=8)
    asked = dispatch.past_asked[-3:]
    assert asked == sorted(asked)
    assert 5_000 <= asked[1] - asked[0] <= 7_000
    await page.keyboard.press("p")
    await page.wait_for_timeout(800)  # one that was on its way
    count = len(dispatch.past_asked)
    await page.wait_for_timeout(1500)
    assert len(dispatch.past_asked) == count
    await page.locator(".past-bar select").select_option("600")
    await page.keyboard.press("p")
    await expect(page.locator(".past-banner")).to_have_count(0, timeout=8000)  # it has caught up with now


async def test_a_linked_moment_opens_in_the_past_and_a_reload_stays_there(opener: Opener, api: FakeApi) -> None:
    at = api.clock.now_ms() - 30 * HOUR
    screen = await opener(signed_in=True, at=f"#/dispatch?at={at}")
    row = screen.page.locator(f"[id='thing-{CAR}']")
    await expect(row).to_contain_text("1800 min ago")
    await expect(screen.page.get_by_role("slider", name="Time machine")).to_have_attribute("aria-valuenow", str(at))
    await screen.page.reload()
    await expect(row).to_contain_text("1800 min ago")
    await screen.page.get_by_role("link", name="Overview").click()
    await expect(screen.page.locator(".past-banner")).to_be_visible()
    await screen.page.get_by_role("button", name="Back to now").click()
    assert "at=" not in screen.page.url


async def test_a_moment_that_is_not_kept_says_why_and_shows_nothing_false(desk: Screen, dispatch: FakeDispatch) -> None:
    dispatch.past_failure = "nothing is kept from before 1 Nov"
    page = desk.page
    await page.keyboard.press("[")
    await expect(page.locator(".past-banner")).to_contain_text("nothing is kept from before 1 Nov")
    await expect(page.locator("html")).to_have_attribute("data-look", "")
    await page.keyboard.press("Escape")
    await expect(page.locator(".past-banner")).to_have_count(0)


async def test_a_moment_before_anything_is_kept_says_since_when_it_is(desk: Screen, dispatch: FakeDispatch) -> None:
    dispatch.earliest = desk.api.clock.now_ms()
    await desk.page.keyboard.press("[")
    await expect(desk.page.locator(".past-banner")).to_contain_text("kept only since")


async def test_a_happening_of_the_day_leads_to_its_moment(desk: Screen, dispatch: FakeDispatch) -> None:
    page = desk.page
    await page.locator(f"[id='thing-{SITE}/vehicle:car-02']").click()
    await page.locator(".day-list .num").last.click()
    await expect(page.locator(".past-banner")).to_be_visible()
    await until(lambda: bool(dispatch.past_asked), within_s=3)


async def test_a_cut_while_looking_back_keeps_the_past_and_recovers(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    await page.keyboard.press("[")
    await expect(page.locator(f"[id='thing-{CAR}']")).to_contain_text("On trip")
    api.cut()
    await page.locator("main.frozen").wait_for(timeout=4000)
    await expect(page.locator(".banner")).to_contain_text("Offline since")
    api.restore()
    await expect(page.locator("main:not(.frozen)")).to_be_visible()
    await expect(page.locator(".past-banner")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(f"[id='thing-{CAR}']")).to_contain_text("Available")
