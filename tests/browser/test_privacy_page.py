"""One person looked for, given out and deleted on the page, legal holds, and the trail by time and site."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from cloud.privacy.archive import WORDS
from cloud.privacy.holding import HELD
from cloud.registry import people_accounts, people_columns, people_places, people_traces
from tests.browser.screen import expect
from tests.browser.test_collector import RealCollector, collecting
from tests.browser.test_people_page import press, signed_in

SHOTS = [("en-GB", "light", 1600), ("zh-CN", "dark", 390), ("en-GB", "light", 390), ("zh-CN", "dark", 1600)]
WEB = Path(__file__).parents[2] / "cloud" / "web"


def test_every_source_and_every_reason_to_stay_has_words() -> None:
    reasons = [people_accounts.OPEN, people_accounts.LAST_ADMINISTRATOR, HELD]
    reasons += [people_traces.BY_LAW, people_traces.IN_THE_LIST, people_columns.BOOKS, people_places.IN_ACCESS]
    for language in ("en", "zh-CN"):
        text = (WEB / "i18n" / f"{language}.json").read_text("utf-8")
        assert [name for name in WORDS if f'"source.{name}":' not in text] == []
        assert [why for why in reasons if f'"stays.{why}":' not in text] == []


async def sent(page: Page, method: str, path: str, body: object) -> int:
    """By the page's own session."""
    asked = "([method, path, body]) => fetch(path, {method, headers: {'Content-Type': 'application/json'},"
    return int(await page.evaluate(f"{asked} body: JSON.stringify(body)}}).then((answer) => answer.status)",
                                   [method, path, body]))  # fmt: skip


async def visited(page: Page, name: str, phone: str, plate: str = "") -> None:
    """A pass of a visitor; it is cancelled, so that it is over."""
    pass_ = {"site": "east", "name": name, "phone": phone, "host": "Zhang", "unit": "Finance", "plate": plate}
    now = int(await page.evaluate("Date.now()"))
    assert await sent(page, "POST", "/api/v1/passes", {**pass_, "from": now, "until": now + 3_600_000}) == 201
    listed = "fetch('/api/v1/passes?site=east').then((answer) => answer.json()).then((answer) => answer.passes)"
    number = next(each["id"] for each in await page.evaluate(listed) if each["name"] == name)
    assert await sent(page, "POST", f"/api/v1/passes/{number}/cancel", {}) == 200


async def wide(page: Page) -> int:
    root = "document.documentElement"
    return int(await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


async def held_back(page: Page) -> None:
    """A hold on this person: nothing is deleted until it is lifted."""
    await page.get_by_label("Person", exact=True).fill("李伟")
    await page.get_by_label("Why").fill("case 2026-17")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("list", name="Legal holds")).to_contain_text("name 李伟")


async def chosen(page: Page, url: str) -> None:
    await page.goto(f"{url}/#/settings?set=person")
    await expect(page.get_by_role("button", name="Find", exact=True)).to_be_enabled()
    await page.get_by_label("Search").fill("139")
    await page.keyboard.press("Enter")
    await press(page, "Add name 李伟, phone 13912345678, plate 浙A12345")
    await expect(page.locator(".chosen-words")).to_contain_text("phone 13912345678")


