"""A door in Dispatch: opened from afar by those who may, with names in the place of tags for those who may see them."""

import pytest

from tests.browser.compound import SITE
from tests.browser.fake_access import FakeAccess
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, Screen, expect

DOOR = "south-gate"


@pytest.fixture
def access(api: FakeApi) -> FakeAccess:
    return FakeAccess(api)


@pytest.fixture(autouse=True)
def _there(access: FakeAccess) -> None:
    """Before the page is served."""
    known = {"door": DOOR, "name": "South gate", "gateway": "b3", "local": DOOR, "lock": "fail-secure"}
    access.doors = [{**known, "remote": True, "card_level": 1, "passback": "off"}]


async def at_the_door(opener: Opener) -> Screen:
    return await opener(signed_in=True, at=f"#/dispatch?tab=doors&show=thing:{SITE}/door:{DOOR}")


async def test_a_door_is_opened_beside_the_map_and_its_outcome_is_shown(opener: Opener, access: FakeAccess) -> None:
    page = (await at_the_door(opener)).page
    await page.get_by_role("button", name="Open the door").click()
    await expect(page.locator("#unlock-wrong")).to_have_text("Say why, in a few words.")
    await page.get_by_label("Reason").fill("delivery")
    await page.get_by_label("Reason").press("Enter")
    outcome = page.get_by_role("status", name="Opened from afar")
    await expect(outcome).to_contain_text("Sent …")
    for state, words in (("unknown", "Nobody knows whether it opened."),):
        access.unlocks[0] |= {"state": state}
        await expect(outcome).to_contain_text(words)
    assert access.put == [(f"unlock/{DOOR}", "POST", {"reason": "delivery"})]


async def test_a_door_that_may_not_be_opened_so_says_why(opener: Opener, access: FakeAccess) -> None:
    access.doors[0]["remote"] = False
    page = (await at_the_door(opener)).page
    await expect(page.locator(".panel")).to_contain_text("does not let this door be opened from afar")
    await expect(page.get_by_role("button", name="Open the door")).to_have_count(0)


async def test_names_stand_where_tags_of_cards_were(opener: Opener, access: FakeAccess, api: FakeApi) -> None:
    access.carriers = {"8823a2": "Li Na"}
    text = {"en": "Card 8823a2 was refused at 2 doors", "zh": "卡 8823a2 在 2 个门被拒"}
    alarm = {"id": "w1", "kind": "x", "priority": 2, "source": f"{SITE}/door:{DOOR}", "since": api.clock.now_ms()}
    api.raise_alarm(alarm | {"args": {}, "active": True, "text": text})
    page = (await at_the_door(opener)).page
    panel = page.locator(".panel")
    await expect(panel.locator(".day-list")).to_contain_text("Li Na")
    await expect(panel).not_to_contain_text("8823a2")
    await expect(panel).to_contain_text("Li Na was refused at 2 doors")


async def test_who_may_not_see_names_sees_tags_and_no_button(opener: Opener, access: FakeAccess, api: FakeApi) -> None:
    access.carriers = {"8823a2": "Li Na"}
    for user in api.users.values():
        user["role"] = "viewer"
    page = (await at_the_door(opener)).page
    panel = page.locator(".panel")
    await expect(panel.locator(".day-list")).to_contain_text("8823a2")
    await expect(page.get_by_role("button", name="Open the door")).to_have_count(0)
    await expect(panel).not_to_contain_text("Li Na")
