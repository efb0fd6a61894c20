"""Energy's parts of records: corrections with reason and history, files, tokens shown once, reports by plan."""

import pytest_asyncio

from tests.browser.fake_api import FakeApi
from tests.browser.fake_energy_money import FakeEnergyMoney
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_energy_money import dispatch, money, opened

__all__ = ["dispatch", "money"]
RECORDS = "/api/v1/energy/records/east-compound"


@pytest_asyncio.fixture(loop_scope="session")
async def screen(opener: Opener, money: FakeEnergyMoney) -> Screen:
    return await opener(signed_in=True)


async def test_a_change_of_meter_is_tried_then_recorded_with_its_reason(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "correct", "&of=meter:b3-lifts")).page
    await page.fill("#correct-at", "2026-11-02T10:30")
    await page.fill("#correct-final", "81233,51")
    await page.fill("#correct-initial", "0.00")
    await page.get_by_role("button", name="Show what it would change").click()
    tried = page.locator(".tried-record")
    await expect(tried).to_contain_text("1,202 kWh → 2,568 kWh")
    await expect(tried.locator("tbody tr").nth(1).locator(".hatched")).to_have_count(1)
    await page.get_by_role("button", name="Record", exact=True).click()
    await expect(page.locator("#correct-why-wrong")).to_be_visible()
    await page.fill("#correct-why", "form 2026-114")
    await page.get_by_role("button", name="Record", exact=True).click()
    await expect(page.locator(".correct-form")).to_contain_text("Recorded as #2")
    body = {"type": "replaced", "at": 1793586600000, "final": "81233.51", "initial": "0.00"}
    assert money.put[0] == ("POST", f"{RECORDS}/b3-lifts/try", {}, body)
    assert money.put[1] == ("POST", f"{RECORDS}/b3-lifts", {"why": "form 2026-114"}, body)
    await expect(page.locator(".audit li").first).to_contain_text("old register ended at 81233.51")


async def test_what_is_wrong_is_said_before_anything_is_sent(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "correct", "&of=meter:b3-lifts")).page
    await page.locator("#correct-type").select_option("struck")
    await page.fill("#correct-since", "2026-11-02T10:30")
    await page.fill("#correct-until", "2026-11-02T09:30")
    await page.get_by_role("button", name="Record", exact=True).click()
    await expect(page.locator("#correct-until-wrong")).to_be_visible()
    await expect(page.locator("#correct-why-wrong")).to_be_visible()
    assert money.put == []


async def test_what_the_collector_refuses_stays_to_be_read(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "correct", "&of=meter:b3-lifts")).page
    await page.locator("#correct-type").select_option("ratio")
    await page.fill("#correct-ct", "30")
    await page.fill("#correct-why", "nameplate")
    money.refusal = (422, "bad_record", "two replacements of the register at the same instant; one of them is wrong")
    await page.get_by_role("button", name="Record", exact=True).click()
    await expect(page.locator(".correct-form .failure").last).to_contain_text("two replacements")
    await expect(page.locator("#correct-ct")).to_have_value("30")


async def test_a_record_is_taken_back_with_a_reason_and_stays_in_the_history(
    screen: Screen, money: FakeEnergyMoney
) -> None:
    page = (await opened(screen, "correct", "&of=meter:b3-lifts")).page
    await page.get_by_role("button", name="Take back …").click()
    await page.get_by_role("button", name="Take back", exact=True).click()
    await expect(page.locator(".revoke .failure")).to_be_visible()
    await page.fill("#revoke-1", "wrong meter")
    await page.get_by_role("button", name="Take back", exact=True).click()
    await expect(page.locator(".audit li.revoked")).to_contain_text("wrong meter")
    assert money.put == [("DELETE", f"{RECORDS}/1", {"why": "wrong meter"}, None)]


async def test_an_advance_that_is_held_back_is_judged_from_its_line(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "correct", "&of=meter:b3-lifts")).page
    await page.locator(".held").get_by_role("button", name="Judge").click()
    await expect(page.locator("#correct-type")).to_have_value("confirmed")
    await page.fill("#correct-why", "the crane was tested")
    await page.get_by_role("button", name="Record", exact=True).click()
    await expect(page.locator(".audit li").first).to_contain_text("the crane was tested")
    assert money.put[-1][3] == {"type": "confirmed", "since": money.lost, "until": money.lost + 900_000}


async def test_an_export_is_a_link_and_its_address_has_room_for_a_token(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "files")).page
    await page.locator("#export-of").select_option("meter:b3-main")
    await page.locator("#export-step").select_option("1h")
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Save CSV").click()
    assert (await coming.value).suggested_filename == "energy.csv"
    asked = money.put[-1][2]
    assert (asked["meter"], asked["step"], asked["days"], asked["format"]) == ("b3-main", "1h", "30", "csv")
    address = await page.locator("#export-address").input_value()
    assert "/api/v1/energy/export?site=east-compound&meter=b3-main&days=30&step=1h" in address
    assert address.endswith("token=TOKEN")


async def test_a_token_is_shown_once_and_can_be_taken_away(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "files")).page
    await page.fill("#token-name", "Grafana")
    await page.get_by_role("button", name="Make", exact=True).click()
    await expect(page.locator(".token-made input")).to_have_value("dayuan_" + "S" * 43)
    assert money.put[-1][3] == {"name": "Grafana", "lasts_days": 365}
    await page.get_by_role("button", name="I have copied it").click()
    await expect(page.locator(".token-made")).to_have_count(0)
    row = page.locator(".tokens li", has_text="Grafana")
    await row.get_by_role("button", name="Remove").click()
    await row.locator(".danger").click()
    await expect(page.locator(".tokens li.past", has_text="Grafana")).to_be_visible()


async def test_the_plan_of_reports_is_saved_and_one_is_written_now(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "files")).page
    card = page.locator(".reports-card")
    await expect(card.locator(".report-list li")).to_have_count(1)
    await card.get_by_label("Every day").check()
    await card.get_by_role("button", name="Save", exact=True).click()
    await expect(card.get_by_role("status")).to_contain_text("Saved")
    assert money.put[-1][3]["daily"] is True
    assert money.put[-1][2] == {"rev": "1"}
    await card.get_by_role("button", name="Day", exact=True).click()
    await expect(card.locator(".report-list li")).to_have_count(2)


async def test_who_may_not_change_sees_history_and_files_but_no_form(
    opener: Opener, api: FakeApi, money: FakeEnergyMoney
) -> None:
    api.users["administrator"]["role"] = "viewer"
    screen = await opener(signed_in=True)
    page = (await opened(screen, "correct", "&of=meter:b3-lifts")).page
    await expect(page.locator(".correct-form")).to_have_count(0)
    await expect(page.get_by_role("button", name="Take back")).to_have_count(0)
    await opened(screen, "files")
    await expect(page.locator(".tokens-card")).to_have_count(0)
    assert money.put == []
