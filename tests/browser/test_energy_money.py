"""Energy's parts of money: the bill and what it was made of, balances and their suspects, what is odd."""

import pytest
import pytest_asyncio

from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_energy_money import FakeEnergyMoney
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import LOOKS, problems

PARTS = {
    "bill": ".bill-lines",
    "balance": ".balance-detail",
    "anomalies": ".anomaly-detail .chart-card",
    "correct": ".audit li",
    "files": ".report-list li",
}


@pytest.fixture
def money(api: FakeApi) -> FakeEnergyMoney:
    return FakeEnergyMoney(api)


@pytest.fixture
def dispatch(api: FakeApi, money: FakeEnergyMoney) -> FakeDispatch:
    """After the routes of energy: the page is served with both."""
    return FakeDispatch(api)


@pytest_asyncio.fixture(loop_scope="session")
async def screen(opener: Opener, money: FakeEnergyMoney) -> Screen:
    return await opener(signed_in=True)


async def opened(screen: Screen, part: str, more: str = "") -> Screen:
    """A part of the page Energy, drawn; corrections are of the meter that has a history."""
    more = more or ("&of=meter:b3-lifts" if part == "correct" else "")
    await screen.page.goto(f"{screen.served.url}/#/energy?site=east-compound&part={part}{more}")
    await screen.page.locator(PARTS[part]).first.wait_for()
    return screen


async def test_a_bill_says_what_it_comes_to_and_what_is_missing_in_it(screen: Screen) -> None:
    page = (await opened(screen, "bill")).page
    head = page.locator(".bill-head")
    await expect(head).to_contain_text("¥ 67,045.43")
    await expect(head).to_contain_text("¥ 0.9011")
    await expect(head).to_contain_text("incomplete")
    await expect(head).to_contain_text("99.7 % known")
    await expect(page.locator(".bill-lines tfoot")).to_contain_text("67,045.43")
    unknown = page.locator(".bill-lines tr", has_text="power factor").locator(".hatched")
    await expect(unknown).to_have_count(1)


async def test_days_are_chosen_on_the_bar_only_where_the_bill_is_not_of_a_billing_period(screen: Screen) -> None:
    page = (await opened(screen, "bill")).page
    await expect(page.locator(".period")).to_have_count(0)
    await page.get_by_label("Billing period").select_option("bar")
    await expect(page.locator(".period")).to_be_visible()
    await page.get_by_label("Billing period").select_option(index=0)
    await expect(page.locator(".period")).to_have_count(0)


async def test_an_amount_of_a_bill_opens_to_quantity_times_price_and_on_to_intervals(screen: Screen) -> None:
    page = (await opened(screen, "bill")).page
    await page.get_by_role("button", name="24,955.58").click()
    made = page.locator(".made")
    await expect(made).to_contain_text("21,700.5 kWh × 1.1500 CNY = ¥ 24,955.58")
    await expect(made).to_contain_text("浙发改价格〔2026〕112号")
    await expect(made).to_contain_text("120.4 kWh")
    await expect(made).to_contain_text("14.25 kWh")
    await made.get_by_role("button", name="Quarter hours behind it").click()
    await expect(page.locator(".side .panel")).to_contain_text("B3 main")


async def test_another_tariff_is_tried_beside_it_and_nothing_is_stored(screen: Screen, money: FakeEnergyMoney) -> None:
    page = (await opened(screen, "bill")).page
    await page.locator("#try-tariff").select_option("flat-rate")
    tried = page.locator(".tried-bill")
    await expect(tried).to_contain_text("¥ 61,008.00")
    await expect(tried).to_contain_text("−¥ 6,037.43 · −9.0 %")
    assert money.put == []


async def test_a_site_without_a_tariff_is_told_what_to_do(screen: Screen, money: FakeEnergyMoney) -> None:
    money.tariffs = {}
    await screen.page.goto(f"{screen.served.url}/#/energy?site=east-compound&part=bill")
    await expect(screen.page.locator(".energy-empty")).to_contain_text("The site has no tariff yet")


async def test_a_gap_beyond_what_meters_may_err_by_names_its_suspect_and_what_to_do(screen: Screen) -> None:
    page = (await opened(screen, "balance")).page
    rows = page.locator(".balance-list li")
    await expect(rows.first).to_contain_text("+2,460 kWh · 25.0 %")
    child = page.locator(".sums tr", has_text="Lifts 电梯")
    await expect(child).to_contain_text("20.0 %")
    await expect(child).to_contain_text("99.0 %")
    await expect(rows.nth(1)).to_contain_text("Balanced")
    detail = page.locator(".balance-detail")
    await expect(detail).to_contain_text("± 122.0 kWh")
    await expect(detail.locator(".suspects .first")).to_contain_text("as if its readings had to be multiplied by 2")
    await expect(detail.locator(".suspects .first")).to_contain_text("nameplate of Air conditioning 空调")
    await detail.get_by_role("button", name="Correct").click()
    await expect(page.locator("#correct-type")).to_have_value("ratio")
    await expect(page.locator("#correct-meter")).to_have_value("b3-hvac")


async def test_where_a_part_is_missing_there_is_no_gap(screen: Screen) -> None:
    page = (await opened(screen, "balance")).page
    card = page.locator(".chart-card", has=page.locator("#chart-balance"))
    await card.get_by_role("button", name="Table").click()
    lost = card.locator("tr", has=page.locator(".hatched"))
    await expect(lost.first).to_be_visible()
    await expect(lost.first.locator("td").nth(2).locator(".hatched")).to_have_count(1)


