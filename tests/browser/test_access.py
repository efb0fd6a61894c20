"""The page Access: people and cards, who may open what, why a card was refused, opening from afar."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.fake_access import LI_CARD, NEW_CARD, FakeAccess, record
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, Screen, expect

PLACES = (
    "",
    "?show=holder:li-na",
    f"?part=credential&show=credential:{LI_CARD}",
    "?part=permission&show=permission:%2B",
    "?part=schedule&show=schedule:work",
    "?part=doors&show=control:north-gate",
    f"?part=heard&show=stranger:{NEW_CARD}",
    "?part=import",
)


@pytest.fixture
def access(api: FakeApi) -> FakeAccess:
    return FakeAccess(api)


@pytest.fixture(autouse=True)
def _there(access: FakeAccess) -> None:
    """Before the page is served."""


async def opened(opener: Opener, at: str, **look: Any) -> Screen:
    """The page at a part of it."""
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/access{at}")
    await expect(screen.page.locator(".access .set-list, .access .set-box").first).to_be_visible()
    return screen


async def test_somebody_is_added_by_keys_and_given_a_name_of_their_own(opener: Opener, access: FakeAccess) -> None:
    screen = await opened(opener, "")
    page = screen.page
    await expect(page.locator(".set-row")).to_have_count(3)
    await page.keyboard.press("n")
    await page.get_by_label("Name *").fill("Wu Jie")
    await page.get_by_label("Unit").fill("Logistics")
    await page.get_by_label("Last day").fill("2026-12-31")
    await page.get_by_label("Unit").press("Enter")
    await expect(page.locator(".set-row")).to_have_count(4)
    ((path, method, body),) = access.put
    assert (path, method) == ("holder/wu-jie", "PUT")
    last_day_ends = 1_798_732_800_000  # 2027-01-01 00:00 in Shanghai
    assert body == {"name": "Wu Jie", "unit": "Logistics", "until_at": last_day_ends, "disabled": False}
    assert screen.errors == []


async def test_a_card_held_to_a_reader_is_given_away_with_a_choice_and_a_click(
    opener: Opener, access: FakeAccess
) -> None:
    page = (await opened(opener, "?part=heard")).page
    await page.get_by_role("option", name="Card c4c4 c4c4").click()
    await page.get_by_label("Person *").select_option("li-na")
    await page.get_by_role("button", name="Make").click()
    await expect(page.get_by_text("None in the last day. Hold a new card to a reader.")).to_be_visible()
    ((path, _, body),) = access.put
    assert path == f"credential/{NEW_CARD}"
    assert (body["holder"], body["level"], body["blocked"]) == ("li-na", 1, "")


async def test_a_refusal_is_explained_by_what_the_door_said_and_by_todays_rules(opener: Opener) -> None:
    page = (await opened(opener, "?part=heard")).page
    await page.get_by_role("option", name="王伟").click()
    panel = page.locator(".panel")
    await expect(panel.locator("dd.warn")).to_have_text("the card is blocked")
    await expect(panel).to_contain_text("the card is blocked · lost")


async def test_a_door_is_opened_with_a_reason_and_its_outcome_is_shown(opener: Opener, access: FakeAccess) -> None:
    page = (await opened(opener, "?part=doors&show=control:north-gate")).page
    await expect(page.locator(".panel")).to_contain_text("Li Na")
    await page.get_by_role("button", name="Open the door").click()
    await expect(page.locator("#unlock-wrong")).to_have_text("Say why, in a few words.")
    assert access.put == []
    await page.get_by_label("Reason").fill("delivery")
    await page.get_by_label("Reason").press("Enter")
    outcome = page.get_by_role("status", name="Opened from afar")
    await expect(outcome).to_contain_text("Sent …")
    access.unlocks[0] |= {"state": "unknown", "detail": "the device did not answer"}
    await expect(outcome).to_contain_text("Nobody knows whether it opened.")
    assert access.put == [("unlock/north-gate", "POST", {"reason": "delivery"})]


async def test_a_door_whose_gateway_is_away_says_so(opener: Opener, access: FakeAccess) -> None:
    page = (await opened(opener, "?part=doors&show=control:north-gate")).page
    access.refusal = (409, {"error": {"code": "offline", "message": "b3 is offline", "hint": ""}})
    await page.get_by_label("Reason").fill("delivery")
    await page.get_by_label("Reason").press("Enter")
    await expect(page.locator("#unlock-wrong")).to_have_text(
        "Its gateway is offline: the door would not open. Send somebody."
    )


async def test_a_gateway_with_an_old_list_stands_out(opener: Opener) -> None:
    page = (await opened(opener, "?part=doors")).page
    await expect(page.locator(".access-list .warn")).to_have_count(1)
    await expect(page.locator(".access-list .warn")).to_contain_text("Goes by an older list.")
    await expect(page.locator(".access-list .warn")).to_contain_text("signature: not signed by our collector")


async def test_what_is_wrong_stands_beside_its_field_and_who_was_faster_is_said(
    opener: Opener, access: FakeAccess
) -> None:
    page = (await opened(opener, "?part=schedule&show=schedule:work")).page
    fault = {"key": "parts", "message": "'whenever' is no schedule"}
    access.refusal = (422, {"error": {"code": "bad_record", "message": "", "hint": ""}, "errors": [fault]})
    await page.get_by_label("Hours, one a line").fill("whenever")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#access-schedule-parts-wrong")).to_have_text("'whenever' is no schedule")
    access.refusal = (409, {"error": {"code": "changed_meanwhile", "message": "", "hint": ""}})
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert").get_by_text("Somebody else changed it meanwhile")).to_be_visible()
    await expect(page.get_by_label("Hours, one a line")).to_have_value("whenever")


async def test_who_may_not_see_people_is_not_offered_the_page(opener: Opener, api: FakeApi, access: FakeAccess) -> None:
    api.users["administrator"]["role"] = "viewer"
    screen = await opener(signed_in=True)
    await screen.page.goto(f"{screen.served.url}/#/access")
    await expect(screen.page.get_by_role("link", name="Overview")).to_be_visible()
    await expect(screen.page.get_by_role("link", name="Access")).to_have_count(0)
    assert not [path for path in api.requests if path.startswith("/api/v1/access/")]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_and_nothing_is_left_without_words(opener: Opener, theme: str) -> None:
    screen = await opened(opener, "", color_scheme=theme)
    page = screen.page
    for at in PLACES:
        await page.goto(f"{screen.served.url}/#/access{at}")
        await expect(page.locator(".access")).to_be_visible()
        for _ in range(2):
            await page.click("button.lang")
            found = await Axe().run(page)
            assert found.violations_count == 0, (at, found.generate_report())
            assert "access." not in await page.inner_text("main"), at
    assert screen.errors == []


def many(access: FakeAccess, count: int) -> None:
    """So many people more."""
    access.kinds["holder"] += [record("holder", f"p-{n:05d}", name=f"Person {n}", unit="Unit") for n in range(count)]


async def test_of_thousands_some_are_listed_and_all_are_found(opener: Opener, access: FakeAccess) -> None:
    many(access, 5_000)
    page = (await opened(opener, "")).page
    await expect(page.locator(".set-tools [role=status]")).to_contain_text("5,003")
    await expect(page.locator(".set-row")).to_have_count(200)
    await page.locator("button.more").click()
    await expect(page.locator(".set-row")).to_have_count(400)
    await page.get_by_role("searchbox").fill("person 4321")
    await expect(page.locator(".set-row")).to_have_count(1)
    await page.locator(".set-row").click()
    await expect(page.get_by_label("Name *")).to_have_value("Person 4321")
    await page.evaluate("() => { location.hash = '#/access?show=holder:p-04999' }")
    await expect(page.get_by_label("Name *")).to_have_value("Person 4999")


async def test_a_person_is_chosen_out_of_thousands_by_searching(opener: Opener, access: FakeAccess) -> None:
    many(access, 5_000)
    page = (await opened(opener, "?part=permission&show=permission:%2B")).page
    await page.get_by_label("Find a person").fill("person 4777")
    await expect(page.get_by_label("Person", exact=True).locator("option")).to_have_text(["—", "Person 4777 · Unit"])
    await page.get_by_label("Person", exact=True).select_option("p-04777")
    await page.get_by_label("Find a person").fill("person 1")
    await expect(page.get_by_label("Person", exact=True)).to_have_value("p-04777")


async def test_a_file_of_people_is_looked_at_first_and_then_brought_in(opener: Opener, access: FakeAccess) -> None:
    page = (await opened(opener, "?part=import")).page
    text = "id,name\nwu-jie,Wu Jie\n"
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}
    fault = {"line": 2, "key": "line 2.card", "message": "no card key"}
    access.imported["errors"] = [fault]
    await page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
    await expect(page.locator(".outcome tbody tr")).to_have_text("2line 2.cardno card key")
    await expect(page.get_by_role("button", name="Bring it in")).to_have_count(0)
    access.imported["errors"] = []
    await page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
    await expect(page.locator(".names")).to_contain_text("wu-jie")
    await page.get_by_role("button", name="Bring it in").click()
    await expect(page.locator(".outcome")).to_contain_text("Brought in.")
    assert [path for path, _, _ in access.put] == ["import csv 1", "import csv 1", "import csv 0"]
    assert access.put[0][2] == {"text": text}
