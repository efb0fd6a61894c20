"""The page Settings: alarm rules and webhooks."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_settings import FakeSettings
from tests.browser.screen import Opener, Screen, expect

SAVED = "Saved."
PLACES = ["?set=rules&show=rule:feeder-voltage", "?set=webhooks&show=webhook:duty-group"]

pytestmark = pytest.mark.usefixtures("settings")


async def opened(opener: Opener, at: str, **look: Any) -> Screen:
    """The page at a part of it."""
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/settings{at}")
    await expect(screen.page.locator(".set-list, .set-form").first).to_be_visible()
    return screen


async def test_a_rule_is_made_by_keys_and_said_in_words_before_it_is_kept(
    opener: Opener, settings: FakeSettings
) -> None:
    screen = await opened(opener, "?set=rules")
    page = screen.page
    await expect(page.locator(".set-row")).to_have_count(1)
    await expect(page.locator(".set-row .says")).to_have_text(
        "Alarm P2 when Voltage L1 of any device of the site is above 253 V for 1 min. It is over when 2 V back inside."
    )
    await page.keyboard.press("n")
    await page.get_by_label("Name *").fill("Chiller draws too much")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-point-wrong")).to_have_text("This is missing.")
    await expect(page.locator("#set-limit-wrong")).to_have_text("This is missing.")
    await page.locator("#set-device").press("ArrowDown")
    await page.keyboard.type("meter-02")
    await page.keyboard.press("Enter")
    await page.locator("#set-point").press("ArrowDown")
    await page.keyboard.type("active_power_total")
    await page.keyboard.press("Enter")
    await page.get_by_label("Above *").fill("45000.5")
    await page.get_by_label("For", exact=True).fill("90")
    await expect(page.locator(".set-form .says")).to_contain_text("is above 45,000.5 W for 90 s.")
    await page.get_by_role("button", name="Try it on the last 7 days").click()
    await expect(page.locator(".tried")).to_contain_text("3 alarms in 7 days, on 12 series with 120,960 readings")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".set-row")).to_have_count(2)
    body = {
        "name": "Chiller draws too much", "site": SITE, "device": "meter-02", "point": "active_power_total",
        "condition": "high", "limit": 45000.5, "deadband": 0, "delay_s": 90, "priority": 2, "todo": "",
        "enabled": True,
    }  # fmt: skip
    assert settings.put[0] == ("/api/v1/alarm-rules/new/dry-run", "POST", body)
    path, method, made = settings.put[1]
    assert (path, method, made) == ("/api/v1/alarm-rules/chiller-draws-too-much", "PUT", body | {"rev": 0})
    assert screen.errors == []


async def test_each_condition_asks_only_for_what_it_needs(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener, "?set=rules&show=rule:%2B")).page
    await page.get_by_label("Name *").fill("Door stands open")
    await page.locator("#set-point").press("ArrowDown")
    await page.keyboard.type("door_open")
    await page.keyboard.press("Enter")
    await page.get_by_label("When", exact=True).select_option("state")
    await page.get_by_label("Is *").select_option("1")
    await page.get_by_label("For", exact=True).fill("600")
    await expect(page.locator(".set-form .says")).to_contain_text("is open for 10 min.")
    await page.get_by_label("When", exact=True).select_option("stale")
    await expect(page.locator("#set-limit")).to_have_count(0)
    await page.get_by_label("For longer than").fill("5")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-delay_s-wrong")).to_have_text("From 10 to 604800.")
    await page.get_by_label("For longer than").fill("5400")
    await expect(page.locator(".set-form .says")).to_have_text(
        "Alarm P2 when any device of the site has sent no Door for 90 min."
    )
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("Door stands open")
    assert settings.put[0][2]["limit"] is None


async def test_what_the_collector_refuses_of_a_rule_stands_at_its_field(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener, PLACES[0])).page
    settings.refusal = (422, "bad_rule", "limit: a rate is greater than 0", [])
    await page.get_by_label("Above *").fill("250")
    await page.get_by_label("Above *").press("Enter")
    await expect(page.locator("#set-limit-wrong")).to_have_text("a rate is greater than 0")
    await expect(page.get_by_label("Above *")).to_have_value("250")
    await page.get_by_label("Above *").press("Enter")
    await expect(page.locator(".form-end [role=status]")).to_have_text(SAVED)
    await page.get_by_text("Watched without a rule").click()
    await page.locator(".built-in").get_by_role("button", name="Built-in alarms").first.click()
    await expect(page.get_by_label("Held when open for")).to_be_visible()


async def test_a_secret_is_written_and_never_shown_again(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener, "?set=webhooks&show=webhook:%2B")).page
    await page.get_by_label("Name *").fill("值班群")
    await page.get_by_label("What is sent").select_option("dingtalk")
    await page.get_by_label("Address *").fill("robot")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-url-wrong")).to_contain_text("https://")
    await page.get_by_label("Address *").fill("https://oapi.dingtalk.com/robot/send?access_token=abc")
    await page.get_by_label("Secret").fill("SEC123")
    settings.refusal = (422, "bad_webhook", "kinds: 'door_forcd' is no kind of alarm", [])
    await page.get_by_label("Only these kinds of alarms").fill("door_forcd")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-kinds-wrong")).to_contain_text("is no kind of alarm")
    await expect(page.get_by_label("Secret")).to_have_value("SEC123")
    await page.get_by_label("Only these kinds of alarms").fill("door_forced\nrule_high")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("webhook-1")
    path, _, body = settings.put[-1]
    assert path == "/api/v1/webhooks/webhook-1"
    assert (body["secret"], body["kinds"]) == ("SEC123", ["door_forced", "rule_high"])
    await expect(page.get_by_label("Secret", exact=True)).to_have_value("")
    await page.get_by_label("Language of the text").select_option("en")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".form-end [role=status]")).to_have_text(SAVED)
    assert "secret" not in settings.put[-1][2], "what nobody typed anew stays"
    assert "url" not in settings.put[-1][2]
    assert "SEC123" not in await page.content()


async def test_a_test_says_what_the_receiver_answered(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener, PLACES[1])).page
    await expect(page.locator(".deliveries li")).to_have_count(2)
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.locator(".tested")).to_contain_text("The test was not taken. 310000 sign not match")
    await page.get_by_role("button", name="Remove", exact=True).click()
    await page.get_by_role("button", name="Yes, remove").click()
    await expect(page.locator(".set-box")).to_contain_text("sent nowhere yet")


async def test_nobody_but_administrators_sees_webhooks(opener: Opener, api: FakeApi) -> None:
    api.users["administrator"]["role"] = "dispatcher"
    screen = await opener(signed_in=True)
    await screen.page.goto(f"{screen.served.url}/#/settings{PLACES[1]}")
    await expect(screen.page.locator(".list-card")).to_contain_text("Only administrators")
    assert "/api/v1/webhooks" not in api.requests


@pytest.mark.parametrize("at", PLACES)
async def test_axe_finds_nothing_and_no_size_scrolls_sideways(opener: Opener, at: str) -> None:
    screen = await opened(opener, at, locale="zh-CN", color_scheme="dark")
    page = screen.page
    await expect(page.locator(".set-form")).to_be_visible()
    for width, height in [(1600, 900), (1280, 720), (390, 844)]:
        await page.set_viewport_size({"width": width, "height": height})
        found = (await Axe().run(page)).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
        assert await screen.wide() == 0
    box = await page.locator("#set-name").bounding_box()
    assert box is not None
    assert box["width"] > 330, "a phone has one column"
    assert await screen.violations() == []
    assert screen.foreign == []
