"""Setting up a second factor on the page and logging in with it, on a real collector."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.async_api import Browser, Page

from cloud.registry.second_factor import code_at
from protocols.clock import SystemClock
from tests.browser.screen import expect
from tests.browser.test_collector import OWN_PASSWORD, collecting

SETTINGS = '[users]\nsecond_factor_for = ["administrator"]\n'


def code(secret: str, steps: int = 0) -> str:
    return code_at(base64.b32decode(secret.replace(" ", "")), SystemClock().now_ms() // 30_000 + steps)


async def sign_in(page: Page, url: str, password: str) -> None:
    await page.goto(url)
    await page.fill("#name", "admin")
    await page.fill("#password", password)
    await page.keyboard.press("Enter")


async def test_an_administrator_who_must_sets_up_a_second_factor_and_logs_in_with_it(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "cloud.toml").write_text(SETTINGS)
    async with collecting(tmp_path, tmp_path / "cloud.toml") as collector:
        context = await browser.new_context(locale="en")
        page = await context.new_page()
        await page.goto(collector.url)
        one_time = collector.password_file.read_text().split()[1]
        await sign_in(page, collector.url, one_time)
        await page.fill("#old", one_time)
        await page.fill("#new", OWN_PASSWORD)
        await page.fill("#again", OWN_PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Your role needs a second factor")).to_be_visible()
        await page.fill("#password", OWN_PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator("img.qr")).to_be_visible()
        assert await page.evaluate("document.querySelector('img.qr').naturalWidth") > 40, "the picture is drawn"
        secret = await page.locator(".door code").inner_text()
        await page.fill("#code", code(secret))
        await page.keyboard.press("Enter")
        await expect(page.locator(".codes li")).to_have_count(8)
        recovery = await page.locator(".codes li").first.inner_text()
        await page.get_by_role("button", name="I have kept them").click()
        await expect(page.get_by_role("button", name="admin")).to_be_visible()
        await context.close()

        context = await browser.new_context(locale="en")
        page = await context.new_page()
        await sign_in(page, collector.url, OWN_PASSWORD)
        await expect(page.locator("#code")).to_be_focused()
        await page.fill("#code", "000000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
        await page.fill("#code", recovery)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="admin")).to_be_visible()
        await context.close()
