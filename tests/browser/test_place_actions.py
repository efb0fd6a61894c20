"""Beside a room and a visitor: what may be done, asked before it cannot be undone, refused when somebody was faster."""

import pytest
import pytest_asyncio

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_places import TAKEN, FakePlaces
from tests.browser.fake_requests import FakeRequests
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import LOOKS, problems

ROOM = f"{SITE}/room:r-301"
EXPECTED = f"{SITE}/visitor:v-1"
MINUTE = 60_000


@pytest.fixture
def places(api: FakeApi) -> FakePlaces:
    """Bookings and passes."""
    return FakePlaces(api)


@pytest.fixture
def dispatch(api: FakeApi, places: FakePlaces) -> FakeDispatch:
    """The compound, with the routes of requests in front."""
    FakeRequests(api)
    made = FakeDispatch(api)
    for each in api.entities.values():
        if each["kind"] == "visitor":
            each["attributes"]["rev"] = 2
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def room(opener: Opener) -> Screen:
    """A room with its bookings."""
    screen = await opener(signed_in=True, at=f"#/dispatch?show=thing:{ROOM}")
    await screen.page.locator(".bookings li").first.wait_for()
    return screen


async def visitor(opener: Opener, entity: str = EXPECTED) -> Screen:
    """A visitor, opened."""
    screen = await opener(signed_in=True, at=f"#/dispatch?show=thing:{entity}")
    await screen.page.locator(".panel .facts").wait_for()
    return screen


async def test_a_booking_is_signed_in_only_when_its_time_has_come(room: Screen, places: FakePlaces) -> None:
    rows = room.page.locator(".bookings li")
    await expect(rows.nth(1).get_by_text("Sign in", exact=True)).to_have_count(0)
    await rows.nth(0).get_by_text("Sign in", exact=True).click()
    await expect(rows.nth(0)).to_contain_text("signed in")
    path, key, body = places.posted[0]
    assert (path, body) == ("/api/v1/bookings/b-1/sign-in", {"rev": 4})
    assert len(key) >= 16


async def test_a_booking_is_cancelled_only_after_it_was_asked_whether_that_is_meant(
    room: Screen, places: FakePlaces
) -> None:
    page = room.page
    rows = page.locator(".bookings li")
    await rows.nth(1).get_by_text("Cancel", exact=True).click()
    await expect(page.locator(".sure")).to_contain_text("of 财务处? This cannot be undone")
    await expect(page.locator(".sure .btn").last).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".sure")).to_have_count(0)
    await expect(page.locator(".panel")).to_be_visible()
    assert places.posted == []
    await rows.nth(1).get_by_text("Cancel", exact=True).click()
    await page.get_by_role("button", name="Cancel the booking").click()
    await expect(rows).to_have_count(1)
    assert places.posted[0][2] == {"rev": 4}


async def test_another_end_is_half_an_hour_later_unless_said_and_who_has_the_room_then_is_named(
    room: Screen, places: FakePlaces
) -> None:
    page = room.page
    until = places.bookings["b-1"]["until"]
    places.refusal = (409, "room_taken", TAKEN)
    await page.locator(".bookings li").nth(0).get_by_text("Change the end", exact=True).click()
    await expect(page.locator("#new-end")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".bookings .notice")).to_contain_text("财务处")
    await expect(page.locator(".bookings .notice")).to_contain_text("Free then: 2号楼 302")
    await expect(page.locator("#new-end")).to_be_visible()
    await page.locator("#new-end").press("Enter")
    await expect(page.locator("#new-end")).to_have_count(0)
    asked = places.posted[-1][2]["until"]
    assert 29 * MINUTE < asked - until <= 30 * MINUTE
    await page.locator(".bookings li").nth(0).get_by_text("Change the end", exact=True).click()
    await page.fill("#new-end", "2020-01-01T08:00")
    await page.locator("#new-end").press("Enter")
    await expect(page.locator("#new-end-wrong")).not_to_be_empty()
    assert len(places.posted) == 2