async def test_anomalies_stand_once_each_the_dearest_first_and_show_themselves(screen: Screen) -> None:
    page = (await opened(screen, "anomalies")).page
    rows = page.locator(".anomaly-list li")
    await expect(rows).to_have_count(5)
    await expect(rows.first).to_contain_text("Night load")
    await expect(rows.first).to_contain_text("¥ 186 / week")
    await expect(rows.first).to_contain_text("41.0 kW at night on days off, before 18.2 kW")
    await expect(rows.last).to_have_class("past")
    await expect(page.locator(".anomaly-detail .chart")).to_have_attribute("data-drawn", "1")
    await rows.nth(1).click()
    await expect(page.locator(".anomaly-detail")).to_contain_text("4 days above idle (24.0 kW)")
    await page.get_by_role("button", name="Earlier time").click()
    card = page.locator(".anomaly-detail .chart-card")
    await card.get_by_role("button", name="Table").click()
    await expect(card.locator("tbody tr").first).to_be_visible()


async def test_while_anomalies_are_looked_for_the_page_says_how_far_it_is(
    screen: Screen, money: FakeEnergyMoney
) -> None:
    money.ready = False
    await screen.page.goto(f"{screen.served.url}/#/energy?site=east-compound&part=anomalies")
    await expect(screen.page.locator(".anomaly-list")).to_contain_text("looking at meter 2 of 6")
    money.ready = True
    await expect(screen.page.locator(".anomaly-list li")).to_have_count(5)


async def test_a_finding_is_shelved_or_accepted_with_a_reason_and_taken_back(
    screen: Screen, money: FakeEnergyMoney
) -> None:
    page = (await opened(screen, "anomalies")).page
    rows, kept = page.locator(".anomaly-list li"), page.locator(".judged-as")
    detail = page.locator(".anomaly-detail")
    await detail.get_by_role("button", name="a week").click()
    await expect(detail.locator(".judge .failure")).to_have_text("A reason is needed, for those who ask next year.")
    await page.get_by_label("Reason").fill("the pump is tested")
    await detail.get_by_role("button", name="a week").click()
    await expect(detail.locator(".judged")).to_contain_text("Shelved until")
    await expect(detail.locator(".judged")).to_contain_text("the pump is tested")
    await expect(detail.locator(".judged")).to_contain_text("administrator")
    (shelved,) = money.said[("b3-floor-2", "night_load")]
    assert abs(shelved["until"] - money.api.clock.now_ms() - 7 * 86_400_000) < 300_000
    await expect(rows).to_have_count(4)
    await expect(page.locator(".anomaly-list .h small")).to_contain_text("3 open")
    await kept.get_by_role("button", name="Shelved").click()
    await expect(rows).to_have_count(1)
    assert "judged=shelved" in page.url
    await detail.get_by_role("button", name="Take back").click()
    await expect(detail.locator(".judged-list li")).to_have_count(2)
    await expect(detail.locator(".judged-list li").first).to_contain_text("Taken back")
    # Somebody else is faster: it is said, and what holds now is shown.
    money.say("b3-floor-2", "night_load", state="accepted", reason="cold store", by="li")
    await page.get_by_label("Reason").fill("runs at night")
    await detail.get_by_role("button", name="Accept as normal").click()
    await expect(detail.locator(".judge .failure")).to_contain_text("Somebody else changed it")
    await expect(detail.locator(".judged")).to_contain_text("cold store")
    await expect(kept.get_by_role("button", name="Accepted")).to_contain_text("1")
    # What came back by itself says why.
    money.say("b3-floor-2", "night_load", state="open", by="", week_kwh=610.0, back="worse")
    await page.reload()
    await kept.get_by_role("button", name="Open").click()
    await rows.filter(has_text="Floor 2").first.get_by_role("button").click()
    await expect(detail.locator(".judge .warn").first).to_contain_text("now 610 kWh a week")
    await expect(detail.locator(".judged-list li")).to_have_count(4)
    assert await problems(screen) == []


async def test_a_change_of_meter_stands_for_the_record_and_opens_to_the_register(screen: Screen) -> None:
    page = (await opened(screen, "anomalies", "&judged=noted")).page
    row = page.locator(".anomaly-list li")
    await expect(row).to_contain_text("the old meter ended at 81233.51 (12.5 kWh that day)")
    await page.get_by_role("button", name="What happened to the register").click()
    panel = page.locator(".panel")
    await expect(panel.locator(".register-events")).to_contain_text("register 81233.51 → 0.02")
    await expect(panel.locator("table.raw tbody tr")).to_have_count(2)
    await page.keyboard.press("Escape")
    await page.get_by_label("Reason").fill("form 2026-114 seen")
    await page.get_by_role("button", name="Seen").click()
    await expect(page.locator(".judged-as").get_by_role("button", name="Accepted")).to_contain_text("1")
    await page.get_by_role("button", name="Its record").click()
    await expect(page.locator("#correct-meter")).to_have_value("b3-lifts")


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_nothing_is_foreign(
    opener: Opener, money: FakeEnergyMoney, look: dict[str, str]
) -> None:
    screen = await opener(signed_in=True, **look)
    for part in PARTS:
        await opened(screen, part)
        assert await problems(screen) == [], part
        assert await screen.violations() == [], part
    assert (screen.foreign, screen.errors) == ([], [])


@pytest.mark.parametrize("look", LOOKS[::3])
async def test_no_window_is_too_narrow(opener: Opener, money: FakeEnergyMoney, look: dict[str, str]) -> None:
    screen = await opener(signed_in=True, **look)
    for part in PARTS:
        await opened(screen, part)
        for width, height in ((1920, 1080), (1280, 720), (768, 900), (390, 844)):
            await screen.page.set_viewport_size({"width": width, "height": height})
            await expect(screen.page.locator(PARTS[part]).first).to_be_visible()
            assert await screen.wide() <= 0, (part, width)
