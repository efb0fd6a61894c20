"""The page Settings: things and their devices by keys and mouse, faults beside their fields, nothing typed is lost."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_settings import FakeSettings, asset
from tests.browser.screen import Opener, Screen, expect

LOOKS = [
    pytest.param({"locale": "en-GB", "color_scheme": "light"}, id="english-light"),
    pytest.param({"locale": "zh-CN", "color_scheme": "dark"}, id="chinese-dark"),
]
SIZES = [(1600, 900), (1280, 720), (390, 844)]

pytestmark = pytest.mark.usefixtures("settings")


async def opened(opener: Opener, at: str = "", **look: Any) -> Screen:
    """The page at a part of it."""
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/settings{at}")
    await expect(screen.page.locator(".set-list, .set-form").first).to_be_visible()
    return screen


async def test_what_is_bound_to_nothing_is_called_out_and_listed(opener: Opener) -> None:
    page = (await opened(opener)).page
    await expect(page.locator(".set-row")).to_have_count(5)
    callouts = page.locator(".callouts")
    await expect(callouts).to_contain_text("74 devices are bound to nothing")
    await expect(callouts).to_contain_text("2 things have no device")
    await expect(callouts).to_contain_text("1 thing names a device that nobody announced")
    await callouts.get_by_role("button", name="1 thing").click()
    await expect(page.locator(".set-row")).to_have_count(1)
    await expect(page.locator(".set-row")).to_contain_text("nobody-knows: not announced")
    await callouts.get_by_role("button", name="74 devices").click()
    await page.get_by_label("Search things and devices").fill("car-02")
    await expect(page.locator(".set-row")).to_have_count(1)
    await page.get_by_role("button", name="All 5").click()
    await page.get_by_label("Search things and devices").fill("")
    await page.get_by_role("button", name="Vehicle 2").click()
    await expect(page.locator(".set-row")).to_have_count(2)


async def test_a_device_is_bound_by_keys_alone_and_says_what_it_is(opener: Opener, settings: FakeSettings) -> None:
    screen = await opened(opener)
    page = screen.page
    await page.locator(".set-list").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("浙A·B0001")
    await page.get_by_role("button", name="Add a device").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#set-device-0")).to_be_focused()
    await page.keyboard.type("gate house")
    first = page.locator("#set-device-0-o0")
    await expect(first).to_contain_text("Vehicle · Gate house ·")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("car-01")
    await expect(first).to_contain_text("bound already to 浙A·00001 (position)")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("car-02")
    await page.keyboard.press("Enter")
    await expect(page.locator("#set-device-0-about")).to_contain_text("Vehicle · Gate house")
    await expect(page.locator("[id='set-asset:vehicle/bus-1']")).to_contain_text("not saved")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".form-end [role=status]")).to_have_text("Saved.")
    path, method, body = settings.put[0]
    assert (path, method) == (f"/api/v1/assets/{SITE}/vehicle/bus-1", "PUT")
    assert body["bindings"] == [{"role": "position", "device": "car-02"}]
    assert body["facts"] == {"plate": "浙A·B0001", "seats": 19, "x_tag": "red"}, "facts of the site's own stay"
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel")).to_have_count(0)
    await expect(page.locator(".set-list")).to_be_focused()
    assert screen.errors == []


async def test_a_new_thing_is_made_with_an_id_out_of_its_name(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener)).page
    await page.keyboard.press("n")
    await page.get_by_label("Kind").select_option("room")
    await page.get_by_role("button", name="Make").click()
    await expect(page.locator("#set-name-wrong")).to_have_text("This is missing.")
    await expect(page.locator("#set-fact-capacity-wrong")).to_have_text("This is missing.")
    await expect(page.locator("#set-name")).to_be_focused()
    await page.get_by_label("Name *").fill("Hall 2")
    await page.get_by_label("seats *").fill("many")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-fact-capacity-wrong")).to_have_text("This is no number.")
    await page.get_by_label("seats *").fill("120")
    await page.get_by_label("may be booked").fill("mon-fri 08:00-18:00\nsat 09:00-12:00")
    await page.get_by_label("booking needs approval").select_option("no")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("Hall 2")
    path, _, body = settings.put[0]
    assert path == f"/api/v1/assets/{SITE}/room/hall-2"
    assert body["facts"] == {
        "capacity": 120,
        "open": ["mon-fri 08:00-18:00", "sat 09:00-12:00"],
        "approval": False,
    }
    await expect(page.locator(".set-row")).to_have_count(6)
    assert "show=asset%3Aroom%2Fhall-2" in page.url, "it has an address"


async def test_a_gateway_is_named_and_placed_and_the_form_says_whether_it_was_ever_heard(
    opener: Opener, settings: FakeSettings
) -> None:
    screen = await opened(opener, "?show=asset:%2Bgateway")
    page = screen.page
    await expect(page.get_by_label("Kind")).to_have_value("gateway")
    await expect(page.get_by_role("button", name="Add a device")).to_have_count(0)
    itself = page.locator(".bindings")
    await page.get_by_label("Name *").fill("Plant room")
    await expect(itself).to_contain_text("No gateway with the id plant-room was ever heard. Heard so far:")
    await expect(itself).to_contain_text("b3-plant-room")
    await page.get_by_label("its id on the wire").fill("b3-plant-room")
    await expect(itself).to_contain_text("B3 plant room · Online")
    await page.get_by_label("latitude").fill("30.2741")
    await page.get_by_label("longitude").fill("120.1551")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("Plant room")
    path, _, body = settings.put[0]
    assert path == f"/api/v1/assets/{SITE}/gateway/plant-room"
    assert body["facts"] == {"gateway": "b3-plant-room", "latitude": 30.2741, "longitude": 120.1551}
    assert body["bindings"] == []
    await expect(page.locator(".set-row", has_text="Plant room")).to_contain_text("Online")
    await expect(page.locator(".callouts")).to_contain_text("2 things have no device")
    assert screen.errors == []


async def test_a_device_bound_to_nothing_begins_a_thing(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener, "?which=devices&show=device:car-03")).page
    await page.get_by_role("button", name="A new one: Vehicle").click()
    await expect(page.locator("#set-device-0-about")).to_contain_text("Gate house")
    await page.get_by_label("plate *").fill("浙A·77777")
    await page.get_by_label("Id", exact=True).fill("car-03")
    await page.get_by_label("plate *").press("Enter")
    await expect(page.locator(".callouts")).to_contain_text("2 things have no device")
    assert settings.put[0][2]["bindings"] == [{"role": "position", "device": "car-03"}]


async def test_faults_the_collector_finds_stand_at_their_fields_and_nothing_is_lost(
    opener: Opener, settings: FakeSettings, api: FakeApi
) -> None:
    page = (await opened(opener, "?show=asset:vehicle/car-00")).page
    await page.get_by_label("where it parks overnight").fill("South car park")
    faults = [{"key": "home", "message": "no such place"}, {"key": "devices.position", "message": "no such device"}]
    settings.refusal = (422, "bad_asset", "home: no such place (and 1 more)", faults)
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-fact-home-wrong")).to_have_text("no such place")
    await expect(page.locator("fieldset .failure")).to_have_text("no such device")
    api.change(f"{SITE}/car-01", observed_at=api.clock.now_ms())
    api.vanish(f"{SITE}/car-05")
    await page.keyboard.press("Escape")
    await page.locator("[id='set-asset:vehicle/bus-1']").click()
    await page.get_by_label("seats for passengers").fill("2")
    await page.locator("[id='set-asset:vehicle/car-00']").click()
    await expect(page.get_by_label("where it parks overnight")).to_have_value("South car park")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".form-end [role=status]")).to_have_text("Saved.")
    assert settings.put[-1][2]["facts"]["home"] == "South car park"


async def test_who_was_slower_is_told_and_decides(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener, "?show=asset:vehicle/car-00")).page
    await page.get_by_label("Name *").fill("Mine")
    settings.assets[0] |= {"name": "Theirs", "rev": 2}
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".set-form .notice")).to_contain_text("Somebody else changed this")
    await expect(page.locator("[id='set-asset:vehicle/car-00']")).to_contain_text("Theirs")
    await expect(page.get_by_label("Name *")).to_have_value("Mine")
    await page.get_by_role("button", name="Keep mine").click()
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".form-end [role=status]")).to_have_text("Saved.")
    assert (settings.assets[0]["name"], settings.assets[0]["rev"]) == ("Mine", 3)


async def test_a_thing_is_removed_after_a_second_question(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener, "?show=asset:guard/li")).page
    await page.get_by_role("button", name="Remove", exact=True).click()
    await page.keyboard.press("Enter")
    await expect(page.locator(".set-row")).to_have_count(4)
    assert settings.put == [(f"/api/v1/assets/{SITE}/guard/li", "DELETE", {})]


async def test_who_only_looks_changes_nothing(opener: Opener, api: FakeApi) -> None:
    api.users["administrator"]["role"] = "viewer"
    page = (await opened(opener, "?show=asset:vehicle/car-00")).page
    await expect(page.get_by_label("Name *")).to_be_disabled()
    await expect(page.locator(".set-form")).to_contain_text("Only administrators")
    await expect(page.get_by_role("button", name="New thing")).to_have_count(0)
    await expect(page.locator(".form-end")).to_have_count(0)


async def test_a_thousand_things_are_listed_at_once(opener: Opener, settings: FakeSettings) -> None:
    settings.assets += [asset("door", f"d-{n}", f"Door {n}") for n in range(1200)]
    page = (await opened(opener)).page
    await expect(page.get_by_role("button", name="All 1,205")).to_be_visible()
    await page.get_by_label("Search things and devices").fill("d-1177")
    await expect(page.locator(".set-row")).to_have_count(1)


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_no_size_scrolls_sideways(opener: Opener, look: dict[str, str]) -> None:
    screen = await opened(opener, "?show=asset:vehicle/car-00", **look)
    page = screen.page
    await page.locator("#set-device-0").click()
    await expect(page.locator("#set-device-0-list")).to_be_visible()
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        found = (await Axe().run(page)).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
        assert await screen.wide() == 0
    assert await screen.violations() == []
    assert screen.foreign == []
