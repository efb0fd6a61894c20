"""Commands where people are: asked for on a device's panel; the header counts those that need this second person."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_commands import GATE, FakeCommands
from tests.browser.screen import Opener, Screen, expect

LOOKS = [
    pytest.param({"locale": "en-GB", "color_scheme": "light"}, id="english-light"),
    pytest.param({"locale": "zh-CN", "color_scheme": "dark"}, id="chinese-dark"),
]
SIZES = [(1600, 900), (1280, 720), (390, 844)]
PICTURES = os.environ.get("DAYUAN_PICTURES")


@pytest.fixture
def commands(api: FakeApi) -> FakeCommands:
    return FakeCommands(api)


async def opened(opener: Opener, **look: Any) -> Screen:
    screen = await opener(signed_in=True, at=f"#/overview?show=device:{GATE}", **look)
    await expect(screen.page.locator(".panel form.order")).to_be_visible()
    return screen


async def test_a_command_is_sent_after_a_second_look_and_its_answer_is_shown(
    commands: FakeCommands, opener: Opener
) -> None:
    screen = await opened(opener)
    panel = screen.page.locator(".panel")
    await panel.get_by_role("button", name="Go on").click()
    await expect(panel.get_by_role("alert")).to_contain_text("Say why")
    assert commands.given == []
    await panel.get_by_label("Reason").fill("lamp of the gate")
    await panel.get_by_role("button", name="Go on").click()
    await expect(panel.locator(".notice")).to_contain_text("Is this meant?")
    assert commands.given == []
    await panel.get_by_role("button", name="Send it now").click()
    outcome = panel.locator(".order-list li").first
    await expect(outcome).to_contain_text("has not answered yet")
    (sent,) = commands.given
    assert (sent["site"], sent["device"], sent["point"], sent["action"]) == (SITE, "door-01", "relay_2", "on")
    assert (sent["value"], sent["reason"]) == (None, "lamp of the gate")
    commands.answer("refused", "the rate is over")
    await expect(outcome).to_contain_text("The gateway did not do it.")
    await expect(outcome).to_contain_text("the rate is over")
    assert screen.errors == []


async def test_a_point_for_two_says_so_before_and_waits_for_the_other(commands: FakeCommands, opener: Opener) -> None:
    screen = await opened(opener)
    panel = screen.page.locator(".panel")
    await panel.get_by_label("What").select_option("1")
    await expect(panel.locator("form.order")).to_contain_text("Two people stand for this")
    await expect(panel.locator("form.order")).to_contain_text("At most 3 in 10")
    await panel.get_by_label("Reason").fill("delivery")
    for wrong in ("", "0.5", "six", "9"):
        await panel.get_by_label("Value, s").fill(wrong)
        await panel.get_by_role("button", name="Go on").click()
        await expect(panel.get_by_role("alert")).to_have_text("A number from 1 to 5 s.")
    await panel.get_by_label("Value, s").fill("3")
    await panel.get_by_role("button", name="Go on").click()
    await panel.get_by_role("button", name="Ask for the second person").click()
    outcome = panel.locator(".order-list li").first
    await expect(outcome).to_contain_text("Waits for the second person.")
    assert commands.given == []
    (row,) = commands.asked
    assert (row["value"], row["reason"]) == (3, "delivery")
    await expect(screen.page.locator(".to-decide")).to_have_count(0)
    commands.decide(row, "rejected")
    await expect(outcome).to_contain_text("It was not sent.")


async def test_the_header_counts_what_waits_for_this_person_as_it_changes_and_asks_only_then(
    commands: FakeCommands, opener: Opener
) -> None:
    screen = await opener(signed_in=True)
    api, badge = screen.api, screen.page.locator(".to-decide")
    await expect(badge).to_have_count(0)
    first, second = commands.waits(mine=False), commands.waits(mine=False)
    await expect(badge.locator("b")).to_have_text("2")
    commands.decide(first, "approved")
    await expect(badge.locator("b")).to_have_text("1")
    await badge.click()
    await expect(screen.page.locator(".id-row").first).to_contain_text("door-01")
    commands.decide(second, "expired")
    await expect(badge).to_have_count(0)
    assert api.requests.count("/api/v1/approvals") <= 6
    assert screen.errors == []


async def test_who_may_not_command_is_shown_neither(commands: FakeCommands, api: FakeApi, opener: Opener) -> None:
    api.users["administrator"]["role"] = "viewer"
    screen = await opener(signed_in=True, at=f"#/overview?show=device:{GATE}")
    await expect(screen.page.locator(".panel")).to_be_visible()
    commands.waits(mine=False)
    await expect(screen.page.locator(".alarm-count")).to_be_visible()
    await expect(screen.page.locator("form.order, .to-decide")).to_have_count(0)
    assert not [path for path in api.requests if path.startswith(("/api/v1/approvals", "/api/v1/commands"))]


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_no_size_scrolls_sideways(
    commands: FakeCommands, opener: Opener, look: dict[str, str]
) -> None:
    commands.waits(mine=False)
    commands.waits(mine=True)
    screen = await opened(opener, **look)
    page = screen.page
    panel = page.locator(".panel")
    await panel.locator("#order-point").select_option("1")
    await panel.locator("#order-value").fill("3")
    await panel.locator("#order-reason").fill("delivery for the canteen")
    await panel.locator("form.order button[type=submit]").click()
    await expect(panel.locator(".notice")).to_be_visible()
    await expect(page.locator(".to-decide")).to_be_visible()
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        found = (await Axe().run(page)).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
        assert await screen.wide() == 0
        if PICTURES:
            await panel.locator("form.order").scroll_into_view_if_needed()
            await page.screenshot(path=Path(PICTURES) / f"command-{look['color_scheme']}-{width}.png")
    assert await screen.violations() == []
    assert screen.errors == []
