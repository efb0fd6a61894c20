"""The gateway's own status page in a real browser: languages, themes, a wrong site file, a page left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.browser.screen import WATCH_CSP
from tests.edge.test_gateway import gateway, site_file, until_snapshot
from tests.edge.test_status_page import TOKEN, served


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[Path]:
    path = site_file(tmp_path)
    async with gateway(path):
        await until_snapshot(path, lambda now: now.report.devices[0].failures > 0)
        yield path


@pytest.mark.parametrize(("locale", "scheme", "title"), [("en-GB", "light", "Devices"), ("zh-CN", "dark", "设备")])
async def test_it_is_readable_in_both_languages_and_themes(
    browser: Browser, site: Path, locale: str, scheme: Any, title: str
) -> None:
    async with served(site) as server:
        context = await browser.new_context(locale=locale, color_scheme=scheme, viewport={"width": 390, "height": 844})
        await context.add_init_script(WATCH_CSP)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if "127.0.0.1" not in request.url else None)
        await page.goto(f"http://127.0.0.1:{server.port}/")
        await expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        await expect(page.get_by_role("cell", name="b3-main").first).to_be_visible()
        found = (await Axe().run(page)).response["violations"]
        assert [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found] == []
        assert await page.evaluate("window.__violations") == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.click("#language")
        await expect(
            page.get_by_role("heading", name="设备" if title == "Devices" else "Devices", exact=True)
        ).to_be_visible()
        assert complaints == []
        await context.close()


async def test_a_wrong_site_file_stands_there_with_its_line_in_both_languages(browser: Browser, tmp_path: Path) -> None:
    path = site_file(tmp_path)
    path.write_text(path.read_text("utf-8").replace("unit = 1", "unit = 999"), encoding="utf-8")
    line = 1 + next(at for at, text in enumerate(path.read_text("utf-8").splitlines()) if "unit = 999" in text)
    async with served(path) as server:
        page = await browser.new_page(locale="zh-CN")
        await page.goto(f"http://127.0.0.1:{server.port}/")
        await expect(page.get_by_text(f"site.toml:{line}")).to_be_visible()
        await expect(page.get_by_role("heading", name="站点文件有错误")).to_be_visible()
        await page.click("#language")
        await expect(page.get_by_role("heading", name="The site file is wrong")).to_be_visible()
        await page.close()


async def test_when_its_server_is_gone_the_page_says_since_when(browser: Browser, tmp_path: Path) -> None:
    page = await browser.new_page(locale="en-GB")
    async with served(site_file(tmp_path)) as server:
        await page.goto(f"http://127.0.0.1:{server.port}/")
        await expect(page.get_by_role("heading", name="The gateway does not run")).to_be_visible()
    await expect(page.locator("#age")).to_contain_text("no answer since")
    await expect(page.get_by_role("heading", name="The gateway does not run")).to_be_visible()
    await page.close()


async def test_with_a_token_one_enters_by_it(browser: Browser, tmp_path: Path) -> None:
    async with served(site_file(tmp_path), TOKEN) as server:
        page = await browser.new_page(locale="en-GB")
        await page.goto(f"http://127.0.0.1:{server.port}/")
        assert (await Axe().run(page)).response["violations"] == []
        await page.fill("#token", TOKEN)
        await page.click("button[type=submit]")
        await expect(page.get_by_role("heading", name="The gateway does not run")).to_be_visible()
        await page.close()
