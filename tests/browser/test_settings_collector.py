"""The page Settings on a real collector: what it sends is what the API takes."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.browser.screen import PATIENCE_MS, WATCH_CSP, expect
from tests.browser.test_collector import OWN_PASSWORD, collecting, publish

SITE = b"""[site]
id = "east-compound"
[[vehicle]]
id = "car-9"
plate = "Z-9"
[[room]]
id = "r-1"
capacity = 12
"""
SAVED = ".form-end [role=status]"


async def get(page: Page, path: str) -> Any:
    """What the API answers the page's user."""
    text = await page.evaluate("async (path) => (await fetch(path)).text()", path)
    return json.loads(text)


async def things(page: Page, base: str) -> None:
    """A device is bound to a new meter; the wrong schedule of a room is named."""
    await page.goto(f"{base}/#/settings?which=devices&show=device:b3-main")
    await page.get_by_role("button", name="A new one: Meter").click()
    await page.get_by_label("Id", exact=True).fill("m-1")
    await page.get_by_label("Name *").fill("Main meter")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("Main meter")
    found = (await get(page, "/api/v1/assets/east-compound/meter/m-1"))["bindings"]
    assert found == [{"role": "meter", "device": "b3-main"}]
    await page.goto(f"{base}/#/settings?show=asset:room/r-1")
    await page.get_by_label("may be booked").fill("mondays")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-fact-open-wrong")).to_contain_text("'mondays' is no schedule")
    await page.get_by_label("may be booked").fill("mon 08:00-12:00")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(SAVED)).to_have_text("Saved.")


async def rules(page: Page, base: str) -> None:
    """A rule, tried and kept."""
    await page.goto(f"{base}/#/settings?set=rules&show=rule:%2B")
    await page.get_by_label("Name *").fill("Power is high")
    await page.locator("#set-point").press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.get_by_label("Above *").fill("9000")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.locator(".tried")).to_contain_text("It would have raised 0 alarms in 7 days, on 1 series")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("power-is-high")
    (rule,) = (await get(page, "/api/v1/alarm-rules"))["rules"]
    assert (rule["point"], rule["limit"], rule["rev"]) == ("active_power_total", 9000.0, 1)


async def webhooks(page: Page, base: str) -> None:
    """A webhook nobody listens at: the test says so."""
    await page.goto(f"{base}/#/settings?set=webhooks&show=webhook:%2B")
    await page.get_by_label("Name *").fill("Duty")
    await page.get_by_label("Address *").fill("http://127.0.0.1:9/in?key=hush")
    await page.get_by_label("Only these kinds of alarms").fill("door_forcd")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator("#set-kinds-wrong")).to_contain_text("'door_forcd' is no kind of alarm")
    await page.get_by_label("Only these kinds of alarms").fill("door_forced")
    await page.get_by_label("Name *").press("Enter")
    await expect(page.locator(".panel-title")).to_contain_text("http://127.0.0.1:9/in?…")
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.locator(".tested code")).not_to_be_empty()


async def thresholds(page: Page, base: str) -> None:
    """One of each section."""
    for section, label, value in (
        ("fleet", "A trip begins after", "250"),
        ("dispatch", "On foot", "4.5"),
        ("rooms", "Used less than", "25"),
    ):
        await page.goto(f"{base}/#/settings?set={section}")
        await page.get_by_label(label).fill(value)
        await page.get_by_label(label).press("Enter")
        await expect(page.locator(SAVED)).to_have_text("Saved.")
    assert (await get(page, "/api/v1/fleet-settings/east-compound"))["settings"]["trip_distance_m"] == 250.0
    kept = (await get(page, "/api/v1/dispatch/settings/east-compound"))["settings"]
    assert (kept["walking_kmh"], kept["evaluation_under"]) == (4.5, 0.25)
    assert (await get(page, "/api/v1/rooms/use?site=east-compound"))["under"] == 0.25


async def test_a_site_is_set_up_by_page_on_a_real_collector(browser: Browser, tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector:
        context = await browser.new_context(viewport={"width": 1600, "height": 900}, locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(WATCH_CSP)
        page = await context.new_page()
        try:
            await page.goto(collector.url)
            name, password = collector.password_file.read_text().split()
            await page.fill("#name", name)
            await page.fill("#password", password)
            await page.keyboard.press("Enter")
            await page.fill("#old", password)
            await page.fill("#new", OWN_PASSWORD)
            await page.fill("#again", OWN_PASSWORD)
            await page.keyboard.press("Enter")
            await expect(page.locator(".empty")).to_be_visible()
            await publish(collector, 1, 8123.0)
            await expect(page.locator("[id='row-east-compound/b3-main']")).to_be_visible()

            await page.goto(f"{collector.url}/#/settings?set=import")
            await page.set_input_files("input[type=file]", {"name": "site.toml", "mimeType": "", "buffer": SITE})
            await expect(page.locator(".counts")).to_contain_text("new2")
            await page.get_by_role("button", name="Bring it in").click()
            await expect(page.locator(".outcome")).to_contain_text("Brought in.")
            await things(page, collector.url)
            await rules(page, collector.url)
            await webhooks(page, collector.url)
            await thresholds(page, collector.url)
            assert await page.evaluate("window.__violations") == []
        finally:
            await context.close()