async def test_when_somebody_was_faster_the_booking_is_shown_as_it_is_now(room: Screen, places: FakePlaces) -> None:
    page = room.page
    places.overtake = {"state": "signed_in", "unit": "档案科"}
    await page.locator(".bookings li").nth(0).get_by_text("Cancel", exact=True).click()
    await page.get_by_role("button", name="Cancel the booking").click()
    await expect(page.locator(".bookings .notice")).to_contain_text("Somebody changed this meanwhile")
    await expect(page.locator(".sure")).to_contain_text("of 档案科")
    await page.get_by_role("button", name="Cancel the booking").click()
    await expect(page.locator(".bookings li")).to_have_count(1)
    assert [body["rev"] for _, _, body in places.posted] == [4, 5]


async def test_a_visitor_arrives_and_leaves(opener: Opener, places: FakePlaces) -> None:
    screen = await visitor(opener)
    page = screen.page
    await page.get_by_role("button", name="Arrived").click()
    await page.get_by_role("button", name="Left").click()
    await expect(page.locator(".actions .btn")).to_have_text(["Arrived"])
    assert [(path.split("/")[-1], body) for path, _, body in places.posted] == [
        ("arrive", {"rev": 2}),
        ("leave", {"rev": 3}),
    ]


async def test_a_pass_is_cancelled_only_when_that_is_meant_and_not_when_the_visitor_has_come_meanwhile(
    opener: Opener, places: FakePlaces, api: FakeApi
) -> None:
    screen = await visitor(opener)
    page = screen.page
    await page.locator(".actions").get_by_role("button", name="Cancel the pass").click()
    await expect(page.locator(".sure")).to_contain_text("Cancel the pass of 访客 1?")
    api.change(EXPECTED, attributes={"state": "arrived", "rev": 3})
    await expect(page.locator(".sure")).to_contain_text("cannot be cancelled any more")
    await expect(page.locator(".sure .pri")).to_be_disabled()
    api.change(EXPECTED, attributes={"state": "expected", "rev": 4})
    await page.locator(".sure").get_by_role("button", name="Cancel the pass").click()
    await expect(page.locator(".sure")).to_have_count(0)
    assert places.posted == [(f"/api/v1/passes/{EXPECTED.split(':')[1]}/cancel", places.posted[0][1], {"rev": 4})]


async def test_who_only_looks_sees_bookings_and_nothing_to_press(opener: Opener, api: FakeApi) -> None:
    api.users["administrator"]["role"] = "viewer"
    screen = await opener(signed_in=True, at=f"#/dispatch?show=thing:{ROOM}")
    await expect(screen.page.locator(".bookings li")).to_have_count(2)
    await expect(screen.page.locator(".bookings .btn")).to_have_count(0)


@pytest.mark.parametrize("look", LOOKS[::3])
async def test_axe_finds_nothing(opener: Opener, look: dict[str, str], places: FakePlaces) -> None:
    screen = await opener(signed_in=True, at=f"#/dispatch?show=thing:{ROOM}", **look)
    page = screen.page
    await page.locator(".bookings li").nth(0).locator(".btn").last.click()
    await expect(page.locator(".sure")).to_be_visible()
    assert await problems(screen) == []
    await page.locator(".bookings li").nth(0).locator(".booking-actions .btn").nth(1).click()
    await expect(page.locator("#new-end")).to_be_visible()
    assert await problems(screen) == []
    assert screen.errors == []
    assert await screen.violations() == []


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
async def test_it_fits_the_window(opener: Opener, size: tuple[int, int], places: FakePlaces) -> None:
    width, height = size
    at = f"#/dispatch?show=thing:{ROOM}&pane=things"
    screen = await opener(signed_in=True, at=at, viewport={"width": width, "height": height})
    await screen.page.locator(".bookings .btn").last.click()
    await expect(screen.page.locator(".sure")).to_be_visible()
    assert await screen.wide() <= 0