async def test_one_person_is_found_given_out_held_and_deleted_by_keys_alone(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "cloud.toml").write_text('[[site]]\nid = "east"\nname = "East compound"\n')
    async with collecting(tmp_path, tmp_path / "cloud.toml") as collector:
        page = await signed_in(browser, collector.url, collector.password_file, locale="en-GB")
        await visited(page, "李伟", "13912345678", "浙A12345")
        await visited(page, "王芳", "13800000000")
        token = {"name": "phone of 王芳"}
        assert await sent(page, "POST", "/api/v1/tokens", token) == 201
        assert await sent(page, "POST", "/api/v1/tokens", {**token, "name": "phone of 李伟"}) == 201
        await page.goto(f"{collector.url}/#/settings?set=kept_of")
        await expect(page.locator(".kept-of")).to_contain_text("The next round begins")
        await held_back(page)
        await chosen(page, collector.url)
        await press(page, "Look what is held")
        await expect(page.locator(".list-card > .failure")).to_contain_text(["Say why"])
        await page.get_by_label("Why").fill("asked for by letter")
        await press(page, "Look what is held")
        await expect(page.locator("table.plan")).to_contain_text("Visits")
        async with page.expect_download() as coming:
            await press(page, "Download a copy (ZIP)")
        with zipfile.ZipFile(io.BytesIO((await (await coming.value).path()).read_bytes())) as file:
            assert "李伟" in file.read("visits.json").decode()
            assert "王芳" not in file.read("visits.json").decode()
        await expect(page.locator("table.plan")).to_contain_text("there is a legal hold on it")
        await expect(page.get_by_label("Type 李伟 to confirm")).to_have_count(0)
        await page.goto(f"{collector.url}/#/settings?set=kept_of")
        await press(page, "Lift")
        await press(page, "Lift it")
        await expect(page.get_by_text("1 lifted")).to_be_visible()
        await chosen(page, collector.url)
        await page.get_by_label("Why").fill("asked for by letter")
        await press(page, "Look what is held")
        await page.get_by_role("checkbox", name="phone of 李伟").check()
        await page.get_by_label("Type 李伟 to confirm").fill("no")
        await page.keyboard.press("Enter")
        await expect(page.locator("#type-wrong")).to_contain_text("Nothing was deleted")
        await page.get_by_label("Type 李伟 to confirm").fill("李伟")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Deleted. The files are being cleaned.")).to_be_visible()
        listed = await page.evaluate("fetch('/api/v1/passes?site=east').then((answer) => answer.text())")
        assert "李伟" not in listed
        assert "王芳" in listed
        tokens = await page.evaluate("fetch('/api/v1/tokens').then((answer) => answer.text())")
        assert "phone of 王芳" in tokens
        assert "phone of 李伟" not in tokens
        await trail_of(page, collector)
        await page.context.close()
        await every_look(browser, collector)


async def trail_of(page: Page, collector: RealCollector) -> None:
    """By site, by time, by person."""
    await page.goto(f"{collector.url}/#/settings?set=trail")
    rows = page.locator("table.people tbody tr")
    await expect(rows.first).to_be_visible()
    await page.locator(".trail-filter select").select_option("east")
    await press(page, "Find")
    await expect(page.locator("table.people")).not_to_contain_text("Exported a person's data")
    await expect(page.locator("table.people")).to_contain_text("Expected a visitor")
    await page.get_by_label("Until").fill("2026-01-02T03:04")
    await page.get_by_label("From").fill("2026-01-01T03:04")
    await press(page, "Find")
    await expect(rows).to_have_count(0)
    await page.get_by_label("Until").fill("")
    await page.locator(".trail-filter select").select_option("")
    await page.get_by_label("Who").fill("admin")
    await press(page, "Find")
    await expect(page.locator("table.people")).to_contain_text("Exported a person's data")


async def every_look(browser: Browser, collector: RealCollector) -> None:
    for language, scheme, width in SHOTS:
        page = await signed_in(browser, collector.url, None, locale=language, color_scheme=scheme)
        await page.set_viewport_size({"width": width, "height": 900 if width > 1000 else 844})
        for section in ("person", "kept_of", "trail"):
            await page.goto(f"{collector.url}/#/settings?set={section}")
            await expect(page.locator(".settings .list-card").first).to_be_visible()
            if section == "person":
                await expect(page.locator(".trail-filter .btn").first).to_be_enabled()
                await page.locator(".trail-filter input").first.fill("王")
                await page.keyboard.press("Enter")
                await page.locator(".known button").first.click()
                await page.locator(".why input").fill("letter 7")
                await page.locator(".person-deeds .pri").click()
                await expect(page.locator("table.plan, .delete-person").last).to_be_visible()
            else:
                await expect(page.locator("table.people tbody tr").first).to_be_visible()
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            if folder := os.environ.get("DAYUAN_SCREENSHOTS"):
                await page.screenshot(path=f"{folder}/{section}-{language}-{scheme}-{width}.png")
            assert await wide(page) <= 0, f"{section} at {width}"
        await page.context.close()
