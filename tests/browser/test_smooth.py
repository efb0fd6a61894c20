"""Two thousand devices that all move: few rows are drawn, and an update costs little."""

from tests.browser.compound import SITE, meter
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, expect

DEVICES = 2000
UPDATES = 1000
SCRIPT_MS_MOST = 6.0
"""Per update, with everything around it; a quiet machine needs a fifth of it."""


async def test_two_thousand_moving_devices_stay_smooth(opener: Opener, api: FakeApi) -> None:
    now = api.clock.now_ms()
    for number in range(100, 100 + DEVICES):
        device = f"m-{number}"
        api.put(meter(number, now) | {"id": f"{SITE}/{device}", "device": device, "name": f"Meter {number}"})
    screen = await opener(signed_in=True)
    page = screen.page
    await expect(page.locator(".chip.site")).to_contain_text("2,076 devices")
    chromium = await screen.context.new_cdp_session(page)
    await chromium.send("Performance.enable")

    async def script_ms() -> float:
        metrics = (await chromium.send("Performance.getMetrics"))["metrics"]
        return 1000.0 * sum(
            float(one["value"]) for one in metrics if one["name"] in ("ScriptDuration", "LayoutDuration")
        )

    before = await script_ms()
    for number in range(UPDATES):
        name = f"{SITE}/m-{100 + number % DEVICES}"
        at = api.clock.now_ms()
        power = api.entities[name]["points"]["active_power_total"] | {"value": number, "observed_at": at}
        api.change(name, points={"active_power_total": power}, observed_at=at)
        if number % 25 == 0:
            await page.evaluate("document.querySelector('.list').scrollTop += 700")
            assert await page.locator("[role=row]").count() < 80
    last = f"{SITE}/m-{99 + UPDATES}"
    await page.fill(".search input", f"m-{99 + UPDATES}")
    await expect(screen.row(last)).to_contain_text(str(UPDATES - 1))
    spent = (await script_ms() - before) / UPDATES
    assert spent < SCRIPT_MS_MOST, f"{spent:.2f} ms of script and layout per update"
    assert await page.locator("main.frozen").count() == 0
