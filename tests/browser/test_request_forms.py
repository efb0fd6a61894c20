"""Forms of requests, rooms and passes: by keys alone, wrong where they are wrong, in the time of the site."""

import pytest
import pytest_asyncio

from tests.browser.dispatch_compound import MINUTE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_requests import FakeRequests
from tests.browser.screen import Opener, Screen, expect


@pytest.fixture
def asks(api: FakeApi) -> FakeRequests:
    """Requests in every state."""
    return FakeRequests(api)


@pytest.fixture
def dispatch(api: FakeApi, asks: FakeRequests) -> FakeDispatch:
    """The compound, with the routes of requests in front."""
    return FakeDispatch(api)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opener: Opener) -> Screen:
    """The page Dispatch, with its queue."""
    screen = await opener(signed_in=True, at="#/dispatch")
    await screen.page.locator(".ask").first.wait_for()
    return screen


async def test_a_request_is_filed_by_keys_alone_with_a_key_of_its_own(desk: Screen, asks: FakeRequests) -> None:
    page = desk.page
    await page.keyboard.press("n")
    await expect(page.locator("#request-kind")).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("Tab")
    await page.keyboard.type("1号楼")
    await page.keyboard.press("Tab")
    await page.keyboard.type("高铁站")
    for text in ("区府办", "王主任", "8012", "4"):
        await page.keyboard.press("Tab")
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    path, key, body = asks.posted[0]
    assert path == "/api/v1/requests"
    assert len(key) >= 16
    assert body["from"] == {"name": "1号楼"}
    assert body["to"] == {"name": "高铁站"}
    assert body["requester"] == {"name": "王主任", "unit": "区府办", "phone": "8012"}
    assert (body["passengers"], body["demand"]["seats"]) == (4, 4)
    assert body["started_at"] > 0
    await expect(page.locator(".ask.chosen")).to_contain_text("Now")
    await expect(page.locator(".asks")).to_be_focused()


