"""The page Settings: identities of gateways, and commands that need two people."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_identities import FakeIdentities
from tests.browser.screen import Opener, Screen, expect

LOOKS = [
    pytest.param({"locale": "en-GB", "color_scheme": "light"}, id="english-light"),
    pytest.param({"locale": "zh-CN", "color_scheme": "dark"}, id="chinese-dark"),
]
SIZES = [(1600, 900), (1280, 720), (390, 844)]

pytestmark = pytest.mark.usefixtures("settings", "identities")


@pytest.fixture
def identities(api: FakeApi) -> FakeIdentities:
    return FakeIdentities(api)


async def opened(opener: Opener, section: str, **look: Any) -> Screen:
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/settings?set={section}")
    await expect(screen.page.locator(".id-row").first).to_be_visible()
    return screen


async def test_a_code_is_made_shown_once_with_its_command_and_forgotten(
    opener: Opener, identities: FakeIdentities
) -> None:
    screen = await opened(opener, "identities")
    page = screen.page
    await expect(page.locator(".id-row")).to_have_count(4)
    await page.get_by_label("Gateway", exact=True).fill("Not an id")
    await page.get_by_role("button", name="Make a code").click()
    await expect(page.get_by_role("alert")).to_contain_text("Lower-case letters")
    await page.get_by_label("Gateway", exact=True).fill("gw-09")
    await page.get_by_label("Gateway", exact=True).press("Enter")
    command = page.locator(".command")
    await expect(command).to_have_text(f"dayuan-edge enrol {screen.served.url} K7QFD-3NM2P-9XW4R-2XV4A site.toml")
    assert identities.asked == [(f"/api/v1/identities/{SITE}/gw-09/code", "")]
    await page.get_by_role("button", name="I have it").click()
    await expect(command).to_have_count(0)
    assert "K7QFD" not in await page.content()
    assert screen.errors == []


async def test_a_gateway_is_revoked_with_a_reason_and_not_without(opener: Opener, identities: FakeIdentities) -> None:
    page = (await opened(opener, "identities")).page
    row = page.locator(".id-row").nth(1)
    await expect(row).to_contain_text("not renewed")
    await row.get_by_role("button", name="Revoke").click()
    sure = row.get_by_role("button", name="Revoke gw-02")
    await expect(sure).to_be_disabled()
    await row.get_by_label("Why?").fill("box stolen")
    await sure.click()
    await expect(row).to_contain_text("revoked")
    assert identities.asked == [(f"/api/v1/identities/{SITE}/gw-02/revoke", "reason=box%20stolen")]


async def test_what_another_asked_for_is_approved_and_ones_own_only_taken_back(
    opener: Opener, identities: FakeIdentities
) -> None:
    page = (await opened(opener, "approvals")).page
    other, own = page.locator(".id-row").nth(0), page.locator(".id-row").nth(1)
    await expect(other).to_contain_text("gate-north · relay_1 pulse 3")
    await expect(own.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(own).to_contain_text("another person must approve")
    identities.refusal = (409, "expired", "nobody approved it in time; ask again")
    await other.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("alert")).to_have_text("Nobody approved it in time; ask again.")
    await other.get_by_role("button", name="Approve").click()
    await expect(other).to_contain_text("approved")
    await own.get_by_role("button", name="Take it back").click()
    await expect(own).to_contain_text("rejected")
    assert [path.rsplit("/", 1)[1] for path, _ in identities.asked] == ["approve", "approve", "reject"]


@pytest.mark.parametrize("section", ["identities", "approvals"])
@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_no_size_scrolls_sideways(
    opener: Opener, identities: FakeIdentities, section: str, look: dict[str, str]
) -> None:
    screen = await opened(opener, section, **look)
    page = screen.page
    if section == "identities":
        await page.locator(".id-row").first.locator("button").first.click()
        await expect(page.locator(".command")).to_be_visible()
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        found = (await Axe().run(page)).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
        assert await screen.wide() == 0
    assert await screen.violations() == []
    assert screen.errors == []
