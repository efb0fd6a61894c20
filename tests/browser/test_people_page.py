"""The sections People, Tokens, Audit trail and Retention of the page Settings, on a real collector, by keys alone."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.browser.screen import expect
from tests.browser.test_collector import OWN_PASSWORD, collecting
from tests.waiting import until

LOOKS = [("en-GB", "light"), ("zh-CN", "dark"), ("en-GB", "dark"), ("zh-CN", "light")]


async def signed_in(browser: Browser, url: str, first: Path | None, **look: str) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, **look)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(url)
    one_time = OWN_PASSWORD if first is None else first.read_text("utf-8").split()[1]
    await page.fill("#name", "admin")
    await page.fill("#password", one_time)
    await page.keyboard.press("Enter")
    if first is not None:
        await page.fill("#old", one_time)
        await page.fill("#new", OWN_PASSWORD)
        await page.fill("#again", OWN_PASSWORD)
        await page.keyboard.press("Enter")
    await expect(page.locator("header .menu-box").last).to_be_visible()
    return page


async def press(page: Page, name: str) -> None:
    """By keys: the focus and Enter."""
    button = page.get_by_role("button", name=name, exact=True)
    await expect(button).to_be_enabled()
    await button.focus()
    await page.keyboard.press("Enter")


async def test_people_are_made_changed_and_shut_out_and_all_of_it_is_in_the_trail(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "cloud.toml").write_text('[[site]]\nid = "east"\nname = "East compound"\n')
    async with collecting(tmp_path, tmp_path / "cloud.toml") as collector:
        page = await signed_in(browser, collector.url, collector.password_file, locale="en-GB")
        await page.goto(f"{collector.url}/#/settings?set=people")
        await press(page, "New person")
        await expect(page.locator("#person-name")).to_be_focused()
        await page.keyboard.type("li")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("One-time password of li: shown only now.")).to_be_visible()
        assert len(await page.get_by_label("One-time password").input_value()) > 10
        await press(page, "I have kept it")
        row = page.locator("table.people tr", has_text="li").last
        await expect(row).to_contain_text("must change the password")
        await press(page, "Change li")
        await page.get_by_label("Role 1", exact=True).select_option("dispatcher")
        await page.get_by_label("Site of role 1").select_option("east")
        await press(page, "Save")
        await expect(page.locator("dialog [role=status]")).to_have_text("Saved.")
        await press(page, "Shut out")
        await expect(page.get_by_role("button", name="Let in again")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(row).to_contain_text("Dispatcher · East compound")
        await expect(row).to_contain_text("shut out")
        await expect(page.get_by_text("this one")).to_be_visible()
        await page.goto(f"{collector.url}/#/settings?set=trail")
        await expect(page.locator("table.people")).to_contain_text("Changed what a user may do")
        await until(lambda: any(path.stat().st_size for path in tmp_path.rglob("audit.checkpoints")), within_s=60)
        await press(page, "Check the chain")
        await expect(page.locator(".verdict")).to_contain_text("all as they were written")
        await page.get_by_label("What").fill("POST /api/v1/users")
        await page.keyboard.press("Enter")
        await expect(page.locator("table.people tbody tr")).to_have_count(1)
        await page.goto(f"{collector.url}/#/settings?set=kept_of")
        await expect(page.locator("table.people")).to_contain_text("90 days")
        await page.goto(f"{collector.url}/#/settings?set=tokens")
        await expect(page.get_by_text("Tokens for energy are made under Energy")).to_be_visible()
        await page.context.close()
        for language, scheme in LOOKS:
            page = await signed_in(browser, collector.url, None, locale=language, color_scheme=scheme)
            for section in ("people", "tokens", "trail", "kept_of"):
                await page.goto(f"{collector.url}/#/settings?set={section}")
                await expect(page.locator(".settings .list-card").first).to_be_visible()
                rows = "thead tr" if section == "tokens" else "tbody tr"  # there are no tokens
                await expect(page.locator(f"table.people {rows}").first).to_be_visible()
                found = await Axe().run(page)
                assert found.violations_count == 0, found.generate_report()
                if folder := os.environ.get("DAYUAN_SCREENSHOTS"):
                    await page.screenshot(path=f"{folder}/{section}-{language}-{scheme}.png")
            await page.context.close()
