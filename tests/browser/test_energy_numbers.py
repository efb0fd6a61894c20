"""Every number of the page Energy opens, view by view, down to intervals, the register and raw readings.

Each chart has its table, and its CSV says the same.
"""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_energy import FakeEnergy
from tests.browser.fake_energy_money import FakeEnergyMoney
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_energy import drawn, energy, opened, yesterday

__all__ = ["energy", "opened"]

# One number of each place: of each column of a table, and of each kind of button elsewhere in a card.
PLACES = """() => {
  const found = new Map();
  for (const one of document.querySelectorAll(".energy-part button.num")) {
    if (one.offsetParent === null) continue;
    const card = one.closest("[aria-labelledby], [aria-label]"), cell = one.closest("td, th, dd, small, p, li");
    const inTable = cell?.matches("td, th") ?? false;
    const line = one.closest(".bill-lines") ? cell.parentElement.rowIndex : "";
    const column = inTable && !one.closest(".chart-card") ? cell.cellIndex : inTable ? "table" : cell?.className ?? "";
    const name = card?.getAttribute("aria-labelledby") ?? card?.getAttribute("aria-label");
    const key = [name, cell?.tagName, line, column, one.className].join(" ");
    if (!found.has(key)) { found.set(key, one); one.dataset.place = String(found.size); }
  }
  return [...found.keys()];
}"""
# Large figures and cells of amounts that are no button: what is seen there cannot be opened.
SHUT = """() => {
  const figures = ".big-line, .sums tbody:first-of-type td:nth-child(2), .gaps td:nth-child(5)";
  return [...document.querySelector(".energy-part").querySelectorAll(figures)]
    .filter((one) => one.offsetParent !== null && /[0-9]/.test(one.textContent) && !/%/.test(one.textContent))
    .filter((one) => !one.querySelector("button.num")).map((one) => one.textContent);
}"""


async def down(page: Page, place: str) -> None:
    """From an opened amount to raw readings."""
    panel = page.locator(".side .panel")
    quarter = panel.locator(".quarter-head")
    numbers = panel.locator("tbody button.num")
    for _ in range(5):
        await expect(quarter.or_(numbers).first, place).to_be_visible()
        if await quarter.count():
            break
        before = " ".join((await panel.text_content() or "").split())
        await numbers.first.click()
        await expect(panel).not_to_have_text(before)
    await expect(panel.locator("table.raw tbody tr").first, place).to_be_visible()
    await expect(panel.locator(".register-events li").first, place).to_be_visible()


async def every_number(screen: Screen, at: str) -> int:
    """Opens each place of a view from its address; how many there were."""
    page = screen.page
    address = f"{screen.served.url}/#/energy?{at}"

    async def come() -> list[str]:
        await page.goto("about:blank")
        await page.goto(address)
        await page.locator(".energy-part .card").first.wait_for()
        await expect(page.locator(".energy-part [role=status].muted:not(:empty)")).to_have_count(0)
        await drawn(screen)
        for button in await page.get_by_role("button", name="Table").all():
            await button.click()
        found: list[str] = await page.evaluate(PLACES)
        return found

    places = await come()
    assert await page.evaluate(SHUT) == [], at
    for number, place in enumerate(places, 1):
        button = page.locator(f"[data-place='{number}']")
        is_line = await button.get_attribute("aria-expanded") is not None
        await button.click()
        if is_line:  # a line of a bill says first how it was worked out
            await page.locator(".made .btn").first.click()
        elif "part=bill" in page.url and "part=bill" not in at:  # the cost of the day: its bill
            await come()
            continue
        await down(page, place)
        await page.locator(".side .panel").get_by_role("button", name="Close").click()
        await expect(page.locator(".side .panel")).to_have_count(0)
    return len(places)


async def copies(screen: Screen) -> None:
    """The CSV of each chart: known as UTF-8, as many rows as its table, and the table's first figures."""
    page = screen.page
    for card in await page.locator(".chart-card").all():
        shown = await card.locator("tbody tr").count()
        async with page.expect_download() as coming:
            await card.get_by_role("button", name="CSV").click()
        text = Path(await (await coming.value).path()).read_text(encoding="utf-8")
        assert text.startswith("\ufeff")
        head, *rows = list(csv.reader(io.StringIO(text[1:])))
        assert len(rows) >= min(shown, 200) > 0
        assert {len(row) for row in rows} == {len(head)}
        assert any(field.replace(".", "", 1).isdigit() for row in rows for field in row[1:])


async def test_every_number_of_use_opens_down_to_raw_readings(opened: Any, energy: FakeEnergy) -> None:
    day = yesterday(energy)
    screen: Screen = await opened(f"?day={day}")
    least = {f"day={day}": 10, f"part=detail&of=meter:b1-main&day={day}&against=before": 4, f"part=data&day={day}": 3}
    for at, places in least.items():
        assert await every_number(screen, at) >= places, at
        await copies(screen)
    assert screen.errors == []


@pytest.fixture
def money(api: FakeApi) -> FakeEnergyMoney:
    return FakeEnergyMoney(api)


@pytest_asyncio.fixture(loop_scope="session")
async def counted(opener: Opener, money: FakeEnergyMoney) -> AsyncIterator[Screen]:
    yield await opener(signed_in=True)


async def test_every_number_of_money_and_records_opens_down_to_raw_readings(counted: Screen) -> None:
    least = {"part=bill": 8, "part=balance": 2, "part=anomalies": 3, "part=anomalies&judged=noted": 1}
    for at, places in least.items():
        assert await every_number(counted, f"site=east-compound&{at}") >= places, at
        await copies(counted)
    assert counted.errors == []


@pytest.fixture
def dispatch(api: FakeApi, request: pytest.FixtureRequest) -> FakeDispatch:
    """After the routes of energy: the page is served with both."""
    if "counted" in request.fixturenames:
        request.getfixturevalue("money")
    return FakeDispatch(api)
