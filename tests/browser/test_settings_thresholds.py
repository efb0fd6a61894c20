"""The page Settings: the thresholds of vehicles, of dispatch and of use."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_settings import FakeSettings
from tests.browser.screen import Opener, Screen, expect

SAVED = ".form-end [role=status]"

pytestmark = pytest.mark.usefixtures("settings")


async def opened(opener: Opener, section: str, **look: str) -> Screen:
    """A section."""
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/settings?set={section}")
    await expect(screen.page.locator(".thresholds")).to_be_visible()
    return screen


async def test_thresholds_of_vehicles_are_changed_and_the_rest_stays(opener: Opener, settings: FakeSettings) -> None:
    screen = await opened(opener, "fleet")
    page = screen.page
    before = dict(settings.fleet["settings"])
    await page.get_by_label("Who needs an order to drive").select_option("always")
    await page.get_by_label("Not contactable after silence, driving").fill("10")
    await page.get_by_label("When vehicles may be used").fill("workday 07:00-20:00\nsat 08:00-12:00")
    await page.get_by_role("button", name="Add one").click()
    await page.get_by_label("Name of period 1").fill("国庆")
    await page.get_by_label("Name of period 1").press("Enter")
    await expect(page.locator(".rows .failure")).to_have_text("Period 1 needs a name, a beginning and an end.")
    await page.get_by_label("Period 1 from").fill("2027-10-01T00:00")
    await page.get_by_label("Period 1 until").fill("2027-10-08T00:00")
    await page.get_by_label("Vehicles of period 1").fill("car-01, car-02")
    await page.get_by_label("Name of period 1").press("Enter")
    await expect(page.locator(SAVED)).to_have_text("Saved.")
    seal = {"name": "国庆", "since": 1822320000000, "until": 1822924800000, "vehicles": ["car-01", "car-02"]}
    assert settings.put[0][2] == before | {
        "orders": "always",
        "stale_s": 600,
        "hours": ["workday 07:00-20:00", "sat 08:00-12:00"],
        "seals": [seal],
    }
    await page.get_by_label("A trip begins after").fill("0")
    await page.get_by_label("A trip begins after").press("Enter")
    await expect(page.locator("#set-trip_distance_m-wrong")).to_contain_text("Expected `float` > 0.0")
    await expect(page.get_by_label("A trip begins after")).to_have_value("0")
    assert screen.errors == []


async def test_settings_of_dispatch_are_laid_over_what_others_changed_meanwhile(
    opener: Opener, settings: FakeSettings
) -> None:
    page = (await opened(opener, "dispatch")).page
    await page.locator("#set-tiers-4h-assign_s").fill("20")
    await page.locator(".tiers").get_by_label("24 h").check()
    await page.get_by_role("button", name="Add one").click()
    await page.get_by_label("When, line 1").select_option("out_of_town")
    settings.dispatch["settings"]["vehicle_kmh"] = 40.0
    settings.dispatch["rev"] += 1
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".form-end ~ .failure, .failure.wide").first).to_contain_text("nothing was saved")
    assert settings.dispatch["settings"]["tiers"]["4h"]["assign_s"] == 1800.0
    await page.get_by_role("button", name="Keep mine").click()
    await expect(page.locator("#set-vehicle_kmh")).to_have_value("40")
    await expect(page.locator("#set-tiers-4h-assign_s")).to_have_value("20")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(SAVED)).to_have_text("Saved.")
    kept = settings.dispatch["settings"]
    assert kept["tiers"]["4h"] == {"acknowledge_s": 600.0, "assign_s": 1200.0, "approve_s": 3600.0}
    assert (kept["automatic"], kept["approval"]) == (["24h"], [{"when": "out_of_town", "kind": ""}])
    assert kept["vehicle_kmh"] == 40.0


async def test_the_share_below_which_things_are_evaluated_is_set_in_percent(
    opener: Opener, settings: FakeSettings
) -> None:
    page = (await opened(opener, "rooms")).page
    await expect(page.get_by_label("Used less than")).to_have_value("30")
    await page.get_by_label("Used less than").fill("150")
    await page.get_by_label("Used less than").press("Enter")
    await expect(page.locator("#set-evaluation_under-wrong")).to_have_text("From 0 to 100.")
    await page.get_by_label("Used less than").fill("25")
    await page.get_by_label("Used less than").press("Enter")
    await expect(page.locator(SAVED)).to_have_text("Saved.")
    path, _, body = settings.put[0]
    assert (path, body["evaluation_under"]) == (f"/api/v1/dispatch/settings/{SITE}", 0.25)


async def test_what_is_watched_without_a_rule_gets_limits_priorities_and_may_be_off(
    opener: Opener, settings: FakeSettings
) -> None:
    screen = await opened(opener, "builtin")
    page = screen.page
    await page.get_by_label("Held when open for").fill("45")
    await page.get_by_label("Readings have waited for").fill("10")
    held = page.get_by_label("Door held open")
    await expect(held.locator("option").first).to_have_text("as built in (P2)")
    await held.select_option("P1")
    await page.get_by_label("Parked in the wrong place").select_option("off")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(SAVED)).to_have_text("Saved.")
    path, _, body = settings.put[0]
    assert path == f"/api/v1/alarm-settings/{SITE}"
    assert (body["door_held_s"], body["backlog_age_s"], body["gateway_silent_s"]) == (45, 600, 60)
    assert body["kinds"] == {
        "door_held": {"priority": 1, "off": False},
        "wrong_parking": {"priority": None, "off": True},
    }
    await held.select_option("as built in (P2)")
    await page.get_by_role("button", name="Save").click()
    await expect(held).to_have_value("")
    await expect(page.locator(SAVED)).to_have_text("Saved.")
    assert settings.built_in["settings"]["kinds"].keys() == {"wrong_parking"}
    await page.get_by_label("Offline after silence of").fill("1")
    await page.get_by_label("Offline after silence of").press("Enter")
    await expect(page.locator("#set-gateway_silent_s-wrong")).to_have_text("At least 30.")
    assert screen.errors == []


async def test_axe_finds_nothing_and_no_size_scrolls_sideways(opener: Opener) -> None:
    screen = await opened(opener, "fleet", locale="zh-CN", color_scheme="dark")
    page = screen.page
    for section in ("fleet", "dispatch", "builtin"):
        await page.goto(f"{screen.served.url}/#/settings?set={section}")
        for width, height in [(1600, 900), (1280, 720), (390, 844)]:
            await page.set_viewport_size({"width": width, "height": height})
            found = (await Axe().run(page)).response["violations"]
            assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
            assert await screen.wide() == 0
    assert await screen.violations() == []
    assert screen.foreign == []
