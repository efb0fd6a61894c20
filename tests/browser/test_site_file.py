"""A gateway's site file on its panel: what runs and what is wanted, errors at their lines, published only with why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.compound import PLANT, SITE
from tests.browser.conftest import Opener
from tests.browser.fake_api import FakeApi
from tests.browser.fake_site_files import FakeSiteFiles

ENGLISH = [
    "taken back",
    "devices that answered before do not · meter-08",
    "300 is no unit id · Right would be: 1 to 254",
    "800 is no unit id",
]
CHINESE = [
    "已回退",
    "之前应答的设备不再应答 · meter-08",
    "300 不是单元号 · 正确写法: 1 至 254",
    "800 不是单元号",
]


@pytest.fixture
def files(api: FakeApi) -> FakeSiteFiles:
    return FakeSiteFiles(api)


@pytest.mark.parametrize(
    ("locale", "scheme", "edit", "states", "held"),
    [
        ("en-GB", "light", "Edit the site file", ENGLISH, "not before"),
        ("zh-CN", "dark", "编辑站点文件", CHINESE, "不早于"),
    ],
)
async def test_a_site_file_is_edited_checked_and_published_with_why(
    files: FakeSiteFiles, opener: Opener, locale: str, scheme: Any, edit: str, states: list[str], held: str
) -> None:
    screen = await opener(signed_in=True, locale=locale, color_scheme=scheme)
    page = screen.page
    await screen.row(f"{SITE}/@{PLANT}").locator(".g-backlog .num").click()
    panel = page.locator(".panel")
    for said in states[:3]:
        await expect(panel).to_contain_text(said)
    await panel.get_by_role("button", name=edit).click()
    text, buttons = panel.locator("#site-file-text"), panel.locator(".site-file-editor button")
    before = await text.input_value()
    assert 'id = "meter-08"' in before
    await text.fill(before.replace("unit = 8", "unit = 800"))
    await buttons.nth(0).click()
    await expect(panel).to_contain_text("device[0].unit")
    await expect(panel).to_contain_text(states[3])
    await panel.locator("#site-file-reason").fill("a second meter")
    await expect(buttons.nth(1)).to_be_disabled()
    await _picture(page, f"site-file-{scheme}-wrong")

    await text.fill(before.replace("unit = 8", "unit = 9"))
    await buttons.nth(0).click()
    await expect(buttons.nth(1)).to_be_enabled()
    await panel.locator("#site-file-not-before").fill("2026-10-01T02:00")
    found = (await Axe().run(page, context=".panel")).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found] == []
    await buttons.nth(1).click()
    await expect(panel.locator("#site-file-text")).to_have_count(0)
    ((query, body),) = files.asked
    two_o_clock_there = "1790791200000"
    assert query == {"reason": "a second meter", "after": "4", "not_before": two_o_clock_there}
    await expect(panel).to_contain_text(held)
    assert "unit = 9" in body
    await expect(panel).to_contain_text("a second meter")

    await panel.get_by_role("button", name="3", exact=True).click()
    await expect(panel.locator("pre.diff")).to_contain_text("+unit = 8")
    await panel.locator("#site-file-revert-3").fill("back")
    await _picture(page, f"site-file-{scheme}-history")
    await panel.locator("tr.under button").click()
    await expect(panel.locator("pre.diff")).to_have_count(0)
    assert files.asked[1][0] == {"reason": "back", "revert_to": "3", "after": "5"}
    assert await screen.violations() == []


async def _picture(page: Any, name: str) -> None:
    """For people, when somebody asks for pictures."""
    folder = os.environ.get("DAYUAN_PICTURES")
    if folder:
        await page.locator(".panel").screenshot(path=str(Path(folder) / f"{name}.png"))
