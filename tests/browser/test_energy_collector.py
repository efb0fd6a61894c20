"""Energy on a real collector: a register read for two hours, a structure, and an amount opened down to its readings."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser

from protocols.clock import SystemClock
from tests.browser.screen import WATCH_CSP, expect
from tests.browser.test_collector import OWN_PASSWORD, RealCollector, collecting
from tests.waiting import until

SITE = "east-compound"
POINT = "active_energy_import_total"
QUARTER = 900_000
LATE_MS = 120_000
"""How long a loaded machine may take to begin."""


async def publish(collector: RealCollector, what: str, body: dict[str, Any], *more: str) -> None:
    """As `mosquitto_pub` sends it."""
    topic = f"dayuan/1/{SITE}/b3-plant-room/{what}"
    command = ["mosquitto_pub", "-p", str(collector.broker), "-q", "1", *more, "-t", topic, "-m", json.dumps(body)]
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


async def set_up(collector: RealCollector, first: int) -> str:
    """A meter announced, read every five minutes for two hours, and named in a structure; the session's cookie."""
    device = {
        "id": "b3-main",
        "name": "B3 main",
        "kind": "meter",
        "profile": "eastron/sdm630",
        "bus": "b",
        "every_s": 300,
    }
    device |= {
        "stale_after_s": 900,
        "points": [{"name": POINT, "unit": "kWh", "kind": "counter", "stale_after_s": 900}],
    }
    birth = {
        "v": 1,
        "gateway": "b3-plant-room",
        "name": "B3",
        "site": SITE,
        "software": "0.1.0",
        "config_hash": "x",
        "session": 1,
    }
    birth |= {"started_at": first, "time_zone": "UTC", "site_name": "East compound", "devices": [device]}
    await publish(collector, "birth", birth, "-r")
    readings = [
        {"device": "b3-main", "point": POINT, "at": first + n * 300_000, "value": 812.5 + n * 4} for n in range(25)
    ]
    batch = {"v": 1, "epoch": "by-hand", "seq": 1, "readings": readings, "events": []}
    register = {"resolution": "0.01", "rated": "400"}
    meter = {"id": "b3-main", "name": "B3 main", "role": "main", "space": "b3", "device": "b3-main", "point": POINT}
    structure = {
        "spaces": [{"id": "b3", "kind": "building", "name": "Building 3", "area_m2": "960"}],
        "meters": [{**meter, "register": register}],
    }
    async with httpx.AsyncClient(base_url=collector.url, timeout=60) as client:
        name, password = collector.password_file.read_text().split()
        await client.post("/api/v1/session", json={"name": name, "password": password})
        await client.post("/api/v1/password", json={"old": password, "new": OWN_PASSWORD})

        async def stored() -> bool:
            # Until the collector listens; the same batch again changes nothing.
            await publish(collector, "up", batch)
            answer = await client.get(f"/api/v1/readings?site={SITE}&device=b3-main&point={POINT}&from={first}")
            return answer.status_code == 200 and len(answer.json()["rows"]) == 25

        await until(stored, within_s=60, what="the readings are stored")
        answer = await client.put(f"/api/v1/energy/structure/{SITE}?rev=0", json=structure)
        assert answer.status_code == 200, answer.text
        return client.cookies["dayuan_session"]


async def test_an_amount_opens_to_the_readings_that_made_it(browser: Browser, tmp_path: Path) -> None:
    async with collecting(tmp_path) as collector:
        await until(collector.password_file.exists, within_s=60, what="the first password")
        # Two whole hours of one day, whatever time it is.
        day = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC).date() - timedelta(days=1)
        first = round(datetime(day.year, day.month, day.day, 8, tzinfo=UTC).timestamp() * 1000)
        session = await set_up(collector, first)
        # What is new is worked out every few minutes, and at a start.
        await collector.end()
        await collector.start()
        context = await browser.new_context(viewport={"width": 1600, "height": 900}, locale="en-GB")
        context.set_default_timeout(LATE_MS)
        await context.add_init_script(WATCH_CSP)
        await context.add_cookies([{"name": "dayuan_session", "value": session, "url": collector.url}])
        page = await context.new_page()
        foreign: list[str] = []
        page.on("request", lambda asked: None if asked.url.startswith(collector.url) else foreign.append(asked.url))
        try:
            await page.goto(f"{collector.url}/#/energy?day={day.isoformat()}", wait_until="domcontentloaded")
            used = page.get_by_role("region", name="Used")
            while not await used.locator(".num").count():  # the first round may still be under way
                await page.locator(".energy-part .card, .energy-part .calm").first.wait_for()
                await page.reload(wait_until="domcontentloaded")
                await used.wait_for()
            await expect(used).to_contain_text("96.0kWh")
            await expect(used).to_contain_text("8.3 % known")
            await page.get_by_role("button", name="Per m²").click()
            await used.locator(".num").click()
            panel = page.locator(".panel")
            await panel.locator("tbody .num").first.click()
            rows = panel.locator(".quarters tbody tr")
            await expect(rows.filter(has_text="measured")).to_have_count(8, timeout=LATE_MS)
            await rows.filter(has_text="measured").first.locator(".num").click()
            await expect(panel.locator("table.raw tbody tr")).to_have_count(4, timeout=LATE_MS)
            await expect(panel.locator("table.raw tbody tr").first).to_contain_text("812.5")
            await expect(panel.locator("table.raw tbody tr").first).to_contain_text("b3-plant-room")
            assert await page.evaluate("window.__violations") == []
            assert foreign == []
        finally:
            await context.close()
