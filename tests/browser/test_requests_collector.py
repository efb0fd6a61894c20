"""A requester and a dispatcher on a real collector: filed on one page, decided on the other, followed and rated."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.screen import PATIENCE_MS, WATCH_CSP, expect
from tests.browser.test_collector import OWN_PASSWORD, RealCollector, collecting

SITE = """
[site]
id = "east-compound"
[[room]]
id = "r-301"
name = "301"
capacity = 12
[[technician]]
id = "t-1"
name = "李工"
latitude = 30.2751
longitude = 120.1545
"""
DRAWN = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"kind": "building", "id": "b1", "name": {"en": "Building 1", "zh": "1号楼"}},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[120.154, 30.275], [120.156, 30.275], [120.156, 30.276], [120.154, 30.276], [120.154, 30.275]]
                ],
            },
        }
    ],
}


async def signed_in(page: Page, url: str, name: str, password: str) -> None:
    """From a one-time password to the page."""
    await page.goto(url)
    await page.fill("#name", name)
    await page.fill("#password", password)
    await page.keyboard.press("Enter")
    await page.fill("#old", password)
    await page.fill("#new", OWN_PASSWORD)
    await page.fill("#again", OWN_PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("header").wait_for()


async def send(page: Page, method: str, path: str, body: object, kind: str = "application/json") -> Any:
    """What the API answers the page's user."""
    text = body if isinstance(body, str) else json.dumps(body)
    script = (
        "async ([method, path, body, kind]) => { const answer = await fetch(path, {method, body,"
        " headers: {'Content-Type': kind}}); return [answer.status, await answer.text()]; }"
    )
    status, answer = await page.evaluate(script, [method, path, text, kind])
    assert status < 300, answer
    return json.loads(answer) if answer else None


async def add_user(collector: RealCollector, name: str, role: str) -> str:
    """Made on the command line; its one-time password."""
    command = [sys.executable, "-m", "cloud.cli", "user", "add", name, "--role", role, "--json"]
    command += ["--data", str(collector.folder / "data")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    password: str = json.loads(said)["one_time_password"]
    return password


async def window(browser: Browser) -> tuple[BrowserContext, Page, list[str]]:
    """A window of its own, and what it complained of."""
    context = await browser.new_context(viewport={"width": 1600, "height": 900}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(WATCH_CSP)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    return context, page, errors


async def filed(page: Page) -> None:
    """A requester lands on its page, points at a building, reads the forecast and files."""
    await expect(page.locator("h1")).to_have_text("My requests")
    await expect(page.locator(".live b")).to_have_text("Live")
    await page.keyboard.press("n")
    await page.locator("#request-kind").select_option("repair")
    await page.locator(".field:has(#request-from) .point").click()
    await page.locator(".place-map svg").click()
    await expect(page.locator("#request-from")).to_have_value("Building 1")
    await expect(page.locator(".forecast")).to_contain_text("Somebody would come at")
    await page.fill("#request-title", "No light")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator(".panel-title")).to_contain_text("No light")
    await expect(page.locator(".ask")).to_contain_text("New")


async def decided(page: Page, url: str) -> None:
    """A dispatcher sends who is suggested."""
    await page.goto(f"{url}/#/dispatch")
    await page.locator(".ask", has_text="No light").click()
    await expect(page.locator(".card-name")).to_have_text("Suggested: 李工")
    await page.locator(".suggestion .btn.pri").click()
    await expect(page.locator(".card-name")).to_have_text("Sent: 李工")
    await page.get_by_role("tab", name="Under way").click()
    await page.locator(".asks").focus()
    await page.keyboard.press("d")
    await page.locator(".panel .actions").get_by_role("button", name="Finish").click()
    await expect(page.locator(".panel .facts").first).to_contain_text("Done")


async def rated(page: Page) -> None:
    """The requester sees it by itself, rates it and finds it again."""
    await expect(page.locator(".panel .facts").first).to_contain_text("Done")
    await expect(page.locator(".panel .facts").first).to_contain_text("李工")
    await page.get_by_role("button", name="Rate").click()
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel")).to_contain_text("★★★★★")
    await page.get_by_role("tab", name="Older").click()
    await page.get_by_role("searchbox").fill("李工 light")
    await expect(page.locator(".ask")).to_have_count(1)
    await page.get_by_role("searchbox").fill("somebody else")
    await expect(page.locator(".nothing")).to_contain_text("Nothing was found.")


async def booked(page: Page, url: str) -> None:
    """A room is booked, its end changed, and the booking cancelled."""
    await page.goto(f"{url}/#/dispatch?tab=rooms")
    await page.get_by_role("button", name="Book a room").click()
    await page.get_by_role("textbox", name="Unit").fill("组织部")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    await page.goto(f"{url}/#/dispatch?tab=rooms&show=thing:east-compound/room:r-301")
    booking = page.locator(".bookings li")
    await expect(booking).to_contain_text("组织部")
    before = await booking.inner_text()
    await booking.get_by_text("Change the end", exact=True).click()
    await page.keyboard.press("Enter")
    await expect(page.locator("#new-end")).to_have_count(0)
    await expect(booking).not_to_have_text(before)
    await booking.get_by_text("Cancel", exact=True).click()
    await page.get_by_role("button", name="Cancel the booking").click()
    await expect(booking).to_have_count(0)


async def test_a_request_from_its_form_to_its_rating_and_a_room_booked_and_given_back(
    browser: Browser, tmp_path: Path
) -> None:
    async with collecting(tmp_path) as collector:
        desk, dispatcher, wrong = await window(browser)
        office, requester, amiss = await window(browser)
        try:
            await dispatcher.goto(collector.url)
            name, password = collector.password_file.read_text().split()
            await signed_in(dispatcher, collector.url, name, password)
            where = "/api/v1/assets/import?site=east-compound&format=toml"
            await send(dispatcher, "POST", where, SITE, "application/toml")
            await send(dispatcher, "PUT", "/api/v1/map/east-compound", DRAWN)
            await signed_in(requester, collector.url, "wang", await add_user(collector, "wang", "requester"))
            await filed(requester)
            await decided(dispatcher, collector.url)
            await rated(requester)
            await booked(dispatcher, collector.url)
            for page in (dispatcher, requester):
                assert await page.evaluate("window.__violations") == []
            assert wrong == []
            assert amiss == []
        finally:
            await desk.close()
            await office.close()