async def test_what_is_wrong_stands_beside_its_field_and_nothing_written_is_lost(
    desk: Screen, asks: FakeRequests
) -> None:
    page = desk.page
    await page.keyboard.press("n")
    await page.fill("#request-purpose", "Guests")
    await page.keyboard.press("Enter")
    await expect(page.locator("#request-from-wrong")).to_have_text("Say where it is needed.")
    await expect(page.locator("#request-from")).to_be_focused()
    assert asks.posted == []
    await page.keyboard.type("West gate")
    asks.refusal = (422, "bad_request", "demand.seats: 600 is not allowed")
    await page.fill("#request-passengers", "40")
    asks.refusal = (422, "bad_request", "requester.phone: 60 characters")
    await page.keyboard.press("Enter")
    await expect(page.locator("#request-requester-phone-wrong")).to_have_text("That is too long (60 characters).")
    await expect(page.locator("#request-requester-phone")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await page.keyboard.press("n")
    await expect(page.locator("#request-purpose")).to_have_value("Guests")
    await page.locator("#request-purpose").press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    assert len(asks.posted) == 2


async def test_times_in_forms_are_those_of_the_site_wherever_the_reader_is(desk: Screen, asks: FakeRequests) -> None:
    page = desk.page
    await page.keyboard.press("n")
    await page.fill("#request-from", "West gate")
    await page.fill("#request-window-earliest", "2027-01-05T08:30")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    assert asks.posted[0][2]["window"] == {"earliest": 1_799_109_000_000}


async def test_while_it_is_written_the_form_says_when_somebody_would_come_and_who_would_wait(
    desk: Screen, asks: FakeRequests
) -> None:
    page = desk.page
    await page.keyboard.press("n")
    said = page.locator(".forecast")
    await expect(said).to_contain_text("Once the place is known")
    await page.fill("#request-from", "1号楼")
    await expect(said).to_contain_text("浙A·3M902 would come at")
    await expect(said).to_contain_text("(7.0 min)")
    await expect(said).to_contain_text("02:10 late")
    await expect(said.locator("li").nth(0)).to_have_text("“2号楼 307 会议保障” would have to wait")
    await expect(said.locator("li").nth(1)).to_have_text("“文件交换 → 市档案馆” would be served 4.0 min later")
    await page.locator("#request-title").press_sequentially("Guests", delay=20)
    while asks.guessed[-1].get("title") != "Guests":
        await page.wait_for_timeout(50)
    assert len(asks.guessed) < 4, "every letter was asked about"
    asks.nobody = True
    await page.fill("#request-passengers", "40")
    await expect(said).to_contain_text("Nobody could come now. Nobody can serve it now")
    assert asks.posted == []


async def test_a_forecast_that_fails_says_so_quietly_and_filing_goes_on(desk: Screen, asks: FakeRequests) -> None:
    page = desk.page
    asks.no_guess = (503, "unavailable", "the registry is busy")
    await page.keyboard.press("n")
    await page.fill("#request-from", "1号楼")
    await expect(page.locator(".forecast")).to_contain_text("No forecast now. It can be filed all the same.")
    await expect(page.locator("dialog [role=alert]:not(:empty)")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    assert len(asks.posted) == 1


async def test_a_place_is_pointed_at_on_a_map_by_its_name_or_as_a_spot(desk: Screen, asks: FakeRequests) -> None:
    page = desk.page
    await page.keyboard.press("n")
    await page.locator(".field:has(#request-from) .point").click()
    name = page.locator(".place-map text", has_text="Building 1")
    await expect(name).to_be_visible()
    box = await name.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(page.locator("#request-from")).to_have_value("Building 1")
    await expect(page.locator("#request-from")).to_be_focused()
    await expect(page.locator(".place-map")).to_have_count(0)
    await page.locator(".field:has(#request-to) .point").click()
    svg = await page.locator(".place-map svg").bounding_box()
    assert svg is not None
    await page.mouse.click(svg["x"] + 4, svg["y"] + 4)
    text = await page.locator("#request-to").input_value()
    latitude, longitude = (float(part) for part in text.split(", "))
    await page.locator(".field:has(#request-to) .point").click()
    await expect(page.locator(".place-map .chosen-place")).to_have_count(1)
    await page.locator("#request-title").press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    body = asks.posted[0][2]
    assert body["from"] == {"name": "Building 1"}
    assert body["to"] == {"name": text, "latitude": latitude, "longitude": longitude}
    assert abs(latitude - 30.27) < 0.02
    assert abs(longitude - 120.15) < 0.02


async def test_a_room_is_booked_and_a_pass_is_made(opener: Opener, asks: FakeRequests) -> None:
    screen = await opener(signed_in=True, at="#/dispatch?tab=rooms")
    page = screen.page
    await page.get_by_role("button", name="Book a room").click()
    await page.get_by_role("textbox", name="Unit").fill("组织部")
    asks.refusal = (409, "room_taken", "2号楼 301 is taken by 组织部 from 01-05 08:00 to 09:00")
    await page.keyboard.press("Enter")
    await expect(page.locator(".ask-form > .failure")).to_contain_text("is taken by")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    booked = asks.posted[-1][2]
    assert (booked["room"], booked["unit"]) == ("r-301", "组织部")
    assert booked["until"] - booked["from"] == 60 * MINUTE
    await page.get_by_role("tab", name="Visitors").click()
    await page.get_by_role("button", name="Make a pass").click()
    await page.get_by_role("textbox", name="Visitor").fill("Zhang San")
    await page.get_by_role("textbox", name="Host").fill("Li Na")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    assert asks.posted[-1][0] == "/api/v1/passes"
    assert asks.posted[-1][2]["name"] == "Zhang San"


async def test_why_it_was_refused_is_said_in_the_language_of_the_page(opener: Opener, asks: FakeRequests) -> None:
    screen = await opener(signed_in=True, at="#/dispatch?tab=rooms", locale="zh-CN")
    page = screen.page
    await page.get_by_role("button", name="预订会议室").click()
    await page.locator(".ask-form input[name=unit]").fill("组织部")
    asks.refusal = (409, "room_taken", "2号楼 301 is taken by 财务处 (预算) from 01-05 08:00 to 09:00")
    await page.keyboard.press("Enter")
    said = page.locator(".ask-form > .failure")
    await expect(said).to_have_text("2号楼 301 在 01-05 08:00 至 09:00 已被 财务处 (预算) 预订。")
    asks.refusal = (422, "closed", "2号楼 301 cannot be booked then")
    await page.keyboard.press("Enter")
    await expect(said).to_have_text("2号楼 301 该时段不可预订。")
    asks.refusal = (422, "something_new", "the collector knows why")
    await page.keyboard.press("Enter")
    await expect(said).to_have_text("the collector knows why")
